"""A file's bytes as records of JSON text with line numbers, in bounded batches, whatever the file's size.

Lines, concatenated or pretty-printed JSON, JSON arrays, rows of CSV and its kin and of workbooks, Parquet rows, and
length-delimited messages (OTLP protobuf, or the Collector's compressed lines) all become (line, JSON text); what can't
be cut is `Unreadable`. Nothing here looks into a record.
"""

import codecs
import csv
import gzip
import io
import itertools
import json
import os
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import date, datetime, time
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import duckdb
import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from landing import Unreadable
from landing.tables import NAMES_OF_NUMBERS, NAMES_OF_TIMES

BOM = b"\xef\xbb\xbf"
CHUNK_BYTES, BLOCK_BYTES, STEP_BYTES = 1 << 22, 1 << 22, 1 << 17
# Text in one vector of the engine: its JSON functions slow down twentyfold where a vector holds millions of attributes.
BATCH_BYTES = 1 << 19
# One record may not pass this, nor a compressed file grow past so many times its size: memory and disk are bounded.
WRAPPINGS = ("data", "value", "items", "rows", "results", "records", "charges", "line_items")
MAX_RECORD_BYTES = 1 << 28
MAX_EXPANSION, ALWAYS_ALLOWED_BYTES = 200, 1 << 30
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
ZIP_MAGIC = b"PK\x03\x04", b"PK\x05\x06"
MOST_MEMBERS = 1000  # files of one archive
MOST_WORKBOOK_BYTES = 1 << 29  # a workbook's parts, unpacked: it is read whole
MOST_DIGITS = 4000
BETWEEN = re.compile(r"[\s,\[\]]*")  # values of JSON, on their lines or in a list
DELIMITERS = ",", ";", "\t", "|"
HEADER_WITHIN = 30  # lines at the begin of a table, among which its header is sought
# How a row that adds up the others calls itself.
TOTAL = (
    r"(?i)((grand|sub|overall)[ -]?)?totals?( (amount|cost|costs|usd|général))?:?"
    r"|sum|summe|gesamt(summe|betrag)?|totale|totaal"
)
# What a torn or forged archive makes the standard library raise.
BROKEN_ARCHIVE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    ValueError,
    RuntimeError,  # among them NotImplementedError
    EOFError,
    OverflowError,
)
TOO_LONG = f"a record of more than {MAX_RECORD_BYTES >> 20} MB; split the export"
Record = tuple[int, bytes | str | Unreadable]
csv.field_size_limit(MAX_RECORD_BYTES)


def number_of(digits: str) -> int | float:
    """A whole number of JSON: Python makes no integer of more than some thousand digits."""
    return int(digits) if len(digits) <= MOST_DIGITS else float(digits)


DECODER = json.JSONDecoder(parse_int=number_of)


