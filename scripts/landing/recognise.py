"""What a file is, told by its content; names and folders are not asked."""

import csv
import io
import re
import zipfile
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from landing import Unreadable, documents, span_marks
from landing.documents import Dialect, Member
from landing.logs import ZIP_MAGIC
from landing.span_marks import ATTRIBUTE_NAMES
from landing.tables import DISTINCTIVE, HEADERS
from terminal import plain

HEAD_BYTES = 1 << 18
# Readers of OTLP, and the list that their records hold.
OTLP_SIGNALS = {"otlp_json": "resourceSpans", "agent_logs": "resourceLogs", "agent_metrics": "resourceMetrics"}
# The same of what JavaScript's SDK writes of its own objects, as Gemini CLI's `outfile`.
SIGNALS = [OTLP_SIGNALS, {"javascript": "startTime", "javascript_logs": "hrTime"}]
# Marks of span formats in JSON records: names that a record has, and the reader for it. The first that fits wins.
SPAN_RECORDS = [
    *(({mark}, form) for form, mark in OTLP_SIGNALS.items()),
    ({"batches"}, "tempo"),
    ({"trace"}, "tempo"),
    ({"traceID", "spans"}, "jaeger"),
    ({"trace", "observations"}, "langfuse"),
    ({"projectId", "observations"}, "langfuse"),
    ({"parentObservationId", "traceId"}, "langfuse"),
    ({"parent_observation_id", "trace_id"}, "langfuse"),
    ({"request_id", "call_type", "spend"}, "litellm"),
    ({"hrTime", "attributes"}, "javascript_logs"),
    ({"spanContext"}, "javascript"),
    ({"_spanContext"}, "javascript"),
    ({"traceId", "id", "timestamp", "duration", "attributes"}, "javascript"),
    ({"traceId", "id", "localEndpoint"}, "zipkin"),
    ({"traceId", "id", "timestamp", "tags"}, "zipkin"),
    ({"traceId", "id", "timestamp", "duration"}, "zipkin"),
    ({"TraceId", "SpanId", "SpanAttributes"}, "clickhouse"),
    ({"trace_id", "span_id", "attributes_string"}, "clickhouse"),
    ({"traceID", "spanID", "stringTagMap"}, "clickhouse"),
    ({"traceID", "spanID", "durationNano", "tagMap"}, "clickhouse"),
    ({"trace.trace_id", "trace.span_id"}, "honeycomb"),
    ({"trace.trace_id", "meta.annotation_type"}, "honeycomb"),
    ({"operation_Id", "id", "duration"}, "azure_monitor"),
    ({"OperationId", "Id", "DurationMs"}, "azure_monitor"),
    ({"tables"}, "azure_monitor"),
    ({"trace_id", "span_id", "start_ns"}, "datadog"),
    ({"data"}, "datadog"),
    ({"spans"}, "datadog"),
    ({"Traces"}, "xray"),
    ({"Segments"}, "xray"),
    ({"Id", "Document"}, "xray"),
    ({"trace_id", "id", "start_time"}, "xray"),
    ({"ai", "request"}, "kong"),
    ({"ai", "started_at"}, "kong"),
    ({"latencies", "request", "started_at"}, "kong"),
    ({"context", "attributes"}, "openinference"),
    ({"context.trace_id", "context.span_id"}, "openinference"),
    ({"trace_id", "span_id"}, "openinference"),
    ({"traceId", "spanId", "startTimeUnixNano"}, "cloudwatch"),
    ({"logEvents"}, "cloudwatch"),
    ({"events"}, "cloudwatch"),
    ({"results"}, "cloudwatch"),
    ({"@message"}, "cloudwatch"),
    ({"traceId", "spanId", "attributes"}, "otlp_span"),
    ({"attributes"}, "otlp_span"),
    ({"start_time"}, "envoy"),
    ({"timestamp"}, "envoy"),
    ({"@timestamp"}, "envoy"),
    ({"time"}, "envoy"),
]
# Marks of platforms' exports: names at the top of a record, a mark in the head (or header), and the reader. They go
# before SPAN_RECORDS, whose marks are fewer; Opik's are few themselves, and go behind.
AGENTS_TRACE = r'"object"\s*:\s*"trace(\.span)?"'
MLFLOW_NAME = r'"mlflow\.\w+(\.\w+)?"\s*:'
PLATFORM_RECORDS = [
    ({"run_type", "start_time"}, r'"(trace_id|dotted_order|parent_run_id)"', "langsmith"),
    ({"runs"}, r'"run_type"\s*:', "langsmith"),
    ({"info", "data"}, MLFLOW_NAME, "mlflow"),
    ({"spans"}, MLFLOW_NAME, "mlflow"),
    ({"traces"}, MLFLOW_NAME, "mlflow"),
    ({"spans", "trace_metadata"}, "", "mlflow"),
    ({"spans", "request_metadata"}, "", "mlflow"),
    ({"object"}, AGENTS_TRACE, "openai_agents"),
    ({"data"}, AGENTS_TRACE, "openai_agents"),
    ({"traces"}, AGENTS_TRACE, "openai_agents"),
    ({"op_name", "started_at", "summary"}, r'"trace_id"', "weave"),
    ({"request_created_at", "response_created_at"}, "", "helicone"),
    ({"data"}, r'"request_created_at"\s*:', "helicone"),
]
OPIK_RECORDS = [
    ({"id", "trace_id", "type", "start_time", "usage"}, "", "opik"),
    ({"id", "trace_id", "type", "start_time"}, r'"(usage|total_estimated_cost|parent_span_id)"\s*:', "opik"),
    ({"content", "page", "total"}, r'"trace_id"\s*:', "opik"),
]
# Marks of eval tools' files: names at the top of a record, a mark in the head, the reader, how records are cut.
EVAL_RECORDS = [
    ({"eval"}, r'"(task|run_id|created)"\s*:', "inspect_ai", "inspect_log"),
    ({"evalId", "results"}, "", "promptfoo", "promptfoo"),
    ({"results"}, r'"(gradingResult|testPassCount|latencyMs|tokenUsage)"\s*:', "promptfoo", "promptfoo"),
    ({"promptIdx", "testIdx"}, "", "promptfoo", "promptfoo_lines"),
    ({"testCases"}, r'"(metricsData|metricsScores|testPassed)"\s*:', "deepeval", "concatenated"),
    ({"testRunData"}, r'"testCases"\s*:', "deepeval", "concatenated"),
    ({"object"}, r'"object"\s*:\s*"eval\.run(\.output_item)?"', "openai_eval", "eval_rows"),
    ({"data"}, r'"object"\s*:\s*"eval\.run(\.output_item)?"', "openai_eval", "eval_rows"),
    ({"spec"}, r'"(completion_fns|eval_name)"\s*:', "oaieval", "eval_rows"),
    ({"dataset_id", "runs"}, r'"feedback_stats"\s*:', "langsmith_results", "eval_rows"),
    (
        {"events"},
        r'"experiment_id"\s*:\s*"(?s:.)*"scores"\s*:|"scores"\s*:(?s:.)*"experiment_id"\s*:\s*"',
        "braintrust",
        "eval_rows",
    ),
]
# The same of results with a row for each case, as tables or as records.
BRAINTRUST = {"experiment_id", "scores"}
RAGAS_INPUTS = [{"user_input"}, {"question", "answer"}, {"question", "contexts"}]
RAGAS_METRICS = re.compile(
    "faithfulness|(answer|response)_relevanc[ey]|(llm_|non_llm_)?context_(precision|recall|relevanc[ey]|utilization)"
    "|(answer|factual)_correctness|(answer|semantic)_similarity|nv_(accuracy|context_relevance|response_groundedness)"
    "|agent_goal_accuracy|tool_call_accuracy|topic_adherence"
)
INSPECT_PARTS = re.compile(rb"PK\x03\x04.{26}(_journal/|start\.json|header\.json|samples/)", re.DOTALL)
# Marks of vendors' usage reports, as tables or as records: names that a header has in any case, and the reader.
VENDOR_ROWS = [
    ({"timestamp", "user", "model", "requests used"}, "github_usage"),
    ({"date", "username", "model", "quantity", "total_monthly_quota"}, "github_usage"),
    ({"date", "sku", "quantity", "applied_cost_per_quantity", "net_amount"}, "github_usage"),
    ({"date", "sku", "quantity", "price per unit ($)", "multiplier"}, "github_usage"),
    ({"date", "kind", "model", "max mode"}, "cursor_usage"),
    ({"sku_name", "usage_quantity", "usage_unit"}, "databricks_usage"),
    ({"usage_date", "usage_type", "usage_in_currency"}, "snowflake_usage"),
    ({"function_name", "model_name", "token_credits"}, "snowflake_usage"),
    ({"function_name", "model_name", "credits", "start_time"}, "snowflake_usage"),
    ({"service_type", "credits_used"}, "snowflake_usage"),
    ({"date", "namespace", "controllerkind", "controllername", "cpucost", "ramcost"}, "opencost_csv"),
]
# Names that an allocation of OpenCost's or Kubecost's API has, and those of the answers that hold them.
ALLOCATION = {"name", "cpuCost", "ramCost", "gpuCost"}
ANSWER = {"code", "status", "data", "message", "warning"}
# Scores alone, as Langfuse's API, blob storage and tables export them.
SCORES = [{"id", "name", "value", "source", mark} for mark in ("traceId", "trace_id", "subject")]
# Spans that an API's pages hold under `data`, whose readers take them one by one.
PAGES_OF_SPANS = {"litellm", "openinference"}
# Formats that people know by name and that no reader takes: a mark in the head, and where else the spans are.
ROUTES = [
    (
        r'"resource_spans"\s*:',
        "OTLP under protobuf's own names; export OTLP JSON, whose names are resourceSpans and so on",
    ),
    (r'"binaryAnnotations"\s*:', "Zipkin's API v1; export with GET /api/v2/traces"),
    (
        r'"severityNumber"\s*:',
        "OpenTelemetry log records without resourceLogs; their spans are in the log group aws/spans",
    ),
    (
        r'"type"\s*:\s*"spans?"(?s:.)*"(resource_name|start_timestamp)"\s*:',
        "Datadog APM spans; export LLM Observability",
    ),
]
# Formats without a reader whose tools have another way here: names at the top, a mark in the head, what to do.
PLATFORM_ROUTES = [
    ({"id", "span_count", "usage"}, "", "Opik traces, which add up their spans: export the spans"),
]
# Formats of which a file may hold nothing that is read, and what to export in its place.
NOTHING = {
    "agent_logs": "OTLP logs in which no record states the usage of a request, or an evaluation: nothing to read; "
    "events claude_code.api_request, codex.sse_event (response.completed), gemini_cli.api_response, "
    "gen_ai.client.inference.operation.details and gen_ai.evaluation.result are; else export the service's spans",
    "javascript_logs": "log records of OpenTelemetry's JavaScript SDK of which none states the usage of a request: "
    "nothing to read; gemini_cli.api_response and gen_ai.client.inference.operation.details are",
    "claude_code_sessions": "a session of Claude Code without an answer: nothing to read",
    "codex_rollouts": "a session of Codex in which no token_count states usage: nothing to read; export Codex's OTLP "
    "logs",
    "agent_metrics": "OTLP metrics without claude_code.token.usage: nothing to read, since other metrics are sums "
    "without a request; export the service's spans, or a coding agent's logs",
}
# Records of sessions that coding agents keep, whose first lines may be of any kind: names and types that a line has.
SESSION_LINES = [
    ({"sessionId", "uuid", "message"}, {"user", "assistant"}, "claude_code_sessions", "lines"),
    (
        {"timestamp", "payload"},
        {"session_meta", "turn_context", "event_msg", "response_item"},
        "codex_rollouts",
        "codex_rollout",
    ),
]
LINES_LOOKED_AT, LEVELS_LOOKED_AT = 50, 4
# Pages of providers' APIs: a mark in the head, the table and the reader. An empty page is usage, which claims nothing.
PAGES = [
    (r'"organization\.costs\.result"', "openai_costs/openai_page"),
    (r'"starting_at"(?s:.)*"(cost_type|amount)"\s*:', "anthropic_costs/anthropic_page"),
    (r'"starting_at"\s*:', "anthropic_usage/anthropic_page"),
    (r'"object"\s*:\s*"(page|bucket)"', "openai_usage/openai_page"),
]
# Manifests of clouds' exports of bills: names at the top. They say which files are one export, and when it was made.
# The last is the note of a request, which lies beside the page that answered it and says how the request was filtered.
MANIFESTS = [
    {"blobs", "runInfo"},
    {"reportKeys", "assemblyId"},
    {"dataFiles"},
    {"endpoint", "filter", "requested_at"},
]
# OpenRouter's API, in pages, lists or lines: names that a record has, and the table and reader.
OPENROUTER_RECORDS = [
    ({"date", "model_permaslug", "usage", "requests"}, "openrouter_daily/openrouter_activity"),
    ({"id", "created_at", "model", "total_cost", "native_tokens_prompt"}, "openrouter_activity/openrouter_generations"),
]
# Tables whose rows nest others, or columns of the company's own naming: their readers.
OPENED = {"aws_cur": "aws_cur/aws_cur", "google_billing": "google_billing/google_billing"}
EMPTY_OPENAI_USAGE = {"start_time", "end_time", "start_time_iso", "end_time_iso"}
UNKNOWN_JSON = "JSON of no known export format, or cut off in its first record"
MOST_RECORDS = 50  # of a file's head, that tell its format
# Names that records of any tool may have: alone they make no format the nearest.
COMMON_NAMES = {
    *("id", "Id", "type", "data", "tags", "events", "attributes", "context", "request", "request_id", "usage", "spend"),
    *("time", "timestamp", "duration", "start_time", "started_at", "startTime", "summary"),
}


