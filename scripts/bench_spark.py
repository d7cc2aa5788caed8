"""Rows of the performance table: the same models by DuckDB and by Spark's executors on this machine, at two sizes.

Seconds are a command's, dbt's start-up included: seeds, and every model once. From two sizes follow what a build costs
at all, and what a further million spans costs.
"""

import os
import resource
import subprocess
import time
from pathlib import Path

import bench_ledger
import company
import make_spans
import spark
from bench_ledger import PROJECT
from spark_events import Proof

TRACES = (1_000, 20_000)
MODELS = ("build", "--exclude-resource-type", "test", "unit_test")


def on_spark(data: Path) -> tuple[float, Proof]:
    """Seconds, as bench_ledger.dbt measures them for DuckDB, and what the event log says."""
    begin = time.perf_counter()
    command: list[str | Path] = [spark.ENVIRONMENT / "bin" / "python", PROJECT / "scripts" / "spark.py", data, *MODELS]
    environment = {**os.environ, "SPARK_COMPILES": "true"}
    done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stdout[done.stdout.find("Completed with") :][:2000])  # then come Java's stacks
    return time.perf_counter() - begin, Proof(next((data / "spark" / "events").iterdir()))


def rows(folder: Path) -> list[str]:
    """A row per size, and one for how the engines grow."""
    if spark.install():
        return ["| Spark | - | not measured: no Java | | |"]
    folders = [folder / f"spark-{traces}" for traces in TRACES]
    lines, sizes, on_duckdb, on_both = [], [], [], []
    for data, traces in zip(folders, TRACES, strict=True):
        sizes.append(make_spans.make(data, traces))
        company.complete(data / "company", str(data))
        seconds = bench_ledger.dbt(data, *MODELS)[0]
        on_duckdb.append((seconds, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6))
    for data, size, (ours, memory) in zip(folders, sizes, on_duckdb, strict=True):
        theirs, proof = on_spark(data)
        on_both.append((ours, theirs))
        lines.append(
            f"| Spark, {size:,} spans | DuckDB: {ours:.0f} s, {memory:.1f} GB "
            f"| {theirs:.0f} s; a driver of 3 GB, two executors of 1 GB | {ours / theirs:.2f} x "
            f"| executors: {sum(proof.tasks.values()):,} tasks, {proof.spent['cpu_seconds']:.0f} CPU s, "
            f"files read {proof.spent['bytes_read'] / 1e6:,.0f} MB, "
            f"written {proof.spent['bytes_written'] / 1e6:,.0f} MB, "
            f"shuffled {proof.shuffled['written'] / 1e6:,.0f} MB |"
        )
        print(lines[-1], flush=True)
    step = (sizes[1] - sizes[0]) / 1e6
    ours, theirs = ((later - first) / step for first, later in zip(*on_both, strict=True))
    lines.append(
        f"| a further million spans on Spark | DuckDB: {ours:.0f} s | {theirs:.0f} s "
        f"| {ours / theirs:.2f} x | above 1, Spark overtakes as data grow |"
    )
    return lines
