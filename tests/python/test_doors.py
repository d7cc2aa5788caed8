"""What real files do to a door: they grow, break, hide their money in odd places, and carry what must not come in."""

import csv
import gzip
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from datetime import timedelta

import duckdb
import pytest
from conftest import PROJECT
from exports import DAY, attributes, batch, chat, span
from formats import FORMATS, Span, otlp_protobuf
from test_formats import read
from test_landing import landed, reasons

import land
from landing import documents, tables, work

GEN_AI = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-5"}


def one(tmp_path, values: dict, columns: str) -> tuple:
    """What one span with these attributes lands as."""
    path = tmp_path / "spans.jsonl"
    path.write_text(batch([{**span(1, 1), "attributes": attributes(values)}]))
    (row,) = read(path, columns)
    return row


@pytest.fixture
def inbox(tmp_path):
    folder = tmp_path / "in box"
    folder.mkdir()
    return folder


@pytest.fixture
def data(tmp_path):
    return tmp_path / "data"


CONVENTIONS = [
    ({**GEN_AI, "gen_ai.usage.input_tokens": 9, "gen_ai.usage.output_tokens": 4,
      "gen_ai.usage.cache_read.input_tokens": 2, "gen_ai.response.id": "r"}, ("gpt-5", "r", 9, 2, 4, "otel", True)),
    ({"gen_ai.system": "openai", "gen_ai.request.model": "gpt-5", "gen_ai.usage.prompt_tokens": "9",
      "gen_ai.usage.completion_tokens": 4.0}, ("gpt-5", None, 9, None, 4, "otel_earlier", True)),
    ({"llm.request.type": "chat", "gen_ai.request.model": "unknown", "llm.usage.prompt_tokens": 9,
      "traceloop.association.properties.ls_model_name": "gpt-5"}, ("gpt-5", None, 9, None, None, "traceloop", True)),
    ({"ai.operationId": "ai.generateText.doGenerate", "ai.model.id": "gpt-5", "ai.response.id": "r",
      "ai.usage.promptTokens": 9, "ai.usage.completionTokens": 4, "ai.usage.cachedInputTokens": 2},
     ("gpt-5", "r", 9, 2, 4, "vercel", True)),
    ({"openinference.span.kind": "LLM", "llm.model_name": "gpt-5", "llm.token_count.prompt": 9,
      "llm.token_count.completion": 4, "llm.token_count.prompt_details.cache_read": 2},
     ("gpt-5", None, 9, 2, 4, "openinference", True)),
    ({"langfuse.observation.type": "generation", "langfuse.observation.model.name": "gpt-5",
      "langfuse.observation.usage_details": '{"input": 9, "output": 4, "input_cached_tokens": 2}'},
     ("gpt-5", None, 9, 2, 4, "langfuse", False)),
    ({"openinference.span.kind": "LLM", "llm.model_name": "estimate", "llm.token_count.prompt": 7,
      "output.value": json.dumps({"text": "hi", "raw": {"id": "r", "model": "gpt-5", "object": "chat.completion",
                                  "usage": {"prompt_tokens": 9, "completion_tokens": 4,
                                            "prompt_tokens_details": {"cached_tokens": 2}}}})},
     ("gpt-5", "r", 9, 2, 4, "provider", True)),
    ({"openinference.span.kind": "TOOL", "tool.name": "search",
      "output.value": json.dumps({"id": "no-call", "usage": {"prompt_tokens": 9}})},
     (None, None, None, None, None, None, None)),
]  # fmt: skip


@pytest.mark.parametrize(("values", "expected"), CONVENTIONS)
def test_each_convention_means_the_same(tmp_path, values, expected):
    columns = (
        "model, response_id, input_tokens, cache_read_tokens, output_tokens, usage_convention, input_includes_cached"
    )
    assert one(tmp_path, values, columns) == expected


@pytest.mark.parametrize(
    "values",
    [
        {"app.feature": "draft"},
        {"baggage.app.feature": "draft"},
        {"traceloop.association.properties.app.feature": "draft"},
        {"metadata": '{"app": {"feature": "draft"}}'},
        {"tag.tags": '["prod", "app.feature:draft"]'},
        {"ai.telemetry.metadata.app.feature": "draft"},
        {"X-App.Feature": "draft"},
    ],
)
def test_a_feature_is_found_wherever_sdks_put_it(tmp_path, values):
    assert one(tmp_path, {**GEN_AI, **values}, "feature_id") == ("draft",)


