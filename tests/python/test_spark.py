"""The same models on Spark's executors: every mart equals DuckDB's. `make test-spark` runs it; `make test` does not."""

import math
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from conftest import PROJECT, run_build
from exports import COSTS, cost, write
from test_forests import otlp
from test_increments import late_trace, world

import build as build_script
import make_sample
import spark
from spark_events import Proof

pytestmark = pytest.mark.xdist_group("spark")
takes_minutes = pytest.mark.skipif(
    "SPARK_REPORT" not in os.environ, reason="`make test-spark` runs it: it takes minutes"
)
REQUESTS_A_DAY = 10  # of the sample company
SEED = 7
BY_TOUCHED_DAY = ("intermediate.db/int_call_shares", "intermediate.db/int_charge_settlements", "marts.db/spend_daily")


def on_spark(data: Path, *words: str, built: int | None = None) -> Proof:
    """`dbt words` on top of `built` files, or anew; what the event log says of it."""
    words += ("--full-refresh",) * (built is None)
    command = [spark.ENVIRONMENT / "bin" / "python", PROJECT / "scripts" / "spark.py", data, *words]
    done = subprocess.run(command, capture_output=True, text=True, cwd=PROJECT)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    return Proof(max((data / "spark" / "events").iterdir(), key=lambda log: log.stat().st_mtime))


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
        compared = types[0].keys() - {"built_at"}  # the time of the run
        order = ", ".join(sorted(compared, key=lambda name: types[0][name] == "DOUBLE"))
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


def say_proof(proof: Proof) -> None:
    """The event log's figures, into the report."""
    scans = {(scan["partitions"], scan["files"], scan["filters"][:80]) for scan in proof.scans("landed.spans")}
    lines = [f"Executors added: {sorted(proof.executors)}; tasks: {dict(sorted(proof.tasks.items()))}."]
    lines += [
        f"Shuffled: {proof.shuffled['written']:,} bytes, {proof.shuffled['remote']:,} read from the other executor."
    ]
    lines += [f"Scans of landed.spans: {files} files in {days} days, by {by}." for days, files, by in sorted(scans)]
    with Path(os.environ["SPARK_REPORT"]).open("a") as report:
        report.write("\n".join(f"- {line}" for line in lines) + "\n\n")


@takes_minutes
def test_every_mart_of_the_sample_company_is_equal(tmp_path, monkeypatch):
    inbox, data = tmp_path / "inbox", tmp_path / "data"
    monkeypatch.setattr(make_sample, "REQUESTS_A_DAY", REQUESTS_A_DAY)
    monkeypatch.setattr(sys, "argv", ["make_sample.py", str(inbox)])
    make_sample.main()
    built = run_build(inbox, data, PROJECT / "seeds" / "company")
    assert built.code == 0, built.output
    proof = on_spark(data, "build")
    hold_equal("The sample company, built anew, with every data test and unit test", data)
    say_proof(proof)
    assert proof.executors == set(proof.tasks) == {"0", "1"}
    assert proof.shuffled["remote"] > 0


def folders(data: Path, table: str) -> dict[str, frozenset[str]]:
    """The files in each day's folder of a table on Spark."""
    days = (data / "spark" / "warehouse" / table).glob("*=*")
    return {day.name.split("=")[1]: frozenset(file.name for file in day.iterdir()) for day in days}


@takes_minutes
def test_increments_overwrite_what_they_touch_and_read_no_more(tmp_path):
    """Traces, bills and evals of a month; on it what eval runs now say, all tested; on that a late day and its bill."""
    inbox, data, companies = tmp_path / "whole" / "inbox", tmp_path / "data", tmp_path / "whole" / "company"
    world(SEED, tmp_path / "whole")
    again = (inbox / "eval_runs_again.csv").rename(tmp_path / "eval_runs_again.csv")

    def built_on_both(title: str, *left_out: str, built: int | None = None):
        ours = run_build(inbox, data, companies)
        assert ours.code == 0, ours.output
        proof = on_spark(data, "build", "--exclude-resource-type", *left_out, built=built)
        hold_equal(title, data)
        say_proof(proof)
        return ours, proof, build_script.files_landed(data)

    *_, files = built_on_both("Traces over days, built anew", "test", "unit_test")
    again.rename(inbox / again.name)
    *_, files = built_on_both("Eval runs say otherwise, built on it, with every data test", "unit_test", built=files)
    before = {table: folders(data, table) for table in BY_TOUCHED_DAY}
    (inbox / "late.jsonl").write_text(otlp(late_trace()))
    write(inbox / "openai_costs_2026-11-03.csv", COSTS, [cost(30, "1.5")])
    ours, proof, _ = built_on_both("A late trace and a day's bill, built on that", "test", "unit_test", built=files)
    touched = {str(day) for (day,) in ours.rows("select day from intermediate.int_days_touched where is_touched")}
    for table, was in before.items():
        now = folders(data, table)
        written = {day for day in was.keys() | now.keys() if was.get(day) != now.get(day)}
        assert written == touched & (was.keys() | now.keys()), table
        assert len(was.keys() - written) > len(was) / 2, f"{table}: most days stay as they were"
    read = {scan["partitions"] for scan in proof.scans("landed.spans")}
    assert 1 in read, f"the late trace's day alone: {read}"


def test_it_says_so_where_there_is_no_java(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert spark.install() == 2
    assert "Spark needs Java 17 or newer" in capsys.readouterr().err


def test_statistics_may_differ_in_the_tenth_place_and_money_in_none():
    assert are_equal((Decimal("0.1"), 1.0), (Decimal("0.1"), 1.0 + 1e-10))
    assert not are_equal((Decimal("0.1"), 1.0), (Decimal("0.1"), 1.0 + 1e-8))
    assert not are_equal((Decimal("0.100000000000"), 1.0), (Decimal("0.100000000001"), 1.0))
