"""Entries of an inbox as odd as they come, each made by a function of its path; none is a file to read as it is."""

import gzip
import io
import os
import socket
import struct
import warnings
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from exports import batch, chat

# Device nodes need rights that not everyone has, so they are not among these.
HEADER = "generation_id,created_at,cost_total,tokens_prompt,tokens_completion,model_permaslug"
GOOD = batch([chat(1, 1, response="good")])
SURROGATE = b'"\\ud83d"'


def span_file(trace: int, **values) -> bytes:
    return batch([chat(trace, 1, response=f"r{trace}", **values)]).encode()


def fifo(path: Path) -> None:
    os.mkfifo(path)


def unix_socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # a socket's path may not be long
    try:
        socket.socket(socket.AF_UNIX).bind(path.name)
    finally:
        os.chdir(here)


def link(target: str):
    return lambda path: path.symlink_to(target)


def zipped(*members: tuple[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return packed.getvalue()


def patched(content: bytes, place: int, new: bytes) -> bytes:
    place %= len(content)
    return content[:place] + new + content[place + len(new) :]


def parquet(**columns) -> bytes:
    target = io.BytesIO()
    pq.write_table(pa.table(columns), target, compression="none")
    return target.getvalue()


def broken_page() -> bytes:
    """A Parquet file of spans whose footer is whole and whose first page is not."""
    names = ["context.trace_id", "context.span_id", "start_time", "attributes.llm.model_name"]
    content = parquet(**{name: [name * 9] * 50 for name in names})
    return patched(content, 4, b"\xff" * 60)


def odd_types() -> bytes:
    return parquet(**{
        "context.trace_id": pa.array([1, 2], pa.duration("ns")),
        "context.span_id": pa.array([1.5, 2.5], pa.float32()).cast(pa.float16()),
        "start_time": pa.array([None, None], pa.null()),
        "attributes.llm.model_name": pa.array([[("a", 1)], []], pa.map_(pa.string(), pa.int8())),
    })  # fmt: skip


WORKBOOK = {"[Content_Types].xml": b"<Types/>", "xl/workbook.xml": b"<workbook><sheets>"}
PACKED = gzip.compress(GOOD.encode())
ZIP = zipped(("spans.jsonl", GOOD.encode()))
EOCD = b"PK\x05\x06" + bytes(18)

# Name -> (content, or what makes the entry; a part of the reason that names it).
NAMED = {
    "pipe": (fifo, "a named pipe"),
    "socket": (unix_socket, "a socket"),
    "dangling": (link("nowhere"), "a link to a file that is not there"),
    "loop": (link("loop"), "a link that leads back to itself"),
    "to_and": (link("fro"), "a link that leads back to itself"),
    "fro": (link("to_and"), "a link that leads back to itself"),
    "out": (link("/etc/hostname"), "a link that leaves the inbox"),
    "to_pipe": (link("pipe"), "a named pipe"),
    "folder_link": (link("."), "a link to a folder"),
    "empty": (b"", "an empty file"),
    "blanks": (b" \n\r\n\t\n", "an empty file"),
    "bom": (b"\xef\xbb\xbf", "an empty file"),
    "boms": (b"\xef\xbb\xbf" * 3 + b"\r\n", "an empty file"),
    "bom16": (b"\xff\xfe", "an empty file"),
    "nbsp": ("\xa0".encode(), "an empty file"),
    "nbsp1252": (b"\xa0", "an empty file"),
    "spaces_of_others": ("\u2003\u3000\x85".encode(), "an empty file"),
    "nul": (b"\x00", "a binary file"),
    "nuls": (b"\x00" * 5000, "a binary file"),
    "noise": (bytes(range(255, -1, -1)) * 20, "neither JSON nor a CSV"),
    "long_word": (b"x" * 300_000, "neither JSON nor a CSV"),
    "long_line.csv": (HEADER.replace("cost", "c").encode() + b"," + b"y" * 200_000 + b"\n", "without cost_total"),
    "long_cells.csv": (b"a,b\n" + b'"' + b"z" * 200_000 + b'",1\n', "neither JSON nor a CSV"),
    "many_columns.csv": (b"c," * 60_000 + b"d\n1\n", "neither JSON nor a CSV"),
    "carriage.csv": (b"a,b\r1,2\r3,4\r", "neither JSON nor a CSV"),
    "quote.csv": (b'"' + b"a,b\n" * 1000, "neither JSON nor a CSV"),
    "integer.json": (b'{"n": ' + b"7" * 5000 + b"}", "JSON of no known export format"),
    "integers.json": (b"[" + b"7" * 5000 + b", " + b"8" * 5000 + b"]", "JSON of no known export format"),
    "bare.json": (b"{" + b'"n": ' + b"7" * 300_000, "JSON of no known export format"),
    "lists.json": (b"[" * 100_000 + b"]" * 100_000, "JSON of no known export format"),
    "objects.json": (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "JSON of no known export format"),
    "opened.json": (b'{"a":[' * 100_000, "JSON of no known export format"),
    "surrogate.json": (b"{" + SURROGATE + b": 1}", "JSON of no known export format"),
    "surrogates.json": (b'{"records": [{' + SURROGATE + b': {"traceId": 1, "spanId": 2}}]}', "JSON of no known"),
    "null.json": (b"null", "neither JSON"),
    "objects_without.json": (b"{}\n{}\n[]\n", "JSON of no known export format"),
    "infinite.json": (b'{"traceId": NaN, "spanId": -Infinity, "attributes": 1e999}', "JSON of no known"),
    "torn.gz": (PACKED[: len(PACKED) // 2], "can't be read"),
    "head.gz": (b"\x1f\x8b", "can't be read"),
    "void.gz": (gzip.compress(b""), "an empty file"),
    "changed.gz": (patched(PACKED, -6, b"\x00\x00"), "can't be read"),
    "head.zst": (b"\x28\xb5\x2f\xfd", "can't be read"),
    "torn.zst": (pa.compress(GOOD.encode() * 50, "zstd", asbytes=True)[:-9], "can't be read"),
    "head.zip": (b"PK\x03\x04", "a zip archive that can't be opened"),
    "void.zip": (EOCD, "a zip archive without a file"),
    "torn.zip": (ZIP[:-30], "a zip archive that can't be opened"),
    "lost.zip": (patched(ZIP, -6, struct.pack("<I", 1 << 31)), "can't be read"),
    "method.zip": (ZIP.replace(b"\x14\x00\x00\x00\x08\x00", b"\x14\x00\x00\x00\x63\x00"), "can't be read"),
    "crc.zip": (patched(ZIP, ZIP.index(b"PK\x01\x02") - 8, b"\x00\x00"), "can't be read"),
    "nested.zip": (zipped(("inner.zip", ZIP)), "an archive within an archive"),
    "head.parquet": (b"PAR1", "Parquet that can't be opened"),
    "torn.parquet": (broken_page()[:-20], "Parquet that can't be opened"),
    "footer.parquet": (patched(broken_page(), -60, b"\xee" * 40), "Parquet that can't be opened"),
    "page.parquet": (broken_page(), "can't be read"),
    "types.parquet": (odd_types(), "a column of a type that is not read"),
    "broken.xlsx": (zipped(*WORKBOOK.items()), "a workbook"),
    "torn.xlsx": (zipped(*WORKBOOK.items())[:-40], "a zip archive that can't be opened"),
    "message.pb": (b"\x0a\xff\xff\xff\x7f" + b"\x01" * 40, "no OTLP protobuf"),
}
# Files that land all the same, whatever they or their names look like: name -> (content, name in the ledger).
LANDED = {
    b"caf\xe9.jsonl": (span_file(101), "caf\\xe9.jsonl"),
    b"\xff\xfe": (span_file(102), "\\xff\\xfe"),
    b"two\nlines ERROR: forged.jsonl": (span_file(103), "two\\x0alines ERROR: forged.jsonl"),
    b"\x1b[31mred\x1b[0m\x07.jsonl": (span_file(104), "\\x1b[31mred\\x1b[0m\\x07.jsonl"),
    "\u202elnosj.exe".encode(): (span_file(105), "\\u202elnosj.exe"),
    b"two\\x0alines ERROR: forged.jsonl": (span_file(106), "two\\x5cx0alines ERROR: forged.jsonl"),
    b"it's [all]*?.jsonl": (span_file(107), "it's [all]*?.jsonl"),
    b"n" * 249 + b".jsonl": (span_file(108), "n" * 249 + ".jsonl"),
    b"-rf": (span_file(109), "-rf"),
    b"names.zip": (zipped(("a\nb.jsonl", span_file(110))), "names.zip/a\\x0ab.jsonl"),
    b"wide.jsonl": (span_file(111, input__value="x" * 300_000), "wide.jsonl"),
    b"emoji.jsonl": (span_file(112).replace(b'"span 1"', SURROGATE), "emoji.jsonl"),
    b"digits.jsonl": (span_file(113).replace(b'"intValue": 100', b'"intValue": ' + b"7" * 5000), "digits.jsonl"),
    b"long_digits.jsonl": (span_file(114).replace(b'{"stringValue": "chat"}', b"7" * 5000), "long_digits.jsonl"),
}


def make(inbox: Path, name: str | bytes, content) -> None:
    path = Path(inbox, os.fsdecode(name))
    if callable(content):
        content(path)
    else:
        path.write_bytes(content)


def twins() -> bytes:
    """A zip archive with two files of one name."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return zipped(("twin.jsonl", span_file(121)), ("twin.jsonl", span_file(122)))
