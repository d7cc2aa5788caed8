"""Statements as a team lead opens them: workbooks read by another library, pages as text, both against the ledger."""

import json
import re
import zipfile
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from hashlib import sha256
from pathlib import Path

import duckdb
import hostile
import pytest
from python_calamine import CalamineWorkbook

import export
import statements

pytestmark = pytest.mark.xdist_group("sample")
MONTH = "2026-10"


@dataclass
class Exported:
    """A month's exported statements, and what the ledger has of each team."""

    folder: Path
    charges: dict[str, dict]


@pytest.fixture(scope="module")
def exported(sample) -> Exported:
    assert export.export(MONTH, sample.data) == 0
    with duckdb.connect(str(sample.data / "ledger.duckdb"), read_only=True) as engine:
        found = engine.execute(
            "select charges.*, last.net_charge_booked_usd as last_usd from marts.team_chargeback_monthly as charges "
            "inner join marts.team_chargeback_monthly as last on charges.team_id = last.team_id "
            "and last.month = '2026-09-01' where charges.month = '2026-10-01'"
        )
        columns = [column[0] for column in found.description]
        rows = [dict(zip(columns, row, strict=True)) for row in found.fetchall()]
    return Exported(sample.data / "exports" / MONTH, {row["team_id"]: row for row in rows})


def sheets(path: Path) -> dict[str, list[list]]:
    book = CalamineWorkbook.from_path(str(path))
    return {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}


def cents(value: float) -> Decimal:
    return Decimal(str(value)).quantize(Decimal("0.01"))


def below(rows: list[list], column: str) -> tuple[list, list]:
    """The cells under a column's head as far as the total, and the total."""
    ((at, place),) = [(at, row.index(column)) for at, row in enumerate(rows) if column in row]
    end = next(number for number in range(at, len(rows)) if rows[number][0] == "Total")
    return [row[place] for row in rows[at + 1 : end]], rows[end][place]


def test_a_workbook_says_what_the_chargeback_says(exported):
    stated = {path.stem for path in exported.folder.glob("statements/*.xlsx")}
    moved = {
        team
        for team, row in exported.charges.items()
        if row["net_charge_booked_usd"] or row["transfers_in_booked_usd"] or row["transfers_out_booked_usd"]
    }
    assert stated == moved
    assert {"web", "inbox", "quality_pool"} <= stated
    for team in stated:
        charge, book = exported.charges[team], sheets(exported.folder / "statements" / f"{team}.xlsx")
        assert list(book) == ["Statement", "Detail", "Transfers", "What changed"]
        net = charge["net_charge_booked_usd"]
        for sheet, column in (("Statement", "This month"), ("Transfers", "Amount (USD)")):
            assert cents(below(book[sheet], column)[1]) == net, (team, sheet)
        figures = {row[0]: row[1] for row in book["Statement"] if isinstance(row[1], float)}
        assert cents(figures["Net charge this month"]) == net
        for name, column in (
            ("Last month", "last_usd"), ("Billed or agreed", "billed_booked_usd"),
            ("Accrued, not billed yet", "accrued_booked_usd"), ("Owed to other teams", "transfers_out_booked_usd"),
            ("Owed by other teams", "transfers_in_booked_usd"),
            ("Paid to providers by your accounts", "paid_booked_usd"),
        ):  # fmt: skip
            assert cents(figures[name]) == charge[column], (team, name)
        lines = [row for row in book["Statement"] if row[1] and isinstance(row[3], float)]
        assert sum(cents(row[3]) for row in lines) == net
        owed = {
            side: sum(cents(row[4]) for row in book["Transfers"] if row[0] == side)
            for side in ("You owe", "You are owed")
        }
        assert owed == {
            "You owe": charge["transfers_out_booked_usd"], "You are owed": charge["transfers_in_booked_usd"]
        }  # fmt: skip


def test_details_and_causes_add_up_to_the_figures(exported):
    for path in exported.folder.glob("statements/*.xlsx"):
        charge, book = exported.charges[path.stem], sheets(path)
        amounts, total = below(book["Detail"], "Amount (USD)")
        assert abs(sum(amounts) - float(charge["net_charge_usd"])) < 1e-8, path
        assert abs(total - float(charge["net_charge_usd"])) < 1e-8
        for row in book["Detail"][1:]:
            if isinstance(row[9], float):
                assert abs(row[7] * row[9] - row[11]) < 1e-5 + row[11] * 1e-5, row
        if len(book["What changed"]) > 2:
            changes, total = below(book["What changed"], "Change (USD)")
            change = charge["net_charge_booked_usd"] - charge["last_usd"]
            assert cents(total) == sum(cents(change) for change in changes) == change
    inbox = sheets(exported.folder / "statements" / "inbox.xlsx")
    usage = [row[3:9] for row in inbox["Detail"] if row[1] == "summarize-thread"]
    assert ["", "openai", "gpt-5", "output", 7586120.0, "tokens"] in usage
    (row,) = [row for row in inbox["What changed"] if row[0] == "summarize-thread"]
    assert row[2] > 40 > sum(row[3:11]), "the feature's calls grew"
    (why,) = {row[6] for row in inbox["Statement"] if row[1] == "weekly-digest" and row[0].startswith("Paid by")}
    assert "100 % of the feature's evals of the month (8.95 USD), at most 2.43 USD: 25 % of its production" in why


