"""Doors to trace stores and gateways' logs; and a reader takes only what it understands."""

import base64
import csv
import gzip
import io
import json
import tempfile
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from exports import attributes, batch, span
from formats import FORMATS, Span, otlp
from test_formats import read
from test_landing import landed, reasons

import land
from landing import recognise as recognition
from landing import span_marks
from landing.recognise import recognise
from landing.work import Piece, Reading, Task, examine, perform

TRACE, ROOT, CALL = "4921c0e2d1f6005abe1f9ec2e2041909", "3c4588116394d216", "4204e3a9e60327e2"
BEGIN = 1_791_190_800  # 2026-10-05 09:00:00 UTC
GEN_AI = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.response.model": "gpt-5",
    "gen_ai.usage.input_tokens": 1000,
    "gen_ai.usage.output_tokens": 100,
    "gen_ai.usage.cache_read.input_tokens": 400,
}
SPANS = [
    # id, parent, name, seconds after the beginning, seconds long, attributes
    (ROOT, "", "POST /ask", 0, 60, {"app.feature": "draft"}),
    (CALL, ROOT, "chat gpt-5", 1, 2, GEN_AI),
]
COLUMNS = (
    "span_id, parent_span_id, name, service_name, cast(started_at as varchar), cast(ended_at as varchar), feature_id,"
    " operation, provider, model, input_tokens, cache_read_tokens, output_tokens"
)
EXPECTED = [
    (ROOT, None, "POST /ask", "shop", "2026-10-05 09:00:00", "2026-10-05 09:01:00", "draft", *[None] * 6),
    (CALL, ROOT, "chat gpt-5", "shop", "2026-10-05 09:00:01", "2026-10-05 09:00:03", None, "chat", "openai", "gpt-5",
     1000, 400, 100),
]  # fmt: skip


def iso(seconds: float) -> str:
    return f"2026-10-05T09:{int(seconds) // 60:02}:{seconds % 60:06.3f}Z"


def spaced(seconds: float) -> str:
    return iso(seconds)[:-1].replace("T", " ") + "000000"


def texts(values: dict) -> dict:
    return {name: str(value) for name, value in values.items()}


def to_csv(rows: list[dict]) -> bytes:
    target = io.StringIO()
    writer = csv.DictWriter(target, list(dict.fromkeys(name for row in rows for name in row)), restval="")
    writer.writeheader()
    writer.writerows(
        {name: json.dumps(value) if isinstance(value, dict | list) else value for name, value in row.items()}
        for row in rows
    )
    return target.getvalue().encode()


def to_lines(rows: list) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def resource_spans() -> list[dict]:
    """OTLP, as Tempo answers: ids in base64."""

    def based(digits: str) -> str:
        return base64.b64encode(bytes.fromhex(digits)).decode()

    spans = [
        {"traceId": based(TRACE), "spanId": based(number), **({"parentSpanId": based(parent)} if parent else {}),
         "name": name, "kind": "SPAN_KIND_CLIENT", "startTimeUnixNano": str((BEGIN + at) * 10**9),
         "endTimeUnixNano": str((BEGIN + at + length) * 10**9), "attributes": attributes(values), "status": {}}
        for number, parent, name, at, length, values in SPANS
    ]  # fmt: skip
    resource = {"attributes": attributes({"service.name": "shop"})}
    return [{"resource": resource, "scopeSpans": [{"scope": {"name": "s"}, "spans": spans}]}]


def tempo_v1() -> bytes:
    return json.dumps({"batches": resource_spans()}).encode()


def tempo_v2() -> bytes:
    return json.dumps({"trace": {"resourceSpans": resource_spans()}, "metrics": {}}, indent=2).encode()


def zipkin() -> bytes:
    """GET /api/v2/traces: a list of traces, each a list of spans."""
    spans = [
        {"traceId": TRACE, "id": number, **({"parentId": parent} if parent else {}), "name": name,
         "timestamp": (BEGIN + at) * 10**6, "duration": length * 10**6, "localEndpoint": {"serviceName": "shop"},
         "tags": texts(values)}
        for number, parent, name, at, length, values in SPANS
    ]  # fmt: skip
    return json.dumps([spans]).encode()