def _as_windows_1252(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


# Bytes that are no UTF-8 are Windows-1252, which spreadsheets write; digits are the same in all of its kin.
codecs.register_error("windows_1252", _as_windows_1252)


class Dialect(NamedTuple):
    """How a table of text is written: what parts its cells, the line of its header, and in a workbook the sheet."""

    delimiter: str = ","
    header_line: int = 1
    sheet: str = ""


class Member:
    """A file within a zip archive, read as if it lay in the inbox."""

    def __init__(self, archive: Path, name: str, place: int, size: int, archive_id: str):
        self.archive, self.name, self.place, self.size, self.archive_id = archive, name, place, size, archive_id

    def open(self, _mode: str = "rb"):
        try:
            archive = zipfile.ZipFile(self.archive)
            # By its place: an archive may hold several files of one name.
            return archive.open(archive.infolist()[self.place])
        except (*BROKEN_ARCHIVE, LookupError) as error:
            raise OSError(f"{error}; unpack the archive before landing") from error

    def stat(self) -> SimpleNamespace:
        return SimpleNamespace(st_size=self.size)


def members_of(path: Path) -> list[Member] | str | None:
    """The files of a zip archive, or why they can't be read; None, if it is none, or a file that is packed as one."""
    with path.open("rb") as raw:
        if raw.read(4) not in ZIP_MAGIC:
            return None
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [(place, entry) for place, entry in enumerate(archive.infolist()) if not entry.is_dir()]
    except BROKEN_ARCHIVE:  # which recognising it will name
        return None
    names = {entry.filename for _, entry in entries}
    if is_workbook(names) or is_inspect_log(names):
        return None
    hidden = re.compile(r"(^|/)(__MACOSX/|\.DS_Store$)")
    entries = [(place, entry) for place, entry in entries if not hidden.search(entry.filename)]
    if not entries:
        return "a zip archive without a file; nothing to read"
    if any(entry.flag_bits & 1 for _, entry in entries):
        return "a zip archive with a password; unpack it before landing"
    if len(entries) > MOST_MEMBERS:
        return f"a zip archive of more than {MOST_MEMBERS:,} files; unpack it before landing"
    if sum(entry.file_size for _, entry in entries) > max(ALWAYS_ALLOWED_BYTES, MAX_EXPANSION * path.stat().st_size):
        return f"a zip archive that unpacks to more than {MAX_EXPANSION} times its size; unpack it before landing"
    # Another archive of the same name is another download.
    said = repr(sorted((entry.filename, entry.CRC, entry.file_size) for _, entry in entries))
    archive_id = sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return [Member(path, entry.filename, place, entry.file_size, archive_id) for place, entry in entries]


def is_workbook(names: set[str]) -> bool:
    return "[Content_Types].xml" in names and any(name.startswith("xl/") for name in names)


def is_inspect_log(names: set[str]) -> bool:
    return any(re.match(r"_journal/|start\.json|header\.json|samples/", name) for name in names)


class Batch(NamedTuple):
    """Line numbers and texts (a list, or an array of strings) of records, and records that can't be cut."""

    numbers: Sequence[int] | np.ndarray
    texts: Sequence
    unreadable: list[tuple[int, Unreadable]]


class Bounded(io.RawIOBase):
    """A decompressing stream that refuses to grow without end (a gzip bomb)."""

    def __init__(self, stream, compressed_bytes: int):
        self.stream = stream
        self.left = max(ALWAYS_ALLOWED_BYTES, MAX_EXPANSION * compressed_bytes)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        try:
            data = self.stream.read(len(buffer))
        except BROKEN_ARCHIVE as error:
            raise OSError(f"{error}; download it again") from error
        self.left -= len(data)
        if self.left < 0:
            raise OSError(f"it unpacks to more than {MAX_EXPANSION} times its size; unpack it before landing")
        buffer[: len(data)] = data
        return len(data)


class Transcoded(io.RawIOBase):
    """A stream of UTF-16 as UTF-8."""

    def __init__(self, stream, encoding: str):
        self.stream, self.rest = stream, b""
        self.decode = codecs.getincrementaldecoder(encoding)("replace").decode

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        while not self.rest:
            data = self.stream.read(CHUNK_BYTES)
            self.rest = self.decode(data, not data).encode("utf-8", "replace")
            if not data:
                break
        taken, self.rest = self.rest[: len(buffer)], self.rest[len(buffer) :]
        buffer[: len(taken)] = taken
        return len(taken)


def utf16_of(head: bytes) -> str | None:
    """The order of bytes of UTF-16, by its mark, or by text of which most second bytes are zero."""
    if head[:2] == codecs.BOM_UTF16_LE or head[:2] == codecs.BOM_UTF16_BE:
        return "utf-16-le" if head[:2] == codecs.BOM_UTF16_LE else "utf-16-be"
    head = head[: min(len(head) // 2 * 2, 256)]
    for encoding, zeros in (("utf-16-le", head[1::2]), ("utf-16-be", head[::2])):
        if len(head) >= 16 and 4 * zeros.count(0) >= 3 * len(zeros):
            text = codecs.getincrementaldecoder(encoding)("replace").decode(head)
            if not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffd-\uffff]", text):
                return encoding
    return None


def is_packed(path: Path | Member) -> bool:
    """Whether the file's bytes are other than those that are read: compressed, in an archive, or UTF-16."""
    if isinstance(path, Member):
        return True
    with path.open("rb") as raw:
        head = raw.read(256)
    return _is_compressed(head) or utf16_of(head) is not None


def _is_compressed(head: bytes) -> bool:
    return head[:2] == b"\x1f\x8b" or head[:4] == ZSTD_MAGIC


def opened(path: Path | Member):
    """The file's bytes, decompressed where it is gzip or zstd (all frames of it), and UTF-16 as UTF-8."""
    with path.open("rb") as raw:
        head = raw.read(4)
    if not _is_compressed(head):
        stream = path.open("rb")
    elif head[:2] == b"\x1f\x8b":
        stream = gzip.GzipFile(fileobj=path.open("rb"))
    else:
        packed = _file(path) if isinstance(path, Path) else pa.PythonFile(path.open("rb"), "r")
        stream = pa.CompressedInputStream(packed, "zstd")
    if _is_compressed(head) or isinstance(path, Member):
        stream = io.BufferedReader(Bounded(stream, path.stat().st_size), CHUNK_BYTES)
    if encoding := utf16_of(stream.peek(256)):
        return io.BufferedReader(Transcoded(stream, encoding), CHUNK_BYTES)
    return stream


def _file(path: Path) -> pa.OSFile:
    return pa.OSFile(os.fsencode(path), "rb")  # a name need not be UTF-8


def begun(path: Path | Member, size: int) -> bytes:
    """The first bytes of a gzip file that breaks off, as far as they can be unpacked."""
    with path.open("rb") as raw:
        packed = raw.read(size)
    if packed[:2] != b"\x1f\x8b":
        return b""
    try:
        return zlib.decompressobj(wbits=31).decompress(packed, size)
    except zlib.error:
        return b""


def lines(stream, first_line: int = 1, last_byte: int | None = None) -> Iterator[Batch]:
    """Records of a file with one JSON value a line, without a copy of each; `last_byte` ends a range of the file.

    A last line without its end that is no JSON yet is still being written: `Unreadable` marked `is_growing`.
    """
    line_no, rest, left = first_line, memoryview(b""), last_byte
    while True:
        # A line longer than a block doubles what is read, so that it is copied a few times, not once a block.
        size = max(BLOCK_BYTES, len(rest))
        block, filled = filled_after(rest, stream, size if left is None else min(size, left))
        if filled == len(rest):
            break
        left = left if left is None else left - (filled - len(rest))
        begin = 0
        while line_no == 1 and bytes(block[begin : begin + len(BOM)]) == BOM:
            begin += len(BOM)
        ends = line_ends(block[len(rest) : filled]) + len(rest)
        if len(ends):
            yield from _cut_lines(block, np.concatenate(([begin], ends)).astype(np.int32), line_no)
            line_no += len(ends)
            rest = block[ends[-1] : filled]
        else:
            rest = block[begin:filled]
        if not len(ends) and len(rest) > MAX_RECORD_BYTES:
            yield Batch([], [], [(line_no, Unreadable(TOO_LONG))])
            rest = memoryview(_skip_line(stream))
            line_no += 1
    last = bytes(rest)
    if last.strip():
        try:
            with suppress(RecursionError):  # JSON, as far as that goes, and the reader's to take or refuse
                msgspec.json.decode(last, type=msgspec.Raw)
            yield Batch([line_no], [last], [])
        except msgspec.DecodeError:
            growing = Unreadable("the last line is incomplete: cut off or still being written; read when it ends")
            growing.is_growing = True
            yield Batch([], [], [(line_no, growing)])


def filled_after(rest: memoryview, stream, size: int) -> tuple[memoryview, int]:
    """Up to `size` more bytes of a stream behind `rest`, in memory that is used again; how many there are in all."""
    block = memoryview(pa.allocate_buffer(len(rest) + size)).cast("B")
    block[: len(rest)] = rest
    return block, len(rest) + stream.readinto(block[len(rest) :])


def line_ends(block: memoryview) -> np.ndarray:
    """Where the lines of a block end: the places behind its line feeds, sought within a core's own cache."""
    bytes_ = np.frombuffer(block, np.uint8)
    step = 1 << 17
    return np.concatenate(
        [
            np.flatnonzero(bytes_[begin : begin + step] == 10) + begin + 1
            for begin in range(0, max(len(bytes_), 1), step)
        ]
    )


def _cut_lines(block: memoryview, offsets: np.ndarray, line_no: int) -> Iterator[Batch]:
    """The lines of a block as string arrays over its own memory (a line's end is white space to a JSON parser)."""
    array = pa.StringArray.from_buffers(len(offsets) - 1, pa.py_buffer(offsets), pa.py_buffer(block))
    numbers = np.arange(line_no, line_no + len(array))
    try:
        array.validate(full=True)
    except pa.ArrowInvalid:
        array = pa.array(
            [bytes(block[begin:end]).decode("utf-8", "replace") for begin, end in itertools.pairwise(offsets)]
        )
    sizes = np.diff(offsets)
    if sizes.min() <= 2 or sizes.max() > MAX_RECORD_BYTES:
        long = [(int(number), Unreadable(TOO_LONG)) for number in numbers[sizes > MAX_RECORD_BYTES]]
        kept = (sizes > 2) & (sizes <= MAX_RECORD_BYTES)
        array, numbers, sizes = array.filter(pa.array(kept)), numbers[kept], sizes[kept]
        if long:
            yield Batch([], [], long)
    groups = (np.cumsum(sizes) - sizes) // BATCH_BYTES
    for cut in np.split(np.arange(len(array)), np.flatnonzero(np.diff(groups)) + 1):
        if len(cut):
            yield Batch(numbers[cut[0] : cut[-1] + 1], array[cut[0] : cut[-1] + 1], [])


def _skip_line(stream) -> bytes:
    """Drop bytes up to the end of the line; returns what follows of the last chunk read."""
    while chunk := stream.read(CHUNK_BYTES):
        _, found, rest = chunk.partition(b"\n")
        if found:
            return rest
    return b""


def value_begins(text: str, begin: int = 0) -> int:
    """Where JSON's next value begins, behind blanks, commas and brackets of lists."""
    between = BETWEEN.match(text, begin)
    return between.end() if between else begin


def concatenated(stream) -> Iterator[tuple[int, str | Unreadable]]:
    """Records of pretty-printed or concatenated JSON, or the items of JSON arrays."""
    decode = codecs.getincrementaldecoder("utf-8-sig")("replace").decode
    # The values are not kept, so numbers stay texts, however long.
    scan, text, line_no, more = json.JSONDecoder(parse_int=str, parse_float=str).raw_decode, "", 1, True
    while True:
        skipped = value_begins(text)
        line_no += text.count("\n", 0, skipped)
        text = text[skipped:]
        try:
            if not text:
                raise json.JSONDecodeError("", text, 0)
            _, end = scan(text)
        except (json.JSONDecodeError, RecursionError) as error:
            is_cut = not isinstance(error, RecursionError) and (
                error.msg.startswith("Unterminated") or error.pos >= len(text) - 8
            )
            if more and is_cut and len(text) < MAX_RECORD_BYTES:
                grown = stream.read(max(CHUNK_BYTES, len(text)))
                text, more = text + decode(grown, not grown), bool(grown)
                continue
            if not text:
                return
            why = "nested too deeply" if isinstance(error, RecursionError) else error.msg
            torn = Unreadable(f"not JSON, or cut off: {why}; export the file again")
            torn.is_growing = is_cut
            yield line_no, torn
            # Go on at the next record that begins a line.
            following = re.compile(r"\n(?=[{\[])").search(text, 1)
            while following is None and more:
                grown = stream.read(CHUNK_BYTES)
                more = bool(grown)
                line_no += text.count("\n")
                text = text[-1:] + decode(grown, not grown)
                following = re.compile(r"\n(?=[{\[])").search(text)
            if following is None:
                return
            line_no += text.count("\n", 0, following.end())
            text = text[following.end() :]
            continue
        yield line_no, text[:end]
        line_no += text.count("\n", 0, end)
        text = text[end:]


def wrapped(stream) -> Iterator[Record]:
    """Rows that stand in a list under one of these names, as APIs answer; other records as they are."""
    for line_no, record in concatenated(stream):
        if isinstance(record, Unreadable) or not (rows := rows_within(record)):
            yield line_no, record
            continue
        begin = 0
        for row in rows:
            found = record.index(row, begin)
            line_no, begin = line_no + record.count("\n", begin, found), found
            yield line_no, row


def rows_within(record: str) -> list[str]:
    """The texts of the objects in a record's list of rows; as they are written, to the digit."""
    try:
        held = msgspec.json.decode(record, type=dict[str, msgspec.Raw])
        lists = [held[name] for name in WRAPPINGS if bytes(held.get(name, b"")).startswith(b"[")]
        return [bytes(row).decode() for row in msgspec.json.decode(lists[0], type=list[msgspec.Raw])] if lists else []
    except msgspec.DecodeError:
        return []


def text_lines(stream) -> Iterator[str]:
    """Lines of a table of text with their ends; a mark of a byte order is no text, wherever it is."""
    for line in io.TextIOWrapper(stream, encoding="utf-8", errors="windows_1252", newline=""):
        yield line.replace("\ufeff", "").replace("ï»¿", "")


def rows(stream, dialect: Dialect | None = None) -> Iterator[Record]:
    """Records of a table of text (CSV, or parted by semicolons, tabs or bars) with a header."""
    dialect = dialect or Dialect()
    lines = itertools.islice(text_lines(stream), dialect.header_line - 1, None)
    reader = csv.reader(lines, delimiter=dialect.delimiter)
    header = [name.strip() for name in next(reader, [])]
    while True:
        line_no = reader.line_num + dialect.header_line
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield line_no, Unreadable(f"not CSV: {error}")
            continue
        row = fitted([cell.strip() for cell in cells], header, dialect.delimiter)
        if isinstance(row, Unreadable):
            yield line_no, row
        elif row:
            yield line_no, msgspec.json.encode(dict(zip(header, row, strict=True)))


def header_of(line: str, delimiter: str) -> list[str]:
    """Column names of a header line."""
    try:
        return [name.strip() for name in next(csv.reader([line.rstrip("\r\n")], delimiter=delimiter), [])]
    except csv.Error:
        return []


def fitted(cells: list[str], header: list[str], delimiter: str = "") -> list[str] | Unreadable | None:
    """A row's cells, one for each column; None of a row that says nothing, or repeats the header."""
    if not any(cells) or cells == header:
        return None
    more = len(cells) - len(header)
    if more == 0:
        return cells
    if more > 0 and not any(cells[len(header) :]):
        if delimiter == "," and (pair := _parted_number(cells, header)):
            return Unreadable(
                f"{len(cells)} cells where the header has {len(header)}: '{pair}' may be one number with a decimal "
                "comma; export it again with quotes, or parted by semicolons"
            )
        return cells[: len(header)]
    if more < 0 and any(re.fullmatch(TOTAL, cell) for cell in cells):
        return cells + [""] * -more
    return Unreadable(f"{len(cells)} cells where the header has {len(header)}; cut or misquoted")


def _parted_number(cells: list[str], header: list[str]) -> str:
    """Two cells that may be one number, cut at its decimal comma. Where times stand right of them, they are two: each
    cell behind a number that was cut would be in the wrong column."""
    names = [name.lower() for name in header]
    for place in range(len(names) - 1):
        left, right = cells[place : place + 2]
        if names[place] in NAMES_OF_NUMBERS and re.fullmatch(r"[-(]?[$€£]? ?\d+", left) and re.match(r"\d+\b", right):
            times = [
                cell
                for name, cell in zip(names[place + 1 :], cells[place + 1 :], strict=False)
                if name in NAMES_OF_TIMES and cell
            ]
            if not times or not all(re.match(r"\d{1,4}[-/.]\d|\d{9,}|4\d{4}\b", cell) for cell in times):
                return f"{left},{right}"
    return ""


def sheets(packed: bytes, most_rows: int | None = None) -> Iterator[tuple[str, list[list]]]:
    """(name, rows of cells) of each sheet of a workbook; what it holds is unpacked in memory, so it is bounded."""
    try:
        from python_calamine import CalamineError, CalamineWorkbook
    except ImportError as error:
        raise OSError("workbooks need python-calamine, which `make` installs; or save the sheet as CSV") from error
    try:
        with zipfile.ZipFile(io.BytesIO(packed)) as parts:
            if sum(entry.file_size for entry in parts.infolist()) > MOST_WORKBOOK_BYTES:
                raise OSError(f"a workbook of more than {MOST_WORKBOOK_BYTES >> 20} MB; save its sheet as CSV")
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(packed))
        for name in workbook.sheet_names:
            yield name, workbook.get_sheet_by_name(name).to_python(skip_empty_area=False, nrows=most_rows)
    except (CalamineError, zipfile.BadZipFile) as error:
        raise OSError(f"a workbook that can't be opened ({error}); save its sheet as CSV") from error


def sheet_rows(stream, dialect: Dialect) -> Iterator[Record]:
    """Records of a workbook's sheet; `line` is the row."""
    table = next((table for name, table in sheets(stream.read()) if name == dialect.sheet), [])
    width = max((place + 1 for row in table for place, cell in enumerate(row) if cell != ""), default=0)
    header = [text_of_cell(cell).strip() for cell in table[dialect.header_line - 1][:width]]
    names = [name.lower() for name in header]
    # Days with an hour anywhere in their column have one in each of its rows.
    with_hours = {
        place for row in table for place, cell in enumerate(row) if isinstance(cell, datetime) and cell.time() != time()
    }
    for number, row in enumerate(table[dialect.header_line :], dialect.header_line + 1):
        cells = [
            text_of_cell(cell, names[place] in NAMES_OF_NUMBERS, place in with_hours).strip()
            for place, cell in enumerate(row[:width])
        ]
        fitting = fitted(cells, header)
        if isinstance(fitting, Unreadable):
            yield number, fitting
        elif fitting:
            yield number, msgspec.json.encode(dict(zip(header, fitting, strict=True)))


def text_of_cell(cell: object, is_number: bool = False, has_hour: bool = True) -> str:
    """A workbook's cell as text. A number of a column of numbers is written so that no separator is in doubt: 15e-1."""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, int | float):
        exact = Decimal(repr(cell))
        if exact == exact.to_integral_value() and abs(exact) < 10**15:
            return str(int(exact))
        sign, digits, exponent = exact.as_tuple()
        exact_text = f"{'-' * sign}{''.join(map(str, digits))}e{exponent}"
        return exact_text if is_number else repr(cell)
    if isinstance(cell, datetime):
        return cell.isoformat(" ") if has_hour else cell.date().isoformat()
    return cell.isoformat() if isinstance(cell, date) else str(cell)


