"""Which days and weeks are out of line, of histories that are longer than a unit test's rows."""

from datetime import date, timedelta
from decimal import Decimal

import duckdb
import pytest
import yaml
from conftest import PROJECT
from rendering import rendered

VARIABLES = yaml.safe_load((PROJECT / "dbt_project.yml").read_text())["vars"]
FIRST, DAYS = date(2026, 7, 1), 90


def found(spent, evaluated=lambda day: 0, **variables) -> list[tuple]:
    """(day, purpose, anomaly, level_shift) of one feature beside a steady one of 100 a day; `spent` by day number."""
    with duckdb.connect() as engine:
        engine.execute("create table spend (scope_id text, n int, borne_usd decimal(38, 12), eval_usd decimal(38, 12))")
        rows = [("steady", day, Decimal(95 + day % 2 * 10), 0) for day in range(DAYS)]
        rows += [("a", day, Decimal(spent(day) + evaluated(day)), Decimal(evaluated(day))) for day in range(DAYS)]
        engine.executemany("insert into spend values (?, ?, ?, ?)", rows)
        engine.execute("""
            create table spend_daily as
                select cast(? as date) + n as spent_on, scope_id as originating_feature_id, purpose,
                    case purpose when 'evaluation' then eval_usd else borne_usd - eval_usd end as borne_usd
                from spend cross join (values ('production'), ('evaluation')) as purposes (purpose)
                where purpose = 'production' or eval_usd > 0""", [FIRST])  # fmt: skip
        text = rendered("models/marts/finance/spend_anomalies_daily.sql", **VARIABLES | variables)
        return [
            ((day - FIRST) // timedelta(1), *rest)
            for day, *rest in engine.execute(f"""
                select spent_on, purpose, anomaly, level_shift from ({text}) where is_anomaly order by spent_on, purpose
            """).fetchall()
        ]


def noise(day: int, size: int = 2) -> int:
    """20, give or take."""
    return 20 + (day * 7 % 5 - 2) * size


@pytest.mark.parametrize(
    ("day", "usd", "anomaly"), [(60, 80, "rise"), (60, 0, "silence"), (60, 2, "fall"), (DAYS - 1, 80, "rise")]
)
def test_a_day_far_outside_its_spread_is_an_anomaly(day, usd, anomaly):
    assert found(lambda now: usd if now == day else noise(now)) == [(day, "production", anomaly, None)]


def test_the_newest_day_may_not_be_over():
    assert found(lambda now: 0 if now == DAYS - 1 else noise(now)) == []


def test_a_feature_that_often_doubles_is_noise():
    """Off by more than twice the median and a tenth of everything, but no more than usual."""

    def restless(day: int) -> int:
        return (10, 45, 22, 5, 60, 18, 33, 50, 12, 28, 40)[day * 5 % 11]

    assert found(restless) == []
    assert found(restless, anomaly_spreads=0.5) != []


def test_a_level_shift_of_a_third_is_told_once():
    shifts = found(lambda day: noise(day) * 4 // 3 + 1 if day >= 60 else noise(day))
    assert [shift[1:] for shift in shifts] == [("production", None, "rise")]
    assert 60 < shifts[0][0] < 67
    falls = found(lambda day: noise(day) * 2 // 3 if day >= 60 else noise(day))
    assert [fall[1:] for fall in falls] == [("production", None, "fall")]


def test_one_odd_day_is_no_new_level():
    assert [row[3] for row in found(lambda day: 200 if day == 60 else noise(day))] == [None]


def test_evaluation_is_judged_apart_from_production():
    """Weekly evaluations cost as much as a month's production; one that costs thrice is theirs."""
    weekly = found(noise, lambda day: 300 if day % 7 == 0 else 0)
    assert weekly == []
    costly = found(noise, lambda day: (900 if day == 63 else 300) if day % 7 == 0 else 0)
    assert costly == [(63, "evaluation", "rise", None)]


def test_nothing_is_judged_before_a_spread_is_known():
    assert found(lambda day: 80 if day == 16 else noise(day)) == []


def marts(name: str, spend: list[tuple], columns: str, budgets: list[tuple] = (), **variables) -> list[tuple]:
    """A mart of spend: rows of (day, team, feature, purpose, amount); budgets: (scope, scope_id, month, amount)."""
    with duckdb.connect() as engine:
        engine.execute("""create table spend_daily (spent_on date, bearer_team_id text, originating_feature_id text,
            purpose text, borne_usd decimal(38, 12))""")  # fmt: skip
        engine.execute("create table budgets (scope text, scope_id text, month date, budget_usd decimal(38, 12))")
        engine.executemany("insert into spend_daily values (?, ?, ?, ?, ?)", spend)
        if budgets:
            engine.executemany("insert into budgets values (?, ?, ?, ?)", budgets)
        text = rendered(f"models/marts/finance/{name}.sql", **VARIABLES | variables)
        return engine.execute(f"select {columns} from ({text})").fetchall()


def test_days_are_expected_to_be_the_median_of_their_weekday():
    """Nothing is expected before two weeks are known; of an even count it is the mean of the middle two, exactly.
    Evaluation is a row of its own from its first day on, and no part of production. Fees keep no weekday."""
    spend = [
        ("2026-09-02", "a", "10"), ("2026-09-09", "a", "10.000000000001"), ("2026-09-16", "a", "20.1"),
        ("2026-09-23", "a", "19"), ("2026-10-07", "a", "4"), ("2026-09-02", "b", "1"), ("2026-09-09", "b", "1"),
        ("2026-09-16", "b", "0.5"), ("2026-09-02", "invoice_only", "0"), ("2026-09-16", "invoice_only", "900"),
    ]  # fmt: skip
    rows = [(day, "t", feature, "production", amount) for day, feature, amount in spend]
    rows.append(("2026-09-16", "t", "b", "evaluation", "1.5"))
    columns = "feature_id, purpose, cast(spent_on as text), borne_usd, expected_usd, weeks"
    found = {row[:3]: row[3:] for row in marts("spend_anomalies_daily", rows, columns)}
    expected = {
        ("a", "production", "2026-09-02"): ("10", None, 0),
        ("a", "production", "2026-09-09"): ("10.000000000001", None, 0),
        ("a", "production", "2026-09-16"): ("20.1", "10.000000000001", 2),
        ("a", "production", "2026-09-23"): ("19", "10.000000000001", 3),
        ("a", "production", "2026-09-30"): ("0", "14.500000000001", 4),
        ("a", "production", "2026-10-07"): ("4", "10.000000000001", 5),
        ("b", "production", "2026-09-16"): ("0.5", "1", 2),
        ("b", "evaluation", "2026-09-16"): ("1.5", None, 0),
        ("invoice_only", "production", "2026-09-16"): ("900", None, 0),
    }
    for key, (borne, usual, weeks) in expected.items():
        assert found[key] == (Decimal(borne), usual and Decimal(usual), weeks), key
    assert ("b", "evaluation", "2026-09-15") not in found
    assert ("a", "production", "2026-09-01") not in found


def test_burn_is_forecast_by_weekday():
    """A week at 10 a day and 2 on weekends says 238 of October 2026, which has 22 weekdays and 9 days of weekends. A
    weekday that history does not have yet costs the mean of its days. A budget without spend burns nothing."""
    steady = zip(range(24, 31), (10, 10, 2, 2, 10, 10, 10), strict=True)
    spend = [(f"2026-09-{day}", "steady", "other", "production", usd) for day, usd in steady]
    spend += [
        ("2026-10-01", "steady", "other", "production", 10),
        ("2026-10-30", "x", "young", "production", 6),
        ("2026-10-31", "x", "young", "production", 6),
        ("2026-10-31", "x", "spent", "production", 9),
    ]
    budgets = [
        ("team", "steady", "2026-10-01", 230),
        ("feature", "young", "2026-10-15", 12),
        ("feature", "idle", "2026-10-01", 5),
        ("feature", "spent", "2026-10-01", "8.99"),
        ("feature", "steady", "2026-09-01", 1),
    ]
    columns = "coalesce('team ' || team_id, feature_id), burned_on, month_to_date_usd, forecast_usd, status"
    rows = marts("budget_burn_daily", spend, columns, budgets, forecast_weeks=4, budget_warning_pct=0.8)
    found = {(scope, str(day)): rest for scope, day, *rest in rows}
    expected = {
        ("team steady", "2026-09-24"): (10, "70", "no_budget"),
        ("team steady", "2026-09-25"): (20, "70", "no_budget"),
        ("team steady", "2026-09-26"): (22, "51.333333333332", "no_budget"),
        ("team steady", "2026-09-27"): (24, "42", "no_budget"),
        ("team steady", "2026-09-28"): (34, "47.6", "no_budget"),
        ("team steady", "2026-09-29"): (44, "51.333333333333", "no_budget"),
        ("team steady", "2026-09-30"): (54, "54", "no_budget"),
        ("team steady", "2026-10-01"): (10, "238", "forecast_over"),
        ("young", "2026-10-29"): (0, "0", "ok"),
        ("young", "2026-10-30"): (6, "12", "ok"),
        ("young", "2026-10-31"): (12, "12", "warning"),
        ("idle", "2026-10-31"): (0, "0", "ok"),
        ("spent", "2026-10-31"): (9, "9", "over"),
    }
    for key, (month_to_date, forecast, status) in expected.items():
        assert found[key] == [Decimal(month_to_date), Decimal(forecast), status], key
