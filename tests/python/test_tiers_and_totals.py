"""A charge meets the calls of its tier and prompt length; a day's total meets all that nobody itemised, in dollars."""

import random
from collections import defaultdict
from datetime import date
from decimal import Decimal

import pytest
from conftest import run_build
from exports import (
    ANTHROPIC_COSTS,
    ANTHROPIC_TOKENS,
    COSTS,
    USAGE,
    batch,
    bucket,
    chat,
    company,
    cost,
    write,
)

MILLION = 1_000_000
MINI, NANO, HAIKU, SONNET = "gpt-4o-mini", "gpt-4.1-nano", "claude-haiku-4-5", "claude-sonnet-4-5"
KEYS = "provider,account_id,api_key,owner_team_id,feature_id,valid_from,valid_to\nopenai,,,platform,,,\n"
RANDOM_DAYS = range(12, 31)


class World:
    """Files of one company: bills and usage by day of October 2026, and calls by name."""

    def __init__(self):
        self.costs, self.usage, self.claude_costs, self.claude_usage = [], [], [], []
        self.spans, self.names = [], {}

    def call(self, name: str, day: int, model: str, tokens: int, hour: float = 12, **values) -> None:
        provider = "anthropic" if model.startswith("claude") else "openai"
        number = len(self.spans) + 1
        self.names[f"{number:032x}"] = name
        self.spans.append(
            chat(
                number, 1, None, (day - 5) * 86400 + hour * 3600, None, gen_ai__provider__name=provider,
                gen_ai__request__model=model, gen_ai__usage__input_tokens=tokens, gen_ai__usage__output_tokens=0,
                **values,
            )
        )  # fmt: skip

    def total(self, day: int, amount: str, **values) -> None:
        self.costs.append(cost(day, amount, "", **values))

    def claude(self, day: int, usage_type: str, tokens: int, dollars: str, window: str = "≤ 200k", model=HAIKU) -> None:
        row = {"usage_date_utc": f"2026-10-{day:02}", "workspace": "Default", "api_key": "key",
               "usage_type": usage_type, "context_window": window}  # fmt: skip
        self.claude_costs.append(
            {**row, "model": model, "token_type": "input_no_cache", "cost_usd": dollars, "cost_type": "tokens"}
        )
        self.claude_usage.append(
            {**row, "model_version": model, "usage_input_tokens_no_cache": tokens, "usage_output_tokens": 0}
        )

    def write(self, inbox) -> None:
        write(inbox / "costs.csv", COSTS, self.costs)
        write(inbox / "usage.csv", USAGE, self.usage)
        write(inbox / "claude_costs.csv", ANTHROPIC_COSTS, self.claude_costs)
        write(inbox / "claude_tokens.csv", ANTHROPIC_TOKENS, self.claude_usage)
        (inbox / "spans.jsonl").write_text(batch(self.spans))


def tier(name: str | None) -> dict:
    return {"gen_ai__response__service_tier": name} if name else {}


def totals(world: World) -> None:
    world.total(1, "0.75")
    world.call("a fifth", 1, MINI, MILLION)
    world.total(2, "0.15")
    world.call("half, one", 2, MINI, MILLION)
    world.call("half, two", 2, MINI, 3 * MILLION)
    world.total(3, "0.90")
    for model, tokens in ((MINI, 2 * MILLION), (NANO, 3 * MILLION)):
        world.usage.append(bucket(3, model=model, input_tokens=tokens, output_tokens=0, input_cached_tokens=0,
                                  num_model_requests=1))  # fmt: skip
    world.call("counted", 3, MINI, MILLION)
    world.call("not counted", 3, "gpt-4o", MILLION)
    world.costs.append(cost(4, "0.15", f"{MINI}, input", quantity="1000000"))
    world.total(4, "0.25")
    world.call("itemised", 4, MINI, MILLION)
    world.call("remaining", 4, NANO, MILLION)
    world.total(5, "0.30")
    world.call("priced", 5, MINI, MILLION)
    world.call("unpriced beside", 5, "house-model-x", 1000)
    world.total(6, "0.40")
    world.call("unpriced, one", 6, "house-model-x", 1000)
    world.call("unpriced, two", 6, "house-model-x", 3000)
    world.total(7, "-0.50")
    world.call("beside a credit", 7, MINI, MILLION)
    for key, amount in (("k1", "0.30"), ("k2", "0.05")):
        world.total(8, amount, api_key_id=key)
        world.call(key, 8, MINI, MILLION, gen_ai__request__api_key_id=key)
    world.total(9, "0.15")
    world.usage.append(bucket(9, model=MINI, input_tokens=MILLION, output_tokens=0, input_cached_tokens=0,
                              num_model_requests=1))  # fmt: skip
    world.usage.append(bucket(10, model=MINI, input_tokens=MILLION, output_tokens=0, input_cached_tokens=0,
                              num_model_requests=1))  # fmt: skip
    world.call("newest, counted", 9, MINI, MILLION)
    world.call("newest, not counted", 9, NANO, MILLION)