class Recognised(NamedTuple):
    """`table` is where it lands, `form` its reader, `cut` its records. With a `complaint` the file is not read: nobody
    knows what it is (no table), or it is refused whole, as a file of that table.
    """

    table: str
    form: str = ""
    cut: str = ""
    complaint: str = ""
    dialect: Dialect | None = None  # of a table of text


def recognise(path: Path | Member, head: bytes | None = None) -> Recognised:
    """By the file's first bytes; `head` has them where the file breaks off among them."""
    if head is None:
        with documents.opened(path) as stream:
            head = stream.read(HEAD_BYTES)
    if not head.strip():
        return _unknown("an empty file; nothing to read")
    if head[:4] == b"PAR1":
        return _parquet(path)
    if _is_framed(head):
        return Recognised("spans", _signal_in(path), "messages")
    if head[:4] == ZIP_MAGIC and re.search(
        rb"PK\x03\x04.{26}(_journal/|start\.json|header\.json|samples/)", head, re.DOTALL
    ):
        return Recognised("eval_runs", "eval_runs/inspect_ai", "inspect_log")
    if head[:4] in documents.ZIP_MAGIC:
        return _zipped(path)
    if b"\x00" in head[:4096]:
        return _unknown("a binary file of no known export format; see docs/inputs.md")
    text = "".join(documents.text_lines(io.BytesIO(head)))
    return _json(text) if text.lstrip()[:1] in ("{", "[") else _csv(text)


