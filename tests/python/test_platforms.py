"""Exports of LLM platforms and names of their SDKs: each becomes the calls and counts that it states, and no more."""

import csv
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from exports import attributes, batch, span
from test_doors import GEN_AI, one
from test_formats import read
from test_landing import landed, reasons

import land

USAGE = (
    "operation, provider, model, input_tokens, cache_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens,"
    " usage_convention"
)
ROOT, CALL = "0e7c2a4e-1111-4d1e-9a55-5f3b9d2f0001", "0e7c2a4e-1111-4d1e-9a55-5f3b9d2f0002"
PROMPT = "the patient said so"


def written(path, records: list[dict], kind: str):
    """Records as lines, as one list, as a page under a name, as CSV or as Parquet."""
    if kind == "parquet":
        pq.write_table(pa.Table.from_pylist(records), path)
    elif kind == "csv":
        texts = [
            {
                name: value if isinstance(value, str) or value is None else json.dumps(value)
                for name, value in row.items()
            }
            for row in records
        ]
        with path.open("w", newline="") as target:
            writer = csv.DictWriter(target, list(dict.fromkeys(name for row in records for name in row)))
            writer.writeheader()
            writer.writerows(texts)
    elif kind == "lines":
        path.write_text("".join(json.dumps(record) + "\n" for record in records))
    elif kind == "list":
        path.write_text(json.dumps(records, indent=2))
    else:
        path.write_text(
            json.dumps({kind: records, **({"page": 1, "total": len(records)} if kind == "content" else {})})
        )
    return path


NAMES = [
    ({"mlflow.spanType": '"CHAT_MODEL"', "mlflow.llm.model": '"gpt-5"', "mlflow.llm.provider": '"openai"',
      "mlflow.chat.tokenUsage": '{"input_tokens": 9, "output_tokens": 4, "cache_read_input_tokens": 2}'},
     ("CHAT_MODEL", "openai", "gpt-5", 9, 2, None, 4, None, "mlflow")),
    ({"langwatch.span.type": "llm", "gen_ai.request.model": "gpt-5",
      "langwatch.metrics": '{"type": "json", "value": {"promptTokens": 9, "completionTokens": 4}}'},
     ("llm", None, "gpt-5", 9, None, None, 4, None, "langwatch")),
    ({"gen_ai.request.model": "gpt-5", "langwatch.metrics": '{"prompt_tokens": 9, "completion_tokens": 4}'},
     (None, None, "gpt-5", 9, None, None, 4, None, "langwatch")),
    ({"braintrust.span_attributes": '{"type": "llm"}',
      "braintrust.metadata": '{"model": "gpt-5", "provider": "openai"}',
      "braintrust.metrics": '{"prompt_tokens": 9, "completion_tokens": 4, "prompt_cached_tokens": 2, "tokens": 13}'},
     ("llm", "openai", "gpt-5", 9, 2, None, 4, None, "braintrust")),
    ({"braintrust.span_attributes": '{"type": "llm"}', "braintrust.metadata": '{"model": "gpt-5"}',
      "braintrust.metrics.prompt_tokens": 9, "braintrust.metrics.completion_tokens": 4},
     ("llm", None, "gpt-5", 9, None, None, 4, None, "braintrust")),
    ({"gen_ai.operation.name": "chat.completions", "gen_ai.request.model": "gpt-5",
      "gen_ai.response.prompt_tokens": 9, "gen_ai.response.completion_tokens": 4},
     ("chat.completions", None, "gpt-5", 9, None, None, 4, None, "semantic_kernel")),
    ({"genkit:type": "action", "genkit:metadata:subtype": "model", "genkit:name": "googleai/gemini-2.5-flash",
      "genkit:output": json.dumps({"message": {"content": [{"text": PROMPT}]},
                                   "usage": {"inputTokens": 9, "outputTokens": 4, "thoughtsTokens": 3}})},
     ("chat", "googleai", "gemini-2.5-flash", 9, None, None, 4, 3, "genkit")),
    # The helper above the model repeats its answer.
    ({"genkit:type": "util", "genkit:name": "generate",
      "genkit:output": json.dumps({"usage": {"inputTokens": 9, "outputTokens": 4}})},
     ("util", None, None, None, None, None, None, None, None)),
    ({"gen_ai.usage.input_tokens": 9, "gen_ai.usage.output_tokens": 4, "model": "gpt-5"},
     (None, None, "gpt-5", 9, None, None, 4, None, "otel")),
    ({**GEN_AI, "gen_ai.usage.input_tokens": 9, "gen_ai.usage.input_tokens.cached": 2, "gen_ai.usage.output_tokens": 4,
      "gen_ai.usage.input_tokens.cache_write": 1, "gen_ai.usage.output_tokens.reasoning": 3},
     ("chat", None, "gpt-5", 9, 2, 1, 4, 3, "otel")),
    ({"gen_ai.operation.name": "embeddings", "langsmith.span.kind": "retriever", "gen_ai.request.model": "gpt-5"},
     ("retriever", None, "gpt-5", None, None, None, None, None, None)),
    ({**GEN_AI, "langsmith.span.kind": "llm", "gen_ai.usage.input_tokens": 9, "gen_ai.usage.output_tokens": 4,
      "gen_ai.usage.input_token_details": '{"cache_read": 2, "cache_creation": 1}',
      "gen_ai.usage.output_token_details": '{"reasoning": 3}'},
     ("llm", None, "gpt-5", 9, 2, 1, 4, 3, "otel")),
    ({**GEN_AI, "gen_ai.usage.input_tokens": 9, "gen_ai.usage.output_tokens": 4,
      "gen_ai.usage.details.cache_read_tokens": 2, "gen_ai.usage.details.reasoning_tokens": 3},
     ("chat", None, "gpt-5", 9, 2, None, 4, 3, "otel")),
    ({"gen_ai.request.model": "gpt-5",
      "response_data": json.dumps({"message": {"content": PROMPT},
                                   "usage": {"prompt_tokens": 9, "completion_tokens": 4}})},
     (None, None, "gpt-5", 9, None, None, 4, None, "logfire")),
]  # fmt: skip