def test_tags_of_a_langfuse_trace_are_carried_to_its_calls(tmp_path):
    observation = {"id": "o", "traceId": "t", "type": "GENERATION", "name": "call", "model": "gpt-5",
                   "startTime": "2026-10-05T10:00:00Z", "endTime": "2026-10-05T10:00:01Z", "parentObservationId": None,
                   "usageDetails": {"input": 9, "output": 4, "output_reasoning": 3}, "totalCost": 1e-05}  # fmt: skip
    trace = {"id": "t", "userId": "u1", "sessionId": "s1", "environment": "staging",
             "tags": ["beta", "app.feature:draft"], "metadata": '{"app.team": "mail"}'}  # fmt: skip
    path = tmp_path / "trace.json"
    path.write_text(json.dumps({"trace": trace, "observations": [observation]}))
    columns = "feature_id, trace_feature_id, trace_team_id, user_id, session_id, environment, output_includes_reasoning"
    assert read(path, columns) == [(None, "draft", "mail", "u1", "s1", "staging", False)]
    assert read(path, "cast(stated_usd as varchar)") == [("0.000010000000000000",)]


def test_tokens_that_langfuse_counted_itself_are_no_usage(tmp_path):
    """The instrumentation states usage on one generation and none on the other; of the other scope nobody knows."""

    def generation(number: int, scope: str, **stated) -> dict:
        metadata = {"attributes": {"gen_ai.operation.name": "chat", **stated}, "scope": {"name": scope}}
        return {"id": f"{number:016x}", "traceId": "t", "type": "GENERATION", "name": "chat", "model": "gpt-5",
                "startTime": "2026-10-05T10:00:00Z", "endTime": "2026-10-05T10:00:01Z", "parentObservationId": None,
                "usageDetails": {"input": 9, "output": 4, "total": 13}, "metadata": json.dumps(metadata)}  # fmt: skip

    observations = [
        generation(1, "framework", **{"gen_ai.usage.input_tokens": "9", "gen_ai.usage.output_tokens": "4"}),
        generation(2, "framework"),
        generation(3, "another"),
    ]
    path = tmp_path / "trace.json"
    path.write_text(json.dumps({"trace": {"id": "t"}, "observations": observations}))
    counts = {span: counts for span, *counts in read(path, "span_id, input_tokens, output_tokens")}
    assert list(counts.values()) == [[9, 4], [None, None], [9, 4]]


LITELLM = {
    "request_id": "chatcmpl-1", "call_type": "acompletion", "api_key": "88dc28d0", "spend": 0.0002, "total_tokens": 13,
    "prompt_tokens": 9, "completion_tokens": 4, "startTime": "2026-10-05 10:00:00.5", "endTime": "2026-10-05 10:00:01",
    "model": "gpt-5", "model_id": "m1", "model_group": "smart", "custom_llm_provider": "openai", "user": "u1",
    "metadata": '{"usage_object": {"prompt_tokens_details": {"cached_tokens": 2}}, "user_api_key": "secret-key"}',
    "cache_hit": "None", "request_tags": '["app.feature:draft", "User-Agent: curl"]', "team_id": "mail",
    "organization_id": "", "end_user": "u2", "session_id": "s1", "status": "success", "agent_id": "",
    "messages": "the prompt", "response": "the answer",
}  # fmt: skip


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_litellm_spend_logs(tmp_path, kind):
    rows = [LITELLM, {**LITELLM, "request_id": "hit", "cache_hit": "True", "spend": 0}]
    path = tmp_path / f"spend.{kind}"
    with path.open("w", newline="") as target:
        if kind == "csv":
            writer = csv.DictWriter(target, list(LITELLM))
            writer.writeheader()
            writer.writerows(rows)
        else:
            target.writelines(json.dumps(row) + "\n" for row in rows)
    columns = ("response_id, operation, provider, model, input_tokens, cache_read_tokens, output_tokens, feature_id,"
               " team_id, user_id, session_id, api_key, started_at::varchar, stated_usd::double")  # fmt: skip
    found = sorted(read(path, columns))
    assert found[0] == ("chatcmpl-1", "chat", "openai", "gpt-5", 9, 2, 4, "draft", "mail", "u2", "s1", "88dc28d0",
                        "2026-10-05 10:00:00.5", 0.0002)  # fmt: skip
    assert found[1][:2] == ("hit", "gateway_cache_hit")
    assert all(word not in str(read(path, "*")) for word in ("secret-key", "the prompt", "the answer", "curl"))


