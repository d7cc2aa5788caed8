"""`make estimate`: the month so far, and each day to come at the mean of its weekday."""

from datetime import date, timedelta
from decimal import Decimal

import duckdb
import pytest

import estimate

START = date(2026, 9, 7)  # a Monday


def ledger(folder, rows, accuracy=(), burned=()):
    """The three marts that an estimate reads."""
    with duckdb.connect(str(folder / "ledger.duckdb")) as engine:
        engine.execute(
            "create schema marts; create table marts.spend_daily (spent_on date, provider text, originating_feature_id "
            "text, bearer_team_id text, basis text, borne_usd decimal(38,12), accrued_usd decimal(38,12) "
            "default 0); create table "
            "marts.accrual_accuracy_monthly (month date, provider text, error_pct double); create table "
            "marts.budget_burn_daily (burned_on date, team_id text, month_to_date_usd decimal(38,12), forecast_usd "
            "decimal(38,12), budget_usd decimal(38,12))"
        )
        for table, values in (
            ("spend_daily", rows),
            ("accrual_accuracy_monthly", accuracy),
            ("budget_burn_daily", burned),
        ):
            if values:
                columns = "(spent_on, provider, originating_feature_id, bearer_team_id, basis, borne_usd)"
                into = f"marts.{table} {columns if table == 'spend_daily' else ''}"
                engine.executemany(f"insert into {into} values ({', '.join('?' * len(values[0]))})", values)
        engine.execute("update marts.spend_daily set accrued_usd = borne_usd where basis = 'accrued'")
    return folder


def shown(capsys) -> dict[str, list[str]]:
    """The cells of each printed row by its first word."""
    return {line.split()[0]: line.split()[1:] for line in capsys.readouterr().out.splitlines() if line.startswith("  ")}


def test_days_to_come_cost_the_mean_of_their_weekday(tmp_path, capsys):
    """Weekdays cost 10 and weekends 2 until Wednesday 16 September; p bills all but the last two days."""
    days = [START + timedelta(days=n) for n in range(10)]
    rows = [
        (
            day,
            "p",
            "f",
            "web",
            "billed" if day < date(2026, 9, 15) else "accrued",
            Decimal(2 if day.weekday() > 4 else 10),
        )
        for day in days
    ]
    burned = [(date(2026, 9, 16), "web", 84, 192, 150), (date(2026, 9, 15), "web", 74, 192, 150)]
    assert estimate.main(ledger(tmp_path, rows, [(date(2026, 8, 1), "p", -0.0291)], burned)) == 0
    found = shown(capsys)
    # 84 so far; ten weekdays at 10 and four days of weekends at 2 remain of September.
    assert found["p"] == ["10.00", "64.00", "20.00", "192.00", "-2.91"]
    assert found["sum"] == ["10.00", "84.00", "192.00", "150.00"]
    assert found["web"] == ["10.00", "84.00", "192.00", "150.00"]


def test_days_without_use_count_and_a_new_provider_has_few(tmp_path, capsys):
    """One day of 70 and six of nothing, then a provider that came yesterday: its Sunday costs what its Saturday did."""
    rows = [(date(2026, 9, 21), "p", "f", "web", "accrued", Decimal(70))]
    rows += [(date(2026, 9, 27), "q", "f", "web", "accrued", Decimal(3))]
    estimate.main(ledger(tmp_path, rows))
    found = shown(capsys)
    assert found["p"][3] == "140.00"  # Monday the 28th
    assert found["q"][3] == "12.00"  # three days remain


def test_a_whole_month_is_expected_as_it_was_and_purchases_to_come_are_no_days(tmp_path, capsys):
    rows = [
        (date(2026, 9, 30), "p", "f", "web", "billed", Decimal("1.005")),
        (date(2026, 12, 31), "p", "invoice_only", "web", "billed", Decimal(500)),
    ]
    estimate.main(ledger(tmp_path, rows))
    out = capsys.readouterr().out
    assert "as of 2026-09-30" in out
    assert "500" not in out


@pytest.mark.parametrize("rows", [[], [(date(1970, 1, 1), "p", "f", "web", "accrued", Decimal(1))]])
def test_a_ledger_without_days_says_so(tmp_path, capsys, rows):
    assert estimate.main(ledger(tmp_path, rows)) == 0
    assert "nothing to estimate" in capsys.readouterr().out
