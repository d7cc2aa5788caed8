"""What one worker process does: examine a file, or read a task's pieces of files into staging."""

import hashlib
import itertools
import os
import re
import signal
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from multiprocessing import Value, parent_process
from pathlib import Path
from threading import Thread
from typing import NamedTuple

import duckdb
import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from blake3 import blake3

import state
from landing import Unreadable, documents, faults, gates, logs, sampling, uncounted
from landing.cells import CUTS_OF_TEXT, Form
from landing.engine import engine_for
from landing.recognise import HEAD_BYTES, OTLP_SIGNALS, Recognised, recognise
from landing.rows import RowReader
from landing.settled import Row, settled
from landing.spans import CONVENTIONS, SEED, Aliases, SpanReader, is_silent, is_too_late
from landing.tables import NO_DAY, TABLES
from terminal import plain

# A larger file with a record a line is read in ranges, by all processes.
LEAST_RANGE_BYTES, MOST_RANGE_BYTES = 1 << 25, 1 << 29
EXAMINED_BYTES = 1 << 20
# What a file is known by. Stores that began with another hash go on with it.
HASHES: dict[str, Callable[[], "blake3 | hashlib._Hash"]] = {"blake3": blake3, "sha256": sha256}
NO_ENDS = np.empty(0, np.int64)  # of lines
PORTION_BYTES = 1 << 26  # text that is read at a time
DOCUMENTS = pa.schema([("file_no", pa.int32()), ("source_line", pa.int64()), ("document", pa.string())])
MOST_ROWS = 1 << 18  # rows that a worker holds before it writes them
MOST_FAULTS = 1000  # portions that a reader can't take, before the whole file counts as one that it can't
# After these an engine is not to be asked again.
LOST = duckdb.InternalException, duckdb.FatalException, duckdb.InterruptException
REASONS_SHOWN = 3
# Escapes of JSON texts: whole surrogate pairs, halves of them, and all others.
ESCAPES = re.compile(r"(?i)\\ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2}|(?P<half>\\ud[89a-f][0-9a-f]{2})|\\.", re.DOTALL)
# Span files that may hold eval results: a mark in a record that does, and the readers that take them. A Collector that
# exports every signal to one file mixes spans with log records.
OTLP_EVALS = ("gen_ai.evaluation.result", ("eval_runs/otlp_evaluations", "eval_runs/otlp_logs"))
EVALS_WITHIN = {
    **dict.fromkeys(OTLP_SIGNALS, OTLP_EVALS),
    "tempo": ("gen_ai.evaluation.result", ("eval_runs/tempo_evaluations",)),
    "langfuse": ('"scores"', ("eval_runs/langfuse_scores",)),
}


# How a trace's id became its key (folded_words in values.sql): keys that were made otherwise meet no others.
KEYS = "multiplied, shifted"
# How manifests are read: until there were AWS's lists, those of its exports landed without a row.
MANIFESTS_READ = "each cloud's list"
KEYED = {name for name, schema in TABLES.items() if "trace_key" in schema.names}


class Reading(NamedTuple):
    """What reading depends on, beside the files: the same in every process of a landing."""

    secret: str
    features: tuple[str, ...]
    teams: tuple[str, ...]
    hash_identities: bool
    score_threshold: float = 0.5
    decimal: str = ""  # how cells are read whose file doesn't say it: point or comma
    date_order: str = ""  # mdy or dmy
    sources: tuple[Row, ...] = ()  # what the company says of single files
    forgotten: tuple[tuple[str, str], ...] = ()  # keyed hashes of users' ids, and what lands instead
    retired_before: str = ""  # the first day whose spans land, once months were retired

    def setting(self, name: str, source_file: str, table: str) -> str:
        """`decimal` or `date_order` of a file that doesn't say it: a row of seed bill_sources, else the landing's."""
        return settled(self.sources, source_file, table, name) or getattr(self, name)

    def mark(self, source_file: str, table: str, asks: tuple[str, ...] = ()) -> str:
        """What a file's rows were read by: rows that carry another mark are read again from the files still there.

        `asks` are the settings that the file's reading depends on.
        """
        return self._mark(table, tuple(self.setting(name, source_file, table) for name in asks))

    @cache  # noqa: B019 - one instance a process
    def _mark(self, table: str, settings: tuple[str, ...]) -> str:
        parts = [self.hash_identities, *settings]
        if table in KEYED:
            parts.append(KEYS)
        if table == "manifests":
            parts.append(MANIFESTS_READ)
        if table == "spans":
            parts += [self.features, self.teams, *(seed.read_text(encoding="utf-8") for seed in (SEED, CONVENTIONS))]
        return sha256(repr(parts).encode()).hexdigest()[:16]


