"""Marts as Delta tables: exactly the ledger's, only what changed, and versions that belong together."""

from pathlib import Path

import duckdb
import peers
import pytest
from deltalake import DeltaTable, write_deltalake
from test_publish import HOSTILE, killed, ledger, own, said, shapes, unlike

import state
from publish import publish
from publishing import Refused, delta, marts
from publishing.delta import RECORDS

pytestmark = pytest.mark.xdist_group("golden")


def published(place: Path) -> dict[str, dict]:
    return {row["mart"]: row for row in DeltaTable(str(place / RECORDS)).to_pyarrow_table().to_pylist()}


def usd_of(place: Path, mart: str, version: int | None = None) -> str:
    return str(sum(DeltaTable(str(place / mart), version=version).to_pyarrow_table()["usd"].to_pylist()))


def test_tables_are_the_marts(golden, tmp_path):
    done = publish(golden.data, f"delta:{tmp_path}")
    told = published(tmp_path)
    assert {mart.name for mart in done.written} == told.keys() == shapes(golden).keys()
    with duckdb.connect() as engine:
        engine.execute("set timezone = 'UTC'")
        engine.execute(f"attach '{golden.data}/ledger.duckdb' as ledger (read_only)")
        for name, columns in shapes(golden).items():
            table = DeltaTable(str(tmp_path / name))
            rows = table.to_pyarrow_table()
            engine.register("there", rows)
            assert unlike(engine, "from there", f"select {own(columns)} from ledger.marts.{name}") == [], name
            kinds = {field.name: str(field.type) for field in rows.schema}
            assert {one: kinds[one] for one, kind in columns if "DECIMAL" in kind} == {
                one: kind.lower().replace("decimal", "decimal128").replace(",", ", ")
                for one, kind in columns
                if "DECIMAL" in kind
            }
            assert (told[name]["rows"], told[name]["version"]) == (rows.num_rows, 0)
            assert told[name]["build_id"] == done.build
    spend = DeltaTable(str(tmp_path / "spend_daily"))
    assert spend.metadata().description
    assert all(field.metadata["comment"] for field in spend.schema().fields)


def test_only_what_changed_is_written_and_versions_belong_together(tmp_path, monkeypatch, capsys):
    data, place = ledger(tmp_path / "data"), tmp_path / "out"
    to = f"delta:{place}"
    code, words = said(monkeypatch, capsys, data, to, DRY_RUN="1")
    assert (code, "3 marts would be written" in words, place.exists()) == (0, True, False)
    assert len(publish(data, to).written) == 3
    assert publish(data, to).written == []
    ledger(data, 2)
    assert [mart.name for mart in publish(data, to).written] == ["charges", "teams"]
    assert {name: row["version"] for name, row in published(place).items()} == {"calendar": 0, "charges": 1, "teams": 1}
    # A reader of the older record can still read its versions.
    assert usd_of(place, "charges", 0) == usd_of(place, "teams", 0) == "60.000000000060"
    assert usd_of(place, "charges") == usd_of(place, "teams") == "120.000000000060"
    # Rows that somebody else changed are written anew, and so is a table of other columns.
    DeltaTable(str(place / "teams")).delete("mean > 0")
    assert [mart.name for mart in publish(data, to).written] == ["teams"]
    ledger(data, 2, charges=", 'x' as note")
    assert [mart.name for mart in publish(data, to).written] == ["charges"]
    assert "note" in DeltaTable(str(place / "charges")).to_pyarrow_table().column_names
    # A mart that is gone stays, and is named each time.
    with duckdb.connect(str(data / "ledger.duckdb")) as engine:
        engine.execute("drop table marts.calendar")
    for _ in range(2):
        code, words = said(monkeypatch, capsys, data, to)
        assert (code, "calendar is still in" in words) == (0, True)
    assert DeltaTable(str(place / "calendar")).version() == 0


