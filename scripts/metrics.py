"""Asks MetricFlow for metrics of a built ledger.

`mf` by itself wants the project's own target folder, opens the ledger for writing, and asks the network whether there
is a newer `mf`. Here it reads what `make build` parsed, for reading only, and asks nobody. A --where is one condition
on dimensions and metrics, made of plain functions: it has no queries within it, and no templates but MetricFlow's own.
"""

import argparse
import io
import json
import os
import re
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

import duckdb
import yaml

import ending
from terminal import plain, print

PROJECT = Path(__file__).resolve().parent.parent
# MetricFlow's own templates, and nothing else of Jinja.
TEXT = r"""(?:'[^'"{}\\]*'|"[^'"{}\\]*")"""
LISTED = rf"(?:{TEXT}|\[\s*(?:{TEXT}\s*(?:,\s*{TEXT}\s*)*)?\])"
NAMED = rf"(?:{LISTED}|\w+\s*=\s*{LISTED})"
TEMPLATE = re.compile(
    rf"{{{{\s*(?:Dimension|TimeDimension|Entity|Metric)\(\s*{NAMED}\s*(?:,\s*{NAMED}\s*)*\)"
    rf"(?:\.(?:grain|date_part)\(\s*{TEXT}\s*\))*\s*}}}}"
)
NAMES = re.compile(r"[\w,\s-]*")
# Functions of a condition: operators, texts, numbers and days. None reads a file, a setting or another table.
FUNCTIONS = set(
    """+ - * / // % || ~~ !~~ ~~* !~~* like_escape not_like_escape ilike_escape not_ilike_escape regexp_matches
    regexp_full_match starts_with ends_with prefix suffix contains lower upper trim ltrim rtrim left right length
    substr substring replace split_part concat coalesce nullif ifnull abs round trunc floor ceil ceiling least greatest
    date_trunc date_part datepart year quarter month week day dayofweek isodow last_day date_diff datediff date_add
    to_days to_weeks to_months to_years make_date strftime strptime current_date today if""".split()
)
CLASSES = set("BETWEEN CASE CAST TYPE COLUMN_REF COMPARISON CONJUNCTION CONSTANT FUNCTION OPERATOR".split())
MOST_LETTERS = 10_000


class Refused(Exception):
    """Words that ask for more than metrics."""


def condition(stated: str) -> str:
    """The text of a --where, if it is one condition and no more; else it says what is not."""
    if len(stated) > MOST_LETTERS:
        raise Refused(f"it has more than {MOST_LETTERS:,} characters")
    plain = TEMPLATE.sub("templated", stated)
    if re.search(r"\{[{%#]|[}%#]\}", plain):
        raise Refused("a template in it is no plain Dimension, TimeDimension, Entity or Metric")
    if any(kind == duckdb.token_type.comment for _, kind in duckdb.tokenize(plain)):
        raise Refused("it has a comment")
    for text in (plain, f"({plain})"):  # as it stands, so that it closes what it opens; in brackets, so that it is one
        _check(text)
    return stated


def _check(text: str) -> None:
    with duckdb.connect(config={"enable_external_access": "false"}) as engine:
        ((parsed,),) = engine.execute("select json_serialize_sql($query)", {"query": f"select {text}"}).fetchall()
    tree = json.loads(parsed)
    if tree["error"]:
        raise Refused("it is no condition of SQL")
    query = tree["statements"][0]["node"] if len(tree["statements"]) == 1 else {}
    is_alone = (
        query.get("type") == "SELECT_NODE"
        and query["from_table"]["type"] == "EMPTY"
        and len(query["select_list"]) == 1
        and not any(query[part] for part in ("modifiers", "where_clause", "group_expressions", "having", "qualify"))
        and not query["cte_map"]["map"]
    )
    if not is_alone:
        raise Refused("it is more than one condition")
    for part in _parts(query["select_list"]):
        if part["class"] not in CLASSES:
            raise Refused(f"it has a {part['class'].lower()}, which a condition on dimensions has no use for")
        name = part.get("function_name", "").lower()
        if part["class"] == "FUNCTION" and (name not in FUNCTIONS or part["schema"] or part["catalog"]):
            raise Refused(f"it uses function {name}; a condition may use {', '.join(sorted(FUNCTIONS - SYMBOLS))}")


