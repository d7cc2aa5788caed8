"""Marts where others read them: exactly the ledger's, only what changed, and never half a publication."""

import hashlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from decimal import Decimal
from pathlib import Path

import duckdb
import postgres
import pyarrow.fs as pafs
import pyarrow.parquet as pq
import pytest
from conftest import PROJECT

import publish as publish_script
import state
from publish import publish
from publishing import Refused, folder, warehouse
from publishing.marts import NUL_SIGN

pytestmark = pytest.mark.xdist_group("golden")
KILLS = int(os.environ.get("KILLS", "2"))  # of each kind of place
HOSTILE = 'it\'s "quoted" \\ back\n=1+1;\tdrop table x; -- {0} %s \u202e \U0001f4b8 \u00e9'


@pytest.fixture(scope="module")
def server():
    if not postgres.binaries():
        pytest.skip("no PostgreSQL server here: apt-get install postgresql")
    with postgres.serving() as running:
        running.run(f"create role publisher login password '{postgres.PASSWORD}'", "create role analyst login")
        yield running


@pytest.fixture
def schema(request, server):
    name = request.node.name[:50].split("[")[0]
    yield name
    server.run(f"drop schema if exists {name} cascade")


def ledger(data: Path, version: int = 1, rows: int = 60, charges: str = "", good: bool = True) -> Path:
    """A small ledger. Its charges are of one amount, which the version decides; two marts add up to the same."""
    data.mkdir(exist_ok=True)
    (data / "ledger.duckdb").unlink(missing_ok=True)
    with duckdb.connect(str(data / "ledger.duckdb")) as engine:
        engine.execute(f"""
            create table main.ledger_builds as select 'build-{version}' as build_id, {good} as is_good;
            create schema marts;
            create table marts.charges as
                select 'team ' || i % 7 as team_id, i as charge_no, {version}.000000000001::decimal(38, 12) as usd,
                    date '2026-10-01' + (i % 31)::integer as charged_on, i % 3 = 0 as is_late,
                    timestamp '2026-10-01 23:59:59.123456' + interval (i) hour as started_at
                    {charges}
                from range({rows}) as numbers (i);
            create table marts.teams as
                select team_id, sum(usd)::decimal(38, 12) as usd, avg(charge_no) as mean
                from marts.charges group by all;
            create table marts.calendar as
                select unnest(range(date '2026-10-01', date '2026-10-04', interval 1 day))::date as day;
        """)  # fmt: skip
    return data


def table(server, query: str):
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetch_arrow_table()


def versions(server, schema: str) -> dict[str, int]:
    """Which transaction wrote a mart's rows last."""
    names = [name for (name,) in server.rows(f"select tablename from pg_tables where schemaname = '{schema}'")]
    return {name: server.rows(f"select max(xmin::text::bigint) from {schema}.{name}")[0][0] for name in names}


def said(monkeypatch, capsys, data: Path, to: str, **variables: str) -> tuple[int, str]:
    """The program's exit code and all that it prints."""
    for name, value in {"TO": to, "SCHEMA": "", "DRY_RUN": "", **variables}.items():
        monkeypatch.setenv(name, value)
    code = publish_script.main(data)
    shown = capsys.readouterr()
    assert "Traceback" not in shown.err
    return code, shown.out + shown.err


# ---------------------------------------------------------------------------------------------------------- PostgreSQL

TYPES = {"VARCHAR": "text", "BIGINT": "bigint", "INTEGER": "integer", "DOUBLE": "double precision", "DATE": "date",
         "BOOLEAN": "boolean", "TIMESTAMP": "timestamp with time zone"}  # fmt: skip


def shapes(golden) -> dict[str, list[tuple[str, str]]]:
    """Names and types of each mart's columns."""
    found: dict[str, list[tuple[str, str]]] = {}
    for mart, column, kind in golden.rows("""
        select table_name, column_name, data_type from information_schema.columns
        where table_schema = 'marts' order by table_name, ordinal_position"""):  # fmt: skip
        found.setdefault(mart, []).append((column, kind))
    return found


def own(columns: list[tuple[str, str]]) -> str:
    """The ledger's cells as they are published."""
    return ", ".join(f"timezone('UTC', \"{name}\")" if kind == "TIMESTAMP" else f'"{name}"' for name, kind in columns)


def unlike(engine, one: str, other: str) -> list[tuple]:
    """Rows of one query that are not the other's."""
    return [row for left, right in ((one, other), (other, one))
            for row in engine.execute(f"({left}) except all ({right})").fetchall()]  # fmt: skip


