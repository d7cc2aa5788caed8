"""The journal that an ERP takes: GL accounts, accruals and reversals, adjustments; amounts are added up by hand."""

import csv
import json
import re
from decimal import Decimal
from functools import partial

from conftest import Built, run_build
from exports import COSTS, batch, cost, write
from python_calamine import CalamineWorkbook
from test_close import World, find

import build as build_script
import export

GL_ACCOUNTS = """account,purpose,team_id,gl_account,cost_center
ai_cost,production,,6100,
ai_cost,evaluation,,6200,
ai_cost,evaluation,quality_pool,6290,
ai_cost,,quality_pool,,CC-POOL
ai_cost,,search,,CC-AI
accrued_payable,,,2190,
"""
ADJUSTMENTS = "month,from_team,to_team,amount_usd,reason,approved_by\n"
JOURNAL = """
    select
        strftime(month, '%m'), kind, strftime(corrects_month, '%m'), purpose, strftime(booked_on, '%m-%d'),
        max(case leg_no when 1 then team_id end), max(case leg_no when 2 then team_id end),
        max(case leg_no when 1 then debit_usd - credit_usd end)
    from marts.erp_journal_monthly
    group by month, kind, corrects_month, purpose, booked_on, journal_no
    order by all
"""


class Autumn(World):
    """Two calls in September, a call and an eval in October, three calls in November; a call is 0.15 at list price."""

    def __init__(self, folder):
        super().__init__(folder)
        for path in self.inbox.iterdir():
            path.unlink()
        calls = [*find(1, -25), *find(2, -25), *find(3, 6), *find(4, 6, app__purpose="evaluation")]
        calls += [call for trace in (5, 6, 7) for call in find(trace, 33)]
        (self.inbox / "search.jsonl").write_text(batch(calls, "search-api"))
        self.seed("teams", "team_id,name,cost_center\nweb,,CC-W\nmail,,\nsearch,,CC-S\nplatform,,CC-P\n")
        self.seed("gl_accounts", GL_ACCOUNTS)

    def september_is_billed(self) -> None:
        """0.16 a million where the book says 0.15, on the key of platform."""
        row = cost(5, "0.32", quantity="2000000", quantity_unit="tokens", project_id="p", api_key_id="k")
        row |= {name: row[name] - 30 * 86400 for name in ("start_time", "end_time")}
        write(self.inbox / "openai_costs_2026-10-20.csv", COSTS, [row])


def booked(built: Built) -> list[tuple]:
    return [(*row[:-1], str(row[-1])) for row in built.rows(JOURNAL)]


def texts(built: Built, month: str, kind: str) -> list[str]:
    found = built.rows(f"""
        select distinct posting_text from marts.erp_journal_monthly
        where month = '2026-{month}-01' and kind = '{kind}' order by 1
    """)
    return [text for (text,) in found]


