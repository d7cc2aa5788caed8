"""How many spans a landed span stands for (its adjusted count), from each way in which samplers write it down."""

import io
import json
from decimal import Decimal
from fractions import Fraction

import duckdb
import pyarrow as pa
import pytest
from exports import attributes, batch, span
from formats import FORMATS, Span, write
from hypothesis import example, given
from hypothesis import strategies as st
from landings import inline
from test_odd_rows import read_files

import build
import land
from landing import sampling
from landing.engine import engine_for
from landing.spans import SEED, Aliases
from landing.tables import TABLES

LATER = ("adjusted_count", "is_tail_sampled")
ENGINE = engine_for("secret")
DIGITS = st.text("0123456789abcdefABCDEF", min_size=1, max_size=14)
RV = "9b8233f7e3a151"


def landed(data, what: str = "span_id, adjusted_count, is_tail_sampled", table: str = "spans") -> list[tuple]:
    files = f"read_parquet('{data}/landed/{table}/*/*.parquet', union_by_name = true, hive_partitioning = false)"
    return duckdb.sql(f"select {what} from {files} order by all").fetchall()


def read(tmp_path, lines: list[str], name: str = "spans.jsonl") -> tuple[list[tuple], dict[int, str]]:
    """(adjusted count, whether tail-sampled) of each line's span, and reasons by line."""
    path = tmp_path / name
    path.write_text("".join(line.rstrip("\n") + "\n" for line in lines))
    spans, rejects = read_files(tmp_path / "staging", [path])
    rows = [spans[name, number] for number, _ in enumerate(lines, 1)]
    return [(row["adjusted_count"], row["is_tail_sampled"]) for row in rows], {
        line: reason for (_, line), reason in rejects.items()
    }


def in_otlp(number: int, said: dict, state: str | None = None) -> str:
    one = {**span(1, number), "attributes": attributes({"app.feature": "draft", **said})}
    return batch([one | ({} if state is None else {"traceState": state})])


def exact(count: Fraction) -> Decimal | None:
    """Rounded half up to six decimals, below a million."""
    millionths = (count * 10**6 + Fraction(1, 2)).__floor__()
    return Decimal(millionths).scaleb(-6) if millionths < 10**12 else None


def of_state(state: str) -> Decimal | None:
    query = "select coalesce(adjusted_of_threshold(state_threshold(s)), adjusted_of_exponent(state_value(s, 'p')))"
    return ENGINE.execute(f"{query} from (select ? as s)", [state]).fetchone()[0]


@given(DIGITS)
@example("0")
@example("f" * 10)
@example("f" * 14)
def test_a_threshold_is_the_inverse_of_a_probability(digits):
    """By the specification: digits padded to 14, of 2^56, however the trace state is written."""
    threshold = int(digits.ljust(14, "0"), 16)
    expected = exact(Fraction(2**56, 2**56 - threshold))
    assert of_state(f"ot=th:{digits}") == expected
    assert expected is None or expected >= 1
    for state in (
        f"vendor=a:b,ot=rv:{RV};th:{digits}", f" ot = th:{digits} , other=1", f"['ot=th:{digits}']",
        f"['{{key=es, value=s:1}}', '{{key=ot, value=rv:{RV};th:{digits}}}']", json.dumps({"ot": f"th:{digits}"}),
    ):  # fmt: skip
        assert of_state(state) == expected, state


@given(st.integers(0, 63))
def test_an_exponent_is_a_power_of_two(exponent):
    assert of_state(f"ot=p:{exponent};r:63") == (exact(Fraction(2**exponent)) if exponent < 63 else None)


@given(st.decimals("1e-12", 1, places=12))
def test_a_probability_is_inverted_exactly(probability):
    stated = f"{probability:f}"
    found = ENGINE.execute("select adjusted_of(probability_of(?))", [stated]).fetchone()[0]
    assert found == exact(1 / Fraction(probability))


