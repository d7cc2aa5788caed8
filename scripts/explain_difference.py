"""Why a team's own figures differ from the ledger's, by cause.

Usage: explain_difference.py FILE DATA [--month 2026-10]. FILE is a CSV or XLSX with a column of features or of teams,
of months (or --month), of amounts, and perhaps of currencies. Prints each line's way from its figure to the ledger's,
and writes DATA/exports/differences/<name of the file>.csv, to the last digit. The SQL beside this file does the work.
Exit 0; 2 where a cell is not understood: each is named by file, line and value, and nothing is worked out.
"""

import argparse
import csv
import os
import re
import sys
from collections.abc import Iterator
from datetime import date
from decimal import Context, Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

import duckdb

import ending
import export
import state
from landing import Unreadable, documents, settled
from landing.engine import HERE, engine_for
from paths import quoted
from terminal import plain, print

WALK = Path(__file__).with_suffix(".sql")
HEADERS = {
    "feature": ("feature", "features", "feature id", "feature name"),
    "team": ("team", "teams", "team id", "team name"),
    "month": ("month", "billing month", "usage month", "posted month", "period", "billing period", "date"),
    "amount": ("amount", "cost", "costs", "spend", "charge", "charges", "net charge", "total", "total cost", "sum"),
    "currency": ("currency", "currencies", "currency code", "ccy", "curr"),
}
ROLES = {name: role for role, names in HEADERS.items() for name in names}
SIGNS = {"$": "USD", "US$": "USD", "€": "EUR", "£": "GBP"}
# "Cost (USD)", "Amount in EUR", "Spend $", "Total, HUF". Small letters are a currency only if it is one of these.
CURRENCIES = "usd|eur|gbp|chf|jpy|cny|inr|krw|aud|cad|nzd|brl|mxn|sek|nok|dkk|pln|czk"
IN_CURRENCY = re.compile(rf"(.*?)[ (\[,-]*(?i:in )?((?i:us\$|[$€£]|\b(?:{CURRENCIES}))|\b[A-Z]{{3}})[)\]]?")
MOST_BYTES = 16_000_000
SHOWN = 20  # errors that are named
TABLES = """
create temp table cells (line bigint, feature varchar, team varchar, month varchar, amount varchar, currency varchar);
create temp table figures (
    line bigint, kind varchar, subject varchar, month date, amount decimal(38, 12), currency varchar,
    is_currency_stated boolean, places integer
)"""
# A month may be written as a day, or as 2026-10, 10/2026, Oct 2026 or Oct-26.
CELLS = r"""
with stated as (
    select *, cell_of(amount) as amount_cell, cell_of(month) as month_cell,
        nullif(regexp_extract(amount, '(US\$|USD|EUR|GBP|[$€£])', 1), '') as sign
    from cells
),
months as (
    select *,
        case
            when regexp_full_match(month_cell, '\d{4}[-/.]\d{1,2}')
                then regexp_replace(month_cell, '(\d+)[-/.](\d+)', '\1-\2-1')
            when regexp_full_match(month_cell, '\d{1,2}[-/.]\d{4}')
                then regexp_replace(month_cell, '(\d+)[-/.](\d+)', '\2-\1-1')
            when regexp_full_match(month_cell, '(?i)[a-z]{3,9}\.?[ -]*''?(\d{4}|\d\d)')
                then iso_time(regexp_replace(month_cell, '(?i)^([a-z]+)\.?[ -]*''?(\d+)$', '1 \1 \2'), 'mdy')
        end as of_month
    from stated
)
select line, feature, team, month, amount, currency, sign,
    plain_number(amount_cell, 'point') as with_point, plain_number(amount_cell, 'comma') as with_comma,
    try_cast(coalesce(of_month, iso_time(month_cell, 'mdy')) as date) as month_first,
    try_cast(coalesce(of_month, iso_time(month_cell, 'dmy')) as date) as day_first
from months order by line
"""
KNOWN = {
    "feature": """
select feature_id as id, coalesce(max(name), feature_id) as name from (
    select feature_id, name from ledger.seeds.feature_catalog
    union all select feature_id, null from ledger.marts.ledger_entries
) where feature_id is not null group by feature_id""",
    "team": """
select team_id as id, coalesce(max(name), team_id) as name from (
    select team_id, name from ledger.seeds.teams
    union all select team_id, null from ledger.marts.team_chargeback_monthly
) where team_id is not null group by team_id""",
}
MONTHS = "select distinct month from ledger.marts.team_chargeback_monthly order by month"
WITHOUT_RATE = """
select line, currency, strftime(month, '%Y-%m') from figures
where currency != 'USD' and not exists (
    select 1 from ledger.seeds.fx_rates as fx where upper(fx.currency) = figures.currency and rate_on <= last_day(month)
)"""
WRITTEN = """
select line, case kind when 'feature' then subject end as feature_id, case kind when 'team' then subject end as team_id,
    month, amount, currency, your_usd, ledger_usd, difference_usd, base, fit, cause_no, cause, cause_usd, explanation
from explained order by line, cause_no"""