def test_jaeger_references_become_parents_and_links(tmp_path):
    own, other = {"traceID": "ab", "spanID": "1"}, {"traceID": "cd", "spanID": "7"}
    document = {"data": [{"traceID": "ab", "processes": {"p": {"serviceName": "svc", "tags": []}}, "spans": [
        {**own, "operationName": "root", "references": [], "startTime": 1_790_000_000_000_000, "duration": 5,
         "tags": [{"key": "error", "type": "bool", "value": True}], "processID": "p"},
        {"traceID": "ab", "spanID": "2", "operationName": "child", "startTime": 1_790_000_000_000_001, "duration": 1,
         "references": [{"refType": "FOLLOWS_FROM", **other}, {"refType": "CHILD_OF", **own}], "tags": [],
         "processID": "p"}]}]}  # fmt: skip
    path = tmp_path / "jaeger.json"
    path.write_text(json.dumps(document, indent=2))
    found = read(path, "name, span_id, parent_span_id, status, service_name, links")
    assert found == [
        ("root", f"{1:016x}", None, "error", "svc", []),
        ("child", f"{2:016x}", f"{1:016x}", "unset", "svc", [{"trace_key": 0xCD, "span_key": 7}]),
    ] or found[0][5] is None  # fmt: skip


def test_a_growing_file_is_read_on_from_where_it_was(inbox, data):
    """The line cut off at the first landing is taken up at the next; nothing before it is read again."""
    lines = [batch([chat(number, number, response=f"r{number}")]) for number in (1, 2, 3)]
    path = inbox / "spans.jsonl"
    path.write_text(lines[0] + lines[1][:100])
    assert land.run(inbox, data) == 0
    assert "last line is incomplete" in reasons(data)["spans.jsonl"]
    assert landed(data, what="response_id") == [("r1",)]
    path.write_text("".join(lines))
    assert land.run(inbox, data) == 0
    assert sorted(landed(data, what="response_id, source_line")) == [("r1", 1), ("r2", 2), ("r3", 3)]
    assert landed(data, "rejects") == []
    assert landed(data, "files", "sum(rows_read), sum(rows_rejected), sum(rows_superseded)") == [(3, 0, 0)]
    path.write_text("".join(lines).replace("r1", "r9"))  # another file under the same name is read whole
    assert land.run(inbox, data) == 0
    assert sorted(landed(data, what="response_id")) in ([("r1",), ("r2",), ("r3",)], [("r2",), ("r3",), ("r9",)])


def test_ranges_of_one_file_are_one_file(inbox, data, monkeypatch):
    monkeypatch.setattr(work, "LEAST_RANGE_BYTES", 10_000)
    monkeypatch.setattr(work, "EXAMINED_BYTES", 7_000)
    monkeypatch.setattr(work, "PORTION_BYTES", 5_000)
    monkeypatch.setattr(documents, "BATCH_BYTES", 1_000)
    monkeypatch.setattr(documents, "BLOCK_BYTES", 3_000)
    spans = [chat(number, number, at=number * 3600) for number in range(1, 200)]
    (inbox / "spans.jsonl").write_text("".join(batch([one]) for one in spans) + "{broken\n" + batch([chat(500, 500)]))
    examined = work.examine(inbox / "spans.jsonl", None)
    assert len(examined.ranges) > 3
    assert land.run(inbox, data) == 0
    assert landed(data, what="count(*), count(distinct row_no), max(source_line)") == [(200, 200, 201)]
    assert landed(data, "rejects", "line") == [(200,)]


