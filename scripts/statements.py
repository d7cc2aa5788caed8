"""A team's statement of a month: a workbook for whoever checks it, a page to print, and both read again for `verify`.

A workbook has the sheets Statement, Detail, Transfers and What changed; numbers are numbers, and the same statement
gives the same bytes. The page is one file that needs no network. Amounts are USD; those in cents are the team's row of
team_chargeback_monthly. Where the company has another reporting currency, what is charged stands in it beside USD.
"""

import re
from collections.abc import Iterable
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import cache
from hashlib import sha256
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
import python_calamine
import xlsxwriter

ENDINGS = (".xlsx", ".html")
FIGURES = (
    "billed_booked",
    "accrued_booked",
    "paid_booked",
    "transfers_out_booked",
    "transfers_in_booked",
    "net_charge",
)
HEAD = """
select summaries.*, {figures}, charges.net_charge_reporting, charges.reporting_currency,
    charges.reporting_usd_per_unit, charges.reporting_rate_on
from marts.team_statement_summaries_monthly as summaries
left join marts.team_chargeback_monthly as charges
    on summaries.month = charges.month and summaries.team_id is not distinct from charges.team_id
where summaries.month = $month and summaries.team_id is not distinct from $team
"""
LINES = """
select section, item, item_name, amount_usd, last_month_usd, change_usd, amount_reporting, why, corrects_month
from marts.team_statements_monthly where month = $month and team_id is not distinct from $team
order by section, corrects_month, item
"""
NAMES = "(select item, max(item_name) as item_name from marts.team_statements_monthly group by item) as names"
DETAILS = """
select details.section, details.item, names.item_name, details.corrects_month, details.provider, details.model,
    details.meter, details.quantity, details.unit, details.unit_price_usd, details.amount_usd
from marts.team_statement_details_monthly as details left join {names} on details.item = names.item
where details.month = $month and details.team_id is not distinct from $team
order by details.section, details.corrects_month, details.item, details.provider, details.model,
    details.meter is null, details.meter != 'call', details.meter
"""
TRANSFERS = """
with sides as (
    select month, 'You owe' as direction, debtor_team_id as team_id, creditor_team_id as other_id, amount_booked_usd
    from marts.team_transfers_monthly
    union all
    select month, 'You are owed', creditor_team_id, debtor_team_id, amount_booked_usd from marts.team_transfers_monthly
)
select sides.direction, sides.other_id, names.team_name as other_name, names.cost_center, sides.amount_booked_usd
from sides left join marts.team_statement_summaries_monthly as names
    on sides.month = names.month and sides.other_id is not distinct from names.team_id
where sides.month = $month and sides.team_id is not distinct from $team and sides.amount_booked_usd != 0
order by sides.direction desc, sides.amount_booked_usd desc, sides.other_id
"""
CHANGES = """
select changes.feature_id, coalesce(max(names.item_name), changes.feature_id) as item_name, {causes}
from marts.cost_variance_monthly as changes left join {names} on changes.feature_id = names.item
where changes.month = $month and changes.team_id is not distinct from $team
group by changes.feature_id order by changes.feature_id
"""
# Display names of cost_variance_monthly's causes, in the order in which they are computed.
CAUSES = {
    "volume": "Number of calls", "tokens": "Tokens per call", "cache": "Prompt cache", "price": "Price per unit",
    "model_mix": "Other models", "evaluation": "Evals less pool", "waste": "Waste", "late": "Late money",
    "correction": "Corrections", "other": "Without calls",
}  # fmt: skip
SECTIONS = {"quality pool": "Paid by the quality pool", "corrections": "Corrections of closed months"}
AMOUNTS = ("amount_usd", "last_month_usd", "change_usd")
TITLE, TOTAL, CENT = "Statement of AI costs", "Total", Decimal("0.01")


