"""Every mart and export of every test data set under two commits: what a change of the models changed.

Usage: compare.py DATA BASE [CASES], folders separated by commas. Builds what the project ships (the sample company, the
golden day, the compound request, synthetic spans) and every inbox found under CASES, once with commit BASE and once
with the files of this checkout as they are, and compares each mart by `except all` both ways and each exported file
byte for byte. What BASE built is kept in DATA/compare and used again. Exit 0 without a difference, 1 with one (each is
named, with rows of either side), 2 where the call is wrong.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import duckdb

PROJECT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT / "scripts"))

import make_spans  # noqa: E402
from paths import pattern, quoted  # noqa: E402

SYNTHETIC_TRACES = 1_500  # of 13 spans on average
SHOWN = 3  # rows of a difference
RUN_TIMES = {"landed_at", "built_at"}  # times of a run, which differ between any two
COMPANIES = ("company", "_company")
# Folders of a case that land one after another, each with a build.
STEP = re.compile(r"step\d+")


class World(NamedTuple):
    """Files that somebody has, and the company they belong to."""

    name: str
    inboxes: tuple[Path, ...]  # landed in this order, a build after each
    company: Path
    landed: Path | None = None  # a folder that stands as landed already

    def digest(self) -> str:
        """Of all that goes into the build."""
        found = sha256()
        for folder in (*self.inboxes, self.company, *([self.landed] if self.landed else [])):
            for path in sorted(path for path in folder.rglob("*") if path.is_file()):
                found.update(str(path.relative_to(folder)).encode() + path.read_bytes())
        return found.hexdigest()


def shipped(folder: Path) -> list[World]:
    """The worlds that come with the project; what is generated is generated here, by this checkout, for both."""
    inbox = generated(
        folder, "sample", "*sample*.py", lambda part: run(PROJECT, "make_sample.py", str(part)).check_returncode()
    )
    synthetic = generated(folder, "synthetic", "make_spans.py", lambda part: make_spans.make(part, SYNTHETIC_TRACES))
    (folder / "nothing").mkdir(exist_ok=True)
    tests = PROJECT / "tests"
    return [
        World("sample", (inbox,), PROJECT / "seeds" / "company"),
        *(World(name, (tests / name / "inbox",), tests / name / "company") for name in ("golden", "compound")),
        World("synthetic", (folder / "nothing",), synthetic / "company", synthetic),
    ]


def generated(folder: Path, name: str, scripts: str, make: Callable[[Path], object]) -> Path:
    """What scripts write, kept for as long as they are the same."""
    texts = b"".join(path.read_bytes() for path in sorted((PROJECT / "scripts").glob(scripts)))
    place = folder / f"{name}-{sha256(texts).hexdigest()[:12]}"
    if not place.exists():
        part = place.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        make(part)
        part.rename(place)
    return place


def found_in(root: Path, nobody: Path) -> list[World]:
    """A world per case: a folder `inbox`, folders `step1`, `step2` ..., or else a folder that holds files.

    Its company is a folder `company` beside the files, or the nearest `_company` above them, or else the folder
    `nobody`.
    """
    if not root.is_dir():
        sys.exit(f"ERROR: {root} is no folder; CASES names folders that hold cases")
    worlds = []
    for place, folders, files in os.walk(root):
        case = Path(place)
        folders[:] = sorted(name for name in folders if name not in COMPANIES)
        steps = tuple(case / name for name in folders if STEP.fullmatch(name))
        inboxes = (case / "inbox",) if "inbox" in folders else steps
        if not inboxes and any(not name.startswith("README") for name in files) and case != root:
            inboxes = (case,)
        if inboxes:
            folders.clear()
            worlds.append(World(str(case.relative_to(root.parent)), inboxes, company_of(case, root) or nobody))
    return worlds


def company_of(case: Path, root: Path) -> Path | None:
    """The seeds of a case."""
    if (case / "company").is_dir():
        return case / "company"
    above = [folder / "_company" for folder in (case, *case.parents) if folder.is_relative_to(root)]
    return next((folder for folder in above if folder.is_dir()), None)


def checkout_of(commit: str, folder: Path) -> Path:
    """The project as of a commit, with the environment that its lock asks for."""
    place = folder / "checkout"
    if not place.exists():
        part = folder / "checkout.part"
        shutil.rmtree(part, ignore_errors=True)
        subprocess.run(["git", "clone", "--quiet", "--shared", str(PROJECT), str(part)], check=True)
        subprocess.run(["git", "-C", str(part), "checkout", "--quiet", commit], check=True)
        if (part / "requirements.txt").read_bytes() == (PROJECT / "requirements.txt").read_bytes():
            (part / ".venv").symlink_to((PROJECT / ".venv").resolve())
        else:
            subprocess.run(["make", "-C", str(part), ".venv/.synced"], check=True)
        shutil.copyfile(part / "profiles.yml.example", part / "profiles.yml")
        part.rename(place)
    return place


def run(checkout: Path, script: str, *words: str) -> subprocess.CompletedProcess:
    command = [str(checkout / ".venv" / "bin" / "python"), str(checkout / "scripts" / script), *words]
    # The shell's own settings are no part of a commit; those that say where a project lies would be another's.
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")}
    return subprocess.run(command, cwd=checkout, capture_output=True, text=True, errors="replace", env=kept)


def outcome(checkout: Path, world: World, folder: Path) -> None:
    """Builds a world into `folder`, unless it is there: its marts, its exports, and how each program ended."""
    kept, said = folder / "outcome.json", world.digest()
    if kept.exists() and json.loads(kept.read_text())["inputs"] == said:
        return
    shutil.rmtree(folder, ignore_errors=True)
    data = folder / "data"
    data.mkdir(parents=True)
    if world.landed:
        shutil.copytree(world.landed / "landed", data / "landed")
    ends = {}
    for number, inbox in enumerate(world.inboxes):
        # As `make build` has it: the inbox of a later step holds what came before too.
        names = shutil.ignore_patterns("README*", *COMPANIES)
        shutil.copytree(inbox, data / "inbox", ignore=names, dirs_exist_ok=number > 0)
        done = run(checkout, "build.py", str(data / "inbox"), str(data), str(world.company))
        ends[f"build {number + 1}"] = end_of(done)
    if done.returncode == 0:
        for month in dump(data / "ledger.duckdb", folder / "marts"):
            ends[f"export of {month}"] = end_of(run(checkout, "export.py", month, str(data)))
    if (data / "exports").exists():
        (data / "exports").rename(folder / "exports")
    shutil.rmtree(data)
    kept.write_text(json.dumps({"inputs": said, "ends": ends}))


def end_of(done: subprocess.CompletedProcess) -> list:
    """[exit code, what a program that failed printed last]."""
    return [done.returncode, "" if done.returncode == 0 else (done.stdout + done.stderr).strip()[-300:]]


def dump(database: Path, folder: Path) -> list[str]:
    """Each mart as a Parquet file; the months that the ledger has."""
    folder.mkdir()
    with duckdb.connect(str(database), read_only=True) as engine:
        marts = engine.execute(
            "select table_name from information_schema.tables where table_schema = 'marts' order by table_name"
        ).fetchall()
        for (name,) in marts:
            engine.execute(f"copy (from marts.{name}) to '{quoted(folder)}/{name}.parquet' (format parquet)")
        if ("team_chargeback_monthly",) not in marts:
            return []
        months = engine.execute("select distinct month from marts.team_chargeback_monthly order by month").fetchall()
        return [f"{month:%Y-%m}" for (month,) in months]


def differences(base: Path, now: Path) -> list[str]:
    """What two builds of one world differ in, a line each; nothing where all marts and exports are equal."""
    was, is_now = (ends_of(folder) for folder in (base, now))
    lines = [
        f"{what} ends with {was[what][0]} before and {is_now[what][0]} now: {was[what][1] or is_now[what][1]}"
        for what in sorted(was.keys() & is_now.keys())
        if was[what][0] != is_now[what][0]
    ]
    sides = [{path.stem: path for path in sorted((folder / "marts").glob("*.parquet"))} for folder in (base, now)]
    for name in sorted(sides[0].keys() ^ sides[1].keys()):
        lines.append(f"mart {name}: only {'before' if name in sides[0] else 'now'}")
    for name in sorted(sides[0].keys() & sides[1].keys()):
        lines += compared(name, sides[0][name], sides[1][name])
    files = [
        {str(path.relative_to(folder / "exports")): path for path in (folder / "exports").rglob("*") if path.is_file()}
        for folder in (base, now)
    ]
    for name in sorted(files[0].keys() | files[1].keys()):
        one, two = files[0].get(name), files[1].get(name)
        if not one or not two:
            lines.append(f"export {name}: only {'before' if one else 'now'}")
        elif one.read_bytes() != two.read_bytes():
            lines.append(f"export {name}: other bytes")
    return lines


def ends_of(folder: Path) -> dict[str, list]:
    return json.loads((folder / "outcome.json").read_text())["ends"]


def said_of(now: Path) -> str:
    """What a world without a difference gave: a build or export that fails under both commits shows nothing else."""
    marts = len(list((now / "marts").glob("*.parquet")))
    files = sum(path.is_file() for path in (now / "exports").rglob("*"))
    failed = [f"; {what} ends with {code} under both: {last}" for what, (code, last) in ends_of(now).items() if code]
    return f"{marts} marts and {files} exported files equal" + "".join(failed)


def compared(name: str, before: Path, after: Path) -> list[str]:
    """Rows of a mart that only one side has, over the columns that both have; and the columns that only one has.

    Numbers in floating point, whose sums depend on the order of adding, are compared by ten digits.
    """
    with duckdb.connect() as engine:
        kinds = [
            {row[0]: row[1] for row in engine.execute(f"describe from '{quoted(path)}'").fetchall()}
            for path in (before, after)
        ]
        lines = [
            f"mart {name}: column {column} only {'before' if column in kinds[0] else 'now'}"
            for column in sorted(kinds[0].keys() ^ kinds[1].keys())
        ]
        lines += [
            f"mart {name}: {column} was {kind} and is {kinds[1][column]}"
            for column, kind in kinds[0].items()
            if column in kinds[1] and kind != kinds[1][column]
        ]
        both = [column for column in kinds[0] if kinds[1].get(column) == kinds[0][column] and column not in RUN_TIMES]
        shown = ", ".join(
            f'printf(\'%.10g\', "{column}") as "{column}"' if kinds[0][column] in ("DOUBLE", "FLOAT") else f'"{column}"'
            for column in both
        )
        sides = ((before, after, "before"), (after, before, "now")) if both else ()
        for one, two, side in sides:
            only = engine.sql(
                f"select {shown} from '{pattern(one)}' except all select {shown} from '{pattern(two)}'"
            ).order("all")
            if count := only.count("*").fetchall()[0][0]:
                examples = [dict(zip(both, row, strict=True)) for row in only.limit(SHOWN).fetchall()]
                lines.append(f"mart {name}: {count:,} rows only {side}")
                lines += [
                    "    " + ", ".join(f"{column}={value}" for column, value in row.items() if value is not None)
                    for row in examples
                ]
        return lines


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("base")
    parser.add_argument("cases", nargs="?", default="")
    parser.add_argument("--only", default="", help="worlds whose names contain this")
    arguments = parser.parse_args()
    found = subprocess.run(
        ["git", "rev-parse", "--verify", "--quiet", f"{arguments.base}^{{commit}}"],
        cwd=PROJECT, capture_output=True, text=True,
    )  # fmt: skip
    commit = found.stdout.strip()
    if not commit:
        print(f"ERROR: git knows no commit {arguments.base}; say BASE=<commit>", file=sys.stderr)
        return 2
    folder = arguments.data.resolve() / "compare"
    (folder / "inputs").mkdir(parents=True, exist_ok=True)
    worlds = shipped(folder / "inputs")
    for root in filter(None, arguments.cases.split(",")):
        worlds += found_in(Path(root).resolve(), folder / "inputs" / "nothing")
    worlds = [world for world in worlds if arguments.only in world.name]
    if doubled := [name for name, times in Counter(world.name for world in worlds).items() if times > 1]:
        print(f"ERROR: two data sets are called {doubled[0]}; name one folder of CASES otherwise", file=sys.stderr)
        return 2
    base = folder / commit[:12]
    base.mkdir(exist_ok=True)
    checkout, before, now = checkout_of(commit, base), base / "outcomes", folder / "now"
    shutil.rmtree(now, ignore_errors=True)

    def judged(world: World) -> list[str]:
        outcome(checkout, world, before / world.name)
        outcome(PROJECT, world, now / world.name)
        return differences(before / world.name, now / world.name)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        differing = 0
        for world, lines in zip(worlds, pool.map(judged, worlds), strict=True):
            differing += bool(lines)
            print(f"{world.name}: {'DIFFERS' if lines else said_of(now / world.name)}", flush=True)
            for line in lines:
                print(f"  {line}")
    print(f"{len(worlds) - differing} of {len(worlds)} data sets give the same under {commit[:12]} and this checkout")
    return int(differing > 0)


if __name__ == "__main__":
    sys.exit(main())