def test_one_broken_record_costs_one_record(inbox, data):
    """Bytes that are no UTF-8, half an emoji, NaN, deep nesting, another format's line: the others land."""
    good = [batch([chat(number, number, response=f"r{number}")]).encode() for number in range(1, 7)]
    lines = [
        good[0],
        good[1].replace(b"span 2", b"span \xff\xfe"),
        good[2].replace(b"span 3", b"span \\ud83d"),
        good[3].replace(b'"intValue": 10}', b'"doubleValue": NaN}'),
        b'{"resourceSpans":' + b"[" * 20_000 + b"]" * 20_000 + b"}\n",
        b'{"resourceProfiles":[]}\n',
        b'{"resourceSpans":[]}\n',
        b'{"resourceSpans":[{"scopeSpans":[{"spans":[5,null,{"attributes":{"a":1}}]}]}]}\n',
        good[4],
        b"[1,2]\n",
        good[5],
    ]
    (inbox / "spans.jsonl").write_bytes(b"".join(lines))
    assert land.run(inbox, data) == 0
    found = {row[0] for row in landed(data, what="response_id")}
    assert {"r1", "r2", "r3", "r5", "r6"} <= found
    rejected = {line for (line,) in landed(data, "rejects", "line")}
    assert {4, 6, 8, 10} == rejected  # 5 is a batch without spans, however deep


def test_a_long_line_is_read_and_an_endless_one_refused(inbox, data, monkeypatch):
    line = batch([chat(1, 1, response="long", input__value="y" * 100_000_000)])
    (inbox / "long.jsonl").write_text(line + batch([chat(2, 2, response="next")]))
    assert land.run(inbox, data) == 0
    assert sorted(landed(data, what="response_id")) == [("long",), ("next",)]
    monkeypatch.setattr(documents, "MAX_RECORD_BYTES", 1_000_000)
    monkeypatch.setattr(documents, "BLOCK_BYTES", 100_000)
    (inbox / "endless.jsonl").write_text(
        batch([chat(3, 3, response="before")])
        + batch([chat(4, 4, input__value="y" * 3_000_000)])
        + batch([chat(5, 5, response="after")])
    )
    assert land.run(inbox, data) == 0
    assert {"before", "after"} <= {row[0] for row in landed(data, what="response_id")}
    assert "a record of more than" in reasons(data)["endless.jsonl"]


def test_a_bomb_is_refused(inbox, data, monkeypatch):
    monkeypatch.setattr(documents, "ALWAYS_ALLOWED_BYTES", 1_000_000)
    (inbox / "bomb.jsonl.gz").write_bytes(gzip.compress((batch([chat(1, 1)]) + "\n" * 50_000_000).encode()))
    (inbox / "good.jsonl").write_text(batch([chat(2, 2, response="good")]))
    assert land.run(inbox, data) == 0
    assert "unpacks to more than" in reasons(data)["bomb.jsonl.gz"]
    assert landed(data, what="response_id") == [("good",)]


def test_a_link_to_a_folder_is_not_followed(inbox, data, tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "spans.jsonl").write_text(batch([chat(1, 1)]))
    (inbox / "linked").symlink_to(tmp_path / "outside")
    assert land.run(inbox, data) == 0
    assert "not followed" in reasons(data)["linked"]
    assert landed(data) == []


def test_no_text_of_any_format_reaches_the_disk(tmp_path):
    """Prompts, completions, tool arguments, unknown attributes, keys: only the allow-list lands."""
    secret = "the patient said so"
    values = {
        **GEN_AI, "gen_ai.input.messages": secret, "gen_ai.output.messages": secret, "input.value": secret,
        "output.value": json.dumps({"text": secret, "choices": [{"message": {"content": secret}}], "id": "r"}),
        "llm.input_messages.0.message.content": secret, "gen_ai.prompt.0.content": secret, "any": secret,
        "metadata": json.dumps({"note": secret}), "gen_ai.completion.0.content": secret,
    }  # fmt: skip
    one_span = Span(b"\x01" * 16, b"\x02" * 8, None, "chat", 1_760_000_000_000_000, 5, True, "svc", values)
    for form in FORMATS:
        inbox, data = tmp_path / form.__name__, tmp_path / f"{form.__name__}_data"
        inbox.mkdir()
        (inbox / "export").write_bytes(form([one_span]))
        assert land.run(inbox, data) == 0
        files = [path for path in data.rglob("*") if path.is_file()]
        rows = duckdb.sql(f"select * from read_parquet('{data}/landed/*/*/*.parquet', union_by_name = true)").fetchall()
        assert len(landed(data)) == 1, form.__name__
        assert secret not in str(rows), form.__name__
        assert all(secret.encode() not in path.read_bytes() for path in files), form.__name__


