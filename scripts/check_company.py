"""Every rule of a company's seeds that needs no data, in seconds and before anything is built.

An error names file, line, column, value and what to write. Exit 0, or 2 with errors.

Types and rules are those of the seeds' YAML and of tests/catalog, which every build holds too; rules that ask what has
landed are left to builds.
"""

import re
import sys
from collections.abc import Iterator
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import duckdb
import jinja2
import pyarrow as pa
import yaml

import arguments
import company
import ending
from terminal import plain, print

PROJECT = Path(__file__).resolve().parent.parent
MACROS = ("reserved_names", "engine/without_pattern")
TEST = re.compile(r"\{%-?\s*test (\w+)(\(.*?\))\s*-?%\}")
WORDS = ("problem", "what_to_do")  # columns of rules that say what is wrong


class Seed(NamedTuple):
    """A seed as the company wrote it: its columns' types, and (line, cells by column) of each row."""

    path: Path
    types: dict[str, str]
    rows: list[tuple[int, dict[str, str]]]


class Told(NamedTuple):
    is_error: bool
    said: str


class Table(str):
    """A seed's table as rules name it."""

    @property
    def identifier(self) -> str:
        return f"{self}.csv"


def read(folder: Path, seeds: dict[str, dict]) -> tuple[dict[str, Seed], list[Told]]:
    """The seeds of a folder, and what is wrong with their cells; a seed with an error has no rows."""
    found, told = {}, []
    for name, seed in seeds.items():
        path = folder / f"{name}.csv"
        rows, complaints = company.read(path, name)
        found[name] = Seed(path, seed["config"]["column_types"], [] if complaints else rows)
        told += [Told(True, complaint) for complaint in complaints]
    return found, told


def tables(seeds: dict[str, Seed]) -> duckdb.DuckDBPyConnection:
    engine = duckdb.connect()
    for name, seed in seeds.items():
        stated = [[cells[column] or None for _, cells in seed.rows] for column in seed.types]
        engine.register("stated", pa.table([pa.array(cells, pa.string()) for cells in stated], list(seed.types)))
        typed = [f"{name}::{'varchar' if kind == 'string' else kind} as {name}" for name, kind in seed.types.items()]
        engine.execute(f"create table {name} as select {', '.join(typed)} from stated")
    return engine


def rendered(text: str, macros: str, context: dict) -> str:
    """SQL of a text that calls macros, as dbt renders it on DuckDB."""
    environment = jinja2.Environment(extensions=["jinja2.ext.do"])
    module = environment.from_string(macros).make_module(context)
    adapter = SimpleNamespace(dispatch=lambda name: getattr(module, f"duckdb__{name}"))
    return environment.from_string(macros + text).render(adapter=adapter, **context)


@cache
def project() -> tuple[str, dict]:
    """The macros that rules call, and what else of dbt they ask for."""
    variables = yaml.safe_load((PROJECT / "dbt_project.yml").read_text())["vars"]
    context = {"ref": Table, "var": variables.__getitem__, "config": lambda **_: ""}
    context["dbt"] = SimpleNamespace(type_string=lambda: "varchar")
    return "".join((PROJECT / "macros" / f"{name}.sql").read_text() for name in MACROS), context


def of_yaml(seeds: dict[str, dict]) -> Iterator[tuple[str, str, str, bool]]:
    """(seed, what is asked, SQL of the rows that break it, is it an error) of the generic tests in the seeds' YAML."""
    generic = "".join(path.read_text() for path in sorted((PROJECT / "tests" / "generic").glob("*.sql")))
    generic = TEST.sub(r"{% macro test_\1\2 %}", generic).replace("{% endtest %}", "{% endmacro %}")
    for name, seed in seeds.items():
        asked = [(None, test) for test in seed.get("data_tests", [])]
        asked += [(column["name"], test) for column in seed.get("columns", []) for test in column.get("data_tests", [])]
        for column, test in asked:
            if test == "not_null":
                yield name, f"{column} is empty", f"select * from {name} where {column} is null", True
            elif test == "unique":
                again = f"select {column} from {name} where {column} is not null group by 1 having count(*) > 1"
                yield name, f"{column} stands more than once", again, True
            else:
                ((kind, options),) = test.items()
                words = {key: f"ref('{value[5:-2]}')" if key == "to" else repr(value)
                         for key, value in options["arguments"].items()}  # fmt: skip
                words = {"model": f"ref('{name}')", **({"column_name": repr(column)} if column else {}), **words}
                call = f"{{{{ test_{kind}({', '.join(f'{key}={value}' for key, value in words.items())}) }}}}"
                said = f"rows share {', '.join(options['arguments'].get('columns', []))}"
                is_error = options.get("config", {}).get("severity") != "warn"
                yield name, said, rendered(generic + call, *project()), is_error


