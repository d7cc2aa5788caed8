"""Mutants of exports go through the landing: each lands or is named, and costs the files beside it nothing.

Usage: fuzz.py [--mutants N] [--seed S] [--batch B] [--only K ...] [--keep FOLDER] [FOLDER ...]

Mutants are made of the files in FOLDER ... (else of the golden inbox of the tests), and land in batches beside a good
file. Mutant K of a seed and of the same files is always the same, so that `--only K` lands it alone, and `--keep` keeps
it. Exit 0 when every mutant landed or was named, every span that was read is in the ledger, a copy, or rejected by
line, and the good file landed each time; 1 when not (each mutant is named, with its seed); 2 when the call is wrong.
"""

import argparse
import csv
import gzip
import io
import json
import os
import re
import sys
import tempfile
import time
import traceback
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random
from typing import NamedTuple

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

PROJECT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT / "scripts"))

import land  # noqa: E402
from paths import pattern  # noqa: E402
from terminal import HARMFUL_IN_LINES, plain, print  # noqa: E402

SAMPLES = PROJECT / "tests" / "golden" / "inbox"
MOST_BYTES = 1 << 20  # of a sample: larger ones say no more
GOOD_NAME, GOOD_ID = "good.jsonl", "the good one"
GOOD = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [{
    "traceId": "600d" * 8,
    "spanId": "600d" * 4,
    "name": "chat",
    "startTimeUnixNano": "1791194400000000000",
    "endTimeUnixNano": "1791194401000000000",
    "attributes": [
        {"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}},
        {"key": "gen_ai.response.id", "value": {"stringValue": GOOD_ID}},
        {"key": "gen_ai.usage.input_tokens", "value": {"intValue": "7"}},
    ],
}]}]}]})  # fmt: skip
ODD_BYTES = [
    b"\xef\xbb\xbf", b"\xff\xfe", b"\x00", b"\x00" * 64, b"\xa0", b"\xc2\xa0", b"\x1b[2J", b"\r", b"\n", b"\r\n",
    b"\xff" * 8, b"\xed\xa0\x80", b"\xe2\x80\xae", b'"', b"\\", b"{", b"}", b"[", b"]", b",", b";", b"\t", b"'",
    b"\x1f\x8b", b"PK\x03\x04", b"PAR1", b"\x28\xb5\x2f\xfd",
]  # fmt: skip
ODD_JSON = [
    "null", "true", "0", "-1", "-0.0", "1e999", "-1e-999", "NaN", "Infinity", "-Infinity", "7" * 5000, "1" * 25,
    "18446744073709551616", "9223372036854775807", "253402300800000000000", "{}", "[]", "[[]]", "[null]", '[{}]', '""',
    '"\\ud83d"', '"\\udc00\\ud83d"', '"\\u0000"', '"\\u001b[31m"', '"a\\nb"', '"infinity"', '"nan"', '"-1"', '"1,5"',
    '"1.234,5"', '"' + "x" * 140_000 + '"', '"{\\"a\\": 1}"', '"[1]"', '"0000000000000000"', '"9999-12-31T23:59:59Z"',
    '"0001-01-01"', '"2026-13-45T25:61:00"', '"1969-12-31T00:00:00Z"', "[" * 3000 + "]" * 3000, '{"a": {"b": {}}}',
]  # fmt: skip
ODD_CELLS = [
    "", " ", "-", "NULL", "nan", "inf", "-1", "1e999", "7" * 5000, "1,5", "1.234,56", "$1", "(1.00)", "1 000", "0x10",
    "\x00", "\x1b[31m", "\u202eabc", "caf\u00e9", "a\nb", 'a"b', "=1+1", "2026-02-30", "31/12/2026", "9999-12-31",
    "0001-01-01", "1969-12-31T23:59:59Z", "2026-10-05T10:00:00+99:00", "x" * 140_000, "[]", '{"a": 1}', "true", "Total",
]  # fmt: skip


class Mutant(NamedTuple):
    number: int
    sample: str
    how: str
    content: bytes

    @property
    def name(self) -> str:
        return f"{self.number:07d}-{Path(self.sample).name}"


