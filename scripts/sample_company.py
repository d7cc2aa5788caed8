"""Who the sample company is: features, services, plans. Its decisions are the seeds in seeds/company."""

from datetime import date
from typing import NamedTuple


class Feature(NamedTuple):
    feature_id: str
    weight: float  # relative use
    tokens: int  # input of the agent's model
    suites: tuple[str, ...] = ()
    is_labelled: bool = True
    launched: date = date(2026, 1, 1)
    route: str = "/chat"


FEATURES = [
    Feature("draft-email", 20, 14400, ("faithfulness", "tone")),
    Feature("summarize-thread", 18, 31200, ("faithfulness",)),
    Feature("rewrite-tone", 16, 7200, ("tone",), launched=date(2026, 9, 10)),
    Feature("smart-reply", 12, 5400, ("tone",), is_labelled=False),
    Feature("translate-mail", 8, 10800, ("faithfulness",)),
    Feature("extract-tasks", 7, 15600, ("faithfulness",)),
    Feature("schedule-meeting", 6, 9000, ("faithfulness",)),
    Feature("find-attachment", 5, 6600, ("recall",)),
    Feature("classify-inbox", 6, 4200, ("recall",), is_labelled=False),
    Feature("answer-from-mail", 5, 38400, ("faithfulness", "recall")),
    Feature("weekly-digest", 2, 25200, ("faithfulness",)),
    Feature("polish-grammar", 4, 4800),
]
SERVICES = ["mail-web", "imap-bridge", "assistant-agent", "search-api", "ranker-api", "digest-batch", "eval-harness"]
# Monthly price of a plan per account, USD.
PLANS = {"free": 0.0, "pro": 29.0, "team": 9.0, "enterprise": 79.0}
# segment: (accounts, users per account, plan)
ACCOUNTS_OF = {
    "agency": (9, 8, "team"),
    "enterprise": (5, 22, "enterprise"),
    "startup": (12, 4, "pro"),
    "personal": (50, 1, "free"),
}
