"""A figure: one query of the marts, shown as a table, a chart or tiles, with the query and its models beneath it."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import ROUND_FLOOR, Decimal
from typing import Any

import duckdb

from paths import pattern

TEAMS = ("team_id", "bearer_team_id", "payer_team_id", "owner_team_id", "debtor_team_id", "creditor_team_id", "teams")
FEATURES = ("feature_id", "new_feature_id", "incumbent_feature_id", "originating_feature_id", "features")
OF_WHOM = ("budget_of", "forecast_of")  # a team or a feature
DAYS = ("spent_on", "usage_on", "burned_on", "changed_on", "started_on")
ROWS_SHOWN = 300
MATRIX_TEAMS = 40  # a matrix of more is a list
ROWS_OPEN = 12  # a longer table under a chart is folded away
LINES_OPEN = 5  # of an answer, for all teams; each team sees all of its own
# A column's words, where its name alone would mislead.
LABELS = {
    "eval_pool_credit_usd": "pool credit", "covered_usd_pct": "covered", "covered_usd_pct_change": "covered, change",
    "production_usd_change": "production, change", "is_bill_up_coverage_down": "bill up, coverage down",
    "is_bill_up_coverage_down_trend": "bill up, coverage down (trend)", "pass_rate_usd_pct": "of cost with a pass rate",
    "bearer_team_id": "charged team", "teams": "charged teams", "features": "feature", "spent_on": "day",
    "started_on": "day", "burned_on": "day", "usage_on": "day", "forecast_pct": "forecast of budget",
    "capture_pct": "traced, of the bill", "day_7_pct": "error on day 7", "day_14_pct": "on day 14",
    "day_21_pct": "on day 21", "actual_usd": "came to",
    "adopters_lost_pct": "lost by adopters", "incumbent_lost_pct": "incumbent lost", "diversion_pct": "diversion",
    "events_pct": "of events", "production_usd_pct": "of production", "evaluation_usd_pct": "of production",
    "ai_margin_pct": "AI margin, of revenue", "conversion_pct": "converted", "other_conversion_pct": "others converted",
    "unevaluated_usd_pct": "unevaluated, of production", "bill_share": "of the bill",
    "cumulative_bill_share": "with those before it", "ci_low": "at least", "ci_high": "at most",
    "uncovered_usd": "ran uncovered", "target_pct": "target", "cover_usd": "cost to cover", "eval_rank": "rank",
    "needed_usd": "cost of these", "ran_on": "last run", "volatility_usd_change": "volatility, change",
    "change_pct": "change, of today's", "of_the_mean_pct": "of the mean",
    "proposed_of_the_mean_pct": "proposed, of the mean", "proposed_mean_usd": "mean month proposed",
    "part_today_pct": "its part today", "proposed_part_pct": "its part proposed",
    "pass_rate_low": "rate, at least", "pass_rate_high": "rate, at most",
}  # fmt: skip

# Who bears a feature's calls that month, for tables by feature.
BORNE_BY = """(
    select list_sort(list(distinct spend.bearer_team_id)) from marts.spend_daily as spend
    where spend.originating_feature_id = {feature} and date_trunc('month', spend.spent_on) = {month}
) as teams"""


@dataclass
class Figure:
    """`sql` may name $month. `total` rounds each column of money so that it adds up to its rounded sum. `parts` (name
    of a sum, names of what adds up to it) rounds the parts of each row so that they add up across it instead.
    `added` (name of a column, and of two others) shows one column as the sum of what the others show.
    `chart` names a function of charts.py; it draws rows where the column `drawn` is neither empty nor zero, or of
    `fold` (a field's name, columns and what to call each; one with a minus counts against the others) a row for each of
    these columns that is not zero.

    `needs` is a query for a truth without which there is nothing to draw or answer, and the sentence that says so;
    `nothing` is the sentence where no row is found. Of an answer `says` is a line: columns in braces, and in brackets
    what falls away where a column is empty; `link` is where its figures stand."""

    key: str
    title: str
    sql: str
    note: str = ""
    chart: str = ""
    total: bool = False
    parts: tuple[str, tuple[str, ...]] = ("", ())
    added: tuple[str, str, str] = ("", "", "")
    shape: str = "table"  # table, tiles, matrix, answer
    places: int = 2  # of its money
    landed: str = ""  # a table of DATA/landed, where no mart has it
    source: str = ""  # another database, where the ledger has it not
    drawn: str = ""
    is_whole: bool = False  # its table is not cut
    has_zeros: bool = False  # a column of zeros says something, and stays
    fold: tuple[str, dict[str, str]] = ("", {})
    needs: tuple[str, str] = ("", "")
    nothing: str = "Nothing yet."
    aside: tuple[str, ...] = ()  # columns for the filter or the chart alone
    says: str = ""
    link: str = ""


@dataclass
class Cell:
    text: str
    exact: str = ""
    is_number: bool = False
    id: str = ""  # of what `text` names
    ids: str = ""  # of a list of names
    is_zero: bool = False
    is_tiny: bool = False  # money that is shown as zero and is not
    link: str = ""  # a page of the site

    @property
    def is_id_beside(self) -> bool:
        """Whether the name does not spell the id already."""
        return bool(self.id) and re.sub(r"[\W_]+", "-", self.text.casefold()) != re.sub(
            r"[\W_]+", "-", self.id.casefold()
        )


@dataclass
class Row:
    cells: list[Cell]
    teams: list[str]
    features: list[str]
    day: str


class Names:
    """Names of teams and features in the company's catalog by their ids; two things of one name have their ids beside.
    Sentinels are words of their own."""

    SENTINELS = ("quality_pool", "unattributed", "unlabelled", "untraced", "idle", "invoice_only", "no_usage")

    def __init__(self, teams: Sequence[tuple[str, str]] = (), features: Sequence[tuple[str, str]] = ()):
        self.teams, self.features = self._unique(teams), self._unique(features)
        self.budgets = self.teams | {f"feature {id}": f"feature {name}" for id, name in self.features.items()}

    @staticmethod
    def _unique(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
        called = {id: id.replace("_", " ").capitalize() for id in Names.SENTINELS}
        called |= {id: name for id, name in pairs if name}
        count = Counter(called.values())
        return {
            id: f"{name} ({id})" if count[name] > 1 and id not in Names.SENTINELS else name
            for id, name in called.items()
        }

    def of(self, column: str, id: str) -> str:
        if column in OF_WHOM:
            return self.budgets.get(id, id)
        return (self.teams if column in TEAMS else self.features if column in FEATURES else {}).get(id, id)


@dataclass
class Shown:
    """A figure with its rows, as the templates read it."""

    figure: Figure
    sql: str
    marts: list[tuple[str, str]]
    shape: str
    columns: list[str] = field(default_factory=list)
    numbers: list[bool] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    totals: list[Cell] = field(default_factory=list)
    points: list[dict] = field(default_factory=list)
    hidden: int = 0
    missing: str = ""
    lacking: str = ""
    left_out: list[str] = field(default_factory=list)  # columns that are empty or zero throughout
    zeros: int = 0  # rows likewise

    @property
    def is_folded(self) -> bool:
        return bool(self.points) and len(self.rows) > ROWS_OPEN

    @property
    def has_teams(self) -> bool:
        return any(row.teams for row in self.rows)

    @property
    def has_features(self) -> bool:
        return any(row.features for row in self.rows)

    @property
    def has_days(self) -> bool:
        return any(row.day for row in self.rows)

    def label(self, column: str) -> str:
        if column in LABELS:
            return LABELS[column]
        words = re.sub(r"^(is|has)_", "", re.sub(r"_(usd|id)$", "", column))
        words = re.sub(r"(_usd)?_pct(?=_|$)", "_%", words).replace("usd_per_", "cost_per_").replace("_usd_", "_")
        words = re.sub(r"\bai_", "AI_", words)
        return words.replace("_", " ")

    def matrix(self) -> dict:
        """Rows of (side, top, amount), totals with an empty side or top, as a square of ids."""
        cells = {(row.cells[0].id, row.cells[1].id): row.cells[2] for row in self.rows}
        names = {cell.id: cell for row in self.rows for cell in row.cells[:2]}
        sides, tops = ([names[id] for id in {key[place]: None for key in cells if key[place]}] for place in (0, 1))
        return {"cells": cells, "sides": sides, "tops": tops}

    def lines(self) -> list[tuple[Row, list[str | tuple[str, Cell]]]]:
        """An answer's rows as text and (column, cell) in turns."""
        lines = []
        for row in self.rows:
            cells = dict(zip(self.columns, row.cells, strict=True))
            parts = []
            for optional, plain_part in re.findall(r"\[([^]]*)\]|([^[]+)", self.figure.says):
                pieces = re.split(r"\{(\w+)\}", optional or plain_part)
                if not optional or all(cells[name].text != "-" for name in pieces[1::2]):
                    parts += [(text, cells[text]) if place % 2 else text for place, text in enumerate(pieces) if text]
            lines.append((row, parts))
        return lines

    def leave_out(self) -> None:
        """Rows without a number but zero, then columns likewise or without a word, as nobody reads them. A cut table
        keeps them, because hidden rows may have what these lack."""
        kept = [row for row in self.rows if self.hidden or not any(self.numbers) or any(
            is_number and not cell.is_zero for cell, is_number in zip(row.cells, self.numbers, strict=True)
        )]  # fmt: skip
        if not kept:
            return
        self.zeros, self.rows = len(self.rows) - len(kept), kept
        aside = self.figure.aside
        empty = [
            place for place in range(1, len(self.columns)) if not self.hidden
            and all(row.cells[place].is_zero for row in kept) and self.columns[place] not in aside
            and not (self.figure.has_zeros and any(row.cells[place].exact for row in kept))
        ]  # fmt: skip
        self.left_out = [self.label(self.columns[place]) for place in empty]
        used = [place for place, name in enumerate(self.columns) if place not in empty and name not in aside]
        self.columns, self.numbers = [self.columns[place] for place in used], [self.numbers[place] for place in used]
        self.totals = [self.totals[place] for place in used] if self.totals else []
        for row in kept:
            row.cells = [row.cells[place] for place in used]


def marts_of(sql: str) -> list[str]:
    return sorted(set(re.findall(r"\bmarts\.(\w+)", sql)))


def is_money(name: str, value) -> bool:
    return isinstance(value, Decimal) and "usd" in name


def cell(name: str, value, places: int = 2, shown: Decimal | None = None, names: Names | None = None) -> Cell:
    """A value as people read it; money to the cent (`shown`, where it was rounded with others), of a single unit to the
    hundredth of one, and exact beside it; what the catalog names by its name, with the id beside."""
    if value is None:
        return Cell("-", is_zero=True)
    if isinstance(value, bool):
        return Cell("yes" if value else "no", is_zero=not value)
    if isinstance(value, Decimal):
        places = max(places, 4) if "usd_per_" in name else places
        rounded = (value if shown is None else shown).quantize(Decimal(1).scaleb(-places))
        is_change = name.endswith("_change") or name == "change_usd"
        sign, unit = "-" if rounded < 0 else "+" if is_change and rounded else "", "$" if is_money(name, value) else ""
        text = f"{sign}{unit}{abs(rounded):,.{places}f}"
        return Cell(text, f"{value:f}", True, is_zero=not value, is_tiny=bool(value) and not rounded)
    if isinstance(value, float):
        if name.endswith("_pct_change"):
            points = round(value * 100, 1)
            return Cell(f"{points:+.1f} points" if points else "0.0 points", repr(value), True, is_zero=not value)
        is_share = name.endswith(("_pct", "_share", "_rate", "_rate_low", "_rate_high"))
        return Cell(f"{value * 100:.1f} %" if is_share else f"{value:,.2f}", repr(value), True, is_zero=not value)
    if isinstance(value, int):
        return Cell(f"{value:,}", str(value), True, is_zero=not value)
    if isinstance(value, datetime):
        return Cell(value.isoformat(" ", "seconds"))
    if isinstance(value, list):
        called = [names.of(name, str(each)) if names else str(each) for each in value]
        return Cell(", ".join(called), is_zero=not value, ids=", ".join(map(str, value)))
    if name in (*TEAMS, *FEATURES, *OF_WHOM):
        return Cell(names.of(name, str(value)) if names else str(value), id=str(value))
    return Cell(str(value))


def apportioned(values: list[Decimal], unit: Decimal, total: Decimal) -> list[Decimal]:
    """Amounts rounded to units that add up to `total`, their rounded sum, by largest remainder."""
    rounded = [value.quantize(unit, ROUND_FLOOR) for value in values]
    left = int((total - sum(rounded)) / unit)
    if not 0 <= left <= len(values):
        raise ValueError(f"parts add up to {sum(values)}, their whole is {total}")
    for place in sorted(range(len(values)), key=lambda place: rounded[place] - values[place])[:left]:
        rounded[place] += unit
    return rounded


def spread(values: Sequence[Decimal | None], unit: Decimal) -> list[Decimal | None]:
    """Amounts in units that add up to the rounding of their exact sum; what is unknown stays unknown."""
    known = [value for value in values if value is not None]
    rounded = iter(apportioned(known, unit, sum(known, Decimal(0)).quantize(unit)))
    return [None if value is None else next(rounded) for value in values]


def as_shown(figure: Figure, names: list[str], kinds: list[str], values: list[tuple]) -> dict[str, list]:
    """The money columns of a figure as they are shown, by name."""
    unit = Decimal(1).scaleb(-figure.places)
    columns: dict[str, list] = {}
    for place, (name, kind) in enumerate(zip(names, kinds, strict=True)):
        if kind.startswith("DECIMAL") and name.endswith("_usd") and figure.total:
            columns[name] = spread([row[place] for row in values], unit)
    whole, parts = figure.parts
    places = [names.index(part) for part in parts]
    for number, row in enumerate(values if whole else ()):
        rounded = apportioned([row[place] for place in places], unit, columns[whole][number])
        for part, amount in zip(parts, rounded, strict=True):
            columns[part][number] = amount
    sums, *addends = figure.added
    if sums:
        columns[sums] = [one + other for one, other in zip(*(columns[name] for name in addends), strict=True)]
    return columns


def plain(value):
    """A value as a chart takes it: drawn, never added up."""
    if isinstance(value, Decimal):
        return float(value)
    return value.isoformat()[:10] if isinstance(value, date) else value


def ids_of(row: dict, columns: tuple[str, ...]) -> list[str]:
    found = []
    for name in columns:
        value = row.get(name)
        found += value if isinstance(value, list) else [value] if value else []
    return sorted({str(id) for id in found})


def day_of(row: dict) -> str:
    return next((row[name].isoformat()[:10] for name in DAYS if isinstance(row.get(name), date)), "")


def points_of(figure: Figure, row: dict, names: Names) -> list[dict]:
    """What a chart draws of a row: nothing of one that has nothing to draw."""
    point: dict[str, Any] = {
        name: names.of(name, value) if isinstance(value, str) else plain(value)
        for name, value in row.items() if name != "teams"
    }  # fmt: skip
    # Ids for the filter, as what is drawn are names.
    point |= {"teams": ids_of(row, TEAMS), "features": ids_of(row, FEATURES), "day": day_of(row)}
    column, parts = figure.fold
    if not column:
        return [point] if not figure.drawn or row[figure.drawn] else []
    return [
        {**point, column: called, "usd": -point[name[1:]] if name.startswith("-") else point[name]}
        for name, called in parts.items() if row[name.removeprefix("-")]
    ]  # fmt: skip


def fill(engine, figure: Figure, month: date | None, landed: str, paths: dict[str, str], names: Names) -> Shown:
    """Runs a figure's query, exactly as it will stand under the figure."""
    when = f"date '{month}'" if month else "cast(null as date)"
    sql = figure.sql.strip().replace("$month", when)
    shown = Shown(figure, sql, [(mart, paths.get(mart, "")) for mart in marts_of(sql)], figure.shape)
    try:
        found = engine.execute(sql.replace("DATA/landed", pattern(landed)))
    except (duckdb.CatalogException, duckdb.BinderException):
        shown.missing = "this ledger was built by another version; run make build"
        return shown
    except duckdb.IOException:
        return shown
    columns = [column[0] for column in found.description]
    kinds = [str(column[1]) for column in found.description]
    values = found.fetchall()
    needed, lacking = figure.needs
    if needed and not engine.execute(needed.replace("$month", when)).fetchone()[0]:
        shown.lacking = lacking
    if figure.shape == "tiles" and values and all(value is None for value in values[0]):
        values = []
    if figure.shape == "matrix" and max(len({row[place] for row in values}) for place in (0, 1)) > MATRIX_TEAMS + 1:
        shown.shape = "table"
        values = sorted((row for row in values if row[0] and row[1]), key=lambda row: -row[2])
    shown.columns = columns
    shown.numbers = [kind.startswith(("DECIMAL", "BIGINT", "INTEGER", "HUGEINT", "DOUBLE")) for kind in kinds]
    shown.hidden = max(0, len(values) - ROWS_SHOWN) if shown.shape == "table" and not figure.is_whole else 0
    rounded = as_shown(figure, columns, kinds, values)
    for number, row in enumerate(values[: len(values) - shown.hidden]):
        named = dict(zip(columns, row, strict=True))
        cells = [
            cell(name, value, figure.places, rounded[name][number] if name in rounded else None, names)
            for name, value in named.items()
        ]
        shown.rows.append(Row(cells, ids_of(named, TEAMS), ids_of(named, FEATURES), day_of(named)))
    if figure.chart and not shown.lacking:
        for row in values:
            shown.points += points_of(figure, dict(zip(columns, row, strict=True)), names)
    if figure.total and values:
        shown.totals = [
            cell(name, sum(filter(None, rounded[name]), Decimal(0)), figure.places) if name in rounded else Cell("")
            for name in columns
        ]
    if shown.shape == "table" and shown.rows:
        shown.leave_out()
    return shown