@pytest.mark.parametrize(("values", "expected"), NAMES)
def test_names_of_each_sdk(tmp_path, values, expected):
    assert one(tmp_path, values, USAGE) == expected
    assert PROMPT not in str(one(tmp_path, values, "*"))


@pytest.mark.parametrize(
    ("values", "cost"),
    [({"operation.cost": 0.03}, 0.03), ({"gen_ai.cost.total_tokens": 0.02}, 0.02),
     ({"gen_ai.usage.total_cost": 0.01}, 0.01),
     ({"mlflow.llm.cost": '{"input_cost": 0.1, "output_cost": 0.2, "total_cost": 0.3}'}, 0.3)],
)  # fmt: skip
def test_stated_costs(tmp_path, values, cost):
    assert one(tmp_path, {**GEN_AI, **values}, "stated_usd::double") == (cost,)


@pytest.mark.parametrize(
    "values",
    [
        {"App.Feature": "draft"},
        {"APP.FEATURE": "draft"},
        {"langsmith.metadata.app.feature": "draft"},
        {"langsmith.metadata.App.Feature": "draft"},
        {"langsmith.span.tags": "beta, app.feature:draft"},
        {"logfire.tags": '["beta", "app.feature:draft"]'},
        {"langfuse.metadata.app.feature": "draft"},
        {"mlflow.traceTag.app.feature": "draft"},
        {"braintrust.metadata": '{"app.feature": "draft", "model": "gpt-5"}'},
        {"metadata.requester_metadata.app.feature": "draft"},
        {"metadata.requester_metadata": "{'app.feature': 'draft'}"},
        {"http.request.header.x-app.feature": '["draft"]'},
    ],
)
def test_a_feature_is_found_wherever_platforms_put_it(tmp_path, values):
    assert one(tmp_path, {**GEN_AI, **values}, "feature_id") == ("draft",)


