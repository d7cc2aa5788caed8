"""What tells a format of spans beside the names that its records have: what stands under them, and what it needs.

A reader refuses what it does not understand: records in which nothing stands where a format has its times, or where it
has its attributes, are not of that format, whatever else they are called.
"""

import json
import re
from collections.abc import Callable
from typing import NamedTuple

from landing import odd_shapes

ATTRIBUTE_NAMES = re.compile(r"(gen_ai|llm|openinference|ai|traceloop|langfuse)\.")
# Names of a record's own ids and times: attributes alone have none.
OWN_IDS_AND_TIMES = re.compile(
    r"(?i)^id$|(^|[._@ -])((trace|span|parent|root|run|operation)[._-]?id|ts|date|datetime"
    r"|(started|ended|created)[._-]?at|(start|end|begin|create|created)?[._-]?time(stamp)?)( \[.*\])?$"
)
# OTLP's own names of a span: with these alone it may lack attributes.
OTLP_SPAN = set(
    "traceId spanId parentSpanId name kind startTimeUnixNano endTimeUnixNano attributes events links status traceState "
    "flags droppedAttributesCount droppedEventsCount droppedLinksCount".split()
)
OTLP_LOG = {"body", "severityNumber", "severityText", "observedTimeUnixNano", "timeUnixNano"}
MOST_SPANS = 50  # of a file's head, that tell whether the format's times and attributes are there


class Format(NamedTuple):
    """A format's name to people; the way to its spans; names of which one holds their time, one what they say."""

    title: str
    way: tuple[str, ...] = ()
    times: str = ""
    holders: str = ""  # a name that ends with a dot stands for all names that begin so
    musts: str = ""  # what else they must have, in words
    opens_data: bool = False  # its reader opens pages, whose records are under `data`
    own_names: frozenset[str] = frozenset()  # with these alone, its spans may lack what holds attributes


OTLP_WAY = ("scopeSpans|instrumentationLibrarySpans", "spans")
FORMATS = {
    "otlp_json": Format(
        "OTLP JSON", ("resourceSpans", *OTLP_WAY), "startTimeUnixNano", "attributes", own_names=frozenset(OTLP_SPAN)
    ),
    "otlp_span": Format("OTLP spans", (), "startTimeUnixNano", "attributes", own_names=frozenset(OTLP_SPAN)),
    "tempo": Format(
        "Tempo's API", ("batches|trace", "resourceSpans|batches|", *OTLP_WAY), "startTimeUnixNano", "attributes",
        own_names=frozenset(OTLP_SPAN),
    ),
    "cloudwatch": Format("CloudWatch aws/spans", musts="spanId, startTimeUnixNano and attributes as an object"),
    "jaeger": Format("Jaeger JSON", ("data|", "spans"), "startTime", "tags", opens_data=True),
    "langfuse": Format(
        "Langfuse", ("observations|data|",), "startTime start_time",
        "metadata usageDetails usage_details costDetails cost_details model providedModelName provided_model_name",
        opens_data=True,
    ),
    "litellm": Format("LiteLLM SpendLogs", (), "startTime", "prompt_tokens completion_tokens total_tokens metadata"),
    "javascript": Format("OpenTelemetry's JavaScript SDK", (), "startTime timestamp", "attributes"),
    "openinference": Format("OpenInference / Phoenix", (), "start_time", "attributes attributes."),
    "zipkin": Format("Zipkin v2", (), "timestamp", "tags"),
    "clickhouse": Format(
        "ClickHouse otel_traces", ("data|",), "Timestamp timestamp",
        "SpanAttributes attributes_string attributes_number stringTagMap tagMap", opens_data=True,
    ),
    "honeycomb": Format(
        "Honeycomb events", (), "time Timestamp timestamp", musts="trace.trace_id and a time", opens_data=True
    ),
    "azure_monitor": Format(
        "Application Insights / Log Analytics", (),
        "timestamp TimeGenerated time tables timestamp␣[UTC] TimeGenerated␣[UTC]", "customDimensions Properties tables",
    ),
    "datadog": Format(
        "Datadog LLM Observability", ("data|spans|", "attributes|", "spans|"), "start_ns start", "meta metrics",
        opens_data=True,
    ),
    "envoy": Format(
        "Envoy AI Gateway's access log", (), "start_time timestamp @timestamp time",
        musts="start_time and gen_ai.usage.*",
    ),
    "kong": Format("Kong's AI logs", (), "started_at", "ai"),
    "xray": Format("AWS X-Ray", musts="segments with a trace_id as 1-<8 digits>-<24 digits>"),
    "attribute_map": Format("attributes alone", musts="an attribute of seed attribute_aliases"),
}  # fmt: skip