def test_accruals_stand_until_their_bill_comes(tmp_path):
    world = Autumn(tmp_path)
    built = world.build("anew")
    september = [
        ("09", "accrual", None, "production", "09-30", "platform", "platform", "0.30"),
        ("09", "transfer", None, "production", "09-30", "search", "platform", "0.30"),
    ]
    october = [
        ("10", "accrual", None, "evaluation", "10-31", "platform", "platform", "0.15"),
        ("10", "accrual", None, "production", "10-31", "platform", "platform", "0.15"),
        ("10", "pool_credit", None, "evaluation", "10-31", "quality_pool", "search", "0.15"),
        ("10", "transfer", None, "evaluation", "10-31", "search", "platform", "0.15"),
        ("10", "transfer", None, "production", "10-31", "search", "platform", "0.15"),
    ]
    november = [
        ("11", "accrual", "10", "evaluation", "11-30", "platform", "platform", "0.15"),
        ("11", "accrual", "10", "production", "11-30", "platform", "platform", "0.15"),
        ("11", "accrual", None, "production", "11-30", "platform", "platform", "0.45"),
        ("11", "reversal", "10", "evaluation", "11-01", "platform", "platform", "-0.15"),
        ("11", "reversal", "10", "production", "11-01", "platform", "platform", "-0.15"),
        ("11", "transfer", None, "production", "11-30", "search", "platform", "0.45"),
    ]
    still_open = [
        ("10", "accrual", "09", "production", "10-31", "platform", "platform", "0.30"),
        ("10", "reversal", "09", "production", "10-01", "platform", "platform", "-0.30"),
        ("11", "accrual", "09", "production", "11-30", "platform", "platform", "0.30"),
        ("11", "reversal", "09", "production", "11-01", "platform", "platform", "-0.30"),
    ]

    def in_order(rows):
        return sorted(rows, key=lambda row: [(cell is None, cell or "") for cell in row])

    assert in_order(booked(built)) == in_order([*september, *october, *november, *still_open])
    accrued = built.rows(
        "select document_no from marts.erp_journal_monthly where month = '2026-09-01' and leg_no = 1"
        " and kind = 'accrual'"
    )
    # The bill of September comes in October, when September is closed: its accrual is not booked anew.
    assert world.close("2026-09", "--force") == 0
    world.september_is_billed()
    built = world.build()
    billed = [
        ("10", "bill", "09", "production", "10-31", "platform", "platform", "0.32"),
        ("10", "reversal", "09", "production", "10-01", "platform", "platform", "-0.30"),
        ("10", "transfer", "09", "production", "10-31", "search", "platform", "-0.30"),
        ("10", "transfer", "09", "production", "10-31", "search", "platform", "0.32"),
    ]
    assert in_order(booked(built)) == in_order([*september, *october, *november, *billed])
    # search owes 0.15 + 0.15 - 0.30 + 0.32, of which the pool takes 0.15; platform pays what it is owed. Together that
    # is the bill, since as much accrued as was taken back.
    net = "select team_id, net_charge_booked_usd from marts.team_chargeback_monthly where month = '2026-10-01'"
    assert {team: str(usd) for team, usd in built.rows(net) if usd} == {"search": "0.17", "quality_pool": "0.15"}
    reversed_ = built.rows(
        "select distinct reverses_document_no from marts.erp_journal_monthly"
        " where month = '2026-10-01' and kind = 'reversal'"
    )
    assert reversed_ == accrued
    assert all(len(number) == 16 for (number,) in built.rows("select document_no from marts.erp_journal_monthly"))
    # The posting text names debtor and creditor as booked, so a reversal reads the other way round.
    assert texts(built, "10", "transfer") == [
        "openai transfer: platform owes search, production, 2026-10, corrects 2026-09",
        "openai transfer: search owes platform, evaluation, 2026-10",
        "openai transfer: search owes platform, production, 2026-10",
        "openai transfer: search owes platform, production, 2026-10, corrects 2026-09",
    ]
    _legs_have_the_account_that_fits_best(built)


def _legs_have_the_account_that_fits_best(built: Built) -> None:
    codes = built.rows("""
        select distinct account, purpose, team_id, gl_account, cost_center, is_default_gl_account
        from marts.erp_journal_monthly where month = '2026-10-01' order by all
    """)
    assert codes == [
        ("accrued_payable", "evaluation", "platform", "2190", "CC-P", False),
        ("accrued_payable", "production", "platform", "2190", "CC-P", False),
        ("ai_cost", "evaluation", "platform", "6200", "CC-P", False),
        ("ai_cost", "evaluation", "quality_pool", "6290", "CC-POOL", False),
        ("ai_cost", "evaluation", "search", "6200", "CC-AI", False),
        ("ai_cost", "production", "platform", "6100", "CC-P", False),
        ("ai_cost", "production", "search", "6100", "CC-AI", False),
        ("provider_payable", "production", "platform", "provider_payable", "CC-P", True),
    ]
    # The legs of a GL account are parts of the team's one figure.
    parts = built.rows("""
        select gl_account, sum(debit_usd - credit_usd) from marts.erp_journal_monthly
        where month = '2026-10-01' and account = 'ai_cost' and team_id = 'search' group by 1 order by 1
    """)
    assert parts == [("6100", Decimal("0.17")), ("6200", Decimal("0.00"))]