class Resume(NamedTuple):
    """Where a file that may still grow was read to: complete lines, their bytes, and a hash of these."""

    size: int
    lines: int
    content: str


class Examined(NamedTuple):
    what: Recognised
    file_id: str = ""
    ranges: tuple[tuple[int, int, int], ...] = ()  # (first byte, bytes, first line)
    end: Resume | None = None
    is_continued: bool = False
    size: int = 0  # decompressed bytes
    stamp: tuple[int, int, int] | None = None  # of the file on disk, when this was found


@dataclass
class Counts:
    """What reading a file, or a piece of it, came to."""

    rows_read: int = 0
    rows_rejected: int = 0
    evals_within: int = 0
    rows_silent: int = 0
    rows_too_late: int = 0
    first_reasons: dict[str, int] = field(default_factory=dict)
    uncounted: dict[str, list] = field(default_factory=dict)
    is_growing: bool = False
    has_more: bool = False
    too_far: str | None = None
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    asks: list[str] = field(default_factory=list)

    def said(self, kind: str) -> list[str]:
        return {"warning": self.warnings, "note": self.notes, "asks": self.asks}[kind]

    def add(self, other: "Counts") -> None:
        """Count another piece of the file too."""
        self.rows_read += other.rows_read
        self.rows_rejected += other.rows_rejected
        self.evals_within += other.evals_within
        self.rows_silent += other.rows_silent
        self.rows_too_late += other.rows_too_late
        self.first_reasons = {**other.first_reasons, **self.first_reasons}
        uncounted.add(self.uncounted, other.uncounted)
        self.is_growing |= other.is_growing
        self.has_more |= other.has_more
        self.too_far = min(filter(None, (self.too_far, other.too_far)), default=None)
        for kind in ("warning", "note", "asks"):
            self.said(kind)[:] = dict.fromkeys([*self.said(kind), *other.said(kind)])

    def as_entry(self) -> dict:
        """As the store keeps it of a landed file."""
        return {name: value for name, value in vars(self).items() if name != "uncounted"}


class Piece(NamedTuple):
    path: Path | documents.Member
    file_id: str
    source_file: str
    span: tuple[int, int, int] | None  # a range of the file, or all of it
    stamp: tuple[int, int, int] | None = None  # of the file that was examined


class Task(NamedTuple):
    what: Recognised
    name: str
    row_base: int
    pieces: tuple[Piece, ...]
    decimal: str = ""
    date_order: str = ""


class Progress:
    """Counters that all processes of a landing share."""

    bytes = Value("q", 0)
    rows = Value("q", 0)

    @classmethod
    def share(cls, bytes_, rows) -> None:
        """Begins a worker process, which ends without a word when a person interrupts, or its parent is killed."""
        cls.bytes, cls.rows = bytes_, rows
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        Thread(target=_end_with, args=(parent_process(),), daemon=True).start()

    @classmethod
    def begin(cls) -> None:
        cls.bytes, cls.rows = Value("q", 0), Value("q", 0)

    @classmethod
    def renew(cls) -> None:
        """Go on with new counters: a process that was killed may have held the locks of these."""
        cls.bytes, cls.rows = (Value("q", count) for count in cls.now())

    @classmethod
    def now(cls) -> tuple[int, int]:
        return cls.bytes.get_obj().value, cls.rows.get_obj().value

    @classmethod
    def add(cls, counter, amount: int) -> None:
        with counter.get_lock():
            counter.value += amount


def _end_with(parent) -> None:
    if parent is not None:
        parent.join()
        os._exit(1)