def title(form: str) -> str:
    return FORMATS[form].title if form in FORMATS else form


def names_of(record: object, form: str | None = None) -> set[str]:
    """The names at the top of a record; where the format (none: any) opens pages, those of what `data` holds too."""
    if not isinstance(record, dict):
        return set()
    names = set(record)
    if form is None or (form in FORMATS and FORMATS[form].opens_data):
        held = record.get("data")
        held = held[0] if isinstance(held, list) and held else held
        names |= set(held) if isinstance(held, dict) else set()
    return names


def fits(form: str, record: dict) -> bool:
    """Whether what stands under a record's names is this format's."""
    return FITS[form](record) if form in FITS else True


def needs(form: str) -> str:
    """What a format's spans must have, in words."""
    known = FORMATS.get(form, FORMATS["attribute_map"])
    parts = [part.split()[0] for part in (known.times, known.holders) if part]
    return known.musts or " and ".join(parts)


def lacking(form: str, records: list[dict]) -> str:
    """What the format's spans have (times, attributes) and none of these has; blank where nothing is missing."""
    known = FORMATS.get(form)
    if known is None:
        return ""
    spans = [span for record in records for span in _spans_of(record, known.way)][:MOST_SPANS]
    if not spans:
        if form in odd_shapes.OTLP and any(map(odd_shapes.holds_span, records)):
            return ""  # which stand elsewhere, where they are found
        return next(filter(None, (_end_of(record, known.way) for record in records)), "")
    names = {name.replace(" ", "␣") for span in spans for name in span}
    missing = [
        " or ".join(name.replace("␣", " ") for name in wanted.split())
        for wanted in (known.times, known.holders)
        if wanted and not any(_has(names, name) for name in wanted.split())
    ]
    if known.own_names and len(missing) == 1 and names <= known.own_names:
        return ""
    return " and ".join(missing)


def is_attribute_map(record: dict) -> bool:
    """A span's attributes alone: no ids and times of its own, which some other format's record would have."""
    names = list(record)
    own = [name for name in names if not ATTRIBUTE_NAMES.match(name) and OWN_IDS_AND_TIMES.search(name)]
    return not own and any(ATTRIBUTE_NAMES.match(name) for name in names)


def _has(names: set[str], wanted: str) -> bool:
    return any(name.startswith(wanted) for name in names) if wanted.endswith(".") else wanted in names


def _spans_of(record: object, way: tuple[str, ...]) -> list[dict]:
    """The objects at the end of a way of names (several for one step: the first that is there; blank: none needed)."""
    reached = [record]
    for step in way:
        following = []
        for held in reached:
            for one in held if isinstance(held, list) else [held]:
                if isinstance(one, dict):
                    name = next((name for name in step.split("|") if not name or name in one), None)
                    if name is not None:
                        following.append(one[name] if name else one)
        reached = following[:MOST_SPANS]
    opened = [one for held in reached for one in (held if isinstance(held, list) else [held])]
    return [one for one in opened if isinstance(one, dict)]


def _end_of(record: object, way: tuple[str, ...]) -> str:
    """The name that a way to spans lacks, where something else stands instead; blank where a batch is just empty."""
    for end, step in enumerate(way, 1):
        if any(
            one.keys() - {"resource", "scope", "instrumentationLibrary", "schemaUrl", "processes"}
            and not any(not name or name in one for name in step.split("|"))
            for one in _spans_of(record, way[: end - 1])
        ):
            return " or ".join(step.split("|"))
    return ""


def _is_tempo(record: dict) -> bool:
    trace = record.get("trace")
    held = record.get("batches") if "batches" in record else trace if isinstance(trace, dict) else None
    if isinstance(held, dict):
        held = held.get("resourceSpans", held.get("batches"))
    return isinstance(held, list) and all(
        isinstance(one, dict) and one.keys() & {"resource", "scopeSpans", "instrumentationLibrarySpans"} for one in held
    )


def _has_attributes(record: dict) -> bool:
    return any(name == "attributes" or name.startswith("attributes.") for name in record)


