"""Attributes of any convention -> the canonical columns of a span, by the alias table (seed attribute_aliases)."""

import csv
from pathlib import Path
from typing import NamedTuple

import msgspec

from landing.tables import LABELS, QUANTITIES
from landing.values import key_of, parse_money, parse_quantity, parse_text, text_key

NO_MODEL = {"", "unknown", "none", "null"}
# Provider answers as SDK instrumentations dump them; `raw` is LlamaIndex's name for the untouched response.
ANSWER_MARKS = ("usage", "choices", "object")


class Alias(NamedTuple):
    canonical: str
    rank: int
    convention: str
    includes_cached: bool | None


class Aliases:
    """The allow-list: an attribute that stands in no alias row never lands."""

    def __init__(self, seed: Path, extra: dict[str, list[str]], secret: bytes):
        self.secret = secret
        self.by_attribute: dict[str, Alias] = {}
        with seed.open(newline="", encoding="utf-8") as lines:
            for row in csv.DictReader(lines):
                flag = {"true": True, "false": False}.get(row["includes_cached"])
                self._add(row["attribute"], Alias(row["canonical"], int(row["priority"]), row["convention"], flag))
        for canonical, attributes in extra.items():
            for position, attribute in enumerate(attributes):
                self._add(attribute, Alias(canonical, position - len(attributes), "project", None))

    def _add(self, attribute: str, alias: Alias) -> None:
        if alias.canonical not in {*LABELS, *QUANTITIES, "stated_usd"}:
            raise SystemExit(f"attribute_aliases: canonical {alias.canonical!r} is no column of a span")
        self.by_attribute[attribute] = alias

    def resolve(self, attributes: dict, found: dict[str, tuple[Alias, object]], penalty: int = 0) -> None:
        """Put into `found` the best alias and value per canonical name; `penalty` ranks weaker places (a resource)."""
        for attribute, value in attributes.items():
            alias = self.by_attribute.get(attribute)
            if alias is None or value is None:
                continue
            if alias.canonical == "model" and str(value).strip().lower() in NO_MODEL:
                continue
            best = found.get(alias.canonical)
            rank = alias.rank + penalty
            if best is None or rank < best[0].rank:
                found[alias.canonical] = (alias._replace(rank=rank), value)

    def answer(self, output: str, found: dict[str, tuple[Alias, object]]) -> str:
        """Read the provider's own answer inside `output.value`; returns the answer's text, else the output itself."""
        if not output.startswith("{"):
            return output
        try:
            document = msgspec.json.decode(output)
        except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
            return output
        raw = document.get("raw") if isinstance(document.get("raw"), dict) else document
        if any(mark in raw for mark in ANSWER_MARKS):
            names = {f"output.value:{name}": raw.get(name) for name in ("id", "model", "service_tier")}
            usage = raw.get("usage")
            if isinstance(usage, dict):
                names.update(flatten(usage, "output.value:usage."))
            self.resolve(names, found)
        text = document.get("text")
        return text if isinstance(text, str) and text else output


def flatten(value: dict, prefix: str = "", depth: int = 0) -> dict:
    """Nested dicts as dotted names; lists and nulls are left out (no alias names them)."""
    flat = {}
    for name, inner in value.items():
        if isinstance(inner, dict):
            if depth < 16:
                flat.update(flatten(inner, f"{prefix}{name}.", depth + 1))
        elif not isinstance(inner, list) and inner is not None:
            flat[prefix + name] = inner
    return flat


def span_row(aliases: Aliases, span: dict, attributes: dict, base: dict | None = None) -> dict:
    """One row of landed `spans`.

    `span` has ids (normalised), name, status, times, links and origin; `attributes` is flat; `base` is what the
    resource already resolved to. Raises `Unreadable` where a stated value can't be true (negative tokens).
    """
    found: dict[str, tuple[Alias, object]] = dict(base or {})
    aliases.resolve(attributes, found)
    row = dict(span)
    output = attributes.get("output.value")
    if isinstance(output, str) and output and _may_be_call(found):
        text = aliases.answer(output, found)
        row["output_key"] = text_key(text, aliases.secret)
    for label in LABELS:
        hit = found.get(label)
        row[label] = parse_text(hit[1], label) if hit else None
    for quantity in QUANTITIES:
        hit = found.get(quantity)
        row[quantity] = parse_quantity(hit[1], quantity) if hit else None
    row["stated_usd"] = parse_money(found["stated_usd"][1], "stated_usd") if "stated_usd" in found else None
    usage = found.get("input_tokens") or found.get("output_tokens")
    row["usage_convention"] = usage[0].convention if usage else None
    # The attribute of the cached part says best whether the total contains it, then the total's own.
    said = [found[name][0].includes_cached for name in ("cache_read_tokens", "cache_write_tokens") if name in found]
    said += [usage[0].includes_cached] if usage else []
    row["input_includes_cached"] = next((flag for flag in said if flag is not None), None)
    row["trace_key"], row["span_key"] = key_of(row["trace_id"]), key_of(row["span_id"])
    row["parent_span_key"] = key_of(row["parent_span_id"])
    row["filled"] = sum(value is not None for value in row.values())
    return row


def _may_be_call(found: dict) -> bool:
    """Tool and chain spans also carry JSON with ids; only a model's answer is read."""
    operation = str(found["operation"][1]).lower() if "operation" in found else ""
    return operation in (
        "",
        "llm",
        "embedding",
        "reranker",
        "generation",
        "chat",
        "text_completion",
        "generate_content",
        "embeddings",
        "completion",
    )


def links_of(pairs) -> list[dict]:
    """Distinct linked spans as key pairs; links without ids are dropped."""
    seen = {(key_of(trace), key_of(span)): None for trace, span in pairs if trace and span}
    return [{"trace_key": trace, "span_key": span} for trace, span in seen]