class _Counted:
    """A stream whose reads move the progress bar, in bytes of the file as it lies on disk."""

    def __init__(self, stream, size: int):
        self.stream, self.left, self.size = stream, size, size

    def _count(self, size: int) -> None:
        # Compressed files are counted by their unpacked bytes, up to their size.
        step = min(size, self.left) if size else self.left
        self.left -= step
        Progress.add(Progress.bytes, step)

    def _counted(self, data: bytes) -> bytes:
        self._count(len(data))
        return data

    def read(self, size: int = -1) -> bytes:
        return self._counted(self.stream.read(size))

    def readinto(self, block) -> int:
        filled = self.stream.readinto(block)
        self._count(filled)
        return filled

    def read1(self, size: int = -1) -> bytes:
        return self._counted(self.stream.read1(size))

    def __getattr__(self, name: str):
        return getattr(self.stream, name)


def examine(path: Path | documents.Member, known: Resume | None, algorithm: str = "blake3") -> Examined:
    """Format, content hash (of the decompressed bytes) and ranges of a file; from where on it is new."""
    try:
        stamp = stamp_of(path)
        return _recognised(path, known, algorithm)._replace(stamp=stamp)
    except (KeyboardInterrupt, SystemExit, OSError):
        raise
    except BaseException as error:  # libraries in Rust panic with what is no Exception
        raise Unreadable(faults.why(error)) from None


def _recognised(path: Path | documents.Member, known: Resume | None, algorithm: str) -> Examined:
    try:
        what = recognise(path)
        if what.complaint:
            return Examined(what)
        return _examined(path, what, known, algorithm)
    except (OSError, EOFError, zlib.error) as error:
        # The start of a file shows its kind, also if the file breaks off later.
        head = documents.begun(path, HEAD_BYTES)
        if not head or not (what := recognise(path, head)).table:
            raise
        return Examined(
            what._replace(complaint=f"{what.table} that can't be read to its end ({error}); export it again")
        )


def _examined(path: Path | documents.Member, what: Recognised, known: Resume | None, algorithm: str) -> Examined:
    is_cut = what.cut == "lines" and what.table == "spans" and not documents.is_packed(path)
    digest, end, is_continued = HASHES[algorithm](), Resume(0, 0, ""), False
    ranges: list[tuple[int, int, int]] = []
    begin, begin_line, position = 0, 1, 0
    range_bytes = path.stat().st_size // (2 * (os.cpu_count() or 1))
    range_bytes = min(max(range_bytes, LEAST_RANGE_BYTES), MOST_RANGE_BYTES)
    at_end = digest.copy()
    with documents.opened(path) as stream:
        while True:
            to_known = known.size - position if is_cut and known and known.size > position else EXAMINED_BYTES
            block, filled = documents.filled_after(memoryview(b""), stream, min(EXAMINED_BYTES, to_known))
            if not filled:
                break
            ends = documents.line_ends(block[:filled]) if is_cut else NO_ENDS
            cut = int(ends[-1]) if len(ends) else 0
            digest.update(block[:cut])
            if cut:
                end, at_end = Resume(position + cut, end.lines + len(ends), ""), digest.copy()
                if known and end[:2] == known[:2] and at_end.hexdigest() == known.content:
                    is_continued, ranges, begin, begin_line = True, [], end.size, end.lines + 1
                elif end.size - begin >= range_bytes:
                    ranges.append((begin, end.size - begin, begin_line))
                    begin, begin_line = end.size, end.lines + 1
            digest.update(block[cut:filled])
            position += filled
    if is_cut and position > begin:
        ranges.append((begin, position - begin, begin_line))
    end = end._replace(content=at_end.hexdigest())
    return Examined(what, digest.hexdigest()[:32], tuple(ranges), end if is_cut else None, is_continued, position)


@cache
def _readers(reading: Reading) -> tuple[SpanReader, RowReader]:
    engine = engine_for(reading.secret, reading.forgotten)
    engine.execute("set variable score_threshold = $least", {"least": reading.score_threshold})
    engine.execute("set variable feature_names = $names", {"names": [*reading.features, "feature_id"]})
    aliases = Aliases(SEED, reading.features, reading.teams)
    spans, rows = SpanReader(engine, aliases, reading.hash_identities), RowReader(engine, reading.hash_identities)
    spans.forgets = rows.forgets = bool(reading.forgotten)
    spans.retired_before = reading.retired_before
    return spans, rows