class Refused(Exception):
    """The file can't be read without guessing; the message has a sentence per line."""


class Sheet(NamedTuple):
    """A table with a header: its file and sheet, its column per role, and its rows (line, cells)."""

    title: str
    header_line: int
    columns: dict[str, int]
    header: list[str]
    currency: str  # that the header of the amounts names
    rows: list[tuple[int, list[str]]]
    delimiter: str

    def cell(self, cells: list[str], role: str) -> str | None:
        return cells[self.columns[role]] if role in self.columns else None


class Cells(NamedTuple):
    """A line as it is written, and what the cells of its amount and month may mean: one reading, or two."""

    line: int
    feature: str | None
    team: str | None
    month: str | None
    amount: str
    currency: str | None
    sign: str | None
    with_point: str | None
    with_comma: str | None
    month_first: date | None
    day_first: date | None


def role_of(header: str) -> tuple[str, str]:
    """(what a column is by its header, the currency named there), each empty if the header says nothing of it."""
    text = re.sub(r"[_\s]+", " ", header.strip())
    if text.lower() in ROLES:
        return ROLES[text.lower()], ""
    if not (found := IN_CURRENCY.fullmatch(text)):
        return "", ""
    name, sign = found[1].strip().lower(), found[2].upper()
    is_known = sign in SIGNS or sign.lower() in CURRENCIES.split("|")
    is_amount = ROLES.get(name) == "amount" if name else is_known
    return ("amount", SIGNS.get(sign, sign)) if is_amount else ("", "")


def tables_in(path: Path) -> Iterator[tuple[str, str, list[tuple[int, list[str]]]]]:
    """(sheet, mark between cells, rows with their lines) of each table in a file."""
    with path.open("rb") as raw:
        is_workbook = raw.read(4) in documents.ZIP_MAGIC or path.suffix.lower() in (".xls", ".xlsb", ".ods")
    if is_workbook:
        for name, sheet in documents.sheets(path.read_bytes()):
            texts = [[documents.text_of_cell(cell, True, False).strip() for cell in row] for row in sheet]
            yield name, "", list(enumerate(texts, 1))
        return
    with documents.opened(path) as stream:
        lines = list(documents.text_lines(stream))
    if any("\0" in line for line in lines):
        raise Refused(f"{path} is no text; save the sheet as CSV or XLSX")
    delimiter = delimiter_of(lines[: documents.HEADER_WITHIN])
    reader = csv.reader(lines, delimiter=delimiter)
    rows: list[tuple[int, list[str]]] = []
    try:
        for row in reader:
            rows.append((reader.line_num, [cell.strip() for cell in row]))
    except csv.Error as error:
        raise Refused(f"{path} line {reader.line_num} can't be read as CSV ({error}); save it again") from error
    yield "", delimiter, rows


def delimiter_of(lines: list[str]) -> str:
    """The delimiter, counted in the header: the first line that names a feature or a team."""
    for line in lines:
        delimiter = max(documents.DELIMITERS, key=line.count)
        if {role for role, _ in map(role_of, documents.header_of(line, delimiter))} & {"feature", "team"}:
            return delimiter
    return ","