def of_catalog(seeds: dict[str, dict]) -> Iterator[tuple[str, str, str, bool]]:
    """The same for tests/catalog, limited to tests that reference only company seeds; the first value lists these
    seeds."""
    for path in sorted((PROJECT / "tests" / "catalog").glob("*.sql")):
        text = path.read_text()
        asked = re.findall(r"ref\('(\w+)'\)", text) + re.findall(r"'(\w+)': \{'", text)
        if set(asked) <= set(seeds) and "source(" not in text:
            said = " ".join(line.removeprefix("--").strip() for line in text.splitlines() if line.startswith("--"))
            yield " ".join(asked), said, rendered(text, *project()), not re.search("severity=['\"]warn", text)


def broken(engine: duckdb.DuckDBPyConnection, seeds: dict[str, Seed], rule: tuple[str, str, str, bool]) -> list[Told]:
    """What a rule says of the rows that break it, with their lines."""
    asked, said, sql, is_error = rule
    found = engine.execute(sql)
    names, told = [column[0] for column in found.description], []
    # A rule that asks several seeds is about the one whose columns it shows.
    seed = max(asked.split(), key=lambda name: len(set(names) & set(seeds[name].types)))
    for row in found.fetchall():
        values = dict(zip(names, row, strict=True))
        of = seeds[values.get("seed", seed)]
        if "column_name" in values:
            values[values["column_name"]] = values["stated"]
        shown = {name: value for name, value in values.items() if name in of.types and value is not None}
        others = {name[6:]: value for name, value in values.items() if name.startswith("other_")}
        lines = _lines(engine, of, {name: value for name, value in values.items() if name in of.types})
        if others:
            key = {name: value for name, value in values.items() if name in of.types and name not in others}
            lines = sorted({*lines, *_lines(engine, of, {**key, **others})})
        why = next((values[word] for word in WORDS if values.get(word)), said)
        if unknown := re.match(r"(\w+) is not in (\w+)\.csv", why):
            why += _similar(engine, unknown[2], shown.get(unknown[1]))
        cells = ", ".join(f"{name} {plain(str(value))[:60]}" for name, value in shown.items())
        where = f" line{'s' * (len(lines) > 1)} {', '.join(map(str, lines))}" if lines else ""
        told.append(Told(is_error, f"{of.path}{where}: {why} ({cells})"))
    return told


def _lines(engine: duckdb.DuckDBPyConnection, seed: Seed, values: dict) -> list[int]:
    """The lines of the rows that have these values."""
    known = {name: value for name, value in values.items() if name in seed.types}
    if not known:
        return []
    same = " and ".join(f"{name} is not distinct from ${name}" for name in known)
    found = engine.execute(f"select rowid from {seed.path.stem} where {same} order by rowid", known).fetchall()
    return [seed.rows[number][0] for (number,) in found]


def _similar(engine: duckdb.DuckDBPyConnection, seed: str, value: str | None) -> str:
    key = company.SEEDS[seed][0][0]
    known = [name for (name,) in engine.execute(f"select distinct {key} from {seed}").fetchall() if name]
    near = get_close_matches(value or "", known, 2, 0.6)
    return f"; similar: {', '.join(near)}" if near else f"; add it to {seed}.csv"


def check(folder: Path) -> list[Told]:
    seeds = company.described()
    found, told = read(folder, seeds)
    engine = tables(found)
    for rule in (*of_yaml(seeds), *of_catalog(seeds)):
        told += broken(engine, found, rule)
    return told


def main(folder: Path) -> int:
    if not folder.is_dir():
        print(f"ERROR: {folder} is no folder; `make company DIR={folder}` writes a starting set", file=sys.stderr)
        return 2
    told = [Told(True, said) for said in company.strangers(folder)] + check(folder)
    for one in told:
        print(f"{'ERROR' if one.is_error else 'WARNING'}: {one.said}", file=sys.stderr)
    if errors := sum(one.is_error for one in told):
        print(f"{errors} errors in {folder}; nothing was built", file=sys.stderr)
        return 2
    print(f"{folder}: every rule that needs no data holds")
    return 0


if __name__ == "__main__":
    sys.exit(ending.of(lambda: main(*arguments.paths(__doc__, "company"))))