# What systems write, and what a span then stands for; None where nothing is said. Nothing of it is a fault.
TRUTHS: list[tuple[dict, str | None, str | None]] = [
    ({}, None, None),
    ({}, "", None),
    ({}, "ot=th:0", "1"),
    ({}, "ot=th:8", "2"),
    ({}, "ot=th:c", "4"),
    ({}, "ot=th:C;rv:9b8233f7e3a151", "4"),
    ({}, "ot=th:fd70a4", "100.000095"),
    ({}, "dd=s:1;t.dm:-4,ot=rv:9b8233f7e3a151;th:e666 ,es=s:0.1", "9.999390"),
    ({}, "ot=p:4;r:6", "16"),
    ({}, "ot=p:63", None),
    ({}, "ot=rv:9b8233f7e3a151", None),
    ({}, "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE", None),
    ({}, "foot=th:c", None),
    ({"w3c.tracestate": "ot=th:c"}, None, "4"),
    ({"trace.trace_state": "ot=th:8"}, None, "2"),
    ({"sampling.threshold": "c"}, None, "4"),
    # sampling.priority is a wish, and asked last; not above 0 it says nothing.
    ({"sampling.priority": 1}, None, "1"),
    ({"sampling.priority": 0}, None, None),
    ({"sampling.priority": -1}, None, None),
    ({"sampling.priority": 1}, "ot=th:c", "4"),
    ({"sampling.priority": 1, "_dd.rule_psr": 0.5}, None, "2"),
    # Honeycomb
    ({"SampleRate": 10}, None, "10"),
    ({"sampleRate": "7"}, None, "7"),
    ({"sampleRate": 3, "SampleRate": 3}, "ot=th:aaaa", "3"),
    ({"meta.refinery.original_sample_rate": 2, "meta.refinery.final_sample_rate": 20}, None, "20"),
    # Datadog: a rule's rate times its limiter's; an agent's rate in the rule's place; a sampler before them
    ({"_dd.rule_psr": 0.5, "_dd.limit_psr": 0.5}, None, "4"),
    ({"_dd.agent_psr": 0.2}, None, "5"),
    ({"_dd.rule_psr": 0.5, "_dd.agent_psr": 0.2, "_dd.p.ksr": "0.5"}, None, "2"),
    ({"_dd.p.ksr": "0.25"}, None, "4"),
    ({"_sample_rate": 0.5}, None, "2"),
    ({"_sample_rate": 0.5, "_dd.rule_psr": 0.1}, None, "20"),
    ({"_dd.prob_sr": 0.4, "_dd.rule_psr": 0.1}, None, "2.5"),
    ({"_dd1.sr.eausr": 0.5}, None, None),
    ({"_dd.rule_psr": 0.5, "_sampling_priority_v1": 2}, None, "2"),
    ({"_dd.rule_psr": 0.5, "_sampling_priority_v1": -1}, None, None),
    ({"_dd.rule_psr": 0.5, "_dd.span_sampling.mechanism": 8, "_dd.span_sampling.rule_rate": 0.1}, None, None),
    # Sentry
    ({"sentry.sample_rate": 0.25}, None, "4"),
    ({"sentry.client_sample_rate": 0.5, "sentry.server_sample_rate": 0.1}, None, "20"),
    ({"client_sample_rate": 0.3, "server_sample_rate": 0.3}, None, "11.111111"),
    ({"sentry.server_sample_rate": 0.1}, None, "10"),
    # Azure Monitor's SDKs, in per cent; Logfire
    ({"microsoft.sample_rate": 12.5}, None, "8"),
    ({"logfire.sample_rate": 0.1}, None, "10"),
    # Jaeger
    ({"sampler.type": "probabilistic", "sampler.param": 0.001}, None, "1000"),
    ({"sampler.type": "const", "sampler.param": True}, None, "1"),
    ({"sampler.type": "const", "sampler.param": False}, None, None),
    ({"sampler.type": "ratelimiting", "sampler.param": 2}, None, None),
    ({"sampler.type": "lowerbound", "sampler.param": 0.1}, None, None),
    ({"sampler.type": "remote", "sampler.param": 1}, None, None),
    ({"sampler.param": 0.5}, None, None),
    # The store first, then the threshold, then what an SDK noted.
    ({"SampleRate": 10, "sampler.type": "const", "sampler.param": 1}, "ot=th:c", "10"),
    ({"sampler.type": "probabilistic", "sampler.param": 0.5}, "ot=th:c", "4"),
    ({"sentry.sample_rate": 0.5, "_dd.rule_psr": 0.1}, None, "2"),
    # Nobody's sampler
    ({"itemCount": 12, "sample_rate": 16000, "gen_ai.request.top_p": 0.5}, None, None),
]  # fmt: skip