def _unknown(complaint: str) -> Recognised:
    return Recognised("", complaint=plain(complaint))  # it may name what stands in the file


def _is_framed(head: bytes) -> bool:
    """Length-delimited messages: zstd by its magic, OTLP protobuf by its first field (0x0a) and bytes no text holds."""
    if head[4:8] == documents.ZSTD_MAGIC:
        return True
    begins = re.match(rb"[\x00-\x0f].{3}[\x0a{]|[\x80-\xff]{0,4}[\x00-\x7f]\x0a|\x0a", head, re.DOTALL)
    return bool(begins) and re.search(rb"[\x00-\x08\x0e-\x1f]", head[:4096]) is not None


def _signal_in(path: Path | Member) -> str:
    """The reader of the OTLP signal that the first message of a file holds."""
    _, text = documents.first_message(path) or (0, "")
    begin = "" if isinstance(text, Unreadable) else str(text[:100])
    return next((form for form, mark in OTLP_SIGNALS.items() if f'"{mark}"' in begin), "otlp_json")


def _json(text: str) -> Recognised:
    records, end = _first_records(text)
    record = records[0] if records else None
    cut = "lines" if _is_line_wise(text, end) else "concatenated"
    if evals := _evals(record, text, cut):
        return evals
    if any(marks <= _top_names(record, text) for marks in MANIFESTS):
        return Recognised("manifests", "manifests/manifests", "concatenated")
    if answered := _allocations(records, cut):
        return answered
    if known := _vendor(_top_names(record, text), cut) or _case_rows(_top_names(record, text)):
        return known
    if form := _platform(PLATFORM_RECORDS, _top_names(record, text), text):
        return Recognised("spans", form, cut)
    names = span_marks.names_of(record)
    for marks, form in OPENROUTER_RECORDS:
        if marks <= names:
            return Recognised(form.partition("/")[0], form, cut)
    if any(marks <= names for marks in SCORES) and "observations" not in names:
        return Recognised("eval_runs", "eval_runs/langfuse_scores", cut)
    if cut == "lines" and "type" in names and (session := _session(text)):
        return session
    spans = _spans(records, end, cut)
    if spans.table:
        return spans
    if form := _platform(OPIK_RECORDS, _top_names(record, text), text):
        return Recognised("spans", form, cut)
    if names & {"data", "results"}:
        for mark, form in PAGES:
            if re.search(mark, text):
                return Recognised(form.partition("/")[0], form, cut)
    if table := _table_within(record):
        return Recognised(table, OPENED.get(table, table), "wrapped")
    if isinstance(record, dict) and (table := _table(names)):
        return Recognised(table, OPENED.get(table, table), cut)
    for mark, route in ROUTES:
        if re.search(mark, text):
            return _unknown(f"{route}; see docs/inputs.md")
    for marks, mark, route in PLATFORM_ROUTES:
        if marks <= _top_names(record, text) and re.search(mark, text):
            return _unknown(f"{route}; see docs/inputs.md")
    return spans