def parquet_file(path: Path | Member) -> pq.ParquetFile:
    if isinstance(path, Path):
        return pq.ParquetFile(_file(path))
    with opened(path) as stream:  # its end is read first, so it is unpacked whole
        return pq.ParquetFile(pa.BufferReader(stream.read()))


def parquet_rows(path: Path | Member) -> Iterator[Record]:
    """Records of a Parquet file; `line` is the row."""
    with duckdb.connect() as engine:
        line_no, file, row = 0, parquet_file(path), "row"
        while row in {name.lower() for name in file.schema_arrow.names}:
            row += "_"  # else the column of that name would be the record
        for batch in file.iter_batches(batch_size=1000):
            # JSON has floats alone: exact decimals travel as text.
            columns = [cells.cast(pa.string()) if pa.types.is_decimal(cells.type) else cells for cells in batch.columns]
            try:
                engine.register("batch", pa.RecordBatch.from_arrays(columns, names=batch.schema.names))
                records = engine.execute(f"select to_json({row}) from batch as {row}").fetchall()
            except (duckdb.NotImplementedException, duckdb.InvalidInputException):
                raise Unreadable(
                    f"a column of a type that is not read, of {_types_of(batch.schema)}; write texts, numbers and times"
                ) from None
            for (record,) in records:
                line_no += 1
                yield line_no, record


