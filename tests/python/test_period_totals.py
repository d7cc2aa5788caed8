"""A total over several days is of what was used on them: what each day's use costs by the book, and the rest evenly."""

from decimal import Decimal

import pytest
from conftest import run_build
from exports import USAGE, batch, bucket, chat, company, write

MILLION = 1_000_000
MINI, HAIKU = "gpt-4o-mini", "claude-haiku-4-5"
KEYS = "provider,account_id,api_key,owner_team_id,feature_id,valid_from,valid_to\n,,,platform,,,\n"
CHARGES = "provider,account_id,period_start,period_end,model,service,meter,quantity,amount,currency"
INVOICES = "invoice_id,provider,account_id,period_start,period_end,issued_on,amount,tax,currency,credit_of"
COUNTED = {"output_tokens": 0, "input_cached_tokens": 0, "num_model_requests": 1}


def called(number: int, provider: str, model: str, day: int, tokens: int) -> dict:
    return chat(
        number, 1, None, (day - 5) * 86400 + 43200, None, gen_ai__provider__name=provider,
        gen_ai__request__model=model, gen_ai__usage__input_tokens=tokens, gen_ai__usage__output_tokens=0,
    )  # fmt: skip


def total(provider: str, first: int, last: int, amount: str) -> dict:
    days = {"period_start": f"2026-10-{first:02}", "period_end": f"2026-10-{last:02}"}
    return {"provider": provider, "account_id": "a", "amount": amount, "currency": "USD", **days}


CALLS = [
    called(1, "openai", MINI, 2, 2 * MILLION),
    called(2, "openai", MINI, 9, 10 * MILLION),
    called(3, "anthropic", HAIKU, 3, MILLION),
    called(4, "anthropic", HAIKU, 7, 3 * MILLION),
    called(5, "openai", MINI, 20, MILLION),
    called(6, "openai", MINI, 22, MILLION),
    called(7, "groq", "llama-3.3-70b-versatile", 5, MILLION),
]


def invoice(name: str, provider: str, amount: str, tax: str = "", account: str = "Acme Inc.", **values) -> dict:
    period = {"period_start": "2026-10-01", "period_end": "2026-10-31", "issued_on": "2026-11-02"}
    return {"invoice_id": name, "provider": provider, "account_id": account, "amount": amount, "tax": tax,
            "currency": "USD", **period, **values}  # fmt: skip


def write_bills(inbox) -> None:
    """Invoices of a bill's account by another name, of who bills nothing else (two, and a credit note), of a cloud."""
    write(inbox / "invoices.csv", INVOICES, [
        invoice("O-1", "openai", "5.10"), invoice("G-1", "groq", "4.00", "0.90"),
        invoice("G-0", "groq", "-0.50", credit_of="G-1"), invoice("W-1", "aws", "2000"),
    ])  # fmt: skip
    write(inbox / "invoices_2.csv", INVOICES, [invoice("G-2", "groq", "3.00"), invoice("G-2", "Groq, Inc.", "3.00")])
    before = {"period_start": "2026-09-01", "period_end": "2026-09-30", "issued_on": "2026-10-02"}
    write(inbox / "invoices_9.csv", INVOICES, [invoice("O-9", "openai", "2.00", **before)])
    write(inbox / "charges.csv", CHARGES, [
        total("openai", 1, 10, "4.80"), total("openai", 20, 22, "0.30"), total("anthropic", 1, 8, "1.00"),
        total("mistral", 1, 3, "1.00"),
    ])  # fmt: skip
    counts = [
        bucket(day, model=MINI, input_tokens=tokens, **COUNTED) for day, tokens in ((20, MILLION), (22, 3 * MILLION))
    ]
    write(inbox / "usage.csv", USAGE, counts)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("periods")
    write_bills(folder / "inbox")
    (folder / "inbox" / "spans.jsonl").write_text(batch(CALLS))
    made = run_build(folder / "inbox", folder / "data", company(folder, api_keys=KEYS))
    assert made.code == 0, made.output
    return made


