"""Before the bill comes: alerts warn or fail by their thresholds, and a call that would be unlabelled stops a CI."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from conftest import BUILT, GOLDEN, PROJECT
from exports import batch, chat, span

pytestmark = pytest.mark.xdist_group("golden")

PLANTED = """
insert into marts.spend_daily by name
    select spent_on, 'ghost' as originating_feature_id, 1 as calls, 0.001 as borne_usd from marts.spend_daily limit 1;
insert into marts.budget_burn_daily by name
    select max(burned_on) as burned_on, 'mail' as team_id, 12 as month_to_date_usd, 30 as forecast_usd, 20 as budget_usd
    from marts.budget_burn_daily;
insert into marts.spend_anomalies_daily by name
    select spent_on, 'draft-email' as feature_id, 9 as borne_usd, true as is_anomaly
    from marts.spend_anomalies_daily limit 1;
"""


def test_alerts_warn_and_fail_by_their_thresholds(golden, tmp_path):
    """Each is seen: by default all four warn; two get thresholds that fail."""
    assert "warning: test spend_is_labelled" in golden.output
    assert "test budgets_hold" not in golden.output
    data = tmp_path / "data"
    data.mkdir()
    shutil.copy(golden.data / "ledger.duckdb", data)
    with duckdb.connect(str(data / "ledger.duckdb")) as engine:
        engine.execute(PLANTED)
    thresholds = {
        "alert_budget_percent": {"warn": 100, "error": 149},
        "alert_unlabelled_percent": {"warn": 1, "error": 9},
    }
    command = [
        str(Path(sys.executable).parent / "dbt"), "--quiet", "test", "--select", "path:tests/alerts",
        "--vars", json.dumps(thresholds), "--target-path", str(data / "target"), "--log-path", str(data),
    ]  # fmt: skip
    seeds = PROJECT / ".company"
    shutil.copytree(seeds / str(golden.data).replace("/", "-"), seeds / str(data).replace("/", "-"))
    BUILT.append(data)
    environment = {**os.environ, "DATA": str(data), "DBT_PROFILES_DIR": str(PROJECT)}
    process = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True)
    results = json.loads((data / "target" / "run_results.json").read_text())["results"]
    assert {result["unique_id"].split(".")[2]: (result["status"], result["failures"]) for result in results} == {
        "features_seen_are_catalogued": ("warn", 1),
        "days_are_as_expected": ("warn", 1),
        "budgets_hold": ("fail", 150),
        "spend_is_labelled": ("fail", 16),
    }
    assert process.returncode == 1


def check_labels(spans: Path, company: Path) -> subprocess.CompletedProcess:
    script = [sys.executable, str(PROJECT / "scripts" / "check_labels.py"), str(spans), str(company)]
    return subprocess.run(script, capture_output=True, text=True, cwd=PROJECT)


def test_label_check_names_each_call_that_would_be_unlabelled(golden, tmp_path):
    """A label above counts, a catalog rule too; a wrapper is no call. Without the two that have none, it is fine."""
    company = tmp_path / "company"
    shutil.copytree(GOLDEN / "company", company)
    header = "priority,service,route,prompt_template,span_name,feature_id,purpose\n"
    (company / "feature_rules.csv").write_text(f"{header}1,ruled,/ask%,,,draft-email,\n")
    labelled = [
        batch([span(1, 1, None, app__feature="summarize-feedback"), chat(1, 2, 1)]),
        batch([span(2, 1, None, http__route="/ask/me"), chat(2, 2, 1)], "ruled"),
    ]
    bare = [
        batch([span(3, 1, None, gen_ai__operation__name="invoke_agent"), chat(3, 2, 1, response="gen-bare")], "bare"),
        batch([chat(4, 2, 999, feature="new-label"), chat(5, 7, 888)], "orphans"),
    ]
    spans = tmp_path / "staging.jsonl"
    spans.write_text("".join(labelled + bare))
    checked = check_labels(spans, company)
    assert checked.returncode == 1, checked.stderr
    assert f"staging.jsonl line 3: trace {3:032x}, span {2:016x}, 'span 2', service bare: no label" in checked.stdout
    assert f"staging.jsonl line 4: trace {5:032x}, span {7:016x}" in checked.stdout
    assert "a span above it is not in the file" in checked.stdout
    assert checked.stdout.count("UNLABELLED") == 2
    assert "2 of 5 billable calls would be unlabelled" in checked.stdout
    assert "label 'new-label' stands in no row of feature_catalog" in checked.stdout
    spans.write_text("".join(labelled))
    checked = check_labels(spans, company)
    assert checked.returncode == 0, checked.stdout
    assert "2 billable calls, each labelled (draft-email 1, summarize-feedback 1)" in checked.stdout


def test_label_check_of_what_holds_no_spans_is_no_pass(tmp_path):
    (tmp_path / "staging.jsonl").write_text('{"resourceSpans": 7}\n')
    assert check_labels(tmp_path / "staging.jsonl", GOLDEN / "company").returncode == 2
    assert check_labels(tmp_path / "nowhere.jsonl", GOLDEN / "company").returncode == 2