def read(path: Path, month: str | None) -> Sheet:
    """The one table of a file that has the columns."""
    if not path.is_file():
        raise Refused(f"{path} is no file; say which: make explain-difference FILE=<CSV or XLSX>")
    if path.stat().st_size == 0:
        raise Refused(f"{path} is empty")
    if path.stat().st_size > MOST_BYTES:
        raise Refused(f"{path} has more than {MOST_BYTES // 1_000_000} MB; it would be a line per feature and month")
    found, near = [], []
    for name, delimiter, rows in tables_in(path):
        for place, (line, header) in enumerate(rows[: documents.HEADER_WITHIN]):
            names = [role for role, _ in map(role_of, header)]
            if not {"feature", "team"} & set(names):
                continue
            title = f"{path}{f', sheet {name}' if name else ''}"
            where = f"{title} line {line}"
            lacks = [role for role in ("amount", *(() if month else ("month",))) if role not in names]
            if lacks:
                near.append(f"{where}: no column for {' and '.join(lacks)} in {shown(header)}")
                continue
            if twice := [role for role in HEADERS if names.count(role) > 1]:
                same = [cell for cell, role in zip(header, names, strict=True) if role == twice[0]]
                raise Refused(f"{where}: {shown(same)} could each be the {twice[0]}; rename all but one")
            columns = {role: names.index(role) for role in HEADERS if role in names}
            body = [(number, cells) for number, cells in rows[place + 1 :] if any(cells)]
            currency = role_of(header[columns["amount"]])[1]
            found.append(Sheet(title, line, columns, header, currency, body, delimiter))
            break
    if len(found) > 1:
        raise Refused(f"{path}: {found[0].title} and {found[1].title} both have such columns; keep one sheet")
    if not found and near:
        raise Refused("\n".join(near) + ("" if month else "; without a column of months say MONTH=2026-10"))
    if not found:
        forms = "; ".join(f"{role}: {', '.join(names)}" for role, names in HEADERS.items())
        raise Refused(f"{path}: no header names a feature or a team. Known headers are {forms}")
    if not found[0].rows:
        raise Refused(f"{found[0].title} line {found[0].header_line}: there is no line below the header")
    return found[0]


def shown(cells: list[str]) -> str:
    return ", ".join(f"'{plain(cell)[:40]}'" for cell in cells if cell)


def is_total(cells: list[str], sheet: Sheet) -> bool:
    """Whether a line adds up the others."""
    names = [sheet.cell(cells, role) for role in ("feature", "team")]
    named = [name for name in (*names, cells[0] if not any(names) else "") if name]
    return bool(named) and all(re.fullmatch(documents.TOTAL, name) for name in named)


