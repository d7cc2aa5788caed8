"""What the sample company's clients report, and who moves from the free plan to a paid one.

Planted, to be found by the marts (docs/analyst.md): Smart-Reply's client knows the provider's answer and no trace;
Classify-Inbox's knows neither; some users of Translate-Mail want no telemetry of theirs kept. Of the users on the free
plan, those who use Answer-from-Mail move to the paid one more often than others.
"""

import random
from datetime import UTC, date, datetime, timedelta

CONVERTING, MOVED_SHARE, OTHERS_SHARE = "answer-from-mail", 0.3, 0.03
UNTIL = date(2026, 10, 10)


def plant(company) -> None:
    """Rewrite events, and give users who moved a second row; draws of their own leave all else as it was."""
    rng = random.Random(9)
    answers = dict(_answers(company))
    for event in company.events:
        trace, request = event[5], ""
        if event[2] == "smart-reply":
            trace, request = "", answers[trace]
        elif event[2] == "classify-inbox" or (event[2] == "translate-mail" and rng.random() < 0.05):
            trace = ""
            if event[2] == "translate-mail":
                event[3] = ""
        event[5:] = [trace, event[6], request]
    _move(company, rng)


def _answers(company):
    """(trace, the provider's id of the agent's answer) of every request."""
    for (_, service, _), spans in company.spans.items():
        for span in spans if service == "assistant-agent" else ():
            for pair in span["attributes"]:
                if pair["key"] == "gen_ai.response.id":
                    yield span["traceId"], pair["value"]["stringValue"]


def _move(company, rng: random.Random) -> None:
    first_use: dict[str, date] = {}
    for event in company.events:
        if event[2] == CONVERTING:
            first_use.setdefault(event[3], datetime.fromisoformat(event[1]).astimezone(UTC).date())
    moved = []
    for user, account, plan, segment, joined in company.users:
        share = MOVED_SHARE if user in first_use else OTHERS_SHARE
        moves_on = first_use.get(user, date(2026, 8, 1)) + timedelta(days=rng.randint(3, 25))
        if plan == "free" and rng.random() < share and moves_on < UNTIL:
            moved.append((user, account, "pro", segment, joined, moves_on.isoformat()))
    company.users = [*((*user, "") for user in company.users), *moved]


def paying(users: list[tuple], month: int, prices: dict[str, float]) -> list[tuple[str, str]]:
    """(account, plan) that pay for a month: the plan on its first day, where it costs something."""
    first_day = date(2026, month, 1).isoformat()
    plans = {user[1]: user[2] for user in sorted(users, key=lambda user: user[5]) if user[5] <= first_day}
    return [(account, plan) for account, plan in sorted(plans.items()) if prices[plan]]
