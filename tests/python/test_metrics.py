"""The semantic layer: MetricFlow takes it, and what it answers is what the marts say."""

import csv
import json
import subprocess
import sys
from collections import defaultdict
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from conftest import PROJECT

pytestmark = pytest.mark.xdist_group("sample")
# A metric by month, and the same from the mart by hand.
BY_MONTH = {
    "net_charge_usd": "month, sum(net_charge_usd) from marts.team_chargeback_monthly",
    "accrued_pct": "month, sum(accrued_usd)::double / sum(net_charge_usd)::double from marts.team_chargeback_monthly",
    "ai_cost_usd": "posted_month, sum(amount_usd) from marts.ledger_entries where account = 'ai_cost'",
    "owed_to_providers_usd": "month, sum(billed_usd + accrued_usd) from marts.team_chargeback_monthly",
    "transferred_usd": "month, sum(amount_usd) from marts.team_transfers_monthly",
    "borne_usd": "date_trunc('month', spent_on), sum(borne_usd) from marts.spend_daily",
    "usd_per_million_tokens": "date_trunc('month', spent_on), 1e6 * sum(borne_usd)::double"
    " / sum(input_tokens + output_tokens) from marts.spend_daily",
    "attributed_usd": "date_trunc('month', started_on), sum(attributed_usd) from marts.attributed_calls",
    "usd_per_call": "date_trunc('month', started_on), avg(attributed_usd) from marts.attributed_calls",
    "unpriced_calls_pct": "date_trunc('month', started_on), avg((attributed_usd is null)::int)"
    " from marts.attributed_calls",
    "untraced_pct": "month, sum(untraced_usd)::double / sum(billed_usd)::double from marts.capture_rates_monthly",
    "price_gap_usd": "date_trunc('month', usage_on), sum(price_gap_usd) from marts.invoice_reconciliation_daily",
    "margin_usd": "month, sum(margin_usd) from marts.feature_pnl_monthly",
    "cohort_margin_usd": "month, sum(margin_usd) from marts.feature_pnl_monthly",
    "eval_pool_credit_usd": "month, sum(eval_pool_credit_usd) from marts.team_chargeback_monthly"
    " where team_id != 'quality_pool'",
    "margin_pct": "month, sum(margin_usd)::double / sum(revenue_usd)::double from marts.segment_margin_monthly",
    "usd_per_answer": "month, sum(production_usd)::double / sum(answers) from marts.feature_pnl_monthly",
    "unlabelled_pct": "date_trunc('month', spent_on), sum(borne_usd) filter (originating_feature_id = 'unlabelled')"
    "::double / sum(borne_usd)::double from marts.spend_daily",
    "joined_events_pct": "month, sum(events) filter (method != 'none') / sum(events)"
    " from marts.telemetry_join_rates_monthly",
    "eval_tax_usd": "month, sum(evaluation_usd - eval_pool_credit_usd) from marts.feature_pnl_monthly"
    " where feature_id not in ('unlabelled', 'untraced', 'invoice_only', 'no_usage', 'quality_pool')",
    "team_budget_usd": "month, sum(budget_usd) from seeds.budgets where scope = 'team'",
    "team_burned_usd": "date_trunc('month', spent_on), sum(borne_usd) from marts.spend_daily"
    " where (bearer_team_id, date_trunc('month', spent_on)) in (select (scope_id, month) from seeds.budgets)",
}
# A ratio at the grain of the mart that has it too.
BY_FEATURE = {
    "margin_pct": ("margin_pct", "feature_pnl_monthly"),
    "usd_per_answer": ("production_usd::double / nullif(answers, 0)", "feature_pnl_monthly"),
    "covered_usd_pct": ("covered_usd_pct", "eval_coverage_monthly"),
    "covered_calls_pct": ("covered_calls_pct", "eval_coverage_monthly"),
    "usd_per_correct_answer": ("usd_per_correct_answer", "eval_coverage_monthly"),
}


def mf(data: Path, *words: str) -> subprocess.CompletedProcess:
    """`mf` keeps its connection for as long as its process lives."""
    return subprocess.run(
        [sys.executable, str(PROJECT / "scripts" / "metrics.py"), str(data), *words], capture_output=True, text=True
    )


