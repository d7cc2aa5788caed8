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
            create table int_spend_days_filled as
                select 'feature' as scope, scope_id, cast(? as date) + n as day, borne_usd, true as has_begun,
                    cast(? as date) + max(n) over () as newest_on, n % 7 as weekday
                from spend""", [FIRST, FIRST])  # fmt: skip
        engine.execute("""
            create table spend_daily as
                select cast(? as date) + n as spent_on, scope_id as originating_feature_id, 'evaluation' as purpose,
                    eval_usd as borne_usd
                from spend where eval_usd > 0""", [FIRST])  # fmt: skip
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