def _types_of(schema: pa.Schema) -> str:
    return ", ".join(sorted({str(kind).partition("<")[0] for kind in schema.types}))


def messages(stream) -> Iterator[Record]:
    """Records of the Collector's length-delimited files: protobuf, or any format compressed message by message."""
    number = 0
    while frame := _frame(stream, is_first=number == 0):
        number += 1
        if isinstance(frame, Unreadable):
            yield number, frame
            return
        if frame[:4] == ZSTD_MAGIC:
            unpacked = Bounded(pa.CompressedInputStream(pa.BufferReader(frame), "zstd"), len(frame))
            frame = io.BufferedReader(unpacked).read()
        # Protobuf may begin with a line feed (its first field) and a brace (its length): no blanks are skipped.
        yield number, frame if frame[:1] == b"{" else _protobuf_as_json(frame)


def _frame(stream, is_first: bool) -> bytes | Unreadable:
    """The next message; its length stands before it in four bytes (Collector), as a varint, or not at all."""
    first = stream.peek(1)[:1]
    if is_first and first == b"\x0a":
        length = MAX_RECORD_BYTES
        frame = stream.read(length)
        return frame if not stream.read(1) else Unreadable(TOO_LONG)
    if first and first[0] < 0x10:
        length = int.from_bytes(stream.read(4), "big")
    else:
        length = shift = 0
        while byte := stream.read(1):
            length |= (byte[0] & 0x7F) << shift
            shift += 7
            if byte[0] < 0x80:
                break
    if length > MAX_RECORD_BYTES:
        return Unreadable(TOO_LONG)
    frame = stream.read(length)
    if len(frame) == length:
        return frame
    torn = Unreadable("a message that is cut off; export the file again")
    torn.is_growing = True
    return torn