def paid(built) -> dict[int, Decimal]:
    return {
        int(trace, 16): billed
        for trace, billed in built.rows("select trace_id, attributed_usd from marts.attributed_calls")
    }


def days(built, provider: str) -> dict[int, Decimal]:
    query = (
        "select cast(day(charged_on) as integer), sum(billed_usd) from intermediate.int_itemised_charges"
        f" where provider = '{provider}' and charged_on >= '2026-10-01' group by all"
    )
    return dict(built.rows(query))


def test_calls_take_their_book_price_and_the_rest_is_of_any_day(built):
    calls, openai = paid(built), days(built, "openai")
    assert (calls[1], calls[2]) == (Decimal("0.30"), Decimal("1.50"))
    assert [openai[day] for day in (1, 2, 9, 10)] == [Decimal(text) for text in ("0.30", "0.60", "1.80", "0.30")]


def test_a_total_below_its_calls_scales_all_of_them_down_alike(built):
    calls = paid(built)
    assert (calls[3], calls[4]) == (Decimal("0.25"), Decimal("0.75"))
    assert {day: usd for day, usd in days(built, "anthropic").items() if usd} == {3: calls[3], 7: calls[4]}


def test_what_a_usage_file_counts_says_of_which_day_a_total_is(built):
    calls, openai = paid(built), days(built, "openai")
    assert (openai[20], openai.get(21, 0), openai[22]) == (Decimal("0.075"), 0, Decimal("0.225"))
    assert (calls[5], calls[6]) == (Decimal("0.075"), Decimal("0.075"))


def test_without_use_a_total_is_of_its_days_alike(built):
    assert sum(days(built, "mistral").values()) == 1
    assert set(days(built, "mistral").values()) == {Decimal("0.333333333333"), Decimal("0.333333333334")}


def test_an_invoice_alone_is_a_total_of_its_period(built):
    """Its tax and its credit note are no use; the invoice of a bill stands beside it, and a cloud's is not all AI.

    The name that accounts payable have for the only account of the provider's bills is no account beside it, for
    whose bills October's calls would wait.
    """
    assert built.rows(
        "select provider, treatment, sum(lines)::int, sum(billed_usd) from marts.provider_bills_monthly"
        " where file_kind = 'invoices' group by all order by all"
    ) == [("groq", "call", 2, Decimal("6.10")), ("groq", "invoice_only", 2, Decimal("0.40")), ("openai", "call", 1, 2)]
    assert built.rows("select distinct account_id from marts.provider_bills_monthly where provider = 'openai'") == [
        ("a",)
    ]
    assert built.rows(
        "select invoice_id, unexplained_usd from marts.invoice_tie_out_monthly where unexplained_usd != 0 order by all"
    ) == [("O-1", Decimal("5.10")), ("W-1", 2000)]
    ((billed, priced, basis),) = built.rows(
        "select billed_usd, priced_usd, basis from marts.attributed_calls where provider = 'groq'"
    )
    assert (billed, basis) == (priced, "billed")
    assert 0 < billed < 1
    # The two invoices share the call: its day has its price once, and else what every day has.
    groq = days(built, "groq")
    assert abs(groq[5] - groq[6] - priced) < Decimal("0.00000001")


def test_calls_that_land_later_take_their_part_of_all_days(built, tmp_path):
    inbox, seeds = tmp_path / "inbox", company(tmp_path, api_keys=KEYS)
    write_bills(inbox)
    for step in range(2):
        (inbox / f"spans{step}.jsonl").write_text(batch(CALLS[step::2]))
        made = run_build(inbox, tmp_path / "data", seeds)
        assert made.code == 0, made.output
    for query in (
        "select call_id, billed_usd, attributed_usd, basis, match_level from marts.attributed_calls order by all",
        "select * from marts.invoice_reconciliation_daily order by all",
        "select incurred_on, account, team_id, feature_id, sum(amount_usd) from marts.ledger_entries"
        " group by all order by all",
    ):
        assert made.rows(query) == built.rows(query)