def _table_within(record: object) -> str | None:
    """The table of rows that stand in a list within the first record."""
    held = record if isinstance(record, dict) else {}
    lists = [held[name] for name in documents.WRAPPINGS if isinstance(held.get(name), list)]
    rows = [row for row in lists[0][:MOST_RECORDS] if isinstance(row, dict)] if lists else []
    return _table({name for row in rows for name in row}) if rows else None


def _spans(records: list, end: int, cut: str) -> Recognised:
    """The reader that most of these records are for, if they say what it needs; else what is nearest, and missing."""
    if len(records) == 1 and isinstance(records[0], dict) and isinstance(held := records[0].get("data"), list):
        within = _spans(held[:MOST_RECORDS], end, cut) if any(_form_of(one) in PAGES_OF_SPANS for one in held) else None
        if within and within.form in PAGES_OF_SPANS:
            return within._replace(cut="wrapped")
    forms = [_form_of(record) for record in records]
    # A Collector or an SDK may write spans, log records and metrics into one file, whose readers know of each other.
    for family in SIGNALS:
        signal = next((form for form in forms if form in family), None)
        forms = [signal if form in family else form for form in forms]
    counts = Counter(form for form in forms if form)
    if not counts:
        nearest = next(filter(None, map(_nearest, records)), None) or next(
            filter(None, map(_nearest_within, records)), None
        )
        said = f"JSON of no known export format: {nearest}" if nearest else UNKNOWN_JSON
        return _unknown(f"{said}; see docs/inputs.md")
    ((form, fitting),) = counts.most_common(1)
    title = span_marks.title(form)
    if 2 * fitting < len(records):
        nearest = next((found for record in records if not _form_of(record) and (found := _nearest(record))), "")
        return _unknown(
            f"{len(records) - fitting} of the first {len(records)} records say nothing to the reader of {title}"
            f"{nearest and f' ({nearest})'}; export them alone"
        )
    # A head that ends within its only record may not show all of it.
    own = [record for record, found in zip(records, forms, strict=True) if found == form]
    if end >= 0 and (missing := span_marks.lacking(form, own)):
        return _unknown(f"nearest to {title}, whose spans have {missing}, which these lack; see docs/inputs.md")
    return Recognised("spans", form, cut)