def test_what_each_system_writes(tmp_path):
    found, rejected = read(tmp_path, [in_otlp(number, *said) for number, (*said, _) in enumerate(TRUTHS, 1)])
    expected = [(None if count is None else Decimal(count), None) for *_, count in TRUTHS]
    assert [one for one in zip(TRUTHS, found, strict=True) if one[1] != expected[TRUTHS.index(one[0])]] == []
    assert rejected == {}


def test_each_alone_says_the_same(tmp_path):
    """In a file of its own: the query is made of the attributes that occur."""
    for number, (said, state, count) in enumerate(TRUTHS):
        folder = tmp_path / str(number)
        folder.mkdir()
        [(found, _)], rejected = read(folder, [in_otlp(1, said, state)])
        assert (found, rejected) == (None if count is None else Decimal(count), {}), (said, state)


FAULTS: list[tuple[dict, str | None, str]] = [
    ({}, "ot=th:000000000000000", "trace state: '000000000000000' is no threshold; it has 1 to 14 hex digits"),
    ({}, "ot=th:xyz", "th of the trace state: text of 3 characters is no threshold"),
    ({}, "ot=th:", "is no threshold"),
    ({}, "ot=th:ffffffffffffff", "says that a span stands for a million or more; correct the sampler"),
    ({}, "ot=p:64", "p of the trace state: '64' is not 0 to 63"),
    ({}, "ot=p:x", "is not 0 to 63"),
    ({}, "ot=p:62", "stands for a million or more"),
    ({"sampling.threshold": "q"}, None, "sampling.threshold: text of 1 character is no threshold"),
    ({"SampleRate": 0}, None, "SampleRate: '0' is below 1, but a span stands for itself at least"),
    ({"SampleRate": -1}, None, "SampleRate: '-1' is below 1"),
    ({"sampleRate": "every tenth"}, None, "sampleRate: text of 11 characters is not a number"),
    ({"sampleRate": 24000}, None, "sampleRate: '24000' may be a rate of sound"),
    ({"_dd.rule_psr": 0}, None, "_dd.rule_psr: '0' is not above 0 and at most 1, as a probability is"),
    ({"_dd.agent_psr": 2}, None, "_dd.agent_psr: '2' is not above 0 and at most 1"),
    ({"_dd.limit_psr": -1}, None, "_dd.limit_psr: '-1' is not above 0"),
    ({"_sample_rate": float("nan")}, None, "_sample_rate: 'NaN' is not a number"),
    ({"sentry.sample_rate": 2}, None, "sentry.sample_rate: '2' is not above 0 and at most 1"),
    ({"logfire.sample_rate": "NaN"}, None, "logfire.sample_rate: 'NaN' is not a number"),
    ({"logfire.sample_rate": "1e-15"}, None, "stands for a million or more"),
    ({"microsoft.sample_rate": 120}, None, "microsoft.sample_rate: '120' is not above 0 and at most 100"),
    ({"sampler.type": "probabilistic", "sampler.param": "half"}, None, "sampler.param: text of 4 characters is not"),
    ({"sampling.priority": "high"}, None, "sampling.priority: text of 4 characters is not a number"),
]  # fmt: skip