def test_a_label_in_its_own_letters_counts_before_others(tmp_path):
    assert one(tmp_path, {**GEN_AI, "APP.FEATURE": "loud", "app.feature": "draft"}, "feature_id") == ("draft",)


RUNS = [
    {"id": ROOT, "name": "LangGraph", "run_type": "chain", "trace_id": ROOT, "parent_run_id": None,
     "start_time": "2026-10-05T10:00:00.000000", "end_time": "2026-10-05T10:00:05.000000",
     "dotted_order": f"20261005T100000000000Z{ROOT}", "session_id": "0e7c2a4e-2222-4d1e-9a55-5f3b9d2f0009",
     "extra": {"metadata": {"App.Feature": "draft", "thread_id": "t1"}}, "inputs": {"question": PROMPT},
     "outputs": None,
     "prompt_tokens": 90, "completion_tokens": 14, "total_tokens": 104, "total_cost": 0.5, "error": None,
     "tags": ["beta"]},
    {"id": CALL, "name": "ChatOpenAI", "run_type": "llm", "trace_id": ROOT, "parent_run_id": ROOT,
     "start_time": "2026-10-05T10:00:01.000000", "end_time": "2026-10-05T10:00:03.000000",
     "dotted_order": f"20261005T100000000000Z{ROOT}.20261005T100001000000Z{CALL}",
     "session_id": "0e7c2a4e-2222-4d1e-9a55-5f3b9d2f0009",
     "extra": {"metadata": {"ls_provider": "openai", "ls_model_name": "gpt-5"}}, "inputs": {"messages": PROMPT},
     "outputs": {"generations": [[{"text": PROMPT, "message": {"kwargs": {
         "id": "run-1",
         "response_metadata": {"id": "chatcmpl-1", "model_name": "gpt-5-2025-08-07", "service_tier": "flex"},
         "usage_metadata": {"input_tokens": 90, "output_tokens": 14, "total_tokens": 104,
                            "input_token_details": {"cache_read": 64}, "output_token_details": {"reasoning": 10}}}}}]]},
     "prompt_tokens": 90, "completion_tokens": 14, "total_tokens": 104, "total_cost": 0.5, "error": None, "tags": []},
]  # fmt: skip


@pytest.mark.parametrize("kind", ["lines", "list", "runs", "csv", "parquet"])
def test_langsmith_runs(tmp_path, kind):
    """A run above a call states the sum of what is beneath it, but no cost of its own."""
    records = RUNS
    if kind == "parquet":  # the bulk export writes objects as JSON texts, and names no parent but in the order
        records = [
            {name: json.dumps(value) if name in ("extra", "inputs", "outputs") else value for name, value in run.items()
             if name != "parent_run_id"}
            for run in RUNS
        ]  # fmt: skip
    path = written(tmp_path / "runs", records, kind)
    columns = "operation, model, input_tokens, cache_read_tokens, output_tokens, reasoning_tokens, stated_usd::double"
    assert sorted(read(path, columns)) == [
        ("chain", None, 90, None, 14, None, None), ("chat", "gpt-5-2025-08-07", 90, 64, 14, 10, 0.5),
    ]  # fmt: skip
    columns = "operation, response_id, provider, service_tier, input_includes_cached, parent_span_id, usage_convention"
    assert sorted(read(path, columns + ", started_at::varchar"), key=str)[1] == (
        "chat",
        "chatcmpl-1",
        "openai",
        "flex",
        True,
        ROOT,
        "langsmith",
        "2026-10-05 10:00:01",
    )
    assert sorted(read(path, "operation, feature_id, session_id"), key=str)[0] == ("chain", "draft", "t1")
    assert PROMPT not in str(read(path, "*"))