def test_types_and_every_row_are_the_ledgers(golden, server, schema):
    done = publish(golden.data, server.address(), schema)
    marts = shapes(golden)
    assert [mart.name for mart in done.written] == [*marts]
    assert len(marts) > 30
    with duckdb.connect() as engine:
        engine.execute("set timezone = 'UTC'")
        engine.execute(f"attach '{golden.data}/ledger.duckdb' as ledger (read_only)")
        there = server.rows(f"""
            select relname, attname, format_type(atttypid, atttypmod)
            from pg_attribute inner join pg_class on attrelid = pg_class.oid
            where relnamespace = '{schema}'::regnamespace and attnum > 0 order by relname, attnum""")  # fmt: skip
        for mart, columns in marts.items():
            kinds = [(name, kind.replace("DECIMAL", "numeric") if "DECIMAL" in kind else TYPES[kind])
                     for name, kind in columns]  # fmt: skip
            assert [row[1:] for row in there if row[0] == mart] == kinds, mart
            cells = ", ".join(f'"{name}"::text' if "DECIMAL" in kind else f'"{name}"' for name, kind in columns)
            published = table(server, f"select {cells} from {schema}.{mart}")
            published = published.rename_columns([name for name, _ in columns])
            engine.register("published", published)
            back = ", ".join(f'"{name}"::{kind}' if "DECIMAL" in kind else f'"{name}"' for name, kind in columns)
            query = f"select {own(columns)} from ledger.marts.{mart}"
            assert unlike(engine, f"select {back} from published", query) == [], mart
            engine.unregister("published")
    build = golden.rows("select build_id from main.ledger_builds")
    assert server.rows(f"select distinct build_id from {schema}._publications") == build
    described = server.rows(f"""
        select count(*) filter (where col_description(attrelid, attnum) is null), count(*)
        from pg_attribute where attrelid = '{schema}.spend_daily'::regclass and attnum > 0""")  # fmt: skip
    assert described[0][0] == 0 < described[0][1]
    assert server.rows(f"select obj_description('{schema}.spend_daily'::regclass)")[0][0].startswith("One row per day")


def test_only_what_changed_is_written(tmp_path, server, schema):
    assert [mart.name for mart in publish(ledger(tmp_path), server.address(), schema).written] == [
        "calendar", "charges", "teams"
    ]  # fmt: skip
    before = versions(server, schema)
    assert publish(tmp_path, server.address(), schema).written == []
    assert publish(ledger(tmp_path), server.address(), schema).written == []  # the same rows of another build
    assert versions(server, schema) == before
    with duckdb.connect(str(tmp_path / "ledger.duckdb")) as engine:
        engine.execute("update marts.teams set usd = usd + 0.000000000001 where team_id = 'team 3'")
    assert [mart.name for mart in publish(tmp_path, server.address(), schema).written] == ["teams"]
    after = versions(server, schema)
    assert {name for name in after if after[name] != before[name]} == {"_publications", "teams"}
    assert server.rows(f"select usd::text from {schema}.teams where team_id = 'team 3'") == [("9.000000000010",)]


def test_rows_that_somebody_else_changed_are_written_anew(tmp_path, server, schema):
    publish(ledger(tmp_path), server.address(), schema)
    for change in (f"update {schema}.charges set usd = usd + 0.000000000001 where charge_no = 5",
                   f"delete from {schema}.charges where charge_no = 5", f"drop table {schema}.charges"):  # fmt: skip
        server.run(change)
        done = publish(tmp_path, server.address(), schema)
        assert [mart.name for mart in done.written] == ["charges"]
        assert server.rows(f"select count(*), sum(usd)::text from {schema}.charges") == [(60, "60.000000000060")]


def test_a_reader_sees_one_publication(tmp_path, server, schema):
    """Polling in statements, and in a transaction whose snapshot is older than the swap."""
    publish(ledger(tmp_path), server.address(), schema)
    asked = f"""select (select sum(usd)::text from {schema}.charges), (select sum(usd)::text from {schema}.teams),
        (select count(*) from {schema}.charges)"""
    seen, waits, stop = [], [], threading.Event()

    def poll():
        with server.connect() as connection, connection.cursor() as cursor:
            while not stop.is_set():
                start = time.monotonic()
                cursor.execute(asked)
                seen.append(cursor.fetchall()[0])
                waits.append(time.monotonic() - start)
                time.sleep(0.01)

    reader = threading.Thread(target=poll)
    reader.start()
    with server.connect(is_autocommit=False) as old, old.cursor() as cursor:
        cursor.execute("set transaction isolation level repeatable read")
        cursor.execute(f"select sum(usd)::text from {schema}.charges")
        [(before,)] = cursor.fetchall()
        for version in range(2, 6):
            publish(ledger(tmp_path, version), server.address(), schema)
        cursor.execute(f"select sum(usd)::text from {schema}.teams")  # never looked at before
        assert cursor.fetchall() == [(before,)] == [("60.000000000060",)]
    stop.set()
    reader.join()
    assert {(one, two, rows) for one, two, rows in seen if one != two or rows != 60} == set()
    assert len({one for one, *_ in seen}) >= 3, "the reader saw too few publications for this to say anything"
    assert max(waits) < 2


