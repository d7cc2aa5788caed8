"""A figure: one query of the marts, shown as a table, a chart or tiles, with the query and its models beneath it."""

import re
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import ROUND_FLOOR, Decimal

import duckdb

from paths import pattern

TEAMS = ("team_id", "bearer_team_id", "payer_team_id", "owner_team_id", "debtor_team_id", "creditor_team_id", "teams")
ROWS_SHOWN = 150
ROWS_OPEN = {True: 12, False: 40}  # a longer table is folded away, under a chart sooner

# Who bears a feature's calls that month, for tables by feature.
BORNE_BY = """(
    select list_sort(list(distinct spend.bearer_team_id)) from marts.spend_daily as spend
    where spend.originating_feature_id = {feature} and date_trunc('month', spend.spent_on) = {month}
) as teams"""


@dataclass
class Figure:
    """`sql` may name $month. `total` adds up the money as it is shown. `parts` (name of a sum, names of what adds up to
    it) rounds the parts of each row so that they add up as shown. `chart` names a function of charts.py."""

    key: str
    title: str
    sql: str
    note: str = ""
    chart: str = ""
    total: bool = False
    parts: tuple[str, tuple[str, ...]] = ("", ())
    shape: str = "table"  # table, tiles, matrix
    places: int = 2  # of its money
    landed: str = ""  # a table of DATA/landed, where no mart has it


@dataclass
class Cell:
    text: str
    exact: str = ""
    is_number: bool = False


@dataclass
class Shown:
    """A figure with its rows, as the templates read it."""

    figure: Figure
    sql: str
    marts: list[tuple[str, str]]
    columns: list[str] = field(default_factory=list)
    numbers: list[bool] = field(default_factory=list)
    rows: list[tuple[list[Cell], list[str]]] = field(default_factory=list)
    totals: list[Cell] = field(default_factory=list)
    points: list[dict] = field(default_factory=list)
    hidden: int = 0
    missing: str = ""

    @property
    def is_folded(self) -> bool:
        return len(self.rows) > ROWS_OPEN[bool(self.figure.chart)]

    @property
    def has_teams(self) -> bool:
        return any(teams for _, teams in self.rows)

    def label(self, column: str) -> str:
        words = re.sub(r"^(is|has)_", "", re.sub(r"_(usd|id)$", "", column))
        words = re.sub(r"(_usd)?_pct(?=_|$)", "_%", words).replace("usd_per_", "USD_per_").replace("_usd_", "_")
        words = re.sub(r"\bai_", "AI_", words)
        return words.replace("_", " ")

    def matrix(self) -> dict:
        """Rows of (side, top, amount), totals with an empty side or top, as a square."""
        cells = {(row[0].text, row[1].text): (row[2], teams) for row, teams in self.rows}
        sides, tops = ({key[place]: None for key in cells if key[place]} for place in (0, 1))
        return {"cells": cells, "sides": list(sides), "tops": list(tops)}


def marts_of(sql: str) -> list[str]:
    return sorted(set(re.findall(r"\bmarts\.(\w+)", sql)))


def cell(name: str, value, places: int = 2, shown: Decimal | None = None) -> Cell:
    """A value as people read it; money to the cent (`shown`, where it was rounded with others), of a single unit to the
    hundredth of one, and exact beside it."""
    if value is None:
        return Cell("-")
    if isinstance(value, bool):
        return Cell("yes" if value else "no")
    if isinstance(value, Decimal):
        places = max(places, 4) if "usd_per_" in name else places
        rounded = (value if shown is None else shown).quantize(Decimal(1).scaleb(-places))
        return Cell(f"{rounded or abs(rounded):,.{places}f}", f"{value:f}", True)
    if isinstance(value, float):
        is_share = name.endswith(("_pct", "_pct_change", "_share", "_rate", "_rate_low", "_rate_high"))
        return Cell(f"{value * 100:.1f} %" if is_share else f"{value:,.2f}", repr(value), True)
    if isinstance(value, int):
        return Cell(f"{value:,}", str(value), True)
    if isinstance(value, datetime):
        return Cell(value.isoformat(" ", "seconds"))
    if isinstance(value, list):
        return Cell(", ".join(map(str, value)))
    return Cell(str(value))


