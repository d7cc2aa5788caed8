"""Where a month's margin ends, for features, accounts and segments, and how far such forecasts were off."""

from datetime import date, timedelta
from decimal import Decimal

import duckdb
import pytest
import yaml
from conftest import PROJECT, run_build
from exports import activity, batch, chat
from rendering import rendered

pytestmark = pytest.mark.xdist_group("forecasts")
VARIABLES = yaml.safe_load((PROJECT / "dbt_project.yml").read_text())["vars"]
COMPANY = {
    "teams": "team_id,name,cost_center\na,A,1\n",
    "services": "service_name,owner_team_id,valid_from,valid_to\nweb,a,,\n",
    "api_keys": "provider,account_id,api_key,owner_team_id,feature_id,valid_from,valid_to\nopenrouter,,,a,,,\n",
    "feature_catalog": "feature_id,name,owner_team_id,launched_on,continues_feature_id,valid_from,valid_to\n"
    "draft,Draft,a,2026-09-01,,,\nwrite,Write,a,2026-09-01,,,\n",
    "budgets": "scope,scope_id,month,budget_usd\nfeature,draft,2026-10-01,100\naccount,acme,2026-10-01,40\n"
    "account,bolt,2026-10-01,5\naccount,idle,2026-10-01,7\nsegment,large,2026-10-01,60\naccount,acmee,2026-10-01,9\n",
}
USERS = (
    "user_id,account_id,plan,segment,signed_up_on\n"
    "u1,acme,pro,large,2026-01-01\nu2,bolt,free,small,2026-01-01\nu3,idle,pro,small,2026-01-01\n"
)
REVENUE = "month,account_id,plan,revenue_usd\n2026-10,acme,pro,50\n"
FROM, DAYS = date(2026, 10, 5), 10  # exports.py counts from the first of these days, a Monday
CALLS = {"u1": ("acme", "draft", 3), "u2": ("bolt", "draft", 1), "u3": (None, "write", Decimal("0.7"))}


def landed(folder, days: int):
    """A call of each user each day, at 3, 1 and 0.7 USD, the last without an account of its own in the span."""
    spans, bill = [], []
    for day in range(days):
        for number, (user, (account, feature, usd)) in enumerate(CALLS.items(), 1):
            response = f"{user}-{day}"
            of = {"app__feature": feature, **({"tenant__id": account, "user__id": user} if account else {})}
            spans.append(batch([chat(10 * day + number, 1, at=86400 * day, response=response, **of)], "web"))
            bill.append((response, f"{FROM + timedelta(day)} 00:00:01.000", usd))
    (folder / "spans.jsonl").write_text("".join(spans))
    activity(bill, folder / "openrouter_activity_2026-10-31.csv")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("forecasts")
    inbox, company = folder / "inbox", folder / "company"
    for path in (inbox, company):
        path.mkdir()
    for name, text in COMPANY.items():
        (company / f"{name}.csv").write_text(text)
    (inbox / "users.csv").write_text(USERS)
    (inbox / "revenue.csv").write_text(REVENUE)
    landed(inbox, DAYS)
    built = run_build(inbox, folder / "data", company)
    assert built.code == 0, built.output
    return built


def forecasts(built, *columns: str, where: str = "true") -> dict:
    names = ", ".join(columns)
    rows = built.rows(f"select scope, scope_id, {names} from marts.margin_forecasts_monthly where {where}")
    return {row[:2]: row[2] if len(columns) == 1 else row[2:] for row in rows}


def test_the_rest_of_a_month_goes_to_those_who_bore_it_so_far(built):
    """17 days of 4.7 USD are to come; revenue is what the file states for the month."""
    assert forecasts(built, "borne_usd", "forecast_borne_usd", "forecast_margin_usd", "is_forecast") == {
        ("company", "all"): (47, Decimal("126.9"), Decimal("-76.9"), True),
        ("feature", "draft"): (40, 108, Decimal("-108") + 50, True),
        ("feature", "write"): (7, Decimal("18.9"), Decimal("-18.9"), True),
        ("account", "acme"): (30, 81, -31, True),
        ("account", "bolt"): (10, 27, -27, True),
        ("account", "unknown"): (7, Decimal("18.9"), Decimal("-18.9"), True),
        ("account", "idle"): (0, 0, 0, True),
        ("account", "acmee"): (0, 0, 0, True),
        ("segment", "large"): (30, 81, -31, True),
        ("segment", "small"): (10, 27, -27, True),
        ("segment", "unknown"): (7, Decimal("18.9"), Decimal("-18.9"), True),
    }


def test_budgets_of_accounts_and_segments_have_a_status(built):
    assert forecasts(built, "budget_usd", "budget_status", where="budget_usd is not null") == {
        ("feature", "draft"): (100, "forecast_over"),
        ("account", "acme"): (40, "forecast_over"),
        ("account", "bolt"): (5, "over"),
        ("account", "idle"): (7, "ok"),
        ("account", "acmee"): (9, "ok"),
        ("segment", "large"): (60, "forecast_over"),
    }
    assert built.rows("select count(*) from marts.budget_burn_daily where team_id is null and feature_id is null") == [
        (0,)
    ]


def test_budgets_of_accounts_and_segments_raise_the_alert(built):
    """bolt's 10 of 5 USD, 27 expected, is the worst; the feature's is 108 %."""
    assert "540 percent of the budget" in built.output


