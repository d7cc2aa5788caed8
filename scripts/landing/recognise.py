"""What a file is, told by its content; names and folders are not asked."""

import json
import re
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from landing import Unreadable, documents
from landing.logs import ZIP_MAGIC
from landing.tables import HEADERS

HEAD_BYTES = 1 << 18
# Readers of OTLP, and the list that their records hold.
OTLP_SIGNALS = {"otlp_json": "resourceSpans", "agent_logs": "resourceLogs", "agent_metrics": "resourceMetrics"}
# The same of what JavaScript's SDK writes of its own objects, as Gemini CLI's `outfile`.
SIGNALS = [OTLP_SIGNALS, {"javascript": "startTime", "javascript_logs": "hrTime"}]
# Marks of span formats in JSON records: names that a record has, and the reader for it. The first that fits wins.
SPAN_RECORDS = [
    *(({mark}, form) for form, mark in OTLP_SIGNALS.items()),
    ({"traceID", "spans"}, "jaeger"),
    ({"trace", "observations"}, "langfuse"),
    ({"projectId", "observations"}, "langfuse"),
    ({"parentObservationId", "traceId"}, "langfuse"),
    ({"parent_observation_id", "trace_id"}, "langfuse"),
    ({"request_id", "call_type", "spend"}, "litellm"),
    ({"hrTime", "attributes"}, "javascript_logs"),
    ({"spanContext"}, "javascript"),
    ({"_spanContext"}, "javascript"),
    ({"traceId", "id", "timestamp", "duration"}, "javascript"),
    ({"context", "attributes"}, "openinference"),
    ({"context.trace_id", "context.span_id"}, "openinference"),
    ({"trace_id", "span_id"}, "openinference"),
    ({"traceId", "spanId", "attributes"}, "otlp_span"),
]
# Marks of eval tools' files: names at the top of a record, a mark in the head, the reader, how records are cut.
EVAL_RECORDS = [
    ({"eval"}, r'"(task|run_id|created)"\s*:', "inspect_ai", "inspect_log"),
    ({"evalId", "results"}, "", "promptfoo", "promptfoo"),
    ({"results"}, r'"(gradingResult|testPassCount|latencyMs|tokenUsage)"\s*:', "promptfoo", "promptfoo"),
    ({"promptIdx", "testIdx"}, "", "promptfoo", "promptfoo_lines"),
]
INSPECT_PARTS = re.compile(rb"PK\x03\x04.{26}(_journal/|start\.json|header\.json|samples/)", re.DOTALL)
# Scores alone, as Langfuse's API, blob storage and tables export them.
SCORES = [{"id", "name", "value", "source", "traceId"}, {"id", "name", "value", "source", "trace_id"}]
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
# Known formats that are not read: a mark in the head, the name people know them by, and the way to go.
NOT_READ = [
    (
        r'"Segments"\s*:(?s:.)*"Document"\s*:',
        "AWS X-Ray segments, which no reader takes; export the same traces as OpenTelemetry spans: CloudWatch "
        "Transaction Search's log group aws/spans, or an OpenTelemetry Collector with the exporter `file`",
    ),
    (
        r'"ai"\s*:\s*\{(?s:.)*"usage"\s*:(?s:.)*"(request|response)_model"\s*:',
        "a Kong AI Gateway log, which no reader takes; enable Kong's OpenTelemetry plugin and export its spans through "
        "an OpenTelemetry Collector with the exporter `file`",
    ),
]
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
LINES_LOOKED_AT = 50
# Pages of providers' APIs: a mark in the head, the table and the reader. An empty page is usage, which claims nothing.
PAGES = [
    (r'"organization\.costs\.result"', "openai_costs/openai_page"),
    (r'"starting_at"(?s:.)*"(cost_type|amount)"\s*:', "anthropic_costs/anthropic_page"),
    (r'"starting_at"\s*:', "anthropic_usage/anthropic_page"),
    (r'"object"\s*:\s*"(page|bucket)"', "openai_usage/openai_page"),
]
EMPTY_OPENAI_USAGE = {"start_time", "end_time", "start_time_iso", "end_time_iso"}
ATTRIBUTE_NAMES = re.compile(r"(gen_ai|llm|openinference|ai|traceloop|langfuse)\.")


class Recognised(NamedTuple):
    """`table` is where it lands (None: `complaint` says why it is not read), `form` its reader, `cut` its records."""

    table: str | None
    form: str | None = None
    cut: str | None = None
    complaint: str | None = None


def recognise(path: Path) -> Recognised:
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
    if b"\x00" in head[:4096]:
        return _unknown("a binary file of no known export format; see README, Inputs")
    text = head.decode("utf-8-sig", "replace")
    return _json(text) if text.lstrip()[:1] in ("{", "[") else _csv(text)


def _unknown(complaint: str) -> Recognised:
    return Recognised(None, complaint=complaint)


def _is_framed(head: bytes) -> bool:
    """Length-delimited messages: zstd by its magic, OTLP protobuf by its first field (0x0a) and bytes no text holds."""
    if head[4:8] == documents.ZSTD_MAGIC:
        return True
    begins = re.match(rb"[\x00-\x0f].{3}[\x0a{]|[\x80-\xff]{0,4}[\x00-\x7f]\x0a|\x0a", head, re.DOTALL)
    return bool(begins) and re.search(rb"[\x00-\x08\x0e-\x1f]", head[:4096]) is not None


