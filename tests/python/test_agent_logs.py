"""Coding agents and the GenAI operation event: log records, spans, metrics and sessions' files of requests."""

import json
import struct
from datetime import timedelta

import pytest
from conftest import GOLDEN, run_build
from evals import SECRET, log_batch
from exports import DAY, attributes, batch, chat, nanoseconds, span
from test_formats import read
from test_landing import landed, reasons

import land

AT = int(nanoseconds(0))
AT = int(nanoseconds(0))
CLAUDE = {
    "event.name": "api_request", "event.sequence": 3, "session.id": "s-1", "user.email": "dev@acme.test",
    "organization.id": "org-1", "model": "claude-sonnet-4-5-20250929", "cost_usd": "0.0432", "duration_ms": "3210",
    "input_tokens": "12", "output_tokens": "420", "cache_read_tokens": "18000", "cache_creation_tokens": "8400",
    "request_id": "req_1", "speed": "fast",
}  # fmt: skip
CODEX = {
    "event.name": "codex.sse_event", "event.kind": "response.completed", "conversation.id": "c1", "model": "gpt-5",
    "input_token_count": 12000, "cached_token_count": 8000, "output_token_count": 900, "reasoning_token_count": 500,
    "cache_write_token_count": 0, "tool_token_count": 12900,
}  # fmt: skip
GEMINI = {
    "event.name": "gemini_cli.api_response", "event.timestamp": "2026-10-05T00:00:00.000Z", "session.id": "g1",
    "model": "gemini-2.5-pro", "input_token_count": 12000, "cached_content_token_count": 8000,
    "output_token_count": 350, "thoughts_token_count": 420, "tool_token_count": 30, "total_token_count": 12800,
    "auth_type": "vertex-ai", "response_text": SECRET,
}  # fmt: skip
DETAILS = {
    "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o",
    "gen_ai.usage.input_tokens": 1000, "gen_ai.usage.output_tokens": 100, "gen_ai.input.messages": SECRET,
}  # fmt: skip
OF_GEMINI = {
    "event.name": "gen_ai.client.inference.operation.details", "event.timestamp": "2026-10-05T00:00:00.000Z",
    "session.id": "g1", "gen_ai.operation.name": "generate_content", "gen_ai.provider.name": "gcp.vertex_ai",
    "gen_ai.request.model": "gemini-2.5-pro", "gen_ai.response.id": "resp-g", "gen_ai.usage.input_tokens": 12000,
    "gen_ai.usage.output_tokens": 350, **{f"gen_ai.request.setting_{number}": number for number in range(20)},
}  # fmt: skip
TOKENS = "input_tokens, cache_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens"


@pytest.fixture
def inbox(tmp_path):
    folder = tmp_path / "in box"
    folder.mkdir()
    return folder


@pytest.fixture
def data(tmp_path):
    return tmp_path / "data"


def record(values: dict, at: float = 0, body: str = SECRET, **fields) -> dict:
    return {"timeUnixNano": nanoseconds(at), "body": {"stringValue": body}, "attributes": attributes(values), **fields}


def logs(records: list[dict], service: str = "claude-code", **resource) -> str:
    held = {"attributes": attributes({"service.name": service, **resource})}
    scopes = [{"scope": {"name": "com.example.events", "version": "2.1"}, "logRecords": records}]
    return json.dumps({"resourceLogs": [{"resource": held, "scopeLogs": scopes}]}) + "\n"


def one(tmp_path, text: str, columns: str) -> list[tuple]:
    path = tmp_path / "export.jsonl"
    path.write_text(text)
    return read(path, columns)


@pytest.mark.parametrize(
    ("fields", "values"),
    [
        ({"body": "claude_code.api_request"}, {}),
        ({"eventName": "claude_code.api_request"}, {"event.name": None}),
        ({}, {"event.name": "claude_code.api_request"}),
    ],
)
def test_a_request_that_claude_code_logs_is_a_call(tmp_path, fields, values):
    stated = {name: value for name, value in (CLAUDE | values).items() if value is not None}
    others = [record({"event.name": "tool_result", "session.id": "s-1"}, body="claude_code.tool_result")]
    text = logs([record(stated, 10, **fields), *others], **{"team": "mail"})
    columns = (f"{TOKENS}, input_includes_cached, model, provider, response_id, request_id, session_id, team_id,"
               " user_id, tenant_id, speed, stated_usd::double, epoch_ms(ended_at) - epoch_ms(started_at),"
               " scope_version")  # fmt: skip
    assert one(tmp_path, text, columns) == [
        (12, 18000, 8400, 420, None, False, "claude-sonnet-4-5-20250929", "anthropic", "req_1", "req_1", "s-1", "mail",
         "dev@acme.test", None, "fast", 0.0432, 3210, "2.1")
    ]  # fmt: skip
    assert SECRET not in str(one(tmp_path, text, "*"))
    assert one(tmp_path, text, "name") == [("claude_code.api_request",)]