def test_a_budget_of_an_account_that_no_file_names_is_told(built):
    told = [line.strip() for line in built.output.splitlines() if "what_to_do=write scope_id as" in line]
    why = "what_to_do=write scope_id as account_margin_monthly.account_id names it"
    assert told == [f"scope=account, scope_id=acmee, month=2026-10-01, {why}"]
    assert "budgets_are_of_customers_seen" in built.output


def test_a_month_that_has_ended_is_no_forecast(built, tmp_path_factory):
    """A later build goes on: of October all stands, November is forecast, and October's forecasts are judged."""
    folder = built.data.parent
    landed(folder / "inbox", 30)
    later = run_build(folder / "inbox", folder / "data", folder / "company")
    assert later.code == 0, later.output
    october = "month = '2026-10-01'"
    borne, forecast, is_forecast = forecasts(
        later, "borne_usd", "forecast_borne_usd", "is_forecast", where=f"scope = 'company' and {october}"
    )["company", "all"]
    assert (borne, forecast, is_forecast) == (27 * Decimal("4.7"), 27 * Decimal("4.7"), False)
    november = forecasts(later, "forecast_borne_usd", where="month = '2026-11-01' and scope != 'feature'")
    assert november["company", "all"] == 30 * Decimal("4.7")
    assert november["account", "unknown"] == 21
    assert november["account", "acme"] == 90
    assert november["segment", "small"] == 30
    # The first build knew the days up to the 14th; before the first spend there is no forecast.
    judged = later.rows("""select day_of_month, forecast_usd, actual_usd, error_pct from marts.forecast_accuracy_monthly
        where scope = 'company' order by day_of_month""")
    assert judged == [(day, Decimal("126.9"), Decimal("126.9"), 0) for day in (7, 14, 21)]
    assert later.rows("select distinct scope from marts.forecast_accuracy_monthly order by 1") == [
        ("company",), ("feature",), ("team",)
    ]  # fmt: skip


def test_what_days_to_come_already_bear_is_expected_once():
    """A purchase of 2 a day, of which 21 days are booked ahead; a feature without cost this month."""
    tables = {
        "budget_burn_daily": """select date '2026-10-10' as burned_on, null as team_id, * from (values
            ('invoice_only', 20.0, 62.0), ('draft', 10.0, 30.0), ('quiet', 0.0, 5.000000000001))
            as burned (feature_id, month_to_date_usd, forecast_usd)""",
        "stg_catalog__feature_chains": "select 'x' as feature_id, 'y' as newest_feature_id",
        "spend_daily": """select day::date as spent_on, 'invoice_only' as originating_feature_id, 2.0 as borne_usd
            from generate_series(date '2026-10-01', date '2026-11-30', interval 1 day) as days (day)""",
        "feature_pnl_monthly": """select date '2026-10-01' as month, * from (values ('invoice_only', 0.0, -62.0, 0.0),
            ('draft', 0.0, -8.0, 2.0), ('quality_pool', 0.0, -2.0, -2.0))
            as pnl (feature_id, revenue_usd, margin_usd, eval_pool_credit_usd)""",
        "feature_pnl_by_cohort_monthly": "select *, 'smb' as segment from feature_pnl_monthly",
        "account_margin_monthly": """select date '2026-10-01' as month, * from (values ('unknown', 0.0, 61.0),
            ('a', 0.0, 9.0), ('quality_pool', 0.0, 2.0)) as accounts (account_id, revenue_usd, borne_usd)""",
        "segment_margin_monthly": """select date '2026-10-01' as month, * from (values ('smb', 0.0, 70.0),
            ('quality_pool', 0.0, 2.0)) as segments (segment, revenue_usd, borne_usd)""",
        "int_feature_account_months": """select date '2026-10-01' as month, * from (values ('invoice_only', 'unknown',
            62.0), ('draft', 'a', 9.0), ('draft', 'unknown', -1.0), ('draft', 'quality_pool', 2.0))
            as costs (feature_id, account_id, borne_usd)""",
        "budgets": "select '' as scope, '' as scope_id, date '2026-10-01' as month, 1.0 as budget_usd limit 0",
    }
    with duckdb.connect() as engine:
        engine.execute("set disabled_optimizers = 'statistics_propagation'")
        for name, query in tables.items():
            columns = {"borne_usd", "revenue_usd", "margin_usd", "eval_pool_credit_usd", "forecast_usd"}
            engine.execute(f"create table {name} as {query}")
            for (column,) in engine.execute(f"select column_name from (describe {name})").fetchall():
                if column in columns | {"month_to_date_usd", "budget_usd"}:
                    engine.execute(f"alter table {name} alter {column} type decimal(38, 12)")
        text = rendered("models/marts/product/margin_forecasts_monthly.sql", **VARIABLES)
        engine.execute(f"create table margin_forecasts_monthly as {text}")
        found = {
            row[:2]: row[2]
            for row in engine.execute("""
            select scope, scope_id, forecast_borne_usd - borne_usd from margin_forecasts_monthly""").fetchall()
        }
        assert engine.execute(rendered("tests/identities/forecasts_add_up.sql")).fetchall() == []
    assert found == {
        ("company", "all"): Decimal("25.000000000001"),
        ("feature", "draft"): 16, ("feature", "quality_pool"): 4, ("feature", "invoice_only"): 0,
        ("feature", "quiet"): Decimal("5.000000000001"),
        ("account", "a"): Decimal("16.363636363637"), ("account", "quality_pool"): Decimal("3.636363636363"),
        ("account", "unknown"): Decimal("5.000000000001"),
        ("segment", "smb"): 16, ("segment", "quality_pool"): 4, ("segment", "unknown"): Decimal("5.000000000001"),
    }  # fmt: skip