def aws_spans() -> list[dict]:
    return [
        {"resource": {"attributes": {"service.name": "shop", "cloud.provider": "aws"}},
         "scope": {"name": "strands.telemetry.tracer", "version": "1.2"}, "traceId": TRACE, "spanId": number,
         **({"parentSpanId": parent} if parent else {}), "flags": 256, "name": name, "kind": "CLIENT",
         "startTimeUnixNano": (BEGIN + at) * 10**9, "endTimeUnixNano": (BEGIN + at + length) * 10**9,
         "durationNano": length * 10**9, "attributes": values, "status": {"code": "OK"}}
        for number, parent, name, at, length, values in SPANS
    ]  # fmt: skip


def cloudwatch_lines() -> bytes:
    return to_lines(aws_spans())


def cloudwatch_insights_csv() -> bytes:
    return to_csv([{"@timestamp": iso(0), "@message": json.dumps(one)} for one in aws_spans()])


def cloudwatch_insights_json() -> bytes:
    return json.dumps([{"@timestamp": iso(0), "@message": one} for one in aws_spans()]).encode()


def cloudwatch_query_results() -> bytes:
    rows = [[{"field": "@timestamp", "value": iso(0)}, {"field": "@message", "value": json.dumps(one)},
             {"field": "@ptr", "value": "x"}] for one in aws_spans()]  # fmt: skip
    return json.dumps({"results": rows, "statistics": {}, "status": "Complete"}).encode()


def cloudwatch_subscription() -> bytes:
    events = [{"id": "1", "timestamp": 1, "message": json.dumps(one)} for one in aws_spans()]
    held = {"messageType": "DATA_MESSAGE", "owner": "1", "logGroup": "aws/spans", "logEvents": events}
    return gzip.compress(json.dumps(held).encode())


def cloudwatch_filtered() -> bytes:
    events = [{"logStreamName": "default", "timestamp": 1, "message": json.dumps(one)} for one in aws_spans()]
    return json.dumps({"events": events, "searchedLogStreams": []}, indent=1).encode()


def otel_traces() -> list[dict]:
    return [
        {"Timestamp": spaced(at), "TraceId": TRACE, "SpanId": number, "ParentSpanId": parent, "TraceState": "",
         "SpanName": name, "SpanKind": "Client", "ServiceName": "shop",
         "ResourceAttributes": {"service.name": "shop"}, "ScopeName": "openlit", "ScopeVersion": "1",
         "SpanAttributes": texts(values), "Duration": length * 10**9, "StatusCode": "Ok", "StatusMessage": "",
         "Links.TraceId": [], "Links.SpanId": []}
        for number, parent, name, at, length, values in SPANS
    ]  # fmt: skip


def clickhouse_lines() -> bytes:
    return to_lines(otel_traces())


def clickhouse_json() -> bytes:
    return json.dumps({"meta": [], "data": otel_traces(), "rows": 2}).encode()


def clickhouse_csv() -> bytes:
    """CSVWithNames: maps in ClickHouse's own text."""

    def own(values: dict) -> str:
        return "{" + ",".join(f"'{name}':'{value}'" for name, value in values.items()) + "}"

    rows = otel_traces()
    for row in rows:
        row["SpanAttributes"] = own({**row["SpanAttributes"], "note": "it\\'s \\\\ odd, ':' and '}"[:6] + "s"})
        row["ResourceAttributes"] = own(row["ResourceAttributes"])
    return to_csv(rows)


def clickhouse_parquet() -> bytes:
    rows = otel_traces()
    table = pa.Table.from_pylist(
        [
            {**row, "SpanAttributes": list(row["SpanAttributes"].items()),
             "ResourceAttributes": list(row["ResourceAttributes"].items())}
            for row in rows
        ],
        pa.schema([
            (name, pa.map_(pa.string(), pa.string()) if name.endswith("Attributes") else pa.list_(pa.string())
             if name.startswith("Links") else pa.int64() if name == "Duration" else pa.string()) for name in rows[0]
        ]),
    )  # fmt: skip
    times = pa.array([(BEGIN + at) * 10**9 for _, _, _, at, _, _ in SPANS], pa.timestamp("ns"))
    target = io.BytesIO()
    pq.write_table(table.set_column(0, "Timestamp", times), target)
    return target.getvalue()