def test_codex_and_gemini_count_as_their_apis_do(tmp_path):
    chunk = record({**dict(list(CODEX.items())[:4]), "event.kind": "response.output_item.done"})
    failed = record({**dict(list(CODEX.items())[:4]), "error.message": SECRET})
    text = logs([record(CODEX), chunk, failed], "codex_cli_rs", **{"team.id": "mail"}) + logs(
        [record(GEMINI)], "gemini-cli"
    )
    columns = (
        f"model, provider, session_id, team_id, {TOKENS}, tool_use_tokens, total_tokens, output_includes_reasoning"
    )
    assert sorted(one(tmp_path, text, columns)) == [
        ("gemini-2.5-pro", "gcp.vertex_ai", "g1", None, 12000, 8000, None, 350, 420, 30, 12800, False),
        ("gpt-5", "openai", "c1", "mail", 12000, 8000, 0, 900, 500, None, None, True),
    ]
    assert SECRET not in str(one(tmp_path, text, "*"))


def test_what_codex_counts_in_other_events_is_named(inbox, data):
    """A turn's cost is the sum of its answers; another event's tokens are nobody's."""
    turn = record(CODEX | {"event.name": "codex.turn_cost"})
    other = record(CODEX | {"event.name": "codex.compaction", "event.kind": None})
    (inbox / "logs.jsonl").write_text(logs([record(CODEX), turn, other], "codex_cli_rs"))
    assert land.run(inbox, data) == 0
    assert reasons(data)["logs.jsonl"].startswith("1 OTLP log records 'codex.compaction' state tokens and are no event")
    assert landed(data, what="input_tokens, cache_write_tokens") == [(12000, 0)]


def test_what_gemini_reports_twice_is_one_call(inbox, data, tmp_path):
    both = [record(OF_GEMINI), record(GEMINI)]
    columns = "response_id, output_tokens, reasoning_tokens"
    assert one(tmp_path, logs(both, "gemini-cli"), columns) == [("resp-g", 350, 420)]
    # In files of their own, the report with all counts stands.
    for number, reported in enumerate(both):
        (inbox / f"{number}.jsonl").write_text(logs([reported], "gemini-cli"))
    assert land.run(inbox, data) == 0
    assert landed(data, what=columns) == [(None, 350, 420)]


