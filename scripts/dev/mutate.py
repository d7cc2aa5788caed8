"""Puts one mistake at a time into a model and asks whether a test notices: what no test notices is named.

Usage: mutate.py WORK [--seed 0] [--count 200] [--lanes 2] [--only MODEL]
WORK is a folder to work in. It keeps the first builds, and a line for each mutant in WORK/mutants.jsonl, so that a run
that was stopped goes on where it stopped; the checkout has to stay as it is meanwhile. Exit 1 where less than 90 % were
noticed; each survivor is named with its line.

A mutant is one token of a model's compiled SQL: a comparison, a sign, a kind of join, a test of null, `and` or `or`,
`min` or `max`. It is asked in this order, at most SECONDS each: the model's unit tests; the golden day and the compound
request, built again from the model on, with all data tests of what that rebuilds, the marts that were costed by hand
and the figures of the docs; and the Python tests that name the model.
"""

import argparse
import csv
import json
import os
import random
import re
import shutil
import subprocess
import sys
import threading
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from functools import cache
from multiprocessing import Pipe, Process
from pathlib import Path
from typing import NamedTuple

PROJECT = Path(__file__).resolve().parents[2]
TESTS = PROJECT / "tests"
sys.path[:0] = [str(PROJECT / "scripts"), str(TESTS / "python")]

import duckdb  # noqa: E402

WORLDS = ("golden", "compound")
SETTINGS = "set TimeZone = 'UTC'; set disabled_optimizers = 'statistics_propagation'"  # as in profiles.yml.example
SECONDS = 30
LEAST = 0.9  # of the mutants, that tests have to notice
NO_MUTANT = "no SQL"
DATA = "<data>"  # a world's data folder in compiled SQL, so that a token has the same place in each
# Mutants that are invalid SQL do not count, because dbt would refuse them before any test runs.
NO_SQL = duckdb.ParserException, duckdb.BinderException
# Each kind of mistake: the tokens it is made of, and what replaces each. NO_CODE says where no token is replaced.
SWAPS = (
    ("comparison", r"(?<![<>=!:-])(?:<>|!=|<=|>=|=|<|>)(?![<>=])",
     {"=": "!=", "!=": "=", "<>": "=", "<": "<=", "<=": "<", ">": ">=", ">=": ">"}),
    ("sign", r"(?<= )[+-](?= )", {"+": "-", "-": "+"}),
    ("join", r"\b(?:left|inner) join\b", {"left join": "inner join", "inner join": "left join"}),
    ("null", r"\bis (?:not )?(?:null|distinct from)\b",
     {"is null": "is not null", "is not null": "is null", "is distinct from": "is not distinct from",
      "is not distinct from": "is distinct from"}),
    ("logic", r"\b(?:and|or)\b(?! replace)", {"and": "or", "or": "and"}),
    ("extreme", r"\b(?:min|max|least|greatest|min_by|max_by)(?=\()",
     {"min": "max", "max": "min", "least": "greatest", "greatest": "least", "min_by": "max_by", "max_by": "min_by"}),
)  # fmt: skip
NO_CODE = re.compile(r"'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/|\bbetween\b[^\n]*?\band\b", re.DOTALL)
RELATION = re.compile(r'"ledger"\."\w+"\."(\w+)"')
AROUND = 60  # characters that tell where in another text a token stands


class Mutant(NamedTuple):
    """A token of a model's compiled SQL, from `start` on, and what it is instead."""

    model: str
    kind: str
    start: int
    token: str
    instead: str

    @property
    def name(self) -> str:
        return f"{self.model}:{self.start}:{self.token}"

    def applied(self, sql: str) -> str:
        return sql[: self.start] + self.instead + sql[self.start + len(self.token) :]


def sites(model: str, sql: str) -> list[Mutant]:
    """All mutants of a model."""
    code = NO_CODE.sub(lambda found: " " * len(found[0]), sql)
    return [
        Mutant(model, kind, found.start(), found[0], swaps[found[0]])
        for kind, pattern, swaps in SWAPS
        for found in re.finditer(pattern, code)
    ]


