"""Before the bill comes: alerts warn or fail by their thresholds, and a call that would be unlabelled stops a CI."""

import json
import shutil
import sys
from pathlib import Path

import duckdb
import pytest
from conftest import BUILT, GOLDEN, PROJECT
from exports import batch, chat, span

import build as build_script
import check_evals
import check_labels
import company

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
update marts.eval_coverage_monthly set is_bill_up_coverage_down_trend = true where feature_id = 'draft-email';
insert into marts.coverage_targets_monthly by name
    select month, feature_id, 0.9 as target_pct, 'exhausted' as status from marts.eval_coverage_monthly
    where feature_id = 'draft-email';
insert into marts.release_coverage by name
    select covered_on as changed_on, feature_id, model, prompt_version, 'launch' as change, false as is_noise
    from marts.eval_coverage_daily where reason = 'other_model' and prompt_version is not null;
"""


@pytest.fixture
def here(monkeypatch):
    """Builds change the folder and the environment of the process: back to what it was."""
    monkeypatch.chdir(Path.cwd())
    for name in ("LEDGER_DATA", "LEDGER_COMPANY", "DBT_PROFILES_DIR"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


def test_alerts_warn_and_fail_by_their_thresholds(golden, tmp_path, here):
    """Each is seen: by default all warn; two get thresholds that fail. The golden day's run-1 failed what it ran."""
    assert "warning: test spend_is_labelled" in golden.output
    assert "test budgets_hold" not in golden.output
    data = tmp_path / "data"
    data.mkdir()
    shutil.copy(golden.data / "ledger.duckdb", data)
    (data / "landed").symlink_to(golden.data / "landed")
    with duckdb.connect(str(data / "ledger.duckdb")) as engine:
        engine.execute(PLANTED)
    BUILT.append(data)
    company.complete(GOLDEN / "company", str(data))
    thresholds = {
        "alert_budget_percent": {"warn": 100, "error": 149},
        "alert_unlabelled_percent": {"warn": 1, "error": 9},
    }
    options = ("--select", "path:tests/alerts", "--vars", json.dumps(thresholds))
    passed, troubled = build_script.dbt("test", str(data), selection=options)
    assert not passed
    assert {result.node.name: (str(result.status), result.failures) for result in troubled} == {
        "features_seen_are_catalogued": ("warn", 1),
        "days_are_as_expected": ("warn", 1),
        "coverage_follows_the_bill": ("warn", 1),
        "coverage_targets_hold": ("warn", 1),
        "releases_are_evaluated": ("warn", 1),
        "newest_runs_pass": ("warn", 1),
        "budgets_hold": ("fail", 150),
        "spend_is_labelled": ("fail", 16),
    }


def test_label_check_names_each_call_that_would_be_unlabelled(tmp_path, monkeypatch, capsys, here):
    """A label above counts, a catalog rule too; a wrapper is no call. Without the two that have none, it is fine."""
    ours = tmp_path / "company"
    shutil.copytree(GOLDEN / "company", ours)
    header = "priority,service,route,prompt_template,span_name,feature_id,purpose\n"
    (ours / "feature_rules.csv").write_text(f"{header}1,ruled,/ask%,,,draft-email,\n")
    labelled = [
        batch([span(1, 1, None, app__feature="summarize-feedback"), chat(1, 2, 1)]),
        batch([span(2, 1, None, http__route="/ask/me"), chat(2, 2, 1)], "ruled"),
    ]
    bare = [
        batch([span(3, 1, None, gen_ai__operation__name="invoke_agent"), chat(3, 2, 1, response="gen-bare")], "bare"),
        batch([chat(4, 2, 999, feature="new-label"), chat(5, 7, 888)], "orphans"),
    ]
    spans = tmp_path / "staging.jsonl"
    monkeypatch.setattr(sys, "argv", ["check_labels.py", str(spans), str(ours)])
    spans.write_text("".join(labelled + bare))
    assert check_labels.main() == 1
    said = capsys.readouterr().out
    assert f"staging.jsonl line 3: trace {3:032x}, span {2:016x}, 'span 2', service bare: no label" in said
    assert f"staging.jsonl line 4: trace {5:032x}, span {7:016x}" in said
    assert "a span above it is not in the file" in said
    assert said.count("UNLABELLED") == 2
    assert "2 of 5 billable calls would be unlabelled" in said
    assert "label 'new-label' stands in no row of feature_catalog" in said
    spans.write_text("".join(labelled))
    assert check_labels.main() == 0
    assert "2 billable calls, each labelled (draft-email 1, summarize-feedback 1)" in capsys.readouterr().out


def test_label_check_of_the_docs_is_true(monkeypatch, capsys, here):
    page = (PROJECT / "docs" / "platform.md").read_text()
    shown = " ".join(page.split("$ make check-labels ")[1].split("```")[0].split("\n", 1)[1].split())
    monkeypatch.setattr(
        sys, "argv", ["check_labels.py", str(GOLDEN / "inbox" / "spans.jsonl"), str(GOLDEN / "company")]
    )
    assert check_labels.main() == 1
    said = " ".join(capsys.readouterr().out.split())
    parts = [part.strip() for part in shown.split("...")]
    assert len(parts) == 3
    assert [part for part in parts if part not in said] == []


