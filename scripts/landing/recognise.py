"""What a file is, told by its content; names and folders are not asked."""

import gzip
import io
import json
import re
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from landing import rows_csv

HEAD_BYTES = 1 << 18

# Formats of 2-contracts that have no reader yet: a mark in the head, and the name people know them by.
NOT_YET_READ = [
    (r'"evalId"\s*:', "promptfoo results"),
    (r'"eval"\s*:\s*\{(?s:.){0,4000}?"(task|run_id|created)"\s*:', "inspect_ai log"),
    (r'"observations"\s*:|"parentObservationId"\s*:|"parent_observation_id"\s*:', "Langfuse export"),
    (r'"spanContext"\s*:', "JavaScript SDK span dump"),
    (r'"traceID"\s*:\s*"', "Jaeger JSON"),
    (r'"context"\s*:\s*\{\s*"trace_id"\s*:\s*"0x', "console exporter dump"),
    (r'"object"\s*:\s*"(page|bucket)"', "provider API page"),
]
NOT_YET_READ_CSV = [
    ({"BilledCost", "ChargePeriodStart"}, "FOCUS file"),
    ({"num_model_requests"}, "OpenAI usage"),
    ({"usage_date_utc"}, "Anthropic Console export"),
    ({"custom_llm_provider"}, "LiteLLM spend"),
    ({"startTime", "parentObservationId"}, "Langfuse export"),
    ({"invoice_id", "period_start"}, "invoices"),
]


class Recognised(NamedTuple):
    """`kind` names a reader (spans, or a table of rows); None says in `complaint` why the file is not read."""

    kind: str | None
    complaint: str | None = None


def opened(path: Path):
    """The file's bytes, decompressed where it is gzip or zstd."""
    with path.open("rb") as raw:
        magic = raw.read(4)
    if magic[:2] == b"\x1f\x8b":
        return gzip.open(path, "rb")
    if magic == b"\x28\xb5\x2f\xfd":
        return io.BufferedReader(pa.CompressedInputStream(pa.OSFile(str(path), "rb"), "zstd"))
    return path.open("rb")


def recognise(path: Path) -> Recognised:
    with opened(path) as stream:
        head = stream.read(HEAD_BYTES)
    if not head.strip():
        return Recognised(None, "an empty file; nothing to read")
    if head[:4] in (b"PAR1", b"PK\x03\x04") or b"\x00" in head[:4096]:
        return Recognised(None, "a binary file whose format is not yet read (Parquet, protobuf or archive)")
    text = head.decode("utf-8-sig", "replace")
    return _json(text) if text.lstrip()[:1] in ("{", "[") else _csv(text)


def _json(text: str) -> Recognised:
    if re.search(r'"resourceSpans"\s*:', text):
        return Recognised("spans")
    for mark, name in NOT_YET_READ:
        if re.search(mark, text):
            return Recognised(None, f"{name}: a format not yet read")
    names = _top_names(text)
    if names and ({"trace_id", "span_id"} <= names or {"context.trace_id", "context.span_id"} <= names):
        return Recognised("spans")
    if re.search(r'"context"\s*:\s*\{[^{}]*"trace_id"', text) and '"attributes"' in text:
        return Recognised("spans")
    if re.search(r'"attributes"\s*:\s*\[\s*(\{\s*"key"\s*:|\])', text):
        return Recognised("spans")
    return Recognised(None, "JSON of no known export format, or cut off in its first record; see README, Inputs")


def _top_names(text: str) -> set[str]:
    """Names at the top of the first record, from a head that may end in its middle."""
    body = text.lstrip().lstrip("[").lstrip()
    try:
        record, _ = json.JSONDecoder().raw_decode(body)
        return set(record) if isinstance(record, dict) else set()
    except (json.JSONDecodeError, RecursionError):
        return set(re.findall(r'"([A-Za-z_.]+)"\s*:', body))


def _csv(text: str) -> Recognised:
    header, _ = rows_csv.header_of(text.lstrip().splitlines()[0])
    table, complaint = rows_csv.recognise(header)
    if table:
        return Recognised(None if complaint else table, complaint)
    for names, name in NOT_YET_READ_CSV:
        if names <= set(header):
            return Recognised(None, f"{name}: a format not yet read")
    return Recognised(None, "neither JSON nor a CSV with a known header; see README, Inputs")