@pytest.fixture
def asked(sample, tmp_path):
    """asked(metrics, by) -> {metric: {key: value}}, without empty values."""

    def ask(names, by: str) -> dict[str, dict]:
        answer = tmp_path / "answer.csv"
        words = ["query", "--quiet", "--metrics", ",".join(names), "--group-by", by, "--csv", str(answer)]
        process = mf(sample.data, *words)
        assert process.returncode == 0, process.stdout + process.stderr
        found = defaultdict(dict)
        with answer.open() as file:
            for row in csv.DictReader(file):
                key = tuple(row[name][:10] if "time" in name else row[name] for name in by.split(","))
                for name in names:
                    if row[name]:
                        found[name][key] = row[name]
        return found

    return ask


def manifest(sample) -> dict:
    return json.loads((sample.data / "target" / "manifest.json").read_text())


def test_metricflow_takes_every_metric(sample):
    process = mf(sample.data, "validate-configs", "--show-all")
    assert process.returncode == 0, process.stdout + process.stderr
    assert process.stdout.count("(ERRORS: 0, FUTURE_ERRORS: 0, WARNINGS: 0)") == 6, process.stdout


def test_answers_are_the_marts(sample, asked):
    found = asked(BY_MONTH, "metric_time__month")
    for name, query in BY_MONTH.items():
        expected = {(f"{month:%Y-%m-%d}",): value for month, value in sample.rows(f"select {query} group by 1")}
        assert len(expected) >= 1
        for key, value in expected.items():
            said = found[name].pop(key)
            if isinstance(value, Decimal):
                assert Decimal(said) == value, (name, key)
            else:
                assert float(said) == pytest.approx(float(value), rel=1e-12), (name, key)
        assert not any(map(float, found[name].values())), name


def test_ratios_are_those_of_the_marts(sample, asked):
    found = asked(BY_FEATURE, "metric_time__month,feature")
    for name, (column, mart) in BY_FEATURE.items():
        expected = sample.rows(f"select month, feature_id, {column} as said from marts.{mart} where said is not null")
        assert len(expected) > 20
        for month, feature, value in expected:
            assert float(found[name][str(month), feature]) == pytest.approx(float(value), abs=1e-9), (name, feature)


def test_the_answer_in_the_docs_is_true(sample):
    page = (PROJECT / "docs" / "analyst.md").read_text()
    command, *lines = page.split("$ make metrics ")[1].split("```")[0].splitlines()
    names, by = command.split()[0].removeprefix("METRICS="), "metric_time__month"
    said = mf(sample.data, "query", "--quiet", "--metrics", names, "--group-by", by, "--order", by).stdout
    assert [line.rstrip() for line in said.splitlines()] == lines


def test_each_metric_adds_up_or_divides_what_does(sample):
    for metric in manifest(sample)["metrics"].values():
        params = metric["type_params"]
        if metric["type"] == "simple":
            assert params["metric_aggregation_params"]["agg"] in ("sum", "count"), metric["name"]
        else:
            assert metric["type"] in ("ratio", "derived"), metric["name"]
            assert metric["type"] == "ratio" or "/" in params["expr"]
        assert metric["description"], metric["name"]
        assert not metric["name"].endswith(("_pct", "_per_call")) or metric["type"] == "ratio", metric["name"]


def test_every_mart_has_metrics_or_says_why_not(sample):
    nodes = manifest(sample)
    measured = {model["node_relation"]["alias"] for model in nodes["semantic_models"].values()}
    marts = {node["name"]: node for node in nodes["nodes"].values() if node["resource_type"] == "model"
             and node["schema"] == "marts"}  # fmt: skip
    excused = {name for name, node in marts.items() if node["config"]["meta"].get("no_metrics")}
    assert measured | excused == set(marts)
    assert not measured & excused


def test_days_of_the_calendar_are_whole_months(sample):
    ((first, last, days),) = sample.rows("select min(calendar_on), max(calendar_on), count(*) from marts.calendar_days")
    assert (first, last, days) == (date(2026, 8, 1), date(2026, 10, 31), 92)


def test_without_a_ledger_it_says_so(tmp_path):
    process = mf(tmp_path)
    assert process.returncode == 2
    assert "make build" in process.stderr
