"""Row records (CSV, tab-separated, Parquet, JSON) -> rows of their landed table, typed by its schema, in SQL."""

from pathlib import Path

import duckdb
import pyarrow as pa

from landing.spans import quoted
from landing.tables import DAY_OF, HEADERS, NO_DAY, TABLES, typed_columns

# Columns that a reader makes from others.
MADE = {
    "trace_key": "key_of(id_of(trace_id_stated, 16))",
    "trace_keys": "list_transform(ids_of(trace_ids_stated), lambda id: key_of(id_of(id, 16)))",
}
HASHED = {"usage_events": ["user_id", "account_id"], "users": ["user_id", "account_id"], "revenue": ["account_id"]}


class RowReader:
    """Turns portions of records into landed rows of one table; the counterpart of SpanReader for everything else."""

    def __init__(self, engine: duckdb.DuckDBPyConnection, hash_identities: bool):
        self.engine, self.hash_identities = engine, hash_identities
        self.taken = 0

    def take(self, table: str) -> list[tuple]:
        """Read registered `documents` as texts of the table's columns; returns records refused whole."""
        stated = ", ".join(f"text_of(document ->> '$.\"{name}\"') as {name}_stated" for name in HEADERS[table])
        query = f"select file_no, source_line, {stated} from documents"
        self.engine.execute(
            f"insert into stated {query}" if self.taken else f"create or replace temp table stated as {query}"
        )
        self.taken = self.engine.execute("select count(*) from stated").fetchone()[0]
        return []

    def land(self, folder: Path, name: str, row_base: int) -> tuple[list[tuple], list[tuple]]:
        """Write what was taken as `folder/day=<day>/<name>.parquet`; `folder` is named after the table.

        Returns ((file_no, rows read), ...) and the rows refused as (file_no, line, reason).
        """
        run, table = self.engine.execute, folder.name
        run(f"create or replace temp table landed as {self._typed(table, row_base)}")
        day = f"coalesce(cast({DAY_OF[table]} as date), date '{NO_DAY}')" if table in DAY_OF else f"date '{NO_DAY}'"
        for (on,) in run(f"select distinct {day} from landed where fault is null order by all").fetchall():
            target = folder / f"day={on}" / f"{name}.parquet"
            target.parent.mkdir(parents=True, exist_ok=True)
            run(
                f"copy (select {typed_columns(table)} from landed where fault is null and {day} = date '{on}'"
                f" order by row_no) to '{quoted(target)}' (format parquet, compression zstd)"
            )
        read = run("select file_no, count(*) from landed group by all").fetchall()
        refused = run("select file_no, source_line, fault from landed where fault is not null").fetchall()
        self.taken = 0
        return read, refused

    def _typed(self, table: str, row_base: int) -> str:
        header = HEADERS[table]
        typed, faults = [], []
        for name, rule in header.items():
            if name not in TABLES[table].names:
                continue
            value, fault = _column(name, TABLES[table].field(name).type)
            if self.hash_identities and name in HASHED.get(table, []):
                value = f"left(keyed({value}), 32)"
            typed.append(f"{value} as {name}")
            faults.append(fault)
            if "filled" in rule:
                faults.append(f"case when {name}_stated is null then '{name} is blank' end")
            if "usd" in rule:
                faults.append(
                    f"case when lower({name}_stated) <> 'usd' then concat('{name}: ''', {name}_stated,"
                    " '''; bills in other currencies than USD are not yet read') end"
                )
        typed += [f"{MADE[name]} as {name}" for name in TABLES[table].names if name in MADE]
        return f"""
            with typed as (
                select stated.*, rowid + {row_base} as row_no, getvariable('file_ids')[file_no + 1] as file_id,
                    getvariable('source_files')[file_no + 1] as source_file, {", ".join(typed)}
                from stated
            )
            select *, coalesce({", ".join(faults)}) as fault from typed"""


def _column(name: str, kind: pa.DataType) -> tuple[str, str]:
    """(value, fault) of a stated column, by the type it lands as."""
    stated = f"{name}_stated"
    if pa.types.is_timestamp(kind):
        return f"time_of({stated}, null)", f"time_fault({stated}, {name}, '{name}')"
    if pa.types.is_date(kind):
        day = f"case when regexp_full_match({stated}, '\\d{{4}}-\\d\\d') then {stated} || '-01' else {stated} end"
        value = f"cast(time_of({day}, null) as date)"
        return f"date_trunc('month', {value})" if name == "month" else value, f"time_fault({stated}, {name}, '{name}')"
    if pa.types.is_decimal(kind):
        return f"money_of({stated})", f"money_fault({stated}, {name}, '{name}')"
    if pa.types.is_integer(kind):
        return f"count_of({stated})", f"count_fault({stated}, {name}, '{name}')"
    limit = "case when strlen({0}) > 4096 and '{1}' <> 'trace_ids' then '{1}: more than 4,096 characters of text' end"
    return stated, limit.format(stated, name)