def test_grants_views_indexes_and_words_of_others_stay(tmp_path, server, schema):
    publish(ledger(tmp_path), server.address(), schema)
    server.run(
        f"grant usage on schema {schema} to analyst", f"grant select on {schema}.charges to analyst",
        f"grant select (usd) on {schema}.teams to analyst", f"create index by_day on {schema}.charges (charged_on)",
        f"create view {schema}.late as select * from {schema}.charges where is_late",
        f"comment on column {schema}.charges.usd is 'ours'", f"comment on table {schema}.teams is 'ask Ops'",
        f"alter table {schema}.charges add column cents bigint generated always as (usd * 100) stored",
    )  # fmt: skip
    publish(ledger(tmp_path, 2), server.address(), schema)
    assert server.rows(f"""
        select has_table_privilege('analyst', '{schema}.charges', 'select'),
            has_column_privilege('analyst', '{schema}.teams', 'usd', 'select'),
            (select count(*) from pg_indexes where schemaname = '{schema}'),
            col_description('{schema}.charges'::regclass, 3), obj_description('{schema}.teams'::regclass),
            (select sum(usd)::text from {schema}.late), (select max(cents) from {schema}.charges)
        """) == [(True, True, 1, "ours", "ask Ops", "40.000000000020", 200)]  # fmt: skip


def test_columns_come_go_and_change(tmp_path, server, schema):
    note = ", 'a' as note, 1::bigint as level"
    publish(ledger(tmp_path, charges=note), server.address(), schema)
    server.run(
        f"grant usage on schema {schema} to analyst", f"grant select (level, usd) on {schema}.charges to analyst",
        f"comment on column {schema}.charges.level is 'ours'",
        f"create view {schema}.spent as select usd, charged_on from {schema}.charges",
    )  # fmt: skip
    done = publish(ledger(tmp_path, 2, charges=", 0.5::decimal(38, 12) as level, 7 as more"), server.address(), schema)
    assert done.notes["charges"] == "column more new; column note gone; column level of another type now"
    kinds = dict(server.rows(f"""
        select attname, format_type(atttypid, atttypmod) from pg_attribute
        where attrelid = '{schema}.charges'::regclass and attnum > 0 and not attisdropped"""))  # fmt: skip
    assert "note" not in kinds
    assert (kinds["level"], kinds["more"]) == ("numeric(38,12)", "integer")
    assert server.rows(f"select distinct level::text, more from {schema}.charges") == [("0.500000000000", 7)]
    assert server.rows(f"select sum(usd)::text from {schema}.spent") == [("120.000000000060",)]
    assert server.rows(f"""
        select has_column_privilege('analyst', '{schema}.charges', 'level', 'select'), col_description(attrelid, attnum)
        from pg_attribute where attrelid = '{schema}.charges'::regclass and attname = 'level'
        """) == [(True, "ours")]  # fmt: skip
    # A view reads a column that would go.
    server.run(f"create view {schema}.levels as select level from {schema}.charges")
    with pytest.raises(Refused, match=rf"column level is gone, and {schema}\.levels reads it; drop that view"):
        publish(ledger(tmp_path, 3), server.address(), schema)
    assert server.rows(f"select sum(usd)::text from {schema}.teams") == [("120.000000000060",)]
    server.run(f"drop view {schema}.levels")
    publish(tmp_path, server.address(), schema)
    assert server.rows(f"select sum(usd)::text from {schema}.spent") == [("180.000000000060",)]


def test_tables_of_others_and_marts_that_are_gone_stay(tmp_path, server, schema, monkeypatch, capsys):
    server.run(
        f"create schema {schema}", f"create table {schema}.teams (mine int)", f"insert into {schema}.teams values (7)"
    )
    with pytest.raises(Refused, match=f"{schema}.teams is there already and was not made by make publish"):
        publish(ledger(tmp_path), server.address(), schema)
    assert server.rows(f"select tablename from pg_tables where schemaname = '{schema}'") == [("teams",)]
    server.run(f"drop table {schema}.teams")
    publish(tmp_path, server.address(), schema)
    with duckdb.connect(str(tmp_path / "ledger.duckdb")) as engine:
        engine.execute("drop table marts.calendar")
    code, words = said(monkeypatch, capsys, tmp_path, server.address(), SCHEMA=schema)
    assert (code, "calendar is still in postgresql://" in words) == (0, True)
    assert server.rows(f"select mart from {schema}._publications where not is_in_ledger") == [("calendar",)]
    publish(ledger(tmp_path), server.address(), schema)
    assert server.rows(f"select mart from {schema}._publications where not is_in_ledger") == []


