"""The same data, written and read otherwise, gives the same marts and exports: every difference is printed.

Usage: invariance.py [--inbox INBOX --company SEEDS] [--work FOLDER] [--seed N] [--only NAME ...]. Without an inbox, the
sample company's is made in FOLDER. Variants of the inbox: lines shuffled, files renamed and moved, split, compressed,
all of that at once, landed in 13 increments. Variants of the machine: few spans at a time, little memory, clocks of
2024 and 2031, another hash seed, time zone and locale, one core. Exit 0 when all are as the baseline, 1 if one is not.

What may differ, and is kept the same or not compared:

- The order in which files land tells which of two is newer (bills, eval runs, users, events, revenue); inside a landing
  that is the order of names. Files other than spans keep their names and their order; parts and increments too.
- Names of bills tell which files are parts of one export. A bill's parts are numbered.
- A revenue file restates the months, accounts and plans that it names, so that it is not split.
- Columns that hold names of files (FILE_NAMES) are left out, and what is counted beside them is added up.
"""

import argparse
import csv
import gzip
import io
import json
import os
import random
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import NamedTuple

import duckdb
import pyarrow as pa

PROJECT = Path(__file__).resolve().parents[2]
RUN_TIMES = {"landed_at", "built_at"}  # times of a run, which differ between any two
FILE_NAMES = {"source_file", "newer_file", "replaced_file", "replaced_by_file"}
INCREMENTS, PARTS = 13, 3
Content = list[tuple[str, bytes]]  # (name in the inbox, bytes), in the order in which they land
Build = Callable[[Path, Path, Path, dict[str, str], str | None], tuple[int, str]]
# Build as the machine's environment, clock and cores would have it.
CHILD = """
import os, sys
from datetime import datetime
sys.path.insert(0, sys.argv.pop(1))
clock, cores = sys.argv.pop(1), sys.argv.pop(1)
from landing import engine
if clock:
    engine.clock = lambda: datetime.fromisoformat(clock)
if cores:
    os.cpu_count = lambda: int(cores)
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(cores)])
import build
sys.exit(build.main())
"""


class Variant(NamedTuple):
    """Another way to say, or to read, what the baseline says."""

    name: str
    write: Callable[[Content, random.Random], Content] | None = None  # the inbox, written otherwise
    increments: int = 1
    environment: dict[str, str] = {}  # noqa: RUF012 - nobody changes it
    clock: str | None = None


# The inbox, written otherwise.


def is_spans(name: str) -> bool:
    return name.endswith(".jsonl")


def cut(name: str, text: bytes) -> tuple[list[bytes], list[bytes]]:
    """(header, records) of a file with a record a line; a cell of a CSV may hold ends of lines. Of others, nothing."""
    if is_spans(name):
        return [], [line + b"\n" for line in text.split(b"\n") if line.strip()]
    if not name.endswith(".csv"):
        return [], []
    rows, row = [], []
    for line in text.splitlines(keepends=True):
        row.append(line if line.endswith(b"\n") else line + b"\n")
        if b"".join(row).count(b'"') % 2 == 0:
            rows.append(b"".join(row))
            row = []
    return rows[:1], rows[1:]


def shuffled(content: Content, dice: random.Random) -> Content:
    found = []
    for name, text in content:
        head, records = cut(name, text)
        if records:
            dice.shuffle(records)
            text = b"".join([*head, *records])
        found.append((name, text))
    return found


def renamed(content: Content, dice: random.Random) -> Content:
    """Spans under names that say nothing, in folders; other files in another folder, under their names."""
    found = []
    for name, text in content:
        path = Path(name)
        if is_spans(name):
            letters = "".join(dice.choice("abcdefghijklmnop") for _ in range(12))
            found.append((f"{dice.choice('uvw')}/{letters}{dice.choice(['.json', '.txt', '', '.jsonl'])}", text))
        else:
            found.append((f"elsewhere {path.parent.name}".strip() + f"/{path.name}", text))
    return found


def split(content: Content, dice: random.Random) -> Content:
    """Files with a record a line in parts, each with the header; numbered, and in folders in the order of the files."""
    found = []
    for place, (name, text) in enumerate(content):
        head, records = cut(name, text)
        columns = next(csv.reader(io.StringIO(b"".join(head).decode("utf-8", "replace"))), [])
        name = f"in {chr(97 + place // 26)}{chr(97 + place % 26)}/{Path(name).name}"
        if len(records) < 2 * PARTS or "revenue_usd" in columns:
            found.append((name, text))
            continue
        at = [0, *sorted(dice.sample(range(1, len(records)), PARTS - 1)), len(records)]
        stem, ending = name.rsplit(".", 1)
        for number in range(PARTS):
            part = b"".join([*head, *records[at[number] : at[number + 1]]])
            found.append((f"{stem}_part-{number + 1:05d}.{ending}", part))
    return found


