"""The comparison of two commits: which data sets it finds, and what it says of two builds that differ."""

import json
import sys

import duckdb
import pytest
from conftest import PROJECT

sys.path.insert(0, str(PROJECT / "scripts" / "dev"))

import compare


def put(path, text=""):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_inboxes_and_their_companies_are_found(tmp_path):
    root = tmp_path / "cases"
    put(root / "README.md")
    put(root / "_company" / "teams.csv")
    put(root / "spans" / "alone" / "README.md")
    put(root / "spans" / "alone" / "spans.jsonl")
    put(root / "bills" / "own" / "inbox" / "costs.csv")
    put(root / "bills" / "own" / "company" / "teams.csv")
    put(root / "bills" / "twice" / "step2" / "late.csv")
    put(root / "bills" / "twice" / "step1" / "first.csv")
    put(root / "bills" / "documents" / "README.md")
    found = {world.name: world for world in compare.found_in(root, tmp_path / "nobody")}
    assert sorted(found) == ["cases/bills/own", "cases/bills/twice", "cases/spans/alone"]
    assert found["cases/spans/alone"].inboxes == (root / "spans" / "alone",)
    assert found["cases/spans/alone"].company == root / "_company"
    assert found["cases/bills/own"].company == root / "bills" / "own" / "company"
    assert [step.name for step in found["cases/bills/twice"].inboxes] == ["step1", "step2"]
    (lonely,) = compare.found_in(root / "spans", tmp_path / "nobody")
    assert lonely.company == tmp_path / "nobody"


def test_a_changed_file_of_a_world_is_another_world(tmp_path):
    put(tmp_path / "inbox" / "a.csv", "1")
    put(tmp_path / "company" / "teams.csv", "team_id")
    world = compare.World("w", (tmp_path / "inbox",), tmp_path / "company")
    before = world.digest()
    put(tmp_path / "company" / "teams.csv", "team_id\n")
    assert world.digest() != before


BASE = {"spend": "select 1 as id, 0.1::decimal(38, 12) as usd union all select 1, 0.1", "gone": "select 1 as id"}


@pytest.mark.parametrize(
    ("marts", "said"),
    [
        (BASE, []),
        (
            # Two equal rows are two rows: a set would not see that one of them is missing.
            {**BASE, "spend": "select 1 as id, 0.1::decimal(38, 12) as usd"},
            ["mart spend: 1 rows only before", "    id=1, usd=0.100000000000"],
        ),
        (
            {**BASE, "spend": BASE["spend"] + " union all select 2, 5"},
            ["mart spend: 1 rows only now", "    id=2, usd=5.000000000000"],
        ),
        ({"spend": BASE["spend"]}, ["mart gone: only before"]),
        ({**BASE, "gone": "select 1 as id, 2 as more"}, ["mart gone: column more only now"]),
        ({**BASE, "gone": "select '1' as id"}, ["mart gone: id was INTEGER and is VARCHAR"]),
    ],
)
def test_what_two_builds_differ_in(tmp_path, marts, said):
    for side, queries in (("base", BASE), ("now", marts)):
        put(tmp_path / side / "outcome.json", json.dumps({"inputs": "", "code": 0, "last": []}))
        (tmp_path / side / "marts").mkdir()
        for name, query in queries.items():
            duckdb.execute(f"copy ({query}) to '{tmp_path / side / 'marts' / name}.parquet' (format parquet)")
    assert compare.differences(tmp_path / "base", tmp_path / "now") == said


def test_sums_in_floating_point_are_equal_by_ten_digits(tmp_path):
    for name, query in (("one", "select 0.1::double + 0.2 as rate"), ("two", "select 0.3::double as rate")):
        duckdb.execute(f"copy ({query}) to '{tmp_path / name}.parquet' (format parquet)")
    assert compare.compared("rates", tmp_path / "one.parquet", tmp_path / "two.parquet") == []


def test_other_exits_and_exports_differ(tmp_path):
    for side, code in (("base", 0), ("now", 1)):
        put(tmp_path / side / "outcome.json", json.dumps({"inputs": "", "code": code, "last": ["ERROR: why"]}))
    assert compare.differences(tmp_path / "base", tmp_path / "now") == ["ends with 0 before and 1 now: ERROR: why"]
    put(tmp_path / "now" / "outcome.json", json.dumps({"inputs": "", "code": 0, "last": []}))
    put(tmp_path / "base" / "exports" / "2026-10" / "journal.csv", "a")
    put(tmp_path / "now" / "exports" / "2026-10" / "journal.csv", "b")
    put(tmp_path / "now" / "exports" / "2026-10" / "more.csv", "b")
    assert compare.differences(tmp_path / "base", tmp_path / "now") == [
        "export 2026-10/journal.csv: other bytes",
        "export 2026-10/more.csv: only now",
    ]