def test_an_adjustment_moves_what_teams_agreed(tmp_path, capsys):
    world = Autumn(tmp_path)
    world.seed("adjustments", f"{ADJUSTMENTS}2026-09-01,search,web,0.10,The web test of September,CFO\n")
    world.build("anew")
    assert world.close("2026-09", "--force") == 0
    # 0.10 more of the closed month is a correction of October; 0.05 is of October itself.
    world.seed(
        "adjustments",
        f"{ADJUSTMENTS}2026-09-01,search,web,0.10,The web test of September,CFO\n"
        "2026-09-01,search,web,0.07,Its second run,CFO\n2026-10-01,search,web,0.05,The web test of October,CFO\n",
    )
    built = world.build("anew")
    figures = built.rows("""
        select strftime(month, '%m'), team_id, shared_usd, adjustments_usd, corrections_usd, transfers_out_usd,
            transfers_in_usd, net_charge_booked_usd
        from marts.team_chargeback_monthly where team_id in ('search', 'web') and month < '2026-11-01' order by all
    """)
    assert [(*row[:2], *(f"{usd:.2f}" for usd in row[2:])) for row in figures] == [
        ("09", "search", "-0.10", "-0.10", "0.00", "0.30", "0.10", "0.20"),
        ("09", "web", "0.10", "0.10", "0.00", "0.10", "0.00", "0.10"),
        ("10", "search", "-0.12", "-0.12", "-0.07", "0.30", "0.27", "0.03"),
        ("10", "web", "0.12", "0.12", "0.07", "0.12", "0.00", "0.12"),
    ]
    owed = built.rows("select strftime(month, '%m'), amount_booked_usd from marts.team_transfers_monthly"
                      " where debtor_team_id = 'web' and creditor_team_id = 'search' order by 1")  # fmt: skip
    assert [(month, str(usd)) for month, usd in owed] == [("09", "0.10"), ("10", "0.12")]
    of_september = "with search: Its second run (0.07 USD); with search: The web test of September (0.10 USD)"
    stated = built.rows("""
        select section, item, strftime(corrects_month, '%m'), amount_usd, why from marts.team_statements_monthly
        where team_id = 'web' and month = '2026-10-01' and amount_usd != 0 order by all
    """)
    assert [(*row[:3], str(row[3]), row[4]) for row in stated] == [
        ("7 adjustments", "adjustment", "09", "0.07", f"agreed for 2026-09 in all: {of_september}"),
        ("7 adjustments", "adjustment", None, "0.05", "agreed with search: The web test of October (0.05 USD)"),
    ]
    ((given,),) = built.rows("""
        select why from marts.team_statements_monthly
        where team_id = 'search' and month = '2026-10-01' and section = '7 adjustments' and corrects_month is null
    """)
    assert given == "agreed with web: The web test of October (-0.05 USD)"
    journal = [row for row in booked(built) if row[1] == "adjustment"]
    assert journal == [
        ("09", "adjustment", None, "unknown", "09-30", "web", "search", "0.10"),
        ("10", "adjustment", "09", "unknown", "10-31", "web", "search", "0.07"),
        ("10", "adjustment", None, "unknown", "10-31", "web", "search", "0.05"),
    ]
    assert texts(built, "10", "adjustment") == [
        "adjustment: web owes search, 2026-10",
        "adjustment: web owes search, 2026-10, corrects 2026-09",
    ]
    assert export.export("2026-10", world.data) == 0
    manifest = json.loads((world.data / "exports" / "2026-10" / "manifest.json").read_text())
    assert "legs of the journal have no row in gl_accounts" in capsys.readouterr().out
    assert manifest["accounts_without_gl_account"] == ["ai_cost"]
    totals = manifest["control_totals"]
    assert totals["net_charge_by_team_usd"]["web"] == "0.12"
    assert {totals[f"{name}_usd"] for name in ("team_chargeback", "statements", "journal")} == {"0.30"}
    assert manifest["inputs"]["files"] == 1
    _a_control_total_that_the_files_do_not_have_is_named(world, manifest, capsys)
    _a_month_that_the_ledger_does_not_have_is_named(world)