class Figures:
    """A team's figures on their way into table `figures`, with the faults and the notes on the way."""

    def __init__(self, engine: duckdb.DuckDBPyConnection, sheet: Sheet, path: Path, month: str | None):
        self.engine, self.sheet, self.path, self.month = engine, sheet, path, month
        self.known = {kind: dict(engine.execute(sql).fetchall()) for kind, sql in KNOWN.items()}
        self.ids: dict[tuple[str, str], list[str]] = {}  # by kind, and id or name in small letters
        for kind, names in self.known.items():
            for key, name in names.items():
                for word in {key.casefold(), name.casefold()}:
                    self.ids.setdefault((kind, word), []).append(key)
        self.months = [found for (found,) in engine.execute(MONTHS).fetchall()]
        self.faults: list[str] = []
        self.notes: list[str] = []
        self.seen: dict[tuple, int] = {}
        engine.execute(TABLES)

    def take(self) -> None:
        """Raises Refused, with all that is not understood, or where nothing is left."""
        if rows := self.rows():
            self.engine.executemany("insert into cells values (?, ?, ?, ?, ?, ?)", rows)
        lines = [Cells(*row) for row in self.engine.execute(CELLS).fetchall()]
        numbers = [(one.line, one.with_point, one.with_comma, one.amount) for one in lines]
        decimal = self.form("amount", "DECIMAL", numbers)
        # Only the month counts, so a date is ambiguous only if its two readings fall in different months.
        days = [(one.line, first_of(one.month_first), first_of(one.day_first), one.month) for one in lines]
        order = self.form("month", "DATE_ORDER", days)
        taken = [
            self.figure_of(
                one,
                one.with_point if decimal == "point" else one.with_comma,
                first_of(one.month_first if order == "mdy" else one.day_first),
                is_month_in_doubt=not order,
            )
            for one in lines
        ]
        if figures := [figure for figure in taken if figure]:
            self.engine.executemany("insert into figures values (?, ?, ?, ?, ?, ?, ?, ?)", figures)
        for line, currency, day in self.engine.execute(WITHOUT_RATE).fetchall():
            self.refuse(line, "currency", currency, f"seed fx_rates has no rate up to the end of {day}; add a row")
        if self.faults:
            more = len(self.faults) - SHOWN
            raise Refused("\n".join(self.faults[:SHOWN] + ([f"and {more} more"] if more > 0 else [])))
        if not self.seen:
            raise Refused(f"{self.path}: no line is left to explain" + (f", of {self.month}" if self.month else ""))

    def rows(self) -> list[tuple]:
        found = []
        for line, cells in self.sheet.rows:
            padded = cells + [""] * (len(self.sheet.header) - len(cells))
            row = documents.fitted(padded, self.sheet.header, self.sheet.delimiter)
            if isinstance(row, Unreadable):
                self.faults.append(f"{self.path} line {line}: {row}")
            elif row and is_total(row, self.sheet):
                self.notes.append(f"line {line} adds up the others, and is left out")
            elif row:
                found.append((line, *(self.sheet.cell(row, role) for role in HEADERS)))
        return found

    def form(self, role: str, setting: str, cells: list[tuple]) -> str:
        """How the file writes its amounts or months, decided by all its cells (line, first reading, second, text)."""
        first, second = settled.WORDS[setting.lower()]
        firsts = [cell for cell in cells if cell[1] is not None and cell[2] is None]
        seconds = [cell for cell in cells if cell[1] is None and cell[2] is not None]
        if firsts and seconds:
            line, _, _, text = seconds[0]
            other = f"line {firsts[0][0]} has '{plain(firsts[0][3])[:40]}'"
            self.refuse(line, role, text, f"it is written in another way than others: {other}; write all in one")
        if firsts or seconds:
            return first if firsts else second
        asking = [cell for cell in cells if cell[1] != cell[2]]
        if not asking:
            return first
        if said := os.environ.get(setting, ""):
            return said
        if role == "month":  # the ledger may have one of the two
            fits = [word for word, at in ((first, 1), (second, 2)) if all(cell[at] in self.months for cell in asking)]
            if len(fits) == 1:
                how = "the day first" if fits[0] == second else "the month first"
                self.notes.append(f"days are read with {how}: so the ledger has their months")
                return fits[0]
        line, *readings, text = asking[0]
        if role == "month":
            readings = [f"{day:%Y-%m}" for day in readings]
        how = f"{'write one of these, or ' if role == 'month' else ''}say {setting}={first} or {setting}={second}"
        self.refuse(line, role, text, f"it can be {' or '.join(readings)}; {how}")
        return ""

    def figure_of(self, one: Cells, number: str | None, month: date | None, is_month_in_doubt: bool) -> tuple | None:
        """A line's row of table `figures`; None of a line that is left out, or refused."""
        if self.month and month and not is_month_in_doubt and f"{month:%Y-%m}" != self.month:
            self.notes.append(f"line {one.line} is of {month:%Y-%m}, and is left out")
            return None
        before = len(self.faults)
        month = None if is_month_in_doubt else self.month_of(one, month)
        kind, subject = self.subject_of(one)
        amount, places = amount_of(number)
        if amount is None:
            how = "it is no amount; write a number such as 1234.50, and its currency in a column of its own"
            self.refuse(one.line, "amount", one.amount, how)
        currency = self.currency_of(one)
        if len(self.faults) > before:
            return None
        if (earlier := self.seen.setdefault((kind, subject, month), one.line)) != one.line:
            how = f"line {earlier} says an amount of it for {month:%Y-%m} already; add them up into one line"
            self.refuse(one.line, kind, subject or "", how)
            return None
        return one.line, kind, subject, month, amount, currency or "USD", bool(currency), places

    def subject_of(self, one: Cells) -> tuple[str, str | None]:
        named = [(kind, name) for kind, name in (("feature", one.feature), ("team", one.team)) if name]
        if len(named) != 1:
            how = "both a feature and a team are named" if named else "no feature or team is named"
            self.faults.append(f"{self.path} line {one.line}: {how}; write one of them, or take the line out")
            return "", None
        ((kind, name),) = named
        known, fitting = self.known[kind], self.ids.get((kind, name.casefold()), [])
        if name in known or len(fitting) == 1:
            return kind, name if name in known else fitting[0]
        is_named = len(self.faults) < SHOWN
        near = fitting or (get_close_matches(name, [*known, *known.values()], 3, 0.5) if is_named else [])
        which = f"did you mean {few(list(dict.fromkeys(near)))}?" if near else f"it has {few(sorted(known))}"
        self.refuse(one.line, kind, name, f"the ledger has no such {kind}; {plain(which)}")
        return kind, None

    def month_of(self, one: Cells, month: date | None) -> date | None:
        if "month" not in self.sheet.columns:
            month = date.fromisoformat(f"{self.month}-01")
        elif month is None:
            self.refuse(one.line, "month", one.month or "", "it is no month; write 2026-10")
        if month and month not in self.months:
            months = few([f"{known:%Y-%m}" for known in self.months]) or "none yet"
            self.refuse(
                one.line, "month", one.month or self.month or "", f"the ledger has no such month; it has {months}"
            )
        return month

    def currency_of(self, one: Cells) -> str:
        """The currency that the line or the header states, else nothing."""
        stated = [(one.currency or "").upper(), SIGNS.get(one.sign or "", one.sign or ""), self.sheet.currency]
        stated = [SIGNS.get(name, name) for name in stated if name]
        if len(set(stated)) > 1:
            self.refuse(one.line, "currency", stated[0], f"the amount is in {stated[1]}; write one of them")
        elif stated and not re.fullmatch("[A-Z]{3}", stated[0]):
            self.refuse(one.line, "currency", stated[0], "it is none; write its code of three letters, such as EUR")
        return stated[0] if stated else ""

    def refuse(self, line: int, role: str, value: str, how: str) -> None:
        self.faults.append(f"{self.path} line {line}, {role} '{plain(value)[:60]}': {how}")