def signoz() -> bytes:
    return to_lines([
        {"timestamp": spaced(at), "trace_id": TRACE, "span_id": number, "parent_span_id": parent, "name": name,
         "duration_nano": length * 10**9, "status_code_string": "Ok",
         "attributes_string": {key: value for key, value in values.items() if isinstance(value, str)},
         "attributes_number": {key: value for key, value in values.items() if not isinstance(value, str)},
         "resources_string": {"service.name": "shop"}}
        for number, parent, name, at, length, values in SPANS
    ])  # fmt: skip


def events() -> list[dict]:
    return [
        {"trace.trace_id": TRACE, "trace.span_id": number, **({"trace.parent_id": parent} if parent else {}),
         "name": name, "service.name": "shop", "duration_ms": length * 1000, "library.name": "s", **values}
        for number, parent, name, at, length, values in SPANS
    ]  # fmt: skip


def honeycomb_flat() -> bytes:
    rows = [{"Timestamp": iso(at), **event} for (_, _, _, at, _, _), event in zip(SPANS, events(), strict=True)]
    return json.dumps(rows).encode()


def honeycomb_csv() -> bytes:
    return to_csv(json.loads(honeycomb_flat()))


def honeycomb_batch() -> bytes:
    """The events API's form; an event of a span is a record of its own."""
    rows = [{"time": iso(at), "samplerate": 1, "data": event}
            for (_, _, _, at, _, _), event in zip(SPANS, events(), strict=True)]  # fmt: skip
    event = {"trace.trace_id": TRACE, "trace.parent_id": CALL, "name": "retry", "meta.annotation_type": "span_event"}
    return json.dumps([{"time": iso(1), "data": event}, *rows]).encode()


def dependencies() -> list[dict]:
    return [
        {"timestamp": iso(at), "id": number, "target": "azure", "name": name, "success": "True",
         "duration": length * 1000, "itemType": "dependency", "customDimensions": json.dumps(texts(values)),
         "operation_Name": "POST /ask", "operation_Id": TRACE, "operation_ParentId": parent or TRACE,
         "cloud_RoleName": "shop"}
        for number, parent, name, at, length, values in SPANS
    ]  # fmt: skip


def app_insights_csv() -> bytes:
    """The portal's download: American times, the zone in the header."""
    rows = [{"timestamp [UTC]": f"10/5/2026, 9:00:{at:02}.000 AM", **row}
            for (_, _, _, at, _, _), row in zip(SPANS, dependencies(), strict=True)]  # fmt: skip
    for row in rows:
        del row["timestamp"]
    return b"\xef\xbb\xbf" + to_csv(rows)


def app_insights_api() -> bytes:
    rows = dependencies()
    columns = [{"name": name, "type": "string"} for name in rows[0]]
    table = {"name": "PrimaryResult", "columns": columns, "rows": [list(row.values()) for row in rows]}
    return json.dumps({"tables": [table]}).encode()


def log_analytics() -> bytes:
    return json.dumps([
        {"TimeGenerated": iso(at), "Id": number, "Name": name, "DurationMs": length * 1000, "Success": True,
         "Properties": texts(values), "OperationId": TRACE, "ParentId": parent or TRACE, "AppRoleName": "shop",
         "Type": "AppDependencies"}
        for number, parent, name, at, length, values in SPANS
    ], indent=2).encode()  # fmt: skip


def llm_observability() -> list[dict]:
    usage = {"input_tokens": 1000, "output_tokens": 100, "total_tokens": 1100, "cache_read_input_tokens": 400}
    return [
        {"span_id": number, "trace_id": TRACE, "parent_id": parent or "undefined", "name": name, "ml_app": "shop",
         "start_ns": (BEGIN + at) * 10**9, "duration": length * 10**9, "status": "ok",
         "span_kind": "llm" if parent else None, "model_name": "gpt-5" if parent else None,
         "model_provider": "openai" if parent else None, "metrics": usage if parent else {},
         "tags": ["service:shop", "env:prod", *([] if parent else ["app.feature:draft"])]}
        for number, parent, name, at, length, _ in SPANS
    ]  # fmt: skip


