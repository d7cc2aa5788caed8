"""The bill is the truth: one dollar in several files is one dollar, whatever the files' overlaps, gaps and ends."""

import random
from collections import defaultdict
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial

import pytest
from conftest import run_build
from exports import (
    ANTHROPIC_COSTS,
    ANTHROPIC_TOKENS,
    COSTS,
    FOCUS,
    FX,
    LITELLM,
    USAGE,
    batch,
    bucket,
    calls,
    chat,
    company,
    cost,
    focus,
    treated,
    write,
)

import build as build_script

PACIFIC = "billing_time_zones: {openai: America/Los_Angeles}"


def reconciled(built, *columns: str, where: str = "true") -> list[tuple]:
    picked = ", ".join(columns)
    return built.rows(f"select {picked} from marts.invoice_reconciliation_daily where {where} order by usage_on, meter")


def test_openai_usage_costs_and_gateway_are_one_bill(build, tmp_path):
    """Costs of the 1st and 2nd, the 2nd revised by a later download; usage to the 3rd; LiteLLM saw it all."""
    inbox = tmp_path / "inbox"
    write(inbox / "costs_2026-10-02.csv", COSTS, [cost(1, "0.60"), cost(2, "9.99"), bucket(3)])
    write(inbox / "costs_2026-10-05.csv", COSTS, [cost(2, "0.30"), cost(2, "-0.10", "credit"), bucket(3)])
    use = {"model": "gpt-4o-mini-2024-07-18", "num_model_requests": "1.0", "input_cached_tokens": "0.0"}
    write(
        inbox / "usage.csv",
        USAGE,
        [bucket(day, input_tokens=tokens, output_tokens="0.0", **use) for day, tokens in
         ((1, "4000000.0"), (2, "2000000.0"), (5, "3000000.0"))] + [bucket(4)],
    )  # fmt: skip
    write(
        inbox / "litellm.csv",
        LITELLM,
        [{"date": f"2026-10-0{day}", "model": "gpt-4o-mini", "custom_llm_provider": "openai", "spend": "7.5",
          "successful_requests": 3} for day in (1, 2, 3)],
    )  # fmt: skip
    (inbox / "spans.jsonl").write_text(calls("openai", "gpt-4o-mini", [1.5, 2.5, 3.5, 5.5], (1_000_000, 0)))
    built = build(inbox, company(tmp_path))
    assert built.code == 0, built.output
    assert treated(built) == {
        "call": Decimal("0.90"), "invoice_only": Decimal("-0.10"), "superseded": Decimal("9.99"),
        "gateway": Decimal("22.5"),
    }  # fmt: skip
    # The 1st: 4M billed (by the usage file) for 0.60, 1M traced, 0.15 a million in both.
    assert reconciled(
        built, "usage_on", "billed_usd", "attributed_usd", "untraced_usd", "billed_quantity", "traced_quantity",
        where="meter is not null",
    ) == [
        (date(2026, 10, 1), Decimal("0.60"), Decimal("0.15"), Decimal("0.45"), 4_000_000, 1_000_000),
        (date(2026, 10, 2), Decimal("0.30"), Decimal("0.15"), Decimal("0.15"), 2_000_000, 1_000_000),
    ]  # fmt: skip
    # The bill is silent about the 3rd, but that bucket may still grow; the 5th has usage and no bill: both accrue.
    assert built.rows(
        "select started_on, basis, attributed_usd from marts.attributed_calls order by started_at"
    ) == [(date(2026, 10, 1), "billed", Decimal("0.15")), (date(2026, 10, 2), "billed", Decimal("0.15")),
          (date(2026, 10, 3), "accrued", Decimal("0.15")), (date(2026, 10, 5), "accrued", Decimal("0.15"))]  # fmt: skip
    assert built.rows(
        "select incurred_on, basis, sum(amount_usd) from marts.ledger_entries"
        " where feature_id = 'untraced' and account = 'ai_cost' group by all order by all"
    ) == [
        (date(2026, 10, 1), "billed", Decimal("0.45")),
        (date(2026, 10, 2), "billed", Decimal("0.15")),
        (date(2026, 10, 5), "accrued", Decimal("0.30")),
    ]