def tiers(world: World) -> None:
    world.claude(1, "message", MILLION, "1.00")
    world.claude(1, "batch", MILLION, "0.50")
    world.call("standard", 1, HAIKU, MILLION, **tier("standard"))
    world.call("batch", 1, HAIKU, MILLION, **tier("batch"))
    world.claude(2, "message", 2 * MILLION, "2.00")
    world.claude(2, "batch", MILLION, "0.50")
    world.call("batch first", 2, HAIKU, MILLION, **tier("batch"))
    world.call("left, one", 2, HAIKU, MILLION)
    world.call("left, two", 2, HAIKU, MILLION)
    world.claude(10, "message", MILLION, "1.00")
    world.claude(10, "batch", MILLION, "0.50")
    world.call("of both", 10, HAIKU, MILLION)
    world.claude(4, "message", MILLION, "1.00")
    world.claude(4, "batch", MILLION, "0.50")
    world.call("sure", 4, HAIKU, MILLION, **tier("standard"))
    world.call("more than left", 4, HAIKU, 4 * MILLION)
    world.claude(5, "message", 300_000, "0.90", model=SONNET)
    world.claude(5, "message", 300_000, "1.80", "> 200k", model=SONNET)
    world.call("short", 5, SONNET, 100_000)
    world.call("long", 5, SONNET, 300_000)
    world.claude(6, "message", MILLION, "1.00")
    world.claude_usage.append({**world.claude_usage[-1], "usage_type": "priority"})
    world.call("beside priority", 6, HAIKU, MILLION, **tier("standard"))
    world.call("priority", 6, HAIKU, MILLION, **tier("priority"))
    world.call("before midnight", 8, HAIKU, MILLION, hour=23.99)
    world.claude(9, "message", MILLION, "1.00")


def randomly(world: World) -> dict:
    """Days of charges by tier and of calls that state theirs, or not; what each tier charges and its calls used."""
    rng, days = random.Random(11), {}
    for day in RANDOM_DAYS[::2]:
        charged = {name: rng.choice([0, rng.randint(1, 10**6), rng.randint(1, 10**5)]) for name in ("message", "batch")}
        for name, tokens in charged.items():
            if tokens:
                world.claude(day, name, tokens, str(Decimal(rng.randint(100, 10**6)) / 1000))
        used = defaultdict(int)
        for number in range(rng.randint(0, 5)):
            said, tokens = rng.choice([None, "standard", "batch"]), rng.randint(1, 150_000)
            world.call(f"{day}/{number}/{said}", day, HAIKU, tokens, **tier(said))
            used[said] += tokens
        days[day] = (charged, used)
    return days


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder, world = tmp_path_factory.mktemp("tiers"), World()
    totals(world)
    tiers(world)
    days = randomly(world)
    world.claude(31, "message", 1, "0.00")
    world.write(folder / "inbox")
    made = run_build(folder / "inbox", folder / "data", company(folder, api_keys=KEYS))
    assert made.code == 0, made.output
    made.names, made.days, made.world = world.names, days, world
    return made


