"""Alerts for features whose margin turned negative, and for accounts that cost more than they pay."""

import duckdb
import pytest
import yaml
from conftest import PROJECT
from rendering import rendered

# A year that was paid ahead in September is revenue up to August; October's files have not come.
LINES = """
    select month::date as month, true as is_standing, revenue_usd
    from (values ('2026-08-01', 9), ('2026-09-01', 365), ('2026-10-01', 0)) as rows (month, revenue_usd)"""
VARIABLES = yaml.safe_load((PROJECT / "dbt_project.yml").read_text())["vars"]


def warned(alert: str, tables: dict[str, str], **variables) -> list[dict]:
    with duckdb.connect() as engine:
        for name, query in tables.items():
            engine.execute(f"create table {name} as {query}")
        found = engine.execute(rendered(f"tests/alerts/{alert}.sql", **VARIABLES | variables))
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def test_a_feature_whose_margin_turned_negative_is_named():
    """October has no revenue yet: September counts. `always` was negative before, `fresh` has no month before."""
    pnl = """
        select month::date as month, feature_id, revenue_usd, margin_usd, revenue_usd - margin_usd as production_usd
        from (values
            ('2026-08-01', 'turned', 10, 2), ('2026-09-01', 'turned', 8, -1), ('2026-10-01', 'turned', 0, -5),
            ('2026-08-01', 'always', 1, -2), ('2026-09-01', 'always', 1, -3), ('2026-09-01', 'fresh', 1, -1),
            ('2026-08-01', 'fine', 5, 4), ('2026-09-01', 'fine', 5, 3), ('2026-10-01', 'fine', 0, -3),
            ('2026-08-01', 'unlabelled', 0, 0), ('2026-09-01', 'unlabelled', 0, -3), ('2027-08-01', 'fine', 5, 5)
        ) as rows (month, feature_id, revenue_usd, margin_usd)"""
    tables = {"feature_pnl_monthly": pnl, "stg_product__revenue": LINES}
    (row,) = warned("features_keep_their_margin", tables)
    assert (row["feature_id"], row["margin_before_usd"], row["margin_usd"]) == ("turned", 2, -1)
    assert (row["revenue_change_usd"], row["production_change_usd"]) == (-2, 1)


@pytest.mark.parametrize(("usd", "named"), [(100, ["b"]), (15, ["b", "free"]), (200, [])])
def test_an_account_that_loses_more_than_the_limit_is_named(usd, named):
    """a pays more than it costs; b's user names no account in the span; evaluation and other months do not count."""
    calls = """
        select call_id, month::timestamp as started_at, month::date as started_on, purpose
        from (values (1, '2026-09-03', 'production'), (2, '2026-09-04', 'production'), (3, '2026-09-05', 'production'),
            (4, '2026-09-06', 'evaluation'), (5, '2026-08-06', 'production')) as rows (call_id, month, purpose)"""
    shares = """
        select * from (values (1, 'a', null, 40), (2, null, 'u', 180), (3, 'free', null, 20), (4, 'a', null, 999),
            (5, 'a', null, 999)) as rows (call_id, tenant_id, user_id, borne_usd)"""
    users = "select date '2026-09-01' as month, 'user' as kind, 'u' as id, 'b' as account_id"
    revenue = """
        select month::date as month, * exclude (month) from (values ('2026-09-01', 'a', 50), ('2026-09-01', 'b', 30),
            ('2027-08-01', 'b', 30)) as rows (month, account_id, revenue_usd)"""
    tables = {
        "attributed_calls": calls, "call_shares": shares, "int_customer_plans": users,
        "int_feature_revenue": revenue, "stg_product__revenue": LINES,
    }  # fmt: skip
    found = warned("accounts_lose_little", tables, alert_account_loss={"warn": 0, "error": 9, "usd": usd})
    assert sorted(row["account_id"] for row in found) == named
    if named:
        assert max(row["loss_usd"] for row in found) == 150
