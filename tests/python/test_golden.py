"""The golden day: every mart against what was costed by hand (tests/golden/README.md)."""

import csv
import json
import re
import shutil
from collections import Counter
from decimal import Decimal, InvalidOperation

import duckdb
import pytest
from conftest import GOLDEN, PROJECT
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner

import export

pytestmark = pytest.mark.xdist_group("golden")


def plain(value) -> str:
    """A cell as the expected CSV writes it: numbers without trailing zeros, dates ISO, NULL blank."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    try:
        number = Decimal(str(value))
        return format(number.normalize() if number else Decimal(0), "f")
    except InvalidOperation:
        return str(value)


def test_build_succeeds_and_says_what_happened(golden):
    assert golden.code == 0, golden.output
    assert "every identity and test holds" in golden.output
    assert "ERROR" not in golden.output, golden.output


@pytest.mark.parametrize("mart", sorted(path.stem for path in (GOLDEN / "expected").glob("*.csv")))
def test_mart_is_what_was_costed_by_hand(golden, mart):
    with (GOLDEN / "expected" / f"{mart}.csv").open(newline="") as lines:
        header, *expected = csv.reader(lines)
    found = golden.rows(f"select {', '.join(header)} from marts.{mart}")
    assert sorted([plain(cell) for cell in row] for row in found) == sorted(
        [plain(cell) for cell in row] for row in expected
    )


def test_a_bare_dbt_build_says_the_same(golden, monkeypatch):
    """`dbt build` from nothing, unit tests included: all passes, and the ledger's entries are the same, id by id."""
    before = golden.rows("select * from marts.ledger_entries order by entry_id")
    monkeypatch.setenv("LEDGER_DATA", str(golden.data))
    monkeypatch.setenv("LEDGER_COMPANY", "")
    monkeypatch.chdir(PROJECT)
    outcome = dbtRunner().invoke(
        ["--quiet", "build", "--full-refresh", "--profiles-dir", ".", "--target-path", str(golden.data / "bare")]
    )
    DuckDBConnectionManager.close_all_connections()
    assert outcome.success, [result for result in outcome.result.results if result.status in ("error", "fail")]
    kinds = Counter(result.node.resource_type for result in outcome.result.results)
    assert kinds["unit_test"] > 20
    assert golden.rows("select * from marts.ledger_entries order by entry_id") == before


# Evals cost 0.002, production 0.001663: 0.0005 of it search's call, 0.00045 + 0.0001505 platform's, 0.0005625 its own.
@pytest.mark.parametrize(
    ("rule", "policy", "insights"),
    [
        ("default,,0,,", "team,insights,owner_pays,,,2026-10-05,2026-10-06", "0.0025625"),
        (
            "team,insights,0.25,,\ndefault,,0,,",
            "service,search-api,split,mail,1,,\ndefault,,caller_pays,,,,",
            "0.002663",
        ),
        (
            "feature,summarize-feedback,1,0,0.0001\nteam,insights,0,,",
            "feature,summarize-feedback,split,insights,0.75,,\nfeature,summarize-feedback,split,mail,0.25,,\n"
            "team,insights,owner_pays,,,,",
            "0.00314725",
        ),
    ],
)
def test_policies_move_money_between_teams_never_the_total(golden, build, tmp_path, rule, policy, insights):
    """Identity 6: another eval funding, another policy, the same bill, the same P&L before funding."""
    other = tmp_path / "company"
    shutil.copytree(GOLDEN / "company", other)
    (other / "eval_funding.csv").write_text(f"scope,scope_id,share,cap_pct,cap_floor_usd\n{rule}\n")
    header = "scope,scope_id,policy,bearer_team_id,weight,valid_from,valid_to\n"
    (other / "chargeback_policies.csv").write_text(f"{header}{policy}\n")
    funded = build(GOLDEN / "inbox", other)
    assert funded.code == 0, funded.output
    teams = "select team_id, net_charge_usd from marts.team_chargeback_monthly where net_charge_usd != 0"
    assert dict(funded.rows(teams))["insights"] == Decimal(insights)
    total = "select sum(net_charge_usd) from marts.team_chargeback_monthly"
    assert funded.rows(total) == golden.rows(total) == [(Decimal("0.0083715"),)]
    features = (
        "select * exclude (eval_pool_credit_usd, margin_usd, margin_pct) from marts.feature_pnl_monthly "
        "where feature_id != 'quality_pool' order by all"
    )
    assert funded.rows(features) == golden.rows(features)
    # AI margin moves between rows, and sums to revenue less the ledger.
    for mart in ("feature_pnl_monthly", "feature_pnl_by_cohort_monthly", "segment_margin_monthly",
                 "account_margin_monthly"):  # fmt: skip
        margins = f"select sum(margin_usd) from marts.{mart}"
        assert funded.rows(margins) == golden.rows(margins) == [(Decimal("12.9916285"),)], mart