def test_identities_can_land_as_keyed_hashes(inbox, tmp_path, monkeypatch):
    """Ids that name people are hashed alike in spans and telemetry, so that joins still work."""
    (inbox / "spans.jsonl").write_text(batch([chat(1, 1, user__id="ann@example.com", tenant__id="acme")]))
    (inbox / "users.csv").write_text("user_id,account_id,plan,segment,signed_up_on\nann@example.com,acme,free,s,\n")
    variables = {**land.project_variables(), "hash_identities": True}
    monkeypatch.setattr(land, "project_variables", lambda: variables)
    data = tmp_path / "data"
    assert land.run(inbox, data) == 0
    assert landed(data, what="user_id, tenant_id") == landed(data, "users", "user_id, account_id")
    ((user, tenant),) = landed(data, what="user_id, tenant_id")
    assert len(user) == len(tenant) == 32
    assert all(b"ann@example.com" not in path.read_bytes() for path in data.rglob("*.parquet"))


def test_rows_with_keys_are_read_again_where_keys_are_made_otherwise(inbox, data, monkeypatch, capsys):
    """Else the events and runs that landed before would find no span of those that landed since."""
    (inbox / "spans.jsonl").write_text(batch([chat(1, 1)]))
    (inbox / "users.csv").write_text("user_id,account_id,plan,segment,signed_up_on\nann,acme,free,s,\n")
    head = "event_id,occurred_at,feature_id,user_id,account_id,trace_id,request_id,answers\n"
    (inbox / "usage_events.csv").write_text(f"{head}e,2026-10-05T10:00:00Z,f,ann,acme,{1:032x},,1\n")
    assert land.run(inbox, data) == 0

    monkeypatch.setattr(work, "KEYS", "otherwise")
    work.Reading._mark.cache_clear()
    capsys.readouterr()
    assert land.run(inbox, data) == 0
    said = capsys.readouterr().out
    assert "usage_events: 1 rows" in said
    assert "spans: 1 rows" in said
    assert "users:" not in said
    assert len(landed(data)) == len(landed(data, "usage_events")) == 1


def test_landed_files_have_the_types_of_their_table(inbox, data):
    (inbox / "spans.jsonl").write_text(batch([chat(1, 1)]))
    (inbox / "revenue.csv").write_text("month,account_id,plan,revenue_usd\n2026-10,acme,free,1.5\n")
    assert land.run(inbox, data) == 0
    for table in ("spans", "revenue", "rejects", "files"):
        for path in (data / "landed" / table).rglob("*.parquet"):
            empty = data / "landed" / table / "day=1970-01-01" / "empty.parquet"
            query = "select column_name, column_type from (describe from read_parquet('{}', hive_partitioning = false))"
            assert duckdb.sql(query.format(path)).fetchall() == duckdb.sql(query.format(empty)).fetchall(), path
    written = {"spans", "rejects", "files", "arrivals", "retirements", "retired_bills"}  # by the landing itself
    assert set(tables.HEADERS) == set(tables.TABLES) - written


@pytest.mark.parametrize("after", [0.3, 0.8, 1.3, 2.0])
def test_kill_at_any_moment_then_rerun_is_one_clean_run(inbox, tmp_path, after):
    """The whole process group dies as a machine does; what a rerun leaves is what one run leaves."""
    for number in range(1, 40):
        spans = [chat(number, one, at=one * 5000, response=f"{number}-{one}") for one in range(1, 60)]
        (inbox / f"{number:02}.jsonl").write_text("".join(batch([one]) for one in spans) + batch(spans[:5]))
    command = [sys.executable, str(PROJECT / "scripts" / "land.py"), str(inbox)]
    killed, clean = tmp_path / "killed", tmp_path / "clean"
    for data in (killed, clean):
        (data / "landed").mkdir(parents=True)
        (data / "landed" / ".hash_key").write_bytes(b"k" * 32)
    process = subprocess.Popen([*command, str(killed)], start_new_session=True, stderr=subprocess.DEVNULL)
    time.sleep(after)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for data in (killed, clean):
        subprocess.run([*command, str(data)], check=True, capture_output=True)
    for table, order in (("spans", "trace_id, span_id"), ("files", "1"), ("rejects", "1")):
        query = f"select * from read_parquet('{{}}/landed/{table}/*/*.parquet', union_by_name = true) order by {order}"
        assert duckdb.sql(query.format(killed)).fetchall() == duckdb.sql(query.format(clean)).fetchall()
    shutil.rmtree(killed)