class Statement(NamedTuple):
    """One team's month. Rows are dictionaries by column; `total` is the net charge in cents (USD)."""

    head: dict[str, Any]
    status: str  # open or closed
    closing_hash: str | None
    lines: list[dict]
    details: list[dict]
    transfers: list[dict]
    changes: list[dict]
    total: Decimal

    @property
    def period(self) -> str:
        return f"{self.head['month']:%B %Y}"

    @property
    def reporting_currency(self) -> str | None:
        """The company's own, where it is not USD and the month has a rate."""
        currency = self.head["reporting_currency"]
        return None if currency == "USD" or self.head["net_charge_reporting"] is None else currency

    @property
    def rate(self) -> str | None:
        rate, day = self.head["reporting_usd_per_unit"], self.head["reporting_rate_on"]
        currency = self.reporting_currency
        return currency and f"{currency}, 1 {currency} = {rate.normalize():f} USD (rate of {day})"

    @property
    def amounts(self) -> tuple[str, ...]:
        """Columns of a line's amounts."""
        return AMOUNTS + (("amount_reporting",) if self.reporting_currency else ())

    @property
    def totals(self) -> list[Decimal | None]:
        """The statement's totals, by column of `amounts`."""
        head = self.head
        known = [self.total, head["last_month_usd"], head["change_usd"], head["net_charge_reporting"]]
        return known[: len(self.amounts)]

    @property
    def sections(self) -> list[tuple[str, list[dict], list[Decimal | None]]]:
        """Each section's name, its lines in their order, and their sums by column of `amounts`; None if unknown."""
        found = [(section_name(key), list(rows)) for key, rows in groupby(self.lines, lambda row: row["section"])]
        return [(name, rows, [added(row[column] for row in rows) for column in self.amounts]) for name, rows in found]

    @property
    def facts(self) -> list[tuple[str, str]]:
        head = self.head
        named = [
            ("From", head["company"]),
            ("Team", head["team_name"]),
            ("Team id", head["team_id"]),
            ("Cost center", head["cost_center"]),
            ("Period", self.period),
            ("Status", "closed" if self.status == "closed" else "open: figures still change until the month is closed"),
            ("Statement", head["statement_id"]),
            ("Currency", head["currency"]),
            ("Also shown in", self.rate),
            ("Closing hash", self.closing_hash),
        ]
        return [(name, value) for name, value in named if value]

    @property
    def texts(self) -> set[str]:
        """All texts that come from data."""
        rows = (row for rows in (self.lines, self.details, self.transfers, self.changes) for row in rows)
        return {value for row in rows for value in row.values() if isinstance(value, str)} | {
            value for _, value in self.facts
        }

    @property
    def figures(self) -> list[tuple[str, Decimal | None]]:
        """The net charge, its comparisons and its parts; None if unknown."""
        head, currency = self.head, self.reporting_currency
        return [
            ("Net charge this month", self.total),
            *([(f"Net charge this month ({currency})", head["net_charge_reporting"])] if currency else []),
            ("Last month", head["last_month_usd"]),
            ("Change", head["change_usd"]),
            ("Year to date", head["year_to_date_usd"]),
            ("Budget of the month", head["budget_usd"]),
            ("Left of the budget", head["budget_left_usd"]),
            ("Billed or agreed", head["billed_booked_usd"]),
            ("Accrued, not billed yet", head["accrued_booked_usd"]),
            ("Paid to providers by your accounts", head["paid_booked_usd"]),
            ("Owed to other teams", head["transfers_out_booked_usd"]),
            ("Owed by other teams", head["transfers_in_booked_usd"]),
        ]


def by_cause(suffix: str = "") -> str:
    """Columns of sums of cost_variance_monthly.change_usd, one per cause and in their order."""
    return ",\n    ".join(
        f"sum(case when cause = '{cause}' then change_usd else 0 end) as {cause}{suffix}" for cause in CAUSES
    )


def section_name(section: str) -> str:
    """`1 production` as a reader sees it: `Production`."""
    name = section.partition(" ")[2]
    return SECTIONS.get(name, name.capitalize())


def read(engine, month: str, team: str | None, status: str, closing_hash: str | None) -> Statement:
    """The statement as the marts have it; month as its first day, `2026-10-01`."""

    def rows(query: str) -> list[dict]:
        found = engine.execute(query, {"month": month, "team": team})
        columns = [column[0] for column in found.description]
        return [dict(zip(columns, row, strict=True)) for row in found.fetchall()]

    # A month without a booking has no chargeback, and may have lines that ended in the month before.
    figures = ", ".join(f"coalesce(charges.{figure}_usd, 0) as {figure}_usd" for figure in FIGURES)
    (head,) = rows(HEAD.format(figures=figures))
    changes = in_cents(rows(CHANGES.format(causes=by_cause(), names=NAMES)), head["change_usd"])
    lines, details, transfers = rows(LINES), rows(DETAILS.format(names=NAMES)), rows(TRANSFERS)
    if head["last_month_usd"] is None:
        lines = [row | {"last_month_usd": None, "change_usd": None} for row in lines]
    return Statement(head, status, closing_hash, lines, details, transfers, changes, head["net_charge_booked_usd"])