def test_sharing_and_funding_move_margins_between_rows_never_their_sum(golden, build, tmp_path):
    """Untraced money evenly to four teams, of which two have a feature; half of the funding that it was."""
    other = tmp_path / "company"
    shutil.copytree(GOLDEN / "company", other)
    (other / "eval_funding.csv").write_text("scope,scope_id,share,cap_pct,cap_floor_usd\ndefault,,0.25,,\n")
    (other / "sharing_rules.csv").write_text("pool,method,team_id,weight,valid_from,valid_to\nuntraced,even,,,,\n")
    shared = build(GOLDEN / "inbox", other)
    assert shared.code == 0, shared.output
    margins = "select feature_id, margin_usd from marts.feature_pnl_monthly"
    before, after = dict(golden.rows(margins)), dict(shared.rows(margins))
    assert {feature: usd - before[feature] for feature, usd in after.items() if usd != before[feature]} == {
        "draft-email": Decimal("-0.00075"),
        "summarize-feedback": Decimal("-0.00075") - Decimal("0.0003315"),
        "untraced": Decimal("0.0015"),
        "quality_pool": Decimal("0.0003315"),
    }
    assert sum(after.values()) == sum(before.values()) == 13 - Decimal("0.0083715")


def test_a_pool_that_pays_by_default_is_said(golden, build, tmp_path, capsys):
    """In the build's summary and by the export, with its sum; not where a row of eval_funding decides."""
    assert "by default" not in golden.output
    other = tmp_path / "company"
    shutil.copytree(GOLDEN / "company", other)
    (other / "eval_funding.csv").write_text("scope,scope_id,share,cap_pct,cap_floor_usd\n")
    built = build(GOLDEN / "inbox", other)
    assert "2026-10: the quality pool pays 0.002000 USD of evals by default, no eval_funding row" in built.output
    assert export.export("2026-10", built.data) == 0
    assert "pays 0.002000000000 USD of its evals by default, no eval_funding row" in capsys.readouterr().out
    manifest = json.loads((built.data / "exports" / "2026-10" / "manifest.json").read_text())
    assert manifest["eval_pool_by_default_usd"] == "0.002000000000"


def test_database_opens_in_a_1x_client(golden):
    """DuckDB writes its storage version into the file's header: 67 is v1.4.0's."""
    header = (golden.data / "ledger.duckdb").read_bytes()[:20]
    assert header[8:12] == b"DUCK"
    assert int.from_bytes(header[12:20], "little") == 67


def test_each_entry_leads_to_its_calls_and_to_the_lines_of_its_bill(golden):
    calls, charges = re.findall(r"```sql\n(.*?)```", (PROJECT / "models" / "overview.md").read_text(), re.DOTALL)
    entries = golden.rows("select entry_id, feature_id, basis, amount_usd from marts.ledger_entries "
                          "where kind in ('bill', 'accrual') and side = 'debit'")  # fmt: skip
    assert len(entries) == 8
    for entry_id, feature_id, basis, amount in entries:
        by_call = golden.rows(calls.replace("<id>", entry_id))
        by_line = golden.rows(charges.replace("<id>", entry_id))
        assert sum(row[6] for row in (by_line if feature_id == "untraced" else by_call)) == amount
        assert {(row[8], bool(row[9])) for row in by_line} == (
            {("openrouter_activity_2026-10-06.csv", True)} if basis == "billed" else set()
        )
        if basis == "billed" and feature_id != "untraced":
            lines = ", ".join(f"'{row[1]}'" for row in by_line)
            named = golden.rows(f"select call_id from intermediate.int_charge_settlements where charge_id in ({lines})")
            assert {row[1] for row in by_call} == {row[0] for row in named}


def test_closed_entries_have_the_columns_of_the_ledger(golden):
    columns = [column for column, *_ in golden.rows("describe marts.ledger_entries")]
    (empty,) = (golden.data / "closed" / ".empty").glob("entries.parquet")
    assert [column for column, *_ in duckdb.sql(f"describe from '{empty}'").fetchall()] == columns