def mlflow_trace(version: int) -> dict:
    """A trace as MLflow 2 or 3 writes it."""
    values = {"mlflow.spanType": '"CHAT_MODEL"', "mlflow.traceRequestId": '"tr-1"', "mlflow.llm.model": '"gpt-5"',
              "mlflow.spanInputs": json.dumps({"messages": PROMPT}), "mlflow.spanOutputs": json.dumps(PROMPT),
              "mlflow.chat.tokenUsage": '{"input_tokens": 9, "output_tokens": 4, "total_tokens": 13}'}  # fmt: skip
    agent = {"mlflow.spanType": '"AGENT"', "mlflow.traceRequestId": '"tr-1"'}
    times = [1_791_194_400_000_000_000, 1_791_194_405_000_000_000]
    if version == 2:
        common = {"start_time": times[0], "end_time": times[1], "status_code": "OK", "status_message": "", "events": []}
        context = {"trace_id": "0x" + "ab" * 16}
        return {
            "info": {"request_id": "tr-1", "timestamp_ms": 1, "execution_time_ms": 5, "status": "OK",
                     "request_metadata": {"mlflow.trace.session": "s1"}, "tags": {"app.feature": "draft"}},
            "data": {"spans": [
                {"name": "agent", "context": {**context, "span_id": "0x" + "01" * 8}, "parent_id": None, **common,
                 "attributes": agent},
                {"name": "call", "context": {**context, "span_id": "0x" + "02" * 8}, "parent_id": "0x" + "01" * 8,
                 **common, "attributes": values},
            ]},
        }  # fmt: skip
    common = {"trace_id": "q6urq6urq6urq6urq6urqw==", "start_time_unix_nano": times[0], "end_time_unix_nano": times[1],
              "status": {"code": "STATUS_CODE_OK", "message": ""}, "events": []}  # fmt: skip
    return {
        "info": {"trace_id": "tr-" + "ab" * 16, "request_time": "2026-10-05T10:00:00Z", "state": "OK",
                 "trace_metadata": {"mlflow.trace.session": "s1"}, "tags": {"app.feature": "draft"}},
        "data": {"spans": [
            {"name": "agent", "span_id": "AQEBAQEBAQE=", "parent_span_id": None, **common, "attributes": agent},
            {"name": "call", "span_id": "AgICAgICAgI=", "parent_span_id": "AQEBAQEBAQE=", **common,
             "attributes": values},
        ]},
    }  # fmt: skip


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("is_table", [False, True])
def test_mlflow_traces(tmp_path, version, is_table):
    trace, path = mlflow_trace(version), tmp_path / "traces"
    if is_table:  # search_traces().to_json(orient="records", lines=True)
        path.write_text(json.dumps({**trace["info"], "spans": trace["data"]["spans"]}) + "\n")
    else:
        path.write_text(json.dumps(trace, indent=1))
    columns = (
        "trace_id, span_id, parent_span_id, operation, model, input_tokens, output_tokens, total_tokens, session_id"
    )
    assert read(path, columns) == [
        ("ab" * 16, "01" * 8, None, "invoke_agent", None, None, None, None, "s1"),
        ("ab" * 16, "02" * 8, "01" * 8, "chat", "gpt-5", 9, 4, 13, "s1"),
    ]
    assert read(path, "trace_feature_id, usage_convention, started_at::varchar, status")[1] == (
        "draft", "mlflow", "2026-10-05 10:00:00", "ok",
    )  # fmt: skip
    assert PROMPT not in str(read(path, "*"))


AGENTS = [
    {"object": "trace", "id": "trace_1", "workflow_name": "Support", "group_id": "g1",
     "metadata": {"app.feature": "draft"}},
    {"object": "trace.span", "id": "span_1", "trace_id": "trace_1", "parent_id": None, "error": None,
     "started_at": "2026-10-05T10:00:00+00:00", "ended_at": "2026-10-05T10:00:05+00:00",
     "span_data": {"type": "agent", "name": "Triage"}},
    {"object": "trace.span", "id": "span_2", "trace_id": "trace_1", "parent_id": "span_1", "error": None,
     "started_at": "2026-10-05T10:00:01+00:00", "ended_at": "2026-10-05T10:00:02+00:00",
     "span_data": {"type": "generation", "input": [{"content": PROMPT}], "model": "gpt-5",
                   "usage": {"input_tokens": 9, "output_tokens": 4, "input_tokens_details": {"cached_tokens": 2}}}},
    {"object": "trace.span", "id": "span_3", "trace_id": "trace_1", "parent_id": "span_1", "error": {"message": PROMPT},
     "started_at": "2026-10-05T10:00:03+00:00", "ended_at": "2026-10-05T10:00:04+00:00",
     "span_data": {"type": "response", "response_id": "resp_1"}},
]  # fmt: skip