def flipped(random: Random, content: bytes) -> bytes:
    changed = bytearray(content)
    for _ in range(random.choice((1, 1, 3, 20))):
        changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
    return bytes(changed)


def inserted(random: Random, content: bytes) -> bytes:
    place = random.choice((0, random.randrange(len(content)), len(content)))
    return content[:place] + random.choice(ODD_BYTES) * random.choice((1, 1, 2, 50)) + content[place:]


def cut_out(random: Random, content: bytes) -> bytes:
    begin, length = random.randrange(len(content)), random.choice((1, 2, 10, 200, len(content)))
    return content[:begin] + content[begin + length :]


def truncated(random: Random, content: bytes) -> bytes:
    return content[: random.choice((random.randrange(len(content)), random.randrange(min(len(content), 64)), -1))]


def repeated(random: Random, content: bytes) -> bytes:
    begin = random.randrange(len(content))
    part = content[begin : begin + random.choice((1, 5, 100, 3000))]
    return content[:begin] + part * random.choice((2, 3, 40)) + content[begin:]


def swapped(random: Random, content: bytes) -> bytes:
    one, other, last = sorted(random.randrange(len(content) + 1) for _ in range(3))
    return content[:one] + content[other:last] + content[one:other] + content[last:]


def recoded(random: Random, content: bytes) -> bytes:
    text = content.decode("utf-8", "replace")
    encoding = random.choice(("utf-16", "utf-16-le", "utf-16-be", "utf-8-sig", "cp1252", "utf-32", "utf-7"))
    return text.encode(encoding, "replace")


def line_moved(random: Random, content: bytes) -> bytes:
    lines = content.splitlines(keepends=True)
    kind = random.randrange(4)
    if kind == 0:
        random.shuffle(lines)
    elif kind == 1:
        del lines[random.randrange(len(lines))]
    elif kind == 2:
        lines.insert(random.randrange(len(lines) + 1), random.choice(lines))
    return (b"\r" if kind == 3 else b"").join(line.rstrip(b"\r\n") if kind == 3 else line for line in lines)


JSON_VALUE = re.compile(r'(?<=:)\s*("(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|true|false|null|\{\s*\}|\[\s*\])')
JSON_NAME = re.compile(r'"((?:[^"\\]|\\.)*)"(?=\s*:)')


def json_value(random: Random, content: bytes) -> bytes:
    """One value of any JSON, also where it is cut, gives way to an odd one."""
    text = content.decode("utf-8", "replace")
    found = [match.span(1) for match in JSON_VALUE.finditer(text)]
    if not found:
        return inserted(random, content)
    for begin, end in sorted(random.sample(found, min(len(found), random.choice((1, 1, 2, 30)))), reverse=True):
        text = text[:begin] + random.choice(ODD_JSON) + text[end:]
    return text.encode("utf-8", "replace")


def json_name(random: Random, content: bytes) -> bytes:
    """A name is misspelled, or stands twice."""
    text = content.decode("utf-8", "replace")
    found = [match.span(1) for match in JSON_NAME.finditer(text)]
    if not found:
        return flipped(random, content)
    begin, end = random.choice(found)
    other_begin, other_end = random.choice(found)
    new = random.choice(
        (text[other_begin:other_end], text[begin:end].upper(), "", "\\ud83d", "x" * 70_000, "a\\u001bb")
    )
    return (text[:begin] + new + text[end:]).encode("utf-8", "replace")


def json_shape(random: Random, content: bytes) -> bytes:
    """Somewhere in a record an object is a list, a list an object, a value a list, or either a text."""
    text = content.decode("utf-8")
    try:
        records, form = [json.loads(text)], "whole"
    except ValueError:
        records, form = [json.loads(line) for line in text.splitlines() if line.strip()], "lines"
    at = random.randrange(len(records))
    records[at] = _reshaped(random, records[at], random.choice((0, 1, 2, 3, 5, 8)))
    return "\n".join(json.dumps(record, indent=2 if form == "whole" and random.random() < 0.3 else None)
                     for record in records).encode()  # fmt: skip