SPOILING = {  # what a trigger does to a row, and which total shows it
    "new.usd := new.usd + case when new.charge_no = 7 then 0.000000000001 else 0 end": "sum of usd",
    "if new.charge_no = 7 then return null; end if": "rows",
    "new.team_id := replace(new.team_id, 'team 3', 'team')": "bytes of team_id",
    "new.started_at := new.started_at - interval '1 microsecond'": "min of started_at",
}


def test_totals_that_differ_undo_everything(tmp_path, server, schema):
    publish(ledger(tmp_path), server.address(), schema)
    before = versions(server, schema)
    ledger(tmp_path, 2)
    for change, named in SPOILING.items():
        server.run(on_each_row(schema, "before", change), trigger(schema, "before"))
        with pytest.raises(
            Refused, match=rf"{schema}\.charges would not be the ledger's mart \({named}: .* nothing was"
        ):
            publish(tmp_path, server.address(), schema)
        assert versions(server, schema) == before
    server.run(f"drop trigger before_row on {schema}.charges")
    publish(tmp_path, server.address(), schema)
    assert server.rows(f"select sum(usd)::text from {schema}.charges") == [("120.000000000060",)]


def on_each_row(schema: str, moment: str, what: str) -> str:
    return f"""create or replace function {schema}.{moment}_row() returns trigger language plpgsql
        as $$ begin {what}; return new; end $$"""


def trigger(schema: str, moment: str) -> str:
    return f"""create or replace trigger {moment}_row {moment} insert on {schema}.charges
        for each row execute function {schema}.{moment}_row()"""


def test_names_and_texts_of_anybody(tmp_path, server):
    """Names of schema and columns, labels and descriptions are text, whatever they hold."""
    schema, column = 'a "b" \\ {0} \u00e9', 'we"ird; drop {name}'
    ledger(tmp_path)
    with duckdb.connect(str(tmp_path / "ledger.duckdb")) as engine:
        quoted = column.replace('"', '""')
        engine.execute(f'alter table marts.teams add column "{quoted}" varchar')
        engine.execute(f'update marts.teams set "{quoted}" = $1', [f"{HOSTILE}\0!"])
    (tmp_path / "target").mkdir()
    node = {"name": "teams", "resource_type": "model", "schema": "marts", "description": HOSTILE,
            "columns": {column: {"description": HOSTILE}}}  # fmt: skip
    (tmp_path / "target" / "manifest.json").write_text(json.dumps({"nodes": {"teams": node}}))
    done = publish(tmp_path, server.address(), schema)
    name = '"' + schema.replace('"', '""') + '"'
    [(found,)] = server.rows(f'select distinct "{quoted}" from {name}.teams')
    assert found == f"{HOSTILE}{NUL_SIGN}!"
    assert [mart.nuls for mart in done.written] == [{}, {}, {column: 7}]
    assert server.rows(
        f"select obj_description('{name}.teams'::regclass), col_description('{name}.teams'::regclass, 4)"
    ) == [(HOSTILE, HOSTILE)]
    assert publish(tmp_path, server.address(), schema).written == []


def test_a_dry_run_shows_the_statements_and_changes_nothing(tmp_path, server, schema, monkeypatch, capsys):
    code, words = said(monkeypatch, capsys, ledger(tmp_path), server.address(), SCHEMA=schema, DRY_RUN="1")
    assert code == 0
    assert f'create table "{schema}"."charges" ("team_id" text, "charge_no" bigint, "usd" numeric(38,12)' in words
    assert "3 marts would be written" in words
    assert server.rows(f"select 1 from pg_namespace where nspname = '{schema}'") == []
    publish(tmp_path, server.address(), schema)
    before = versions(server, schema)
    code, words = said(monkeypatch, capsys, ledger(tmp_path, 2), server.address(), SCHEMA=schema, DRY_RUN="1")
    assert (code, versions(server, schema)) == (0, before)
    # The statements are those: a person who copies the rows can run them.
    statements = [line.removesuffix(";") for line in words.splitlines() if line.endswith(";")]
    assert f'delete from "{schema}"."charges" where true' in statements
    server.run(*statements)
    assert server.rows(f"select count(*) from {schema}.charges") == [(0,)]


