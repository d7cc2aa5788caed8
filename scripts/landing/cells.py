"""How a file writes its numbers and days, decided by all its rows: decimal point or comma, month or day first.

A cell that only one reading allows is evidence; where two cells of a file contradict each other, the file is refused
whole. Where no cell decides: a table parted by semicolons has decimal commas; an exporter that documents its form is
believed, as far as the cells are in that form; else the point is decimal and the month comes first, which is said, or
what a row of seed bill_sources or DECIMAL and DATE_ORDER say.
"""

from decimal import Decimal
from typing import NamedTuple

import duckdb
import pyarrow as pa

from landing.documents import TOTAL
from landing.tables import DAY_OF, HEADERS, IS_NUMBER, IS_TIME, TABLES, columns_of

# Kinds whose exporters write ISO dates or epochs, and a decimal point without thousands.
DOCUMENTED = set(
    "openai_costs openai_usage anthropic_costs anthropic_usage openrouter_activity openrouter_daily".split()
)
# Their cells are text, in the form of the file; JSON and Parquet have numbers of their own.
CUTS_OF_TEXT = {"rows", "sheet_rows"}
EVIDENCE = """
create or replace temp table evidence (
    file_no integer, name varchar, is_time boolean,
    first_line bigint, first_cell varchar, second_line bigint, second_cell varchar,
    asking bigint, asking_line bigint, asking_cell varchar, asking_first varchar, asking_second varchar,
    first_from varchar, first_to varchar, second_from varchar, second_to varchar,
    first_sum decimal(38, 12), second_sum decimal(38, 12)
)"""
# Cells that one reading alone allows, cells that ask which, and sums by both. `first` is the reading with a decimal
# point, or with the month first.
WEIGHED = """
with said as (
    select file_no, source_line, {day} as day, {amount} as amount, unnest([{cells}]) as said from stated
),
read as (
    select *, said.name, said.is_time, said.cell,
        case
            when said.is_time then month_first(said.cell)
            when said.is_count then plain_count(said.cell, 'point')
            else plain_number(said.cell, 'point')
        end as first,
        case
            when said.is_time then day_first(said.cell)
            when said.is_count then plain_count(said.cell, 'comma')
            else plain_number(said.cell, 'comma')
        end as second
    from said
    where said.cell is not null
),
weighed as (
    select *, first is not null and second is null and {decides} as is_first,
        first is null and second is not null and {decides} as is_second,
        first != second and (is_time or {asks}) as is_asking,
        day is not null and not regexp_full_match(day, '{total}') as is_dated
    from read
),
valued as (
    select *,
        case when not is_time then first when is_asking then plain_number(amount, 'point') end as first_amount,
        case when not is_time then second when is_asking then plain_number(amount, 'comma') end as second_amount
    from weighed
)
select file_no, name, is_time,
    min(source_line) filter (where is_first), arg_min(cell, source_line) filter (where is_first),
    min(source_line) filter (where is_second), arg_min(cell, source_line) filter (where is_second),
    count(*) filter (where is_asking), min(source_line) filter (where is_asking),
    arg_min(cell, source_line) filter (where is_asking), arg_min(first, source_line) filter (where is_asking),
    arg_min(second, source_line) filter (where is_asking),
    min(first) filter (where is_asking and is_time), max(first) filter (where is_asking and is_time),
    min(second) filter (where is_asking and is_time), max(second) filter (where is_asking and is_time),
    sum(try_cast(first_amount as decimal(38, 12))) filter (where is_dated),
    sum(try_cast(second_amount as decimal(38, 12))) filter (where is_dated)
from valued
group by file_no, name, is_time"""
DECISIONS = """
create or replace temp table by_column as
select file_no, name, is_time,
    min(first_line) as first_line, arg_min(first_cell, first_line) as first_cell,
    min(second_line) as second_line, arg_min(second_cell, second_line) as second_cell,
    sum(asking) as asking, min(asking_line) as asking_line, arg_min(asking_cell, asking_line) as asking_cell,
    arg_min(asking_first, asking_line) as asking_first, arg_min(asking_second, asking_line) as asking_second,
    min(first_from) as first_from, max(first_to) as first_to, min(second_from) as second_from,
    max(second_to) as second_to, sum(first_sum) as first_sum, sum(second_sum) as second_sum
from evidence
group by file_no, name, is_time;
create or replace temp table by_kind as
with evident as (
    select file_no, is_time,
        min(first_line) as first_line, arg_min(first_cell, first_line) as first_cell,
        arg_min(name, first_line) as first_name,
        min(second_line) as second_line, arg_min(second_cell, second_line) as second_cell,
        arg_min(name, second_line) as second_name, sum(asking) as asking,
        case when is_time then ['mdy', 'dmy'] else ['point', 'comma'] end as words,
        case
            when is_time then ['the month first', 'the day first'] else ['a decimal point', 'a decimal comma']
        end as said,
        case when is_time then '{date_order}' else '{decimal}' end as setting,
        case when is_time then 'mdy' else '{default}' end as usual
    from by_column
    group by file_no, is_time
)
select *, first_line is null and second_line is null and asking > 0 as is_asking,
    case
        when first_line is not null then words[1]
        when second_line is not null then words[2]
        when asking > 0 and setting != '' then setting
        else usual
    end as reading,
    case when first_line is not null and second_line is not null
        then 'the file is refused whole, since it contradicts itself: line ' || first_line || ', ' || first_name
            || ' ''' || left(first_cell, 40) || ''' can only have ' || said[1] || ', and line ' || second_line || ', '
            || second_name || ' ''' || left(second_cell, 40) || ''' only ' || said[2] || '; export it again in one form'
    end as refusal
from evident;
create or replace temp table decisions as
with readings as (
    select file_no, max(reading) filter (where not is_time) as decimal,
        max(reading) filter (where is_time) as date_order, string_agg(refusal, '; ' order by is_time) as refusal
    from by_kind
    group by file_no
)
select readings.*,
    case when readings.decimal = 'comma' then amounts.second_sum else amounts.first_sum end as amount_sum
from readings
left join by_column as amounts on readings.file_no = amounts.file_no and amounts.name = {amount}"""