def moved(mutant: Mutant, sql: str, other: str) -> str | None:
    """`other`, which has the same code with other names of relations, with the mutant; None if it isn't found."""

    def even(text: str) -> str:
        return re.sub(r"\s+", " ", RELATION.sub(r"__dbt__cte__\1", re.sub(r"--[^\n]*", "", text)))

    before, after = sql[: mutant.start], sql[mutant.start + len(mutant.token) :]
    text = even(other)
    found = even(before)[-AROUND:] + mutant.token + even(after)[:AROUND]
    if text.count(found) != 1:
        return None
    place = text.index(found) + len(even(before)[-AROUND:])
    return text[:place] + mutant.instead + text[place + len(mutant.token) :]


class World(NamedTuple):
    """A built data folder, and what dbt compiled for it: nodes of its manifest by id."""

    data: Path
    nodes: dict[str, dict]
    children: dict[str, list[str]]

    def model(self, name: str) -> dict:
        return next(node for node in self.models() if node["name"] == name)

    def models(self) -> list[dict]:
        return [node for node in self.nodes.values() if node["resource_type"] == "model"]


@cache
def world_of(work: Path, name: str) -> World:
    data = work / name
    manifest = json.loads((data / "target" / "manifest.json").read_text())
    for node in manifest["nodes"].values():
        node["compiled_code"] = (node.get("compiled_code") or "").replace(str(data), DATA)
    return World(data, manifest["nodes"], manifest["child_map"])


@cache
def units_of(work: Path) -> dict[str, list[tuple[str, str]]]:
    """(name, SQL) of the unit tests of each model."""
    manifest = json.loads((work / "unit" / "manifest.json").read_text())
    texts = {path.stem: path.read_text() for path in (work / "unit" / "run").rglob("*.yml/**/*.sql")}
    found: dict[str, list[tuple[str, str]]] = {}
    for unit in manifest["unit_tests"].values():
        if unit["name"] in texts:
            found.setdefault(unit["model"], []).append((unit["name"], texts[unit["name"]]))
    return found


def prepare(work: Path) -> None:
    """Build each world once, with what dbt compiled beside it."""
    dbt = PROJECT / ".venv" / "bin" / "dbt"
    for name in WORLDS:
        data, home = work / name, TESTS / name
        if not (data / "built").exists():
            words = [sys.executable, str(PROJECT / "scripts" / "build.py")]
            subprocess.run([*words, str(home / "inbox"), str(data), str(home / "company")], check=True, cwd=PROJECT)
            (data / "built").touch()
    if not (work / "unit" / "built").exists():
        places = {"LEDGER_DATA": str(work / "golden"), "LEDGER_COMPANY": str(TESTS / "golden" / "company")}
        words = ["test", "--select", "test_type:unit", "--profiles-dir", ".", "--target-path", str(work / "unit")]
        subprocess.run([dbt, "--quiet", *words], check=True, cwd=PROJECT, env=os.environ | places)
        (work / "unit" / "built").touch()


@contextmanager
def at_most(engine, seconds: int):
    """Interrupts a query that a mutant made endless."""
    timer = threading.Timer(seconds, engine.interrupt)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def plain(value: object) -> str:
    """A cell as expected files write it."""
    from test_golden import plain as written  # type: ignore[import-not-found]

    return written(value)


def by_units(work: Path, mutant: Mutant, sql: str) -> str | None:
    """The unit test that notices the mutant."""
    for name, text in units_of(work).get(mutant.model, []):
        changed = moved(mutant, sql, text)
        if changed is None:
            continue
        with duckdb.connect() as engine:
            engine.execute(SETTINGS)
            try:
                with at_most(engine, SECONDS):
                    rows = Counter((str(row[:-1]), row[-1]) for row in engine.execute(changed).fetchall())
            except NO_SQL:
                raise
            except duckdb.Error:
                return name
        actual, expected = (
            Counter({row[:-1]: count for row, count in rows.items() if row[-1] == side})
            for side in ("actual", "expected")
        )
        if actual != expected:
            return name
    return None


