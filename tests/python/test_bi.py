"""Copies for dashboards: what the marts say, open to others while a build runs, and never half a file."""

import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

import bi
from report import site

pytestmark = pytest.mark.xdist_group("golden")
# A dashboard in a process of its own holds the copy open, or opens it as often as it can; it tells what it reads.
DASHBOARD = """
import duckdb, os, sys, threading
copy, asked = sys.argv[1], threading.Event()
engine = duckdb.connect(copy, read_only=True)
def read(engine):
    return engine.execute("select sum(net_charge_usd), count(*) from marts.team_chargeback_monthly").fetchall()
found = set()
def open_again():
    while True:
        try:
            with duckdb.connect(copy, read_only=True) as other:
                found.add(str(read(other)))
        except BaseException as error:
            print(repr(error), flush=True)
            os._exit(1)
        if asked.is_set():
            print(*found, flush=True)
            asked.clear()
if sys.argv[2] == "again":
    engine.close()
    threading.Thread(target=open_again, daemon=True).start()
for line in sys.stdin:
    asked.set() if sys.argv[2] == "again" else print(read(engine), flush=True)
"""


@contextmanager
def dashboard(copy: Path, how: str = "held"):
    """A function that asks it."""
    words = [sys.executable, "-c", DASHBOARD, str(copy), how]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:

        def ask() -> str:
            process.stdin.write("\n")
            process.stdin.flush()
            return process.stdout.readline().strip()

        yield ask
        process.stdin.close()


@pytest.fixture(scope="module")
def copied(golden, tmp_path_factory):
    """The golden ledger's copies, in a data folder of their own."""
    data = tmp_path_factory.mktemp("copied")
    for name in ("ledger.duckdb", "target"):
        (data / name).symlink_to(golden.data / name)
    bi.write(data)
    return data


def marts(golden) -> list[str]:
    return [name for (name,) in golden.rows("""
        select table_name from information_schema.tables where table_schema = 'marts' order by 1""")]  # fmt: skip


def test_copies_are_the_marts(golden, copied):
    with duckdb.connect() as engine:
        engine.execute(f"attach '{copied}/bi/ledger.duckdb' as copied (read_only)")
        engine.execute(f"attach '{golden.data}/ledger.duckdb' as ledger (read_only)")
        kinds = engine.execute("select table_name, table_type from information_schema.tables"
                               " where table_catalog = 'copied' order by 1").fetchall()  # fmt: skip
        assert kinds == [(name, "BASE TABLE") for name in marts(golden)]
        for mart in marts(golden):
            shape = engine.execute(f"describe ledger.marts.{mart}").fetchall()
            for place in (f"copied.marts.{mart}", f"read_parquet('{copied}/bi/parquet/{mart}.parquet')"):
                columns = engine.execute(f"describe from {place}").fetchall()
                assert [row[:2] for row in columns] == [row[:2] for row in shape], mart
                for left, right in ((place, f"ledger.marts.{mart}"), (f"ledger.marts.{mart}", place)):
                    assert engine.execute(f"from {left} except all from {right}").fetchall() == [], mart
            sheet = engine.execute(f"select count(*) from read_csv('{copied}/bi/csv/{mart}.csv')").fetchall()
            assert sheet == engine.execute(f"select count(*) from ledger.marts.{mart}").fetchall(), mart


def test_columns_say_what_they_mean(golden, copied):
    with duckdb.connect(str(copied / "bi" / "ledger.duckdb"), read_only=True) as engine:
        ((mute, all_of_them),) = engine.execute("""
            select count(*) filter (comment is null), count(*) from duckdb_columns() where schema_name = 'marts'
        """).fetchall()
        ((words,),) = engine.execute("select comment from duckdb_tables() where table_name = 'spend_daily'").fetchall()
    assert (mute, all_of_them > 300) == (0, True)
    assert words.startswith("One row per day")


def test_the_copy_opens_in_older_clients(copied):
    """DuckDB 1.4 reads this storage; a file of DuckDB 2.0's own says v2.0.0+."""
    with duckdb.connect() as engine:
        engine.execute(f"attach '{copied}/bi/ledger.duckdb' as copied (read_only)")
        known = "select tags['storage_version'] from duckdb_databases() where database_name = 'copied'"
        assert engine.execute(known).fetchall() == [("v1.4.0+",)]


def test_whoever_opens_a_copy_finds_a_whole_one(copied):
    """Opened again and again while copies are made anew; one that is held open reads on in the older file."""
    copy = copied / "bi" / "ledger.duckdb"
    with dashboard(copy) as ask, dashboard(copy, "again") as ask_anew:
        before, file = ask(), copy.stat().st_ino
        assert ask_anew() == before
        for _ in range(3):
            bi.write(copied)
            assert [ask(), ask_anew()] == [before, before]
    assert copy.stat().st_ino != file
    assert not (copied / ".bi.part").exists()


def test_copies_of_marts_that_are_gone_go(copied):
    (copied / "bi" / "parquet" / "was_a_mart.parquet").write_text("")
    bi.write(copied)
    assert (
        {path.stem for path in (copied / "bi" / "parquet").iterdir()}
        == {path.stem for path in (copied / "bi" / "csv").iterdir()}
        != {"was_a_mart"}
    )
    assert not (copied / "bi" / "parquet" / "was_a_mart.parquet").exists()


@pytest.mark.parametrize("main", [bi.main, site.main])
def test_what_can_not_be_read_is_said(tmp_path, capsys, main):
    assert main(tmp_path) == 2
    assert "make build" in capsys.readouterr().err
    # As a build leaves it while it runs: locked for others.
    writing = "import duckdb, sys; engine = duckdb.connect(sys.argv[1]); print(flush=True); sys.stdin.read()"
    words = [sys.executable, "-c", writing, str(tmp_path / "ledger.duckdb")]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as build:
        build.stdout.readline()
        assert main(tmp_path) == 2
        build.stdin.close()
    assert "is a build running" in capsys.readouterr().err