def test_protobuf_of_any_length_is_no_json(tmp_path):
    """A first field of 123 bytes reads as a line feed and a brace."""
    for length in range(60):
        path = tmp_path / f"{length}.pb"
        span_of = Span(b"t" * 16, b"s" * 8, None, "n" * length, 10**15 + 6 * 10**14, 5, False, "svc", {})
        path.write_bytes(otlp_protobuf([span_of]))
        assert read(path, "name") == [("n" * length,)]


def test_changed_names_of_attributes_reach_what_has_landed(inbox, tmp_path, monkeypatch, capsys):
    """A label that is named after the first landing counts from the beginning; a file that is gone is named."""
    variables = land.project_variables()
    log, gone = inbox / "log.jsonl", inbox / "gone.jsonl"
    log.write_text(batch([chat(1, 1, my__label="first")]) + "\n" + batch([chat(2, 1, my__label="cut")])[:50])
    gone.write_text(batch([chat(3, 1, my__label="third")]) + "\n")
    (inbox / "list.json").write_text("[" + batch([{**chat(4, 1, my__label="fourth"), "endTimeUnixNano": "0"}]) + "]")
    assert land.run(inbox, tmp_path / "data") == 0
    log.write_text(batch([chat(1, 1, my__label="first")]) + "\n" + batch([chat(2, 1, my__label="second")]) + "\n")
    (inbox / "list_again.json").write_text("[" + batch([chat(4, 1, my__label="fourth")]) + "]")
    assert land.run(inbox, tmp_path / "data") == 0
    kept = gone.read_bytes()
    gone.unlink()
    monkeypatch.setattr(land, "project_variables", lambda: {**variables, "feature_attributes": ["my.label"]})
    log.write_text(log.read_text() + batch([chat(5, 1, my__label="fifth")]) + "\n")
    capsys.readouterr()
    assert land.run(inbox, tmp_path / "data") == 0
    assert "WARNING: gone.jsonl stands as it was read before feature_attributes" in capsys.readouterr().out
    gone.write_bytes(kept)
    for _ in range(2):
        assert land.run(inbox, tmp_path / "data") == 0
    assert land.run(inbox, tmp_path / "anew") == 0
    what = "feature_id, trace_id, span_id, source_file, ended_at"
    after, anew = (sorted(landed(tmp_path / name, what=what)) for name in ("data", "anew"))
    assert after == anew
    assert [row[0] for row in after] == ["fifth", "first", "fourth", "second", "third"]
    totals = "sum(rows_read) - sum(rows_rejected) - sum(rows_superseded), sum(rows_superseded)"
    assert landed(tmp_path / "data", "files", totals) == [(5, 1)]