@pytest.mark.parametrize("kind", ["lines", "data", "traces"])
def test_openai_agents_traces(tmp_path, kind):
    records = [{**AGENTS[0], "spans": AGENTS[1:]}] if kind == "traces" else AGENTS
    path = written(tmp_path / "traces.json", records, kind)
    columns = "span_id, operation, model, response_id, input_tokens, cache_read_tokens, output_tokens, status"
    spans = [row for row in read(path, columns) if row[0] != "trace_1"]
    assert sorted(spans, key=str) == [
        ("span_1", "invoke_agent", None, None, None, None, None, "unset"),
        ("span_2", "chat", "gpt-5", None, 9, 2, 4, "unset"),
        ("span_3", "chat", None, "resp_1", None, None, None, "error"),
    ]
    assert ("draft",) in read(path, "trace_feature_id")
    assert PROMPT not in str(read(path, "*"))


OPIK = {
    "id": "0190-a", "project_id": "p", "trace_id": "0190-t", "parent_span_id": None, "name": "chat", "type": "llm",
    "start_time": "2026-10-05T10:00:00Z", "end_time": "2026-10-05T10:00:01Z", "input": {"messages": PROMPT},
    "output": {"text": PROMPT}, "metadata": {"app.feature": "draft"}, "model": "claude-sonnet-4-5",
    "provider": "anthropic",
    "tags": ["beta"], "error_info": None, "total_estimated_cost": 0.25,
    "usage": {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13, "original_usage.input_tokens": 9,
              "original_usage.output_tokens": 4, "original_usage.cache_read_input_tokens": 30},
}  # fmt: skip


@pytest.mark.parametrize("kind", ["lines", "list", "content", "csv"])
def test_opik_spans(tmp_path, kind):
    tool = {**OPIK, "id": "0190-b", "parent_span_id": "0190-a", "type": "tool", "usage": None, "model": None,
            "total_estimated_cost": None}  # fmt: skip
    path = written(tmp_path / "spans", [OPIK, tool], kind)
    found = read(path, USAGE + ", feature_id, input_includes_cached, stated_usd::double, parent_span_id")
    assert found[0] == (
        "chat",
        "anthropic",
        "claude-sonnet-4-5",
        9,
        30,
        None,
        4,
        None,
        "opik",
        "draft",
        False,
        0.25,
        None,
    )
    assert found[1][0] == "execute_tool"
    assert found[1][-1] == "0190-a"
    assert PROMPT not in str(read(path, "*"))


def weave(number: int, operation: str, parent: int | None, usage: dict, **more) -> dict:
    return {"id": f"w{number}", "project_id": "acme/app", "op_name": f"weave:///acme/app/op/{operation}:v1",
            "trace_id": "wt", "parent_id": f"w{parent}" if parent else None,
            "started_at": f"2026-10-05T10:00:0{number}Z", "ended_at": "2026-10-05T10:00:09Z",
            "attributes": {"app.feature": "draft"}, "inputs": {"messages": PROMPT},
            "output": None, "exception": None, "summary": {"usage": usage}, **more}  # fmt: skip


