"""Write the reference price seeds (list prices and model aliases) from the PyPI package genai-prices.

Source: genai-prices (MIT) at the version in the lock. Prices are USD per token (or per search, per request).
`known_from` is the day from which the book says so: rows of an older book keep theirs.
"""

import csv
import sys
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path

from genai_prices import data
from genai_prices import types as book

REFERENCE = Path(__file__).resolve().parent.parent / "seeds" / "reference"
PRICES = [
    "provider",
    "model",
    "meter",
    "service_tier",
    "context_over_tokens",
    "unit_price_usd",
    "daily_from",
    "daily_to",
    "known_from",
    "source",
    "valid_from",
    "valid_to",
]
METERS = {
    "input_mtok": "input",
    "cache_read_mtok": "cache_read",
    "cache_write_mtok": "cache_write_5m",
    "cache_write_1h_mtok": "cache_write_1h",
    "output_mtok": "output",
    "output_reasoning_mtok": "reasoning",
    "input_audio_mtok": "audio_input",
    "output_audio_mtok": "audio_output",
    "web_searches_kcount": "web_search",
    "requests_kcount": "request",
}
TIERS = {"default": "standard", "standard": "standard", "batch": "batch", "flex": "flex", "priority": "priority"}
FIRST_KNOWN = "2026-11-01"


def amount(value: Decimal) -> str:
    return format(value.normalize(), "f")


def meter_rows(prices: book.ModelPrice):
    """(meter, context_over_tokens, unit price) of one set of prices."""
    for name, meter in METERS.items():
        value = getattr(prices, name, None)
        unit = Decimal(10**6 if name.endswith("_mtok") else 10**3)
        if isinstance(value, book.TieredPrices):
            yield meter, 0, value.base / unit
            for tier in value.tiers:
                yield meter, tier.start, tier.price / unit
        elif value is not None:
            yield meter, 0, value / unit


def periods(prices) -> list[tuple[str, str, str, str, book.ModelPrice]]:
    """(valid_from, valid_to, daily_from, daily_to, prices): a dated price holds until the next dated one."""
    conditional = prices if isinstance(prices, list) else [book.ConditionalPrice(prices=prices)]
    dated = [item for item in conditional if not isinstance(item.constraint, book.TimeOfDateConstraint)]
    dated.sort(key=lambda item: str(item.constraint.start_date) if item.constraint else "")
    starts = [str(item.constraint.start_date) if item.constraint else "" for item in dated]
    ends = [*starts[1:], ""]
    found = [(start, end, "", "", item.prices) for item, start, end in zip(dated, starts, ends, strict=True)]
    for item in conditional:
        if isinstance(item.constraint, book.TimeOfDateConstraint):
            hours = (f"{item.constraint.start_time:%H:%M}", f"{item.constraint.end_time:%H:%M}")
            found.append(("", "", *hours, item.prices))
    return found


def patterns(match) -> list[str]:
    """SQL LIKE patterns of a match clause; regular expressions have none."""
    escape = str.maketrans({"%": "\\%", "_": "\\_"})
    match match:
        case book.ClauseEquals():
            return [match.equals.translate(escape)]
        case book.ClauseStartsWith():
            return [match.starts_with.translate(escape) + "%"]
        case book.ClauseEndsWith():
            return ["%" + match.ends_with.translate(escape)]
        case book.ClauseContains():
            return ["%" + match.contains.translate(escape) + "%"]
        case book.ClauseOr():
            return [pattern for clause in match.or_ for pattern in patterns(clause)]
        case book.ClauseAnd():
            return [pattern for clause in match.and_ for pattern in patterns(clause)][:1]
    return []


def main() -> None:
    source = f"genai-prices {version('genai-prices')}"
    prices, aliases = [], {}
    for provider in data.providers:
        for model in provider.models:
            for pattern in patterns(model.match):
                aliases.setdefault((provider.id, pattern.lower()), model.id)
            sets = [("standard", *period) for period in periods(model.prices)]
            for variant in model.price_variants or []:
                tier = TIERS.get(variant.when.get("service_tier") or variant.when.get("processing") or "")
                if tier and tier != "standard" and len(variant.when) == 1 and variant.constraint is None:
                    sets.append((tier, "", "", "", "", variant.prices))
            for tier, valid_from, valid_to, daily_from, daily_to, found in sets:
                rows = list(meter_rows(found))
                if not rows and model.id.endswith(":free"):
                    rows = [("input", 0, Decimal(0)), ("output", 0, Decimal(0))]
                for meter, over, unit in rows:
                    prices.append(
                        [
                            provider.id,
                            model.id,
                            meter,
                            tier,
                            over,
                            amount(unit),
                            daily_from,
                            daily_to,
                            FIRST_KNOWN if not valid_from else max(valid_from, FIRST_KNOWN),
                            source,
                            valid_from,
                            valid_to,
                        ]
                    )
    prices.sort(key=lambda row: [str(cell).zfill(12) if isinstance(cell, int) else cell for cell in row])
    write("model_prices.csv", PRICES, prices)
    rows = sorted([*key, model] for key, model in aliases.items())
    write("model_aliases.csv", ["provider", "pattern", "model"], rows)
    print(f"{len(prices):,} prices, {len(aliases):,} aliases from {source} in {REFERENCE}", file=sys.stderr)


def write(name: str, header: list[str], rows: list[list]) -> None:
    with (REFERENCE / name).open("w", newline="", encoding="utf-8") as target:
        writer = csv.writer(target, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


if __name__ == "__main__":
    main()
