"""The truth table of token counts: a true usage, written in each dialect, comes back from landing and the solver."""

import ast
import itertools
import json
import re
import sys
from collections import Counter
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from dialects import DIALECTS, INPUT, OUTPUT, Dialect, Usage, filled, provider_total
from exports import DAY, attributes, nanoseconds
from hypothesis import given, settings
from hypothesis import strategies as st
from rendering import TEXTS, macro_sql, rendered

import land
from landing.spans import WRAPPERS

SIZES: dict[str, Usage] = {
    "few cached": dict(zip((*INPUT, *OUTPUT), (1003, 400, 211, 107, 89, 53, 307, 149, 71), strict=True)),
    "most cached": dict(zip((*INPUT, *OUTPUT), (7, 5003, 1501, 701, 89, 4001, 31, 2809, 71), strict=True)),
    # Equal parts make more than one combination fit a total.
    "all alike": dict.fromkeys((*INPUT, *OUTPUT), 100),
}
METERS = "input_tokens cache_read_tokens cache_write_5m_tokens cache_write_1h_tokens audio_input_tokens output_tokens "
METERS = (METERS + "reasoning_tokens audio_output_tokens").split()


def usages(dialect: Dialect):
    """Every size with every choice of the meters that a dialect has words for, or is known to lose."""
    meters = dialect.meters.split()
    for size, counts in SIZES.items():
        for held in itertools.product((True, False), repeat=len(meters)):
            kept = {meter for meter, is_held in zip(meters, held, strict=True) if is_held}
            yield size, {meter: counts[meter] if meter in kept | {"text", "answer"} else 0 for meter in counts}


def totals(dialect: Dialect, usage: Usage):
    if dialect.has_none:
        yield "none", None
    if dialect.derived:
        yield "derived", dialect.derived(usage)
    if dialect.has_provider_total:
        yield "provider", provider_total(usage)


def expected(dialect: Dialect, usage: Usage) -> tuple[int, ...]:
    told = dict(usage)
    for meter, within in dialect.lost.items():
        if within:
            told[within] += told[meter]
        told[meter] = 0
    return (
        told["text"] + told["tool_use"], told["cache_read"], told["cache_write_5m"], told["cache_write_1h"],
        told["audio_in"], told["answer"], told["reasoning"], told["audio_out"],
    )  # fmt: skip


def records(form: str, number: int, dialect: Dialect, attributes_of: dict) -> dict:
    """A case as a record of its export: `number` is its trace."""
    if form == "langfuse":
        start = DAY.isoformat()
        return {"id": f"{number:x}", "trace_id": f"{number:032x}", "parent_observation_id": "", "name": "g",
                "start_time": start, "end_time": start, "model": "gpt-4o", **attributes_of}  # fmt: skip
    if form == "litellm":
        return {"request_id": f"{number:x}", "call_type": "acompletion", "spend": 0, "model": "gpt-4o",
                "startTime": DAY.isoformat(), "endTime": DAY.isoformat(), **attributes_of}  # fmt: skip
    span = {"traceId": f"{number:032x}", "spanId": f"{number:016x}", "name": "call",
            "startTimeUnixNano": nanoseconds(0), "endTimeUnixNano": nanoseconds(1),
            "attributes": attributes({"gen_ai.request.model": "gpt-4o", **attributes_of})}  # fmt: skip
    scope = {"name": dialect.scope} if dialect.scope else {}
    return {"resourceSpans": [{"scopeSpans": [{"scope": scope, "spans": [span]}]}]}


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """(dialect, size, kind of total, true usage, what came back) for every combination."""
    folder = tmp_path_factory.mktemp("usage")
    cases, lines = [], {}
    for name, dialect in DIALECTS.items():
        for size, usage in usages(dialect):
            for kind, total in totals(dialect, usage):
                cases.append((name, size, kind, usage))
                record = records(dialect.form, len(cases), dialect, filled(dialect.write(usage, total)))
                lines.setdefault(dialect.form, []).append(json.dumps(record))
    (folder / "inbox").mkdir()
    for form, texts in lines.items():
        (folder / "inbox" / f"{form}.jsonl").write_text("\n".join(texts) + "\n")
    assert land.run(folder / "inbox", folder / "data") == 0
    return cases, staged(folder / "data")


def staged(data: Path) -> dict[int, tuple]:
    """By case the meters of its span, the rule that decided, and what is not explained."""
    query = rendered("models/staging/telemetry/stg_telemetry__spans.sql", data)
    columns = ", ".join(METERS)
    rows = duckdb.sql(f"select span_id, {columns}, cached_input_rule, unexplained_tokens from ({query})").fetchall()
    return {int(row[0], 16): row[1:] for row in rows}


def test_what_a_dialect_says_comes_back(table):
    cases, back = table
    wrong = Counter()
    for number, (name, size, kind, usage) in enumerate(cases, 1):
        *meters, rule, unexplained = back[number]
        if tuple(meters) != expected(DIALECTS[name], usage) or unexplained:
            wrong[name, kind, size, rule] += 1
            print(name, kind, size, rule, usage, meters, unexplained, file=sys.stderr)
    assert not wrong
    assert len(back) == len(cases)