def test_what_cannot_be_read_is_named_and_the_span_stays(tmp_path):
    found, rejected = read(tmp_path, [in_otlp(number, *said) for number, (*said, _) in enumerate(FAULTS, 1)])
    assert found == [(None, None)] * len(FAULTS)
    for line, (*said, reason) in enumerate(FAULTS, 1):
        assert reason in rejected[line], (said, rejected[line])
        assert rejected[line].endswith("; left out, the span stays")
    assert not any(text in reason for reason in rejected.values() for text in ("xyz", "half", "high", "every tenth"))


def test_a_value_that_cannot_be_read_gives_way_to_another_and_is_named(tmp_path):
    found, rejected = read(tmp_path, [in_otlp(1, {"SampleRate": 0}, "ot=th:c")])
    assert found == [(Decimal(4), None)]
    assert "SampleRate: '0' is below 1" in rejected[1]


TAIL = {"tailsampling.policy": "errors", "tailsampling.cached_decision": True, "tailsampling.composite_policy": "a"}


@pytest.mark.parametrize("mark", TAIL)
def test_a_tail_sampler_is_known_by_its_marks(tmp_path, mark):
    """In the attributes of the scope, where the Collector writes them, or of the span, where stores put these."""
    scoped = json.loads(in_otlp(1, {}, "ot=th:8"))
    scoped["resourceSpans"][0]["scopeSpans"][0]["scope"] = {"name": "s", "attributes": attributes({mark: TAIL[mark]})}
    flat = in_otlp(2, {mark: TAIL[mark]})
    plain = json.loads(in_otlp(4, {}))
    plain["resourceSpans"][0]["scopeSpans"][0]["scope"] = {"name": "s", "attributes": attributes({"a": 1})}
    lines = [json.dumps(scoped), flat, in_otlp(3, {"tailsampling.cached_decision": False}), json.dumps(plain)]
    found, rejected = read(tmp_path, lines)
    assert found == [(Decimal(2), True), (None, True), (None, None), (None, None)]
    assert rejected == {}


def test_a_scope_of_another_shape_keeps_its_mark(tmp_path):
    """Attributes as a plain object, of the span and of the scope."""
    one = {**bare(1), "attributes": {"app.feature": "draft"}, "traceState": "ot=th:c"}
    scoped = {"scope": {"name": "s", "attributes": {"tailsampling.policy": "errors"}}, "spans": [one]}
    assert read(tmp_path, [json.dumps({"resourceSpans": [{"scopeSpans": [scoped]}]})]) == ([(Decimal(4), True)], {})


def test_datadogs_agent_rescues_errors(tmp_path):
    assert read(tmp_path, [in_otlp(1, {"_dd.errors_sr": 1, "_dd.rule_psr": 0.1})])[0] == [(None, True)]


def protobuf(batches: list[str]) -> bytes:
    from google.protobuf.json_format import ParseDict
    from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

    framed = io.BytesIO()
    for line in batches:
        message = ParseDict(json.loads(line), TracesData()).SerializeToString()
        framed.write(len(message).to_bytes(4, "big") + message)
    return framed.getvalue()


def test_protobuf_says_the_same(tmp_path):
    one = json.loads(in_otlp(1, {"SampleRate": 4}))
    two = json.loads(in_otlp(2, {}, "ot=th:c"))
    two["resourceSpans"][0]["scopeSpans"][0]["scope"] = {"name": "s", "attributes": attributes(TAIL)}
    for held in (one, two):
        for name in ("traceId", "spanId", "parentSpanId"):
            held["resourceSpans"][0]["scopeSpans"][0]["spans"][0].pop(name)
    path = tmp_path / "spans.pb"
    path.write_bytes(protobuf([json.dumps(one), json.dumps(two)]))
    spans, rejects = read_files(tmp_path / "staging", [path])
    found = [(row["adjusted_count"], row["is_tail_sampled"]) for _, row in sorted(spans.items())]
    assert (found, rejects) == ([(Decimal(4), None), (Decimal(4), True)], {})


