"""Exports of months of which little is known: without a booking, below half a cent, of a team without a name."""

import csv
import json

import duckdb
import pytest

import export
import focus

pytestmark = pytest.mark.xdist_group("golden")

TABLES = (
    "team_chargeback_monthly",
    "erp_journal_monthly",
    "team_statements_monthly",
    "focus_cost_and_usage",
    "eval_coverage_monthly",
    "team_statement_summaries_monthly",
    "team_statement_details_monthly",
    "team_transfers_monthly",
    "cost_variance_monthly",
    "invoice_tie_out_monthly",
)


class Ledger:
    """The exported marts of the golden company's October, to change."""

    def __init__(self, data, golden):
        self.data, path = data, data / "ledger.duckdb"
        data.mkdir()
        with duckdb.connect(str(path)) as engine:
            engine.execute(f"attach '{golden.data}/ledger.duckdb' as golden (read_only); create schema marts")
            for table in TABLES:
                day = {
                    "focus_cost_and_usage": "x_PostedMonth",
                    "invoice_tie_out_monthly": "date_trunc('month', period_end)",
                }
                rows = f"select * from golden.marts.{table} where {day.get(table, 'month')} = date '2026-10-01'"
                engine.execute(f"create table marts.{table} as {rows}")

    def change(self, *statements: str) -> None:
        with duckdb.connect(str(self.data / "ledger.duckdb")) as engine:
            for statement in statements:
                engine.execute(statement)

    def rows(self, month: str, name: str) -> list[dict]:
        with (self.data / "exports" / month / name).open(newline="") as lines:
            return list(csv.DictReader(lines))

    def statements(self, month: str) -> list[str]:
        return sorted(path.name for path in (self.data / "exports" / month / "statements").glob("*"))


@pytest.fixture
def ledger(golden, tmp_path):
    return Ledger(tmp_path / "small", golden)


def test_a_month_without_a_booking_between_two_has_files_without_rows(ledger, capsys):
    ledger.change(
        *(f"insert into marts.{table} select * replace (date '2026-08-01' as month) from marts.{table}"
          for table in TABLES[:3]),
    )  # fmt: skip
    assert export.export("2026-09", ledger.data) == 0
    assert "verified 2026-09" in capsys.readouterr().out
    for name in ("team_chargeback.csv", "journal.csv", "focus.csv"):
        assert ledger.rows("2026-09", name) == []
        assert (ledger.data / "exports" / "2026-09" / name).read_text().count(",") > 10
    assert ledger.statements("2026-09") == []
    assert focus.check("2026-09", ledger.data) == 0
    assert "the month has no rows" in capsys.readouterr().out
    for month in ("2026-07", "2026-11"):
        assert export.export(month, ledger.data) == 2
        assert f"the ledger has no month {month}" in capsys.readouterr().err


def test_a_month_without_a_booking_states_what_ended(ledger, capsys):
    """September has no chargeback, and the statements' lines of August once more, at zero."""
    ended = "date '2026-09-01' as month, 0 as amount_usd, 1 as last_month_usd, -1 as change_usd"
    nothing = "date '2026-09-01' as month, 0 as net_charge_booked_usd, 1 as last_month_usd, -1 as change_usd"
    ledger.change(
        "insert into marts.team_chargeback_monthly select * replace (date '2026-08-01' as month) "
        "from marts.team_chargeback_monthly",
        f"insert into marts.team_statements_monthly select * replace ({ended}) from marts.team_statements_monthly",
        "insert into marts.team_statement_summaries_monthly "
        f"select * replace ({nothing}) from marts.team_statement_summaries_monthly",
    )
    assert export.export("2026-09", ledger.data) == 0
    assert "verified 2026-09" in capsys.readouterr().out
    files = ledger.statements("2026-09")
    assert {name.rpartition(".")[2] for name in files} == {"csv", "xlsx", "html"}
    page = next(name for name in files if name.endswith(".html"))
    text = (ledger.data / "exports" / "2026-09" / "statements" / page).read_text()
    assert '<data id="total" value="0.00">' in text


def test_a_month_below_half_a_cent_has_a_charge_and_nothing_to_book(ledger, capsys):
    """The journal and the statements have cents, so they have no rows."""
    nothing = """
        update marts.team_chargeback_monthly set
            production_usd = {0}, evaluation_usd = 0, eval_pool_credit_usd = 0, development_usd = 0, shared_usd = 0,
            unattributed_usd = 0, paid_usd = {0}, transfers_out_usd = 0, transfers_in_usd = 0, net_charge_usd = {0},
            accrued_usd = 0, billed_usd = {0}, corrections_usd = 0,
            {1}
    """
    lines = (
        "production evaluation eval_pool_credit development shared unattributed paid transfers_out transfers_in"
        " net_charge accrued billed"
    ).split()
    in_cents = ", ".join(f"{line}_booked_usd = 0" for line in lines)
    first = "(select team_id from marts.team_chargeback_monthly order by team_id limit 1)"
    ledger.change(
        nothing.format(0, in_cents),
        f"{nothing.format('0.004', in_cents)} where team_id = {first}",
        "delete from marts.erp_journal_monthly",
        "delete from marts.team_statements_monthly",
        "delete from marts.team_transfers_monthly",
        "create or replace table marts.focus_cost_and_usage as "
        f"select * replace (0.004 as EffectiveCost, null as x_AllocatedRatio, {first} as x_TeamId) "
        "from marts.focus_cost_and_usage limit 1",
    )
    assert export.export("2026-10", ledger.data) == 0
    assert "verified 2026-10" in capsys.readouterr().out
    assert ledger.rows("2026-10", "team_chargeback.csv")[0]["net_charge_usd"] == "0.004000000000"
    assert ledger.rows("2026-10", "journal.csv") == []
    assert ledger.statements("2026-10") == []


@pytest.mark.parametrize("name", [None, "", " ", "'", ".", "=1"])
def test_a_team_without_a_name_has_its_statement(ledger, capsys, name):
    team = "select min(team_id) from marts.team_statements_monthly where amount_usd != 0"
    columns = [(table, "team_id") for table in (*TABLES[:3], *TABLES[5:7])] + [("focus_cost_and_usage", "x_TeamId")]
    columns += [("team_transfers_monthly", f"{side}_team_id") for side in ("debtor", "creditor")]
    said = "null" if name is None else f"$name${name}$name$"
    ledger.change(
        f"create table unnamed as {team}",
        *(f"update marts.{table} set {column} = {said} where {column} = (from unnamed)" for table, column in columns),
        "drop table unnamed",
    )  # fmt: skip
    assert export.export("2026-10", ledger.data) == 0, capsys.readouterr().err
    manifest = json.loads((ledger.data / "exports" / "2026-10" / "manifest.json").read_text())
    stated = [name for name in manifest["files"] if name.startswith("statements/")]
    assert sorted(stated) == [f"statements/{name}" for name in ledger.statements("2026-10")]
    assert all(len(file) > len("statements/.csv") and not file.startswith("statements/.") for file in stated)
    lines = [name for name in stated if name.endswith(".csv")]
    assert {row["closing_hash"] for name in lines for row in ledger.rows("2026-10", name)} == {""}


def test_no_two_teams_share_a_file():
    assert export.file_name("") != export.file_name(None)
    assert export.file_name("web") == "web"