class Form(NamedTuple):
    """What is known of a task's files before their rows: the table, how it is cut and parted, and the settings."""

    table: str = ""
    cut: str = ""
    delimiter: str = ","
    decimal: str = ""
    date_order: str = ""

    @property
    def is_text(self) -> bool:
        return self.cut in CUTS_OF_TEXT


class Remark(NamedTuple):
    """Something to say of a file: a `warning`, a `note`, or the setting that its reading `asks` for."""

    file_no: int
    kind: str
    text: str


def is_provider_file(table: str) -> bool:
    return table != "spans" and "row_no" in TABLES[table].names


def has_forms(table: str, form: Form) -> bool:
    """Whether cells of this table may be written in more than one form: those that were text, and those of bills."""
    return table == form.table and (form.is_text or is_provider_file(table))


def main_amount(table: str) -> str | None:
    """The column whose sum says what is at stake."""
    return next(iter(columns_of(table, pa.types.is_decimal)), None)


def evidence_sql(table: str, form: Form) -> str:
    """What the rows in `stated` say, per file and column."""
    day = f"{DAY_OF[table]}_stated" if table in DAY_OF else "'none'"
    amount = f"{main_amount(table)}_stated" if main_amount(table) else "null"
    counts, times = columns_of(table, pa.types.is_integer), columns_of(table, *IS_TIME)
    said = [
        f"{{name: '{name}', is_time: {name in times}, is_count: {name in counts}, cell: {name}_stated}}"
        for name in [*columns_of(table, *IS_NUMBER), *times]
    ]
    # A cell in the form that is expected anyway asks nothing: a decimal point, or a comma between semicolons.
    asks = "true"
    if form.delimiter == ";":
        asks = "not contains(cell, ',')"
    elif table in DOCUMENTED:
        asks = "contains(cell, ',')"
    return WEIGHED.format(
        day=day,
        amount=amount,
        cells=", ".join(said),
        decides="true" if form.is_text else "is_time",
        asks=asks if form.is_text else "false",
        total=TOTAL,
    )


def decide(engine: duckdb.DuckDBPyConnection, table: str, form: Form) -> None:
    """The reading of each file, or why it is refused, as table `decisions`; `amount_sum` sums up its main amount."""
    default = "comma" if form.is_text and form.delimiter == ";" else "point"
    amount = f"'{main_amount(table)}'" if main_amount(table) else "null"
    engine.execute(DECISIONS.format(date_order=form.date_order, decimal=form.decimal, default=default, amount=amount))


def is_total_sql(table: str, form: Form) -> str:
    """Whether a row of `stated`, beside its file's decision, adds up the others: it is of no day, and says so, or it
    has their sum and names nothing."""
    days = [name for name in columns_of(table, *IS_TIME) if HEADERS[table][name].is_filled]
    if not (days and form.is_text and has_forms(table, form)):
        return "false"
    labels = columns_of(table, pa.types.is_string)
    blank = " and ".join(f"({name}_stated is null or regexp_full_match({name}_stated, '{TOTAL}'))" for name in days)
    says = " or ".join(f"coalesce(regexp_full_match({name}_stated, '{TOTAL}'), false)" for name in [*labels, *days])
    if amount := main_amount(table):
        names = [f"{name}_stated" for name in labels if "currency" not in name]
        nothing = f"coalesce({', '.join([*names, 'null'])}) is null"
        number = f"plain_number({amount}_stated, coalesce(decisions.decimal, 'point'))"
        says += f" or ({nothing} and try_cast({number} as decimal(38, 12)) = decisions.amount_sum)"
    return f"coalesce(case when {blank} then {says} end, false)"


