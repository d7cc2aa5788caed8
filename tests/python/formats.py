"""One forest of spans written in each format that landing reads: writers that know no reader."""

import gzip
import io
import json
import struct
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
from exports import attributes as otlp_attributes

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Span(NamedTuple):
    """What every format can say of a span; times in microseconds since 1970, ids as bytes."""

    trace: bytes
    number: bytes
    parent: bytes | None
    name: str
    begin: int
    length: int
    is_error: bool
    service: str
    attributes: dict


def iso(microseconds: int) -> str:
    return (EPOCH + timedelta(microseconds=microseconds)).isoformat()


def otlp(spans: list[Span]) -> list[dict]:
    """One batch per span."""
    return [
        {
            "resourceSpans": [
                {
                    "resource": {"attributes": otlp_attributes({"service.name": span.service})},
                    "scopeSpans": [
                        {
                            "spans": [
                                {
                                    "traceId": span.trace.hex(),
                                    "spanId": span.number.hex(),
                                    "parentSpanId": span.parent.hex() if span.parent else "",
                                    "name": span.name,
                                    "startTimeUnixNano": str(span.begin * 1000),
                                    "endTimeUnixNano": str((span.begin + span.length) * 1000),
                                    "attributes": otlp_attributes(span.attributes),
                                    "status": {"code": "STATUS_CODE_ERROR" if span.is_error else 1},
                                }
                            ]
                        }
                    ],
                }
            ]
        }
        for span in spans
    ]


def otlp_lines(spans: list[Span]) -> bytes:
    return "".join(json.dumps(batch) + "\n" for batch in otlp(spans)).encode()


def otlp_pretty(spans: list[Span]) -> bytes:
    return b"\xef\xbb\xbf" + "\r\n".join(json.dumps(batch, indent=2) for batch in otlp(spans)).encode()


def otlp_one_batch_gzipped(spans: list[Span]) -> bytes:
    return gzip.compress(json.dumps({"resourceSpans": [batch["resourceSpans"][0] for batch in otlp(spans)]}).encode())