def test_the_table_is_as_large_as_it_says(table):
    """3,360 combinations: 32 dialects, 1,632 usages of these, each without a total, with a derived and a provider's.

    Of 22 pairs of dialect and meter, the meter has no word: a line that is printed names the meter that has its tokens,
    and the rules by which the ledger read these usages (`pytest -s`).
    """
    cases, back = table
    usages_of = {name: len(list(usages(dialect))) for name, dialect in DIALECTS.items()}
    kinds = {name: [kind for kind, _ in totals(dialect, SIZES["all alike"])] for name, dialect in DIALECTS.items()}
    rules = {}
    for number, (name, *_, usage) in enumerate(cases, 1):
        for meter in DIALECTS[name].lost:
            if usage[meter]:
                rules.setdefault((name, meter), Counter())[back[number][len(METERS)]] += 1
    print(f"\n{len(cases):,} combinations of {len(DIALECTS)} dialects with {sum(usages_of.values()):,} usages")
    for name, dialect in DIALECTS.items():
        print(f"{name}: {usages_of[name]} usages x totals {', '.join(kinds[name])}")
        for meter, within in dialect.lost.items():
            told = ", ".join(f"{rule} {count}" for rule, count in sorted(rules[name, meter].items()))
            print(f"    can't express {meter}: counted as {within or 'nothing'}; rules: {told}")
    assert (len(cases), len(DIALECTS), sum(usages_of.values())) == (3360, 32, 1632)
    assert len(rules) == sum(len(dialect.lost) for dialect in DIALECTS.values()) == 22


COUNTS = st.one_of(st.none(), st.sampled_from([0, 1, 100, 200]), st.integers(0, 10**9))
SAID = st.sampled_from([None, True, False])
STATED = {
    **dict.fromkeys(
        ["input_tokens", "output_tokens", "total_tokens", "cache_read_tokens", "cache_write_tokens",
         "cache_write_5m_tokens", "cache_write_1h_tokens", "reasoning_tokens", "tool_use_tokens", "audio_input_tokens",
         "audio_output_tokens", "image_input_tokens", "image_output_tokens"], COUNTS
    ),
    **dict.fromkeys(
        ["input_includes_cached", "output_includes_reasoning", "input_includes_tool_use", "includes_media"], SAID
    ),
    "total_kind": st.sampled_from([None, "provider", "all_parts", "input_output", "unknown"]),
    "total_excess": st.sampled_from([None, "tool_use"]),
}  # fmt: skip
IN = "plain_input cache_read cache_write audio_input image_input".split()
OUT = "text_output reasoning audio_output image_output".split()


def type_of(name: str) -> pa.DataType:
    return pa.int64() if name.endswith("_tokens") else pa.bool_() if "include" in name else pa.string()


def solved(rows: list[dict]) -> list[dict]:
    """What the solver makes of stated counts."""
    engine = duckdb.connect()
    columns = {name: pa.array([row[name] for row in rows], type_of(name)) for name in STATED}
    engine.register("stated", pa.table({"row_no": list(range(len(rows))), **columns}))
    found = engine.execute(macro_sql("with {{ usage_solver('stated') }} select * from solved_usage order by row_no"))
    names = [column[0] for column in found.description]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


@settings(max_examples=25)
@given(st.lists(st.fixed_dictionaries(STATED), min_size=40, max_size=80))
def test_meters_are_disjoint_and_a_proof_adds_up(rows):
    for row in solved(rows):
        assert all(row[meter] >= 0 for meter in (*IN, *OUT)), row
        assert row["unexplained"] >= 0
        stated_media = sum(
            row[f"{kind}_{side}_tokens"] or 0 for kind in ("audio", "image") for side in ("input", "output")
        )
        if not stated_media:
            assert sum(row[meter] for meter in IN) == row["all_input"]
            assert sum(row[meter] for meter in OUT) == row["all_output"]
        if row["usage_rule"] == "total" and not stated_media:
            assert row["all_input"] + row["all_output"] == row["total_tokens"], row


