"""What is taken out of the store again, or replaced in it: files that should not have landed, ids, closed months.

Each act is one step like a landing: the new files are written beside, and `Store.seal` swaps them in under its journal.
"""

import secrets
from collections import Counter
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from landing.store import Store
from landing.tables import NO_DAY, PERSONAL, TABLES
from paths import pattern

REMEMBERED = ("file_id", "source_file", "kind", "end")  # of a file that was forgotten
DATABASE = ["ledger.duckdb", "ledger.duckdb.wal"]
OF_PEOPLE = ("spans", "usage_events")  # tables whose rows go with their month


class Taken(NamedTuple):
    """Files that were taken out, rows by table, and files to read again whose copies of spans gave way to theirs."""

    files: list[dict]
    rows: dict[str, int]
    again: list[str]


def now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"


def named(entries: list[dict], name: str) -> list[dict]:
    """The entries of this name, or whose content's id begins like this."""
    found = [entry for entry in entries if entry["source_file"] == name]
    if not found and len(name) >= 8:
        found = [entry for entry in entries if entry["file_id"].startswith(name)]
    return found


def with_parts(store: Store, entries: list[dict]) -> list[dict]:
    """With all parts of a file that grew between landings: one alone can't be taken out."""
    ids = {entry["file_id"] for entry in entries}
    before = 0
    while before < len(ids):
        before = len(ids)
        for entry in store.files.values():
            if entry["file_id"] in ids and entry["continues"] in store.files:
                ids.add(entry["continues"])
            elif entry["continues"] in ids:
                ids.add(entry["file_id"])
    return [entry for entry in store.files.values() if entry["file_id"] in ids]


def take_out(store: Store, entries: list[dict]) -> Taken:
    """Take out all rows of these files, and remember their contents: they don't land again."""
    ids, at = [entry["file_id"] for entry in entries], now()
    moves, removes = [], []
    rows: dict[str, int] = {}
    names = ", ".join(dict.fromkeys(entry["source_file"] for entry in entries))
    for table, schema in TABLES.items():
        if table == "files" or "file_id" not in schema.names:
            continue
        for path in _holding(store, table, "list_contains($texts, file_id)", ids):
            landed = pq.read_table(path, partitioning=None)
            kept = landed.filter(pc.invert(pc.is_in(landed["file_id"], pa.array(ids))))
            rows[table] = rows.get(table, 0) + len(landed) - len(kept)
            if len(kept):
                moves.append(_rewritten(store, path, kept))
            else:
                removes.append(path)
    again = _gave_way(store, set(ids))
    for entry in again:
        entry["reading"] = ""
        entry["lacks"] = ", ".join(filter(None, [entry.get("lacks"), names]))
    for entry in entries:
        del store.files[entry["file_id"]]
        store.forgotten[entry["file_id"]] = {"at": at, **{name: entry.get(name) for name in REMEMBERED}}
    taken = Taken(entries, rows, [entry["source_file"] for entry in again])
    files = [{name: entry.get(name) for name in ("source_file", "file_id", "kind")} for entry in entries]
    act = {"at": at, "act": "file", "files": files, "rows": rows, "read_again": taken.again}
    store.seal(moves, store.unread(), removes, rewrites=True, acts=[act])
    return taken


def take_back(store: Store, forgotten: list[dict]) -> None:
    """Let contents that were forgotten land again."""
    for known in forgotten:
        del store.forgotten[known["file_id"]]
    files = [{name: known.get(name) for name in ("source_file", "file_id", "kind")} for known in forgotten]
    store.seal([], store.unread(), acts=[{"at": now(), "act": "undo", "files": files}])


def days_before(store: Store, end: str) -> dict[str, list[Path]]:
    """Per table of what people did, its files of the days before `end`; what has no time is of no month."""
    found = {}
    for table in OF_PEOPLE:
        folders = ((store.root / table) / f"day={day}" for day in _days(store, table) if NO_DAY < day < end)
        if files := [path for folder in folders for path in sorted(folder.glob("*.parquet"))]:
            found[table] = files
    return found


def retire(store: Store, act: dict | None, end: str, said: dict) -> dict[str, int]:
    """Take out what people did before `end`, and remember from when on their months are retired; returns rows by table.

    `act` is what is to be remembered, or nothing where these months are retired already; `said` goes into the log.
    """
    rows: Counter[str] = Counter()
    removes = []
    for table, files in days_before(store, end).items():
        for path in files:
            ids = pq.read_table(path, columns=["file_id"], partitioning=None)["file_id"].to_pylist()
            rows[table] += len(ids)
            removes.append(path)
            for file_id, count in Counter(ids).items() if table == "spans" else ():
                entry = store.files[file_id]
                entry["rows_retired"] = entry.get("rows_retired", 0) + count
    store.retired += [act] if act else []
    line = {"at": now(), "act": "month", **said, "rows": dict(rows)}
    store.seal([], store.unread(), removes, outdated=DATABASE, acts=[line])
    for path in removes:
        if path.parent.is_dir() and not any(path.parent.iterdir()):
            path.parent.rmdir()
    return dict(rows)


