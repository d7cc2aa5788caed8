"""Write the reference price seeds (list prices and model aliases) from the PyPI package genai-prices.

Usage: make_prices.py [--known-from YYYY-MM-DD] [--into FOLDER]. Source: genai-prices (MIT) at the version in the lock.
Prices are USD per unit: a token, search, request, page, character or message; exact to 12 places.

Prices have two times. `valid_from` and `valid_to` say when a price holds; empty is open. `known_from` says since when
the book says so; empty is always. The first book counts as known as early as its prices began: an undated price always,
a dated one from its start (a price announced ahead: from the run). The end of a period is known when the next one
is, so a period that was followed by another has two rows: open, and from then on closed. What a later run finds new
is known from the day of that run (`--known-from`, default today), beside the row that it supersedes. A price that left
a model still in the book is taken back by a row without a price; a model that left keeps its prices, for its past
calls need them. Of all rows of one provider, model, meter, tier, context, hours and valid_from, the one known latest
stands. Rows of other sources are left alone.
"""

import argparse
import csv
import sys
from collections import Counter
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from importlib.metadata import version
from pathlib import Path

from genai_prices import data
from genai_prices import types as book

import ending
import model_names

REFERENCE = Path(__file__).resolve().parent.parent / "seeds" / "reference"
KEY = ["provider", "model", "meter", "service_tier", "context_over_tokens"]
PRICES = [*KEY, "unit_price_usd", "daily_from", "daily_to", "known_from", "source", "valid_from", "valid_to"]
# What one row supersedes: the same series and start.
SERIES = [*KEY, "daily_from", "daily_to", "valid_from"]
METERS = {
    "input_mtok": "input",
    "cache_read_mtok": "cache_read",
    "cache_write_mtok": "cache_write_5m",
    "cache_write_1h_mtok": "cache_write_1h",
    "output_mtok": "output",
    "output_reasoning_mtok": "reasoning",
    "output_citation_mtok": "citation",
    "input_audio_mtok": "audio_input",
    "output_audio_mtok": "audio_output",
    "cache_audio_read_mtok": "cache_read_audio",
    "input_image_mtok": "image_input",
    "output_image_mtok": "image_output",
    "cache_image_read_mtok": "cache_read_image",
    "input_video_mtok": "video_input",
    "output_video_mtok": "video_output",
    "web_searches_kcount": "web_search",
    "storage_searches_kcount": "file_search",
    "requests_kcount": "request",
    "input_document_kpages": "page",
    "input_annotated_document_kpages": "annotated_page",
    "input_mchars": "character",
    "input_text_messages_kcount": "message",
}
UNITS = {"mtok": 10**6, "mchars": 10**6, "kcount": 10**3, "kpages": 10**3}
TIERS = {
    ("processing", "batch"): "batch",
    ("service_tier", "flex"): "flex",
    ("service_tier", "priority"): "priority",
    ("service_tier", "fast"): "fast",
    ("speed", "fast"): "fast",
}
SAME_AS_STANDARD = [{"service_tier": "default"}, {"search_type": "web"}]
# The scale of unit prices, twelve places.
LEAST = Decimal(1).scaleb(-12)


class Dropped(Counter):
    """What the seeds can't say, counted by reason, with the first few examples."""

    def __init__(self):
        super().__init__()
        self.examples: dict[str, list[str]] = {}

    def note(self, reason: str, example: str) -> None:
        self[reason] += 1
        self.examples.setdefault(reason, []).append(example)

    def tell(self) -> None:
        for reason, count in sorted(self.items()):
            examples = ", ".join(list(dict.fromkeys(self.examples[reason]))[:4])
            print(
                f"not as in the book: {count:3,} {reason} ({examples}{', ...' if count > 4 else ''})", file=sys.stderr
            )


def amount(value: Decimal, per: int, note) -> str:
    """The price of one unit in plain notation, at the scale of unit prices."""
    with localcontext() as context:
        context.prec = 50
        unit = value / per
        fitted = unit.quantize(LEAST, ROUND_HALF_EVEN)
        if fitted != unit:
            note("digits behind the twelfth place, rounded")
        return format(fitted.normalize(), "f")