@pytest.mark.parametrize(
    ("to", "shown"),
    [
        ("snowflake://me:hush@account/base?warehouse=w", "NUMBER(38,12)"),
        ("bigquery://project/marts", "BIGNUMERIC(38, 12)"),
    ],
)
def test_statements_of_warehouses_that_are_not_here(tmp_path, monkeypatch, capsys, to, shown):
    code, words = said(monkeypatch, capsys, ledger(tmp_path), to, DRY_RUN="1")
    assert code == 0
    assert shown in words
    assert "hush" not in words
    steps = ("create table", "staged_", "begin transaction", "delete from", "commit")
    order = [re.search(rf"^.*{step}", words, re.MULTILINE | re.IGNORECASE).start() for step in steps]
    assert order == sorted(order)
    code, words = said(monkeypatch, capsys, tmp_path, to)
    assert (code, "which is not in the lock" in words) == (2, True)


# ------------------------------------------------------------------------------------------------------ what goes wrong


def wrong(server, tmp_path) -> dict[str, tuple[str, int, str]]:
    """Addresses that don't do: exit code and what is said."""
    host = f"?host={server.folder}"
    return {
        "password": (f"postgresql://publisher:hush%40@/postgres{host}", 1, "give the right password by PGPASSWORD"),
        "no password": (f"postgresql://publisher@/postgres{host}", 1, "give the right password by PGPASSWORD"),
        "database": (f"postgresql://boss@/nowhere{host}", 1, 'database "nowhere" does not exist; name another'),
        "role": (f"postgresql://nobody@/postgres{host}", 1, "password"),
        "no server": ("postgresql://boss@localhost:1/postgres", 1, "is the server running"),
        "no host": ("postgresql://boss@nowhere.invalid/postgres", 1, "is there a network"),
        "option": (f"postgresql://boss:hush@/postgres{host}&foo=1", 1, 'invalid URI query parameter: "foo"'),
        "service": ("postgresql://?service=nowhere", 1, "~/.pg_service.conf"),
        "unescaped": ("postgresql://boss:hu/sh@h/postgres", 2, "%2F"),
        "unescaped at": ("postgresql://boss:hu@sh@h/postgres", 2, "%40"),
        "bucket": ("s3://key:hush@nowhere?endpoint_override=localhost:1&scheme=http", 1, "are the bucket's name"),
        "other kind": ("mysql://boss:hush@h/postgres", 2, "none of postgresql://"),
        "none": ("", 2, "make publish TO="),
    }


def test_addresses_that_do_not_do(tmp_path, server, monkeypatch, capsys):
    ledger(tmp_path)
    monkeypatch.delenv("PGPASSWORD", raising=False)
    for name, (to, code, words) in wrong(server, tmp_path).items():
        found, text = said(monkeypatch, capsys, tmp_path, to)
        assert (found, words in text, text.count("\n")) == (code, True, 1), (name, text)
        for secret in ("hush", "hu/sh", "sh@h", "hu@"):
            assert secret not in text, name


def test_rights_that_are_missing(tmp_path, server, schema, monkeypatch, capsys):
    """A role with a password, and what it is allowed step by step."""
    ledger(tmp_path)
    to = server.address("publisher")
    monkeypatch.setenv("PGPASSWORD", postgres.PASSWORD)
    for grant, words in (
        ("select 1", "permission denied for database postgres; have an administrator grant it"),
        (f"create schema {schema}", f"permission denied for schema {schema}; have"),
        (f"grant usage, create on schema {schema} to publisher", "3 marts written"),
        ("revoke temporary on database postgres from public", "permission denied to create temporary tables"),
        ("grant temporary on database postgres to publisher", "2 marts written"),
        (f"alter table {schema}.teams owner to boss", "teams: permission denied for table teams; have"),
        (f"grant all on {schema}.teams to publisher", "2 marts written"),
        (f"alter table {schema}.teams enable row level security", "affected by row-level security policy for table"),
    ):  # fmt: skip
        server.run(grant)
        code, text = said(monkeypatch, capsys, tmp_path, to, SCHEMA=schema)
        assert (words in text, code) == (True, 0 if "written" in words else 1), (grant, text)
        assert postgres.PASSWORD not in text
        ledger(tmp_path, int(time.monotonic() * 1000) % 10**9)
    server.run("grant temporary on database postgres to public")
    assert postgres.PASSWORD.encode() not in b"".join(
        path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()
    )


FAILURES = {
    "raise exception 'could not extend file' using errcode = 'disk_full'": "the warehouse's disk is full; make room",
    "raise exception 'no'": "charges: no; a trigger or rule on that table refused it",
    "perform pg_terminate_backend(pg_backend_pid())": "administrator command; the connection broke; run again",
    "perform pg_cancel_backend(pg_backend_pid())": "somebody canceled it; run again",
}


def test_failures_on_the_way_leave_the_old_whole(tmp_path, server, schema, monkeypatch, capsys):
    publish(ledger(tmp_path), server.address(), schema)
    before = versions(server, schema)
    ledger(tmp_path, 2)
    for failure, words in FAILURES.items():
        server.run(on_each_row(schema, "after", failure), trigger(schema, "after"))
        code, text = said(monkeypatch, capsys, tmp_path, server.address(), SCHEMA=schema)
        assert (code, words in text, text.count("\n")) == (1, True, 1), text
        assert "nothing was published" in text
        assert versions(server, schema) == before
        assert not (tmp_path / ".publish.part").exists()