def _protobuf_as_json(frame: bytes) -> str | Unreadable:
    from google.protobuf.json_format import MessageToJson

    message = _signal(frame)
    return message if isinstance(message, Unreadable) else MessageToJson(message, indent=None)


def _signal(frame: bytes):
    """The frame as the OTLP signal that it is: each may pass for another, but for the times that its records state."""
    from google.protobuf.message import DecodeError
    from opentelemetry.proto.logs.v1.logs_pb2 import LogsData
    from opentelemetry.proto.metrics.v1.metrics_pb2 import MetricsData
    from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

    read, fault = [], None
    for kind, resources, scopes, records, own in (
        (TracesData, "resource_spans", "scope_spans", "spans", ("start_time_unix_nano",)),
        (LogsData, "resource_logs", "scope_logs", "log_records", ("time_unix_nano", "observed_time_unix_nano")),
        (MetricsData, "resource_metrics", "scope_metrics", "metrics", ("gauge", "sum", "histogram", "summary")),
    ):
        try:
            message = kind.FromString(frame)
        except DecodeError as error:
            fault = fault or error
            continue
        read.append(message)
        held = (
            record
            for resource in getattr(message, resources)
            for scope in getattr(resource, scopes)
            for record in getattr(scope, records)
        )
        first = next(held, None)
        if first is not None and {field.name for field, _ in first.ListFields()} & set(own):
            return message
    return read[0] if read else Unreadable(f"no OTLP protobuf: {fault}")


def first_message(path: Path | Member) -> Record | None:
    """The first of a file's length-delimited messages, as `messages` gives it."""
    with opened(path) as stream:
        return next(messages(stream), None)


def batches(records: Iterator[Record]) -> Iterator[Batch]:
    """Records in batches of about BATCH_BYTES."""
    numbers, texts, unreadable, size = [], [], [], 0
    for line_no, record in records:
        if isinstance(record, Unreadable):
            unreadable.append((line_no, record))
            continue
        numbers.append(line_no)
        texts.append(record)
        size += len(record)
        if size >= BATCH_BYTES:
            yield Batch(numbers, texts, unreadable)
            numbers, texts, unreadable, size = [], [], [], 0
    if numbers or unreadable:
        yield Batch(numbers, texts, unreadable)