def _a_control_total_that_the_files_do_not_have_is_named(world: World, manifest: dict, capsys) -> None:
    path = world.data / "exports" / "2026-10" / "manifest.json"
    manifest["control_totals"]["net_charge_by_team_usd"]["web"] = "0.13"
    path.write_text(json.dumps(manifest))
    assert export.verify("2026-10", world.data) == 1
    assert "manifest.json: control total net_charge_by_team_usd is" in capsys.readouterr().err


def _a_month_that_the_ledger_does_not_have_is_named(world: World) -> None:
    world.seed("adjustments", f"{ADJUSTMENTS}2027-01-01,search,web,0.10,Too early,CFO\n")
    refused = run_build(world.inbox, world.data, world.company)
    assert refused.code == 1
    assert "the ledger has no such month: it goes from 2026-09-01 to 2026-11-01" in refused.output


def test_a_reporting_currency_stands_beside_usd(tmp_path, monkeypatch, capsys):
    world = Autumn(tmp_path)
    monkeypatch.setattr(build_script, "dbt", partial(build_script.dbt, selection=("--vars", "reporting_currency: EUR")))
    world.seed("fx_rates", "currency,rate_on,usd_per_unit\nEUR,2026-10-15,1.20\n")
    refused = run_build(world.inbox, world.data, world.company)
    assert refused.code == 1
    assert "fx_rates has no rate of EUR up to 2026-09-30" in refused.output
    world.seed("fx_rates", "currency,rate_on,usd_per_unit\nEUR,2026-10-15,1.20\nEUR,2026-09-30,1.10\n")
    built = world.build("anew")
    # 0.30 USD is 0.25 EUR, and each of two teams has half.
    figures = built.rows("""
        select team_id, net_charge_booked_usd, net_charge_reporting, reporting_usd_per_unit, reporting_rate_on
        from marts.team_chargeback_monthly where month = '2026-10-01' and net_charge_usd != 0 order by all
    """)
    assert [(team, *map(str, cells)) for team, *cells in figures] == [
        ("quality_pool", "0.15", "0.13", "1.200000000000", "2026-10-15"),
        ("search", "0.15", "0.12", "1.200000000000", "2026-10-15"),
    ]
    assert export.export("2026-10", world.data) == 0, capsys.readouterr().err
    folder = world.data / "exports" / "2026-10"
    with (folder / "statements" / "search.csv").open(newline="") as lines:
        stated = [(row["section"], row["amount_reporting"]) for row in csv.DictReader(lines) if row["month"]]
    assert [(section, usd) for section, usd in stated if usd != "0.00"] == [
        ("1 production", "0.13"),
        ("2 evaluation", "0.12"),
        ("3 quality pool", "-0.13"),
    ]
    sheet = CalamineWorkbook.from_path(str(folder / "statements" / "search.xlsx")).get_sheet_by_name("Statement")
    rows = {(row[0], row[1]): row for row in sheet.to_python()}
    assert rows["Also shown in", "EUR, 1 EUR = 1.2 USD (rate of 2026-10-15)"]
    assert rows["Net charge this month (EUR)", 0.12]
    assert rows["Section", "Feature"][3:7] == ["This month", "Last month", "Change", "This month (EUR)"]
    assert (rows["Total", ""][3], rows["Total", ""][6]) == (0.15, 0.12)
    page = (folder / "statements" / "search.html").read_text()
    assert '<th class="n">EUR</th>' in page
    assert re.findall(r'<data id="total"[^\n]*\n\s*(.*)<td></td></tr>', page)[0].endswith('<td class="n">0.12</td>')
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["reporting"] == {"currency": "EUR", "usd_per_unit": "1.200000000000", "rate_on": "2026-10-15"}
    assert manifest["control_totals"]["team_chargeback_reporting"] == "0.25"
    assert "reporting" not in (folder / "journal.csv").read_text()