def meter_rows(prices: book.ModelPrice, note):
    """(meter, context_over_tokens, unit price) of one set of prices; a long prompt's price is all its tokens'."""
    for name, value in prices.__dict__.items():
        if value is None:
            continue
        meter, per = METERS.get(name), UNITS.get(name.rsplit("_", 1)[-1])
        if not meter or not per:
            note(f"prices of {name}: no exact price of a second" if name.endswith("hours") else f"prices of {name}")
        elif isinstance(value, book.TieredPrices):
            yield meter, 0, amount(value.base, per, note)
            for tier in value.tiers:
                yield meter, tier.start, amount(tier.price, per, note)
        else:
            yield meter, 0, amount(value, per, note)


def start_of(item: book.ConditionalPrice | book.PriceVariant) -> str:
    return str(item.constraint.start_date) if isinstance(item.constraint, book.StartDateConstraint) else ""


def price_sets(model: book.ModelInfo, with_variants: bool, note):
    """(tier, start, next start, daily_from, daily_to, prices): a dated set holds until the next dated one."""
    standard = model.prices if isinstance(model.prices, list) else [book.ConditionalPrice(prices=model.prices)]
    series: dict[str, list[book.ConditionalPrice | book.PriceVariant]] = {"standard": [*standard]}
    for variant in (model.price_variants or []) if with_variants else []:
        tier = TIERS.get(next(iter(variant.when.items()))) if len(variant.when) == 1 else None
        if tier:
            series.setdefault(tier, []).append(variant)
        elif variant.when not in SAME_AS_STANDARD:
            note(f"variants by {', '.join(f'{key}={value}' for key, value in variant.when.items())}")
    for tier, items in series.items():
        dated = [item for item in items if not isinstance(item.constraint, book.TimeOfDateConstraint)]
        dated.sort(key=start_of)
        starts = [start_of(item) for item in dated]
        for item, start, following in zip(dated, starts, [*starts[1:], ""], strict=True):
            yield tier, start, following, "", "", item.prices
        for item in items:
            if isinstance(item.constraint, book.TimeOfDateConstraint):
                # The book can't date a daily window; it stands behind the dated prices, with the last of which it came.
                hours = (f"{item.constraint.start_time:%H:%M}", f"{item.constraint.end_time:%H:%M}")
                yield tier, starts[-1], "", *hours, item.prices


def is_free(model: book.ModelInfo) -> bool:
    said = f"{model.id} {model.name} {model.price_comments}".lower()
    return ":free" in model.id or "(free)" in said or "free of charge" in said


def model_rows(provider: str, model: book.ModelInfo, source: str, run_on: str, with_variants: bool, note):
    """All rows of one model under a provider, as this book says them."""
    told = False
    for tier, start, following, daily_from, daily_to, prices in price_sets(model, with_variants, note):
        rows = list(meter_rows(prices, note))
        if not any(value is not None for value in prices.__dict__.values()) and is_free(model):
            rows = [("input", 0, "0"), ("output", 0, "0")]
        for meter, over, unit in rows:
            row = dict(zip(KEY, [provider, model.id, meter, tier, str(over)], strict=True))
            row |= {"unit_price_usd": unit, "daily_from": daily_from, "daily_to": daily_to, "source": source}
            began, ended = min(start, run_on), min(following, run_on)
            if not following or began != ended:
                yield row | {"valid_from": start, "valid_to": "", "known_from": began}
            if following:
                yield row | {"valid_from": start, "valid_to": following, "known_from": ended}
        told = told or bool(rows)
    if not told:
        note("models without a price")