def test_a_locked_table_is_said(tmp_path, server, schema, monkeypatch, capsys):
    monkeypatch.setattr(warehouse, "LOCK_SECONDS", 1)
    monkeypatch.setattr(warehouse, "ATTEMPTS", 2)
    monkeypatch.setattr(warehouse, "PAUSE_SECONDS", 0.1)
    publish(ledger(tmp_path), server.address(), schema)
    with server.connect(is_autocommit=False) as other, other.cursor() as cursor:
        cursor.execute("set application_name = 'vacuum cleaner'")
        other.commit()
        cursor.execute(f"lock table {schema}.teams in access exclusive mode")
        # Not even its rows can be counted.
        code, text = said(monkeypatch, capsys, ledger(tmp_path, 2), server.address(), SCHEMA=schema)
        assert code == 1
        assert f"{schema}.teams is locked by vacuum cleaner (process" in text
        other.rollback()
        cursor.execute(f"select count(*) from {schema}.teams")
        cursor.fetchall()
        publish(tmp_path, server.address(), schema)  # a reader is in nobody's way
        with duckdb.connect(str(tmp_path / "ledger.duckdb")) as engine:
            engine.execute("alter table marts.teams add column more integer")
        code, text = said(monkeypatch, capsys, tmp_path, server.address(), SCHEMA=schema)
        assert (code, f"{schema}.teams is locked by vacuum cleaner" in text) == (1, True), text
    publish(tmp_path, server.address(), schema)
    monkeypatch.setattr(warehouse, "ATTEMPTS", 20)
    with server.connect(is_autocommit=False) as other, other.cursor() as cursor:
        cursor.execute(f"lock table {schema}.teams in share mode")
        lets_go = threading.Timer(1.5, other.rollback)
        lets_go.start()
        assert [mart.name for mart in publish(ledger(tmp_path, 3), server.address(), schema).written] == [
            "charges",
            "teams",
        ]
        lets_go.join()


def test_one_publication_at_a_time(tmp_path, server, schema, monkeypatch, capsys):
    monkeypatch.setattr(warehouse, "LOCK_SECONDS", 1)
    monkeypatch.setattr(warehouse, "ATTEMPTS", 1)
    publish(ledger(tmp_path), server.address(), schema)
    with server.connect(is_autocommit=False) as other, other.cursor() as cursor:
        cursor.execute(f"select pg_advisory_xact_lock(hashtextextended('chargeback-ledger ' || '{schema}', 0))")
        code, text = said(monkeypatch, capsys, ledger(tmp_path, 2), server.address(), SCHEMA=schema)
    assert (code, f"another publication to schema {schema} is running" in text) == (1, True)


def test_builds_wait_for_no_network(tmp_path, server, schema, monkeypatch):
    """A build may end while the warehouse is asked what it has: then that build is published."""
    publish(ledger(tmp_path), server.address(), schema)
    ledger(tmp_path, 2)
    asked, applied = warehouse.Warehouse.changes_of, warehouse.Warehouse.apply

    def ask(self, marts):
        assert tmp_path.resolve() not in state.HELD
        if not times:
            ledger(tmp_path, 3)
        times.append(1)
        return asked(self, marts)

    def apply(self, *words):
        assert tmp_path.resolve() not in state.HELD
        return applied(self, *words)

    times: list[int] = []
    monkeypatch.setattr(warehouse.Warehouse, "changes_of", ask)
    monkeypatch.setattr(warehouse.Warehouse, "apply", apply)
    assert publish(tmp_path, server.address(), schema).build == "build-3"
    assert len(times) == 2
    assert server.rows(f"select sum(usd)::text from {schema}.charges") == [("180.000000000060",)]


def test_a_ledger_that_did_not_build_is_not_published(tmp_path, server, schema, monkeypatch, capsys):
    (tmp_path / "none").mkdir()
    assert said(monkeypatch, capsys, tmp_path / "none", str(tmp_path / "out"))[0] == 2
    ledger(tmp_path, good=False)
    for to in (server.address(), str(tmp_path / "out")):
        code, text = said(monkeypatch, capsys, tmp_path, to, SCHEMA=schema)
        assert (code, "the last build did not end well" in text) == (1, True)
    assert server.rows(f"select 1 from pg_namespace where nspname = '{schema}'") == []
    assert not (tmp_path / "out" / "manifest.json").exists()