def test_weave_calls(tmp_path):
    """What a call adds up of the calls beneath it is told from what a library's own operation states."""
    used = {"gpt-5": {"requests": 1, "prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13,
                      "prompt_tokens_details": {"cached_tokens": 2}}}  # fmt: skip
    other = {"claude-sonnet-4-5": {"requests": 1, "input_tokens": 5, "output_tokens": 1, "cache_read_input_tokens": 30}}
    calls = [
        weave(1, "ask", None, {**used, **other}),
        weave(2, "openai.chat.completions.create", 1, used, output={"id": "chatcmpl-1", "usage": {}, "text": PROMPT}),
        weave(3, "anthropic.Messages.create", 1, other, output=None),
        weave(4, "parse", 1, {}),
    ]
    path = written(tmp_path / "calls.jsonl", calls, "lines")
    columns = "span_id, operation, model, response_id, input_tokens, cache_read_tokens, output_tokens"
    assert sorted(read(path, columns + ", input_includes_cached"), key=str) == [
        ("w1", "weave.op", None, None, 14, None, 5, True),
        ("w2", "chat", "gpt-5", "chatcmpl-1", 9, 2, 4, True),
        ("w3", "chat", "claude-sonnet-4-5", None, 5, 30, 1, False),
        ("w4", "weave.op", None, None, None, None, None, None),
    ]
    assert set(read(path, "feature_id, name, parent_span_id")) == {
        ("draft", "ask", None), ("draft", "openai.chat.completions.create", "w1"),
        ("draft", "anthropic.Messages.create", "w1"), ("draft", "parse", "w1"),
    }  # fmt: skip
    assert PROMPT not in str(read(path, "*"))


HELICONE = {
    "response_id": "r1", "response_created_at": "2026-10-05T10:00:02Z", "response_status": 200,
    "request_created_at": "2026-10-05T10:00:00Z", "request_body": {"messages": PROMPT},
    "request_properties": {"App.Feature": "draft"}, "request_user_id": "u1", "model": "gpt-5", "prompt_tokens": 9,
    "completion_tokens": 4, "latency": 2000, "cost": 0.25,
}  # fmt: skip


@pytest.mark.parametrize("kind", ["lines", "list", "data", "csv"])
def test_helicone_requests(tmp_path, kind):
    hit = {**HELICONE, "response_id": "r2", "cache_reference_id": "0e7c2a4e-1111-4d1e-9a55-5f3b9d2f0002"}
    failed = {
        **HELICONE,
        "response_id": "r3",
        "response_status": 500,
        "cache_reference_id": "0" * 8 + "-0000-0000-0000-" + "0" * 12,
    }
    records = [{"cache_reference_id": None, **HELICONE}, hit, failed]
    if kind == "csv":  # as its export tool quotes objects
        records = [{**row, "request_properties": '{""App.Feature"":""draft""}', "request_body": ""} for row in records]
    path = written(tmp_path / "requests", records, kind)
    columns = "span_id, operation, model, input_tokens, output_tokens, feature_id, user_id, stated_usd::double, status"
    assert sorted(read(path, columns)) == [
        ("r1", "chat", "gpt-5", 9, 4, "draft", "u1", 0.25, "unset"),
        ("r2", "gateway_cache_hit", "gpt-5", 9, 4, "draft", "u1", 0.25, "unset"),
        ("r3", "chat", "gpt-5", 9, 4, "draft", "u1", 0.25, "error"),
    ]
    assert PROMPT not in str(read(path, "*"))


LANGFUSE = {"traceId": "t", "type": "GENERATION", "name": "call", "model": "gpt-5", "parentObservationId": None,
            "startTime": "2026-10-05T10:00:00Z", "endTime": "2026-10-05T10:00:01Z"}  # fmt: skip


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"usage": {"input": 9, "output": 4, "total": 13, "unit": "TOKENS", "totalCost": 0.2}}, (9, 4, 13, 0.2)),
        ({"usage": '{"input": 9, "output": 4, "total": 13, "unit": "TOKENS"}'}, (9, 4, 13, None)),
        ({"promptTokens": 9, "completionTokens": 4, "totalTokens": 13, "calculatedTotalCost": 0.2}, (9, 4, 13, 0.2)),
        (
            {"prompt_tokens": "9", "completion_tokens": "4", "total_tokens": "13", "calculated_total_cost": "0.2"},
            (9, 4, 13, 0.2),
        ),
        ({"inputUsage": 9, "outputUsage": 4, "totalUsage": 13}, (9, 4, 13, None)),
        # Servers of today write both: the details count.
        ({"usageDetails": {"input": 7, "output": 4}, "promptTokens": 9, "completionTokens": 4}, (7, 4, None, None)),
        ({"usageDetails": {}, "promptTokens": 0, "completionTokens": 0, "totalTokens": 0}, (None, None, None, None)),
        ({"usage": {"input": 900, "output": 400, "total": 1300, "unit": "CHARACTERS"}}, (None, None, None, None)),
    ],
)
def test_langfuse_of_2024(tmp_path, values, expected):
    path = tmp_path / "trace.json"
    path.write_text(json.dumps({"trace": {"id": "t"}, "observations": [{"id": "o", **LANGFUSE, **values}]}))
    assert read(path, "input_tokens, output_tokens, total_tokens, stated_usd::double") == [expected]