INSIDE = {"input_includes_cached": True, "output_includes_reasoning": True}
OUTSIDE = {"input_includes_cached": False, "output_includes_reasoning": False}
RULES = [
    # (input, output, total, cached, reasoning), what is said -> (input, cached, output, reasoning, unexplained), rule
    ("more cached than input", (100, 50, None, 400, None), INSIDE, (100, 400, 50, 0, 0), "arithmetic"),
    ("more reasoning than output", (100, 50, None, None, 60), INSIDE, (100, 0, 50, 60, 0), "arithmetic"),
    ("cached makes up the total", (1000, 50, 1450, 400, 20), INSIDE, (1000, 400, 30, 20, 0), "total"),
    ("reasoning makes up the total", (1000, 50, 1070, 400, 20), INSIDE, (600, 400, 50, 20, 0), "total"),
    ("both make up the total", (1000, 50, 1470, 400, 20), INSIDE, (1000, 400, 50, 20, 0), "total"),
    ("either makes up the total", (1000, 50, 1090, 40, 40), INSIDE, (960, 40, 10, 40, 0), "ambiguous"),
    ("a provider's total", (1000, 50, 1050, 400, None), {"total_kind": "provider", **OUTSIDE}, (600, 400, 50, 0, 0),
     "total"),
    ("a sum of all parts", (1000, 50, 1450, 400, None), {"total_kind": "all_parts", **INSIDE}, (600, 400, 50, 0, 0),
     "convention"),
    ("no sum of all parts", (1000, 50, 1050, 400, None), {"total_kind": "all_parts", **OUTSIDE}, (600, 400, 50, 0, 0),
     "total"),
    ("a sum of the two", (1000, 50, 1050, 400, None), {"total_kind": "input_output", **OUTSIDE}, (1000, 400, 50, 0, 0),
     "convention"),
    ("a total of any kind", (1000, 50, 1050, 400, None), OUTSIDE, (1000, 400, 50, 0, 0), "convention"),
    ("beyond every reading", (1000, 50, 1090, None, None), INSIDE, (1000, 0, 50, 0, 40), "nothing_within"),
    ("a total below both", (1000, 50, 900, 400, None), INSIDE, (600, 400, 50, 0, 0), "convention"),
    ("no input", (None, 100, 1100, None, None), INSIDE, (1000, 0, 100, 0, 0), "restored_from_total"),
    ("no output", (1000, None, 1100, None, None), INSIDE, (1000, 0, 100, 0, 0), "restored_from_total"),
    ("no input, cached beside", (None, 100, 1100, 300, None), {"total_kind": "provider", **OUTSIDE},
     (700, 300, 100, 0, 0), "restored_from_total"),
    ("a total alone", (None, None, 800, None, None), INSIDE, (800, 0, 0, 0, 0), "total_alone"),
    ("nothing says", (1000, 50, None, 400, None), {}, (600, 400, 50, 0, 0), "default"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("stated", "says", "meters", "rule"), [row[1:] for row in RULES], ids=[row[0] for row in RULES]
)
def test_rules_decide_in_their_order(stated, says, meters, rule):
    names = ("input_tokens", "output_tokens", "total_tokens", "cache_read_tokens", "reasoning_tokens")
    (row,) = solved([{**dict.fromkeys(STATED), **dict(zip(names, stated, strict=True)), **says}])
    assert tuple(row[name] for name in "plain_input cache_read text_output reasoning unexplained".split()) == meters
    assert row["usage_rule"] == rule


def test_a_count_that_can_not_be_read_gives_way_to_another_attribute(tmp_path):
    """SDKs write NaN under their own name beside the standard one; where none can be read, the value is named."""
    stated = [
        {"ai.usage.promptTokens": "NaN", "gen_ai.usage.input_tokens": 1000, "gen_ai.usage.output_tokens": 5},
        {"ai.usage.promptTokens": "1,000", "gen_ai.usage.input_tokens": "-1", "gen_ai.usage.output_tokens": 5},
    ]
    dialect = DIALECTS["OTel GenAI"]
    (tmp_path / "inbox").mkdir()
    (tmp_path / "inbox" / "spans.jsonl").write_text(
        "".join(json.dumps(records("otlp", number, dialect, held)) + "\n" for number, held in enumerate(stated, 1))
    )
    assert land.run(tmp_path / "inbox", tmp_path / "data") == 0
    files = f"read_parquet('{tmp_path}/data/landed/spans/*/*.parquet')"
    rows = duckdb.sql(f"select input_tokens, unreadable, usage_convention from {files} order by span_id").fetchall()
    assert rows == [(1000, None, "otel"), (None, "input_tokens", "otel")]


def test_landing_and_models_know_the_same_wrappers():
    """A provider's answer is read from any span but a wrapper's; the model's macro has the words."""
    listed = re.search(r"set wrappers = (\{.*?\n    \})", TEXTS["operation_kind"], re.DOTALL)[1]
    assert sorted(WRAPPERS) == sorted(itertools.chain(*ast.literal_eval(listed).values()))


@pytest.mark.parametrize(("operation", "count"), [("LLM", 7), ("messages.create", 7), (None, 7), ("CHAIN", None)])
def test_an_answer_is_read_under_any_operation_but_a_wrappers(tmp_path, operation, count):
    answer = {"id": "r", "object": "chat.completion", "usage": {"prompt_tokens": 7, "completion_tokens": 1}}
    stated = {"openinference.span.kind": operation, "output.value": json.dumps(answer)}
    (tmp_path / "inbox").mkdir()
    record = json.dumps(records("otlp", 1, DIALECTS["OpenAI chat"], filled(stated)))
    (tmp_path / "inbox" / "spans.jsonl").write_text(record + "\n")
    assert land.run(tmp_path / "inbox", tmp_path / "data") == 0
    files = f"read_parquet('{tmp_path}/data/landed/spans/*/*.parquet')"
    assert duckdb.sql(f"select input_tokens from {files}").fetchall() == [(count,)]
