"""Which spans are calls: a truth table of operation, model, usage and what is beneath, in one build of many traces."""

from itertools import count, product

import pytest
from conftest import run_build
from exports import batch, span

# Each span states 100 input and 10 output tokens, of a model that the price book has.
WHOLE, RESIDUAL, LESS, PART = (100, 10), (40, 4), (60, 6), (40, 4)
OPERATIONS = {"call": "chat", "wrapper": "invoke_agent", "unknown": "summon", "none": None}
BENEATH = {"nothing": [], "equal": [WHOLE], "sum": [LESS, PART], "less": [LESS]}
NO_USAGE = (0, 0)


def stating(operation: str | None, model: bool = True, usage: tuple[int, int] | None = WHOLE, **values) -> dict:
    stated = {"gen_ai__operation__name": operation} if operation else {}
    if model:
        stated |= {"gen_ai__provider__name": "openai", "gen_ai__request__model": "gpt-4o-mini"}
    if usage:
        stated |= {"gen_ai__usage__input_tokens": usage[0], "gen_ai__usage__output_tokens": usage[1]}
    return {**stated, **values}


def expected(kind: str, model: bool, usage: bool, beneath: str) -> tuple[list, int]:
    """(Calls as (input, output, is_residual), tokens that are listed as no call's), by the rules as written."""
    inner = [(*tokens, False) for tokens in BENEATH[beneath]]
    if kind == "call":
        if beneath == "nothing":
            return [(*(WHOLE if usage else NO_USAGE), False)], 0
        return ([(*WHOLE, False), *inner] if usage and beneath == "less" else inner), 0
    if not usage:
        return inner, 0
    if beneath == "less":
        return [*inner, (*RESIDUAL, True)], 0
    if beneath == "nothing":
        return ([(*WHOLE, False)], 0) if model and kind != "wrapper" else ([], sum(WHOLE))
    return inner, 0


