"""Marts of the sample company, row for row, against a recomputation in pandas that shares no SQL with them."""

import pandas as pd
import pytest
import recomputed
import yaml
from conftest import PROJECT

pytestmark = pytest.mark.xdist_group("sample")

GRAINS = {
    "waste_daily": ["spent_on", "feature_id", "kind"],
    "spend_anomalies_daily": ["spent_on", "feature_id", "purpose"],
    "budget_burn_daily": ["burned_on", "team_id", "feature_id"],
    "feature_pnl_monthly": ["month", "feature_id"],
    "feature_pnl_by_cohort_monthly": ["month", "feature_id", "plan", "segment"],
    "segment_margin_monthly": ["month", "segment"],
    "account_margin_monthly": ["month", "account_id"],
    "free_tier_monthly": ["month", "feature_id"],
    "feature_substitution": ["new_feature_id", "incumbent_feature_id"],
    "eval_coverage_daily": ["covered_on", "feature_id", "model", "prompt_version"],
    "eval_coverage_monthly": ["month", "feature_id"],
    "coverage_targets_monthly": ["month", "feature_id"],
}
TOLERANCE, OF_INTERVALS = 1e-9, 1e-6  # the marts' quantile of Student's t is a series


@pytest.fixture(scope="module")
def company(sample):
    settings = yaml.safe_load((PROJECT / "dbt_project.yml").read_text())["vars"]
    seeds = PROJECT / "seeds"
    return recomputed.Company(sample.data / "inbox", seeds / "company", seeds / "reference", settings)


def comparable(value):
    """A cell without its type: days as text, numbers as floats, nothing as None."""
    if value is None or value is pd.NaT or value != value:
        return None
    if hasattr(value, "strftime"):
        return value.strftime("%Y-%m-%d")
    if isinstance(value, str):
        return value
    return float(value)


def is_equal(ours, theirs, column: str = "") -> bool:
    if isinstance(ours, float) and isinstance(theirs, float):
        is_bound = column.endswith(("_low", "_high"))
        return abs(ours - theirs) <= (OF_INTERVALS if is_bound else TOLERANCE)
    return ours == theirs


def keyed(columns: list[str], rows, grain: list[str]) -> dict[tuple, dict]:
    cells = (dict(zip(columns, map(comparable, row), strict=True)) for row in rows)
    return {tuple(row[key] for key in grain): row for row in cells}


def differences(sample, mart: str, ours: pd.DataFrame) -> list[str]:
    """A line for each row that only one side has and for each cell that differs, of the columns recomputed."""
    grain = GRAINS[mart]
    names = f"select column_name from information_schema.columns where table_schema = 'marts' and table_name = '{mart}'"
    columns = [name for (name,) in sample.rows(names)]
    shared = [column for column in columns if column in ours.columns]
    theirs = keyed(shared, sample.rows(f"select {', '.join(shared)} from marts.{mart}"), grain)
    mine = keyed(shared, ours[shared].itertuples(index=False, name=None), grain)
    said = [f"{key}: recomputed, not in the mart" for key in mine if key not in theirs]
    said += [f"{key}: in the mart, not recomputed" for key in theirs if key not in mine]
    for key in mine.keys() & theirs.keys():
        said += [
            f"{key} {column}: recomputed {mine[key][column]}, mart {theirs[key][column]}"
            for column in shared
            if not is_equal(mine[key][column], theirs[key][column], column)
        ]
    return sorted(said)


@pytest.mark.parametrize("mart", GRAINS)
def test_mart_is_what_raw_files_say(sample, company, mart):
    said = differences(sample, mart, getattr(recomputed, mart)(company))
    assert not said, f"{len(said)} differences:\n" + "\n".join(said[:40])


def test_calls_cost_what_bills_say(sample, company):
    query = "select call_id, purpose, basis, prompt_version, cast(attributed_usd as double) from marts.attributed_calls"
    theirs = {call: tuple(map(comparable, cells)) for call, *cells in sample.rows(query)}
    ours = company.calls[["purpose", "basis", "prompt_version", "seen_usd"]]
    mine = {call: tuple(map(comparable, cells)) for call, *cells in ours.itertuples(name=None)}
    assert mine.keys() == theirs.keys()
    wrong = [call for call in mine if not all(map(is_equal, mine[call], theirs[call]))]
    assert not wrong, [(call, mine[call], theirs[call]) for call in wrong[:20]]


def test_shares_are_of_the_requests_that_caused_them(sample, company):
    grain = ["call_id", "originating_feature_id", "user_id", "tenant_id"]
    query = f"select {', '.join(grain)}, cast(sum(borne_usd) as double) from marts.call_shares group by all"
    theirs = {tuple(row[:-1]): row[-1] for row in sample.rows(query)}
    ours = company.shares.rename(columns={"call": "call_id", "feature_id": "originating_feature_id"})
    ours = ours.rename(columns={"account_id": "tenant_id"}).groupby(grain, dropna=False)["seen_usd"].sum()
    mine = {tuple(map(comparable, key)): usd for key, usd in ours.items()}
    assert mine.keys() == theirs.keys(), sorted(mine.keys() ^ theirs.keys(), key=str)[:20]
    wrong = [key for key in mine if not is_equal(mine[key], theirs[key])]
    assert not wrong, [(key, mine[key], theirs[key]) for key in wrong[:20]]


def test_money_beyond_calls_is_what_bills_have_more(sample, company):
    query = """
        select incurred_on, feature_id, team_id, cast(sum(amount_usd) as double) from marts.ledger_entries
        where account = 'ai_cost' and feature_id in ('untraced', 'invoice_only', 'idle') and kind in ('bill', 'accrual')
        group by all
    """
    theirs = {(comparable(day), feature, team): usd for day, feature, team, usd in sample.rows(query)}
    ours = company.residue.groupby(["day", "feature_id", "team_id"])["usd"].sum()
    mine = {(comparable(day), feature, team): usd for (day, feature, team), usd in ours.items()}
    either = mine.keys() | theirs.keys()
    wrong = [key for key in either if not is_equal(mine.get(key, 0.0), theirs.get(key, 0.0))]
    assert not wrong, [(key, mine.get(key), theirs.get(key)) for key in wrong[:20]]