@pytest.fixture(scope="module")
def calls(built):
    query = "select trace_id, billed_usd, basis, match_level from marts.attributed_calls"
    return {built.names[trace]: tuple(row) for trace, *row in built.rows(query)}


def of_day(built, day: int, provider: str, *columns: str) -> list[tuple]:
    return built.rows(
        f"select {', '.join(columns)} from marts.invoice_reconciliation_daily"
        f" where usage_on = date '2026-10-{day:02}' and provider = '{provider}' order by all"
    )


def test_a_total_of_five_times_its_calls_is_untraced_beyond_their_book_price(built, calls):
    assert calls["a fifth"] == (Decimal("0.15"), "billed", "account_day")
    assert of_day(built, 1, "openai", "model", "meter", "attributed_usd", "untraced_usd", "invoice_only_usd",
                  "price_gap_usd") == [(None, "total", Decimal("0.15"), Decimal("0.60"), 0, 0)]  # fmt: skip


def test_a_total_below_its_calls_scales_them_down(built, calls):
    assert calls["half, one"][:2] == (Decimal("0.0375"), "billed")
    assert calls["half, two"][:2] == (Decimal("0.1125"), "billed")
    assert of_day(built, 2, "openai", "untraced_usd", "overtraced_usd", "price_gap_usd") == [(0, 0, Decimal("-0.45"))]


def test_a_usage_file_parts_a_total_by_book_price(built, calls):
    """0.90 for what the book prices at 0.30 each: 0.45 a model, of which one call used half of one model's tokens."""
    assert calls["counted"] == (Decimal("0.225"), "billed", "account_day_model_meter")
    assert calls["not counted"] == (0, "billed", "none")
    assert of_day(built, 3, "openai", "model", "meter", "billed_usd", "attributed_usd", "untraced_usd",
                  "billed_quantity") == [
        (NANO, "input", Decimal("0.45"), 0, Decimal("0.45"), 3 * MILLION),
        ("gpt-4o", "input", 0, 0, 0, 0),
        (MINI, "input", Decimal("0.45"), Decimal("0.225"), Decimal("0.225"), 2 * MILLION),
    ]  # fmt: skip


def test_beside_charges_of_models_a_total_is_what_remains(calls):
    assert calls["itemised"][0] == Decimal("0.15")
    assert calls["remaining"] == (Decimal("0.10"), "billed", "account_day")


def test_calls_without_a_price_take_a_total_only_where_none_has_one(built, calls):
    assert calls["priced"][0] == Decimal("0.15")
    assert calls["unpriced beside"][:2] == (0, "billed")
    assert of_day(built, 5, "openai", "untraced_usd", "unpriced_calls") == [(Decimal("0.15"), 0)]
    assert calls["unpriced, one"][0] == Decimal("0.10")
    assert calls["unpriced, two"][0] == Decimal("0.30")


def test_a_negative_total_is_a_credit(built, calls):
    assert calls["beside a credit"] == (0, "billed", "none")
    assert of_day(built, 7, "openai", "meter", "credit_usd") == [("input", 0), (None, Decimal("-0.50"))]


def test_totals_of_keys_meet_their_calls(calls):
    assert calls["k1"] == (Decimal("0.15"), "billed", "key_day")
    assert calls["k2"] == (Decimal("0.05"), "billed", "key_day")


def test_nothing_of_a_total_accrues_again_in_the_newest_bucket(built, calls):
    assert calls["newest, counted"][:2] == (Decimal("0.15"), "billed")
    assert calls["newest, not counted"][:2] == (0, "billed")
    assert built.rows(
        "select incurred_on, basis, sum(amount_usd) from marts.ledger_entries where account = 'ai_cost'"
        " and provider = 'openai' and incurred_on >= date '2026-10-09' group by all order by all"
    ) == [(date(2026, 10, 9), "billed", Decimal("0.15")), (date(2026, 10, 10), "accrued", Decimal("0.15"))]


def test_tiers_part_charges_and_calls(calls):
    assert calls["standard"] == (Decimal("1.00"), "billed", "account_day_model_meter_tier")
    assert calls["batch"] == (Decimal("0.50"), "billed", "account_day_model_meter_tier")