def _signal_in(path: Path) -> str:
    """The reader of the OTLP signal that the first message of a file holds."""
    _, text = documents.first_message(path) or (0, "")
    begin = "" if isinstance(text, Unreadable) else str(text[:100])
    return next((form for form, mark in OTLP_SIGNALS.items() if f'"{mark}"' in begin), "otlp_json")


def _json(text: str) -> Recognised:
    record, end = _first_record(text)
    cut = "lines" if _is_line_wise(text, end) else "concatenated"
    if evals := _evals(record, text, cut):
        return evals
    names = set(record) if isinstance(record, dict) else set(re.findall(r'"([A-Za-z_.]+)"\s*:', text))
    if isinstance(record, dict) and isinstance(record.get("data"), list):  # Jaeger's API wraps its traces
        names |= set(record["data"][0]) if record["data"] and isinstance(record["data"][0], dict) else set()
    if any(marks <= names for marks in SCORES) and "observations" not in names:
        return Recognised("eval_runs", "eval_runs/langfuse_scores", cut)
    if cut == "lines" and "type" in names and (session := _session(text)):
        return session
    for marks, form in SPAN_RECORDS:
        if marks <= names:
            return Recognised("spans", form, cut)
    if names & {"data", "results"}:
        for mark, form in PAGES:
            if re.search(mark, text):
                return Recognised(form.partition("/")[0], form, cut)
    if isinstance(record, dict) and (table := _table(names)):
        return Recognised(table, table, cut)
    for mark, name in NOT_READ:
        if re.search(mark, text):
            return _unknown(name)
    if re.search(r'"attributes"\s*:\s*\[\s*(\{\s*"key"\s*:|\])', text):
        return Recognised("spans", "otlp_span", cut)
    if any(ATTRIBUTE_NAMES.match(name) for name in names):
        return Recognised("spans", "attribute_map", cut)
    return _unknown("JSON of no known export format, or cut off in its first record; see README, Inputs")


def _evals(record: object, text: str, cut: str) -> Recognised | None:
    """The reader of an eval tool's file; where the head cuts the record, by the names that stand at its top."""
    names = set(record) if isinstance(record, dict) else _outer_names(text) if record is None else set()
    for marks, mark, form, own_cut in EVAL_RECORDS:
        if marks <= names and re.search(mark, text):
            return Recognised("eval_runs", f"eval_runs/{form}", own_cut or cut)
    return None


def _session(text: str) -> Recognised | None:
    """The reader of a coding agent's session, where one of its first lines shows it."""
    for line in text.splitlines()[:LINES_LOOKED_AT]:
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            continue
        for marks, types, form, cut in SESSION_LINES:
            if isinstance(record, dict) and marks <= set(record) and record.get("type") in types:
                return Recognised("spans", form, cut)
    return None


def _outer_names(text: str) -> set[str]:
    """Names at the top of a JSON object, of which there may be the beginning alone."""
    depth, names = 0, set()
    for token in re.finditer(r'"((?:[^"\\]|\\.)*)"(\s*:)?|[{}\[\]]', text):
        if token[2] and depth == 1:
            names.add(token[1])
        depth += (token[0] in ("{", "[")) - (token[0] in ("}", "]"))
    return names


def _first_record(text: str) -> tuple[object, int]:
    """(the first record, where it ends) of JSON text; (None, -1) where the head cuts it."""
    begin = re.match(r"[\s\[]*", text).end()
    try:
        record, end = json.JSONDecoder().raw_decode(text, begin)
        return record, end
    except (json.JSONDecodeError, RecursionError):
        return None, -1


def _is_line_wise(text: str, end: int) -> bool:
    """One value a line: the first record ends with its line, or the head is all one line of a larger file."""
    if text.lstrip()[:1] == "[":
        return False
    if end < 0:
        return "\n" not in text.strip()
    return "\n" not in text[:end].lstrip() and (text[end:].lstrip(" \t\r")[:1] in ("\n", ""))


def _csv(text: str) -> Recognised:
    return _header(documents.header_of(text.lstrip().splitlines()[0])[0], "rows")


def _parquet(path: Path) -> Recognised:
    try:
        return _header(pq.ParquetFile(path).schema_arrow.names, "parquet_rows")
    except (pa.ArrowInvalid, OSError) as error:
        return _unknown(f"Parquet that can't be opened ({str(error)[:100]}); export it again")


def _header(header: list[str], cut: str) -> Recognised:
    names, nearest, share, missing = set(header), None, 0.0, []
    if any(marks <= names for marks in SCORES):
        return Recognised("eval_runs", "eval_runs/langfuse_scores", cut)
    for marks, form in SPAN_RECORDS:
        if marks <= names:
            return Recognised("spans", form, cut)
    if names == EMPTY_OPENAI_USAGE:
        return Recognised("openai_usage", "openai_usage", cut)
    if table := _table(names):
        return Recognised(table, table, cut)
    for table, columns in HEADERS.items():
        lacking = _lacking(names, table)
        here = 1 - len(lacking) / sum(column.is_required for column in columns.values())
        if here > share:
            nearest, share, missing = table, here, lacking
    if nearest and share >= 0.5:
        return _unknown(f"header of {nearest} without {', '.join(missing)}; export it again with all columns")
    if cut == "parquet_rows":
        return _unknown("Parquet without the columns of a known export; see README, Inputs")
    return _unknown("neither JSON nor a CSV with a known header; see README, Inputs")


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