def in_cents(changes: list[dict], change: Decimal | None) -> list[dict]:
    """Causes of each feature rounded to cents, with a last row of what that leaves of the team's change in cents."""
    rounded = []
    for row in changes:
        cents = {cause: row[cause].quantize(CENT, ROUND_HALF_UP) + 0 for cause in CAUSES}
        if any(cents.values()):
            rounded.append(row | cents | {"change": sum(cents.values())})
    rest = (change or 0) - sum(row["change"] for row in rounded)
    if rest:
        rounding = {"feature_id": "", "item_name": "Rounding to cents", "change": rest}
        rounded.append(dict.fromkeys(CAUSES, Decimal(0)) | rounding)
    return rounded


def added(amounts: Iterable[Decimal | None]) -> Decimal | None:
    """The sum of amounts (USD); None if one of them is unknown."""
    total = Decimal(0)
    for amount in amounts:
        if amount is None:
            return None
        total += amount
    return total


class Sheet:
    """A sheet that is written row after row; `cells` are texts as spreadsheets may have them."""

    def __init__(self, book: xlsxwriter.Workbook, formats: dict, name: str, widths: list[int], cells: dict):
        self.page, self.formats, self.cells, self.row = book.add_worksheet(name), formats, cells, 0
        for column, width in enumerate(widths):
            self.page.set_column(column, column, width)
        self.page.set_paper(9)  # A4
        self.page.set_landscape()
        self.page.fit_to_pages(1, 0)

    def write(self, values: list, kind: str = "plain", decimals: dict[int, str] | None = None) -> None:
        """One row: texts as texts, never formulas; decimals as numbers with two places, or as `decimals` says."""
        for column, value in enumerate(values):
            if isinstance(value, Decimal):
                shape = (decimals or {}).get(column, "money")
                self.page.write_number(self.row, column, float(value), self.formats[kind, shape])
            elif isinstance(value, date):
                self.page.write_string(self.row, column, f"{value:%Y-%m}", self.formats[kind, "text"])
            elif value not in (None, ""):
                self.page.write_string(self.row, column, self.cells.get(value, value), self.formats[kind, "text"])
            elif kind == "total":
                self.page.write_blank(self.row, column, None, self.formats[kind, "text"])
        self.row += 1

    def head(self, names: list[str]) -> None:
        self.write(names, "head")

    def freeze(self) -> None:
        self.page.freeze_panes(self.row, 0)
        self.page.repeat_rows(self.row - 1)


SHAPES: dict[str, dict[str, object]] = {
    "text": {}, "money": {"num_format": "#,##0.00"}, "exact": {"num_format": "#,##0.000000"},
    "count": {"num_format": "#,##0"}, "part": {"num_format": "#,##0.00"}, "price": {"num_format": "0.000000000000"},
    "million": {"num_format": "#,##0.0000"},
}  # fmt: skip
KINDS: dict[str, dict[str, object]] = {
    "plain": {"text_wrap": True, "valign": "top"}, "title": {"bold": True, "font_size": 14},
    "head": {"bold": True, "bottom": 1, "text_wrap": True}, "section": {"bold": True},
    "total": {"bold": True, "top": 1},
}  # fmt: skip


def write_workbook(path: Path, statement: Statement, cells: dict[str, str]) -> None:
    """The statement as `.xlsx`, texts as `cells` has them; nothing in it is of the time of writing."""
    book = xlsxwriter.Workbook(str(path), {"in_memory": True})
    month = statement.head["month"]
    book.set_properties({
        "title": f"{TITLE} {statement.head['statement_id']}", "created": datetime(month.year, month.month, 1)
    })  # fmt: skip
    formats = {(kind, shape): book.add_format(KINDS[kind] | SHAPES[shape]) for kind in KINDS for shape in SHAPES}
    amounts = [14] * len(statement.amounts)
    _statement_sheet(Sheet(book, formats, "Statement", [34, 26, 26, *amounts, 60, 12], cells), statement)
    _detail_sheet(Sheet(book, formats, "Detail", [24, 22, 22, 10, 14, 28, 16, 16, 10, 18, 16, 18], cells), statement)
    _transfers_sheet(Sheet(book, formats, "Transfers", [20, 26, 26, 14, 14], cells), statement)
    _changes_sheet(Sheet(book, formats, "What changed", [26, 26, *[13] * (len(CAUSES) + 1)], cells), statement)
    book.close()


def _statement_sheet(sheet: Sheet, statement: Statement) -> None:
    sheet.write([TITLE], "title")
    for name, value in statement.facts:
        sheet.write([name, value])
    sheet.row += 1
    for name, amount in statement.figures:
        sheet.write([name, "none" if amount is None else amount])
    sheet.row += 1
    currency = statement.reporting_currency
    reporting = [f"This month ({currency})"] if currency else []
    sheet.head(["Section", "Feature", "Name", "This month", "Last month", "Change", *reporting, "Why", "Corrects"])
    for name, rows, sums in statement.sections:
        for row in rows:
            amounts = [row[column] for column in statement.amounts]
            sheet.write([name, row["item"], row["item_name"], *amounts, row["why"], row["corrects_month"]])
        sheet.write([name, "", "", *sums], "section")
    sheet.write([TOTAL, "", "", *statement.totals, "", ""], "total")