ONE = Span(b"\1" * 16, b"\2" * 8, None, "chat", 1_791_190_800_000_000, 10, False, "svc", {"gen_ai.request.model": "m"})
TIME = "2026-10-05T09:00:00Z"


def bare(number: int) -> dict:
    return {**span(1, number), "attributes": attributes({"gen_ai.request.model": "m"})}


# Each format with a place of its own for the trace state or the rate: a record, and what its span stands for.
PLACES: dict[str, tuple[dict, str]] = {
    "tempo": ({"batches": [json.loads(batch([bare(1) | {"traceState": "ot=th:c"}]))["resourceSpans"][0]]}, "4"),
    "bare otlp span": (bare(1) | {"traceState": "ot=th:c"}, "4"),
    "otlp of another shape": (
        {"resourceSpans": {"scopeSpans": {"spans": bare(1) | {"traceState": "ot=th:c", "attributes": {"a": "b"}}}}},
        "4",
    ),
    "python's console": (
        {"name": "chat", "context": {"trace_id": "0x" + "1" * 32, "span_id": "0x" + "2" * 16,
         "trace_state": "['{key=ot, value=th:c}']"}, "parent_id": None, "start_time": TIME, "end_time": TIME,
         "attributes": {"gen_ai.request.model": "m"}, "resource": {"attributes": {"service.name": "svc"}}},
        "4",
    ),
    "python's console without a state": (
        {"name": "chat", "context": {"trace_id": "0x" + "1" * 32, "span_id": "0x" + "2" * 16, "trace_state": "[]"},
         "parent_id": None, "start_time": TIME, "end_time": TIME, "attributes": {"gen_ai.request.model": "m"}},
        "",
    ),
    "javascript": (
        {"name": "chat", "traceId": "1" * 32, "id": "2" * 16, "traceState": "ot=th:8",
         "timestamp": 1_791_190_800_000_000, "duration": 10, "kind": 0, "status": {"code": 0},
         "attributes": {"gen_ai.request.model": "m"},
         "instrumentationScope": {"name": "s"}, "resource": {"attributes": {"service.name": "svc"}}},
        "2",
    ),
    "zipkin": (
        {"traceId": "1" * 32, "id": "2" * 16, "name": "chat", "timestamp": 1_791_190_800_000_000, "duration": 10,
         "localEndpoint": {"serviceName": "svc"}, "tags": {"w3c.tracestate": "ot=th:c", "gen_ai.request.model": "m"}},
        "4",
    ),
    "jaeger": (
        {"data": [{"traceID": "1" * 32, "spans": [
            {"traceID": "1" * 32, "spanID": "2" * 16, "operationName": "chat", "references": [], "processID": "p1",
             "startTime": 1_791_190_800_000_000, "duration": 10,
             "tags": [{"key": "sampler.type", "type": "string", "value": "probabilistic"},
                      {"key": "sampler.param", "type": "float64", "value": 0.1}]}
        ], "processes": {"p1": {"serviceName": "svc", "tags": []}}}]},
        "10",
    ),
    "clickhouse": (
        {"Timestamp": "2026-10-05 09:00:00.000000000", "TraceId": "1" * 32, "SpanId": "2" * 16, "ParentSpanId": "",
         "TraceState": "ot=th:c", "SpanName": "chat", "ServiceName": "svc", "Duration": 1000, "StatusCode": "Ok",
         "SpanAttributes": {"gen_ai.request.model": "m"}, "ResourceAttributes": {}},
        "4",
    ),
    "cloudwatch": (
        {"resource": {"attributes": {"service.name": "svc"}}, "scope": {"name": "s"}, "traceId": "1" * 32,
         "spanId": "2" * 16, "traceState": "ot=th:c", "name": "chat", "kind": "CLIENT",
         "startTimeUnixNano": 1_791_190_800_000_000_000, "endTimeUnixNano": 1_791_190_801_000_000_000,
         "attributes": {"gen_ai.request.model": "m"}, "status": {"code": "UNSET"}},
        "4",
    ),
    "honeycomb, a column": (
        {"Timestamp": TIME, "trace.trace_id": "1" * 32, "trace.span_id": "2" * 16, "name": "chat", "duration_ms": 10,
         "service.name": "svc", "SampleRate": 20, "gen_ai.request.model": "m"},
        "20",
    ),
    "honeycomb, a batch of the events API": (
        {"time": TIME, "samplerate": 20, "data": {"trace.trace_id": "1" * 32, "trace.span_id": "2" * 16,
         "name": "chat", "duration_ms": 10, "service.name": "svc", "gen_ai.request.model": "m"}},
        "20",
    ),
    "honeycomb, the trace state": (
        {"Timestamp": TIME, "trace.trace_id": "1" * 32, "trace.span_id": "2" * 16, "name": "chat", "duration_ms": 10,
         "service.name": "svc", "trace.trace_state": "ot=th:c", "gen_ai.request.model": "m"},
        "4",
    ),
    "application insights": (
        {"timestamp": TIME, "id": "2" * 16, "name": "chat", "duration": 10, "itemType": "dependency", "itemCount": 8,
         "operation_Id": "1" * 32, "cloud_RoleName": "svc",
         "customDimensions": '{"gen_ai.request.model": "m", "microsoft.sample_rate": "12.5"}'},
        "8",
    ),
    "log analytics": (
        {"TimeGenerated": TIME, "Id": "2" * 16, "Name": "chat", "DurationMs": 10, "Type": "AppDependencies",
         "ItemCount": 3, "OperationId": "1" * 32, "AppRoleName": "svc", "Properties": '{"gen_ai.request.model": "m"}'},
        "3",
    ),
    "datadog llm observability": (
        {"spans": [{"trace_id": "1" * 32, "span_id": "2" * 16, "parent_id": "undefined", "name": "chat",
         "start_ns": 1_791_190_800_000_000_000, "duration": 10, "ml_app": "svc", "meta": {"span.kind": "llm"},
         "metrics": {"input_tokens": 1, "output_tokens": 1}, "_dd": {"sample_rate": "0.25"}}]},
        "4",
    ),
    "datadog's rates among the metrics": (
        {"spans": [{"trace_id": "1" * 32, "span_id": "2" * 16, "parent_id": "undefined", "name": "chat",
         "start_ns": 1_791_190_800_000_000_000, "duration": 10, "ml_app": "svc", "meta": {"span.kind": "llm"},
         "metrics": {"input_tokens": 1, "output_tokens": 1, "_dd.rule_psr": 0.5, "_dd.limit_psr": 0.5}}]},
        "4",
    ),
}  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
def test_each_format_has_its_place(tmp_path, place):
    record, count = PLACES[place]
    found, rejected = read(tmp_path, [json.dumps(record)], "export.json")
    assert (found, rejected) == ([(Decimal(count) if count else None, None)], {})


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.__name__)
def test_an_attribute_says_it_in_every_format(tmp_path, form):
    """Wherever a format keeps attributes; of the two copies of the console exporter that of the span's end has them."""
    said = {"gen_ai.request.model": "m", "w3c.tracestate": "ot=th:c", "tailsampling.policy": "errors"}
    path = write(tmp_path, [ONE._replace(attributes=said)], form)
    spans, _ = read_files(tmp_path / "staging", [path])
    found = [(row["adjusted_count"], row["is_tail_sampled"]) for row in spans.values() if row["model"]]
    assert found == [(Decimal(4), True)]


