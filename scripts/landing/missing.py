"""Money that is missing from the bills as they landed: lines that were rejected, and files that were not read.

A landing writes what it finds to `DATA/landed/missing.json`, so that every later build says it again and `make close`
can ask for it. A rejected line counts as missing until another file brings it.
"""

import json
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import duckdb
import pyarrow as pa

import state
from landing.store import Store
from landing.tables import BILLS, DAY_OF, ORIGIN, TABLES
from paths import pattern

SHOWN, LINES_SHOWN = 10, 5
REMEDY = "correct them in the file, or export it again, and land it under the same name"
NAME = "missing.json"


class Missing(NamedTuple):
    """`warnings` go to the end of each summary, `errors` fail the build, `bills` are what a month's close asks for."""

    warnings: list[str]
    errors: list[str]
    bills: list[dict]


class Stretch(NamedTuple):
    """A landed file's rows in its table, and its first and last day."""

    rows: int = 0
    first: date | None = None
    last: date | None = None

    def covers(self, other: "Stretch") -> bool:
        if other.first is None or other.last is None:
            return True
        return bool(self.first and self.last and self.first <= other.first and other.last <= self.last)


def find(store: Store, unread: list[dict], present: set[str], most: float) -> Missing:
    """What is missing after a landing; `present` are the contents that lie in the inbox, `most` the share of a bill's
    lines that may be rejected.
    """
    warnings, errors, bills = [], [], []
    for item in unread:
        if item.get("refused_as") in BILLS:
            errors.append(
                f"{item['source_file']} is refused whole: every line of this bill ({item['refused_as']}) is missing "
                f"({item['reason']}); export it again, or take it out of the inbox"
            )
            bills.append({"source_file": item["source_file"], "days": [], "what": "every line is refused"})
    for entry, rejects in _unsettled(store, present):
        said = _said(entry, rejects)
        warnings.append(said)
        bills.append({"source_file": entry["source_file"], "days": _days_of(rejects), "what": said})
        if entry["rows_rejected"] > entry["rows_read"] * most:
            errors.append(
                f"{entry['rows_rejected']:,} of {entry['rows_read']:,} rows of {entry['kind']} rejected in "
                f"{entry['source_file']}, over max_reject_share ({most:.0%}), which is asked of each bill; {REMEDY}, "
                "take the file out with `make forget FILE=`, or raise max_reject_share in dbt_project.yml"
            )
    for entry, end in _cut_short(store):
        said = (
            f"{entry['source_file']} ({entry['kind']}) ends at {end:%Y-%m-%d %H:%M} with a page after which the "
            "provider has more (has_more), and no file goes on from there: download the next pages too"
        )
        warnings.append(said)
        bills.append({"source_file": entry["source_file"], "days": [[f"{end:%Y-%m-%d}"] * 2], "what": said})
    warnings += _not_read(unread, store, present)
    for entry in store.files.values():
        warnings += entry.get("warnings") or []
    return Missing(warnings, errors, bills)


def write(store: Store, missing: Missing) -> None:
    state.write(store.root / NAME, json.dumps(missing._asdict(), indent=1))


def known(data: Path) -> Missing:
    """What the last landing found."""
    path = data / "landed" / NAME
    try:
        return Missing(**state.read(path, "")) if path.exists() else Missing([], [], [])
    except (state.Unreadable, TypeError):
        again = f"{path} can't be read, so what is missing from bills isn't known; the next make build finds it again"
        return Missing([again], [], [{"source_file": str(path), "days": [], "what": again}])


def listed(names: list[str], shown: int = SHOWN) -> str:
    more = len(names) - shown
    return ", ".join(names[:shown]) + (f" and {more:,} more" if more > 0 else "")


def _days_of(rejects: dict) -> list[list[str]]:
    """First and last day of each stretch that rejected lines may be of: their own day, or else any that the file's
    other lines span. None, where it may be any day at all.
    """
    stretch = rejects["stretch"]
    stretches = {(on, on) if on else (stretch.first, stretch.last) for on in rejects["stated_on"]}
    if not stretches or (None, None) in stretches:
        return []
    return [[f"{first}", f"{last}"] for first, last in sorted(stretches)]


