"""Counts of tokens that spans state under names that no row of seed attribute_aliases reads.

A span whose only counts have such names would be no call, and one whose cached tokens have such a name would be priced
without them: both are named, by attribute and file.
"""

import re
from typing import NamedTuple

from landing import sampling

# What an attribute counts, by words of its name; and words of names that count something else, or not once a request.
COUNTED = {
    *("input", "output", "prompt", "completion", "total", "used", "usage", "count", "generated"),
    *("cache", "cached", "reasoning", "thinking", "thoughts", "audio", "image"),
}
OF_OTHERS = {
    *("max", "min", "limit", "limits", "budget", "per", "second", "seconds", "first", "remaining", "rate", "ratelimit"),
    *("avg", "average", "mean", "time", "threshold", "cost", "price", "accepted", "rejected", "prediction"),
    *("aggregated", "aggregate", "accumulated", "cumulative", "session", "conversation", "estimated", "estimate", "no"),
    *("refresh", "access", "auth", "id", "ids", "type", "window", "context", "allowed", "chunk", "special", "stop"),
    *("quota", "quotas", "capacity", "available", "left", "ceiling", "reserved", "bucket", "balance", "daily"),
    *("monthly", "config", "settings", "parameters", "default", "target", "expected", "truncated", "dropped", "saved"),
    *("documents", "latency", "ms", "throughput", "speed", "pct", "percent", "position", "offset", "vocab"),
    *("logprobs", "bytes", "gpu", "cpu", "disk", "csrf"),
}
# Words that say enough beside `usage`.
BARE = {"input", "output", "prompt", "completion"}
# What a name says beside input and output: the columns that would have it, of which a span may state another.
DETAILS = {
    "cache": "cache_read_tokens cache_write_tokens cache_write_5m_tokens cache_write_1h_tokens",
    "cached": "cache_read_tokens cache_write_tokens cache_write_5m_tokens cache_write_1h_tokens",
    "reasoning": "reasoning_tokens",
    "thinking": "reasoning_tokens",
    "thoughts": "reasoning_tokens",
    "audio": "audio_input_tokens audio_output_tokens",
    "image": "image_input_tokens image_output_tokens",
}
# The columns of a side of a request: where they state nothing, a name of that side is the only one that does.
IN = (
    "input_tokens cache_read_tokens cache_write_tokens cache_write_5m_tokens cache_write_1h_tokens audio_input_tokens "
    "image_input_tokens tool_use_tokens total_tokens"
)
OUT = "output_tokens reasoning_tokens audio_output_tokens image_output_tokens total_tokens"
SIDES = {"input": IN, "prompt": IN, "output": OUT, "completion": OUT, "generated": OUT}
UNREAD = "which no row of seed attribute_aliases reads"


class Uncounted(NamedTuple):
    """Spans of a file that state a count under a name; `is_alone` where no count of theirs is read."""

    file_no: int
    name: str
    is_alone: bool
    line: int
    spans: int


def words_of(name: str) -> set[str]:
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
    return set(re.findall(r"[a-z]+", re.sub(r"tokens?(?!i)", r"_\g<0>_", parted)))  # `prompttokens`, but no tokenizer


def columns_like(name: str, words: dict[str, str]) -> set[str]:
    """The columns that would have a count of this name."""
    return {column for word in words_of(name) for column in words.get(word, "").split()}


def is_count(name: str) -> bool:
    words = words_of(name)
    is_told = "tokens" in words or ("token" in words and words & COUNTED)
    return bool(is_told or ("usage" in words and words & BARE)) and not words & OF_OTHERS


def shown(name: str) -> str:
    """Members of a list have one name, however many there are."""
    return re.sub(r"(?<![A-Za-z0-9])[0-9]+(?![A-Za-z0-9])", "*", name)


def key_of(one: Uncounted) -> str:
    return f"{'alone' if one.is_alone else 'part'} {one.name}"


def add(total: dict[str, list], found: dict[str, list]) -> None:
    """Add up what portions of a file say: the first line, and how many spans."""
    for key, (line, spans) in found.items():
        first, so_far = total.get(key, (line, 0))
        total[key] = [min(first, line), so_far + spans]


def remarks(found: dict[str, list], name: str) -> list[tuple[str, str]]:
    """(kind, text) of what a file's portions found: {"<alone> <attribute>": [first line, spans]}."""
    said = []
    for key, (line, spans) in sorted(found.items()):
        alone, _, attribute = key.partition(" ")
        if alone == sampling.DIFFERING:
            said.append(sampling.remark(key, _where(line, spans, name), spans))
            continue
        states = f"state{'s' * (spans == 1)}"
        where = _where(line, spans, name)
        what = f"under '{attribute}', {UNREAD}"
        said.append(
            ("warning", f"{where} {states} tokens {what}: they are in no call, or priced without them; add a row to it")
            if alone == "alone"
            else ("note", f"{where} {states} a part of the tokens {what}: not told apart; add a row to it")
        )
    return said


def _where(line: int, spans: int, name: str) -> str:
    return f"{spans:,} span{'s' * (spans > 1)} of {name} (first in line {line:,})"
