"""Rows of the performance table: the same models by DuckDB and by Spark's executors on this machine, at two sizes.

Seconds are a command's, dbt's start-up included: seeds, and every model once. From two sizes follow what a build costs
at all, and what a further million spans costs.
"""

import os
import subprocess
import time
from pathlib import Path

import bench_ledger
import company
import make_spans
import spark
from bench_ledger import PROJECT

TRACES = (1_000, 40_000)
MODELS = ("build", "--exclude-resource-type", "test", "unit_test")


def seconds_on_spark(data: Path) -> float:
    """What bench_ledger.dbt measures for DuckDB."""
    begin = time.perf_counter()
    command = [spark.ENVIRONMENT / "bin" / "python", PROJECT / "scripts" / "spark.py", data, *MODELS]
    environment = {**os.environ, "SPARK_COMPILES": "true"}
    done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stdout[-2000:])
    return time.perf_counter() - begin


def rows(folder: Path) -> list[str]:
    """A row per size, and one for how the engines grow."""
    if spark.install():
        return ["| Spark | - | not measured: no Java | | |"]
    lines, sizes, took = [], [], {"duckdb": [], "spark": []}
    for traces in TRACES:
        data = folder / f"spark-{traces}"
        sizes.append(make_spans.make(data, traces))
        company.complete(data / "company", str(data))
        took["duckdb"].append(bench_ledger.dbt(data, *MODELS)[0])
        took["spark"].append(seconds_on_spark(data))
        ours, theirs = took["duckdb"][-1], took["spark"][-1]
        memory = "two executors of 1 GB, a driver of 3 GB"
        lines.append(
            f"| Spark, {sizes[-1]:,} spans | DuckDB: {ours:.0f} s | {theirs:.0f} s | {ours / theirs:.2f} x | {memory} |"
        )
    step = (sizes[1] - sizes[0]) / 1e6
    slopes = {name: (seconds[1] - seconds[0]) / step for name, seconds in took.items()}
    lines.append(
        f"| a further million spans on Spark | DuckDB: {slopes['duckdb']:.0f} s | {slopes['spark']:.0f} s "
        f"| {slopes['duckdb'] / slopes['spark']:.2f} x | above 1, Spark overtakes as data grow |"
    )
    return lines