def test_a_log_record_of_a_coding_agent_has_its_threshold(tmp_path):
    """The Collector's sampler of logs writes it as an attribute."""
    record = {
        "timeUnixNano": "1791190800000000000",
        "attributes": attributes(
            {"event.name": "claude_code.api_request", "model": "m", "input_tokens": 1, "output_tokens": 1,
             "sampling.threshold": "c", "sampling.randomness": "e05a99c8df8d32"}
        ),
    }  # fmt: skip
    line = json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]})
    assert read(tmp_path, [line]) == ([(Decimal(4), None)], {})


def test_systems_that_differ_are_counted_and_named(tmp_path, monkeypatch, capsys):
    """What rounding explains is no difference, nor is a wish."""
    inline(monkeypatch)
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    said = [
        ({"sampling.priority": 1}, "ot=th:c"),
        ({"SampleRate": 100}, "ot=th:fd71"),
        ({"SampleRate": 3}, "ot=th:999999"),
        ({"SampleRate": 10}, "ot=th:c"),
        ({"SampleRate": 10}, "ot=th:8"),
        ({"sampler.type": "const", "sampler.param": 1}, "ot=th:c"),
    ]
    (inbox / "spans.jsonl").write_text("".join(in_otlp(number, *one) for number, one in enumerate(said, 1)))
    assert land.run(inbox, tmp_path / "data") == 0
    lines = [line.strip() for line in capsys.readouterr().out.splitlines() if "another by" in line]
    assert lines == [
        "WARNING: 2 spans of spans.jsonl (first in line 4) state one adjusted count by Honeycomb's sample rate, which "
        "counts, and another by the trace state: take the attribute away that is not so",
        "WARNING: 1 span of spans.jsonl (first in line 6) states one adjusted count by the trace state, which counts, "
        "and another by sampler.param: take the attribute away that is not so",
    ]
    assert [count for _, count, _ in landed(tmp_path / "data")] == [4, 100, 3, 10, 10, 4]