def by_world(world: World, mutant: Mutant, engine, expected) -> str | None:
    """The test of a world that notices the mutant, in a copy of its database that `engine` has open."""
    start = next(
        key for key, node in world.nodes.items() if node["resource_type"] == "model" and node["name"] == mutant.model
    )
    below, left = [start], [start]
    while left:
        for child in world.children.get(left.pop(), []):
            if child in world.nodes and child not in below:
                below.append(child)
                left.append(child)
    models = [key for key in below if world.nodes[key]["resource_type"] == "model"]
    ordered: list[str] = []
    while models:
        ready = [key for key in models if not set(world.nodes[key]["depends_on"]["nodes"]) & set(models)]
        ordered += ready
        models = [key for key in models if key not in ready]
    views = {name for (name,) in engine.execute("select view_name from duckdb_views() where not internal").fetchall()}
    for key in ordered:
        node = world.nodes[key]
        sql = node["compiled_code"]
        if key == start:
            sql = mutant.applied(sql)
        sql = sql.replace(DATA, str(world.data))
        if node["name"] in views:
            engine.execute(f"create or replace view {node['relation_name']} as {sql}")
        else:
            engine.execute(f"delete from {node['relation_name']}")
            engine.execute(f"insert into {node['relation_name']} by name select * from ({sql})")
    for key in below:
        node = world.nodes[key]
        if node["resource_type"] == "test" and node["config"]["severity"].lower() == "error":
            config = node["config"]
            [(fails,)] = engine.execute(
                f"select ({config['fail_calc']}) {config['error_if']} from ({node['compiled_code']})".replace(
                    DATA, str(world.data)
                )
            ).fetchall()
            if fails:
                return node["name"]
    return expected(engine, {world.nodes[key]["name"] for key in ordered})


def costed_by_hand(engine, marts: set[str]) -> str | None:
    for path in sorted((TESTS / "golden" / "expected").glob("*.csv")):
        if path.stem in marts:
            with path.open(newline="") as lines:
                header, *rows = csv.reader(lines)
            found = engine.execute(f"select {', '.join(header)} from marts.{path.stem}").fetchall()
            if sorted([plain(cell) for cell in row] for row in found) != sorted(
                [plain(cell) for cell in row] for row in rows
            ):
                return f"golden {path.stem}"
    return None


def figures_of_docs(engine, marts: set[str]) -> str | None:
    import findings  # type: ignore[import-not-found]

    page = PROJECT / "models" / "marts" / "finance" / "_compound_request.md"
    pairs = findings.PAIR.findall(page.read_text())
    return next((query for query, output in pairs if findings.table(engine, query) != output), None)


def by_worlds(work: Path, mutant: Mutant) -> str | None:
    for name, expected in zip(WORLDS, (costed_by_hand, figures_of_docs), strict=True):
        world = world_of(work, name)
        lane = work / f"lane-{os.getppid()}"
        lane.mkdir(exist_ok=True)
        shutil.copyfile(world.data / "ledger.duckdb", lane / "ledger.duckdb")
        with duckdb.connect(str(lane / "ledger.duckdb")) as engine:
            engine.execute(SETTINGS)
            try:
                with at_most(engine, SECONDS):
                    noticed = by_world(world, mutant, engine, expected)
            except NO_SQL:
                raise
            except duckdb.Error as error:
                noticed = f"{name}: {type(error).__name__}"
        if noticed:
            return noticed
    return None