def datadog_page() -> bytes:
    page = [{"id": one["span_id"], "type": "span", "attributes": one} for one in llm_observability()]
    return json.dumps({"data": page, "meta": {"page": {"after": ""}}}).encode()


def datadog_spans() -> bytes:
    """As the SDKs send and log them: kind and model under `meta`, and the cached tokens left out of the input."""
    spans = llm_observability()
    for one in spans:
        kind, model, provider = one.pop("span_kind"), one.pop("model_name"), one.pop("model_provider")
        one["meta"] = {"span.kind": kind, "model_name": model, "model_provider": provider}
        if one["metrics"]:
            one["metrics"] |= {"input_tokens": 600, "non_cached_input_tokens": 600}
    return to_lines(spans)


def xray() -> bytes:
    """BatchGetTraces: a segment is a text within, its call a subsegment; one attribute is an annotation."""
    (_, _, name, _, length, root), (_, _, call_name, at, call_length, call) = SPANS
    rest = {key: value for key, value in call.items() if key != "gen_ai.response.model"}
    segment = {
        "id": ROOT, "trace_id": f"1-{TRACE[:8]}-{TRACE[8:]}", "name": name, "start_time": float(BEGIN),
        "end_time": BEGIN + float(length), "annotations": {"app_feature": root["app.feature"]},
        "metadata": {"default": {"otel.resource.service.name": "shop"}},
        "subsegments": [{"id": "aa" * 8, "name": "inner", "start_time": BEGIN, "end_time": BEGIN + 5, "subsegments": [
            {"id": CALL, "name": call_name, "start_time": BEGIN + float(at),
             "end_time": BEGIN + float(at + call_length), "annotations": {"gen_ai_response_model": "gpt-5"},
             "metadata": {"default": {**rest, "otel.resource.service.name": "shop"}}}]}],
    }  # fmt: skip
    held = {"Id": segment["id"], "Document": json.dumps(segment)}
    return json.dumps({"Traces": [{"Id": segment["trace_id"], "Duration": 60.0, "Segments": [held]}]}).encode()


DOORS = [tempo_v1, tempo_v2, zipkin, cloudwatch_lines, cloudwatch_insights_csv, cloudwatch_insights_json,
         cloudwatch_query_results, cloudwatch_subscription, cloudwatch_filtered, clickhouse_lines, clickhouse_json,
         clickhouse_csv, clickhouse_parquet, signoz, honeycomb_flat, honeycomb_csv, honeycomb_batch, app_insights_csv,
         app_insights_api, log_analytics, datadog_page, datadog_spans, xray]  # fmt: skip


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.__name__)
def test_each_store_says_the_same_of_a_trace(tmp_path, door):
    path = tmp_path / door.__name__
    path.write_bytes(door())
    found = {row[0]: row for row in read(path, COLUMNS)}
    if door is xray:
        assert found.pop("aa" * 8)[1] == ROOT
        assert found[CALL][1] == "aa" * 8
        found[CALL] = (CALL, ROOT, *found[CALL][2:])
    assert found == {row[0]: row for row in EXPECTED}
    assert {row[0] for row in read(path, "trace_id")} == {TRACE}


@pytest.fixture
def inbox(tmp_path):
    folder = tmp_path / "in box"
    folder.mkdir()
    return folder


@pytest.fixture
def data(tmp_path):
    return tmp_path / "data"


def test_halves_of_a_zipkin_call_are_two_spans(tmp_path):
    """Client and server share an id: neither is a copy of the other, and each service's spans hang on its own half."""
    at = {"traceId": TRACE, "timestamp": BEGIN * 10**6, "duration": 10}
    front, back = {"localEndpoint": {"serviceName": "front"}}, {"localEndpoint": {"serviceName": "back"}}
    spans = [
        {**at, **front, "id": "01" * 8, "kind": "CLIENT", "name": "get", "tags": {"a": "1"}},
        {
            **at,
            **back,
            "id": "01" * 8,
            "kind": "SERVER",
            "shared": True,
            "name": "get",
            "tags": {"app.feature": "draft"},
        },
        {**at, **back, "id": "02" * 8, "parentId": "01" * 8, "name": "chat", "tags": texts(GEN_AI)},
        {**at, **front, "id": "03" * 8, "parentId": "01" * 8, "name": "wait", "tags": {"error": "timeout"}},
    ]
    path = tmp_path / "trace.json"
    path.write_text(json.dumps(spans))
    assert sorted(read(path, "span_id, parent_span_id, name, service_name, status")) == [
        ("01" * 8, None, "get", "front", "unset"),
        ("01" * 8 + "-server", "01" * 8, "get", "back", "unset"),
        ("02" * 8, "01" * 8 + "-server", "chat", "back", "unset"),
        ("03" * 8, "01" * 8, "wait", "front", "error"),
    ]