def test_anthropic_cents_are_rounding_not_a_price_gap(build, tmp_path):
    """Rows rounded to cents, beside the tokens that tell what they were; a display name meets a dated id."""
    inbox = tmp_path / "inbox"
    row = {"workspace": "Default", "api_key": "prod", "usage_type": "message", "context_window": "≤ 200k",
           "cost_type": "tokens"}  # fmt: skip
    days = [{**row, "usage_date_utc": f"2026-10-0{day}", "model": "Claude Haiku 3.5"} for day in (1, 2)]
    write(
        inbox / "cost.csv",
        ANTHROPIC_COSTS,
        [
            {**days[0], "token_type": "input_no_cache", "cost_usd": "0.01"},
            {**days[0], "token_type": "output", "cost_usd": "0.00"},
            {**days[1], "token_type": "input_no_cache", "cost_usd": "0.02"},
        ],
    )
    tokens = {"model_version": "claude-3-5-haiku-20241022", **{key: row[key] for key in list(row)[:4]}}
    write(
        inbox / "tokens.csv",
        ANTHROPIC_TOKENS,
        [
            {
                **tokens,
                "usage_date_utc": "2026-10-01",
                "usage_input_tokens_no_cache": 10_000,
                "usage_output_tokens": 1000,
            },
            {**tokens, "usage_date_utc": "2026-10-02", "usage_input_tokens_no_cache": 20_000, "usage_output_tokens": 0},
        ],
    )
    (inbox / "spans.jsonl").write_text(
        calls("anthropic", "claude-3-5-haiku-20241022", [1.5], (10_000, 1000))
        + calls("anthropic", "claude-3-5-haiku-latest", [2.5], (10_000, 0)).replace('"traceId": "0', '"traceId": "a')
    )
    built = build(inbox, company(tmp_path))
    assert built.code == 0, built.output
    assert reconciled(
        built, "usage_on", "meter", "billed_usd", "attributed_usd", "rounding_usd", "untraced_usd", "price_gap_usd"
    ) == [
        (date(2026, 10, 1), "input", Decimal("0.01"), Decimal("0.008"), Decimal("0.002"), 0, 0),
        (date(2026, 10, 1), "output", 0, Decimal("0.004"), Decimal("-0.004"), 0, 0),
        (date(2026, 10, 2), "input", Decimal("0.02"), Decimal("0.008"), Decimal("0.004"), Decimal("0.008"), 0),
    ]


def test_the_account_a_service_runs_in_is_no_account_of_the_vendor(build, tmp_path):
    """Resource detectors put the cloud's account on every span; OpenAI's bill names its own organisation."""
    inbox = tmp_path / "inbox"
    write(inbox / "costs.csv", COSTS, [cost(1, "0.15", quantity="1000000.0"), bucket(2)])
    (inbox / "spans.jsonl").write_text(calls("openai", "gpt-4o-mini", [1.5], (1_000_000, 0), cloud__account__id="1234"))
    built = build(inbox, company(tmp_path))
    assert built.code == 0, built.output
    assert built.rows("select basis, billed_usd from marts.attributed_calls") == [("billed", Decimal("0.15"))]


def test_invoices_tie_out(build, tmp_path):
    """USD with tax and a cent of rounding, EUR at another day's rate, a credit note, and money nobody can explain."""
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    usd = {"ProviderName": "Mistral", "ServiceName": "Mistral API", "SkuMeter": "x Tokens"}
    lines = [focus(3, "100.004", **usd), focus(4, "-10", **{**usd, "ChargeCategory": "Credit"})]
    eur = {**usd, "ProviderName": "Cohere", "ServiceName": "Cohere", "BillingCurrency": "EUR"}
    write(inbox / "focus.csv", FOCUS, [*lines, focus(3, "50", **eur)])
    (inbox / "invoices.csv").write_text(
        "invoice_id,provider,account_id,period_start,period_end,issued_on,amount,currency,tax,credit_of\n"
        "M-1,mistral,acct,2026-10-01,2026-10-31,2026-11-01,119.00,USD,19.00,\n"
        "M-2,mistral,acct,2026-10-01,2026-10-31,2026-11-05,-10.00,USD,0,M-1\n"
        "C-1,cohere,acct,2026-10-01,2026-11-01,2026-11-02,57.00,EUR,0,\n"
    )
    rates = FX + "EUR,2026-10-01,1.10,ECB\nEUR,2026-11-01,1.20,ECB\n"
    built = build(inbox, company(tmp_path, fx_rates=rates))
    assert built.code == 0, built.output
    query = (
        "select invoice_id, invoice_usd, charges_usd, tax_usd, credit_usd, fx_usd, rounding_usd, unexplained_usd"
        " from marts.invoice_tie_out_monthly order by 1"
    )
    assert [tuple(str(cell.normalize() + 0) if isinstance(cell, Decimal) else cell for cell in row)
            for row in built.rows(query)] == [
        ("C-1", "68.4", "55", "0", "0", "5", "0", "8.4"),
        ("M-1", "119", "100.004", "19", "0", "0", "-0.004", "0"),
        ("M-2", "-10", "0", "0", "-10", "0", "0", "0"),
    ]  # fmt: skip


