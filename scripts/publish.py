"""Publish the marts where others read them, PostgreSQL or Parquet in a folder or bucket: only what changed, at once.

TO (in the environment, where make puts it) is postgresql://user@host/database, a folder, or s3://, gs://, az://; SCHEMA
names the schema (marts); DRY_RUN=1 prints the statements and changes nothing. Exit 0 where all was published or
nothing had changed; 1 where nothing was published, with the reason; 2 where the call is wrong.
"""

import importlib
import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import arguments
import ending
import state
from publishing import Refused, addresses, errors, marts
from publishing.addresses import Address
from publishing.dialects import Sql
from publishing.marts import Ledger
from publishing.warehouse import Change, Warehouse
from terminal import print

SCHEMA = "marts"


def publish(data: Path, to: str, schema: str = SCHEMA, is_dry: bool = False) -> None:
    """Says what it did. Refused, with what to do, where nothing was published."""
    start = time.monotonic()
    address = addresses.of(to)
    if not (data / "ledger.duckdb").exists():
        raise Refused(f"there is no {data / 'ledger.duckdb'}; run make build first", 2)
    with alone(data) as part:
        into_warehouse(data, address, schema, is_dry, part, start)


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


def into_warehouse(data: Path, address: Address, schema: str, is_dry: bool, part: Path, start: float) -> None:
    assert address.dialect is not None
    sql = Sql(address.dialect, schema)
    with connected(address, is_dry) as connection:
        warehouse = Warehouse(address, sql, connection, print if is_dry else None)
        try:
            warehouse.look()
            with reading(data, has_nul=False) as ledger:
                build, known = ledger.build_id(), ledger.marts()
                changes = [change for mart in known if (change := warehouse.change_of(mart))]
                copies = {} if is_dry else {one.mart.name: part / f"{one.mart.name}.parquet" for one in changes}
                for change in changes:
                    if not is_dry:
                        ledger.copy(change.mart, copies[change.mart.name])
            gone = warehouse.apply(known, changes, copies, build)
            if not is_dry:
                warehouse.commit(changes)
        except Exception as error:
            if connection and isinstance(error, connection.Error):
                raise Refused(errors.sentence(error, address, warehouse.doing)) from error
            raise
    for line in marts.warnings(change.mart for change in changes):
        print(f"WARNING: {line}")
    for change in changes:
        print(f"  {change.mart.name}: {change.mart.rows:,} rows{told(change)}")
    for name in gone:
        print(f"WARNING: {schema}.{name} is in the warehouse and no longer in the ledger; drop it when nobody reads it")
    unchanged = len(known) - len(changes)
    done = "would be written" if is_dry else "written"
    print(f"{len(changes)} marts {done}, {unchanged} unchanged, to {address.shown}, schema {schema}, "
          f"of build {build[:8]}, in {time.monotonic() - start:.1f} s")  # fmt: skip


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
    return f" ({'; '.join(words)})" if words else ""


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
        connection = driver.connect(**address.for_driver(), autocommit=not dialect.is_ddl_undone)
    except driver.Error as error:
        raise Refused(errors.sentence(error, address, "")) from error
    try:
        yield connection
    finally:
        connection.close()


def main(data: Path) -> int:
    to = os.environ.get("TO", "")
    if not to:
        print("ERROR: say where: make publish TO=postgresql://user@host/database, or TO=<folder>", file=sys.stderr)
        return 2
    try:
        publish(data, to, os.environ.get("SCHEMA") or SCHEMA, os.environ.get("DRY_RUN", "0") not in ("", "0"))
    except Refused as refused:
        if str(refused):
            print(f"ERROR: {refused}", file=sys.stderr)
        return refused.code
    return 0


if __name__ == "__main__":
    sys.exit(ending.of(lambda: main(*arguments.paths(__doc__, "data"))))