def _days(store: Store, table: str) -> list[str]:
    return sorted(path.name.removeprefix("day=") for path in (store.root / table).glob("day=*"))


def keyed(secret: str, text: str) -> str:
    """A text's hash under the data folder's key, as the engine makes it (macro `keyed`), as far as it lands."""
    return sha256((secret + text).encode()).hexdigest()[:32]


def replace_user(
    store: Store, secret: str, user: str, are_hashed: bool
) -> tuple[str | None, dict[str, int], dict[str, int]]:
    """Put one random name in the place of a person's id in all tables; returns it, the rows by table, and where the id
    is left: columns that decide who is charged, or that hold other things.

    Only a keyed hash of the id is kept, so that files that are read later don't bring it back. An id that landed as a
    hash (`hash_identities`) may be given as it landed.
    """
    hashed = keyed(secret, user)
    if are_hashed and len(user) == 32 and not set(user) - set("0123456789abcdef") and not _is_landed(store, [hashed]):
        hashed = user
    texts = [user, hashed]
    known = store.forgotten_users.get(hashed)
    left = {
        f"{table}.{field.name}": held
        for table, schema in TABLES.items()
        for field in schema
        if pa.types.is_string(field.type) and field.name not in (*PERSONAL.get(table, ()), "file_id")
        if (held := _count(store, table, f"list_contains($texts, {field.name})", texts))
    }
    if not _is_landed(store, texts):
        return known, {}, left
    other = known or f"forgotten-{secrets.token_hex(8)}"
    moves = []
    rows: dict[str, int] = {}
    for table, columns in PERSONAL.items():
        for path in _holding(store, table, _any_of(columns), texts):
            landed = pq.read_table(path, partitioning=None)
            told = pa.array([False] * len(landed))
            for column in set(columns) & set(landed.column_names):
                meant = pc.fill_null(pc.is_in(landed[column], pa.array(texts)), False)
                told = pc.or_(told, meant)
                cells = pc.if_else(meant, pa.scalar(other, pa.string()), landed[column])
                landed = landed.set_column(landed.column_names.index(column), landed.schema.field(column), cells)
            rows[table] = rows.get(table, 0) + pc.sum(told).as_py()
            moves.append(_rewritten(store, path, landed))
    store.forgotten_users[hashed] = other
    act = {"at": now(), "act": "user", "replacement": other, "rows": rows}
    store.seal(moves, store.unread(), outdated=[*DATABASE], rewrites=True, acts=[act])
    return other, rows, left


def _gave_way(store: Store, ids: set[str]) -> list[dict]:
    """Files that hold copies of spans which gave way to these files', or to one's that gave way to them in turn."""
    spans = [entry for entry in store.files.values() if entry["kind"] == "spans" and entry["rows_superseded"]]
    lost, before = set(ids), 0
    while before < len(lost):
        before = len(lost)
        for entry in spans:
            if lost & set(entry.get("gave_way_to", lost)):  # of older stores nothing is known
                lost.add(entry["file_id"])
    return [entry for entry in spans if entry["file_id"] in lost - ids]


def _is_landed(store: Store, texts: list[str]) -> bool:
    return any(_count(store, table, _any_of(columns), texts) for table, columns in PERSONAL.items())


def _any_of(columns: tuple[str, ...]) -> str:
    return " or ".join(f"list_contains($texts, {column})" for column in columns)


def _rows_of(store: Store, table: str) -> str:
    files = f"'{pattern(store.root)}/{table}/*/*.parquet'"
    return f"read_parquet({files}, hive_partitioning = false, union_by_name = true, filename = true)"


def _count(store: Store, table: str, condition: str, texts: list[str]) -> int:
    query = f"select count(*) from {_rows_of(store, table)} where {condition}"
    with duckdb.connect() as engine:
        [(count,)] = engine.execute(query, {"texts": texts}).fetchall()
    return count


def _holding(store: Store, table: str, condition: str, texts: list[str]) -> list[Path]:
    """A table's files with rows that fulfil a condition."""
    query = f"select distinct filename from {_rows_of(store, table)} where {condition} order by 1"
    with duckdb.connect() as engine:
        return [Path(name) for (name,) in engine.execute(query, {"texts": texts}).fetchall()]


def _rewritten(store: Store, path: Path, rows: pa.Table) -> tuple[Path, Path]:
    """The rows, written beside the file whose place they take."""
    target = store.staging / "rewritten" / path.parent.parent.name / path.parent.name / path.name
    target.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(rows, target, compression="zstd")
    return target, path