def test_geminis_own_file_holds_the_sdks_objects(inbox, data):
    """Spans, log records and metrics one after another, pretty-printed, as the SDK writes its own objects."""
    resource = {"_rawAttributes": [["service.name", "gemini-cli"], ["team.id", "mail"]]}
    scope = {"name": "gemini-cli", "version": "v1"}
    ids = {"traceId": f"{1:032x}", "spanId": f"{2:016x}", "traceFlags": 1}
    log = {"hrTime": [AT // 10**9, 5], "hrTimeObserved": [AT // 10**9, 5], "spanContext": ids, "resource": resource,
           "instrumentationScope": scope, "attributes": GEMINI, "_body": SECRET, "_isReadonly": True}  # fmt: skip
    traced = {"name": "llm_call", "_spanContext": ids, "startTime": [AT // 10**9, 0], "endTime": [AT // 10**9, 9],
              "attributes": {"gen_ai.conversation.id": "g1"}, "resource": resource, "links": []}  # fmt: skip
    measured = {"resource": resource, "scopeMetrics": [{"metrics": []}]}
    for name, objects in (("log-first.log", [log, traced, measured]), ("span-first.log", [traced, measured, log])):
        (inbox / name).write_text("\n".join(json.dumps(held, indent=2) for held in objects))
    assert land.run(inbox, data) == 0
    columns = f"format, span_id = '{2:016x}', parent_span_id, service_name, team_id, output_tokens, reasoning_tokens"
    assert sorted(landed(data, what=columns)) == [
        ("javascript", True, None, "gemini-cli", None, None, None),
        ("otlp_logs", False, f"{2:016x}", "gemini-cli", "mail", 350, 420),
    ]
    assert SECRET not in str(landed(data))
    assert landed(data, "rejects") == []


def test_evaluations_of_a_file_that_is_read_again_stay_one(inbox, data, monkeypatch):
    scored = {**record({"gen_ai.evaluation.name": "tone"}), "eventName": "gen_ai.evaluation.result"}
    (inbox / "logs.jsonl").write_text(log_batch([scored]) + logs([record(CLAUDE)]))
    assert land.run(inbox, data) == 0
    variables = land.project_variables()
    monkeypatch.setattr(land, "project_variables", lambda: variables | {"feature_attributes": ["other.feature"]})
    assert land.run(inbox, data) == 0
    assert landed(data, "eval_runs", "suite") == [("tone",)]
    assert landed(data, what="response_id") == [("req_1",)]


def test_an_operation_event_lies_beneath_its_span(tmp_path):
    ids = {"traceId": f"{1:032x}", "spanId": f"{2:016x}"}
    event = record(DETAILS, 1, eventName="gen_ai.client.inference.operation.details", **ids)
    text = logs([event, event | {"attributes": attributes({"gen_ai.operation.name": "chat"})}], "svc")
    columns = f"trace_id, parent_span_id, model, {TOKENS}, service_name"
    assert one(tmp_path, text, columns) == [
        (f"{1:032x}", f"{2:016x}", "gpt-4o", 1000, None, None, 100, None, "svc")
    ]  # fmt: skip
    assert SECRET not in str(one(tmp_path, text, "*"))


def test_an_event_without_a_span_is_a_call_of_its_own(tmp_path):
    event = record(DETAILS, 1, eventName="gen_ai.client.inference.operation.details")
    assert one(tmp_path, logs([event], "svc"), "parent_span_id, input_tokens") == [(None, 1000)]


def test_a_record_sent_again_is_the_same_span(inbox, data):
    (inbox / "a.jsonl").write_text(logs([record(CLAUDE), record(CODEX)]))
    (inbox / "b.jsonl").write_text(logs([record(CODEX)]) + logs([record(CLAUDE | {"request_id": "req_2"})]))
    assert land.run(inbox, data) == 0
    assert landed(data, what="count(*)") == [(3,)]


def test_a_record_that_states_tokens_and_is_unknown_is_named(inbox, data, capsys):
    unknown = record({"event.name": "acme.llm.call", "llm.usage.prompt_tokens": 5, "completionTokens": 2})
    (inbox / "logs.jsonl").write_text(logs([unknown, unknown], "acme") + logs([record(CLAUDE)]))
    assert land.run(inbox, data) == 0
    assert landed(data, what="count(*)") == [(1,)]
    assert reasons(data)["logs.jsonl"].startswith("2 OTLP log records 'acme.llm.call' state tokens and are no event")
    assert "acme.llm.call" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (logs([record({"event.name": "tool_result", "session.id": "s-1"})]), "no record states the usage"),
        (json.dumps({"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"name": "http.server.duration"}]}]}]}),
         "OTLP metrics without claude_code.token.usage"),
        ('{"type": "user", "sessionId": "s", "uuid": "u", "message": {"role": "user"}}\n', "without an answer"),
        ('{"timestamp": "2026-10-05T00:00:00Z", "type": "session_meta", "payload": {"id": "c"}}\n', "no token_count"),
    ],
)  # fmt: skip
def test_a_file_with_nothing_to_read_says_so_by_name(inbox, data, capsys, text, word):
    (inbox / "export.jsonl").write_text(text)
    assert land.run(inbox, data) == 0
    assert word in reasons(data)["export.jsonl"]
    assert "not read export.jsonl" in capsys.readouterr().out


def test_requests_and_evaluations_of_one_file_both_land(inbox, data):
    score = {"gen_ai.evaluation.name": "faithfulness", "gen_ai.evaluation.score.label": "pass"}
    scored = {**record(score), "eventName": "gen_ai.evaluation.result", "traceId": f"{1:032x}"}
    (inbox / "logs.jsonl").write_text(log_batch([scored]) + logs([record(CLAUDE)]))
    assert land.run(inbox, data) == 0
    assert landed(data, what="response_id") == [("req_1",)]
    assert landed(data, "eval_runs", "suite, passed") == [("faithfulness", 1)]


def test_all_signals_of_one_collector_file_land(inbox, data):
    (inbox / "all.jsonl").write_text(
        batch([chat(1, 1, response="r1")]) + logs([record(CLAUDE)]) + metrics([point("input", 5)]) + logs([])
    )
    assert land.run(inbox, data) == 0
    assert sorted(landed(data, what="format, response_id")) == [
        ("otlp", "r1"), ("otlp_logs", "req_1"), ("otlp_metrics", None)
    ]  # fmt: skip
    assert landed(data, "rejects") == []


@pytest.mark.parametrize("signal", ["logs", "metrics"])
def test_protobuf_of_each_signal(tmp_path, signal):
    from google.protobuf.json_format import ParseDict
    from opentelemetry.proto.logs.v1.logs_pb2 import LogsData
    from opentelemetry.proto.metrics.v1.metrics_pb2 import MetricsData

    text, kind = {
        "logs": (logs([record(CLAUDE)]), LogsData), "metrics": (metrics([point("input", 12)]), MetricsData)
    }[signal]  # fmt: skip
    message = ParseDict(json.loads(text), kind()).SerializeToString()
    path = tmp_path / "export.binpb"
    path.write_bytes(struct.pack(">I", len(message)) + message)
    assert read(path, "model, input_tokens") == [("claude-sonnet-4-5-20250929", 12)]
    path.write_bytes(message)
    assert read(path, "model, input_tokens") == [("claude-sonnet-4-5-20250929", 12)]


SPANNED = {
    "gen_ai.system": "anthropic", "gen_ai.request.model": "claude-sonnet-4-5-20250929", "model": "claude-sonnet-4-5",
    "session.id": "s-1", "input_tokens": 12, "output_tokens": 420, "cache_read_tokens": 18000,
    "cache_creation_tokens": 8400, "request_id": "req_1", "speed": "normal",
}  # fmt: skip


def test_claude_codes_spans_mean_what_its_logs_mean(tmp_path):
    request = {**span(1, 2, 1), "name": "claude_code.llm_request", "attributes": attributes(SPANNED)}
    failed = {**span(1, 3, 1), "name": "claude_code.llm_request", "attributes": attributes({"model": "claude-opus-5"})}
    columns = f"operation, {TOKENS}, input_includes_cached, model, response_id, request_id, session_id"
    assert one(tmp_path, batch([request, failed], "claude-code"), columns) == [
        ("chat", 12, 18000, 8400, 420, None, False, "claude-sonnet-4-5-20250929", "req_1", "req_1", "s-1"),
        (None, None, None, None, None, None, None, "claude-opus-5", None, None, None),
    ]  # fmt: skip


def test_names_without_a_prefix_mean_nothing_on_other_spans(tmp_path):
    other = {**span(1, 2), "name": "resize image", "attributes": attributes(SPANNED | {"gen_ai.request.model": ""})}
    # But for `model`, which other tracers write too; without usage it makes no call.
    columns = "input_tokens, cache_read_tokens, output_tokens, response_id, speed"
    assert one(tmp_path, batch([other]), columns) == [(None,) * 5]


def point(
    kind: str | None, amount, at: float = 60, model="claude-sonnet-4-5-20250929", begin: float = 0, **values
) -> dict:
    said = {"session.id": "s-1", "model": model, **({"type": kind} if kind else {}), **values}
    times = {"startTimeUnixNano": nanoseconds(begin), "timeUnixNano": nanoseconds(at)}
    return {"attributes": attributes(said), "asDouble": amount, **times}


def metrics(tokens: list[dict], costs: list[dict] = (), temporality: int | str = 1) -> str:
    def counter(name: str, points: list[dict]) -> dict:
        return {"name": name, "sum": {"aggregationTemporality": temporality, "isMonotonic": True, "dataPoints": points}}

    held = [counter("claude_code.token.usage", tokens), counter("claude_code.cost.usage", list(costs)),
            {"name": "claude_code.session.count", "sum": {"dataPoints": [point(None, 1)]}}]  # fmt: skip
    resource = {"attributes": attributes({"service.name": "claude-code", "team.id": "mail"})}
    scope = {"name": "com.anthropic.claude_code"}
    return (
        json.dumps({"resourceMetrics": [{"resource": resource, "scopeMetrics": [{"scope": scope, "metrics": held}]}]})
        + "\n"
    )


def test_metrics_land_as_usage_of_a_session_and_model(inbox, data):
    kinds = [point("input", 12), point("output", 420), point("cacheRead", 18000), point("cacheCreation", 8400),
             point("input", 7, model="claude-haiku-4-5")]  # fmt: skip
    (inbox / "a.jsonl").write_text(metrics(kinds, [point(None, 0.0432)]))
    (inbox / "again.jsonl").write_text(metrics(kinds, [point(None, 0.0432)]) + "\n\n")
    assert land.run(inbox, data) == 0
    columns = f"model, session_id, team_id, operation, {TOKENS}, stated_usd::double"
    assert sorted(landed(data, what=columns)) == [
        ("claude-haiku-4-5", "s-1", "mail", "usage_metric", 7, None, None, None, None, None),
        ("claude-sonnet-4-5-20250929", "s-1", "mail", "usage_metric", 12, 18000, 8400, 420, None, 0.0432),
    ]


def answer(number: int, output: int, second: int, **fields) -> str:
    usage = {"input_tokens": 3, "cache_creation_input_tokens": 5424, "cache_read_input_tokens": 7,
             "output_tokens": output,
             "cache_creation": {"ephemeral_1h_input_tokens": 5400, "ephemeral_5m_input_tokens": 24},
             "service_tier": "standard", "server_tool_use": {"web_search_requests": 2}}  # fmt: skip
    message = {"id": f"msg_{number}", "model": "claude-sonnet-4-5", "role": "assistant", "usage": usage,
               "content": [{"type": "text", "text": SECRET}]}  # fmt: skip
    line = {"type": "assistant", "uuid": f"u-{second}", "sessionId": "s-1", "requestId": f"req_{number}",
            "timestamp": f"2026-10-05T00:00:{second:02}.000Z", "message": message}  # fmt: skip
    return json.dumps(line | fields) + "\n"


def test_a_session_of_claude_code_has_a_call_for_each_answer(inbox, data):
    lines = ['{"type": "summary", "summary": "a", "leafUuid": "b"}\n',
             json.dumps({"type": "user", "uuid": "u", "sessionId": "s-1", "message": {"content": SECRET}}) + "\n",
             answer(1, 1, 1), answer(1, 100, 3), answer(2, 50, 5),
             answer(3, 0, 7, message={"model": "<synthetic>", "usage": {"input_tokens": 0}})]  # fmt: skip
    (inbox / "s-1.jsonl").write_text("".join(lines))
    (inbox / "resumed.jsonl").write_text("".join(lines[:4]).replace("s-1", "s-2") + answer(4, 5, 9))
    (inbox / "logs.jsonl").write_text(logs([record(CLAUDE)]))
    assert land.run(inbox, data) == 0
    columns = f"response_id, {TOKENS}, cache_write_5m_tokens, cache_write_1h_tokens, web_search_requests, service_tier"
    found = sorted(landed(data, what=columns))
    assert found[0][:2] == ("req_1", 3) or found[1][:2] == ("req_1", 3)
    assert [row for row in found if row[1] == 3] == [
        (f"req_{number}", 3, 7, 5424, output, None, 24, 5400, 2, "standard")
        for number, output in ((1, 100), (2, 50), (4, 5))
    ]
    assert SECRET not in str(landed(data))
    assert landed(data, "rejects") == []


def counted(second: int, total: tuple | None, last: tuple | None) -> dict:
    names = ("input_tokens", "cached_input_tokens", "output_tokens", "reasoning_output_tokens", "total_tokens")
    usage = {name: dict(zip(names, counts, strict=True)) for name, counts in
             (("total_token_usage", total), ("last_token_usage", last)) if counts}  # fmt: skip
    payload = {"type": "token_count", "info": usage or None, "rate_limits": {"primary": {"used_percent": second}}}
    return {"timestamp": f"2026-10-05T00:00:{second:02}.000Z", "type": "event_msg", "payload": payload}


def test_a_session_of_codex_has_a_call_for_each_count_that_grew(tmp_path):
    meta = {"id": "c1", "cli_version": "0.89.0", "model_provider": "openai", "originator": "codex_vscode"}
    turn = {"type": "turn_context", "payload": {"model": "gpt-5", "summary": "auto"}}
    lines = [{"timestamp": "t", "type": "session_meta", "payload": meta | {"base_instructions": SECRET}}, turn,
             {"timestamp": "t", "type": "response_item", "payload": {"type": "message", "content": [SECRET]}},
             counted(1, None, None),
             counted(2, (1000, 200, 100, 50, 1100), (1000, 200, 100, 50, 1100)),
             counted(3, (1000, 200, 100, 50, 1100), (1000, 200, 100, 50, 1100)),
             counted(4, (3000, 1200, 150, 60, 3150), (2000, 1000, 50, 10, 2050)),
             {"type": "turn_context", "payload": {"model": "gpt-5-mini"}},
             counted(5, (3500, 1300, 180, 60, 3680), None)]  # fmt: skip
    text = "".join(json.dumps(line) + "\n" for line in lines)
    columns = f"model, session_id, service_name, {TOKENS}, output_includes_reasoning"
    assert sorted(one(tmp_path, text, columns)) == [
        ("gpt-5", "c1", "codex_vscode", 1000, 200, None, 100, 50, True),
        ("gpt-5", "c1", "codex_vscode", 2000, 1000, None, 50, 10, True),
        ("gpt-5-mini", "c1", "codex_vscode", 500, 100, None, 30, 0, True),
    ]
    assert SECRET not in str(one(tmp_path, text, "*"))


def test_reports_of_one_request_are_one_call(inbox, data):
    """A span and its log record whatever their counts; an agent's log and its session's file by session and time."""
    spans = [
        chat(1, 1, response="r-1", at=0, gen_ai__usage__input_tokens=None, gen_ai__usage__output_tokens=None),
        chat(2, 2, at=10, gen_ai__usage__input_tokens=100, gen_ai__usage__output_tokens=10),
        chat(3, 3, at=20, gen_ai__usage__input_tokens=100, gen_ai__usage__output_tokens=10),
    ]
    for one_span in spans:
        one_span["attributes"] = [pair for pair in one_span["attributes"] if None not in pair["value"].values()]
    (inbox / "spans.jsonl").write_text(batch(spans))
    details = {**DETAILS, "event.name": "gen_ai.client.inference.operation.details",
               "gen_ai.request.model": "deepseek/deepseek-chat"}  # fmt: skip
    told = [(1, 1, 70), (2, 2, 120), (3, 3, 60), (3, 3, 61)]
    (inbox / "logs.jsonl").write_text(
        logs(
            [
                record({**details, "gen_ai.usage.input_tokens": count}, 10 * (trace - 1) + 1 + count / 1000,
                       traceId=f"{trace:032x}", spanId=f"{number:016x}")
                for trace, number, count in told
            ],
            service="svc",
        )
        + logs([record(CODEX, 100), record(CODEX, 200)], service="codex_cli_rs")
    )  # fmt: skip
    counts = {"input_tokens": 12000, "cached_input_tokens": 8000, "output_tokens": 900, "reasoning_output_tokens": 500,
              "total_tokens": 12900}  # fmt: skip
    moment = (DAY + timedelta(seconds=100, milliseconds=400)).isoformat()
    lines = [
        {"timestamp": moment, "type": "session_meta", "payload": {"id": "c1", "cli_version": "0.9"}},
        {"timestamp": moment, "type": "turn_context", "payload": {"model": "gpt-5"}},
        {"timestamp": moment, "type": "event_msg",
         "payload": {"type": "token_count", "info": {"total_token_usage": counts, "last_token_usage": counts}}},
    ]  # fmt: skip
    (inbox / "rollout-1.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    # Codex tells of an answer on its own span too.
    told = [{"name": "event otel.rs:1", "timeUnixNano": nanoseconds(200), "attributes": attributes(CODEX)}]
    (inbox / "codex.jsonl").write_text(batch([{**span(9, 9, at=199.3), "events": told}], "codex_cli_rs"))
    built = run_build(inbox, data, GOLDEN / "company")
    assert built.code == 0, built.output
    calls = built.rows("select trace_id, spans, input_tokens from marts.attributed_calls order by started_at, call_id")
    of_spans = [(spans, count) for trace, spans, count in calls if trace.startswith("0" * 31)]
    # A single log record beneath a span is its request, and its counts hold; two records are two requests.
    assert of_spans[:2] == [(2, 70), (2, 120)]
    assert {count for _, count in of_spans[2:]} >= {60, 61}
    codex = [(spans, count) for _, spans, count in calls if count == 12000]
    assert codex == [(2, 12000), (2, 12000)]
