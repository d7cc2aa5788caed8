"""Builds that run what dbt compiled for another build are those that dbt makes."""

import json
import re
import shutil
from types import SimpleNamespace

import duckdb
import pytest
from conftest import GOLDEN, RECORDINGS, run_build
from replay import Node, Recording, _judged

from company import SEEDS

pytestmark = pytest.mark.xdist_group("golden")
RELATIONS = """
select table_schema || '.' || table_name, table_type from information_schema.tables
where table_catalog = 'ledger' order by all
"""
COLUMNS = "select table_schema, table_name, column_name, data_type from information_schema.columns order by all"


def warnings(built) -> list[str]:
    return sorted(re.findall(r"warning: .*|^ {6}.*", built.output, re.MULTILINE))


@pytest.mark.parametrize("for_commands", [False, True])
def test_every_table_and_view_is_as_dbt_makes_it(golden, tmp_path, for_commands):
    """Golden's build is dbt's; this one sends what was recorded, maybe of another company."""
    data = tmp_path / "data"
    built = run_build(GOLDEN / "inbox", data, GOLDEN / "company", for_commands=for_commands)
    assert built.code == 0, built.output
    assert (golden.data / "target").exists()
    assert not (data / "target").exists(), "dbt built it"
    assert built.rows(RELATIONS) == golden.rows(RELATIONS)
    assert built.rows(COLUMNS) == golden.rows(COLUMNS)
    assert len(built.rows(RELATIONS)) > 150
    for relation, _ in golden.rows(RELATIONS):
        runs = {"main.ledger_builds": "build_id", "marts.data_freshness": "landed_at, built_at"}
        own = f"exclude ({runs[relation]})" if relation in runs else ""
        query = f"select * {own} from {relation} order by all"
        assert built.rows(query) == golden.rows(query), relation
    assert warnings(built) == warnings(golden) != []


def test_every_node_is_in_the_recording(golden):
    """A build from nothing that left a seed, a model or a test out would hold less than `make build` does."""
    recording = RECORDINGS.get()
    nodes = json.loads((golden.data / "target" / "manifest.json").read_text())["nodes"].values()
    kinds = ("seed", "model", "test")
    known = {node["unique_id"] for node in nodes if node["resource_type"] in kinds}
    assert {node.unique_id for node in recording.nodes if node.resource_type in kinds} == known
    assert {node for node in known if not recording.statements.get(node)} == set()


def said_of_failures(built) -> list[str]:
    """What fails, its rows, and how many nodes are skipped; dbt's two threads end in no certain order."""
    return sorted(re.findall(r"^ {2}ERROR: .*|^ {6}.*|.* were skipped$", built.output, re.MULTILINE))


def test_what_fails_is_said_and_skipped_as_by_dbt(golden, tmp_path):
    """A discount of 1500 %: a test of the seed fails, and all that stands on prices is skipped."""
    companies = tmp_path / "company"
    shutil.copytree(GOLDEN / "company", companies)
    prices = ",".join(SEEDS["negotiated_prices"][0])
    (companies / "negotiated_prices.csv").write_text(f"{prices}\ncohere,,,,,15,,\n")
    by_dbt = run_build(GOLDEN / "inbox", tmp_path / "by_dbt", companies, needs_manifest=True)
    replayed = run_build(GOLDEN / "inbox", tmp_path / "replayed", companies)
    assert not (tmp_path / "replayed" / "target").exists(), "dbt built it"
    assert by_dbt.code == replayed.code == 1
    assert said_of_failures(replayed) == said_of_failures(by_dbt)
    assert any("were skipped" in line for line in said_of_failures(replayed))
    assert replayed.rows(RELATIONS) == by_dbt.rows(RELATIONS)
    state = "select is_good, is_whole, parts, landing_no, basis, fingerprint, closed from main.ledger_builds"
    assert replayed.rows(state) == by_dbt.rows(state)


