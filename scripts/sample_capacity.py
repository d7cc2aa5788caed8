"""A service of the sample company whose traces are sampled, and a model of its own.

Planted, to be found by the marts (docs/analyst.md):

- the service `attachment-index` embeds 100 attachments a day for Find-Attachment; its sampler keeps one trace of
  sixteen, and Mistral bills all of them, with as much again by a notebook that reports no spans;
- from 2026-10-27 Polish-Grammar asks a model of its own on a GPU, which is paid by the hour and stands idle for nine
  tenths of it.
"""

import random
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

ATTACHMENTS_A_DAY, KEPT_OF = 100, 16
NOTEBOOK = (1_400_000, 3_000_000)  # tokens a day
EMBEDDING, EMBEDDING_PRICE = "mistral-embed", Decimal("0.1")  # USD per million tokens
RENTED_FROM, CHECKS_A_DAY, HOUR_PRICE = date(2026, 10, 27), 200, Decimal("0.12")
OWN_MODEL = "gec-large"
CHARGES = ["provider", "account_id", "period_start", "period_end", "model", "service", "meter", "quantity", "amount"]


def plant(company, first: date, last: date) -> list[list]:
    """Add the spans, with dice of their own, so that nothing else moves; returns the lines of both bills."""
    company.rng = random.Random(20261022)
    embedded: dict[date, int] = defaultdict(int)
    for day in _days(first, last):
        for begin in _moments(company.rng, day, ATTACHMENTS_A_DAY):
            tokens = company.rng.randint(4000, 40_000)
            embedded[day] += tokens
            if company.rng.randrange(KEPT_OF) == 0:
                _index(company, begin, tokens)
    for day in _days(first, last):
        embedded[day] += company.rng.randint(*NOTEBOOK)
    for day in _days(RENTED_FROM, last):
        for begin in _moments(company.rng, day, CHECKS_A_DAY):
            _check(company, begin, company.rng.randint(200, 3000))
    bills = [
        ["mistral", "mail", day, day, EMBEDDING, "", "input", count, f"{count * EMBEDDING_PRICE / 1_000_000:.8f}"]
        for day, count in embedded.items()
    ]
    gpu = [
        ["runpod", "mail", day, day, "", "gpu pod grammar", "", 24, f"{24 * HOUR_PRICE}"]
        for day in _days(RENTED_FROM, last)
    ]
    return bills + gpu


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days) for days in range((last - first).days + 1)]


def _moments(rng: random.Random, day: date, times: int) -> list[float]:
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()
    return sorted(midnight + rng.uniform(6 * 3600, 22 * 3600) for _ in range(times))


def _index(company, begin: float, tokens: int) -> None:
    """A kept trace: its state says that the sampler keeps one of sixteen (the threshold `f`)."""
    where, state = ("attachment-index", company.new_id(16), "production"), f"ot=th:{KEPT_OF - 1:x}"
    root = company.span(where, "index attachment", begin, 2, state=state, app__feature="find-attachment")
    company.span(
        where, f"embeddings {EMBEDDING}", begin + 0.5, 1, root, state=state,
        gen_ai__operation__name="embeddings", gen_ai__provider__name="mistral_ai", gen_ai__request__model=EMBEDDING,
        gen_ai__response__id=f"emb-{company.new_id(12)}", gen_ai__usage__input_tokens=tokens,
    )  # fmt: skip


def _check(company, begin: float, tokens: int) -> None:
    where = ("grammar-model", company.new_id(16), "production")
    length = tokens / 45
    root = company.span(where, "POST /check", begin, length + 0.5, app__feature="polish-grammar")
    company.span(
        where, f"chat {OWN_MODEL}", begin + 0.2, length, root,
        gen_ai__operation__name="chat", gen_ai__provider__name="vllm", gen_ai__request__model=OWN_MODEL,
        gen_ai__response__id=f"chatcmpl-{company.new_id(12)}", gen_ai__usage__input_tokens=tokens,
        gen_ai__usage__output_tokens=tokens,
    )  # fmt: skip