def test_a_currency_without_a_rate_fails_by_name(build, tmp_path):
    inbox = tmp_path / "inbox"
    yen = {"ProviderName": "Mistral", "ServiceName": "Mistral API", "BillingCurrency": "JPY"}
    write(inbox / "focus.csv", FOCUS, [focus(3, "100", **yen)])
    built = build(inbox, company(tmp_path))
    assert built.code == 1
    assert "charges_have_rates" in built.output


def test_calls_before_midnight_meet_the_next_days_bucket(build, tmp_path):
    inbox = tmp_path / "inbox"
    write(
        inbox / "costs.csv",
        COSTS,
        [bucket(1), cost(2, "0.15", quantity="1000000.0"), bucket(3), bucket(4)],
    )
    (inbox / "spans.jsonl").write_text(calls("openai", "gpt-4o-mini", [1.999], (1_000_000, 0)))
    built = build(inbox, company(tmp_path))
    assert built.code == 0, built.output
    assert built.rows("select match_level, billed_usd from marts.attributed_calls") == [
        ("adjacent_day", Decimal("0.15"))
    ]
    assert reconciled(built, "usage_on", "billed_usd", "priced_usd", "timing_gap_usd", "untraced_usd") == [
        (date(2026, 10, 1), 0, Decimal("0.15"), Decimal("-0.15"), 0),
        (date(2026, 10, 2), Decimal("0.15"), 0, Decimal("0.15"), 0),
    ]


@pytest.mark.parametrize("spans_at_once", ["1", "10000000"])
def test_a_day_in_los_angeles_ends_at_seven_in_utc(tmp_path, monkeypatch, spans_at_once):
    """Calls of noon and, in UTC, of the next day's night are one billing day's; also where each day is a slice."""
    monkeypatch.setattr(build_script, "dbt", partial(build_script.dbt, selection=("--vars", PACIFIC)))
    inbox = tmp_path / "inbox"
    lines = [cost(1, "0.15", quantity="1000000.0"), bucket(2)]
    for line in lines:
        line["start_time"], line["end_time"] = line["start_time"] + 7 * 3600, line["end_time"] + 7 * 3600
    write(inbox / "costs.csv", COSTS, lines)
    (inbox / "spans.jsonl").write_text(calls("openai", "gpt-4o-mini", [1.5, 2 + 3 / 24], (500_000, 0)))
    built = run_build(inbox, tmp_path / "data", company(tmp_path), SPANS_PER_WALK=spans_at_once)
    assert built.code == 0, built.output
    assert built.rows("select started_at::varchar, match_level, billed_usd from marts.attributed_calls order by 1") == [
        ("2026-10-01 12:00:00", "account_day_model_meter", Decimal("0.075")),
        ("2026-10-02 03:00:00", "account_day_model_meter", Decimal("0.075")),
    ]
    assert reconciled(built, "usage_on", "billed_usd", "timing_gap_usd", "untraced_usd") == [
        (date(2026, 10, 1), Decimal("0.15"), 0, 0)
    ]