def otlp_protobuf(spans: list[Span]) -> bytes:
    from google.protobuf.json_format import ParseDict
    from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

    framed = io.BytesIO()
    for batch, span in zip(otlp(spans), spans, strict=True):
        one = batch["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
        for name in ("traceId", "spanId", "parentSpanId"):
            one.pop(name)
        data = ParseDict(batch, TracesData())
        proto = data.resource_spans[0].scope_spans[0].spans[0]
        proto.trace_id, proto.span_id, proto.parent_span_id = span.trace, span.number, span.parent or b""
        message = data.SerializeToString()
        framed.write(struct.pack(">I", len(message)) + message)
    return framed.getvalue()


def otlp_compressed_messages(spans: list[Span]) -> bytes:
    """As the Collector's file exporter compresses: message by message, each behind its length."""
    framed = b""
    for batch in otlp(spans):
        target = pa.BufferOutputStream()
        with pa.CompressedOutputStream(target, "zstd") as stream:
            stream.write(json.dumps(batch).encode())
        message = target.getvalue().to_pybytes()
        framed += struct.pack(">I", len(message)) + message
    return framed


def _openinference(span: Span) -> dict:
    return {
        "name": span.name,
        "context.trace_id": span.trace.hex(),
        "context.span_id": span.number.hex(),
        "parent_id": span.parent.hex() if span.parent else None,
        "start_time": iso(span.begin),
        "end_time": iso(span.begin + span.length),
        "status_code": "ERROR" if span.is_error else "OK",
        **{f"attributes.{name}": value for name, value in span.attributes.items()},
        "attributes.service.name": span.service,
    }


def phoenix_lines(spans: list[Span]) -> bytes:
    return "".join(json.dumps(_openinference(span)) + "\n" for span in spans).encode()


def phoenix_parquet(spans: list[Span]) -> bytes:
    target = io.BytesIO()
    rows = [_openinference(span) for span in spans]
    names = dict.fromkeys(name for row in rows for name in row)
    pq.write_table(pa.Table.from_pylist([{name: row.get(name) for name in names} for row in rows]), target)
    return target.getvalue()


def nested(flat: dict) -> dict:
    tree: dict = {}
    for name, value in flat.items():
        *path, last = name.split(".")
        node = tree
        for part in path:
            node = node.setdefault(part, {})
        node[last] = value
    return tree


def openinference_array(spans: list[Span]) -> bytes:
    return json.dumps(
        [
            {
                "name": span.name,
                "context": {"trace_id": span.trace.hex().upper(), "span_id": span.number.hex().upper()},
                "parent_id": span.parent.hex().upper() if span.parent else "",
                "start_time": span.begin * 1000,
                "end_time": (span.begin + span.length) * 1000,
                "status": {"status_code": "ERROR" if span.is_error else "OK"},
                "attributes": nested({**span.attributes, "service.name": span.service}),
            }
            for span in spans
        ],
        indent=1,
    ).encode()


def console(spans: list[Span]) -> bytes:
    """The Python SDK's console exporter; it writes a span at its start and again at its end where a processor does."""
    written = []
    for span in spans:
        ended = {
            "name": span.name,
            "context": {"trace_id": "0x" + span.trace.hex(), "span_id": "0x" + span.number.hex(), "trace_state": "[]"},
            "kind": "SpanKind.INTERNAL",
            "parent_id": "0x" + span.parent.hex() if span.parent else None,
            "start_time": iso(span.begin).replace("+00:00", "Z"),
            "end_time": iso(span.begin + span.length).replace("+00:00", "Z"),
            "status": {"status_code": "ERROR" if span.is_error else "OK"},
            "attributes": span.attributes,
            "events": [],
            "links": [],
            "resource": {"attributes": {"service.name": span.service}, "schema_url": ""},
        }
        written += [{**ended, "end_time": None, "attributes": {}, "status": {"status_code": "UNSET"}}, ended]
    return "\n".join(json.dumps(record, indent=4) for record in written).encode()


def jaeger(spans: list[Span]) -> bytes:
    def tags(values: dict) -> list[dict]:
        return [{"key": name, "type": "string", "value": value} for name, value in values.items()]

    traces = [
        {
            "traceID": span.trace.hex(),
            "spans": [
                {
                    "traceID": span.trace.hex(),
                    "spanID": span.number.hex().lstrip("0"),
                    "operationName": span.name,
                    "references": [
                        {"refType": "CHILD_OF", "traceID": span.trace.hex(), "spanID": span.parent.hex().lstrip("0")}
                    ]
                    if span.parent
                    else [],
                    "startTime": span.begin,
                    "duration": span.length,
                    "tags": tags({**span.attributes, "otel.status_code": "ERROR" if span.is_error else "OK"}),
                    "processID": "p1",
                }
            ],
            "processes": {"p1": {"serviceName": span.service, "tags": []}},
        }
        for span in spans
    ]
    return json.dumps({"data": traces, "total": 0}).encode()


def javascript(spans: list[Span]) -> bytes:
    def pair(microseconds: int) -> list[int]:
        return [microseconds // 1_000_000, microseconds % 1_000_000 * 1000]

    return json.dumps(
        [
            {
                "name": span.name,
                "spanContext": {"traceId": span.trace.hex(), "spanId": span.number.hex()},
                "parentSpanContext": {"spanId": span.parent.hex()} if span.parent else None,
                "startTime": pair(span.begin),
                "endTime": pair(span.begin + span.length),
                "status": {"code": 2 if span.is_error else 1},
                "attributes": span.attributes,
                "resource": {"attributes": {"service.name": span.service}},
            }
            for span in spans
        ]
    ).encode()


def _langfuse(span: Span) -> dict:
    metadata = {"attributes": span.attributes, "resourceAttributes": {"service.name": span.service}}
    return {
        "id": span.number.hex(),
        "traceId": span.trace.hex(),
        "parentObservationId": span.parent.hex() if span.parent else None,
        "type": "SPAN",
        "name": span.name,
        "startTime": iso(span.begin).replace("+00:00", "Z"),
        "endTime": iso(span.begin + span.length).replace("+00:00", "Z"),
        "level": "ERROR" if span.is_error else "DEFAULT",
        "usageDetails": {},
        "totalCost": None,
        "metadata": json.dumps(metadata),
    }


def langfuse_trace(spans: list[Span]) -> bytes:
    return json.dumps(
        {"trace": {"id": "any", "tags": [], "environment": None}, "observations": [_langfuse(span) for span in spans]}
    ).encode()


def langfuse_blob(spans: list[Span]) -> bytes:
    snake = {"traceId": "trace_id", "parentObservationId": "parent_observation_id", "startTime": "start_time",
             "endTime": "end_time", "usageDetails": "usage_details", "totalCost": "total_cost"}  # fmt: skip
    rows = [{snake.get(name, name): value for name, value in _langfuse(span).items()} for span in spans]
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def langfuse_csv(spans: list[Span]) -> bytes:
    import csv

    target = io.StringIO()
    rows = [json.loads(line) for line in langfuse_blob(spans).splitlines()]
    writer = csv.DictWriter(target, list(rows[0]))
    writer.writeheader()
    for row in rows:
        writer.writerow({**row, "usage_details": json.dumps(row["usage_details"])})
    return target.getvalue().encode()


FORMATS = [otlp_lines, otlp_pretty, otlp_one_batch_gzipped, otlp_protobuf, otlp_compressed_messages, phoenix_lines,
           phoenix_parquet, openinference_array, console, jaeger, javascript, langfuse_trace, langfuse_blob,
           langfuse_csv]  # fmt: skip


def write(folder: Path, spans: list[Span], form) -> Path:
    path = folder / form.__name__
    path.write_bytes(form(spans))
    return path
