"""Builds that run what dbt compiled for another build are those that dbt makes."""

import json
import re
from types import SimpleNamespace

import pytest
from conftest import GOLDEN, RECORDINGS, run_build
from replay import Failed, Node, Recording, _judged

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


@pytest.mark.parametrize(
    ("severity", "should_warn", "should_error", "said"),
    [
        ("ERROR", False, False, []),
        ("ERROR", True, False, ["Got 2 results, configured to warn if > 1"]),
        ("ERROR", True, True, None),
        ("WARN", True, True, ["Got 2 results, configured to warn if > 1"]),
    ],
)
def test_a_test_is_judged_as_dbt_judges_it(severity, should_warn, should_error, said):
    node = Node("test.x", "x", "test", "x.sql", "", SimpleNamespace(severity=severity, warn_if="> 1"))
    if said is None:
        with pytest.raises(Failed):
            _judged(node, 2, should_warn, should_error)
    else:
        assert [one.message for one in _judged(node, 2, should_warn, should_error)] == said


@pytest.mark.parametrize("sql", ["select 1, true, true", "select * from nothing"])
def test_what_fails_is_left_to_dbt(tmp_path, monkeypatch, sql):
    monkeypatch.chdir(tmp_path)
    node = Node("test.x", "x", "test", "x.sql", "", SimpleNamespace(severity="ERROR", warn_if="!= 0"))
    assert Recording(nodes=[node], statements={"test.x": [sql]}).replay(tmp_path, str(tmp_path), {}) is None
