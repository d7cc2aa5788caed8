"""Publish the marts where others read them, PostgreSQL or files in a folder or bucket: only what changed, at once.

TO (in the environment, where make puts it) is postgresql://user@host/database, a folder, or s3://, gs://, az://, with
delta: before a folder or bucket whose marts are to be Delta tables; SCHEMA names the schema (marts); DRY_RUN=1 prints
the statements and changes nothing. Exit 0 where all was published or
nothing had changed; 1 where nothing was published, with the reason; 2 where the call is wrong.
"""

import importlib
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import arguments
import ending
import state
from publishing import Refused, addresses, delta, errors, folder, marts
from publishing.addresses import Address
from publishing.dialects import Sql
from publishing.marts import Ledger, Mart
from publishing.warehouse import Change, Warehouse
from terminal import name_of, print

SCHEMA = "marts"
Changed = TypeVar("Changed", Change, Mart)


class Published(NamedTuple):
    """What a publication did, or in a dry run would do."""

    build: str
    written: list[Mart]
    unchanged: int
    gone: list[str]  # marts that are there and no longer in the ledger
    notes: dict[str, str]  # by mart


def publish(data: Path, to: str, schema: str = SCHEMA, is_dry: bool = False) -> Published:
    """Refused, with what to do, where nothing was published."""
    address = addresses.of(to)
    if not (data / "ledger.duckdb").exists():
        raise Refused(f"there is no {data / 'ledger.duckdb'}; run make build first", 2)
    with alone(data) as part:
        if address.dialect:
            return into_warehouse(data, address, schema, is_dry, part)
        return (into_lake if address.is_delta else into_folder)(data, address, is_dry, part)


@contextmanager
def alone(data: Path) -> Iterator[Path]:
    """A folder for copies that are on their way. One publication of a ledger runs at a time."""
    part = data / ".publish.part"
    with (data / ".publish.lock").open("w") as lock:
        if not state.locked(lock):
            raise Refused(f"another publication of {data} is running; wait for it", 2)
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir()
        try:
            yield part
        finally:
            shutil.rmtree(part, ignore_errors=True)


@contextmanager
def reading(data: Path, has_nul: bool) -> Iterator[Ledger]:
    """The ledger, which no build changes meanwhile."""
    with state.holding(data) as is_held:
        if not is_held:  # and said
            raise Refused("", 2)
        with Ledger(data, has_nul) as ledger:
            yield ledger


def into_warehouse(data: Path, address: Address, schema: str, is_dry: bool, part: Path) -> Published:
    assert address.dialect is not None
    sql = Sql(address.dialect, schema)
    with connected(address, is_dry) as connection:
        warehouse = Warehouse(address, sql, connection, print if is_dry else None)
        try:
            warehouse.look()
            build, known, changes, copies = compared(data, False, warehouse.changes_of, is_dry, part)
            gone = warehouse.apply(known, changes, copies, build)
            warehouse.commit(changes)
        except Exception as error:
            if connection and isinstance(error, connection.Error):
                raise Refused(errors.sentence(error, address, warehouse.doing)) from error
            raise
    notes = {change.mart.name: told(change) for change in changes}
    return Published(build, [change.mart for change in changes], len(known) - len(changes), gone, notes)


def compared(
    data: Path, has_nul: bool, changes_of: Callable[[list[Mart]], list[Changed]], is_dry: bool, part: Path
) -> tuple[str, list[Mart], list[Changed], dict[str, Path]]:
    """Build, marts, what of them to write, and copies of that (none in a dry run). No build waits for the network."""
    while True:
        with reading(data, has_nul) as ledger:
            build, known = ledger.build_id(), ledger.marts()
        changes = changes_of(known)
        if is_dry:
            return build, known, changes, {}
        with reading(data, has_nul) as ledger:
            if ledger.build_id() == build:  # else there was a build meanwhile
                changed = [change.mart if isinstance(change, Change) else change for change in changes]
                copies = {mart.name: part / f"{mart.name}.parquet" for mart in changed}
                for mart in changed:
                    ledger.copy(mart, copies[mart.name])
                return build, known, changes, copies