def compressed(content: Content, dice: random.Random) -> Content:
    """Each by gzip, zstd or in an archive of its own; parts of one export alike, and in no archives of their own."""
    found, salt = [], dice.random()
    for name, text in content:
        ways = ["gz", "zst"] if "_part-" in name else ["gz", "zst", "zip"]
        how = random.Random(f"{salt} {Path(name).parent}").choice(ways)
        if how == "gz":
            packed = gzip.compress(text, mtime=0)
        elif how == "zst":
            packed = pa.compress(text, codec="zstd", asbytes=True)
        else:
            target = io.BytesIO()
            with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr(zipfile.ZipInfo(Path(name).name), text)
            packed = target.getvalue()
        found.append((f"{name}.{how}", packed))
    return found


def all_at_once(content: Content, dice: random.Random) -> Content:
    for change in (shuffled, split, renamed, compressed):
        content = change(content, dice)
    return content


INBOX = (
    Variant("shuffled", shuffled),
    Variant("renamed", renamed),
    Variant("split", split),
    Variant("compressed", compressed),
    Variant("all at once", all_at_once),
    Variant("in 13 increments", split, INCREMENTS),
)
MACHINE = (
    Variant("few spans at a time", environment={"SPANS_PER_WALK": "1000"}),
    Variant("little memory", environment={"MEMORY_LIMIT": "300MB"}),
    Variant("clock of 2024", clock="2024-02-29T12:00:00"),
    Variant("clock of 2031", clock="2031-07-01T12:00:00"),
    Variant("other hash seed", environment={"PYTHONHASHSEED": "4711"}),
    Variant("other time zone", environment={"TZ": "Pacific/Auckland"}),
    Variant("plain locale", environment={"LANG": "C", "LC_ALL": "C"}),
    Variant("one core", environment={"CORES": "1"}),
)


# Building and comparing.