class Performance:
    """One task under way: its pieces' records go through a reader, portion by portion, into staging."""

    def __init__(self, task: Task, reading: Reading, staging: Path):
        self.task, self.folder = task, staging / task.what.table
        span_reader, row_reader = _readers(reading)
        self.reader = span_reader if task.what.table == "spans" else row_reader
        span_reader.remarks, span_reader.are_plain = [], None
        self.evals = row_reader if task.what.form in EVALS_WITHIN else None
        self.found = {piece.file_id: Counts() for piece in task.pieces}
        dialect = task.what.dialect or documents.Dialect()
        table, cut = task.what.table, task.what.cut
        row_reader.begin(Form(table, cut, dialect.delimiter, task.decimal, task.date_order))
        self.rejects: list[dict] = []
        self.parts = 0
        self.faults = 0
        self.surveyed: set[int] = set()
        self.is_surveying = False
        engine = self.reader.engine
        engine.execute("set variable file_ids = $ids", {"ids": [piece.file_id for piece in task.pieces]})
        engine.execute("set variable source_files = $names", {"names": [piece.source_file for piece in task.pieces]})

    def run(self) -> dict[str, Counts]:
        batches, size = [], 0
        for file_no, piece in enumerate(self.task.pieces):
            for batch in _checked(piece, _batches(piece, self.task.what)):
                self.found[piece.file_id].is_growing |= any(reason.is_growing for _, reason in batch.unreadable)
                self.refuse([(file_no, line, str(reason)) for line, reason in batch.unreadable], is_record=True)
                if len(batch.texts):
                    batches.append(_batch(file_no, batch))
                    size += batches[-1].nbytes
                if size >= PORTION_BYTES:
                    self.take(pa.Table.from_batches(batches))
                    batches, size = [], 0
        if batches:
            self.take(pa.Table.from_batches(batches))
        self.land()
        for file_no, has_more in getattr(self.reader, "has_more", {}).items():
            self.found[self.task.pieces[file_no].file_id].has_more = has_more
        return self.found

    def take(self, table: pa.Table) -> None:
        """Give records to the reader; what it can't take is mended, or refused record by record."""
        engine, before = self.reader.engine, self.reader.taken
        engine.register("documents", table)
        try:
            refused = self.reader.take(self.task.what.form)
        except (duckdb.Error, UnicodeError) as error:  # the last: of its message
            self.faults += 1
            if isinstance(error, LOST) or self.faults > MOST_FAULTS:
                raise
            self.reader.forget(before)
            # What is too much for the memory at once need not be in parts: json_transform asks for gigabytes at a time.
            if table.num_rows == 1 and isinstance(error, duckdb.OutOfMemoryException):
                raise
            # Also where a record is alone: what becomes of it never depends on its company.
            valid = engine.sql("select json_valid(document) as is_valid from documents").to_arrow_table()["is_valid"]
            fine, mended = table.filter(valid), []
            for record in table.filter(pc.invert(valid)).to_batches(max_chunksize=1):
                if (one := _mended(record)) is None:
                    self.refuse(_fault_of(pa.Table.from_batches([record])), is_record=True)
                else:
                    mended.append(one)
            if mended:
                self.take(pa.concat_tables(mended))
            if fine.num_rows == table.num_rows == 1:
                self.refuse(_fault_of(table), is_record=True)
                return
            half = fine.num_rows // 2 or 1
            for part in (fine,) if fine.num_rows < table.num_rows else (fine[:half], fine[half:]):
                if part.num_rows:
                    self.take(part)
            return
        self.refuse(refused, is_record=True)
        if self.evals:
            self.take_evals(self.evals)
        if self.is_surveying:
            return
        Progress.add(Progress.rows, self.reader.taken - before)
        if self.reader.taken >= MOST_ROWS:
            self.survey(table["file_no"][-1].as_py())
            self.land()

    def survey(self, file_no: int) -> None:
        """Look at all rows of a file that is landed in parts, before the first: they decide how its cells are read."""
        if not isinstance(self.reader, RowReader) or file_no in self.surveyed:
            return
        self.surveyed.add(file_no)
        self.is_surveying = True
        with self.reader.held():
            batches, size = [], 0
            for batch in itertools.chain(_batches(self.task.pieces[file_no], self.task.what, False), [None]):
                if batch and len(batch.texts):
                    batches.append(_batch(file_no, batch))
                    size += batches[-1].nbytes
                if batches and (batch is None or size >= PORTION_BYTES):
                    self.take(pa.Table.from_batches(batches))
                    self.reader.survey()
                    batches, size = [], 0
        self.is_surveying = False

    def take_evals(self, evals: RowReader) -> None:
        """Give the few records of a span file that hold eval results to their reader too."""
        engine, (mark, forms) = evals.engine, EVALS_WITHIN[self.task.what.form]
        # The engine's search is fast: it looks at every byte of every span file.
        holding = engine.sql("from documents where contains(document, $mark)", params={"mark": mark}).to_arrow_table()
        parts = [(form, holding) for form in forms] if holding.num_rows else []
        while parts:
            form, records = parts.pop()
            engine.register("documents", records)
            try:
                evals.take(form)
            except (duckdb.Error, UnicodeError) as error:
                self.faults += 1
                if isinstance(error, LOST) or self.faults > MOST_FAULTS:
                    raise
                if records.num_rows == 1:
                    self.refuse(_fault_of(records), table="eval_runs")
                else:
                    parts += [(form, pa.Table.from_batches([one])) for one in records.to_batches(max_chunksize=1)]

    def land(self) -> None:
        name, row_base = f"{self.task.name}-{self.parts}", self.task.row_base + (self.parts << 24)
        if self.evals and self.evals.taken:
            read, refused, _ = self.evals.land(self.folder.parent / "eval_runs", name, row_base)
            for file_no, rows in read:
                self.found[self.task.pieces[file_no].file_id].evals_within += rows
            self.refuse(refused, table="eval_runs")
        if self.reader.taken:
            read, refused, left_out = self.reader.land(self.folder, name, row_base)
            for file_no, rows in read:
                self.found[self.task.pieces[file_no].file_id].rows_read += rows
            self.refuse(refused)
            self.refuse(left_out, is_row=False)
            for one in getattr(self.reader, "uncounted", ()):
                said = {uncounted.key_of(one): [one.line, one.spans]}
                uncounted.add(self.found[self.task.pieces[one.file_no].file_id].uncounted, said)
            for two in getattr(self.reader, "disagreements", ()):
                said = {sampling.key_of(two): [two.line, two.spans]}
                uncounted.add(self.found[self.task.pieces[two.file_no].file_id].uncounted, said)
        for file_no, kind, text in self.reader.remarks:
            self.remark(file_no, kind, text)
        self.parts += 1

    def remark(self, file_no: int, kind: str, text: str) -> None:
        piece, text = self.task.pieces[file_no], plain(text)
        said = self.found[piece.file_id].said(kind)
        text = text if kind == "asks" else f"{piece.source_file}: {text}"
        if text not in said:
            said.append(text)

    def refuse(
        self, refused: list[tuple], is_record: bool = False, table: str | None = None, is_row: bool = True
    ) -> None:
        """Count and keep (file_no, line, reason[, day, amount, currency]); a whole record was not counted as read yet.

        Rows of another table than the file's, and values left out of rows that land, are named, but don't count as
        rows rejected.
        """
        for file_no, line, reason, *money in () if self.is_surveying else refused:
            piece, reason = self.task.pieces[file_no], plain(reason)  # it may name what stands in the file
            found = self.found[piece.file_id]
            found.rows_read += is_record
            found.rows_rejected += table is None and is_row
            found.rows_silent += is_silent(reason)
            found.rows_too_late += is_too_late(reason)
            if gates.FUTURE in reason and (day := gates.first_too_far([reason])):
                found.too_far = min(day, found.too_far or day)
            if reason in found.first_reasons or len(found.first_reasons) < REASONS_SHOWN:
                found.first_reasons[reason] = found.first_reasons.get(reason, 0) + 1
            origin = {"source_file": piece.source_file, "file_id": piece.file_id, "source_line": line}
            kind = table or self.task.what.table + ("" if is_row else "_values")
            said = dict(zip(("stated_on", "amount", "currency"), money, strict=False))
            self.rejects.append({**origin, "line": line, "kind": kind, "reason": reason, **said})
        if len(self.rejects) >= MOST_ROWS or (self.rejects and not refused):
            self.write_rejects()

    def write_rejects(self) -> None:
        if self.rejects:
            folder = self.folder.parent / "rejects" / f"day={NO_DAY}"
            folder.mkdir(parents=True, exist_ok=True)
            name = f"{self.task.name}-{len(list(folder.glob(f'{self.task.name}-*')))}.parquet"
            pq.write_table(pa.Table.from_pylist(self.rejects, TABLES["rejects"]), folder / name)
            self.rejects = []