@pytest.mark.parametrize(
    ("severity", "should_warn", "should_error", "said"),
    [
        ("ERROR", False, False, []),
        ("ERROR", True, False, ["Got 2 results, configured to warn if > 1"]),
        ("ERROR", True, True, ["Got 2 results, configured to fail if > 3"]),
        ("WARN", True, True, ["Got 2 results, configured to warn if > 1"]),
    ],
)
def test_a_test_is_judged_as_dbt_judges_it(severity, should_warn, should_error, said):
    config = SimpleNamespace(severity=severity, error_if="> 3", warn_if="> 1")
    judged = _judged(Node("test.x", "x", "test", "x.sql", "", config), 2, should_warn, should_error)
    assert ([judged.message] if judged else []) == said


def a_model(name: str, sql: str) -> tuple[Node, list[str]]:
    made = f'create table "ledger"."main"."{name}__dbt_tmp" as {sql}'
    renamed = f'alter table "ledger"."main"."{name}__dbt_tmp" rename to "{name}"'
    return Node(name, name, "model", f"{name}.sql", sql, SimpleNamespace(meta={})), [made, renamed]


def test_a_statement_that_fails_takes_what_stands_on_it_with_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    models = {
        "a": a_model("a", "select 1 as one"),
        "b": a_model("b", "select error('no such day') as two"),
        "c": a_model("c", 'select * from "ledger"."main"."b"'),
        "d": a_model("d", 'select * from "ledger"."main"."a"'),
    }
    recording = Recording(
        nodes=[node for node, _ in models.values()],
        statements={name: statements for name, (_, statements) in models.items()},
        dependents={"a": ["d"], "b": ["c"], "c": [], "d": []},
    )
    passed, troubled = recording.replay(tmp_path, str(tmp_path), {})
    assert not passed
    assert [(result.node.name, result.status) for result in troubled] == [("b", "error"), ("c", "skipped")]
    assert troubled[0].message == "Runtime Error in model b (b.sql)\n  Invalid Input Error: no such day"
    with duckdb.connect(str(tmp_path / "ledger.duckdb")) as engine:
        assert engine.execute("show tables").fetchall() == [("a",), ("d",)]


def test_a_seed_that_fails_is_left_to_dbt(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    node = Node("seed.x", "x", "seed", "x.csv", "", SimpleNamespace(meta={}))
    recording = Recording(nodes=[node], statements={"seed.x": ["select * from nothing"]})
    assert recording.replay(tmp_path, str(tmp_path), {}) is None
    assert list(tmp_path.iterdir()) == []


def test_only_what_reads_the_same_is_not_made_again(tmp_path, monkeypatch):
    """Each build has the rows of its own file, whether or not another one had them; the sum of both files is 4."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "one").mkdir()
    nodes = {
        "a": a_model("a", "select * from read_csv('data/rows.csv')"),
        "b": a_model("b", 'select sum(x)::bigint as total from "ledger"."main"."a"'),
        "c": a_model("c", 'select total > 100 as is_large from "ledger"."main"."b"'),
        "d": a_model("d", 'select is_large, 1 as one from "ledger"."main"."c"'),
    }
    recording = Recording(
        nodes=[node for node, _ in nodes.values()],
        statements={name: statements for name, (_, statements) in nodes.items()},
    )
    made = []
    outcome_of = Recording._outcome
    monkeypatch.setattr(Recording, "_outcome", lambda *given: made.append(given[2][-2]) or outcome_of(*given))
    for rows, total, expected in [
        ([1, 3], 4, "abcd"),
        ([2, 2], 4, "abcd"),  # c and d are made of the same sum a second time, so that their rows are kept
        ([1, 3], 4, "ab"),
        ([1, 3], 4, ""),
        ([1, 300], 301, "abcd"),
        ([1, 3], 4, ""),
    ]:
        (tmp_path / "data" / "rows.csv").write_text("x\n" + "\n".join(map(str, rows)))
        (tmp_path / "one" / "ledger.duckdb").unlink(missing_ok=True)
        made.clear()
        assert recording.replay(tmp_path, str(tmp_path / "one"), {}) == (True, [])
        with duckdb.connect(str(tmp_path / "one" / "ledger.duckdb")) as engine:
            assert engine.execute("select x from a order by x").fetchall() == [(row,) for row in rows]
            assert engine.execute("from b").fetchall() == [(total,)]
            assert engine.execute("from d").fetchall() == [(total > 100, 1)]
        assert "".join(made) == expected, rows