def _reshaped(random: Random, value: object, depth: int) -> object:
    if depth and isinstance(value, dict) and value:
        name = random.choice(list(value))
        return {**value, name: _reshaped(random, value[name], depth - 1)}
    if depth and isinstance(value, list) and value:
        at = random.randrange(len(value))
        return [*value[:at], _reshaped(random, value[at], depth - 1), *value[at + 1 :]]
    shapes = [[value], {"value": value}, json.dumps(value), None, [value, value], [None, value]]
    if isinstance(value, dict):
        shapes += [list(value.values()), [{"key": name, "value": held} for name, held in value.items()]]
    if isinstance(value, list) and value:
        shapes += [value[0], {str(place): held for place, held in enumerate(value)}]
    return random.choice(shapes)


def csv_cell(random: Random, content: bytes) -> bytes:
    """A table's cell, column, row or header is another, or the whole is written otherwise."""
    text = content.decode("utf-8-sig", "replace")
    delimiter = max(",;\t|", key=text.split("\n", 1)[0].count)
    rows = [row for row in csv.reader(io.StringIO(text), delimiter=delimiter) if row]
    kind, at = random.randrange(8), random.randrange(len(rows))
    place = random.randrange(len(rows[0]))
    if kind < 3:
        for row in rows if kind == 2 else [rows[at]]:
            row[min(place, len(row) - 1)] = random.choice(ODD_CELLS)
    elif kind == 3:
        rows = [row[:place] + row[place + 1 :] for row in rows]
    elif kind == 4:
        rows = [[*row[:place], *row[place : place + 1], *row[place:]] for row in rows]
    elif kind == 5:
        rows[at] = random.choice((rows[at][:place], rows[at] + ["more"], rows[0], []))
    elif kind == 6:
        delimiter = random.choice(",;\t|")
    else:
        rows = [["report", "of"], [], *rows]
    target = io.StringIO()
    csv.writer(target, delimiter=delimiter, lineterminator=random.choice(("\n", "\r\n"))).writerows(rows)
    return target.getvalue().encode("utf-8", "replace")


def packed(random: Random, content: bytes) -> bytes:
    """Compressed or in an archive, which then may be torn."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(random.choice(("a.json", "a\nb", "../a", "x" * 300, "")), content)
    made = random.choice(
        (gzip.compress(content, mtime=0), pa.compress(content, "zstd", asbytes=True), target.getvalue())
    )
    return random.choice((lambda _, whole: whole, flipped, truncated, cut_out))(random, made)


def unpacked(random: Random, content: bytes) -> bytes:
    """What a gzip file holds is another, under a whole wrapping."""
    return gzip.compress(mutated(random, gzip.decompress(content))[1], mtime=0)


def parquet_column(random: Random, content: bytes) -> bytes:
    """A column of Parquet is of another type, or not there, or empty."""
    table = pq.read_table(io.BytesIO(content))
    at = random.randrange(table.num_columns)
    name = table.column_names[at]
    kind = random.randrange(4)
    if kind == 0:
        table = table.remove_column(at)
    elif kind == 1:
        table = table.set_column(at, name, pa.nulls(table.num_rows))
    elif kind == 2:
        odd = random.choice((b"\xff\xfe", {"a": 1}, [[1]], float("nan"), True, 2**62))
        table = table.set_column(at, name, pa.array([odd] * table.num_rows))
    else:
        table = table.rename_columns([f"{one}\x1b" if one == name else one for one in table.column_names])
    target = io.BytesIO()
    pq.write_table(table, target, compression="none")
    return target.getvalue()


Way = Callable[[Random, bytes], bytes]
ANY: list[Way] = [flipped, inserted, cut_out, truncated, repeated, swapped, packed]
TEXT: list[Way] = [recoded, line_moved]


def ways(content: bytes) -> list[Way]:
    """The mutations that a file's kind can have; what its kind has of its own comes more often."""
    if content[:4] == b"PAR1":
        return ANY + [parquet_column] * 5
    if content[:2] == b"\x1f\x8b":
        return ANY + [unpacked] * 8
    if b"\x00" in content[:4096]:
        return ANY
    if content.lstrip()[:1] in (b"{", b"["):
        return ANY + TEXT + [json_value] * 5 + [json_name] * 2 + [json_shape] * 5
    return ANY + TEXT + [csv_cell] * 9