def by_python(work: Path, mutant: Mutant, sql: str) -> str | None:
    """The Python tests that name the model, in a checkout of their own whose model has the mutant."""
    files = [path for path in sorted((TESTS / "python").glob("test_*.py")) if f'"{mutant.model}"' in path.read_text()]
    if not files:
        return None
    lane = work / f"checkout-{os.getppid()}"
    if not lane.exists():
        left_out = shutil.ignore_patterns(".venv", ".git", "data", "__pycache__", ".pytest_cache")
        shutil.copytree(PROJECT, lane, symlinks=True, ignore=left_out)
        (lane / ".venv").symlink_to((PROJECT / ".venv").resolve())
    (path,) = (lane / "models").rglob(f"{mutant.model}.sql")
    text = (PROJECT / path.relative_to(lane)).read_text()
    changed = moved(mutant, sql, re.sub(r"\{\{ ref\('(\w+)'\) \}\}", r"__dbt__cte__\1", text))
    if changed is None:
        return None
    path.write_text(re.sub(r"__dbt__cte__(\w+)", r"{{ ref('\1') }}", changed))
    words = [str(PROJECT / ".venv" / "bin" / "python"), "-m", "pytest", "-x", "-q", "-n", "0", "-p", "no:cacheprovider"]
    try:
        ended = subprocess.run(
            [*words, *(str(lane / one.relative_to(PROJECT)) for one in files)],
            cwd=lane, capture_output=True, text=True, timeout=SECONDS,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return None
    finally:
        path.write_text(text)
    failed = re.search(r"^FAILED (\S+)", ended.stdout, re.MULTILINE)
    return failed[1] if ended.returncode == 1 and failed else None


def ask(work: Path, mutant: Mutant, sql: str, teller) -> None:
    """Tells the test that notices the mutant."""
    try:
        teller.send(by_units(work, mutant, sql) or by_worlds(work, mutant) or by_python(work, mutant, sql))
    except NO_SQL:
        teller.send(NO_MUTANT)


def asked(work: Path, mutant: Mutant) -> dict:
    """What became of a mutant: the test that notices it, if any, and its line."""
    sql = world_of(work, WORLDS[0]).model(mutant.model)["compiled_code"]
    receiver, teller = Pipe(duplex=False)
    # A process of its own: there are queries that no interrupt ends.
    process = Process(target=ask, args=(work, mutant, sql, teller))
    process.start()
    teller.close()
    try:
        noticed = receiver.recv() if receiver.poll(4 * SECONDS) else "it does not end"
    finally:
        process.kill()
        process.join()
    begin, end = sql.rfind("\n", 0, mutant.start) + 1, sql.find("\n", mutant.start)
    return mutant._asdict() | {"noticed_by": noticed, "line": sql[begin : end if end > 0 else None].strip()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--lanes", type=int, default=os.cpu_count())
    parser.add_argument("--only", help="mutants of this model")
    options = parser.parse_args()
    work = options.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    prepare(work)
    models = world_of(work, WORLDS[0]).models()
    found = [mutant for node in models for mutant in sites(node["name"], node["compiled_code"])]
    drawn = [mutant for mutant in found if options.only in (None, mutant.model)]
    random.Random(options.seed).shuffle(drawn)
    log = work / "mutants.jsonl"
    known = {}
    if log.exists():
        for line in log.read_text().splitlines():
            one = json.loads(line)
            known[f"{one['model']}:{one['start']}:{one['token']}"] = one
    wanted: list[Mutant] = []
    with ProcessPoolExecutor(options.lanes) as lanes, log.open("a") as lines:
        # Draw another mutant for each that is invalid SQL.
        while drawn and len(wanted) < options.count:
            portion, drawn = drawn[: options.count - len(wanted)], drawn[options.count - len(wanted) :]
            jobs = {lanes.submit(asked, work, mutant): mutant for mutant in portion if mutant.name not in known}
            for job in as_completed(jobs):
                known[jobs[job].name] = job.result()
                lines.write(json.dumps(job.result()) + "\n")
                lines.flush()
            wanted += [mutant for mutant in portion if known[mutant.name]["noticed_by"] != NO_MUTANT]
    for lane in [*work.glob("lane-*"), *work.glob("checkout-*")]:
        shutil.rmtree(lane)
    results = [known[mutant.name] for mutant in wanted]
    survivors = [one for one in results if not one["noticed_by"]]
    for one in survivors:
        print(f"survived: {one['model']}: {one['token']} -> {one['instead']} in: {one['line']}")
    noticed = len(results) - len(survivors)
    print(f"{noticed} of {len(results)} mutants noticed ({noticed / max(len(results), 1):.0%}), of {len(found)} sites")
    return 0 if noticed >= LEAST * len(results) else 1


if __name__ == "__main__":
    sys.exit(main())