# Beyond the table: (spans under the root as (number, parent, what it states), calls, tokens listed).
FURTHER = {
    "an unknown operation in another one is one call": (
        [(2, 1, stating("summon")), (3, 2, stating("beckon"))],
        [(*WHOLE, False)], 0,
    ),
    "unknown operations around a call, with a known wrapper between them": (
        [(2, 1, stating("summon")), (3, 2, stating("invoke_agent")), (4, 3, stating(None)), (5, 4, stating("chat"))],
        [(*WHOLE, False)], 0,
    ),
    "steps beneath it that state nothing make it no wrapper": (
        [(2, 1, stating("summon")), (3, 2, {"http__route": "/v1"}), (4, 3, stating("execute_tool", usage=None))],
        [(*WHOLE, False)], 0,
    ),
    "a report of one request: each span beneath has its response id, whatever it counts": (
        [(2, 1, stating("summon", usage=(130, 13), gen_ai__response__id="one")),
         (3, 2, stating("chat", gen_ai__response__id="one"))],
        [(*WHOLE, False)], 0,
    ),
    "an agent that states the id of its last call, and the sum of both": (
        [(2, 1, stating("summon", gen_ai__response__id="last")),
         (3, 2, stating("chat", usage=LESS, gen_ai__response__id="first")),
         (4, 2, stating("chat", usage=PART, gen_ai__response__id="last"))],
        [(*LESS, False), (*PART, False)], 0,
    ),
    "agents in agents with one run id, around a call with its own": (
        [(2, 1, stating("summon", gen_ai__response__id="run")), (3, 2, stating("beckon", gen_ai__response__id="run")),
         (4, 3, stating("chat", gen_ai__response__id="its own"))],
        [(*WHOLE, False)], 0,
    ),
    "a gateway and an SDK around an unknown operation are one call": (
        [(2, 1, stating("chat")), (3, 2, stating("summon")), (4, 3, stating("chat", gen_ai__response__id="g"))],
        [(*WHOLE, False)], 0,
    ),
    "a wrapper with nothing beneath that states what its siblings do": (
        [(2, 1, stating("invoke_agent")), (3, 1, stating("chat", usage=LESS)), (4, 1, stating("chat", usage=PART))],
        [(*LESS, False), (*PART, False)], 0,
    ),
    "a step of a call that repeats what the call states": (
        [(2, 1, stating("chat")), (3, 2, stating("stream", model=False))],
        [(*WHOLE, False)], 0,
    ),
    "a step of a call that states more": (
        [(2, 1, stating("chat")), (3, 2, stating("stream", model=False, usage=(101, 10)))],
        [(*WHOLE, False)], 111,
    ),
    "more input and less output than its call: no residual, but listed": (
        [(2, 1, stating("invoke_agent", usage=(130, 5))), (3, 2, stating("chat"))],
        [(*WHOLE, False)], 30,
    ),
    "usage of nothing is nothing": (
        [(2, 1, stating("invoke_agent", usage=NO_USAGE))],
        [], 0,
    ),
    "words in any case, of several conventions": (
        [(2, 1, stating(None, openinference__span__kind="AGENT")),
         (3, 2, stating(None, openinference__span__kind="LLM"))],
        [(*WHOLE, False)], 0,
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """{what a trace shows: (the calls and tokens that must come out, those that do)}, and the build."""
    folder = tmp_path_factory.mktemp("calls")
    (folder / "inbox").mkdir()
    (folder / "company").mkdir()
    traces = {}
    for kind, model, usage, beneath in product(OPERATIONS, (True, False), (True, False), BENEATH):
        outer = stating(OPERATIONS[kind], model, WHOLE if usage else None)
        spans = [(2, 1, outer)]
        spans += [(3 + place, 2, stating("chat", usage=tokens)) for place, tokens in enumerate(BENEATH[beneath])]
        traces[kind, model, usage, beneath] = (spans, *expected(kind, model, usage, beneath))
    traces |= FURTHER
    lines = []
    for trace, (name, (spans, _, _)) in zip(count(1), traces.items(), strict=False):
        root = span(trace, 1, None, 0)
        written = [span(trace, number, parent, number, **values) for number, parent, values in spans]
        lines.append(batch([root, *written], str(name)))
    (folder / "inbox" / "spans.jsonl").write_text("".join(lines))
    return {name: (calls, tokens) for name, (_, calls, tokens) in traces.items()}, run_build(
        folder / "inbox", folder / "data", folder / "company"
    )


def test_what_a_span_is_by_operation_model_usage_and_what_is_beneath(table):
    traces, built = table
    assert built.code == 0, built.output
    assert len(traces) == 64 + len(FURTHER)
    found = {str(name): ([], 0) for name in traces}
    for service, *call in built.rows(
        "select service_name, input_tokens, output_tokens, is_residual from marts.attributed_calls"
    ):
        found[service][0].append(tuple(call))
    for service, tokens in built.rows(
        "select service, sum(tokens)::bigint from marts.unexplained_usage_daily group by service"
    ):
        found[service] = (found[service][0], tokens)
    wrong = {
        name: (found[str(name)], (calls, tokens))
        for name, (calls, tokens) in traces.items()
        if (sorted(found[str(name)][0]), found[str(name)][1]) != (sorted(calls), tokens)
    }
    assert wrong == {}


def test_tokens_without_a_call_are_counted_by_operation_and_file(table):
    _, built = table
    rows = built.rows(
        "select seen_on::varchar, operation, reason, source_file, sum(spans)::bigint, sum(tokens)::bigint"
        " from marts.unexplained_usage_daily where service not like 'a %' and service not like 'more %'"
        " group by all order by all"
    )
    day, file = "2026-10-05", "spans.jsonl"
    assert rows == [
        (day, "invoke_agent", "not_a_call", file, 2, 220),
        (day, "summon", "not_a_call", file, 1, 110),
        (day, None, "not_a_call", file, 1, 110),
    ]
    operations = "operation invoke_agent 2, operation stream 1, operation summon 1, no operation 1"
    for words in (
        f"5 spans state tokens and are no call: {operations} (551 tokens in spans.jsonl); have the span state its",
        "1 span states more tokens in total than its counts or its calls make up: operation invoke_agent 1 (30 tokens",
    ):
        assert words in built.output


def test_what_comes_later_decides_about_what_came_before(tmp_path):
    """A call comes to lie beneath an unknown operation; an earlier one of its conversation explains a rest."""
    inbox, company = tmp_path / "inbox", tmp_path / "company"
    inbox.mkdir()
    company.mkdir()
    query = "select trace_id, input_tokens, output_tokens, is_residual from marts.attributed_calls order by all"
    summed = {"usage": (120, 12), "session__id": "talk"}
    first = [
        span(1, 1, None, 0), span(1, 2, 1, 1, **stating("summon")),
        span(2, 1, None, 9), span(2, 2, 1, 10, **stating("summon", **summed)),
        span(2, 3, 2, 11, **stating("chat", usage=(20, 2))),
    ]  # fmt: skip
    (inbox / "first.jsonl").write_text(batch(first))
    built = run_build(inbox, tmp_path / "data", company)
    assert built.code == 0, built.output
    one, two, three = (f"{trace:032x}" for trace in (1, 2, 3))
    assert built.rows(query) == [(one, *WHOLE, False), (two, 20, 2, False), (two, *WHOLE, True)]
    second = [
        span(1, 3, 2, 2, **stating("chat", usage=LESS)),
        span(3, 1, None, 3, **stating("chat", session__id="talk")),
    ]
    (inbox / "second.jsonl").write_text(batch(second))
    built = run_build(inbox, tmp_path / "data", company)
    assert built.code == 0, built.output
    assert "on, from 1 new files" in built.output
    assert built.rows(query) == [
        (one, *RESIDUAL, True), (one, *LESS, False), (two, 20, 2, False), (three, *WHOLE, False)
    ]  # fmt: skip