def test_envoy_access_log(tmp_path):
    line = {"start_time": "2026-10-05T09:00:01.000Z", "method": "POST", "x-envoy-origin-path": "/v1/chat/completions",
            "response_code": 200, "duration": 2000, "x-request-id": "r1", "app.feature": "draft",
            "gen_ai.request.model": "gpt-5", "gen_ai.response.model": "-", "gen_ai.usage.input_tokens": 1000,
            "gen_ai.usage.output_tokens": "100",
            "gen_ai.provider.name": "default/openai/route/r/rule/0/ref/0"}  # fmt: skip
    old = {"start_time": "2026-10-05T09:00:02.000Z", "response_code": 500, "genai_model_name": "gpt-5",
           "genai_tokens_input": 10, "genai_tokens_output": 1, "path": "/v1/embeddings"}  # fmt: skip
    health = {**line, "x-envoy-origin-path": "/healthz", "x-request-id": "r2", "gen_ai.usage.input_tokens": "-",
              "gen_ai.usage.output_tokens": "-", "gen_ai.request.model": "-"}  # fmt: skip
    path = tmp_path / "access.log"
    path.write_bytes(to_lines([line, old, health]))
    columns = ("operation, provider, model, input_tokens, output_tokens, feature_id, request_id, status,"
               " cast(started_at as varchar), cast(ended_at as varchar)")  # fmt: skip
    assert sorted(read(path, columns), key=str) == [
        ("chat", None, "gpt-5", 1000, 100, "draft", "r1", "unset", "2026-10-05 09:00:01", "2026-10-05 09:00:03"),
        ("embeddings", None, "gpt-5", 10, 1, None, None, "error", "2026-10-05 09:00:02", None),
        (None, None, None, None, None, "draft", "r2", "unset", "2026-10-05 09:00:01", "2026-10-05 09:00:03"),
    ]


def test_log_lines_of_flat_names_have_their_time(tmp_path):
    path = tmp_path / "app.log"
    path.write_bytes(to_lines([{"timestamp": iso(1), "level": "info", "service.name": "shop", **GEN_AI}]))
    assert read(path, "service_name, input_tokens, cast(started_at as varchar)") == [
        ("shop", 1000, "2026-10-05 09:00:01")
    ]


def test_kong_logs(tmp_path):
    usage = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100, "cost": 0.0035}
    meta = {"request_model": "smart", "response_model": "gpt-5", "provider_name": "openai", "request_mode": "oneshot"}
    line = {
        "started_at": BEGIN * 1000, "latencies": {"request": 2000}, "response": {"status": 200},
        "request": {"id": "k1", "uri": "/ask?x=1", "headers": {"app.feature": "draft", "authorization": "secret"}},
        "consumer": {"username": "mail"}, "service": {"name": "ai"},
        "ai": {"proxy": {"meta": meta, "usage": usage, "payload": {"request": "the prompt"}}},
    }  # fmt: skip
    twice = {**line, "request": {"id": "k2", "uri": "/ask"}, "ai": {
        "ai-request-transformer": {"meta": meta, "usage": {**usage, "cost": 0}},
        "proxy": {"meta": meta, "usage": usage, "cache": {"cache_status": "Hit"}}}}  # fmt: skip
    other = {**line, "request": {"id": "k3", "uri": "/health"}}
    del other["ai"]
    path = tmp_path / "kong.log"
    path.write_bytes(to_lines([other, other, line, twice]))
    columns = ("span_id, operation, model, provider, input_tokens, output_tokens, cast(stated_usd as double),"
               " feature_id, user_id, route, cast(started_at as varchar), cast(ended_at as varchar)")  # fmt: skip
    when = ("2026-10-05 09:00:00", "2026-10-05 09:00:02")
    assert sorted(read(path, columns)) == [
        ("kong:k1:proxy", "chat", "gpt-5", "openai", 1000, 100, 0.0035, "draft", "mail", "/ask", *when),
        ("kong:k2:ai-request-transformer", "chat", "gpt-5", "openai", 1000, 100, None, None, "mail", "/ask", *when),
        ("kong:k2:proxy", "gateway_cache_hit", "gpt-5", "openai", 1000, 100, 0.0035, None, "mail", "/ask", *when),
    ]
    assert "the prompt" not in str(read(path, "*"))