def _form_of(record: object) -> str | None:
    """The reader of a span record, by names that it has and by what stands under them."""
    if not isinstance(record, dict):
        return None
    for marks, form in SPAN_RECORDS:
        if marks <= span_marks.names_of(record, form) and span_marks.fits(form, record):
            return form
    return "attribute_map" if span_marks.is_attribute_map(record) else None


def _nearest(record: object) -> str:
    """The format whose names a record has most of, and those that it lacks; no format, if it has half of none."""
    names = span_marks.names_of(record)
    # X-Ray's names are anybody's: its ids tell it, or nothing does.
    telling = [
        (marks, form)
        for marks, form in SPAN_RECORDS
        if len(marks) > 1 and form != "xray" and not marks & names <= COMMON_NAMES
    ]
    shared = [(len(marks & names) / len(marks), marks, form) for marks, form in telling]
    share, marks, form = max(shared, key=lambda candidate: candidate[0], default=(0, set(), ""))
    if share > 0.5 or (share == 0.5 and len(marks & names) > 1):
        # With all names there, it is what they hold that is another format's.
        lacked = ", ".join(sorted(marks - names)) or span_marks.needs(form)
        return f"nearest to {span_marks.title(form)}, without {lacked}"
    if any(ATTRIBUTE_NAMES.match(name) for name in names):
        return "flat records of calls with ids or times of their own, under names that no reader knows"
    return ""


