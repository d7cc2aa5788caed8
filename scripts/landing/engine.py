"""The engine that reads records, in memory alone, and the SQL of the readers."""

import re
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import duckdb

from landing import events

HERE = Path(__file__).resolve().parent
# Nothing landed before this was written: a machine whose clock says so is wrong, and what its files say may be right.
WRITTEN_AT = datetime(2026, 11, 28)
ATTRIBUTE = (
    '{"key": "VARCHAR", "value": {"stringValue": "VARCHAR", "intValue": "VARCHAR", "doubleValue": "VARCHAR",'
    ' "boolValue": "VARCHAR", "arrayValue": "JSON", "kvlistValue": "JSON"}}'
)
NESTED = ', "arrayValue": "JSON", "kvlistValue": "JSON"'
EVENTS = ' "events": [{"name": "VARCHAR", "attributes": [{attribute}]}],'
LINKS = ' "links": [{"traceId": "VARCHAR", "spanId": "VARCHAR"}],'
SPAN = (
    '{"traceId": "VARCHAR", "spanId": "VARCHAR", "parentSpanId": "VARCHAR", "name": "VARCHAR",'
    ' "traceState": "VARCHAR", "startTimeUnixNano": "VARCHAR", "endTimeUnixNano": "VARCHAR",'
    ' "status": {"code": "VARCHAR"},{links}{events}'
    ' "attributes": [{own_attribute}]}'
)
SCOPE = '{"name": "VARCHAR", "version": "VARCHAR", "attributes": [{"key": "VARCHAR"}]}'
SCOPE_SPANS = f'{{"scope": {SCOPE}, "instrumentationLibrary": {SCOPE}, "spans": [{{span}}]}}'
BATCHES_OF_ONE = {
    "otlp_span": ("otlp_json", """'{"resourceSpans": [{"scopeSpans": [{"spans": [' || document || ']}]}]}'"""),
    "javascript_logs": ("agent_logs", "javascript_log(document)"),
}


def engine_for(secret: str, forgotten: tuple[tuple[str, str], ...] = ()) -> duckdb.DuckDBPyConnection:
    """An engine with the macros of values and readers; in memory alone, so that no text can reach the disk."""
    engine = duckdb.connect(config={"threads": 1, "temp_directory": ""})
    engine.execute("set TimeZone = 'UTC'")
    # IN of many constants would become a join, behind which every column is slower by half. With statistics_propagation
    # DuckDB gets some comparisons of sums wrong (profiles.yml.example).
    engine.execute("set disabled_optimizers = 'in_clause,statistics_propagation'")
    engine.execute("set force_compression = 'uncompressed'")  # what is held in memory for moments
    engine.execute(f"set variable hash_key = '{secret}'")
    engine.execute("set variable latest_time = cast(? as timestamp)", [latest_time(clock())])
    engine.execute((HERE / "values.sql").read_text())
    known = " ".join(f"when '{hashed}' then '{other}'" for hashed, other in forgotten)
    lands = f"coalesce(case left(keyed(stated), 32) {known} end, otherwise)" if known else "otherwise"
    engine.execute(f"create macro unless_forgotten(stated, otherwise) as {lands}")
    engine.execute(_expanded((HERE / "readers" / "macros.sql").read_text()))
    return engine


def clock() -> datetime:
    """The machine's, in UTC; nothing else in a landing asks it what a row may say."""
    return datetime.now(UTC).replace(tzinfo=None)


def latest_time(now: datetime) -> datetime:
    """A time after this is far in the future, and no time."""
    return max(now, WRITTEN_AT) + timedelta(days=366)


# Readers of spans that have a plain kind, for records whose attributes hold neither lists nor objects, and whose spans
# have neither links nor events: a quarter of the time of reading goes into what such records never have.
PLAIN = {"otlp_json", "otlp_span"}
NO_LINKS = "cast(null as struct(trace_id varchar, span_id varchar)[]) as links"
NO_EVENTS = f"cast(null as {events.EVENTS}) as events"


@cache
def reader_sql(form: str, is_plain: bool = False) -> str:
    """The query of a reader; bare OTLP spans and log records are read as batches of one, Tempo's answers as OTLP."""
    file, one = BATCHES_OF_ONE.get(form, ("otlp_json" if form == "tempo" else form, None))
    text = (HERE / "readers" / f"{file}.sql").read_text()
    if is_plain:
        text = re.sub(r"otlp_(names|texts)", r"plain_\1", text)
        text = re.sub(r"list_transform\(span\.links.*? as links", NO_LINKS, text)
        text = text.replace("otlp_events(span.events) as events", NO_EVENTS)
    text = _expanded(text, is_plain)
    if one:
        text = text.replace("from documents", f"from (select * replace ({one} as document) from documents)")
    if form == "tempo":
        text = as_otlp(text)
    return re.sub(r"^--.*\n", "", text, flags=re.MULTILINE)


def as_otlp(text: str) -> str:
    """A reader of OTLP JSON that reads Tempo's answers."""
    tempo = (HERE / "readers" / "tempo.sql").read_text().rstrip()
    return text.replace("from documents", f"from ({tempo})", 1)


def _expanded(text: str, is_plain: bool = False) -> str:
    own = ATTRIBUTE.replace(NESTED, "") if is_plain else ATTRIBUTE
    text = text.replace("{scope_spans}", SCOPE_SPANS).replace("{span}", SPAN).replace("{own_attribute}", own)
    for name, schema in (("{links}", LINKS), ("{events}", EVENTS)):
        text = text.replace(name, "" if is_plain else schema)
    return text.replace("{attribute}", ATTRIBUTE)