def remarks(engine: duckdb.DuckDBPyConnection, table: str, form: Form, known: set[int]) -> list[Remark]:
    """What is said of files that were decided, but for those that are known; and of totals rows as they come."""
    said = []
    for file_no, kind, columns in _asking(engine, table, known):
        said.append(Remark(file_no, "asks", kind))
        if not getattr(form, kind):
            said.append(Remark(file_no, "warning", _warning(kind, columns)))
    if amount := main_amount(table):
        said += _totals(engine, amount)
    return said


def _asking(engine: duckdb.DuckDBPyConnection, table: str, known: set[int]) -> list[tuple[int, str, list[dict]]]:
    """(file, setting, its columns in doubt: what the row is worth and its day first), where no row decides."""
    first = f"('{main_amount(table)}', '{DAY_OF.get(table)}')"
    rows = engine.execute(
        f"""
        select file_no, case when is_time then 'date_order' else 'decimal' end as kind, by_column.*, reading,
            coalesce(decisions.decimal, 'point') as decimal
        from by_column
        inner join by_kind using (file_no, is_time)
        left join decisions using (file_no)
        where is_asking and by_column.asking > 0
        order by file_no, is_time, by_column.name in {first} desc, by_column.asking desc, by_column.name
        """
    )
    names = [column[0] for column in rows.description]
    found: dict[tuple[int, str], list[dict]] = {}
    for values in rows.fetchall():
        row = dict(zip(names, values, strict=True))
        if row["file_no"] not in known:
            found.setdefault((row["file_no"], row["kind"]), []).append(row)
    return [(file_no, kind, columns) for (file_no, kind), columns in found.items()]


def _warning(kind: str, columns: list[dict]) -> str:
    """Both readings of the column that is most in doubt, with an example and what they come to."""
    column, *others = columns
    cell, line, asking = column["asking_cell"], column["asking_line"], column["asking"]
    more = f" and {asking - 1:,} more" if asking > 1 else ""
    also = f", also {', '.join(other['name'] for other in others)}" if others else ""
    doubt = f"{column['name']} '{cell}' (line {line}{more}{also}) has two readings, and no row decides"
    if kind == "decimal":
        ways = {
            "point": f"with a decimal point {column['asking_first']}, its column {plain(column['first_sum'])}",
            "comma": f"with a decimal comma {column['asking_second']}, its column {plain(column['second_sum'])}",
        }
    else:
        amount = column["second_sum"] if column["decimal"] == "comma" else column["first_sum"]
        worth = f", with amounts of {plain(amount)}" if amount is not None else ""
        ways = {
            "mdy": f"month first {column['asking_first']}, its rows of {column['first_from']} to "
            f"{column['first_to']}{worth}",
            "dmy": f"day first {column['asking_second']}, its rows of {column['second_from']} to "
            f"{column['second_to']}{worth}",
        }
    read = column["reading"]
    other = next(way for way in ways if way != read)
    setting = kind.upper()
    return (
        f"{doubt}: it is read {ways[read]}; {ways[other]}; {setting}={read} or {setting}={other} settles it, and so "
        f"does a row of seed bill_sources with the file's name as source_file and {kind}"
    )


def _totals(engine: duckdb.DuckDBPyConnection, amount: str) -> list[Remark]:
    """Rows that are left out, since they add up the others; and a warning where they add up to something else."""
    rows = engine.execute(
        f"""
        select file_no, min(source_line), count(*), max({amount}), max(decisions.amount_sum),
            any_value({amount}_stated)
        from landed
        left join decisions using (file_no)
        where landed.is_total and landed.refusal is null
        group by file_no
        order by file_no
        """
    ).fetchall()
    said = []
    for file_no, line, number, total, amount_sum, stated in rows:
        worth = f" of {amount} {stated}" if stated else ""
        said.append(Remark(file_no, "note", f"{number} totals row{'s' * (number > 1)}, line {line}{worth}, left out"))
        # A sheet shows cents where it counts finer.
        if number == 1 and None not in (total, amount_sum) and abs(total - amount_sum) > Decimal("0.01"):
            said.append(
                Remark(
                    file_no,
                    "warning",
                    f"line {line}, a totals row, states {amount} {plain(total)}, where the rows add up to "
                    f"{plain(amount_sum)}: look for rows that are missing",
                )
            )
    return said


def plain(number: Decimal | None) -> str:
    return f"{number:f}".rstrip("0").rstrip(".") if number else "0"