def _nearest_within(record: object) -> str:
    """The same of records that stand somewhere within this one, and under which name."""
    reached: list[tuple[tuple[str, ...], object]] = [((), record)]
    for _ in range(LEVELS_LOOKED_AT):
        following: list[tuple[tuple[str, ...], object]] = []
        for way, one in reached:
            for name, held in one.items() if isinstance(one, dict) else ():
                inner = held[0] if isinstance(held, list) and held else held
                following += [((*way, name), inner)] if isinstance(inner, dict) else []
        for way, one in following:
            form = _form_of(one)
            said = f"they look like {span_marks.title(form)}; export them alone" if form else _nearest(one)
            if said and form != "attribute_map":
                return f"of its records under {'.'.join(way)[:60]}: {said}"
        reached = following
    return ""


def _evals(record: object, text: str, cut: str) -> Recognised | None:
    """The reader of an eval tool's file, by the names at the top of its first record, which the head may cut."""
    names = set(record) if isinstance(record, dict) else set()
    for marks, mark, form, own_cut in EVAL_RECORDS:
        if marks <= names and re.search(mark, text):
            return Recognised("eval_runs", f"eval_runs/{form}", own_cut or cut)
    return None


def _vendor(names: set[str], cut: str) -> Recognised | None:
    """The reader of a vendor's usage report."""
    here = {name.lower() for name in names}
    form = next((form for marks, form in VENDOR_ROWS if marks <= here), None)
    return Recognised("charges", f"charges/{form}", cut) if form else None


def _allocations(records: list, cut: str) -> Recognised | None:
    """The reader of OpenCost's allocations, where a record holds one; else why an answer of its API has nothing."""
    if any(_holds_allocation(record) for record in records):
        return Recognised("charges", "charges/opencost_json", cut)
    record = records[0] if records else None
    if not (isinstance(record, dict) and set(record) <= ANSWER and type(record.get("code")) is int):
        return None
    steps = record.get("data")
    if any(steps if isinstance(steps, list) else [steps]):
        return None
    code, names = record["code"], "OpenCost's and Kubecost's"
    if code >= 400:
        return _unknown(f"an answer with an error (code {code}) and no data, as {names} API gives it; ask again")
    if "data" in record:
        return _unknown(f"an answer without data, as {names} API gives it for a window of which it knows nothing")
    return None


def _holds_allocation(record: object) -> bool:
    """Whether this is an allocation, a set of them by name, or an answer with such sets."""
    if not isinstance(record, dict):
        return False
    steps = record.get("data", [])
    sets = [record, *(steps if isinstance(steps, list) else [steps])]
    return set(record) >= ALLOCATION or any(
        isinstance(held, dict) and set(held) >= ALLOCATION
        for one in sets
        if isinstance(one, dict)
        for held in one.values()
    )


def _case_rows(names: set[str]) -> Recognised | None:
    """The reader of an eval tool's results that have a row for each case."""
    form = None
    if names >= BRAINTRUST and names & {"root_span_id", "span_id", "_xact_id", "dataset_record_id", "metrics"}:
        form = "braintrust"
    elif any(name.startswith("feedback.") for name in names) and "run_type" not in names:
        form = "langsmith_results" if any(re.match(r"(inputs|outputs|reference)\.", name) for name in names) else None
    elif any(inputs <= names for inputs in RAGAS_INPUTS) and any(map(RAGAS_METRICS.match, names)):
        form = "ragas"
    return Recognised("eval_runs", f"eval_runs/{form}", "eval_rows") if form else None


def _first_records(text: str) -> tuple[list, int]:
    """(the first records, where the first ends) of JSON text; where the head cuts the first, its beginning and -1."""
    decode, begin, first_end = documents.DECODER.raw_decode, 0, -1
    records: list[object] = []
    while len(records) < MOST_RECORDS:
        begin = documents.value_begins(text, begin)
        try:
            record, begin = decode(text, begin)
            first_end = first_end if records else begin
            records.append(record)
        except (ValueError, RecursionError):
            if not records:
                return [part for part in [_beginning(text, begin)] if part is not None], -1
            begin = text.find("\n", begin) + 1  # of lines, one may be broken
            if not begin:
                break
    return records, first_end


