"""Row records (CSV, tab-separated, Parquet, JSON) -> rows of their landed table, typed by its schema, in SQL."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import duckdb
import pyarrow as pa

from landing import cells, reserved
from landing.engine import ATTRIBUTE, as_otlp
from landing.tables import (
    BILLS,
    DAY_OF,
    HEADERS,
    IS_NUMBER,
    IS_TIME,
    NO_DAY,
    PERSONAL,
    TABLES,
    columns_of,
    typed_columns,
)
from paths import quoted

READERS = Path(__file__).resolve().parent / "readers"
# Readers that share a beginning or an end.
PARTS = {
    **{name: ("pages", name) for name in ("openai_page", "anthropic_page")},
    **{name: ("vendor_rows", name) for name in ("github_usage", "cursor_usage", "databricks_usage", "snowflake_usage")},
    **{name: (name, "opencost_rows") for name in ("opencost_json", "opencost_csv")},
    "inspect_ai": ("inspect_ai_samples", "inspect_ai_uses", "inspect_ai"),
    "promptfoo": ("promptfoo_cases", "promptfoo_counts", "promptfoo_uses", "promptfoo"),
    **{name: ("eval_rows", name) for name in ("ragas", "langsmith_results", "braintrust", "openai_eval", "oaieval")},
    **{name: (name, "evaluation_events") for name in ("otlp_evaluations", "otlp_logs")},
    "tempo_evaluations": ("otlp_evaluations", "evaluation_events"),
}
SCORED_SPAN = (
    '{"traceId": "VARCHAR", "spanId": "VARCHAR", "startTimeUnixNano": "VARCHAR", "endTimeUnixNano": "VARCHAR",'
    ' "attributes": [{attribute}], "events": [{"name": "VARCHAR", "timeUnixNano": "VARCHAR",'
    ' "attributes": [{attribute}]}]}'
)
# Columns that a reader makes from others.
MADE = {
    "trace_key": "key_of(id_of(trace_id_stated, 16))",
    "trace_keys": "list_transform(ids_of(trace_ids_stated), lambda id: key_of(id_of(id, 16)))",
    "span_key": "key_of(id_of(span_key_stated, 8))",
    "usage": "usage_of(usage_stated)",
}
FAULTS = {"usage": "usage_fault(usage_stated)"}
# How long a row lasts where its file states no end; a Console row that carries an hour is of that hour.
BY_ITS_HOUR = "case when contains(start_time_stated, ':') then interval 1 hour else interval 1 day end"
LASTS = {
    **dict.fromkeys(["openrouter_daily", "litellm_daily"], "interval 1 day"),
    **dict.fromkeys(["anthropic_costs", "anthropic_usage"], BY_ITS_HOUR),
    "openai_usage": "interval 5 minutes",
    # A row of a day, or an event's moment.
    "charges": "case when start_time = date_trunc('day', start_time) then interval 1 day else interval 0 day end",
}
# Pages of an API, of which the last that a file holds may say that there are more.
LAST_PAGES = """
select file_no, max_by(coalesce(document ->> '$.has_more', 'false'), source_line) = 'true'
from documents where json_type(document, '$.data') = 'ARRAY' group by file_no"""
# Why a reader can't take a record, in the reader's own words: they say more than which column is blank.
REFUSED_BY_READER = {"charges": "refused_because_stated"}
# Conditions between a row's columns.
ROW_FAULTS = {
    "charges": [
        "case when file_kind_stated is null and end_time_stated is null then 'period_end is blank' end",
        "case when end_time < start_time then 'period_end is before period_start' end",
        "case when amount is null and quantity is null then 'neither an amount nor a quantity' end",
    ],
    "revenue": [
        "case when revenue_usd_stated is null and amount_stated is null then 'revenue_usd is blank' end",
        "case when revenue_usd_stated is null and currency_stated is null"
        " then 'an amount without a currency; fill in the currency, or revenue_usd' end",
        "case when period_start_stated is not null and period_end_stated is null then 'period_end is blank' end",
        "case when period_end_stated is not null and period_start_stated is null then 'period_start is blank' end",
        "case when period_end <= period_start then 'period_end is not after period_start; it is exclusive' end",
    ],
}
# Documents by their nature, not labels: a row of a bill isn't refused for them.
LONG_TEXTS = {"trace_ids", "response_ids", "tags", "sku_price_details"}
# Columns of the currency that a row's money is in; where there is none, it is USD.
CURRENCY = {
    "openai_costs": "amount_currency",
    "anthropic_costs": "currency",
    "focus": "billing_currency",
    "aws_cur": "currency_code",
    **dict.fromkeys(["azure_costs", "google_billing", "charges", "invoices", "revenue"], "currency"),
}
HASHED = {
    "usage_events": ["user_id", "account_id"],
    "users": ["user_id", "account_id"],
    "revenue": ["account_id"],
    "charges": ["user_id"],
}


class RowReader:
    """Turns portions of records into landed rows of one table; the counterpart of SpanReader for everything else."""

    def __init__(self, engine: duckdb.DuckDBPyConnection, hash_identities: bool):
        self.engine, self.hash_identities = engine, hash_identities
        self.taken, self.forgets = 0, False  # whether users were forgotten
        self.form = cells.Form()
        self.decided: set[int] = set()
        self.remarks: list[cells.Remark] = []  # of what landed last
        self.has_more: dict[int, bool] = {}
        engine.execute((READERS / "spreadsheets.sql").read_text())
        engine.execute((READERS / "evals.sql").read_text())
        engine.execute((READERS / "vendors.sql").read_text())
        engine.execute(reserved.MACROS)

    def begin(self, form: cells.Form) -> None:
        """Start on a task's files, whose cells are written in this form."""
        self.form, self.decided, self.taken, self.remarks, self.has_more = form, set(), 0, [], {}
        self.engine.execute(cells.EVIDENCE)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Put the rows taken aside while a file is surveyed."""
        taken, self.taken = self.taken, 0
        self.engine.execute("create or replace temp table held as from stated")
        yield
        self.taken = taken
        self.engine.execute("create or replace temp table stated as from held; drop table held")

    def survey(self) -> None:
        """Keep what the rows taken say of how their files write numbers and days, and forget the rows."""
        if cells.has_forms(self.form.table, self.form):
            self.engine.execute(f"insert into evidence {cells.evidence_sql(self.form.table, self.form)}")
        self.taken = 0

    def take(self, form: str) -> list[tuple]:
        """Read registered `documents` as texts of the table's columns; returns records refused whole.

        `form` is the table, or table/reader where records are pages that hold rows. A name's case doesn't matter.
        """
        table, _, reader = form.partition("/")
        run = self.engine.execute
        if PARTS.get(reader, ())[:1] == ("pages",):
            self.has_more |= dict(run(LAST_PAGES).fetchall())
        run(f"create or replace temp view records as {page_sql(reader) if reader else 'from documents'}")
        # Only names that occur are asked for: of the many that FOCUS knows, a file has few, in any case.
        keys: dict[str, list[str]] = {}
        for (key,) in run("select distinct unnest(json_keys(document)) from records order by all").fetchall():
            keys.setdefault(key.lower(), []).append(key)
        paths: list[str] = []
        picks = []
        for name, column in HEADERS[table].items():
            found = [key for word in column.names for key in keys.get(word.lower(), [])]
            clean = "cell_of" if cells.is_provider_file(table) else "text_of"
            said = [f"{clean}(cells[{len(paths) + number}])" for number in range(1, len(found) + 1)]
            paths += [f"""'$."{key}"'""" for key in found]
            picks.append(f"coalesce({', '.join([*said, 'cast(null as varchar)'])}) as {name}_stated")
        query = f"""
            select file_no, source_line, {", ".join(picks)}
            from (
                select file_no, source_line, json_extract_string(document, [{", ".join(paths or ["'$'"])}]) as cells
                from records
            )"""
        run(f"insert into stated {query}" if self.taken else f"create or replace temp table stated as {query}")
        [(self.taken,)] = run("select count(*) from stated").fetchall()
        return []

    def forget(self, taken: int) -> None:
        """Nothing: a `take` that fails adds no rows."""

    def land(self, folder: Path, name: str, row_base: int) -> tuple[list[tuple], list[tuple], list[tuple]]:
        """Write what was taken as `folder/day=<day>/<name>.parquet`; `folder` is named after the table.

        Returns ((file_no, rows read), ...), the rows refused as (file_no, line, reason) and of a bill's rows also (day,
        amount, currency) as far as they can be read, and labels of rows that landed which nobody's can be.
        """
        run, table = self.engine.execute, folder.name
        if cells.has_forms(table, self.form):
            # Files that go on beyond these rows were surveyed before.
            held = cells.evidence_sql(table, self.form)
            run(f"insert into evidence from ({held}) where file_no not in (select file_no from evidence)")
            cells.decide(self.engine, table, self.form)
        run(f"create or replace temp table landed as {self._typed(table, row_base)}")
        day = f"coalesce(cast({DAY_OF[table]} as date), date '{NO_DAY}')" if table in DAY_OF else f"date '{NO_DAY}'"
        for (on,) in run(f"select distinct {day} from landed where is_landed order by all").fetchall():
            target = folder / f"day={on}" / f"{name}.parquet"
            target.parent.mkdir(parents=True, exist_ok=True)
            run(
                f"copy (select {typed_columns(table)} from landed where is_landed and {day} = date '{on}'"
                f" order by row_no) to '{quoted(target)}' (format parquet, compression zstd)"
            )
        read = run("select file_no, count(*) from landed where not is_total group by all").fetchall()
        money = f", {_money_of(table)}" if table in BILLS else ""
        refused = run(
            f"select file_no, source_line, fault{money} from landed where fault is not null and not is_total"
        ).fetchall()
        if cells.has_forms(table, self.form):
            self.remarks = cells.remarks(self.engine, table, self.form, self.decided)
            self.decided |= {file_no for (file_no,) in run("select file_no from decisions").fetchall()}
        left_out = [
            found
            for column in reserved.COLUMNS.get(table, ())
            for found in run(
                f"select file_no, source_line, {reserved.reason(column, column)} || '; {reserved.LEFT_OUT}' from landed"
                f" where is_landed and {reserved.is_one(table, column, column)}"
            ).fetchall()
        ]
        self.taken = 0
        return read, refused, left_out

    def _typed(self, table: str, row_base: int) -> str:
        times, numbers, spelled, typed, faults = [], [], [], [], ["refusal"]
        if table in REFUSED_BY_READER:
            faults.append(REFUSED_BY_READER[table])
        has_forms = cells.has_forms(table, self.form)
        for name, column in HEADERS[table].items():
            if name not in TABLES[table].names:
                continue
            kind = TABLES[table].field(name).type
            stated = f"{name}_stated"
            value, fault = _column(name, kind) if name not in MADE else ("", FAULTS.get(name, "null"))
            if has_forms and name in columns_of(table, *IS_TIME):
                times.append(stated)
                spelled.append(f"times[{len(times)}] as {stated}")
            elif has_forms and name in columns_of(table, *IS_NUMBER):
                numbers.append(stated)
                value = value.replace(stated, f"numbers[{len(numbers)}]")
                if pa.types.is_decimal(kind) and cells.is_provider_file(table):
                    currency = CURRENCY.get(table)
                    faults.append(f"currency_fault({stated}, {f'{currency}_stated' if currency else 'null'}, '{name}')")
            elif has_forms and self.form.is_text and name == CURRENCY.get(table):
                fault = f"no_currency_fault({stated}, '{name}')"
            if self.hash_identities and name in HASHED.get(table, []):
                value = f"left(keyed({stated}), 32)"
            if self.forgets and name in PERSONAL.get(table, ()):
                value = f"unless_forgotten({stated}, {value})"
            if name == "end_time" and table in LASTS:
                fault = fault.replace(f"{stated}, {name},", f"{stated}, {value},")  # as stated, not as it is made up
                value = f"coalesce({value}, try(start_time + {LASTS[table]}))"
            if name == "is_rounded":  # the Console's rows are whole cents; the API's reader says that its own are not
                value = f"coalesce({value}, true)"
            if value:
                typed.append(f"{value} as {name}")
            faults.append(fault)
            if column.is_filled:  # a time of zero says "none"
                blank = name if pa.types.is_timestamp(kind) or pa.types.is_date(kind) else f"{name}_stated"
                faults.append(f"case when {blank} is null then '{name} is blank' end")
        typed += [f"{MADE[name]} as {name}" for name in TABLES[table].names if name in MADE]
        decided = "null as refusal, false as is_total"
        if has_forms:
            decided = f"""coalesce(decisions.decimal, 'point') as decimal, decisions.refusal,
                    coalesce(decisions.date_order, 'mdy') as date_order,
                    {cells.is_total_sql(table, self.form)} as is_total"""
        # Over lists, since each use of such a macro costs the engine milliseconds of planning.
        plain = "plain_number(cell, decimal)" if self.form.is_text else "exact_number(cell)"
        listed = "".join(
            f", list_transform([{', '.join(stated)}], lambda cell: {macro}) as {name}"
            for name, stated, macro in (
                ("numbers", numbers, plain),
                ("times", times, "iso_time(cell, date_order)"),
            )
            if stated
        )
        replaced = f"replace ({', '.join(spelled)})" if spelled else ""
        faults += ROW_FAULTS.get(table, [])
        return f"""
            with numbered as (
                select stated.*, stated.rowid + {row_base} as row_no, {decided}
                from stated{" left join decisions using (file_no)" * has_forms}
            ),
            listed as (select *{listed} from numbered),
            spelled as (select * {replaced} from listed),
            typed as (
                select *, getvariable('file_ids')[file_no + 1] as file_id,
                    getvariable('source_files')[file_no + 1] as source_file, {", ".join(typed)}
                from spelled
            )
            select *, coalesce({", ".join(faults)}) as fault, fault is null and not is_total as is_landed from typed"""


@cache
def page_sql(reader: str) -> str:
    """The query that explodes pages of a provider's API, or a log of evals, into rows with their names."""
    text = "".join((READERS / f"{name}.sql").read_text() for name in PARTS.get(reader, (reader,)))
    text = as_otlp(text) if reader == "tempo_evaluations" else text
    return text.replace("{scored_span}", SCORED_SPAN).replace("{attribute}", ATTRIBUTE)


