"""The truth table of token counts: a true usage, written in each dialect, comes back from landing and the solver."""

import itertools
import json
import sys
from collections import Counter
from pathlib import Path

import duckdb
import pytest
from dialects import DIALECTS, INPUT, OUTPUT, Dialect, Usage, filled, provider_total
from exports import DAY, attributes, nanoseconds

import land
from rendering import rendered

SIZES: dict[str, Usage] = {
    "few cached": dict(text=1003, cache_read=400, cache_write_5m=211, cache_write_1h=107, audio_in=89, tool_use=53,
                       answer=307, reasoning=149, audio_out=71),
    "most cached": dict(text=7, cache_read=5003, cache_write_5m=1501, cache_write_1h=701, audio_in=89, tool_use=4001,
                        answer=31, reasoning=2809, audio_out=71),
    # Equal parts make more than one combination fit a total.
    "all alike": dict.fromkeys((*INPUT, *OUTPUT), 100),
}  # fmt: skip
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
    assert len(back) == len(cases) > 3000