def apportioned(values: list[Decimal], unit: Decimal, total: Decimal) -> list[Decimal]:
    """Amounts rounded to units that add up to `total`, their rounded sum, by largest remainder."""
    rounded = [value.quantize(unit, ROUND_FLOOR) for value in values]
    left = int((total - sum(rounded)) / unit)
    for place in sorted(range(len(values)), key=lambda place: rounded[place] - values[place])[:left]:
        rounded[place] += unit
    return rounded


def as_shown(figure: Figure, names: list[str], kinds: list[str], values: list[tuple]) -> dict[str, list]:
    """The money columns of a figure as they are shown, by name."""
    unit = Decimal(1).scaleb(-figure.places)
    columns: dict[str, list] = {}
    for place, (name, kind) in enumerate(zip(names, kinds, strict=True)):
        if kind.startswith("DECIMAL") and name.endswith("_usd") and figure.total:
            columns[name] = [None if row[place] is None else row[place].quantize(unit) for row in values]
    whole, parts = figure.parts
    places = [names.index(part) for part in parts]
    for number, row in enumerate(values if whole else ()):
        rounded = apportioned([row[place] for place in places], unit, columns[whole][number])
        for part, amount in zip(parts, rounded, strict=True):
            columns[part][number] = amount
    return columns


def plain(value):
    """A value as a chart takes it: drawn, never added up."""
    if isinstance(value, Decimal):
        return float(value)
    return value.isoformat()[:10] if isinstance(value, date) else value


def teams_of(row: dict) -> list[str]:
    found = []
    for name in TEAMS:
        value = row.get(name)
        found += value if isinstance(value, list) else [value] if value else []
    return sorted({str(team) for team in found})


def fill(engine, figure: Figure, month: date | None, landed: str, paths: dict[str, str]) -> Shown:
    """Runs a figure's query, exactly as it will stand under the figure."""
    when = f"date '{month}'" if month else "cast(null as date)"
    sql = figure.sql.strip().replace("$month", when)
    shown = Shown(figure, sql, [(mart, paths.get(mart, "")) for mart in marts_of(sql)])
    try:
        found = engine.execute(sql.replace("DATA/landed", pattern(landed)))
    except (duckdb.CatalogException, duckdb.BinderException):
        shown.missing = "this ledger was built by another version; run make build"
        return shown
    except duckdb.IOException:
        return shown
    names = [column[0] for column in found.description]
    kinds = [str(column[1]) for column in found.description]
    values = found.fetchall()
    if figure.shape == "tiles" and values and all(value is None for value in values[0]):
        values = []
    shown.columns = names
    shown.numbers = [kind.startswith(("DECIMAL", "BIGINT", "INTEGER", "HUGEINT", "DOUBLE")) for kind in kinds]
    shown.hidden = max(0, len(values) - ROWS_SHOWN) if figure.shape == "table" else 0
    columns = as_shown(figure, names, kinds, values)
    for number, row in enumerate(values[: len(values) - shown.hidden]):
        named = dict(zip(names, row, strict=True))
        cells = [
            cell(name, value, figure.places, columns[name][number] if name in columns else None)
            for name, value in named.items()
        ]
        shown.rows.append((cells, teams_of(named)))
    if figure.chart:
        for row in values:
            named = dict(zip(names, row, strict=True))
            point = {name: plain(value) for name, value in named.items() if name != "teams"}
            shown.points.append({**point, "teams": teams_of(named)})
    if figure.total and values:
        shown.totals = [
            cell(name, sum(filter(None, columns[name]), Decimal(0)), figure.places) if name in columns else Cell("")
            for name in names
        ]
    return shown