def test_links_of_stores_are_links(tmp_path):
    """ClickHouse keeps links in two columns, Honeycomb in records of their own."""
    rows = otel_traces()
    rows[1] |= {"Links.TraceId": ["ab" * 16], "Links.SpanId": ["cd" * 8]}
    (tmp_path / "lines").write_bytes(to_lines(rows))
    link = {"Timestamp": iso(1), "trace.trace_id": TRACE, "trace.parent_id": CALL, "meta.annotation_type": "link",
            "trace.link.trace_id": "ab" * 16, "trace.link.span_id": "cd" * 8}  # fmt: skip
    (tmp_path / "events").write_bytes(json.dumps([*json.loads(honeycomb_flat()), link]).encode())
    for name in ("lines", "events"):
        found = dict(read(tmp_path / name, "span_id, links"))
        assert [link["span_key"] for link in found[CALL]] == [0xCDCDCDCDCDCDCDCD - 2**64], name
        assert not found[ROOT], name


def test_rows_of_other_tables_of_app_insights_are_no_spans(inbox, data):
    trace = {
        "timestamp": iso(1),
        "itemType": "trace",
        "message": "hello",
        "customDimensions": "{}",
        "operation_Id": TRACE,
    }
    (inbox / "union.json").write_text(json.dumps([*dependencies(), trace]))
    (inbox / "local.csv").write_bytes(app_insights_csv().replace(b"timestamp [UTC]", b"timestamp [Local Time]"))
    (inbox / "british.csv").write_bytes(app_insights_csv().replace(b" AM", b""))
    assert land.run(inbox, data) == 0
    found = reasons(data)
    assert "show times in UTC" in found["local.csv"]
    assert "is not a time" in found["british.csv"]
    assert "union.json" not in found
    assert len(landed(data)) == 2


def test_evaluations_in_tempo_are_taken(inbox, data):
    held = json.loads(tempo_v1())
    held["batches"][0]["scopeSpans"][0]["spans"][1]["events"] = [
        {"name": "gen_ai.evaluation.result", "timeUnixNano": str((BEGIN + 2) * 10**9), "attributes":
         attributes({"gen_ai.evaluation.name": "polite", "gen_ai.evaluation.score.label": "pass"})}]  # fmt: skip
    (inbox / "trace.json").write_text(json.dumps(held))
    assert land.run(inbox, data) == 0
    assert landed(data, "eval_runs", "suite, passed") == [("polite", 1)]


