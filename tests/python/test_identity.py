"""Which spans are one call: a truth table of pairs, and the ways in which ids, names and copies mislead."""

import json
from itertools import count, groupby, product
from typing import NamedTuple

import pytest
from conftest import GOLDEN, run_build
from exports import COSTS, USAGE, activity, attributes, bucket, cost, nanoseconds, write

MINUTES = 60
# A second report of a request that took from second 0 to 4: when it begins and ends.
PLACES = {
    "nested": (1, 3), "nested late": (5, 6), "overlapping": (3, 7), "touching": (4, 8), "soon after": (9, 12),
    "in ten minutes": (4 + 10 * MINUTES, 4 + 11 * MINUTES), "later": (5 + 10 * MINUTES, 5 + 11 * MINUTES),
    "days later": (2 * 86_400, 2 * 86_400 + 4),
}  # fmt: skip
IDS = {"same": ("a", "a"), "other": ("a", "b"), "one": ("a", None), "none": (None, None)}


class Report(NamedTuple):
    """A span of a billable request, in seconds."""

    begin: float
    end: float
    response: str | None = None
    reporter: str = "sdk"
    trace: int = 1
    inside: int | None = None  # the place of its parent among the reports
    tokens: int = 1000
    model: str = "gpt-4o-mini"
    provider: str = "openai"
    name: str | None = None
    is_failed: bool = False
    output: str | None = None


