"""Usage that stands only in a span's own events, in each format that has events."""

import json
import re

import duckdb
import pytest
from evals import SECRET
from exports import attributes, batch, nanoseconds, span

import land
from landing import work

COUNTS = {"gen_ai.usage.input_tokens": 1000, "gen_ai.usage.output_tokens": 100}
DETAILS = "gen_ai.client.inference.operation.details"
ASKED = {"gen_ai.request.model": "gpt-4o", "gen_ai.input.messages": SECRET, **COUNTS}
CODEX = {
    "event.name": "codex.sse_event", "event.kind": "response.completed", "conversation.id": "c1", "model": "gpt-5",
    "input_token_count": 12000, "cached_token_count": 8000, "output_token_count": 900, "reasoning_token_count": 500,
    "cache_write_token_count": 70, "tool_token_count": 12900,
}  # fmt: skip
COLUMNS = "model, response_id, session_id, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens"


def used(inputs: int, outputs: int, **values) -> dict:
    told = {"gen_ai.usage.input_tokens": inputs, "gen_ai.usage.output_tokens": outputs}
    return {**told, **{name.replace("__", "."): value for name, value in values.items()}}


OWN = {"gen_ai__operation__name": "chat", "gen_ai__request__model": "gpt-4o-mini"}
TOLD = {
    # The span's own words, its events -> the row that lands.
    "one event": ({}, [(DETAILS, ASKED)], ("gpt-4o", None, None, 1000, 100, None, None)),
    "another's model": (OWN, [(DETAILS, ASKED)], ("gpt-4o-mini", None, None, 1000, 100, None, None)),
    "the span's own counts": (
        {**OWN, "gen_ai__usage__output_tokens": 7}, [(DETAILS, ASKED)],
        ("gpt-4o-mini", None, None, None, 7, None, None),
    ),
    "zeros of the span's own": (
        {**OWN, "gen_ai__usage__input_tokens": 0, "llm__usage__completion_tokens": 0}, [(DETAILS, ASKED)],
        ("gpt-4o-mini", None, None, 1000, 100, None, None),
    ),
    "two requests": (
        OWN, [(DETAILS, used(10, 2)), ("exception", {"message": SECRET}), (DETAILS, used(10, 3))],
        ("gpt-4o-mini", None, None, 20, 5, None, None),
    ),
    "one answer twice": (
        OWN, [(DETAILS, used(10, 2, gen_ai__response__id="r")), (DETAILS, used(10, 2, gen_ai__response__id="r"))],
        ("gpt-4o-mini", "r", None, 10, 2, None, None),
    ),
    "two answers": (
        OWN, [("usage", used(10, 2, gen_ai__response__id="r")), ("usage", used(10, 2, gen_ai__response__id="s"))],
        ("gpt-4o-mini", None, None, 20, 4, None, None),
    ),
    "a stream that counts up": (
        OWN, [("chunk", used(10, 1)), ("chunk", {"gen_ai.usage.output_tokens": 5}), ("chunk", used(10, 9))],
        ("gpt-4o-mini", None, None, 10, 9, None, None),
    ),
    "streams one after the other": (
        OWN, [("chunk", used(10, 1)), ("chunk", used(10, 9)), ("chunk", used(30, 2)), ("chunk", used(30, 4))],
        ("gpt-4o-mini", None, None, 40, 13, None, None),
    ),
    "Codex": ({}, [("event otel.rs", CODEX)], ("gpt-5", None, "c1", 12000, 900, 8000, 70)),
    "Codex before the answer": (
        OWN, [("event otel.rs", CODEX | {"event.kind": "response.created"})],
        ("gpt-4o-mini", None, None, None, None, None, None),
    ),
    "words about tokens": (
        OWN, [("gen_ai.choice", {"gen_ai.event.content": '{"tokens": 5, "text": "token"}', "gen_ai.max_tokens": 5})],
        ("gpt-4o-mini", None, None, None, None, None, None),
    ),
}  # fmt: skip


def landed(tmp_path, text: str, name: str = "spans.jsonl") -> list[tuple]:
    (tmp_path / "inbox").mkdir()
    (tmp_path / "inbox" / name).write_text(text)
    assert land.run(tmp_path / "inbox", tmp_path / "data") == 0
    files = f"read_parquet('{tmp_path}/data/landed/spans/*/*.parquet')"
    assert SECRET not in str(duckdb.sql(f"select * from {files}").fetchall())
    return duckdb.sql(f"select {COLUMNS} from {files} order by trace_id").fetchall()


def events_of(events: list[tuple[str, dict]]) -> list[dict]:
    return [{"timeUnixNano": nanoseconds(1), "name": name, "attributes": attributes(said)} for name, said in events]