def killed(data: Path, to: str, schema: str, seconds: float) -> bool:
    """Whether a publication in a process of its own was killed before it ended."""
    words = [sys.executable, str(PROJECT / "scripts" / "publish.py"), str(data)]
    with subprocess.Popen(words, env={**os.environ, "TO": to, "SCHEMA": schema}, stdout=subprocess.PIPE) as process:
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
    return process.returncode == -signal.SIGKILL


def moments(data: Path, to: str, schema: str) -> list[float]:
    """Random moments of a publication, most of them while it writes."""
    start = time.monotonic()
    words = [sys.executable, str(PROJECT / "scripts" / "publish.py"), str(data)]
    subprocess.run(words, env={**os.environ, "TO": to, "SCHEMA": schema}, check=True, capture_output=True)
    whole = time.monotonic() - start
    return [random.uniform(0.3, 1.0) * whole for _ in range(KILLS)]


def test_kills_leave_the_old_or_the_new_whole(tmp_path, server, schema):
    ledger(tmp_path, 1, 20_000)
    after, left = {1: "20000.000000020000"}, []
    for number, moment in enumerate(moments(tmp_path, server.address(), schema), 2):
        ledger(tmp_path, number, 20_000)
        after[number] = f"{number * 20_000}.000000020000"
        was_killed = killed(tmp_path, server.address(), schema, moment)
        found = server.rows(f"""
            select (select sum(usd)::text from {schema}.charges), (select sum(usd)::text from {schema}.teams),
                (select max(build_id) from {schema}._publications where mart = 'charges')""")  # fmt: skip
        assert found in [[(after[one], after[one], f"build-{one}")] for one in (number - 1, number)]
        left.append((was_killed, found[0][2] == f"build-{number}"))
        publish(tmp_path, server.address(), schema)
        assert server.rows(f"select sum(usd)::text from {schema}.charges") == [(after[number],)]
    print(f"{sum(one for one, _ in left)} of {KILLS} were killed, {sum(new for _, new in left)} left the new rows")


# -------------------------------------------------------------------------------------------------------------- folders


def manifest(place: Path) -> dict:
    return json.loads((place / "manifest.json").read_text())


def files(place: Path) -> set[str]:
    return {path.name for path in place.iterdir() if path.suffix == ".parquet"}


def test_files_are_the_marts(golden, tmp_path):
    done = publish(golden.data, str(tmp_path))
    told = manifest(tmp_path)
    assert told["build_id"] == done.build
    assert files(tmp_path) == {mart["file"] for mart in told["marts"].values()}
    with duckdb.connect() as engine:
        engine.execute("set timezone = 'UTC'")
        engine.execute(f"attach '{golden.data}/ledger.duckdb' as ledger (read_only)")
        for name, columns in shapes(golden).items():
            mart = told["marts"][name]
            path = tmp_path / mart["file"]
            assert hashlib.sha256(path.read_bytes()).hexdigest() == mart["sha256"]
            assert mart["file"] == f"{name}-{mart['sha256'][:16]}.parquet"
            query = f"select {own(columns)} from ledger.marts.{name}"
            assert unlike(engine, f"from read_parquet('{path}')", query) == [], name
            kinds = {
                one: str(kind) for one, kind in zip(pq.read_schema(path).names, pq.read_schema(path).types, strict=True)
            }
            money = {one: kind for one, kind in columns if "DECIMAL" in kind}
            assert {one: kinds[one] for one in money} == {
                one: kind.lower().replace("decimal", "decimal128").replace(",", ", ") for one, kind in money.items()
            }
            sums = ", ".join(f'sum("{one}")' for one in money) or "count(*)"
            [totals] = engine.execute(f"select {sums} from ledger.marts.{name}").fetchall()
            found = [mart["sums"][one] for one in money]
            assert [None if one == "None" else Decimal(one) for one in found] == [*totals][: len(money)], name


def test_files_of_what_changed_alone_and_older_ones_for_one_publication(tmp_path):
    data, place = tmp_path / "data", tmp_path / "out"
    publish(ledger(data), str(place))
    (place / "charges-notes.parquet").write_text("mine")
    first = manifest(place)
    stamps = {path.name: path.stat().st_mtime_ns for path in place.iterdir()}
    assert publish(ledger(data), str(place)).written == []
    assert {name: (place / name).stat().st_mtime_ns for name in stamps if name != ".publish.lock"} == {
        name: stamp for name, stamp in stamps.items() if name != ".publish.lock"
    }
    with duckdb.connect(str(data / "ledger.duckdb")) as engine:
        engine.execute("update marts.teams set usd = usd + 1")
    assert [mart.name for mart in publish(data, str(place)).written] == ["teams"]
    second = manifest(place)
    assert {name for name in first["marts"] if first["marts"][name] != second["marts"][name]} == {"teams"}
    assert (place / first["marts"]["teams"]["file"]).exists()  # who read the first manifest reads on
    publish(ledger(data, 3), str(place))
    assert not (place / first["marts"]["teams"]["file"]).exists()
    assert (place / second["marts"]["teams"]["file"]).exists()
    assert (place / "charges-notes.parquet").read_text() == "mine"
    # A file that is gone or cut is written again.
    (place / manifest(place)["marts"]["charges"]["file"]).write_bytes(b"PAR1")
    assert [mart.name for mart in publish(data, str(place)).written] == ["charges"]
    assert pq.read_table(place / manifest(place)["marts"]["charges"]["file"]).num_rows == 60


