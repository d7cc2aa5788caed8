"""Marts into a warehouse: what changed is staged there, then put in the place of the old rows in one transaction.

Rows are deleted and inserted, never truncated or renamed away: each snapshot of a reader has the old rows or the new
ones, of all marts, readers wait for nothing, and grants, views, indexes and comments stay with their tables.
"""

import json
import time
from collections.abc import Callable
from hashlib import md5
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from publishing import Refused, errors
from publishing.addresses import Address
from publishing.dialects import PUBLICATIONS, Sql
from publishing.marts import Mart, canonical, differences, totals

ROWS_AT_ONCE = 65_536
LOCK_SECONDS = 3  # readers that come after a change of columns wait behind it as long as it waits itself
ATTEMPTS, PAUSE_SECONDS = 5, 2.0
BUSY = {"55P03", "40P01"}  # a lock that could not be had in time, a deadlock


class There(NamedTuple):
    """A table of the schema, under the name of a mart."""

    is_table: bool
    is_own: bool  # of the role that publishes
    types: dict[str, str]
    comments: dict[str, str]  # by column; under "" the table's


class Record(NamedTuple):
    """A row of `_publications`: what was published last."""

    fingerprint: str
    is_in_ledger: bool
    comments: dict[str, str]  # hashes of those that it wrote, by column, of all its columns; under "" the table's


class Change(NamedTuple):
    mart: Mart
    is_new: bool
    dropped: list[str]  # columns that are gone, or change their type
    added: list[str]
    reason: str  # where it is none of the ledger's