def _detail_sheet(sheet: Sheet, statement: Statement) -> None:
    sheet.head([
        "Section", "Feature", "Name", "Corrects", "Provider", "Model", "Meter", "Quantity", "Unit", "Unit price (USD)",
        "USD per million", "Amount (USD)",
    ])  # fmt: skip
    sheet.freeze()
    for row in statement.details:
        price, quantity = row["unit_price_usd"], row["quantity"]
        is_whole = quantity is None or quantity == quantity.to_integral_value()
        shapes = {7: "count" if is_whole else "part", 9: "price", 10: "million", 11: "exact"}
        sheet.write([
            section_name(row["section"]), row["item"], row["item_name"], row["corrects_month"], row["provider"],
            row["model"], row["meter"] or "without calls", quantity, row["unit"], price,
            None if price is None else price * 1_000_000, row["amount_usd"],
        ], decimals=shapes)  # fmt: skip
    sheet.page.autofilter(0, 0, max(sheet.row - 1, 0), 11)
    sheet.write([TOTAL, *[""] * 10, statement.head["net_charge_usd"]], "total", {11: "exact"})
    sheet.write(["In cents", *[""] * 10, statement.total], "section")


def _transfers_sheet(sheet: Sheet, statement: Statement) -> None:
    sheet.head(["", "Team", "Name", "Cost center", "Amount (USD)"])
    sheet.freeze()
    for row in statement.transfers:
        sheet.write(
            [row["direction"], row["other_id"], row["other_name"], row["cost_center"], row["amount_booked_usd"]]
        )
    head = statement.head
    sheet.write(["Paid to providers", "", "", "", head["paid_booked_usd"]], "section")
    sheet.write(["plus what you owe", "", "", "", head["transfers_out_booked_usd"]], "section")
    sheet.write(["less what you are owed", "", "", "", head["transfers_in_booked_usd"]], "section")
    sheet.write([TOTAL, "", "", "", statement.total], "total")


def _changes_sheet(sheet: Sheet, statement: Statement) -> None:
    sheet.head(["Feature", "Name", *CAUSES.values(), "Change (USD)"])
    sheet.freeze()
    columns = [*CAUSES, "change"]
    for row in statement.changes:
        sheet.write([row["feature_id"], row["item_name"], *(row[column] for column in columns)])
    if statement.changes:
        sums = [sum((row[column] for row in statement.changes), Decimal(0)) for column in columns]
        sheet.write([TOTAL, "", *sums], "total")
    else:
        sheet.write(["Nothing changed." if statement.head["change_usd"] is not None else "There is no month before."])


@cache
def _template() -> jinja2.Template:
    loader = jinja2.FileSystemLoader(Path(__file__).parent)
    return jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True).get_template(
        "statement.html"
    )


def write_page(path: Path, statement: Statement) -> None:
    """The statement as one page of HTML to print on A4."""
    page = _template().render(statement=statement, title=TITLE, total=TOTAL, causes=CAUSES, section_name=section_name)
    path.write_text(page, encoding="utf-8")


def write(statement: Statement, place: Path, cells: dict[str, str]) -> dict[Path, dict]:
    """Workbook and page beside each other; the manifest's entry of each: rows of the statement, total (USD), sha256."""
    place.parent.mkdir(parents=True, exist_ok=True)
    workbook, page = (place.parent / f"{place.name}{ending}" for ending in ENDINGS)
    write_workbook(workbook, statement, cells)
    write_page(page, statement)
    entry = {"rows": len(statement.lines), "totals": {"amount_usd": str(statement.total)}}
    return {path: entry | {"sha256": sha256(path.read_bytes()).hexdigest()} for path in (workbook, page)}


def stated_total(path: Path) -> Decimal | None:
    """The total (USD) that a workbook or page shows; None where it shows none."""
    try:
        if path.suffix == ".html":
            found = re.search(r'<data id="total" value="([-0-9.]+)">', path.read_text(encoding="utf-8"))
            return Decimal(found[1]) if found else None
        rows = python_calamine.CalamineWorkbook.from_path(str(path)).get_sheet_by_name("Statement").to_python()
        at = next(row.index("This month") for row in rows if row[0] == "Section")
        return next(Decimal(str(row[at])).quantize(CENT) for row in rows if row[0] == TOTAL)
    except (OSError, ValueError, InvalidOperation, StopIteration, python_calamine.CalamineError):
        return None