def test_keys_part_what_the_account_would_mix(build, tmp_path):
    """Two keys of one model, both sides know them: each key's calls pay their own price. A key that the day's bill
    does not list is not billed yet; a text that is no key of the provider's is taken for none."""
    inbox = tmp_path / "inbox"
    write(
        inbox / "costs.csv",
        COSTS,
        [
            cost(1, "0.30", quantity="1000000.0", api_key_id="key_1"),
            cost(1, "0.10", quantity="1000000.0", api_key_id="key_2"),
            bucket(2),
        ],
    )
    spans = calls("openai", "gpt-4o-mini", [1.1], (1_000_000, 0), gen_ai__request__api_key_id="key_1")
    for number, (trace, key) in enumerate((("b", "key_2"), ("c", "key_3"), ("d", "a gateway's")), 2):
        spans += calls(
            "openai", "gpt-4o-mini", [1 + number / 10], (1_000_000, 0), gen_ai__request__api_key_id=key
        ).replace('"traceId": "0', f'"traceId": "{trace}')
    (inbox / "spans.jsonl").write_text(spans)
    built = build(inbox, company(tmp_path))
    assert built.code == 0, built.output
    assert built.rows("select basis, match_level, attributed_usd from marts.attributed_calls order by started_at") == [
        ("billed", "key_day_model_meter", Decimal("0.30")),
        ("billed", "key_day_model_meter", Decimal("0.10")),
        ("accrued", "none", Decimal("0.15")),
        ("billed", "none", 0),
    ]


def test_any_charges_and_calls_reconcile(build, tmp_path):
    """Random groups in one build: no quantity, negative, nothing traced, nothing billed; against a reference in Python.

    The identities are the build's own tests. Days lie two apart for one model, side by side for the other.
    """
    rng, inbox = random.Random(7), tmp_path / "inbox"
    charges, traced, spans = [], defaultdict(int), []
    for day in range(1, 29):
        for model in ("gpt-4o-mini", "gpt-4.1-nano") if day % 2 else ("gpt-4.1-nano",):
            for meter in ("input", "output"):
                for _ in range(rng.choice([0, 1, 1, 2])):
                    amount = Decimal(rng.choice([0, 1, -1, 3, 10**6])) * rng.randint(0, 10**6) / 10**9
                    quantity = rng.choice(["", "0", "1.0", *[str(rng.randint(1, 3 * 10**5)) for _ in range(4)]])
                    charges.append(cost(day, str(amount), f"{model}, {meter}", quantity=quantity))
        charges.append(bucket(day))
        for model in ("gpt-4o-mini", "gpt-4.1-nano")[day % 2 == 0 :]:
            for number in range(rng.choice([0, 1, 3])):
                sent, received = rng.randint(0, 10**5), rng.randint(0, 10**5)
                traced[day, model, "input"] += sent
                traced[day, model, "output"] += received
                values = {"gen_ai__provider__name": "openai", "gen_ai__request__model": model,
                          "gen_ai__usage__input_tokens": sent, "gen_ai__usage__output_tokens": received}  # fmt: skip
                spans.append(chat(len(spans) + 1, 1, None, (day - 5) * 86400 + 3600 + number, None, **values))
    charges.append(bucket(29))
    write(inbox / "costs.csv", COSTS, charges)
    (inbox / "spans.jsonl").write_text(batch(spans))
    built = build(inbox, company(tmp_path))
    assert built.code == 0, built.output
    groups = defaultdict(lambda: [Decimal(0), 0, 0])
    for row in charges:
        if "line_item" in row:
            model, meter = row["line_item"].split(", ")
            group = groups[datetime.fromtimestamp(row["start_time"], UTC).day, model, meter]
            group[0] += Decimal(row["amount_value"])
            group[1] += int(float(row["quantity"] or 0))
            group[2] += 1
    found = {
        (on.day, model, meter): (billed, attributed)
        for on, model, meter, billed, attributed in reconciled(
            built, "usage_on", "model", "meter", "billed_usd", "attributed_usd"
        )
    }
    assert sum(billed for billed, _ in found.values()) == sum(group[0] for group in groups.values())
    checked = 0
    for (day, model, meter), (billed, quantity, _) in groups.items():
        seen = traced[day, model, meter]
        if model != "gpt-4o-mini" or quantity == 0 or (billed == 0 and seen == 0):
            continue
        part = billed if quantity <= seen else billed * seen / quantity
        assert abs(found[day, model, meter][1] - part) <= Decimal("1e-12"), (day, model, meter)
        checked += 1
    assert checked > 10
    assert built.rows("select count(*) from marts.attributed_calls") == [(len(spans),)]
