"""Marts as Delta tables in a folder or bucket, each under its name, and a table of which versions belong together.

Delta's log replaces the rows of one table at once and keeps what was there before: table `_publications`, written last,
says for each mart which version of its table holds which build. A table's older versions can be read for a week, until
the files of rows that no version of the last week has are removed.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError

from publishing import Refused
from publishing.marts import Mart, canonical, differences, totals

RECORDS = "_publications"
RECORD = pa.schema({
    "mart": pa.string(), "version": pa.int64(), "build_id": pa.string(), "rows": pa.int64(), "fingerprint": pa.string(),
    "published_at": pa.timestamp("us", tz="UTC"),
})  # fmt: skip


class Record(NamedTuple):
    version: int
    build_id: str
    rows: int
    fingerprint: str
    published_at: datetime


class Lake:
    """The tables below one address."""

    def __init__(self, to: str, shown: str):
        scheme = to.partition("://")[0] if "://" in to else ""
        self.base = to.rstrip("/") if scheme else str(Path(to).resolve())
        self.shown = shown
        self.options = None
        if scheme == "az":
            if not os.environ.get("AZURE_STORAGE_ACCOUNT"):
                raise Refused("az:// needs the storage account's name in AZURE_STORAGE_ACCOUNT", 2)
            self.options = {"account_name": os.environ["AZURE_STORAGE_ACCOUNT"]}

    def table(self, name: str) -> DeltaTable | None:
        try:
            return DeltaTable(f"{self.base}/{name}", storage_options=self.options)
        except TableNotFoundError:
            return None

    def records(self) -> dict[str, Record]:
        """What was published last, by mart; Refused where the table is another's."""
        table = self.table(RECORDS)
        if table is None:
            return {}
        found = table.to_pyarrow_table()
        if set(found.column_names) != set(RECORD.names):
            raise Refused(f"{self.shown} holds a table {RECORDS} that make publish did not write; name another folder")
        return {row.pop("mart"): Record(**row) for row in found.to_pylist()}

    def changed(self, records: dict[str, Record], marts: list[Mart]) -> list[Mart]:
        """Marts whose table does not hold their rows; Refused where a table of a mart's name is another's."""
        found = []
        for mart in marts:
            table, record = self.table(mart.name), records.get(mart.name)
            if table is not None and not is_own(table):
                raise Refused(
                    f"{self.shown}/{mart.name} is a table that make publish did not write; name another folder"
                )
            is_there = table is not None and record is not None and table.version() == record.version
            if record is None or not is_there or record.fingerprint != mart.fingerprint:
                found.append(mart)
        return found

    def replace(self, mart: Mart, copy: Path, build: str) -> int:
        """The table's rows by those of a copy; returns the version. Refused, and undone, where it has other totals."""
        before = self.table(mart.name)
        told = CommitProperties(custom_metadata={"build_id": build, "fingerprint": mart.fingerprint})
        write_deltalake(
            f"{self.base}/{mart.name}", described(mart, copy), mode="overwrite", schema_mode="overwrite",
            storage_options=self.options, name=OWN.format(mart.name), description=mart.comments.get(""),
            commit_properties=told,
        )  # fmt: skip
        table = self.table(mart.name)
        assert table is not None
        if found := differences(mart, totals_of(table, mart)):
            if before is not None:
                table.restore(before.version())
            raise Refused(f"{mart.name}: its table is not the ledger's mart ({found[0]}); no more was published")
        return table.version()

    def keep(self, records: dict[str, Record], changes: list[Mart]) -> None:
        """The records take the older ones' place; then files go that no version of the last week has."""
        rows = [{"mart": name, **record._asdict()} for name, record in sorted(records.items())]
        told = pa.Table.from_pylist(rows, RECORD)
        write_deltalake(
            f"{self.base}/{RECORDS}", told, mode="overwrite", storage_options=self.options,
            name=OWN.format(RECORDS), description="For each mart, which version of its table holds which build.",
        )  # fmt: skip
        for name in (*(mart.name for mart in changes), RECORDS):
            if table := self.table(name):
                table.vacuum(dry_run=False)


OWN = "chargeback-ledger.{}"


def is_own(table: DeltaTable) -> bool:
    return (table.metadata().name or "").startswith(OWN.format(""))


def described(mart: Mart, copy: Path) -> pa.RecordBatchReader:
    """A copy's rows; its columns have their descriptions, and any can be empty."""
    file = pq.ParquetFile(copy)
    fields = [
        field.with_nullable(True).with_metadata({"comment": mart.comments.get(field.name, "")})
        for field in file.schema_arrow
    ]
    schema = pa.schema(fields)
    batches = (pa.RecordBatch.from_arrays(batch.columns, schema=schema) for batch in file.iter_batches())
    return pa.RecordBatchReader.from_batches(schema, batches)


def totals_of(table: DeltaTable, mart: Mart) -> dict[str, str]:
    """Control totals of a table, as a reader of it finds them."""
    wanted = dict(totals(mart.columns, "strlen"))
    with duckdb.connect() as engine:
        engine.execute("set timezone = 'UTC'")
        rows = engine.from_arrow(table.to_pyarrow_dataset().scanner().to_reader())
        [found] = rows.aggregate(", ".join(wanted.values())).fetchall()
    return dict(zip(wanted, map(canonical, found), strict=True))


@contextmanager
def errors(lake: Lake) -> Iterator[None]:
    try:
        yield
    except CommitFailedError as error:
        raise Refused(f"{lake.shown}: another publication was faster; run again ({first_line(error)})") from error
    except (DeltaError, OSError) as error:
        raise Refused(
            f"{lake.shown}: {first_line(error)}; are the address, this machine's credentials for it (the cloud's own: "
            f"environment, profile or role) and the network right? (readers of {RECORDS} see the publication before)"
        ) from error


def first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:300]


def put(lake: Lake, changes: list[Mart], copies: dict[str, Path], records: dict[str, Record], build: str) -> None:
    """Each table in turn, the records last: until then they name the versions of the publication before."""
    now = datetime.now(UTC)
    for mart in changes:
        version = lake.replace(mart, copies[mart.name], build)
        records = {**records, mart.name: Record(version, build, mart.rows, mart.fingerprint, now)}
    lake.keep(records, changes)
