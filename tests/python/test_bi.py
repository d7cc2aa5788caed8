"""Copies for dashboards: what the marts say, open to others while a build runs, and never half a file."""

import subprocess
import sys
import zipfile
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest
import yaml

import bi
import superset_dashboard
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


def exported(copied) -> dict[str, dict]:
    """Documents of the dashboard's export by path."""
    with zipfile.ZipFile(copied / "bi" / "superset.zip") as bundle:
        return {name.removeprefix("dashboard/"): yaml.safe_load(bundle.read(name)) for name in bundle.namelist()}


def asked(chart: dict, dataset: dict) -> str:
    """The query that Superset makes of a chart."""
    params = chart["params"]
    figures = params.get("metrics") or [params["metric"]]
    by = [one if isinstance(one, str) else one["sqlExpression"] for one in params.get("groupby", [])]
    by += [f"date_trunc('month', {params['x_axis']})"] if "x_axis" in params else []
    columns = by + [f'{figure["sqlExpression"]} as "{figure["label"]}"' for figure in figures]
    conditions = [f"({condition['sqlExpression']})" for condition in params["adhoc_filters"]]
    where = f" where {' and '.join(conditions)}" if conditions else ""
    places = ", ".join(str(place + 1) for place in range(len(by)))
    return f"select {', '.join(columns)} from marts.{dataset['table_name']}{where} group by {places} order by all"


def test_charts_of_the_dashboard_ask_what_the_marts_have(copied):
    documents = exported(copied)
    datasets = {one["uuid"]: one for path, one in documents.items() if path.startswith("datasets/")}
    charts = {one["uuid"]: one for path, one in documents.items() if path.startswith("charts/")}
    placed = [one["meta"]["uuid"] for one in documents["dashboards/ledger.yaml"]["position"].values()
              if isinstance(one, dict) and one["type"] == "CHART"]  # fmt: skip
    assert sorted(placed) == sorted(charts)
    assert len(charts) > 10
    with duckdb.connect(str(copied / "bi" / "ledger.duckdb"), read_only=True) as engine:
        found = {chart["slice_name"]: engine.execute(asked(chart, datasets[chart["dataset_uuid"]])).fetchall()
                 for chart in charts.values()}  # fmt: skip
        [(charged,)] = engine.execute("select sum(net_charge_booked_usd) from marts.team_chargeback_monthly").fetchall()
        for one in datasets.values():
            there = [
                (name, kind) for name, kind, *_ in engine.execute(f"describe marts.{one['table_name']}").fetchall()
            ]
            assert [(column["column_name"], column["type"]) for column in one["columns"]] == there
            assert all(column["description"] for column in one["columns"])
    assert sum(amount for *_, amount in found["Net charge by team"]) == charged
    for item in documents["dashboards/ledger.yaml"]["metadata"]["native_filter_configuration"]:
        [target] = item["targets"]
        names = [column["column_name"] for column in datasets[target["datasetUuid"]]["columns"]]
        assert target["column"]["name"] in names


def test_dashboard_opens_its_copy_read_only(copied):
    database = exported(copied)["databases/ledger.yaml"]
    assert database["sqlalchemy_uri"] == f"duckdb:///{(copied / 'bi' / 'ledger.duckdb').resolve()}"
    assert database["extra"]["engine_params"]["connect_args"] == {"read_only": True}


def test_dashboard_leaves_out_marts_that_are_not_built(tmp_path):
    copy = tmp_path / "ledger.duckdb"
    with duckdb.connect(str(copy)) as engine:
        engine.execute("create schema marts; create table marts.spend_daily (spent_on date, borne_usd decimal(38, 12))")
    found = superset_dashboard.documents({}, copy, copy)
    assert [path for path in found if path.startswith("datasets/")] == ["datasets/ledger/spend_daily.yaml"]
    assert [path for path in found if path.startswith("charts/")] == ["charts/spend_by_feature.yaml"]
    assert found["dashboards/ledger.yaml"]["metadata"]["native_filter_configuration"] == []


def test_dashboard_is_the_same_bytes_again(copied, tmp_path):
    copy, again = copied / "bi" / "ledger.duckdb", tmp_path / "again.zip"
    superset_dashboard.write(again, bi.descriptions(copied), copy, copy)
    assert again.read_bytes() == (copied / "bi" / "superset.zip").read_bytes()
