"""A file's bytes as records of JSON text with line numbers, in bounded batches, whatever the file's size.

Lines, concatenated or pretty-printed JSON, JSON arrays, CSV and tab-separated rows, Parquet rows, and length-delimited
messages (OTLP protobuf, or the Collector's compressed lines) all become (line, JSON text); what can't be cut is
`Unreadable`. Nothing here looks into a record.
"""

import codecs
import csv
import gzip
import io
import itertools
import json
import re
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import duckdb
import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from landing import Unreadable

BOM = b"\xef\xbb\xbf"
CHUNK_BYTES, BLOCK_BYTES, STEP_BYTES = 1 << 22, 1 << 22, 1 << 17
# Text in one vector of the engine: its JSON functions slow down twentyfold where a vector holds millions of attributes.
BATCH_BYTES = 1 << 19
# One record may not pass this, nor a compressed file grow past so many times its size: memory and disk are bounded.
MAX_RECORD_BYTES = 1 << 28
MAX_EXPANSION, ALWAYS_ALLOWED_BYTES = 200, 1 << 30
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
TOO_LONG = f"a record of more than {MAX_RECORD_BYTES >> 20} MB; split the export"
Record = tuple[int, bytes | str | Unreadable]


class Batch(NamedTuple):
    """Line numbers and texts (a list, or an array of strings) of records, and records that can't be cut."""

    numbers: Sequence[int]
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
        data = self.stream.read(len(buffer))
        self.left -= len(data)
        if self.left < 0:
            raise OSError(f"it unpacks to more than {MAX_EXPANSION} times its size; unpack it before landing")
        buffer[: len(data)] = data
        return len(data)


def is_compressed(path: Path) -> bool:
    with path.open("rb") as raw:
        magic = raw.read(4)
    return magic[:2] == b"\x1f\x8b" or magic == ZSTD_MAGIC


def opened(path: Path):
    """The file's bytes, decompressed where it is gzip or zstd (all frames of it)."""
    if not is_compressed(path):
        return path.open("rb")
    with path.open("rb") as raw:
        is_gzip = raw.read(2) == b"\x1f\x8b"
    stream = gzip.GzipFile(path) if is_gzip else pa.CompressedInputStream(pa.OSFile(str(path), "rb"), "zstd")
    return io.BufferedReader(Bounded(stream, path.stat().st_size), CHUNK_BYTES)


def begun(path: Path, size: int) -> bytes:
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
        begin = len(BOM) if line_no == 1 and bytes(block[: len(BOM)]) == BOM else 0
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


def concatenated(stream) -> Iterator[Record]:
    """Records of pretty-printed or concatenated JSON, or the items of JSON arrays."""
    decode = codecs.getincrementaldecoder("utf-8-sig")("replace").decode
    scan, text, line_no, more = json.JSONDecoder().raw_decode, "", 1, True
    while True:
        skipped = re.match(r"[\s,\[\]]*", text).end()
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
            yield line_no, Unreadable(f"not JSON, or cut off: {why}; export the file again")
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


def rows(stream) -> Iterator[Record]:
    """Records of a CSV or tab-separated file with a header."""
    text = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="replace", newline="")
    csv.field_size_limit(MAX_RECORD_BYTES)
    first, lines = text.readline(), 1
    while first and not first.strip():
        first, lines = text.readline(), lines + 1
    header, delimiter = header_of(first.rstrip("\r\n"))
    reader = csv.reader(text, delimiter=delimiter)
    while True:
        line_no = reader.line_num + 1 + lines
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield line_no, Unreadable(f"not CSV: {error}")
            continue
        if len(cells) == len(header):
            if any(cell.strip() for cell in cells):
                yield line_no, msgspec.json.encode(dict(zip(header, cells, strict=True)))
        elif any(cell.strip() for cell in cells):
            yield line_no, Unreadable(f"{len(cells)} cells where the header has {len(header)}; cut or misquoted")


def header_of(first_line: str) -> tuple[list[str], str]:
    """(column names, delimiter) of a header line."""
    delimiter = "\t" if first_line.count("\t") > first_line.count(",") else ","
    names = next(csv.reader([first_line], delimiter=delimiter), [])
    return [name.strip() for name in names], delimiter


def parquet_rows(path: Path) -> Iterator[Record]:
    """Records of a Parquet file; `line` is the row."""
    with duckdb.connect() as engine:
        line_no = 0
        for batch in pq.ParquetFile(path).iter_batches(batch_size=1000):
            # JSON has floats alone: exact decimals travel as text.
            columns = [cells.cast(pa.string()) if pa.types.is_decimal(cells.type) else cells for cells in batch.columns]
            engine.register("batch", pa.RecordBatch.from_arrays(columns, names=batch.schema.names))
            for (record,) in engine.execute("select to_json(batch) from batch").fetchall():
                line_no += 1
                yield line_no, record


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
    return Unreadable("a message that is cut off; export the file again") if len(frame) < length else frame


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


def first_message(path: Path) -> Record | None:
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