def perform(task: Task, reading: Reading, staging: Path) -> dict[str, Counts]:
    """Read a task's pieces into staging; returns what each file's pieces came to.

    Raises `Unreadable` where a file can't be read to its end; then nothing of the task is left, neither in staging nor
    in this process's engine, whose next task would land what the engine still holds.
    """
    try:
        performance = Performance(task, reading, staging)
        found = performance.run()
        performance.write_rejects()
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # libraries in Rust panic with what is no Exception
        if state.is_no_room(error):  # which is no fault of the file
            raise state.NoRoom(str(error)) from error
        release()
        unstage(task.name, staging)
        raise Unreadable(faults.why(error)) from None
    return found


def release() -> None:
    """Let go of this process's engine; a process that inherits it at its fork, without its threads, dies of it."""
    _readers.cache_clear()


def unstage(name: str, staging: Path) -> None:
    """Take what a task, or all tasks of a file, wrote out of staging again."""
    for path in staging.glob(f"*/*/{name}-*"):
        path.unlink()


def stamp_of(path: Path | documents.Member) -> tuple[int, int, int]:
    """What tells that a file is no longer the one that it was: inode, size, time of its last change."""
    stat = os.stat(path.archive if isinstance(path, documents.Member) else path)
    return stat.st_ino, stat.st_size, stat.st_mtime_ns


