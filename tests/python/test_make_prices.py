"""`make prices`: what a newer book changes in the seeds, and that they are what the locked one says."""

import re

import make_prices


def row_of(price: str, **columns: str) -> dict[str, str]:
    row = dict.fromkeys(make_prices.PRICES, "") | {"provider": "p", "model": "m", "meter": "input"}
    row |= {"service_tier": "standard", "context_over_tokens": "0", "source": "genai-prices 1"}
    return row | {"unit_price_usd": price} | columns


def told(rows: list[dict]) -> list[tuple]:
    names = ("model", "meter", "unit_price_usd", "valid_from", "valid_to", "known_from")
    return sorted(tuple(row[name] for name in names) for row in rows)


def test_a_newer_book_keeps_what_was_said():
    old = [
        row_of("5"),
        row_of("9", meter="output"),
        row_of("1", meter="web_search"),
        row_of("3", model="left"),
        row_of("7", model="ours", source="contract 12"),
    ]
    newer = [
        row_of("4", source="genai-prices 2"),
        row_of("9", meter="output", valid_to="2026-12-01", known_from="2026-12-01", source="genai-prices 2"),
        row_of("8", meter="output", valid_from="2026-12-01", known_from="2026-12-01", source="genai-prices 2"),
        row_of("2", model="new", source="genai-prices 2"),
    ]
    assert make_prices.merged([], newer, "2026-11-23") == newer
    merged = make_prices.merged(old, newer, "2026-11-23")
    assert told(merged) == sorted([
        *told(old),
        ("m", "input", "4", "", "", "2026-11-23"),
        ("m", "output", "9", "", "2026-12-01", "2026-11-23"),
        ("m", "output", "8", "2026-12-01", "", "2026-11-23"),
        ("m", "web_search", "", "", "", "2026-11-23"),
        ("new", "input", "2", "", "", "2026-11-23"),
    ])  # fmt: skip
    assert told(make_prices.merged(merged, newer, "2026-12-24")) == told(merged)
    back = make_prices.merged(merged, [row_of("5"), *newer[1:]], "2026-12-24")
    assert [row for row in told(back) if row[:2] == ("m", "input")] == [
        ("m", "input", "4", "", "", "2026-11-23"),
        ("m", "input", "5", "", "", ""),
        ("m", "input", "5", "", "", "2026-12-24"),
    ]  # fmt: skip


def test_the_seeds_are_what_the_locked_book_says():
    """Running it again changes nothing, and nothing is rounded when it is loaded."""
    rows = make_prices.read(make_prices.REFERENCE / "model_prices.csv")
    said, aliases = make_prices.read_book(
        make_prices.data.providers, rows[0]["source"], "2026-11-23", make_prices.Dropped()
    )
    assert make_prices.merged(rows, said, "2099-01-01") == rows
    assert len(aliases) == len(make_prices.read(make_prices.REFERENCE / "model_aliases.csv"))
    assert all(re.fullmatch(r"\d{1,6}(\.\d{1,12})?", row["unit_price_usd"] or "0") for row in rows)