# Records that are no export that is read, and what the refusal must say.
FLAT = [{"trace_id": TRACE, "span_id": CALL, "name": "chat", "model": "gpt-5", "start_time": iso(1), "tokens": 1000}]
STRANGERS = {
    "flat.csv": (to_csv(FLAT), "nearest to OpenInference / Phoenix"),
    "flat.json": (json.dumps(FLAT).encode(), "nearest to OpenInference / Phoenix"),
    "flat.jsonl": (to_lines(FLAT * 3), "start_time and attributes"),
    "flat_gen_ai.jsonl": (to_lines([{"trace_id": TRACE, "ts": 1, "gen_ai.usage.input_tokens": 5}]), "flat records"),
    "stamped.log": (f"{iso(1)} {json.dumps({'traceId': TRACE, 'spanId': CALL})}\n", "records behind a time"),
    "zipkin_v1.json": (
        json.dumps([{"traceId": TRACE, "id": CALL, "name": "n", "binaryAnnotations": []}]).encode(),
        "Zipkin's API v1",
    ),
    "otel_logs.jsonl": (
        to_lines(
            [{"resource": {}, "traceId": TRACE, "spanId": CALL, "severityNumber": 9, "body": {}, "attributes": {}}]
        ),
        "log records without resourceLogs",
    ),
    "apm.json": (
        json.dumps(
            {"data": [{"type": "spans", "attributes": {"resource_name": "r", "span_id": "1", "trace_id": "2"}}]}
        ),
        "Datadog APM",
    ),
    "batches.json": (b'{"batches": [{"id": 1}]}', "no known export format"),
    "attributes.json": (json.dumps([{"key": "a", "attributes": [{"key": "b", "value": {}}]}]), "nearest to OTLP spans"),
    "wrapped.json": (f'{{"data": {batch([span(1, 1)])}}}', "under data: they look like OTLP JSON"),
    "listed.json": (json.dumps({"page": {"spans": [span(1, 1)]}}), "under page.spans: they look like OTLP spans"),
    "renamed_within.json": (json.dumps({"held": FLAT}), "under held: nearest to OpenInference / Phoenix"),
    "snake.json": (json.dumps({"resource_spans": [{"scope_spans": [{"spans": []}]}]}), "protobuf's own names"),
    "renamed.jsonl": (batch([span(1, 1)]).replace('"attributes": []', '"attrs": []').encode(), "attributes"),
}