def _checked(piece: Piece, batches: Iterator[documents.Batch]) -> Iterator[documents.Batch]:
    """A piece's records, if they are still of the file that was examined, or of one that has only grown."""
    yield from batches
    if piece.stamp and (now := stamp_of(piece.path)) != piece.stamp:
        has_grown = piece.span and now[0] == piece.stamp[0] and now[1] >= piece.stamp[1]
        if not has_grown:
            raise Unreadable("it was changed while files landed; land again")


def _batches(piece: Piece, what: Recognised, is_counted: bool = True) -> Iterator[documents.Batch]:
    """The piece's records, while their bytes are counted."""
    size, cut = piece.path.stat().st_size if is_counted else 0, what.cut
    if cut == "parquet_rows":
        Progress.add(Progress.bytes, size)
        return documents.batches(documents.parquet_rows(piece.path))
    if piece.span is None:
        stream = _Counted(documents.opened(piece.path), size)
        if cut in CUTS_OF_TEXT:
            return documents.batches(_cutter(cut)(stream, what.dialect))
        return documents.lines(stream) if cut == "lines" else documents.batches(_cutter(cut)(stream))
    begin, length, first_line = piece.span
    whole = piece.path.open("rb")
    whole.seek(begin)
    return documents.lines(_Counted(whole, length), first_line, length)


def _cutter(cut: str):
    return getattr(documents, cut, None) or getattr(logs, cut)


def _batch(file_no: int, batch: documents.Batch) -> pa.RecordBatch:
    column = batch.texts
    if isinstance(column, list):
        try:
            column = pa.array(column, pa.string())
        except pa.ArrowInvalid:  # bytes that are no UTF-8, in one text among honest ones
            decoded = [text if isinstance(text, str) else text.decode("utf-8", "replace") for text in column]
            column = pa.array(decoded, pa.string())
    files = pa.array(np.full(len(column), file_no, np.int32))
    return pa.record_batch([files, pa.array(batch.numbers, pa.int64()), column], schema=DOCUMENTS)


def _mended(record: pa.RecordBatch) -> pa.Table | None:
    """The record without halves of surrogate pairs, which exporters cut from emoji; None where it has none."""
    text = record["document"][0].as_py()
    mended = ESCAPES.sub(lambda found: "\\ufffd" if found["half"] else found[0], text)
    return pa.Table.from_batches([record.set_column(2, "document", pa.array([mended]))]) if mended != text else None


def _fault_of(record: pa.Table) -> list[tuple]:
    """[(file_no, line, reason)] of a record that is no JSON, or that the engine can't take; never its text."""
    row = record.to_pylist()[0]
    try:
        msgspec.json.decode(row["document"])
        reason = "JSON that the reader of this format can't take"
    except (msgspec.DecodeError, RecursionError) as error:
        reason = f"not JSON, or cut off: {error}"
    return [(row["file_no"], row["source_line"], reason)]