def first_of(day: date | None) -> date | None:
    return day and day.replace(day=1)


def amount_of(text: str | None) -> tuple[Decimal | None, int]:
    """(an amount, the decimals that it is written with)."""
    amount = Decimal(text) if text is not None else None
    if amount is None or not amount.is_finite() or abs(amount) >= 10**20:
        return None, 0
    # Sums of floats carry noise after their 15th digit, as in 194.23999999999998.
    short = Context(prec=15).plus(amount).normalize()
    if len(amount.as_tuple().digits) > 15 and len(short.as_tuple().digits) <= 10 and short != amount:
        amount = short
    places = max(-int(amount.as_tuple().exponent), 0)
    # The table has 12 decimals, and cents are compared.
    return (amount, places) if places <= 12 else (amount.quantize(Decimal("1e-12"), context=Context(prec=38)), 12)


def few(names: list[str]) -> str:
    return ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")


def tell(engine: duckdb.DuckDBPyConnection) -> None:
    """Prints each line's way from its figure to the ledger's, in cents; the line of rounding has what cents leave."""
    found = engine.execute("from explained order by line, cause_no")
    names = [column[0] for column in found.description]
    lines: dict[int, list[dict]] = {}
    for row in found.fetchall():
        named = dict(zip(names, row, strict=True))
        lines.setdefault(named["line"], []).append(named)
    walks = []
    for line, rows in lines.items():
        first, walk = rows[0], walk_of(rows)
        written = "" if first["currency"] == "USD" else f"{first['amount']:,.2f} {first['currency']}"
        print(f"\nline {line}: {first['kind']} {plain(first['subject'])}, {first['month']:%Y-%m}")
        print(f"  {said_of(first)}")
        show(walk, "your figure", written)
        walks.append(walk)
    if len(walks) > 1:
        together: dict[int, list] = {}
        for walk in walks:
            for number, (cause, amount, explanation) in walk.items():
                together.setdefault(number, [cause, Decimal(0), explanation])[1] += amount
        print("\nall lines together")
        show(together, "your figures", "")