def _session(text: str) -> Recognised | None:
    """The reader of a coding agent's session, where one of its first lines shows it."""
    for line in text.splitlines()[:LINES_LOOKED_AT]:
        try:
            record = documents.DECODER.decode(line)
        except (ValueError, RecursionError):
            continue
        for marks, types, form, cut in SESSION_LINES:
            if isinstance(record, dict) and marks <= set(record) and record.get("type") in types:
                return Recognised("spans", form, cut)
    return None


def _top_names(record: object, text: str) -> set[str]:
    """Names at the top of the first record, also where the head cuts it."""
    return set(record) if isinstance(record, dict) else set()


def _platform(records: list[tuple], names: set[str], text: str) -> str | None:
    """The reader of a platform's export."""
    if names & {"resourceSpans", "resourceLogs", "traceID"}:
        return None
    return next((form for marks, mark, form in records if marks <= names and re.search(mark, text)), None)


def _beginning(text: str, begin: int) -> object:
    """As much of a JSON value as its cut text says, or None."""
    # `end` is where the text may be cut; no bracket follows it, so `closers` are those that are needed there.
    closers, end = [], None
    for token in re.compile(r'"(?:[^"\\]|\\.)*"|["{}\[\],]').finditer(text, begin):
        if token[0] == '"':  # a text without its end
            break
        if token[0] in "{[":
            closers.append("}" if token[0] == "{" else "]")
            end = token.end()
        elif token[0] in "}]":
            if not closers or closers.pop() != token[0]:
                return None
            end = token.end()
        elif token[0] == ",":
            end = token.start()
    try:
        return None if end is None else documents.DECODER.decode(text[begin:end] + "".join(reversed(closers)))
    except (ValueError, RecursionError):
        return None


def _is_line_wise(text: str, end: int) -> bool:
    """One value a line: the first record ends with its line, or the head is all one line of a larger file."""
    if text.lstrip()[:1] == "[":
        return False
    if end < 0:
        return "\n" not in text.strip()
    return "\n" not in text[:end].lstrip() and (text[end:].lstrip(" \t\r")[:1] in ("\n", ""))


def _csv(text: str) -> Recognised:
    lines = list(io.StringIO(text, newline=""))
    first = next((place for place, line in enumerate(lines) if line.strip()), None)
    if first is None:
        return _unknown("an empty file, but for blanks and marks of a byte order; nothing to read")
    if re.match(r"\d{4}-\d\d-\d\dT\S+ (\S+ )?\{", lines[first].lstrip()):
        return _unknown(
            "records behind a time, as CloudWatch's export to S3 and `logs tail` write them; see docs/inputs.md"
        )
    found = nearest = _table_of_text(lines, first)
    for place in range(first + 1, min(len(lines), first + documents.HEADER_WITHIN)):
        if found.table:
            break
        # Lines above the header tell nothing; tables alone have names enough to be known without their first line.
        found = _table_of_text(lines, place)
        found = found._replace(table="") if found.table in ("spans", "eval_runs") else found
        if "header of" in found.complaint and "header of" not in nearest.complaint:
            nearest = found
    return found if found.table else nearest


def _table_of_text(lines: list[str], place: int) -> Recognised:
    """The reader of a table of text whose header is in this line."""
    delimiter = max(documents.DELIMITERS, key=lines[place].count)
    header = documents.header_of(lines[place], delimiter)
    if not header:
        return _unknown("neither JSON nor a CSV with a known header; see docs/inputs.md")
    rows = csv.reader(io.StringIO("".join(lines[place + 1 :]), newline=""), delimiter=delimiter)
    try:
        cells = next((cells for cells in rows if len(cells) == len(header)), None)
    except csv.Error:
        cells = None
    found = _header(header, "rows", dict(zip(header, cells or [""] * len(header), strict=True)))
    if found.table == "spans" and delimiter not in ",\t":
        return _unknown(f"spans in a table parted by '{delimiter}'; export it with commas or tabs")
    return found._replace(dialect=Dialect(delimiter, place + 1)) if found.table else found