def told(change: Change) -> str:
    words = [change.reason] if change.reason else []
    retyped = [name for name in change.dropped if name in change.added]
    for names, what in (
        ([name for name in change.added if name not in retyped and not change.is_new], "new"),
        ([name for name in change.dropped if name not in retyped], "gone"),
        (retyped, "of another type now"),
    ):
        if names:
            words.append(f"{'column' if len(names) == 1 else 'columns'} {', '.join(names)} {what}")
    return "; ".join(words)


@contextmanager
def connected(address: Address, is_dry: bool) -> Iterator[Any]:
    """None where a dry run needs no connection."""
    dialect = address.dialect
    assert dialect is not None
    if is_dry and not addresses.is_postgresql(address):
        yield None
        return
    try:
        driver = importlib.import_module(f"{dialect.driver}.dbapi")
    except ImportError as error:
        package = dialect.driver.replace("_", "-")
        raise Refused(
            f"{dialect.name} needs the package {package}, which is not in the lock; install it into .venv, or look at "
            "the statements with DRY_RUN=1",
            2,
        ) from error
    try:
        # Transactions are statements: a driver that keeps one itself lets nobody go back to a savepoint.
        connection = driver.connect(**address.for_driver(), autocommit=True)
    except driver.Error as error:
        raise Refused(errors.sentence(error, address, "")) from error
    try:
        yield connection
    finally:
        connection.close()


def into_folder(data: Path, address: Address, is_dry: bool, part: Path) -> Published:
    with bucket_errors(address), folder.opened(address.given) as place:
        sizes = place.sizes()
        before = folder.manifest_of(place, sizes, address.shown)
        with reading(data, has_nul=True) as ledger:
            build, known = ledger.build_id(), ledger.marts()
            changes = folder.changed(known, before, sizes)
            copies = {} if is_dry else folder.copies(ledger, changes, part)
        names = {mart.name for mart in known}
        gone = before["marts"].keys() - names
        if not is_dry and (changes or gone):
            folder.put(place, known, copies, before, build, part)
    return Published(build, changes, len(known) - len(changes), [], {})


def into_lake(data: Path, address: Address, is_dry: bool, part: Path) -> Published:
    lake = delta.Lake(address.given, address.shown)
    with delta.errors(lake):
        records = lake.records()
        build, known, changes, copies = compared(data, True, partial(lake.changed, records), is_dry, part)
        if copies:
            delta.put(lake, changes, copies, records, build)
    gone = sorted(records.keys() - {mart.name for mart in known})
    return Published(build, changes, len(known) - len(changes), gone, {})


@contextmanager
def bucket_errors(address: Address) -> Iterator[None]:
    """A bucket's errors come with a paragraph of its service."""
    try:
        yield
    except OSError as error:
        if "://" not in address.given or address.given.startswith("file:"):
            raise
        first = address.redacted(str(error).splitlines()[0][:300])
        raise Refused(
            f"{address.shown}: {first}; are the bucket's name, this machine's credentials for it (the cloud's own: "
            "environment, profile or role) and the network right? (nothing was published)"
        ) from error


def main(data: Path) -> int:
    to, schema = os.environ.get("TO", ""), os.environ.get("SCHEMA") or SCHEMA
    is_dry, start = os.environ.get("DRY_RUN", "0") not in ("", "0"), time.monotonic()
    if not to:
        print("ERROR: say where: make publish TO=postgresql://user@host/database, or TO=<folder>", file=sys.stderr)
        return 2
    try:
        done = publish(data, to, schema, is_dry)
    except Refused as refused:
        if str(refused):
            print(f"ERROR: {refused}", file=sys.stderr)
        return refused.code
    for line in marts.warnings(done.written):
        print(f"WARNING: {line}")
    for mart in done.written:
        note = done.notes.get(mart.name)
        print(f"  {mart.name}: {mart.rows:,} rows{f' ({note})' if note else ''}")
    address = addresses.of(to)
    place = f"{name_of(address.shown)}, schema {schema}" if address.dialect else name_of(address.shown)
    for name in done.gone:
        print(f"WARNING: {name} is still in {place} and no longer in the ledger; drop it when nobody reads it")
    print(f"{len(done.written)} marts {'would be written' if is_dry else 'written'}, {done.unchanged} unchanged, "
          f"to {place}, of build {done.build[:8]}, in {time.monotonic() - start:.1f} s")  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(ending.of(lambda: main(*arguments.paths(__doc__, "data"))))