def mutated(random: Random, content: bytes) -> tuple[str, bytes]:
    how = random.choice(ways(content))
    try:
        return how.__name__, how(random, content)
    except (ValueError, TypeError, LookupError, EOFError, OSError, RecursionError, csv.Error, zlib.error):
        return "flipped", flipped(random, content)  # that way is not for this content


def samples_in(folders: list[Path]) -> list[tuple[str, bytes]]:
    """(name, content) of the files from which mutants are made, in an order that stays."""
    found = []
    for folder in folders:
        for path in sorted(folder.rglob("*")) if folder.is_dir() else [folder]:
            if (
                path.is_file()
                and not path.is_symlink()
                and path.suffix != ".md"
                and 0 < path.stat().st_size < MOST_BYTES
            ):
                found.append((str(path.relative_to(folder) if folder.is_dir() else path.name), path.read_bytes()))
    return found


def mutant(seed: int, number: int, samples: list[tuple[str, bytes]]) -> Mutant:
    random = Random(f"{seed}:{number}")
    name, content = samples[random.randrange(len(samples))]
    hows = []
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        how, content = mutated(random, content or b"\n")
        hows.append(how)
    return Mutant(number, name, " + ".join(hows), content)


@contextmanager
def quiet(target: Path) -> Iterator[None]:
    """Let this process and all that it starts write into a file."""
    sys.stdout.flush()
    sys.stderr.flush()
    saved = os.dup(1), os.dup(2)
    streams = sys.stdout, sys.stderr
    with target.open("wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        sys.stdout = sys.stderr = io.TextIOWrapper(open(1, "wb", closefd=False), "utf-8", line_buffering=True)  # noqa: SIM115
        try:
            yield
        finally:
            sys.stdout.flush()
            sys.stdout, sys.stderr = streams
            for number, descriptor in enumerate(saved, 1):
                os.dup2(descriptor, number)
                os.close(descriptor)


class Landing(NamedTuple):
    """What became of a batch: faults of the landing as a whole, faults by mutant, and counts."""

    whole: list[str]
    by_name: dict[str, str]
    counts: Counter


def land_all(mutants: list[Mutant], folder: Path) -> Landing:
    """Land mutants beside the good file, in a folder of their own, and ask what became of each."""
    inbox, data, log = folder / "inbox", folder / "data", folder / "log"
    inbox.mkdir(parents=True)
    (inbox / GOOD_NAME).write_text(GOOD)
    for one in mutants:
        (inbox / one.name).write_bytes(one.content)
    with quiet(log):
        try:
            code = land.run(inbox, data, strict=False)
        except (Exception, SystemExit):
            traceback.print_exc()
            code = -1
    said = log.read_text("utf-8", "replace")
    whole = [] if code in (0, 1) else [f"the landing ended with {code}: {said.strip().splitlines()[-1:]}"]
    if "Traceback" in said:
        whole.append(f"a traceback: {said[said.index('Traceback') :].strip().splitlines()[-1]}")
    if odd := HARMFUL_IN_LINES.search(said.replace("\r", "")):
        whole.append(f"a raw {odd[0]!r} was printed")
    if not (data / "landed" / "manifest.json").exists():  # the door refused all of it
        whole.append(next((line for line in said.splitlines() if "ERROR" in line), "nothing landed"))
    if whole:
        return Landing(whole, {}, Counter())
    return accounted(mutants, data)


def accounted(mutants: list[Mutant], data: Path) -> Landing:
    whole: list[str] = []
    by_name: dict[str, str] = {}
    counts: Counter[str] = Counter()

    def rows(table: str, what: str) -> list[tuple]:
        files = f"{pattern(data)}/landed/{table}/*/*.parquet"
        return duckdb.execute(
            f"select {what} from read_parquet('{files}', union_by_name = true, hive_partitioning = false)"
        ).fetchall()

    if (GOOD_NAME, GOOD_ID) not in rows("spans", "source_file, response_id"):
        whole.append("the good file did not land")
    manifest = json.loads((data / "landed" / "manifest.json").read_text())["files"]
    named = Counter(name for (name,) in rows("rejects", "source_file"))
    rejected = Counter(row for row in rows("rejects", "file_id, kind"))
    kinds = {entry["kind"] for entry in manifest.values()}
    used = Counter((file_id, kind) for kind in kinds for (file_id,) in rows(kind, "file_id"))
    landed = {}
    for entry in manifest.values():
        name, kind = entry["source_file"].split("/")[0], entry["kind"]
        landed[name] = entry
        read, refused, copies = (entry[what] for what in ("rows_read", "rows_rejected", "rows_superseded"))
        kept = used[entry["file_id"], kind]
        counts["rows"] += read
        if read != kept + copies + refused:
            by_name[name] = f"{read} rows of {kind} read, but {kept} used, {copies} copies and {refused} rejected"
        elif refused != rejected[entry["file_id"], kind]:
            by_name[name] = f"{refused} rows rejected, but {rejected[entry['file_id'], kind]} named"
    for one in mutants:
        is_named = any(name == one.name or name.startswith(f"{one.name}/") for name in named)
        counts["landed" if one.name in landed else "named" if is_named else "unaccounted"] += 1
        if one.name not in landed and not is_named:
            by_name[one.name] = "neither landed nor named"
    return Landing(whole, by_name, counts)


def tried(mutants: list[Mutant], folder: Path, faults: dict[int, str]) -> Counter:
    """Land a batch; where the landing as a whole went wrong, its halves, until the mutant is found that did it."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        outcome = land_all(mutants, Path(place))
    if outcome.whole and len(mutants) > 1:
        half = len(mutants) // 2
        return tried(mutants[:half], folder, faults) + tried(mutants[half:], folder, faults)
    if outcome.whole:
        faults[mutants[0].number] = "; ".join(outcome.whole)
        return Counter(failed=1)
    counts = outcome.counts
    for one in mutants:
        if said := outcome.by_name.get(one.name):
            if said.startswith("neither") and len(mutants) > 1:  # perhaps another has the same content
                counts["unaccounted"] -= 1
                counts += tried([one], folder, faults)
            else:
                faults[one.number] = said
    return counts


def fuzz(folders: list[Path], numbers: list[int], seed: int, batch: int, keep: Path | None = None) -> dict[int, str]:
    """What went wrong, by the mutant's number; prints counts as it goes."""
    samples = samples_in(folders)
    faults: dict[int, str] = {}
    counts: Counter[str] = Counter()
    done, slowest, began = 0, (0.0, 0), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder, suppress(KeyboardInterrupt):  # then what is known
        for begin in range(0, len(numbers), batch):
            mutants = [mutant(seed, number, samples) for number in numbers[begin : begin + batch]]
            if keep:
                keep.mkdir(parents=True, exist_ok=True)
                for one in mutants:
                    (keep / one.name).write_bytes(one.content)
            start = time.monotonic()
            counts += tried(mutants, Path(folder), faults)
            slowest = max(slowest, (time.monotonic() - start, mutants[0].number))
            done += len(mutants)
            print(f"  {done:,} mutants, {len(faults)} faults, {time.monotonic() - began:.0f} s", flush=True)
    for number, said in sorted(faults.items()):
        one = mutant(seed, number, samples)
        print(
            f"ERROR: mutant {number} of {one.sample} ({one.how}): {plain(said)}; again: --seed {seed} --only {number}"
        )
    said = ", ".join(f"{count:,} {what}" for what, count in sorted(counts.items()) if count)
    print(f"{done:,} mutants of {len(samples)} files, seed {seed}: {said}; {len(faults)} faults")
    print(f"slowest batch: {slowest[0]:.0f} s, from mutant {slowest[1]}")
    return faults


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path, default=[SAMPLES])
    parser.add_argument("--mutants", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--begin", type=int, default=0, help="number of the first mutant")
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--only", type=int, nargs="*")
    parser.add_argument("--keep", type=Path)
    asked = parser.parse_args()
    if missing := [str(folder) for folder in asked.folders if not folder.exists()]:
        print(f"ERROR: {missing[0]} is not there; name files or folders of exports", file=sys.stderr)
        return 2
    numbers = asked.only or list(range(asked.begin, asked.begin + asked.mutants))
    return int(bool(fuzz(asked.folders, numbers, asked.seed, asked.batch, asked.keep)))


if __name__ == "__main__":
    sys.exit(main())