def _not_read(unread: list[dict], store: Store, present: set[str]) -> list[str]:
    """A warning per file of the inbox that was not read, or of which next to nothing was."""
    said = ("is_forgotten", "is_said")
    named = {item["source_file"]: item["reason"] for item in unread if not any(map(item.get, said))}
    for entry in store.files.values():
        if entry.get("unread") and entry["file_id"] in present:
            named.setdefault(entry["source_file"], entry["unread"])
    lines = [
        f"{name} is not read: {reason}; if it holds nothing of value, take it out of the inbox"
        for name, reason in list(named.items())[:SHOWN]
    ]
    if len(named) > SHOWN:
        lines.append(f"{len(named) - SHOWN:,} more files are not read; landed/rejects names them")
    return lines


def _said(entry: dict, rejects: dict) -> str:
    """One bill's missing lines: which, what they come to, why, and what to do."""
    name, read, rejected = f"{entry['source_file']} ({entry['kind']})", entry["rows_read"], entry["rows_rejected"]
    if not rejected:
        return (
            f"{name} stands with {rejects['stretch'].rows:,} of the {read:,} lines that were read; files in landed are "
            "missing: land its inbox into a new DATA folder"
        )
    lines = sorted({line for line in rejects["line"] if line is not None})
    where = f"line{'s' * (len(lines) > 1)} {listed([f'{line:,}' for line in lines], LINES_SHOWN)}"
    reasons = list(dict.fromkeys(rejects["reason"]))
    return (
        f"{name}: {rejected:,} of {read:,} lines are rejected and missing from the bill ({where}), "
        f"{_sum_of(rejects)}: {listed(reasons, 1)}; {REMEDY}"
    )


def _sum_of(rejects: dict) -> str:
    """What rejected lines come to, as far as their amounts can be read."""
    sums: dict[str, Decimal] = {}
    unknown = 0
    for amount, currency in zip(rejects["amount"], rejects["currency"], strict=True):
        if amount is None:
            unknown += 1
        else:
            currency = currency or "of a currency that can't be read"
            sums[currency] = sums.get(currency, Decimal()) + amount
    if not sums:
        return "their sum can't be read"
    total = " and ".join(f"{_plain(amount)} {currency}" for currency, amount in sorted(sums.items()))
    return f"{total} in all" + (f" but for {unknown:,} whose amount can't be read" if unknown else "")


def _plain(amount: Decimal) -> str:
    """At least cents, and every digit that is there."""
    whole, _, places = f"{amount:f}".partition(".")
    return f"{whole}.{places.rstrip('0'):0<2}"


def _unsettled(store: Store, present: set[str]) -> list[tuple[dict, dict]]:
    """(file, its rejects by column, with its stretch) of bills that lack lines which no other file brought."""
    bills = [entry for entry in store.files.values() if entry["kind"] in BILLS]
    if not bills:
        return []
    found = []
    with duckdb.connect() as engine:
        engine.execute("set TimeZone = 'UTC'")
        stretches = {kind: _stretches(engine, store.root, kind) for kind in {entry["kind"] for entry in bills}}
        for entry in bills:
            landed = stretches[entry["kind"]]
            own = landed.get(entry["file_id"], Stretch())
            is_refused_whole = entry["rows_rejected"] >= entry["rows_read"]
            if own.rows >= entry["rows_read"] or (is_refused_whole and entry["file_id"] not in present):
                continue
            rejects = {**_rejects_of(engine, store.root, entry), "stretch": own}
            if not _is_replaced(engine, store.root, entry, rejects, bills, landed):
                found.append((entry, rejects))
    return found


