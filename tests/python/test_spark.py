"""The same models on Spark's executors: every mart equals DuckDB's. `make test-spark` runs it; `make test` does not."""

import math
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from conftest import PROJECT, run_build

import make_sample
import spark

pytestmark = [
    pytest.mark.xdist_group("spark"),
    pytest.mark.skipif("SPARK_REPORT" not in os.environ, reason="`make test-spark` runs it: it takes minutes"),
]
REQUESTS_A_DAY = 10  # of the sample company


def on_spark(data: Path, *words: str) -> None:
    command = [spark.ENVIRONMENT / "bin" / "python", PROJECT / "scripts" / "spark.py", data, *words]
    done = subprocess.run(command, capture_output=True, text=True, cwd=PROJECT)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


def marts_of(data: Path) -> list[str]:
    with duckdb.connect(str(data / "ledger.duckdb"), read_only=True) as engine:
        return [name for (name,) in engine.execute(
            "select table_name from information_schema.tables where table_schema = 'marts' order by 1"
        ).fetchall()]  # fmt: skip


def compared(data: Path, mart: str) -> tuple[int, list[str]]:
    """Rows of DuckDB's mart, and what of Spark's differs: exact, but for statistics (to 1e-9)."""
    folders = [data / "spark" / "warehouse" / "marts.db" / mart, data / "spark" / "views" / mart]
    files = next(folder for folder in folders if folder.exists()) / "**" / "*.parquet"
    with duckdb.connect(str(data / "ledger.duckdb"), read_only=True) as engine:
        engine.execute("set timezone = 'UTC'")
        sides = f"marts.{mart}", f"read_parquet('{files}', hive_partitioning = true)"
        types = [dict(row[:2] for row in engine.execute(f"describe select * from {side}").fetchall()) for side in sides]
        types = [{name.lower(): kind for name, kind in columns.items()} for columns in types]
        if types[0] != types[1]:
            return 0, [f"types: {dict(types[0].items() ^ types[1].items())}"]
        order = ", ".join(sorted(types[0], key=lambda name: types[0][name] == "DOUBLE"))
        ours, theirs = (engine.execute(f"select {order} from {side} order by all").fetchall() for side in sides)
    differ = [f"{len(ours)} rows, Spark has {len(theirs)}"] if len(ours) != len(theirs) else []
    return len(ours), differ + [
        f"{one} | Spark: {other}" for one, other in zip(ours, theirs, strict=False) if not are_equal(one, other)
    ]


def are_equal(ours: tuple, theirs: tuple) -> bool:
    return all(
        math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)
        if isinstance(one, float) and isinstance(other, float)
        else one == other
        for one, other in zip(ours, theirs, strict=True)
    )


def hold_equal(title: str, data: Path) -> None:
    """Every mart, one by one; the report says of each what came out."""
    lines, unequal = [f"## {title}", "", "| mart | rows | equal |", "|---|---:|---|"], []
    for mart in marts_of(data):
        rows, differ = compared(data, mart)
        lines.append(f"| `{mart}` | {rows:,} | {'no' if differ else 'yes'} |")
        unequal += [f"{mart}: {len(differ)} rows, first {differ[0]}"] if differ else []
    with Path(os.environ["SPARK_REPORT"]).open("a") as report:
        report.write("\n".join(lines) + "\n\n")
    assert unequal == []


def test_every_mart_of_the_sample_company_is_equal(tmp_path, monkeypatch):
    inbox, data = tmp_path / "inbox", tmp_path / "data"
    monkeypatch.setattr(make_sample, "REQUESTS_A_DAY", REQUESTS_A_DAY)
    monkeypatch.setattr(sys, "argv", ["make_sample.py", str(inbox)])
    make_sample.main()
    built = run_build(inbox, data, PROJECT / "seeds" / "company")
    assert built.code == 0, built.output
    on_spark(data, "build")
    hold_equal("The sample company, built anew", data)