def test_langfuse_passes_tier_scope_and_response_id_on(tmp_path):
    observation = {
        "id": "time-10-00-00-000001_chatcmpl-1", **LANGFUSE, "usageDetails": {"input": 9, "output": 4},
        "usagePricingTierName": "Flex", "metadata": {"scope": {"name": "litellm", "version": "1.2"}},
    }  # fmt: skip
    path = tmp_path / "trace.json"
    path.write_text(json.dumps({"trace": {"id": "t"}, "observations": [observation]}))
    assert read(path, "response_id, service_tier, scope_name, scope_version") == [
        ("chatcmpl-1", "Flex", "litellm", "1.2")
    ]


def test_langfuse_estimates_give_way_to_the_providers_usage(tmp_path):
    """A span that states no usage gets a tokenizer's count from Langfuse: it counts where nothing better is there."""
    common = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-5"}
    estimated = {"id": "o1", **LANGFUSE, "usageDetails": {"input": 25, "output": 70, "total": 95}, "totalCost": 0.1,
                 "metadata": {"attributes": common}}  # fmt: skip
    stated = {"id": "o2", **LANGFUSE, "usageDetails": {"input": 631, "output": 35},
              "metadata": {"attributes": {**common, "gen_ai.usage.input_tokens": "631"}}}  # fmt: skip
    path = tmp_path / "trace.json"
    path.write_text(json.dumps({"trace": {"id": "t"}, "observations": [estimated, stated]}))
    assert read(path, "input_tokens, output_tokens, stated_usd::double") == [(None, None, None), (631, 35, None)]
    path.write_text(json.dumps({"trace": {"id": "t"}, "observations": [estimated]}))
    assert read(path, "input_tokens, output_tokens, stated_usd::double") == [(25, 70, 0.1)]


def test_platform_exports_are_told_apart(tmp_path):
    """A file of each kind in one inbox; a head that cuts the first record is enough."""
    inbox, data = tmp_path / "inbox", tmp_path / "data"
    inbox.mkdir()
    long = {**RUNS[1], "inputs": {"messages": "x" * 300_000}}
    written(inbox / "1", [long, RUNS[0]], "lines")
    trace = mlflow_trace(3)
    trace["data"]["spans"][1]["attributes"]["mlflow.spanInputs"] = "x" * 300_000
    (inbox / "2").write_text(json.dumps(trace))
    written(inbox / "3", AGENTS, "data")
    written(inbox / "4", [OPIK], "list")
    written(inbox / "5", [weave(1, "ask", None, {})], "lines")
    written(inbox / "6", [HELICONE], "csv")
    (inbox / "7").write_text(
        batch([{**span(1, 1), "attributes": attributes({"metadata": '{"run_type": 1, "start_time": 2}'})}])
    )
    assert land.run(inbox, data) == 0
    assert reasons(data) == {}
    assert sorted(landed(data, what="distinct source_file, format")) == [
        ("1", "langsmith"), ("2", "mlflow"), ("3", "openai_agents"), ("4", "opik"), ("5", "weave"), ("6", "helicone"),
        ("7", "otlp"),
    ]  # fmt: skip


def test_opiks_traces_name_the_way_to_its_spans(tmp_path):
    inbox, data = tmp_path / "inbox", tmp_path / "data"
    inbox.mkdir()
    written(inbox / "log", [{"id": "t", "span_count": 2, "usage": {"total_tokens": 13}}] * 2, "lines")
    land.run(inbox, data)
    assert "export the spans" in reasons(data)["log"]