def _zipped(path: Path | Member) -> Recognised:
    """The first sheet of a workbook that has a known header; other archives are read file by file, or refused."""
    with documents.opened(path) as stream:
        packed = stream.read()
    try:
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            names = set(archive.namelist())
    except documents.BROKEN_ARCHIVE as error:
        return _unknown(f"a zip archive that can't be opened ({error}); download it again")
    if not documents.is_workbook(names):
        return _unknown("an archive within an archive, or a document of another kind; unpack it before landing")
    nearest = None
    for sheet, rows in documents.sheets(packed, documents.HEADER_WITHIN):
        for place, row in enumerate(rows):
            header = [documents.text_of_cell(cell).strip() for cell in row]
            if not any(header):
                continue
            found = _header(header, "sheet_rows", dict.fromkeys(header, ""))
            if found.table and found.table != "spans":
                return found._replace(dialect=Dialect("", place + 1, sheet))
            if not nearest and "header of" in found.complaint:
                nearest = found
    return nearest or _unknown("a workbook of which no sheet has a known header; see docs/inputs.md")


def _parquet(path: Path | Member) -> Recognised:
    try:
        names = documents.parquet_file(path).schema_arrow.names
    except (pa.ArrowException, OSError, ValueError, EOFError) as error:
        return _unknown(f"Parquet that can't be opened ({str(error)[:100]}); export it again")
    return _header(names, "parquet_rows", dict.fromkeys(names))


def _header(header: list[str], cut: str, row: dict) -> Recognised:
    """The reader of a table, by its header and its first row (of Parquet the names alone)."""
    names, nearest, share, missing = set(header), "", 0.0, ""
    if known := _vendor(names, cut) or (_case_rows(names) if cut == "rows" else None):
        return known
    if any(marks <= names for marks in SCORES):
        return Recognised("eval_runs", "eval_runs/langfuse_scores", cut)
    quoted = ", ".join(f'"{name}"' for name in header)
    if form := _platform(PLATFORM_RECORDS, names, quoted):
        return Recognised("spans", form, cut)
    local = next((name for name in header if re.fullmatch(r"(timestamp|TimeGenerated) \[(?!UTC).*\]", name)), None)
    if form := _form_of(row):
        if local:
            return _unknown(f"times in a zone of the browser ({local}); show times in UTC and export again")
        if needed := span_marks.lacking(form, [row]):
            return _unknown(
                f"nearest to {span_marks.title(form)}, whose spans have {needed}, which these lack; see docs/inputs.md"
            )
        return Recognised("spans", form, cut)
    if form := _platform(OPIK_RECORDS, names, quoted):
        return Recognised("spans", form, cut)
    if names == EMPTY_OPENAI_USAGE:
        return Recognised("openai_usage", "openai_usage", cut)
    if table := _table(names):
        return Recognised(table, OPENED.get(table, table), cut)
    for table, columns in HEADERS.items():
        lacking = _lacking(names, table)
        here = 1 - len(lacking) / sum(column.is_required for column in columns.values())
        if here > share and _is_told(names, table):
            nearest, share, missing = table, here, ", ".join(lacking)
    if nearest and share >= 0.5:
        return _unknown(f"header of {nearest} without {missing}; export it again with all columns")
    kind = "Parquet" if cut == "parquet_rows" else "a CSV" if len(header) > 1 else ""
    if kind and (near := _nearest(row)):
        return _unknown(f"{kind} of no known export format: {near}; see docs/inputs.md")
    if kind == "Parquet":
        return _unknown("Parquet without the columns of a known export; see docs/inputs.md")
    return _unknown("neither JSON nor a CSV with a known header; see docs/inputs.md")


def _is_told(names: set[str], table: str) -> bool:
    """Whether columns are there that only this kind of file has, in any case."""
    here = {name.lower() for name in names}
    return any(set(marks.lower().split("|")) <= here for marks in DISTINCTIVE.get(table, ()))


def _lacking(names: set[str], table: str) -> list[str]:
    """Required columns that are there by none of their names, in any case; each by its first name."""
    here = {name.lower() for name in names}
    return [
        column.names[0]
        for column in HEADERS[table].values()
        if column.is_required and not here & {name.lower() for name in column.names}
    ]


def _table(names: set[str]) -> str | None:
    """The table whose required columns are all there, by any of their names."""
    return next((table for table in HEADERS if not _lacking(names, table)), None)