SYMBOLS = {name for name in FUNCTIONS if not name[0].isalpha()}


def _parts(tree) -> list[dict]:
    """Every expression of a serialized query."""
    if isinstance(tree, list):
        return [part for branch in tree for part in _parts(branch)]
    if not isinstance(tree, dict):
        return []
    return [tree] * ("class" in tree) + [part for branch in tree.values() for part in _parts(branch)]


def checked(words: list[str]) -> None:
    """Refuses words that could be more than names of metrics and dimensions, and a condition."""
    for option, word in pairwise(words):
        if option in ("--metrics", "--group-by", "--order") and not NAMES.fullmatch(word):
            raise Refused(f"{option[2:]} are names with commas between them, as metric_time__month,team")
        if option == "--where":
            try:
                condition(word)
            except Refused as why:
                as_one = "\"{{ Entity('feature') }} = 'search'\""
                raise Refused(f"WHERE is one condition, as {as_one}; {why}") from None


def reading(profiles: str) -> str:
    """The profiles, with every database opened for reading only, and no file or network beside it."""
    profile = yaml.safe_load(profiles)
    for output in profile["chargeback_ledger"]["outputs"].values():
        output.setdefault("config_options", {}).update(access_mode="READ_ONLY", enable_external_access="false")
    return yaml.safe_dump(profile)


def on_lines(table):
    """An answer whose names stand on one line each."""
    rows = tuple(tuple(plain(cell) if isinstance(cell, str) else cell for cell in row) for row in table.rows)
    return replace(table, rows=rows)


class Steadily:
    """What is printed meanwhile comes at the end, without what would steer a terminal: names come out of files."""

    def __enter__(self):
        self.said = [redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO())]
        self.texts = [redirection.__enter__() for redirection in self.said]

    def __exit__(self, *trouble):
        for redirection in self.said:
            redirection.__exit__(*trouble)
        for text, stream in zip(self.texts, (sys.stdout, sys.stderr), strict=True):
            stream.write("\n".join(plain(line) for line in text.getvalue().split("\n")))


def ask(data: Path, words: list[str]) -> int:
    """Runs `mf` with these words; returns its exit code."""
    if not (data / "target" / "semantic_manifest.json").exists():
        print(f"ERROR: there is no ledger in {data}; run make build first", file=sys.stderr)
        return 2
    try:
        checked(words)
    except Refused as why:
        print(f"ERROR: {plain(why)}", file=sys.stderr)
        return 2
    from click.exceptions import ClickException, Exit
    from dbt_metricflow.cli import main as mf
    from metricflow.data_table.mf_table import MetricFlowDataTable as Table

    text_of = Table.text_format
    data = data.resolve()
    with TemporaryDirectory(prefix="metrics") as place, mock.patch.object(mf, "UpdateChecker") as checker:
        checker.return_value.check.return_value = None
        folder = Path(place)
        for name in ("dbt_project.yml", "models", "macros"):
            (folder / name).symlink_to(PROJECT / name)
        for name in ("target", "logs"):
            (folder / name).symlink_to(data / name)
        (folder / "profiles.yml").write_text(reading((PROJECT / "profiles.yml.example").read_text()))
        quiet = {
            "LEDGER_DATA": str(data),
            "LEDGER_COMPANY": "",
            "DBT_PROFILES_DIR": place,
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        }
        plainly = mock.patch.object(Table, "text_format", lambda table, *form: text_of(on_lines(table), *form))
        with chdir(folder), mock.patch.dict(os.environ, quiet), plainly, Steadily():
            try:
                return mf.cli.main(words, prog_name="mf", standalone_mode=False) or 0
            except Exit as stop:
                return stop.exit_code
            except ClickException as wrong:
                wrong.show()
                return 2
            except SystemExit as stop:
                return stop.code if isinstance(stop.code, int) else int(bool(stop.code))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("words", nargs=argparse.REMAINDER, help="words of `mf`, as query --metrics margin_pct")
    given = parser.parse_args()
    return ask(given.data, given.words or ["list", "metrics"])


if __name__ == "__main__":
    sys.exit(ending.of(main))