MODEL = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-5"}
COUNTS = {"gen_ai.usage.input_tokens": 9, "gen_ai.usage.output_tokens": 4}
UNREAD = [
    # (attributes, names that landing tells as counts which nobody reads, whether they were the span's only ones)
    ({"acme.model": "gpt-5", "acme.promptTokens": 9, "acme.completion_tokens": "4"},
     {"acme.promptTokens", "acme.completion_tokens"}, True),
    ({**MODEL, "GEN_AI.USAGE.INPUT_TOKENS": 9}, {"GEN_AI.USAGE.INPUT_TOKENS"}, True),
    ({"acme.usage.input": 9}, {"acme.usage.input"}, True),
    ({"acme.usage.prompt": 9, "acme.usage.completion": 4}, {"acme.usage.prompt", "acme.usage.completion"}, True),
    ({"acme.tokens": 9}, {"acme.tokens"}, True),
    ({"acme.text_input_tokens": 9}, {"acme.text_input_tokens"}, True),
    ({"acme.prompttokens": 9, "LLMTokens": 13}, {"acme.prompttokens", "LLMTokens"}, True),
    ({f"acme.steps.{step}.prompt_tokens": 9 for step in range(3)}, {"acme.steps.*.prompt_tokens"}, True),
    ({**MODEL, **COUNTS, "acme.cached_tokens": 3, "acme.prompt_tokens": 9}, {"acme.cached_tokens"}, False),
    ({**MODEL, **COUNTS, "acme.usage.thinkingTokens": 3}, {"acme.usage.thinkingTokens"}, False),
    # A known name that says zero counts nothing, nor does one of the other side.
    ({**MODEL, "gen_ai.usage.input_tokens": 0, "prompt_token_total": 500}, {"prompt_token_total"}, True),
    ({**MODEL, "gen_ai.usage.input_tokens": 0, "gen_ai.usage.output_tokens": 4, "prompt_token_total": 500},
     {"prompt_token_total"}, True),
    ({**MODEL, "gen_ai.usage.input_tokens": 9, "gen_ai.usage.output_tokens": 0, "acme.completionTokens": 5},
     {"acme.completionTokens"}, True),
    ({**MODEL, **COUNTS, "gen_ai.usage.cache_read.input_tokens": 0, "acme.cached_tokens": 3}, {"acme.cached_tokens"},
     False),
    ({**MODEL, "gen_ai.usage.total_tokens": 9, "prompt_token_total": 5}, set(), False),
    ({**MODEL, "gen_ai.usage.input_tokens": 9, "gen_ai.usage.total_tokens": 14, "acme.completionTokens": 5}, set(),
     False),
    # Another name of the same part was read; nothing was counted; settings, rates and running totals are no usage.
    ({**MODEL, **COUNTS, "gen_ai.usage.cache_read.input_tokens": 3, "acme.cached_tokens": 3}, set(), False),
    ({**MODEL, **COUNTS, "acme.cached_tokens": 0}, set(), False),
    ({**MODEL, **COUNTS, "acme.text_input_tokens": 9}, set(), False),
    ({**MODEL, "gen_ai.request.max_tokens": 9, "acme.max_output_tokens": 9, "acme.output_tokens_per_second": 70,
      "gen_ai.aggregated_usage.input_tokens": 9, "acme.session.total_tokens": 9, "acme.output_tokens": "many"},
     set(), False),
    ({"acme.input_tokens_quota": 9, "acme.tokens_left": 9, "acme.config.output_tokens": 9, "acme.output_token_ms": 9,
      "http.request.header.x-request-token": 123456, "disk.usage.input": 9, "acme.tokenizer.input": 9,
      "retrieval.documents.0.document.token_count": 9}, set(), False),
]  # fmt: skip


@pytest.mark.parametrize(("values", "names", "is_alone"), UNREAD)
def test_counts_under_names_that_nobody_reads_are_named(inbox, data, capsys, values, names, is_alone):
    spans = [{**span(number, 1), "attributes": attributes(values)} for number in (1, 2)]
    (inbox / "spans.jsonl").write_text(batch([span(3, 1)]) + "".join(batch([one]) for one in spans))
    assert land.run(inbox, data) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if "no row of seed attribute_aliases" in line]
    assert {line.split("'")[1] for line in lines} == names
    assert all("2 spans of spans.jsonl (first in line 2)" in line for line in lines)
    assert {"WARNING:" in line for line in lines} == ({is_alone} if names else set())
    assert land.run(inbox, data) == 0
    again = [line for line in capsys.readouterr().out.splitlines() if "no row of seed attribute_aliases" in line]
    assert len(again) == (len(names) if is_alone else 0)


def test_parts_of_usage_under_openais_names_are_read(tmp_path):
    details = {
        "gen_ai.usage.prompt_tokens_details.cached_tokens": 3,
        "gen_ai.usage.completion_tokens_details.reasoning_tokens": 2,
    }
    columns = "input_tokens, cache_read_tokens, reasoning_tokens, input_includes_cached"
    assert one(tmp_path, {**MODEL, **COUNTS, **details}, columns) == (9, 3, 2, True)


@pytest.mark.parametrize("stated", ["0", "-5", "", "99999999999999999999"])
def test_the_end_tells_the_day_of_a_span_whose_start_is_unreadable(inbox, data, stated):
    spans = [{**chat(1, 1), "startTimeUnixNano": stated}, chat(2, 1, at=86400)]
    (inbox / "spans.jsonl").write_text(batch(spans))
    assert land.run(inbox, data) == 0
    assert sorted(landed(data, what="started_at = ended_at, day")) == [
        (False, DAY.date() + timedelta(days=1)),
        (True, DAY.date()),
    ]