@pytest.mark.parametrize("name", STRANGERS)
def test_what_is_no_known_export_is_refused_by_name(inbox, data, name):
    content, reason = STRANGERS[name]
    (inbox / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    assert land.run(inbox, data) == 0
    assert reason in reasons(data)[name]
    assert landed(data) == []


def test_the_first_record_alone_decides_nothing(inbox, data):
    """A header before spans; a stray span before records of something else."""
    header = {"type": "header", "version": 1}
    (inbox / "headed.jsonl").write_bytes(to_lines([header]) + clickhouse_lines())
    (inbox / "stray.jsonl").write_bytes(clickhouse_lines() + to_lines([{"event": number} for number in range(30)]))
    assert land.run(inbox, data) == 0
    assert sorted(row[0] for row in landed(data, what="source_file")) == ["headed.jsonl"] * 2
    found = reasons(data)
    assert "30 of the first 32 records say nothing to the reader of ClickHouse" in found["stray.jsonl"]
    assert found["headed.jsonl"].startswith("ClickHouse")


def test_records_that_say_nothing_are_refused_and_the_file_named(inbox, data, capsys):
    """Beyond the head, too: each by its line, and where they are most of a file, the file."""
    good = to_lines([{**json.loads(batch([span(1, 1)])), "x": "y" * 300_000}])
    empty = batch([{"traceId": f"{2:032x}", "spanId": f"{2:016x}", "name": "n", "attributes": attributes({"a": 1})}])
    (inbox / "spans.jsonl").write_bytes(good + empty.encode() * 2)
    assert land.run(inbox, data) == 0
    assert [row[0] for row in landed(data, what="source_line")] == [1]
    lines = dict(landed(data, "rejects", "line, reason"))
    assert set(lines) == {2, 3, None}
    assert "neither a time nor an attribute" in lines[2]
    assert "2 of 3 records say nothing to the reader of OTLP JSON" in lines[None]
    assert "not read spans.jsonl: 2 of 3" in capsys.readouterr().out


def test_a_head_that_cuts_the_first_record_tells_the_format(tmp_path):
    """A trace of megabytes on one line, cut within a text."""
    held = json.loads(tempo_v1())
    held["batches"][0]["scopeSpans"][0]["spans"][1]["attributes"] += attributes({"input": '{"a": [1, "' * 50_000})
    (tmp_path / "trace.json").write_text(json.dumps(held))
    assert recognise(tmp_path / "trace.json").form == "tempo"
    assert len(read(tmp_path / "trace.json", "span_id")) == 2


# Renamed names: a format's own, one at a time and all together.
ONE = [Span(bytes.fromhex(TRACE), bytes.fromhex(CALL), None, "chat", BEGIN * 10**6, 10**6, False, "shop", GEN_AI)]
SAMPLES = {
    form.__name__: form(ONE) for form in FORMATS if form.__name__ not in ("otlp_protobuf", "otlp_compressed_messages")
}
SAMPLES |= {door.__name__: door() for door in DOORS}
SAMPLES["otlp_span"] = json.dumps(otlp(ONE)[0]["resourceSpans"][0]["scopeSpans"][0]["spans"][0]).encode()
SAMPLES["envoy"] = to_lines([{"start_time": iso(1), "response_code": 200, **GEN_AI}])
SAMPLES["attributes"] = to_lines([GEN_AI])


def renamed(content: bytes, name: str) -> bytes:
    """A file in which a name, of a member or a column, is another; in JSON that is text within, too."""
    if content[:4] == b"PAR1":
        table = pq.read_table(io.BytesIO(content))
        target = io.BytesIO()
        names = [
            "x_" + one if one == name or (name[-1] == "." and one.startswith(name)) else one
            for one in table.column_names
        ]
        pq.write_table(table.rename_columns(names), target)
        return target.getvalue()
    if content[:2] == b"\x1f\x8b":
        return gzip.compress(renamed(gzip.decompress(content), name))
    for mark in ('"{}"', '\\"{}\\"', '""{}""'):
        end = mark.split("{}")[1] if name[-1] != "." else ""
        content = content.replace(
            (mark.split("{}")[0] + name + end).encode(), (mark.split("{}")[0] + "x_" + name + end).encode()
        )
    head, _, rest = content.partition(b"\n")
    if head[:1] not in (b"{", b"[") and b"," in head:
        cells = [b"x_" + cell if cell == name.encode() else cell for cell in head.strip().split(b",")]
        content = b",".join(cells) + b"\n" + rest
    return content


def own_names(form: str) -> set[str]:
    """The names by which a format is told."""
    known = span_marks.FORMATS[form]
    marks = {name for marks, other in recognition.SPAN_RECORDS if other == form for name in marks}
    words = " ".join((*(step.replace("|", " ") for step in known.way), known.times, known.holders)).split()
    return (
        marks
        | {word.replace("␣", " ") for word in words}
        | ({"message", "@message"} if form == "cloudwatch" else set())
    )


def staged(path: Path) -> tuple[str | None, list[tuple], int]:
    """(why a file is not read, rows that land, rows refused)."""
    examined = examine(path, None)
    if examined.what.table != "spans":
        return examined.what.complaint or f"taken for {examined.what.table}", [], 0
    with tempfile.TemporaryDirectory() as folder:
        pieces = tuple(Piece(path, examined.file_id, path.name, part) for part in examined.ranges or (None,))
        found = perform(Task(examined.what, "task", 0, pieces), Reading("s", ("app.feature",), (), False), Path(folder))
        parts = [str(part) for part in Path(folder).glob("spans/*/*.parquet")]
        said = "coalesce(operation, model, feature_id, input_tokens::varchar)"
        query = f"select coalesce(started_at, ended_at), {said}, name from rows"
        rows = duckdb.read_parquet(parts, hive_partitioning=False) if parts else None  # noqa: F841 - named in the query
        return None, duckdb.sql(query).fetchall() if parts else [], found[examined.file_id].rows_rejected


@pytest.mark.parametrize("name", SAMPLES)
def test_a_format_whose_names_are_others_is_refused_by_name(tmp_path, name):
    """No file lands rows that say nothing, whichever of its names are not what they should be."""
    content, path = SAMPLES[name], tmp_path / name
    path.write_bytes(content)
    why, rows, refused = staged(path)
    assert (why, bool(rows), refused) == (None, True, 0)
    form = recognise(path).form
    names = own_names(form) if form != "attribute_map" else set(GEN_AI)
    everything = content
    for one in sorted(names, key=len, reverse=True):
        everything = renamed(everything, one)
        other = renamed(content, one)
        if other == content:
            continue
        path.write_bytes(other)
        why, rows, refused = staged(path)
        assert all(when or said for when, said, _ in rows), (one, rows)
        assert why or refused or rows, (one, "neither read nor refused")
    path.write_bytes(everything)
    why, rows, refused = staged(path)
    assert rows == []
    assert why or refused
