"""What goes wrong at the sample company in October, all of it in Polish-Grammar: money in vain, and one odd day.

- 2026-10-12: a host fails; 25 re-rankings fail, are billed, and are asked again two seconds later.
- 2026-10-20: 12 users close the page while the model answers; three more answers that no span shows are cancelled.
- 2026-10-21: 8 answers fail and nobody asks again.
- 2026-10-27: a conversation writes its prompt to the cache and reads it three times, as it should.
- 2026-10-28: an agent in a loop writes 60 prompts to the cache, each in a trace of its own; nobody reads them.
"""

import random
from datetime import UTC, datetime
from decimal import Decimal

FEATURE, MODEL, RANKER = "polish-grammar", "anthropic/claude-sonnet-4.5", "deepseek/deepseek-v3.2"
PRICES = ("3", "0.3", "3.75", "15")  # of MODEL, USD per million tokens: input, cache read, cache write, output
FAILED = {"finish_reason_raw": "error", "finish_reason_normalized": "error"}
CANCELLED = {"cancelled": "true", "finish_reason_raw": "", "finish_reason_normalized": ""}


def plant(company) -> None:
    """Add the incidents; with dice of their own, so that nothing else moves."""
    company.rng = random.Random(20261028)
    for place, begin in enumerate(moments(12, 25)):
        request, error = click(company, begin), FAILED if place % 5 else {**FAILED, "finish_reason_raw": "timeout"}
        call(company, request, begin + 1, RANKER, (6000, 0, 0, 20), error)
        call(company, request, begin + 3, RANKER, (6000, 0, 0, 150))
    for begin in moments(20, 12):
        call(company, click(company, begin), begin + 1, MODEL, (5000, 0, 0, 200), CANCELLED)
    for begin in moments(20, 3):
        bill(company, f"gen-{int(begin)}-{company.new_id(8)}", begin + 60, MODEL, (5000, 0, 0, 200), CANCELLED)
    for begin in moments(21, 8):
        call(company, click(company, begin), begin + 1, MODEL, (5000, 0, 0, 40), FAILED)
    (begin,) = moments(27, 1)
    conversation = click(company, begin)
    for turn in range(4):
        cached = (0, 20_000) if turn == 0 else (20_000, 0)
        call(company, conversation, begin + 1 + 60 * turn, MODEL, (400, *cached, 300))
    for begin in moments(28, 60):
        call(company, click(company, begin), begin + 1, MODEL, (400, 0, 20_000, 300))


def moments(day: int, times: int) -> list[float]:
    nine = datetime(2026, 10, day, 9, tzinfo=UTC).timestamp()
    return [nine + 97 * place for place in range(times)]


def click(company, begin: float) -> tuple:
    """A user's request and the agent's step beneath it: (where, parent of its calls)."""
    trace = company.new_id(16)
    root = company.span(("mail-web", trace, "production"), "POST /polish", begin, 8, app__feature=FEATURE)
    where = ("assistant-agent", trace, "production")
    return where, company.span(where, "polish", begin + 0.5, 7, root)


def call(company, request: tuple, begin: float, model: str, tokens: tuple, ending: dict | None = None) -> None:
    """A billed call and how it ended; `tokens` are plain input, cache read, cache write and output."""
    where, parent = request
    plain, read, written, received = tokens
    response = f"gen-{int(begin)}-{company.new_id(8)}"
    company.span(
        where, f"chat {model}", begin, 1.5, parent,
        gen_ai__operation__name="chat", gen_ai__provider__name="openrouter", gen_ai__request__model=model,
        gen_ai__response__id=response, gen_ai__usage__input_tokens=plain + read + written,
        gen_ai__usage__output_tokens=received, gen_ai__usage__cache_read__input_tokens=read or None,
        gen_ai__usage__cache_creation__input_tokens=written or None,
        error__type="upstream_error" if ending and "error" in ending.values() else None,
    )  # fmt: skip
    bill(company, response, begin, model, tokens, ending)


def bill(company, response: str, begin: float, model: str, tokens: tuple, ending: dict | None = None) -> None:
    plain, read, written, received = tokens
    company.bill_openrouter(response, begin, plain + read + written, received, "prod-ranking")
    company.activity[-1] |= {"model_permaslug": model, **(ending or {})}
    if model == MODEL:
        cost = sum(count * Decimal(price) for count, price in zip(tokens, PRICES, strict=True)) / 1_000_000
        company.activity[-1]["cost_total"] = f"{cost:.8f}"