def as_program(
    inbox: Path, data: Path, company: Path, environment: dict[str, str], clock: str | None
) -> tuple[int, str]:
    """Builds in a process of its own; (exit code, what it said)."""
    around = {**os.environ, "DBT_PROFILES_DIR": str(PROJECT), "PYTHONUTF8": "1", **environment}
    words = [str(PROJECT / "scripts"), clock or "", environment.get("CORES", ""), str(inbox), str(data), str(company)]
    done = subprocess.run(
        [sys.executable, "-c", CHILD, *words], env=around, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    return done.returncode, done.stdout


def content_of(inbox: Path) -> Content:
    files = sorted(path for path in inbox.rglob("*") if path.is_file())
    return [(str(path.relative_to(inbox)), path.read_bytes()) for path in files]


def increments(content: Content, count: int, dice: random.Random) -> Iterator[Content]:
    """Spans in any order, everything else in the order in which it would land, in so many portions."""
    spans = [part for part in content if is_spans(part[0])]
    others = [part for part in content if not is_spans(part[0])]
    dice.shuffle(spans)
    for number in range(count):
        yield [
            part
            for parts in (spans, others)
            for part in parts[number * len(parts) // count : (number + 1) * len(parts) // count]
        ]


def make(variant: Variant, content: Content, folder: Path, company: Path, seed: int, build: Build) -> str | None:
    """Builds a variant into folder/data; why it could not be built, if so."""
    dice = random.Random(f"{seed} {variant.name}")
    inbox = folder / "inbox"
    written = variant.write(content, dice) if variant.write else content
    for portion in increments(written, variant.increments, dice) if variant.increments > 1 else [written]:
        for name, text in portion:
            (inbox / name).parent.mkdir(parents=True, exist_ok=True)
            (inbox / name).write_bytes(text)
        if not portion:
            continue
        code, said = build(inbox, folder / "data", company, variant.environment, variant.clock)
        if code:
            return f"the build ended with {code}: {said[-1500:]}"
    return None


def marts(data: Path) -> list[str]:
    with duckdb.connect(str(data / "ledger.duckdb"), read_only=True) as engine:
        query = "select table_name from information_schema.tables where table_schema = 'marts' order by 1"
        return [name for (name,) in engine.execute(query).fetchall()]


def differences(one: Path, other: Path) -> dict[str, list]:
    """Per mart, rows that stand in one ledger and not as often in the other, without the names of files."""
    found, names = {}, marts(one)
    if names != marts(other):
        return {"marts": [sorted(set(names) ^ set(marts(other)))]}
    with duckdb.connect() as engine:
        for ledger, data in (("one", one), ("other", other)):
            path = str(data / "ledger.duckdb").replace("'", "''")
            engine.execute(f"attach '{path}' as {ledger} (read_only)")
        for mart in names:
            here, there = (rows_of(engine, ledger, mart) for ledger in ("one", "other"))
            gone, new = (
                engine.execute(f"select * from ({a}) except all select * from ({b})").fetchall()
                for a, b in ((here, there), (there, here))
            )
            if gone or new:
                found[mart] = [f"{len(gone)} rows gone, {len(new)} rows new", *gone[:2], *new[:2]]
    return found


def rows_of(engine: duckdb.DuckDBPyConnection, ledger: str, mart: str) -> str:
    """A mart's rows; where one names files, without the names, its counts and amounts added up."""
    columns = engine.execute(f"select column_name, column_type from (describe {ledger}.marts.{mart})").fetchall()
    columns = [(name, kind) for name, kind in columns if name not in RUN_TIMES]
    if not FILE_NAMES & {name for name, _ in columns}:
        return f"select {', '.join(name for name, _ in columns)} from {ledger}.marts.{mart}"
    kept = [
        f"sum({name}) as {name}" if kind.startswith(("DECIMAL", "BIGINT", "DOUBLE")) else name
        for name, kind in columns
        if name not in FILE_NAMES
    ]
    return f"select {', '.join(kept)} from {ledger}.marts.{mart} group by all"


def exported(data: Path) -> dict[str, bytes]:
    """Every month's files for finance, by name, as `make export` writes and verifies them."""
    sys.path.insert(0, str(PROJECT / "scripts"))
    import export

    with duckdb.connect(str(data / "ledger.duckdb"), read_only=True) as engine:
        query = "select distinct strftime(month, '%Y-%m') from marts.team_chargeback_monthly order by 1"
        months = [month for (month,) in engine.execute(query).fetchall()]
    for month in months:
        with redirect_stdout(io.StringIO()):
            if export.export(month, data):
                return {f"{month} could not be exported": b""}
    folder = data / "exports"
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def without_files(manifest: bytes) -> bytes:
    """A manifest but for which files the ledger was built of: the same data in other files has other hashes."""
    stated = json.loads(manifest)
    for name in ("files", "sha256"):
        del stated["inputs"][name]
    return json.dumps(stated, sort_keys=True).encode()


def compare(baseline: Path, data: Path, is_written_otherwise: bool = False) -> list[str]:
    """Each difference, in a line."""
    lines = [f"{mart}: {rows}" for mart, rows in differences(baseline, data).items()]
    one, other = exported(baseline), exported(data)
    if is_written_otherwise:
        for files in (one, other):
            files |= {name: without_files(held) for name, held in files.items() if Path(name).name == "manifest.json"}
    return lines + [
        f"exports/{name}: other bytes" if name in one and name in other else f"exports/{name}: in one alone"
        for name in sorted({*one, *other})
        if one.get(name) != other.get(name)
    ]


def run(
    content: Content, company: Path, work: Path, variants: tuple[Variant, ...], seed: int, build: Build = as_program
) -> dict[str, list[str]]:
    """The differences of each variant from the baseline, by name."""
    found = {}
    baseline = work / "baseline"
    if not (baseline / "good").exists():
        shutil.rmtree(baseline, ignore_errors=True)
        if why := make(Variant("baseline"), content, baseline, company, seed, build):
            return {"baseline": [why]}
        (baseline / "good").touch()
    for variant in variants:
        folder = work / variant.name.replace(" ", "-")
        shutil.rmtree(folder, ignore_errors=True)
        why = make(variant, content, folder, company, seed, build)
        is_written_otherwise = variant.write is not None or variant.increments > 1
        found[variant.name] = [why] if why else compare(baseline / "data", folder / "data", is_written_otherwise)
        print(f"{variant.name}: {'the same' if not found[variant.name] else 'DIFFERENT'}", flush=True)
        for line in found[variant.name]:
            print(f"  {line}", flush=True)
        if not found[variant.name]:
            shutil.rmtree(folder)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inbox", type=Path, help="the sample company's, if none is named")
    parser.add_argument("--company", type=Path, default=PROJECT / "seeds" / "company")
    parser.add_argument("--work", type=Path, default=PROJECT / "data" / "invariance")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="*", help="names of variants")
    arguments = parser.parse_args()
    inbox = arguments.inbox or arguments.work / "sample"
    if not inbox.exists():
        inbox.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, str(PROJECT / "scripts" / "make_sample.py"), str(inbox)], check=True)
    variants = tuple(one for one in INBOX + MACHINE if not arguments.only or one.name in arguments.only)
    found = run(content_of(inbox), arguments.company.resolve(), arguments.work.resolve(), variants, arguments.seed)
    (arguments.work / "found.json").write_text(json.dumps(found, indent=1) + "\n")
    different = [name for name, lines in found.items() if lines]
    print(f"{len(found) - len(different)} of {len(found)} variants are as the baseline (seed {arguments.seed})")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