def _cut_short(store: Store) -> list[tuple[dict, datetime]]:
    """(file, its end) of pages of an API that no other file goes on from. `make pull` puts whole sets of pages into the
    inbox, as the notes beside them say.
    """
    found = []
    pages = [entry for entry in store.files.values() if entry.get("has_more")]
    with duckdb.connect() as engine:
        whole = _pages_of_whole_sets(engine, store.root) if pages else set()
        for entry in pages:
            if entry["file_id"] in whole:
                continue
            [(end, is_continued)] = engine.execute(
                f"""with files as (
                    select file_id, min(start_time) as first, max(end_time) as last
                    from {_rows_of(store.root, entry["kind"])} group by file_id
                )
                select own.last, bool_or(other.file_id is not null)
                from files as own
                left join files as other
                    on own.file_id != other.file_id and other.first <= own.last and other.last > own.last
                where own.file_id = $id group by own.last""",
                {"id": entry["file_id"]},
            ).fetchall() or [(None, True)]
            if not is_continued:
                found.append((entry, end))
    return found


def _pages_of_whole_sets(engine, root: Path) -> set[str]:
    """Contents that a note names as one of all pages of its request."""
    found = engine.execute(
        f"select unnest([page_blake3, page_sha256]) from {_rows_of(root, 'manifests')} where request_id is not null"
    )
    return {file_id for (file_id,) in found.fetchall()}


def _rejects_of(engine, root: Path, entry: dict) -> dict[str, list]:
    rejects = engine.execute(
        f"""select line, reason, stated_on, amount, currency
        from {_rows_of(root, "rejects")} where file_id = $id and kind = $kind order by line, reason""",
        {"id": entry["file_id"], "kind": entry["kind"]},
    )
    names, rows = [column[0] for column in rejects.description], rejects.fetchall()
    return {name: [row[place] for row in rows] for place, name in enumerate(names)}


def _is_replaced(engine, root: Path, entry: dict, rejects: dict, bills: list[dict], landed: dict[str, Stretch]) -> bool:
    """Whether another file brings what this one lacks: it came later under the same name and covers its days, or it
    has all of its lines, whatever they amount to, and as many as it should have had.
    """
    own: Stretch = rejects["stretch"]
    days = [on for on in (*rejects["stated_on"], own.first, own.last) if on]
    whole = Stretch(entry["rows_read"], min(days, default=None), max(days, default=None))
    for other in bills:
        theirs = landed.get(other["file_id"], Stretch())
        if other is entry or other["kind"] != entry["kind"]:
            continue
        is_later = other["source_file"] == entry["source_file"] and other["landing_no"] > entry["landing_no"]
        if is_later and theirs.covers(own if own.rows else whole):
            return True
        may_have_all = own.rows and theirs.rows >= whole.rows and theirs.covers(own)
        if may_have_all and _has_all(engine, root, entry, other["file_id"], whole):
            return True
    return False


def _has_all(engine, root: Path, entry: dict, other_id: str, whole: Stretch) -> bool:
    """Whether a file has another's lines but for amounts and counts, and in its days as many as that should have."""
    kind = entry["kind"]
    origin = {field.name for field in ORIGIN} | {"row_no"}
    columns = ", ".join(
        field.name
        for field in TABLES[kind]
        if field.name not in origin and not pa.types.is_decimal(field.type) and not pa.types.is_integer(field.type)
    )
    rows, day = _rows_of(root, kind), f"cast({DAY_OF[kind]} as date)"
    [(lacking, there)] = engine.execute(
        f"""
        with other as (select * from {rows} where file_id = $other and {day} between $first and $last),
        lacking as (
            select {columns} from {rows} where file_id = $own
            except all select {columns} from other
        )
        select (select count(*) from lacking), (select count(*) from other)""",
        {"own": entry["file_id"], "other": other_id, "first": whole.first, "last": whole.last},
    ).fetchall()
    return lacking == 0 and there >= whole.rows


def _stretches(engine, root: Path, kind: str) -> dict[str, Stretch]:
    day = f"cast({DAY_OF[kind]} as date)" if kind in DAY_OF else "null"
    rows = engine.execute(
        f"select file_id, count(*), min({day}), max({day}) from {_rows_of(root, kind)} group by file_id"
    ).fetchall()
    return {file_id: Stretch(*rest) for file_id, *rest in rows}


def _rows_of(root: Path, table: str) -> str:
    return f"read_parquet('{pattern(root)}/{table}/*/*.parquet', hive_partitioning = false, union_by_name = true)"
