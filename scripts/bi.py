"""Copies of the marts for dashboards, in DATA/bi: reading them never holds up a build.

ledger.duckdb (tables only, of a storage version that DuckDB 1.4 reads), parquet/<mart>.parquet, csv/<mart>.csv where a
sheet holds it, and superset.zip, a dashboard that Superset imports. Each file takes the place of the older one whole:
who has the older one open reads on in it. Once the folder is there, each good build writes it anew.
"""

import json
import os
import shutil
import sys
import time
from pathlib import Path

import duckdb

import arguments
import ending
import export
import state
import superset_dashboard
from terminal import print

SHEET_ROWS = 1_048_575  # of a spreadsheet, below its header
MARTS = """
select table_name from information_schema.tables
where table_catalog = 'ledger' and table_schema = 'marts' order by table_name
"""


def descriptions(data: Path) -> dict[str, dict]:
    """What the project says of each mart and its columns, where the last build left its manifest."""
    path = data / "target" / "manifest.json"
    nodes = json.loads(path.read_text())["nodes"].values() if path.exists() else []
    return {node["name"]: node for node in nodes if node["resource_type"] == "model" and node["schema"] == "marts"}


def text(words: str) -> str:
    return "'" + words.replace("'", "''") + "'"


def describe(engine, mart: str, node: dict) -> None:
    """Comments, which BI tools show beside tables and columns."""
    engine.execute(f"comment on table copied.marts.{mart} is {text(node['description'])}")
    there = {row[0] for row in engine.execute(f"describe copied.marts.{mart}").fetchall()}
    for name, column in node["columns"].items():
        if name in there:
            engine.execute(f'comment on column copied.marts.{mart}."{name}" is {text(column["description"])}')


def write(data: Path) -> list[Path]:
    """Every copy; they stand in a folder of their own until all are made."""
    part, folder, known = data / ".bi.part", data / "bi", descriptions(data)
    shutil.rmtree(part, ignore_errors=True)
    for kind in ("parquet", "csv"):
        (part / kind).mkdir(parents=True)
        (folder / kind).mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as engine:
        engine.execute(f"attach {text(str(data / 'ledger.duckdb'))} as ledger (read_only)")
        engine.execute(f"attach {text(str(part / 'ledger.duckdb'))} as copied (storage_version 'v1.4.0')")
        engine.execute("create schema copied.marts")
        for (mart,) in engine.execute(MARTS).fetchall():
            engine.execute(f"create table copied.marts.{mart} as select * from ledger.marts.{mart} order by all")
            if mart in known:
                describe(engine, mart, known[mart])
            parquet = text(str(part / "parquet" / f"{mart}.parquet"))
            engine.execute(f"copy copied.marts.{mart} to {parquet} (compression zstd)")
            ((rows,),) = engine.execute(f"select count(*) from copied.marts.{mart}").fetchall()
            if rows <= SHEET_ROWS:
                columns = engine.execute(f"describe copied.marts.{mart}").fetchall()
                cells = [export.NEUTRAL.format(name) if kind == "VARCHAR" else name for name, kind, *_ in columns]
                sheet = text(str(part / "csv" / f"{mart}.csv"))
                engine.execute(f"copy (select {', '.join(cells)} from copied.marts.{mart}) to {sheet} (header)")
        engine.execute("detach copied")
    superset_dashboard.write(part / "superset.zip", known, part / "ledger.duckdb", folder / "ledger.duckdb")
    made = sorted(path.relative_to(part) for path in part.rglob("*.*") if path.is_file())
    for kind in ("parquet", "csv"):  # readers find all of the old copies or all of the new ones
        state.exchange(part / kind, folder / kind)
    for name in ("ledger.duckdb", "superset.zip"):
        os.replace(part / name, folder / name)
    for path in folder.rglob("*.*"):
        if path.is_file() and path.relative_to(folder) not in made:
            path.unlink()
    shutil.rmtree(part)
    return [folder / path for path in made]


def main(data: Path) -> int:
    if not (data / "ledger.duckdb").exists():
        print(f"ERROR: there is no {data / 'ledger.duckdb'}; run make build first", file=sys.stderr)
        return 2
    with state.holding(data) as is_held:
        return renew(data) if is_held else 2


def renew(data: Path) -> int:
    start = time.monotonic()
    try:
        made = write(data)
    except (duckdb.Error, OSError) as broken:
        reason = str(broken).splitlines()[0]
        print(f"ERROR: no new copies; is a build running, or the disk full? ({reason})", file=sys.stderr)
        return 2
    size = sum(path.stat().st_size for path in made)
    print(f"  {len(made)} files, {size / 1e6:.1f} MB, {time.monotonic() - start:.1f} s")
    print(f"Look at: {data}/bi/ledger.duckdb, parquet and csv beside it, superset.zip; docs/bi.md says how to connect")
    return 0


if __name__ == "__main__":
    sys.exit(ending.of(lambda: main(*arguments.paths(__doc__, "data"))))