def test_manifests_of_others_stay(tmp_path, monkeypatch, capsys):
    ledger(tmp_path)
    place = tmp_path / "out"
    place.mkdir()
    for words in ("{}", "[1]", "no json", '{"kind": "chargeback-ledger marts", "marts": 1}'):
        (place / "manifest.json").write_text(words)
        code, text = said(monkeypatch, capsys, tmp_path, str(place))
        assert (code, "make publish did not write" in text) == (1, True)
        assert (place / "manifest.json").read_text() == words
    (tmp_path / "file").write_text("")
    code, text = 1, ""
    with pytest.raises(OSError, match="exists"):
        publish(tmp_path, str(tmp_path / "file"))


def test_readers_of_a_folder_see_one_publication(tmp_path):
    data, place = tmp_path / "data", tmp_path / "out"
    publish(ledger(data), str(place))
    seen, stop = [], threading.Event()

    def poll():
        while not stop.is_set():
            told = manifest(place)["marts"]
            paths = [place / told[name]["file"] for name in ("charges", "teams")]
            sums = [duckdb.sql(f"select sum(usd)::varchar from '{path}'").fetchall()[0][0] for path in paths]
            seen.append(tuple(sums))
            time.sleep(0.01)

    reader = threading.Thread(target=poll)
    reader.start()
    for version in range(2, 6):
        publish(ledger(data, version), str(place))
        time.sleep(0.05)
    stop.set()
    reader.join()
    assert [one for one in seen if one[0] != one[1]] == []
    assert len(set(seen)) >= 3


def test_copies_that_differ_from_the_ledger_are_not_published(tmp_path, monkeypatch):
    publish(ledger(tmp_path), str(tmp_path / "out"))
    before = manifest(tmp_path / "out")
    copied = folder.Ledger.copy

    def spoiled(self, mart, path):
        copied(self, mart, path)
        if mart.name == "charges":
            rows = pq.read_table(path)
            pq.write_table(rows.slice(1), path)

    monkeypatch.setattr(folder.Ledger, "copy", spoiled)
    with pytest.raises(Refused, match="charges: its copy is not the ledger's mart"):
        publish(ledger(tmp_path, 2), str(tmp_path / "out"))
    assert manifest(tmp_path / "out") == before
    assert len(files(tmp_path / "out")) == 3


def test_kills_leave_a_folder_whole(tmp_path):
    data, place = tmp_path / "data", tmp_path / "out"
    ledger(data, 1, 20_000)
    for number, moment in enumerate(moments(data, str(place), ""), 2):
        ledger(data, number, 20_000)
        killed(data, str(place), "", moment)
        told = manifest(place)["marts"]
        for one in told.values():
            assert hashlib.sha256((place / one["file"]).read_bytes()).hexdigest() == one["sha256"]
        assert Decimal(told["charges"]["sums"]["usd"]) == Decimal(told["teams"]["sums"]["usd"])
        assert told["charges"]["sums"]["usd"] in (f"{one * 20_000}.00000002" for one in (number - 1, number))
        publish(data, str(place))
        assert manifest(place)["marts"]["charges"]["sums"]["usd"] == f"{number * 20_000}.00000002"
        assert not [path for path in place.iterdir() if path.suffix == ".part"]


def test_buckets_are_folders_of_another_kind(tmp_path, monkeypatch):
    """The same through pyarrow's file systems, which the stores of clouds are to it."""
    monkeypatch.setattr(
        folder, "_bucket", lambda *_: (pafs.SubTreeFileSystem(str(tmp_path), pafs.LocalFileSystem()), "out")
    )
    (tmp_path / "out").mkdir()
    data = ledger(tmp_path / "data")
    assert len(publish(data, "s3://bucket/marts").written) == 3
    assert publish(data, "s3://bucket/marts").written == []
    first = manifest(tmp_path / "out")["marts"]["teams"]["file"]
    for version in (2, 3):
        publish(ledger(data, version), "s3://bucket/marts")
    assert first not in files(tmp_path / "out")
    assert len(files(tmp_path / "out")) == 5  # of this publication and the one before; the calendar is the same