def walk_of(rows: list[dict]) -> dict[int, tuple[str, Decimal, str]]:
    """Per number (cause, cents, explanation): 0 is the figure, and the last the ledger's."""
    start, end = in_cents(rows[0]["your_usd"]), rows[0]["booked_usd"]
    walk = {row["cause_no"]: (row["cause"], in_cents(row["cause_usd"]), row["explanation"]) for row in rows}
    left = end - start - sum(amount for _, amount, _ in walk.values())
    _, before, explanation = walk.get(2, ("rounding", Decimal(0), "decimals that a figure does not show"))
    walk[2] = ("rounding", before + left, explanation)
    return {0: ("", start, ""), **walk, 99: ("", end, "")}


def said_of(row: dict) -> str:
    if row["fit"] == "equal":
        return f"your figure is {row['base']}"
    if row["fit"] == "as other lines":
        return f"your figure is not {row['base']}, as that of other lines is; from there on"
    if row["fit"] == "none":
        return "your figure is none that the ledger can name"
    return f"your figure is none that the ledger can name; the nearest is {row['base']}; from there on"


def show(walk: dict, name: str, written: str) -> None:
    for number, (cause, amount, explanation) in sorted(walk.items()):
        if number in (0, 99):
            print(
                f"    {name if number == 0 else 'the ledger':22} {amount:16,.2f}  {'' if number else written}".rstrip()
            )
        elif amount or cause == "unexplained":
            print(f"    {cause:22} {amount:+16,.2f}  {explanation if amount else ''}".rstrip())


def in_cents(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"))


def explain(path: Path, data: Path, month: str | None) -> Path:
    """Prints why the figures of a file differ from the ledger in DATA; the CSV that says it to the last digit."""
    if month and not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", month):
        raise Refused(f"MONTH={plain(month)} is no month; write 2026-10")
    if complaint := settled.complaint_of_settings():
        raise Refused(complaint)
    if not (database := data / "ledger.duckdb").exists():
        raise Refused(f"{database} is not there; run make build first")
    sheet = read(path, month)
    with engine_for("") as engine:
        engine.execute((HERE / "readers" / "spreadsheets.sql").read_text())
        engine.execute(f"attach '{quoted(database)}' as ledger (read_only)")
        figures = Figures(engine, sheet, path, month)
        figures.take()
        chosen = [f"{role} from column '{plain(sheet.header[place])}'" for role, place in sheet.columns.items()]
        print(f"read {sheet.title}: {', '.join(chosen)}")
        unread = [name for place, name in enumerate(sheet.header) if name and place not in sheet.columns.values()]
        for note in figures.notes + ([f"not read: {shown(unread)}"] if unread else []):
            print(f"  {note}")
        engine.execute(WALK.read_text())
        tell(engine)
        target = data / "exports" / "differences" / f"{export.file_name(path.stem)}.csv"
        part = target.with_name(f".{target.name}.part")
        export.write_csv(engine, WRITTEN, [], part)
        state.move(part, target)
    return target


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("--month", help="of every line, or of those that count")
    arguments = parser.parse_args()
    try:
        target = explain(arguments.file, arguments.data, arguments.month or None)
    except Refused as error:
        for line in str(error).splitlines():
            print(f"ERROR: {line}", file=sys.stderr)
        return 2
    except OSError as error:
        if error.errno is not None:
            raise
        print(f"ERROR: {arguments.file}: {error}", file=sys.stderr)  # a workbook that can't be opened
        return 2
    print(f"\nTo the last digit: {target}; how the ledger comes to its figures: docs/accounting.md")
    return 0


if __name__ == "__main__":
    sys.exit(ending.of(main))