def test_tables_of_others_are_refused(tmp_path, monkeypatch, capsys):
    data, place = ledger(tmp_path / "data"), tmp_path / "out"
    with duckdb.connect() as engine:
        write_deltalake(str(place / "teams"), engine.sql("select 'mine' as team_id").to_arrow_table())
    code, words = said(monkeypatch, capsys, data, f"delta:{place}")
    assert (code, "make publish did not write" in words) == (1, True)
    assert DeltaTable(str(place / "teams")).to_pyarrow_table().to_pylist() == [{"team_id": "mine"}]
    assert not (place / "charges").exists()
    for to in ("delta:", "delta://here", "delta:postgresql://user@host/database"):
        code, words = said(monkeypatch, capsys, data, to)
        assert (code, "after delta: comes a folder or bucket" in words) == (2, True)


def test_builds_wait_for_no_network(tmp_path, monkeypatch):
    data, written = ledger(tmp_path / "data"), delta.write_deltalake

    def write(*words, **options):
        assert not state.is_held(data)
        written(*words, **options)

    monkeypatch.setattr(delta, "write_deltalake", write)
    assert len(publish(data, f"delta:{tmp_path / 'out'}").written) == 3


def test_a_table_with_other_totals_is_restored(tmp_path, monkeypatch):
    data, place = ledger(tmp_path / "data"), tmp_path / "out"
    publish(data, f"delta:{place}")
    before = published(place)
    copied = marts.Ledger.copy

    def spoiled(self, mart, path):
        copied(self, mart, path)
        if mart.name == "charges":
            duckdb.sql(f"copy (from '{path}' offset 1) to '{path}.part' (format parquet)")
            Path(f"{path}.part").replace(path)

    monkeypatch.setattr(marts.Ledger, "copy", spoiled)
    with pytest.raises(Refused, match="charges: its table is not the ledger's mart"):
        publish(ledger(data, 2), f"delta:{place}")
    assert published(place) == before
    assert usd_of(place, "charges") == "60.000000000060"
    monkeypatch.undo()
    publish(data, f"delta:{place}")
    assert usd_of(place, "charges") == "120.000000000060"


def test_a_publication_that_is_killed_leaves_what_the_records_name(tmp_path):
    data, place = ledger(tmp_path / "data", 1, 20_000), tmp_path / "out"
    publish(data, f"delta:{place}")
    for number, seconds in enumerate((0.9, 1.3), 2):
        ledger(data, number, 20_000)
        killed(data, f"delta:{place}", "", seconds)
        told = published(place)
        sums = {name: usd_of(place, name, told[name]["version"]) for name in ("charges", "teams")}
        assert sums["charges"] == sums["teams"]
        assert sums["teams"] in [f"{one * 20_000}.000000020000" for one in (number - 1, number)]
        publish(data, f"delta:{place}")
        assert usd_of(place, "charges") == usd_of(place, "teams") == f"{number * 20_000}.000000020000"


def test_names_and_texts_of_anybody(tmp_path):
    data, place = ledger(tmp_path / "data"), tmp_path / "out"
    with duckdb.connect(str(data / "ledger.duckdb")) as engine:
        engine.execute('create table marts.texts as select $1 || chr(0) as "a ""b"" %s"', [HOSTILE])
    publish(data, f"delta:{place}")
    assert DeltaTable(str(place / "texts")).to_pyarrow_table().to_pylist() == [{'a "b" %s': HOSTILE + "\0"}]


def test_a_bucket_holds_the_same_tables(tmp_path, monkeypatch, capsys):
    """Through the store's own protocol; credentials that are wrong are said."""
    data = ledger(tmp_path / "data")
    with peers.s3(peers.free_port()) as port:
        assert peers.request(port, "PUT", "/lake") == 200
        peers.environment(
            monkeypatch,
            AWS_ACCESS_KEY_ID="testing", AWS_SECRET_ACCESS_KEY="testing", AWS_REGION="us-east-1",
            AWS_ENDPOINT_URL=f"http://127.0.0.1:{port}", AWS_ALLOW_HTTP="true",
        )  # fmt: skip
        assert len(publish(data, "delta:s3://lake/marts").written) == 3
        assert publish(data, "delta:s3://lake/marts").written == []
        assert len(publish(ledger(data, 2), "delta:s3://lake/marts").written) == 2
        table = DeltaTable("s3://lake/marts/teams").to_pyarrow_table()
        assert str(sum(table["usd"].to_pylist())) == "120.000000000060"
        code, words = said(monkeypatch, capsys, data, "delta:s3://nowhere/marts")
        assert (code, "this machine's credentials" in words) == (1, True)