def test_events_tell_the_usage_of_a_span_that_states_none(tmp_path, capsys):
    spans = [
        {**span(number, 1, **own), "events": events_of(events)}
        for number, (own, events, _) in enumerate(TOLD.values(), 1)
    ]
    rows = landed(tmp_path, "".join(batch([one]) for one in spans))
    assert dict(zip(TOLD, rows, strict=True)) == {name: expected for name, (*_, expected) in TOLD.items()}
    # What Codex says before the answer is no answer, whatever it counts.
    assert "1 span of spans.jsonl" in capsys.readouterr().out


@pytest.mark.parametrize("is_cut", [False, True])
def test_events_are_found_wherever_they_begin_and_however_they_are_spaced(tmp_path, monkeypatch, is_cut):
    """Records without lists, links and events have their own reader, which no later record may share."""
    monkeypatch.setattr(work, "PORTION_BYTES", 1 if is_cut else work.PORTION_BYTES)
    has_some = {**span(9, 1, **OWN), "events": events_of([(DETAILS, ASKED)])}
    none = [batch([{**span(number, 1, **OWN), **more}]) for number, more in ((1, {}), (2, {"events": []}))]
    texts = []
    for number, spaced in enumerate(('"events":[{', '"events" : [ {', '"events"\t:\t[\t{', '"events":  [{'), 3):
        one = batch([{**has_some, "traceId": f"{number:032x}"}])
        texts.append(re.sub(r'"events": ?\[\{', spaced, one))
        assert spaced in texts[-1]
    rows = landed(tmp_path, "".join([*none, *texts]))
    assert [row[3:5] for row in rows] == [(None, None)] * 2 + [(1000, 100)] * len(texts)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"acme.prompt_tokens": 5}, "WARNING"),
        ({"acme.prompt_tokens": 5, "gen_ai.usage.output_tokens": 7}, "WARNING"),
        ({"acme.cached_tokens": 5, **COUNTS}, "note"),
        ({"acme.max_tokens": 5}, None),
    ],
)
def test_counts_in_events_that_nobody_reads_are_named(tmp_path, capsys, said, told):
    landed(tmp_path, batch([{**span(1, 1, **OWN), "events": events_of([("acme", said)])}]))
    lines = [line for line in capsys.readouterr().out.splitlines() if "no row of seed attribute_aliases" in line]
    assert len(lines) == bool(told)
    assert all(("WARNING" in line) == (told == "WARNING") and "'acme." in line for line in lines)


def test_events_are_read_in_every_format_that_has_some(tmp_path):
    tags = [{"key": name, "type": "string", "value": value} for name, value in ASKED.items()]
    at = int(nanoseconds(0)) // 1000
    jaeger = {"traceID": f"{1:032x}", "spanID": f"{1:016x}", "operationName": "s", "startTime": at, "duration": 5,
              "processID": "p1", "tags": [],
              "logs": [{"timestamp": at, "fields": [{"key": "event", "type": "string", "value": DETAILS}, *tags]}],
              }  # fmt: skip
    annotations = [{"timestamp": at, "value": "sent"}, {"timestamp": at, "value": f'"{DETAILS}": {json.dumps(ASKED)}'}]
    zipkin = {"traceId": f"{2:032x}", "id": f"{1:016x}", "name": "s", "timestamp": at, "duration": 5,
              "tags": {"a": "b"}, "localEndpoint": {"serviceName": "svc"}, "annotations": annotations}  # fmt: skip
    javascript = {"name": "s", "kind": 2, "traceId": f"{3:032x}", "id": f"{1:016x}", "timestamp": at, "duration": 5,
                  "attributes": {"a": "b"}, "status": {"code": 0}, "links": [], "resource": {"attributes": {}},
                  "instrumentationScope": {"name": "x"},
                  "events": [{"name": DETAILS, "attributes": ASKED, "time": [1, 2]}]}  # fmt: skip
    (tmp_path / "inbox").mkdir()
    processes = {"p1": {"serviceName": "svc", "tags": []}}
    traces = {"data": [{"traceID": f"{1:032x}", "spans": [jaeger], "processes": processes}]}
    texts = {"jaeger": traces, "zipkin": [zipkin], "javascript": javascript}
    for name, held in texts.items():
        (tmp_path / "inbox" / f"{name}.json").write_text(json.dumps(held))
    assert land.run(tmp_path / "inbox", tmp_path / "data") == 0
    files = f"read_parquet('{tmp_path}/data/landed/spans/*/*.parquet')"
    rows = duckdb.sql(f"select format, model, input_tokens, output_tokens from {files} order by 1").fetchall()
    assert rows == [(name, "gpt-4o", 1000, 100) for name in sorted(texts)]
    assert SECRET not in str(duckdb.sql(f"select * from {files}").fetchall())