def otlp(scenarios: dict[str, list[Report]]) -> str:
    """All scenarios in one file: traces and ids of their own, a tenant's name for each."""
    spans, numbers = [], count(1)
    for place, (name, reports) in enumerate(scenarios.items(), 1):
        keys = [next(numbers) for _ in reports]
        for key, one in zip(keys, reports, strict=True):
            values = {
                "gen_ai.operation.name": "chat", "gen_ai.provider.name": one.provider, "tenant.id": name,
                "gen_ai.request.model": one.model,
            }  # fmt: skip
            if one.tokens:
                values |= {"gen_ai.usage.input_tokens": one.tokens, "gen_ai.usage.output_tokens": one.tokens // 10}
            if one.output:
                values["output.value"] = f"{one.output} {place}"
            if one.response:
                values["gen_ai.response.id"] = one.response.replace("{}", f"{place}")
            parent = None if one.inside is None else keys[one.inside]
            spans.append((one.reporter, {
                "traceId": f"{place * 1000 + one.trace:032x}", "spanId": f"{key:016x}",
                "name": one.name or f"chat {key}", "parentSpanId": f"{parent:016x}" if parent else "",
                "attributes": attributes(values),
                "startTimeUnixNano": nanoseconds(one.begin), "endTimeUnixNano": nanoseconds(one.end),
                "status": {"code": 2} if one.is_failed else {},
            }))  # fmt: skip
    spans.sort(key=lambda each: each[0])
    scopes = [{"scope": {"name": scope}, "spans": [each[1] for each in members]}
              for scope, members in groupby(spans, key=lambda each: each[0])]  # fmt: skip
    resource = {"attributes": attributes({"service.name": "web"})}
    return json.dumps({"resourceSpans": [{"resource": resource, "scopeSpans": scopes}]}) + "\n"


def pairs() -> dict[str, tuple[list[Report], int, bool]]:
    """By name: two reports, how many calls they are, and whether these may be copies."""
    table = {}
    for reporter, (place, times), tokens, (ids, responses) in product(
        ("sdk", "gateway"), PLACES.items(), (1000, 1001), IDS.items()
    ):
        first, second = (response and f"gen-{{}}-{response}" for response in responses)
        nests = place.startswith("nested")
        reports = [
            Report(0, 4, first),
            Report(*times, second, reporter, 1 if nests else 2, 0 if nests else None, tokens),
        ]
        if ids == "same":
            is_near = place not in ("later", "days later")
            is_one = nests or place == "overlapping" or (reporter != "sdk" and is_near)
        else:
            is_one = nests and tokens == 1000 and ids != "other"
        is_suspected = nests and tokens == 1000 and ids == "other"
        table[f"{reporter}, {place}, {tokens}, {ids} id"] = (reports, 1 if is_one else 2, is_suspected)
    return table


def kinds() -> dict[str, tuple[list[Report], int, bool]]:
    sdk = [Report(at, at + 2, "run-{}", inside=0, tokens=100 * at) for at in (1, 4, 9, 12)]
    gateway = [one._replace(begin=one.begin + 0.1, end=one.end - 0.1, reporter="gateway", trace=2, inside=None)
               for one in sdk]  # fmt: skip
    turn = Report(0, 20, None, tokens=5)
    events = [one._replace(begin=one.end + 0.1, end=one.end + 0.1, reporter="log", trace=3, inside=None) for one in sdk]
    two = [Report(0, 2, "x-{}", name="chat"), Report(0, 2, "y-{}", name="chat")]
    same = Report(0, 2, None, name="chat")
    return {
        "a run's id on each of its chats": ([turn, *sdk], 5, False),
        "by gateway and SDK": ([turn, *sdk, *gateway], 5, False),
        "by the SDK, some of them by a gateway": ([turn, *sdk, *gateway[1:3]], 5, False),
        "by the gateway, some of them by the SDK": ([turn, *gateway, sdk[2]], 5, False),
        "with an event after each": ([turn, *sdk, *gateway, *events], 5, False),
        "a framework around each, by no id": (
            [Report(0, 20, None, tokens=5)]
            + [Report(at, at + 2, None, "framework", inside=0, tokens=100 * at, model="ChatOpenAI") for at in (1, 4)]
            + [Report(at, at + 2, "run-{}", inside=at // 3 + 1, tokens=100 * at) for at in (1, 4)], 3, False,
        ),
        "two wrappers that overlap": ([Report(0, 2, "a-{}"), Report(0.5, 3, "a-{}"), Report(1, 2, "a-{}")], 1, False),
        "a local server counts from 0 again": (
            [Report(day * 86_400, day * 86_400 + 2, "chatcmpl-{}", trace=day) for day in range(4)], 4, False
        ),
        "reporters one after the other, longer than the limit in all": (
            [Report(minute * MINUTES, minute * MINUTES + 1, "a-{}", name, minute)
             for minute, name in ((0, "sdk"), (9, "gateway"), (18, "log"), (19, "batch"))], 2, False,
        ),
        "a failed attempt and its retry under a client's id": (
            [Report(0, 1, "a-{}", tokens=0, is_failed=True), Report(2, 4, "a-{}")], 2, False
        ),
        "twins by their text, of two requests under one id": (
            [Report(0, 2, "run-{}", output="yes"), Report(3, 5, "run-{}", output="no"),
             Report(0.01, 2.01, None, "framework", 2, output="yes"),
             Report(3.01, 5, None, "framework", 3, output="no")],
            2, False,
        ),
        "a tracer's time before the id": (
            [Report(0, 2, "chatcmpl-{}"), Report(0, 2, "time-09-00-00-000123_chatcmpl-{}", "langfuse", 2)], 1, False
        ),
        "copies but for the span id": ([same, same, same], 1, False),
        "copies, each with another inside": (
            [same, same, Report(0.1, 1.9, None, "gateway", 1, 0, name="inner"),
             Report(0.1, 1.9, None, "gateway", 1, 1, name="inner")], 1, False,
        ),
        "copies, one of which knows the id": ([same, same._replace(response="a-{}")], 1, False),
        "copies under two ids": (two, 2, True),
        "copies that share an id": ([same._replace(response="a-{}")] * 2, 1, False),
        "a microsecond apart": ([same, same._replace(end=2.000_001)], 2, False),
    }  # fmt: skip


ONE_MODEL = [
    ("openai/gpt-4o", "gpt-4o-2024-08-06"), ("azure/gpt-4o", "gpt-4o"), ("GPT-4O", "gpt-4o"),
    ("vertex_ai/publishers/google/models/gemini-2.5-pro", "gemini-2.5-pro"),
    ("arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-sonnet-4-5-20250929-v1:0",
     "claude-sonnet-4-5@20250929"), ("bedrock/eu.anthropic.claude-sonnet-4-5-20250929-v1:0", "claude-sonnet-4-5"),
    ("openrouter/anthropic/claude-sonnet-4.5:beta", "claude-sonnet-4-5-20250929"), ("ChatOpenAI", "gpt-4o"),
    ("gpt-4o", "prod-chat-eu"), ("fast", "prod-chat-eu"), ("claude-3-5-haiku-latest", "claude-3-5-haiku-20241022"),
    ("claude-3.5-sonnet", "anthropic.claude-3-5-sonnet-20241022-v2:0"), ("gpt-4o-mini-eu", "gpt-4o-mini"),
]  # fmt: skip
TWO_MODELS = [
    ("gpt-4o", "gpt-4o-mini"), ("gpt-5", "openai/gpt-5-mini"), ("gpt-4o-2024-05-13", "gpt-4o-2024-08-06"),
    ("gemini-2.5-flash", "models/gemini-2.5-flash-lite"), ("anthropic/claude-sonnet-4.5", "claude-sonnet-4-20250514"),
    ("o3", "o3-mini"), ("us.anthropic.claude-haiku-4-5-20251001-v1:0", "claude-sonnet-4-5"), ("gpt-4.1", "gpt-4o"),
]  # fmt: skip


def models() -> dict[str, tuple[list[Report], int, bool]]:
    table = {}
    for expected, names in ((1, ONE_MODEL), (2, TWO_MODELS)):
        for pair in names:
            for outer, inner in (pair, pair[::-1]):
                reports = [Report(0, 2, model=outer), Report(0.5, 1.5, "a-{}", inside=0, model=inner)]
                table[f"{outer} around {inner}"] = (reports, expected, False)
    return table


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    folder = tmp_path_factory.mktemp("identity")
    scenarios = pairs() | kinds() | models()
    (folder / "inbox").mkdir()
    (folder / "inbox" / "spans.jsonl").write_text(otlp({name: reports for name, (reports, *_) in scenarios.items()}))
    built = run_build(folder / "inbox", folder / "data", GOLDEN / "company")
    assert built.code == 0, built.output
    rows = built.rows(
        "select tenant_id, count(*), bool_or(is_suspected_copy), sum(spans), count(distinct call_id)"
        " from marts.attributed_calls group by all"
    )
    return {name: (calls, suspected, spans, ids) for name, calls, suspected, spans, ids in rows}


@pytest.mark.parametrize("table", [pairs, kinds, models])
def test_spans_are_the_calls_that_they_report(told, table):
    expected = {name: (calls, suspected, len(reports), calls)
                for name, (reports, calls, suspected) in table().items()}  # fmt: skip
    found = {name: told.get(name) for name in expected}
    assert found == expected


def test_a_bill_that_lists_an_id_proves_one_call(tmp_path):
    """Two uses of an id are two calls; the bill lands, and they are one."""
    inbox, data = tmp_path / "inbox", tmp_path / "data"
    inbox.mkdir()
    reports = [Report(0, 2, "gen-{}", provider="openrouter"), Report(9, 12, "gen-{}", provider="openrouter")]
    (inbox / "spans.jsonl").write_text(otlp({"tenant": reports}))
    query = "select call_id, billed_usd, spans from marts.attributed_calls order by call_id"
    built = run_build(inbox, data, GOLDEN / "company")
    assert [row[0] for row in built.rows(query)] == [f"{1001:032x}:{2:016x}", "gen-1"]
    activity([("gen-1", "2026-10-05 00:00:02", "0.5"), ("gen-9", "2026-10-05 02:00:00", "0.5")],
             inbox / "openrouter_activity_2026-10-07.csv")  # fmt: skip
    built = run_build(inbox, data, GOLDEN / "company")
    assert built.code == 0, built.output
    [(call, billed, spans)] = built.rows(query)
    assert (call, float(billed), spans) == ("gen-1", 0.5, 2)


# By day of October: the day's reports, what its usage file or bill counts (or the bill's money alone buys), and the
# calls that come out, each with its spans. Output tokens are a tenth of the input's.
PAIR = [Report(0, 2, "x-{}", name="chat"), Report(0, 2, "y-{}", name="chat")]
OTHER = [Report(5, 6, "z-{}", tokens=500, trace=2)]
NESTED = [Report(0, 2, "a-{}"), Report(0.2, 1.8, "b-{}", "sdk", 1, 0), Report(0.4, 1.6, "c-{}", "wire", 1, 1)]
LATER = [one._replace(begin=one.begin + 60, end=one.end + 60, response=f"{one.response}-2", trace=3) for one in PAIR]
ROOM = {
    5: (PAIR, "usage", (1000, 100), [2]),
    6: (PAIR, "usage", (2000, 200), [1, 1]),
    7: (PAIR, "usage", (1999, 199), [2]),
    8: (PAIR, "usage", (2000, 150), [2]),
    9: (PAIR, "usage", (999, 99), [1, 1]),
    10: (PAIR + OTHER, "usage", (1500, 150), [1, 2]),
    11: (PAIR + LATER, "usage", (3000, 300), [1, 1, 2]),
    12: (NESTED, "usage", (1000, 100), [3]),
    13: (PAIR, "nothing", None, [1, 1]),
    18: (PAIR, "bill", (1000, 100), [2]),
    19: (PAIR, "bill", (2000, 200), [1, 1]),
    20: (PAIR, "money", (1000, 100), [2]),
    21: (PAIR, "money", (2000, 200), [1, 1]),
    22: (PAIR, "bill", (0, 0), [1, 1]),
    23: (PAIR, "bill", (10000, 1000), [1, 1]),
}  # fmt: skip


def test_copies_are_merged_where_bill_or_usage_have_no_room_for_them(tmp_path):
    """The files land after the spans; the day is opened again."""
    inbox, data = tmp_path / "inbox", tmp_path / "data"
    inbox.mkdir()
    reports = {
        str(day): [one._replace(begin=one.begin + (day - 5) * 86_400, end=one.end + (day - 5) * 86_400) for one in said]
        for day, (said, *_) in ROOM.items()
    }
    (inbox / "spans.jsonl").write_text(otlp(reports))
    query = "select tenant_id, spans, is_suspected_copy, basis from marts.attributed_calls order by all"
    built = run_build(inbox, data, GOLDEN / "company")
    assert built.code == 0, built.output
    suspects = sum(len(said) - (said == PAIR + OTHER) for said, *_ in ROOM.values())
    assert [row[1] for row in built.rows(query)] == [1] * sum(len(said) for said, *_ in ROOM.values())
    assert sum(row[2] for row in built.rows(query)) == suspects

    usage, costs = [], []
    for day, (_, said, tokens, _) in ROOM.items():
        if said == "usage":
            counts = {"input_tokens": tokens[0], "output_tokens": tokens[1], "num_model_requests": 1}
            usage.append(bucket(day, model="gpt-4o-mini", project_id="proj", **counts))
        elif said != "nothing":
            for meter, count, price in zip(("input", "output"), tokens, (15, 60), strict=True):
                amount = f"{count * price / 10**8:.8f}"
                quantity = {"quantity": str(count)} if said == "bill" else {}
                costs.append(cost(day, amount, f"gpt-4o-mini, {meter}", project_id="proj", **quantity))
    write(inbox / "openai_usage.csv", USAGE, usage)
    write(inbox / "openai_costs_2026-11-01.csv", COSTS, costs)
    built = run_build(inbox, data, GOLDEN / "company")
    assert built.code == 0, built.output
    found = {day: [row for row in built.rows(query) if row[0] == str(day)] for day in ROOM}
    assert {day: [row[1] for row in rows] for day, rows in found.items()} == {
        day: calls for day, (*_, calls) in ROOM.items()
    }
    # What is decided is no longer suspected.
    assert [row[2] for row in found[5] + found[10] + found[11]] == [False, False, False, True, True, False]
    assert {row[3] for day, rows in found.items() if day > 13 for row in rows} == {"billed"}
    assert [float(each) for each in built.rows(
        "select (select sum(billed_usd) from marts.attributed_calls where tenant_id = '20'), "
        "(select sum(overtraced_usd) from marts.invoice_reconciliation_daily where usage_on = date '2026-10-20')"
    )[0]] == [0.00021, 0]  # fmt: skip