class Warehouse:
    """An open connection, and what the schema holds. Statements that change something go by `run`."""

    def __init__(self, address: Address, sql: Sql, connection: Any, print_statement: Callable[[str], None] | None):
        self.address, self.sql, self.connection, self.print_statement = address, sql, connection, print_statement
        self.cursor = connection.cursor() if connection else None
        self.dialect, self.doing = sql.dialect, ""
        self.there: dict[str, There] = {}
        self.records: dict[str, Record] = {}
        self.script: list[str] | None = None
        self.written: dict[str, dict[str, str]] = {}  # hashes of comments, as `Record` has them

    def rows(self, query: str) -> list[tuple]:
        assert self.cursor is not None
        self.cursor.execute(query)
        return self.cursor.fetchall()

    def run(self, statement: str) -> None:
        if self.print_statement:
            self.print_statement(statement if statement.startswith("--") else f"{statement};")
        elif self.script is not None:
            self.script.append(statement)
        else:
            assert self.cursor is not None
            self.cursor.execute(statement)

    def _begin(self) -> None:
        for statement in self.dialect.begin:
            self.run(statement.format(seconds=LOCK_SECONDS))
            if self.cursor and self.print_statement:  # a dry run reads under the same conditions
                self.cursor.execute(statement.format(seconds=LOCK_SECONDS))

    def look(self) -> None:
        """What the schema holds. Nobody else publishes to it from here on, where the warehouse has locks."""
        if self.dialect.is_ddl_undone:
            self._begin()
        if not self.cursor:
            return
        if "publisher" in self.dialect.asks:
            self.doing = "publisher"
            # Not by `run`: a dry run must not look at a schema in which somebody is publishing.
            self._patiently(lambda: self.rows(self.sql.ask("publisher")))
        found: dict[str, There] = {}
        for name, is_table, column, kind, is_own, comment, of_table in self.rows(self.sql.ask("columns")):
            one = found.setdefault(name, There(is_table, is_own, {}, {"": of_table or ""}))
            if column is not None:
                one.types[column] = kind
                one.comments[column] = comment or ""
        self.there = found
        if self.sql.spelled(PUBLICATIONS) in found:
            columns = ", ".join(map(self.sql.named, ("mart", "fingerprint", "is_in_ledger", "comments")))
            for mart, fingerprint, is_in_ledger, comments in self.rows(
                f"select {columns} from {self.sql.table(PUBLICATIONS)}"
            ):
                self.records[mart] = Record(fingerprint, is_in_ledger, json.loads(comments))

    def changes_of(self, marts: list[Mart]) -> list[Change]:
        """What has to be written; nothing of marts that the warehouse has as they are."""
        found: list[Change] = []

        def look() -> None:
            found[:] = [change for mart in marts if (change := self._change_of(mart))]

        self._patiently(look)
        return found

    def _change_of(self, mart: Mart) -> Change | None:
        there, record = self.there.get(self.sql.spelled(mart.name)), self.records.get(mart.name)
        self.doing, wanted = mart.name, self.sql.columns(mart)
        if there is None:
            return Change(mart, True, [], [], "")
        if record is None or not there.is_table:
            raise Refused(
                f"{self.sql.schema}.{mart.name} is there already and was not made by make publish, so it stays as it "
                "is; name a schema for the marts alone with SCHEMA=, or rename it"
            )
        # Columns that somebody else added are theirs.
        own = {name: kind for name, kind in there.types.items() if name in wanted or name in record.comments}
        dropped = [name for name, kind in own.items() if wanted.get(name) != kind]
        added = [name for name, kind in wanted.items() if own.get(name) != kind]
        for column in dropped:
            self._ask_readers(mart.name, column, column in wanted)
        if dropped or added or record.fingerprint != mart.fingerprint:
            return Change(mart, False, dropped, added, "")
        if found := differences(mart, self.totals(self.sql.table(mart.name), mart)):
            return Change(mart, False, [], [], f"its rows were changed since it was published ({found[0]})")
        return None

    def _ask_readers(self, mart: str, column: str, is_retyped: bool) -> None:
        """Refused where a view reads a column that can't stay as it is."""
        if "readers" not in self.dialect.asks:
            return
        found = self.rows(self.sql.ask("readers", table_name=self.sql.table(mart), column_name=column))
        if views := ", ".join(name for (name,) in found):
            raise Refused(
                f"{self.sql.schema}.{mart}: column {column} {'has another type' if is_retyped else 'is gone'}, and "
                f"{views} reads it; drop that view, publish, and create it anew, "
                "without the column where it is gone"
            )

    def totals(self, table: str, mart: Mart) -> dict[str, str]:
        assert self.cursor is not None
        wanted = dict(totals(mart.columns, self.dialect.bytes_of, self.sql.named))
        self.cursor.execute(f"select {', '.join(wanted.values())} from {table}")
        values = [column[0].as_py() for column in self.cursor.fetch_arrow_table().columns]
        return dict(zip(wanted, map(canonical, values), strict=True))

    def apply(self, marts: list[Mart], changes: list[Change], copies: dict[str, Path], build: str) -> list[str]:
        """Writes the changes, but for the commit; answers which marts are there and gone from the ledger."""
        self._define_schema()
        if self.dialect.is_ddl_undone:
            self._stage(changes, copies)
            reshaped = [change for change in changes if change.is_new or change.added or change.dropped]
            refilled = [change for change in changes if change not in reshaped]
            self._patiently(lambda: self._put(refilled, build))
            self._verify(refilled, self._table)
            self._patiently(lambda: self._mark(marts, changes))
            # Readers wait for a mart whose columns change until all is done, so these come last.
            self._patiently(lambda: self._put(reshaped, build))
            self._verify(reshaped, self._table)
        else:
            for change in changes:
                self._define(change)
            self._comment(marts)
            self._stage(changes, copies)
            if self.dialect.is_script:
                self._verify(changes, self.sql.staged)
                self.script = None if self.print_statement else []
            self._begin()
            self._put(changes, build)
            self._mark(marts, changes)
            if not self.dialect.is_script:
                self._verify(changes, self._table)
        return sorted(name for name in self._gone(marts) if self.sql.spelled(name) in self.there)

    def _table(self, mart: Mart) -> str:
        return self.sql.table(mart.name)

    def commit(self, changes: list[Change]) -> None:
        self.doing = "commit"
        self.run(self.dialect.commit)
        if self.script is not None:
            script, self.script = ";\n".join(self.script), None
            self.run(script)
        for change in changes:
            if self.dialect.unstage:
                self.run(self.sql.unstage(change.mart))

    def _define_schema(self) -> None:
        self.doing = ""
        if self.dialect.name_bytes and len(self.sql.schema.encode()) > self.dialect.name_bytes:
            raise Refused(
                f"SCHEMA is longer than the {self.dialect.name_bytes} bytes of a name in {self.dialect.name}", 2
            )
        if not (self.cursor and "schema" in self.dialect.asks and self.rows(self.sql.ask("schema"))):
            self.run(self.dialect.create_schema.format(schema=self.sql.named(self.sql.schema)))
        if self.sql.spelled(PUBLICATIONS) not in self.there:
            self.run(self.sql.create_publications())

    def _stage(self, changes: list[Change], copies: dict[str, Path]) -> None:
        """Rows beside their tables."""
        for mart in (change.mart for change in changes):
            self.doing = mart.name
            self.run(self.sql.stage(mart))
            if mart.name in copies:
                self._ingest(mart, copies[mart.name])
            else:
                self.run(
                    f"-- {mart.rows:,} rows of {mart.name} go into {self.sql.staged(mart)} by ADBC's bulk ingestion"
                )

    def _ingest(self, mart: Mart, copy: Path) -> None:
        assert self.cursor is not None
        with pq.ParquetFile(copy) as file:
            schema = pa.schema([field.with_name(self.sql.spelled(field.name)) for field in file.schema_arrow])
            batches = (batch.rename_columns(schema.names) for batch in file.iter_batches(ROWS_AT_ONCE))
            reader = pa.RecordBatchReader.from_batches(schema, batches)
            place = {"temporary": True} if self.dialect.staging_schema else {"db_schema_name": self.sql.schema}
            self.cursor.adbc_ingest(self.sql.spelled(self.sql.staging(mart)), reader, mode="append", **place)

    def _define(self, change: Change) -> None:
        """The mart's table as it is to be. A column of another type is a new one with its rights and comment."""
        mart = self.doing = change.mart.name
        if change.is_new:
            self.run(self.sql.create(change.mart))
            return
        kept = {column: self._kept(mart, column) for column in change.dropped if column in change.added}
        for column in change.dropped:
            self.run(self.sql.drop(change.mart, column))
        for column in change.added:
            self.run(self.sql.add(change.mart, column))
            for statement in kept.get(column, []):
                self.run(statement)

    def _kept(self, mart: str, column: str) -> list[str]:
        """Statements that give a column its rights and comment back after it was dropped."""
        table, name = self.sql.table(mart), self.sql.named(column)
        comment = self.there[self.sql.spelled(mart)].comments[column]
        statements = [self.sql.comment(mart, column, comment)] if comment else []
        if "grants" in self.dialect.asks:
            for role, right, is_grantable in self.rows(self.sql.ask("grants", table_name=table, column_name=column)):
                option = " with grant option" if is_grantable else ""
                statements.append(f"grant {right} ({name}) on {table} to {role}{option}")
        return statements

    def _comment(self, marts: list[Mart]) -> None:
        """Descriptions, where nobody else wrote one. Only who owns a table may."""
        for mart in marts:
            self.doing = mart.name
            there = self.there.get(self.sql.spelled(mart.name), There(True, True, {}, {}))
            record, written = self.records.get(mart.name), {}
            for name in ("", *(column.name for column in mart.columns)):
                key, words = self.sql.spelled(name), mart.comments.get(name, "")
                now = there.comments.get(key, "")
                is_own = not now or (record is not None and record.comments.get(key) == _hash(now))
                if is_own and now != words and there.is_own:
                    self.run(self.sql.comment(mart.name, name, words))
                    now = words
                written[key] = _hash(now) if is_own else ""
            self.written[mart.name] = written

    def _put(self, changes: list[Change], build: str) -> None:
        """The new rows in the place of the old ones."""
        if self.dialect.is_ddl_undone:
            for change in changes:
                self._define(change)
            self._comment([change.mart for change in changes])
        for mart in (change.mart for change in changes):
            self.doing = mart.name
            if self.dialect.lock:
                self.run(self.sql.lock(mart))
        for mart in (change.mart for change in changes):
            self.doing = mart.name
            written = json.dumps(self.written[mart.name])
            for statement in (*self.sql.replace(mart), *self.sql.record(mart, build, written)):
                self.run(statement)

    def _mark(self, marts: list[Mart], changes: list[Change]) -> None:
        """What is to be said of marts whose rows stay: other descriptions, and whether the ledger still has them."""
        changed = {change.mart.name for change in changes}
        rest = [mart for mart in marts if mart.name not in changed]
        if self.dialect.is_ddl_undone:
            self._comment(rest)
        for mart in rest:
            record, written = self.records[mart.name], self.written[mart.name]
            if written != record.comments:
                self.run(self.sql.update(mart.name, "comments", self.sql.text(json.dumps(written))))
            if not record.is_in_ledger:
                self.run(self.sql.update(mart.name, "is_in_ledger", "true"))
        for name in self._gone(marts):
            if self.records[name].is_in_ledger:
                self.run(self.sql.update(name, "is_in_ledger", "false"))

    def _gone(self, marts: list[Mart]) -> set[str]:
        """Marts that were published once and are no longer in the ledger."""
        return self.records.keys() - {mart.name for mart in marts}

    def _verify(self, changes: list[Change], place: Callable[[Mart], str]) -> None:
        """Refused where a total of the rows that readers will see is not the ledger's."""
        for change in changes:
            mart = change.mart
            self.doing = mart.name
            if self.print_statement:
                self.run(f"-- {len(mart.totals)} totals of {place(mart)} are held against the ledger's")
            elif found := differences(mart, self.totals(place(mart), mart)):
                raise Refused(
                    f"{self.sql.schema}.{mart.name} would not be the ledger's mart ({found[0]}), so nothing was "
                    "published; look for triggers, rules or row security on that table"
                )

    def _patiently(self, act: Callable[[], Any]) -> None:
        """Tries again where somebody else holds what it needs; what it did until then is undone."""
        is_locking = bool(self.dialect.lock)
        for attempt in range(ATTEMPTS):
            if is_locking and self.cursor:
                self.cursor.execute("savepoint attempt")
            try:
                act()
            except Exception as error:
                if not is_locking or not self.cursor or errors.state_of(error) not in BUSY:
                    raise
                self.cursor.execute("rollback to savepoint attempt")
                if attempt == ATTEMPTS - 1:
                    raise Refused(self._held()) from error
                time.sleep(PAUSE_SECONDS)
            else:
                return

    def _held(self) -> str:
        if self.doing == "publisher":
            return f"another publication to schema {self.sql.schema} is running; wait for it, and run again"
        found = self.rows(self.sql.ask("holders", table_name=self.sql.table(self.doing)))
        # Readers block only a change of columns, so others that hold a lock are named first.
        found = [one for one in found if one[2] != "AccessShareLock"] or found
        by = ", ".join(f"{name or 'a session'} (process {pid})" for pid, name, _ in found) or "another session"
        return (
            f"{self.sql.schema}.{self.doing} is locked by {by}, and was so in {ATTEMPTS} attempts; let it finish or "
            "end it, and run again: what was published before stands"
        )


def _hash(words: str) -> str:
    return md5(words.encode()).hexdigest() if words else ""