def test_label_check_of_what_holds_no_spans_is_no_pass(tmp_path, monkeypatch, here):
    (tmp_path / "staging.jsonl").write_text('{"resourceSpans": 7}\n')
    for name in ("staging.jsonl", "nowhere.jsonl"):
        monkeypatch.setattr(sys, "argv", ["check_labels.py", str(tmp_path / name), str(GOLDEN / "company")])
        assert check_labels.main() == 2


def test_label_check_fails_where_spans_state_tokens_that_no_call_covers(tmp_path, monkeypatch, capsys, here):
    """A wrapper without its calls and a span without a model: nobody would check their labels, nor pay."""
    usage = {"gen_ai__usage__input_tokens": 100, "gen_ai__usage__output_tokens": 10}
    lost = [span(1, 1, None, gen_ai__operation__name="invoke_agent", **usage), span(2, 1, None, **usage)]
    spans = tmp_path / "staging.jsonl"
    monkeypatch.setattr(sys, "argv", ["check_labels.py", str(spans), str(GOLDEN / "company")])
    spans.write_text(batch(lost))
    assert check_labels.main() == 1
    said = capsys.readouterr().out
    assert "ERROR: 2 spans state tokens and are no call: operation invoke_agent 1, no operation 1 (220 tokens" in said
    assert "in staging.jsonl); have the span state its model" in said
    spans.write_text(batch([span(1, 1, None, acme__prompt_tokens=100)]))
    assert check_labels.main() == 1
    assert "ERROR: tokens under names that are not read, see 1 warnings above" in capsys.readouterr().out
    spans.write_text(batch([span(1, 1, None, http__route="/ask")]))
    assert check_labels.main() == 0
    assert "none of its 1 spans asks a model or states tokens" in capsys.readouterr().out


def test_eval_check_names_the_run_that_is_missing(tmp_path, monkeypatch, capsys, here):
    """Staging serves a new prompt version, which no run evaluated, then one that passes on the next day. A feature
    without requirements is named; evals, which run there as well, serve nobody. A suite may have a comma in its name.
    """
    ours = tmp_path / "company"
    shutil.copytree(GOLDEN / "company", ours)
    with (ours / "eval_requirements.csv").open("a") as file:
        file.write('summarize-feedback,"tone, formal",0.9,30,,\n')
    header = "run_id,feature_id,suite,started_at,model,prompt_version,cases,passed,failed,errored,cost_usd\n"
    run = "{},summarize-feedback,faithfulness,{},deepseek/deepseek-chat,{},40,{},{},0,0.8\n"
    spans, evals = tmp_path / "staging", tmp_path / "evals.csv"
    spans.mkdir()
    new = {"gen_ai__prompt__version": "v9", "deployment__environment__name": "staging"}
    calls = [chat(1, 1, feature="summarize-feedback", **new), chat(2, 1, feature="draft-email", **new)]
    judge = chat(3, 1, feature="summarize-feedback", deployment__environment__name="evaluation")
    (spans / "staging.jsonl").write_text(batch([*calls, judge]))
    (spans / "old.csv").write_text(header + run.format("old", "2026-10-05T01:00:00Z", "v2", 40, 0))
    words = ["check_evals.py", str(spans), str(ours)]
    monkeypatch.setattr(sys, "argv", words)
    assert check_evals.main() == 1
    said = capsys.readouterr().out
    assert "MISSING summarize-feedback: model deepseek/deepseek-chat, prompt version v9 (1 calls): suite faith" in said
    assert "(other_prompt_version); about 0.8000 USD for 40 cases, paid 50% by quality_pool and 50% by insights" in said
    assert "(1 calls): suite tone, formal (never_run); no run of it shows its cost, paid 50% by" in said
    assert said.count("MISSING") == 2
    assert "note: draft-email requires no suite" in said
    assert "1 of 1 configurations would serve production without" in said
    monkeypatch.setattr(sys, "argv", [*words, str(evals)])
    passing = run.format("new", "2026-10-07T01:00:00Z", "v9", 39, 1)
    evals.write_text(header + passing + passing.replace("faithfulness", '"tone, formal"'))
    assert check_evals.main() == 0
    assert "1 configurations, each covered" in capsys.readouterr().out


def test_eval_check_of_what_holds_no_call_is_no_pass(tmp_path, monkeypatch, capsys, here):
    (tmp_path / "staging.jsonl").write_text('{"resourceSpans": 7}\n')
    for words in (["staging.jsonl"], ["nowhere.jsonl"]):
        monkeypatch.setattr(sys, "argv", ["check_evals.py", str(tmp_path / words[0]), str(GOLDEN / "company")])
        assert check_evals.main() == 2
    assert "is not there" in capsys.readouterr().err