def _is_otlp_span(record: dict) -> bool:
    """A bare span of OTLP: its attributes are a list of keys and values; a log record has a body, too."""
    held = record.get("attributes", ())
    if held is None:  # a Parquet column
        return {"traceId", "spanId"} <= record.keys()
    is_list = isinstance(held, list) and all(isinstance(pair, dict) and "key" in pair for pair in held)
    return is_list and not OTLP_LOG & record.keys()


def _is_cloudwatch(record: object) -> bool:
    """A span whose attributes are a plain object, or an export of CloudWatch Logs whose messages are such spans."""
    if not isinstance(record, dict):
        return False
    if {"spanId", "startTimeUnixNano"} <= record.keys():
        held = record.get("attributes")
        held = _parsed(held) if isinstance(held, str) else held
        return isinstance(held, dict) or any(name.startswith("attributes.") for name in record)
    if "@message" in record:
        return _is_cloudwatch(_parsed(record["@message"]))
    listed = record.get("logEvents", record.get("events"))
    if isinstance(listed, list):
        messages = [event.get("message") for event in listed if isinstance(event, dict)]
    elif isinstance(record.get("results"), list):
        rows = [row for row in record["results"] if isinstance(row, list)]
        cells = [cell for row in rows for cell in row if isinstance(cell, dict)]
        messages = [cell.get("value") for cell in cells if cell.get("field") == "@message"]
    else:
        return False
    return any(_is_cloudwatch(_parsed(message)) for message in messages[:MOST_SPANS])


def _parsed(stated: object) -> object:
    try:
        return json.loads(stated) if isinstance(stated, str) else stated
    except (ValueError, RecursionError):
        return None


def _is_azure(record: dict) -> bool:
    """Rows of spans; of the API's tables one must have their columns."""
    if "tables" not in record:
        return True
    tables = record["tables"] if isinstance(record["tables"], list) else []
    columns = [
        {str(column.get("name")) for column in table["columns"] if isinstance(column, dict)}
        for table in tables
        if isinstance(table, dict) and isinstance(table.get("columns"), list)
    ]
    return any(
        {"operation_Id", "id", "duration", "timestamp", "customDimensions"} <= names
        or {"OperationId", "Id", "DurationMs", "TimeGenerated", "Properties"} <= names
        for names in columns
    )


def _is_datadog(record: dict) -> bool:
    """A span, or a page or batch of spans, of LLM Observability."""
    if {"trace_id", "span_id"} <= record.keys():
        return bool(record.keys() & {"meta", "metrics"})
    spans = _spans_of(record, FORMATS["datadog"].way)[:MOST_SPANS]
    return any({"trace_id", "span_id"} <= span.keys() and span.keys() & {"meta", "metrics", "ml_app"} for span in spans)


def _is_envoy(record: dict) -> bool:
    """An access log's line: no ids of a span, but a start, and tokens under OpenTelemetry's or the gateway's names."""
    is_usage = any(name.startswith(("gen_ai.usage.", "genai_tokens_")) for name in record)
    return is_usage and not any(re.fullmatch(r"(?i)(.*[._])?(trace|span)[._]?id", name) for name in record)


def _is_kong(record: dict) -> bool:
    """A request; where it asked a model, what the plugin states of it stands under `ai`."""
    held = record.get("ai")
    if held is None:
        return "latencies" in record
    return isinstance(held, dict) and any(
        isinstance(one, dict) and one.keys() & {"usage", "meta"} for one in held.values()
    )


def _is_xray(record: dict) -> bool:
    if "Traces" in record:
        traces = record["Traces"] if isinstance(record["Traces"], list) else []
        return all(isinstance(trace, dict) and "Segments" in trace for trace in traces)
    document = _parsed(record.get("Document"))
    if isinstance(document, dict):
        return _is_xray(document)
    return "Segments" in record or bool(re.fullmatch(r"1-[0-9a-fA-F]{8}-[0-9a-fA-F]{24}", str(record.get("trace_id"))))


FITS: dict[str, Callable[[dict], bool]] = {
    "tempo": _is_tempo,
    "openinference": _has_attributes,
    "otlp_span": _is_otlp_span,
    "cloudwatch": _is_cloudwatch,
    "azure_monitor": _is_azure,
    "datadog": _is_datadog,
    "envoy": _is_envoy,
    "kong": _is_kong,
    "xray": _is_xray,
}