def _money_of(table: str) -> str:
    """The day, amount and currency that a refused row of a bill states; nothing that is no code of a currency."""
    amount, currency = BILLS[table]
    day = f"cast(plausible(cast({DAY_OF[table]} as timestamp)) as date)"
    code = f"regexp_extract(upper(coalesce({currency}, 'USD')), '^[A-Z]{{3}}$')" if currency else "'USD'"
    return f"{day}, {amount}, case when {amount} is not null then {code} end"


def _column(name: str, kind: pa.DataType) -> tuple[str, str]:
    """(value, fault) of a stated column, by the type it lands as."""
    stated = f"{name}_stated"
    if pa.types.is_timestamp(kind):
        return f"time_of({stated}, null)", _time_fault(name)
    if pa.types.is_date(kind):
        day = f"case when regexp_full_match({stated}, '\\d{{4}}-\\d\\d') then {stated} || '-01' else {stated} end"
        value = f"cast(time_of({day}, null) as date)"
        return f"date_trunc('month', {value})" if name == "month" else value, _time_fault(name)
    if pa.types.is_decimal(kind):
        return f"money_of({stated})", f"money_fault({stated}, {name}, '{name}')"
    if pa.types.is_integer(kind):
        return f"count_of({stated})", f"count_fault({stated}, {name}, '{name}')"
    if pa.types.is_boolean(kind):
        return f"try_cast({stated} as boolean)", f"flag_fault({stated}, '{name}')"
    limit = f"case when strlen({stated}) > 4096 then '{name}: more than 4,096 characters of text' end"
    return stated, "null" if name in LONG_TEXTS else limit


def _time_fault(name: str) -> str:
    fault = f"time_fault({name}_stated, {name}, '{name}')"
    if name not in ("charge_period_end", "period_end"):
        return fault
    latest = "getvariable('latest_time')"  # what is bought ahead ends years ahead
    return f"case when {name} between {latest} and {latest} + interval 10 years then null else {fault} end"