def read_book(providers, source: str, run_on: str, dropped: Dropped) -> tuple[list[dict], dict]:
    """All price rows, and the aliases {(provider, pattern): model}, the book's own before those we add."""
    prices: list[dict] = []
    aliases: dict[tuple[str, str], str] = {}
    spoken: dict[tuple[str, str], str] = {}
    by_id = {provider.id: provider for provider in providers}
    for provider in providers:
        lent = [
            (other, model)
            for other in provider.fallback_model_providers or []
            for model in by_id[other].models
            if not any(own.is_match(model.id) for own in provider.models)
        ]
        for lender, model in [(provider.id, model) for model in provider.models] + lent:
            is_own = lender == provider.id

            def note(reason, example=f"{provider.id}: {model.id}", count=is_own):
                if count:
                    dropped.note(reason, example)

            # A provider that sells another's models sells them at the same list, tiers unsaid.
            told = source if is_own else f"{source} ({lender})"
            prices += model_rows(provider.id, model, told, run_on, is_own, note)
            patterns = [pattern.lower() for pattern in model_names.of_clause(model.match, note)]
            for pattern in patterns:
                aliases.setdefault((provider.id, pattern), model.id)
            for pattern in model_names.written(provider.id, model.id, patterns):
                spoken.setdefault((provider.id, pattern), model.id)
    # Whatever OpenRouter calls :free costs nothing, also where the book does not list it.
    aliases |= {("openrouter", "%:free"): model_names.FREE, ("openrouter", model_names.FREE): model_names.FREE}
    aliases |= {("openai", pattern): model for pattern, model in model_names.FINE_TUNED.items()}
    aliases |= {("cohere", pattern): model for pattern, model in model_names.RERANKERS.items()}
    free = {"service_tier": "standard", "context_over_tokens": "0", "unit_price_usd": "0", "source": source}
    open_row = dict.fromkeys(PRICES, "") | {"provider": "openrouter", "model": model_names.FREE} | free
    prices += [open_row | {"meter": meter} for meter in ("input", "output")]
    return prices, spoken | aliases


def merged(old: list[dict], new: list[dict], known_from: str) -> list[dict]:
    """The history after a run: old rows, and what the new book says otherwise, known from this run.

    Without old rows the new ones stand as they are.
    """
    if not old:
        return new

    def series(row: dict) -> tuple:
        return tuple(row[name] for name in SERIES)

    def latest(rows: list[dict]) -> dict[tuple, dict]:
        return {series(row): row for row in sorted(rows, key=lambda row: row["known_from"])}

    ours = [row for row in old if row["source"].startswith("genai-prices")]
    stood, said = latest(ours), latest(new)
    still = {(row["provider"], row["model"]) for row in new}
    added = []
    for key, row in said.items():
        before = stood.get(key)
        if not before or any(before[name] != row[name] for name in ("unit_price_usd", "valid_to")):
            added.append(row | {"known_from": known_from})
    for key, row in stood.items():
        if key not in said and row["unit_price_usd"] and (row["provider"], row["model"]) in still:
            added.append(row | {"unit_price_usd": "", "known_from": known_from, "source": new[0]["source"]})
    again = {(*series(row), row["known_from"]) for row in added}
    return [row for row in old if (*series(row), row["known_from"]) not in again] + added


def read(path: Path) -> list[dict]:
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as source:
        return list(csv.DictReader(source))


def write(path: Path, header: list[str], rows: list[list]) -> None:
    with path.open("w", newline="", encoding="utf-8") as target:
        writer = csv.writer(target, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--known-from", type=date.fromisoformat, default=date.today(), help="day of this run")
    parser.add_argument("--into", type=Path, default=REFERENCE, help="folder of the seeds")
    arguments = parser.parse_args()
    known_from, source = str(arguments.known_from), f"genai-prices {version('genai-prices')}"
    dropped = Dropped()
    said, aliases = read_book(data.providers, source, known_from, dropped)
    path = arguments.into / "model_prices.csv"
    old = read(path)
    rows = merged(old, said, known_from)
    place = [*SERIES, "known_from"]
    rows.sort(key=lambda row: [row[name].zfill(12) if name == "context_over_tokens" else row[name] for name in place])
    write(path, PRICES, [[row[name] for name in PRICES] for row in rows])
    names = sorted([*key, model] for key, model in aliases.items())
    write(arguments.into / "model_aliases.csv", ["provider", "pattern", "model"], names)
    dropped.tell()
    print(f"{len(rows):,} prices ({len(old):,} before), {len(names):,} aliases from {source} in {arguments.into}")


if __name__ == "__main__":
    sys.exit(ending.of(main))