def test_the_summary_says_what_sampled_spans_stand_for(tmp_path, monkeypatch):
    inline(monkeypatch)
    inbox, data = tmp_path / "inbox", tmp_path / "data"
    inbox.mkdir()
    lines = [in_otlp(1, {}, "ot=th:c"), in_otlp(2, {}, "ot=th:0"), in_otlp(3, {}), in_otlp(4, {"SampleRate": 10})]
    (inbox / "spans.jsonl").write_text("".join(lines) + in_otlp(5, {"tailsampling.policy": "errors"}))
    assert land.run(inbox, data) == 0
    with duckdb.connect() as engine:
        assert build.sampled(engine, data) == [
            "2 of 5 spans state an adjusted count above 1 and stand for 14: their traces are sampled",
            "1 of 5 spans was kept by a tail sampler that states no count: not scaled",
        ]
        (inbox / "spans.jsonl").write_text(in_otlp(3, {}))
        assert land.run(inbox, tmp_path / "other") == 0
        assert build.sampled(engine, tmp_path / "other") == []


def test_every_system_of_the_seed_has_a_formula():
    aliases = Aliases(SEED, (), ()).sampling
    assert (
        {alias.convention for alias in aliases["adjusted_count"]} == set(sampling.STATED_BY) == set(sampling.FORMULAS)
    )


def test_spans_that_landed_before_there_were_counts_stay(tmp_path, monkeypatch):
    """Neither a better copy of one of them nor a merge of a day's small files needs columns that they do not have."""
    inline(monkeypatch)
    inbox, data = tmp_path / "inbox", tmp_path / "data"
    inbox.mkdir()
    older = pa.schema([field for field in TABLES["spans"] if field.name not in LATER])
    with monkeypatch.context() as patch:
        patch.setitem(TABLES, "spans", older)
        (inbox / "old.jsonl").write_text(batch([span(1, 1), span(1, 2)]))
        assert land.run(inbox, data) == 0
    for number in range(3, 9):
        (inbox / f"new-{number}.jsonl").write_text(batch([span(1, number), span(1, 1, input=1, copy=2)]))
        assert land.run(inbox, data) == 0
    assert [span_id for span_id, *_ in landed(data)] == [f"{number:016x}" for number in range(1, 9)]
    assert landed(data, "distinct adjusted_count, is_tail_sampled") == [(None, None)]