def test_the_first_month_has_no_month_before(sample, tmp_path):
    """What is unknown is not 0.00, in lines and sums as in the head."""
    with duckdb.connect(str(sample.data / "ledger.duckdb"), read_only=True) as engine:
        ((month,),) = engine.execute("select min(month)::varchar from marts.team_chargeback_monthly").fetchall()
        statement = statements.read(engine, month, "inbox", "open", None)
        cells = export.safe(engine, statement.texts)
    statements.write(statement, tmp_path / "inbox", cells)
    rows = sheets(tmp_path / "inbox.xlsx")["Statement"]
    head = next(number for number, row in enumerate(rows) if row[0] == "Section")
    assert len(rows[head + 1 :]) > 3
    assert [(row[4], row[5]) for row in rows[head + 1 :]] == [("", "")] * len(rows[head + 1 :])
    assert sum(cents(row[3]) for row in rows[head + 1 :] if row[1]) == statement.total > 0
    charged = (tmp_path / "inbox.html").read_text().split("Between teams")[0]
    assert "0.00<" not in charged.split("What is charged")[1]


def test_a_page_needs_no_network_and_prints_on_a4(exported):
    for path in exported.folder.glob("statements/*.html"):
        page = path.read_text()
        assert not re.search(r"https?:|//|<script|<link|<img|url\(|@import", page)
        assert "size: A4" in page
        net = exported.charges[path.stem]["net_charge_booked_usd"]
        assert f'<data id="total" value="{net}">{net:,.2f}</data>' in page


def hostile_statement(name: str) -> statements.Statement:
    one, month = Decimal("1.00"), date(2026, 10, 1)
    head = {
        "month": month, "team_id": name, "company": name, "team_name": name, "cost_center": name, "statement_id": name,
        "currency": "USD", "last_month_usd": None, "change_usd": None, "year_to_date_usd": one, "budget_usd": None,
        "budget_left_usd": None, "billed_booked_usd": one, "accrued_booked_usd": one, "paid_booked_usd": one,
        "transfers_out_booked_usd": one, "transfers_in_booked_usd": one, "net_charge_usd": one,
        "net_charge_reporting": one, "reporting_currency": name, "reporting_usd_per_unit": one,
        "reporting_rate_on": month,
    }  # fmt: skip
    line = {"section": "1 production", "item": name, "item_name": name, "amount_usd": one, "last_month_usd": one}
    line |= {"change_usd": one, "amount_reporting": one, "why": name, "corrects_month": month}
    detail = {"section": "1 production", "item": name, "item_name": name, "corrects_month": None, "provider": name}
    detail |= {"model": name, "meter": name, "quantity": one, "unit": name, "unit_price_usd": one, "amount_usd": one}
    transfer = {"direction": "You owe", "other_id": name, "other_name": name, "cost_center": name}
    change = {"feature_id": name, "item_name": name, "change": one} | dict.fromkeys(statements.CAUSES, one)
    return statements.Statement(
        head, "open", name, [line], [detail], [transfer | {"amount_booked_usd": one}], [change], one
    )


@pytest.mark.parametrize("name", ["=1+1", "@a", "This month", "<script>alert(1)</script>", "'", *hostile.IDS])
def test_no_name_runs_in_a_sheet_or_a_page(tmp_path, name):
    statement = hostile_statement(name)
    with duckdb.connect() as engine:
        cells = export.safe(engine, statement.texts)
    written = statements.write(statement, tmp_path / "team", cells)
    assert [path.name for path in written] == ["team.xlsx", "team.html"]
    for path, entry in written.items():
        assert statements.stated_total(path) == Decimal(entry["totals"]["amount_usd"]) == Decimal("1.00")
        assert entry["sha256"] == sha256(path.read_bytes()).hexdigest()
    with zipfile.ZipFile(tmp_path / "team.xlsx") as parts:
        texts = "".join(parts.read(part).decode() for part in parts.namelist())
    assert "<f>" not in texts
    assert "hyperlink" not in texts
    marks = "=+-@\uff1d\uff0b\uff0d\uff20"
    for rows in sheets(tmp_path / "team.xlsx").values():
        assert not [cell for row in rows for cell in row if isinstance(cell, str) and cell[:1] in marks and cell]
    assert "<script" not in (tmp_path / "team.html").read_text()


@pytest.mark.parametrize("ending", statements.ENDINGS)
def test_verify_sees_a_total_that_was_changed_with_its_hash(exported, tmp_path, capsys, ending):
    """Whoever changes the file, and the manifest to fit, still has lines that add up to something else."""
    data = tmp_path / "data"
    folder = data / "exports" / MONTH
    folder.parent.mkdir(parents=True)
    for path in exported.folder.rglob("*"):
        if path.is_file():
            (folder / path.relative_to(exported.folder)).parent.mkdir(parents=True, exist_ok=True)
            (folder / path.relative_to(exported.folder)).write_bytes(path.read_bytes())
    assert export.verify(MONTH, data) == 0
    inbox, compose = (folder / "statements" / f"{team}{ending}" for team in ("inbox", "compose"))
    inbox.write_bytes(compose.read_bytes())
    manifest = json.loads((folder / "manifest.json").read_text())
    files = manifest["files"]
    files[f"statements/inbox{ending}"] |= {
        name: files[f"statements/compose{ending}"][name] for name in ("sha256", "totals")
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert export.verify(MONTH, data) == 1
    theirs, ours = (exported.charges[team]["net_charge_booked_usd"] for team in ("compose", "inbox"))
    said = f"statements/inbox{ending}: its total is {theirs}, the team's lines add up to {ours}"
    assert said in capsys.readouterr().err