def test_calls_of_unknown_tier_take_what_the_stated_ones_leave(built, calls):
    assert calls["batch first"][0] == Decimal("0.50")
    assert [calls["left, one"][0], calls["left, two"][0]] == [Decimal("1.00"), Decimal("1.00")]
    assert calls["left, one"][2] == "account_day_model_meter"
    # Half of each charge's tokens.
    assert calls["of both"][0] == Decimal("0.75")
    assert calls["sure"][0] == Decimal("1.00")
    assert calls["more than left"][0] == Decimal("0.50")
    assert of_day(built, 4, "anthropic", "overtraced_usd", "untraced_usd") == [(Decimal("-3.00"), 0)]


def test_a_long_prompt_meets_the_charge_of_long_prompts(calls):
    assert calls["short"][0] == Decimal("0.30")
    assert calls["long"][0] == Decimal("1.80")


def test_usage_of_one_tier_explains_no_charge_of_another(built, calls):
    assert calls["beside priority"][0] == Decimal("1.00")
    assert calls["priority"] == (0, "billed", "none")
    assert of_day(built, 6, "anthropic", "billed_quantity", "price_gap_usd") == [(MILLION, 0)]


def test_before_midnight_an_unknown_tier_meets_the_next_days_charge(calls):
    assert calls["before midnight"] == (Decimal("1.00"), "billed", "adjacent_day")


def test_any_tiers_give_what_their_calls_used_and_leave_the_rest_to_the_unknown(built):
    """What calls take in all, and what each stated tier's calls take, against the rule in Python."""
    taken, checked = defaultdict(Decimal), 0
    for trace, billed in built.rows("select trace_id, billed_usd from marts.attributed_calls"):
        if built.names[trace].count("/") == 2:
            day, _, said = built.names[trace].split("/")
            taken[int(day), said] += billed
    costs = {(on.day, price_tier): (usd, quantity) for on, price_tier, usd, quantity in built.rows(
        "select charged_on, price_tier, sum(billed_usd), max(quantity) from intermediate.int_charges"
        " where provider = 'anthropic' group by all"
    )}  # fmt: skip
    for day, (charged, used) in built.days.items():
        left, money_left, known = Decimal(0), [], {}
        for name, tokens in charged.items():
            said = "standard" if name == "message" else name
            if tokens:
                usd = costs[day, said][0]
                known[said] = usd * min(used[said], tokens) / tokens
                left += tokens - min(used[said], tokens)
                money_left.append((tokens - min(used[said], tokens), usd / tokens))
                checked += 1
            assert abs(taken[day, said] - known.get(said, 0)) < Decimal("1e-9"), (day, said)
        share = min(Decimal(1), used[None] / left) if left else 0
        unknown = sum(tokens * price for tokens, price in money_left) * share
        assert abs(taken[day, "None"] - unknown) < Decimal("0.01"), day
    assert checked > 6


def test_in_several_builds_it_comes_out_the_same(built, tmp_path):
    """Costs and every second call first; then the other calls and OpenAI's usage; then Anthropic's usage."""
    inbox, later, seeds = tmp_path / "inbox", tmp_path / "later", company(tmp_path, api_keys=KEYS)
    built.world.write(later)
    inbox.mkdir()
    for step, names in enumerate((("costs.csv", "claude_costs.csv"), ("usage.csv",), ("claude_tokens.csv",))):
        for name in names:
            (later / name).rename(inbox / name)
        if step < 2:
            (inbox / f"spans{step}.jsonl").write_text(batch(built.world.spans[step::2]))
        made = run_build(inbox, tmp_path / "data", seeds)
        assert made.code == 0, made.output
    for query in (
        "select call_id, billed_usd, attributed_usd, basis, match_level from marts.attributed_calls order by all",
        "select * from marts.invoice_reconciliation_daily order by all",
        "select incurred_on, account, team_id, feature_id, sum(amount_usd) from marts.ledger_entries"
        " group by all order by all",
    ):
        assert made.rows(query) == built.rows(query)
