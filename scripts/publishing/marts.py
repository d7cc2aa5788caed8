"""What is published: the marts of a ledger, with columns, a fingerprint of their rows, control totals, and copies."""

import json
from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Context, Decimal
from pathlib import Path
from typing import NamedTuple

import duckdb

import bi
from publishing import Refused
from terminal import name_of

TEXT, MOMENT = "VARCHAR", "TIMESTAMP WITH TIME ZONE"
NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "DECIMAL")
# A NUL is a character to DuckDB and to Parquet. Warehouses can't store it, and show this sign in its place.
EXACT = Context(prec=100)
NUL, NUL_SIGN = "chr(0)", "\u2400"
BUILD = "select build_id, is_good from ledger.main.ledger_builds"


class Column(NamedTuple):
    name: str
    kind: str  # DuckDB's type; a moment's says that it is in UTC


class Mart(NamedTuple):
    name: str
    columns: tuple[Column, ...]
    rows: int
    fingerprint: str  # of columns and rows, in whatever order
    totals: dict[str, str]  # label to value in `canonical` form
    comments: dict[str, str]  # by column; under "" the mart's own
    nuls: dict[str, int]  # texts with a NUL, by column


class Ledger:
    """An open ledger. Its marts can be read as long as its data folder's lock is held."""

    def __init__(self, data: Path, has_nul: bool):
        """`has_nul`: whether where the marts go a text may hold a NUL."""
        self.engine = duckdb.connect()
        self.engine.execute("set timezone = 'UTC'")
        self.engine.execute(f"attach {bi.text(str(data / 'ledger.duckdb'))} as ledger (read_only)")
        self.has_nul = has_nul
        self.known = bi.descriptions(data)

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(self, *_) -> None:
        self.engine.close()

    def build_id(self) -> str:
        """Of the build that made the marts; Refused where it failed."""
        found = self.engine.execute(BUILD).fetchall()
        if not found or not found[0][1]:
            raise Refused("the last build did not end well, so its marts are not published; run make build")
        return found[0][0]

    def marts(self) -> list[Mart]:
        return [self._measured(name) for (name,) in self.engine.execute(bi.MARTS).fetchall()]

    def _measured(self, name: str) -> Mart:
        columns = self._columns(name)
        wanted = dict(totals(columns, "strlen"))
        texts = [] if self.has_nul else [column.name for column in columns if column.kind == TEXT]
        nuls = [f"count(*) filter (contains({identifier(text)}, {NUL}))" for text in texts]
        row = " || ".join(f"coalesce(strlen({cell}) || ':' || {cell}, '-')" for cell in map(_as_text, columns))
        figures = [*wanted.values(), "sum(md5_number_lower(row_text))", "sum(md5_number_upper(row_text))"]
        shaped = f"select *, {row} as row_text from ({self._shaped(name, columns)})"
        counted = f"select {', '.join(nuls)} from ledger.marts.{identifier(name)}" if nuls else "select 1"
        values = self._one_row(f"select {', '.join(figures)} from ({shaped})")
        found = dict(zip(wanted, map(canonical, values), strict=False))
        ((fingerprint,),) = self.engine.execute(
            "select md5($1)", [json.dumps([columns, found["rows"], *map(str, values[-2:])])]
        ).fetchall()
        with_nul = dict(zip(texts, self.engine.execute(counted).fetchall()[0], strict=False)) if nuls else {}
        return Mart(name, columns, int(found["rows"]), fingerprint, found, self._comments(name, columns),
                    {column: count for column, count in with_nul.items() if count})  # fmt: skip

    def _columns(self, name: str) -> tuple[Column, ...]:
        described = self.engine.execute(f"describe ledger.marts.{identifier(name)}").fetchall()
        return tuple(Column(column, MOMENT if kind == "TIMESTAMP" else kind) for column, kind, *_ in described)

    def _shaped(self, name: str, columns: Iterable[Column]) -> str:
        """A query of the mart as it is published: times of day are moments in UTC, and say so."""
        cells = []
        for column in columns:
            cell = identifier(column.name)
            if column.kind == MOMENT:
                cell = f"timezone('UTC', {cell}::timestamp) as {cell}"
            elif column.kind == "HUGEINT":
                cell = f"{cell}::decimal(38, 0) as {cell}"  # a double in Parquet otherwise
            elif column.kind == TEXT and not self.has_nul:
                cell = f"replace({cell}, {NUL}, '{NUL_SIGN}') as {cell}"
            cells.append(cell)
        return f"select {', '.join(cells)} from ledger.marts.{identifier(name)}"

    def _comments(self, name: str, columns: Iterable[Column]) -> dict[str, str]:
        node = self.known.get(name)
        if not node:
            return {}
        named = {column.name: node["columns"].get(column.name, {}).get("description", "") for column in columns}
        return {key: words.strip() for key, words in {"": node["description"], **named}.items() if words.strip()}

    def copy(self, mart: Mart, path: Path) -> None:
        """The mart's rows as Parquet, in the same order each time."""
        shaped = self._shaped(mart.name, mart.columns)
        self.engine.execute(f"copy ({shaped} order by all) to {bi.text(str(path))} (format parquet, compression zstd)")

    def totals_of(self, mart: Mart, path: Path) -> dict[str, str]:
        """Control totals of a copy."""
        wanted = dict(totals(mart.columns, "strlen"))
        query = f"select {', '.join(wanted.values())} from read_parquet({bi.text(str(path))})"
        return dict(zip(wanted, map(canonical, self._one_row(query)), strict=True))

    def _one_row(self, query: str) -> list:
        [row] = self.engine.execute(query).fetchall()
        return [*row]


def identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _as_text(column: Column) -> str:
    return f"{identifier(column.name)}::varchar"


def totals(columns: Iterable[Column], bytes_of: str, named=identifier) -> list[tuple[str, str]]:
    """Labels and expressions of a mart's control totals, in words that every engine has: how many values each column
    has, and what numbers add up to, how long texts are together, how many flags are set, or first and last value.
    `bytes_of` is the engine's function of a text's length in bytes.
    """
    found = [("rows", "count(*)")]
    for column in columns:
        cell, kind = named(column.name), column.kind.partition("(")[0]
        found.append((f"values of {column.name}", f"count({cell})"))
        if kind in NUMBERS:
            found.append((f"sum of {column.name}", f"sum({cell})"))
        elif kind == TEXT:
            found.append((f"bytes of {column.name}", f"sum({bytes_of}({cell}))"))
        elif kind == "BOOLEAN":
            found.append((f"true in {column.name}", f"sum(case when {cell} then 1 else 0 end)"))
        else:  # sums of doubles depend on the order of rows; they are ratios, and no money
            found += [(f"{side} of {column.name}", f"{side}({cell})") for side in ("min", "max")]
    return [(label, f"{sql} as total_{number}") for number, (label, sql) in enumerate(found)]


def canonical(value) -> str:
    """A total's value in one spelling, whichever engine it came from."""
    if isinstance(value, float):
        return repr(value + 0.0)  # one zero
    if isinstance(value, int | Decimal | str):
        return format(Decimal(value).normalize(EXACT), "f")
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return value.isoformat() if isinstance(value, date) else str(value)


def differences(mart: Mart, there: dict[str, str]) -> list[str]:
    """Totals in which a copy is not the ledger's mart."""
    return [
        f"{label}: {wanted} in the ledger, {there.get(label, 'nothing')} there"
        for label, wanted in mart.totals.items()
        if there.get(label) != wanted
    ]


def warnings(marts: Iterable[Mart]) -> list[str]:
    return [
        f"{mart.name}.{name_of(column)}: {count} values hold a NUL character, which the warehouse can't store; it is "
        f"written as {NUL_SIGN}"
        for mart in marts
        for column, count in mart.nuls.items()
    ]
