"""Write the exports of a sample company: three months of an email product's spans, bills, evals and telemetry.

About 200,000 spans; the same seed writes the same bytes. The company's decisions are the seeds in seeds/company. What
is planted, to be found by the marts (docs/analyst.md, Findings):

- the segment `agency` has almost half the bill at a negative AI margin;
- Rewrite-Tone, launched on 2026-09-10, takes 40 % of its adopters' use of Draft-Email;
- Summarize-Thread's prompt v4 (2026-10-05) was never evaluated while its traffic grows: bill up, coverage down,
  its coverage target missed, and the eval that covers most for its money;
- OpenRouter's hosts charge 15 % more than the book in the second half of September; a key that no span shows spends
  3 %; 1 % of answers are retried by a proxy that reports no spans; OpenAI credits 25 USD in September;
- OpenAI has not billed October yet;
- Polish-Grammar wastes money in October, and has one odd day (sample_incidents);
- a service keeps one trace of sixteen, and a GPU stands idle (sample_capacity);
- clients differ in what telemetry they send, and some users leave the free plan (sample_telemetry).
"""

import argparse
import csv
import random
import sys
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import msgspec

import ending
import sample_capacity
import sample_incidents
import sample_telemetry
from sample_company import ACCOUNTS_OF, FEATURES, PLANS, Feature

FIRST, LAST = date(2026, 8, 1), date(2026, 10, 31)
LAUNCH, ADOPTED_SHARE, TAKEN = date(2026, 9, 10), 0.5, 0.4
PROMPT_V4, PRICE_RISE = date(2026, 10, 5), (date(2026, 9, 16), date(2026, 9, 30))
OPENROUTER_MODEL, OPENAI_MODEL, EMBEDDING = "deepseek/deepseek-v3.2", "gpt-5", "text-embedding-3-small"
OPENROUTER_PRICE = [(date(2026, 10, 19), "0.28", "0.42"), (date(2026, 1, 1), "0.2288", "0.3432")]
OPENAI_PRICE = {
    (OPENAI_MODEL, "input"): "1.25",
    (OPENAI_MODEL, "cached input"): "0.125",
    (OPENAI_MODEL, "output"): "10",
    (EMBEDDING, "input"): "0.02",
}
REQUESTS_A_DAY = 215
ACTIVITY = (
    "generation_id created_at cost_total cost_web_search cost_cache cost_file_processing byok_usage_inference "
    "tokens_prompt tokens_completion tokens_reasoning model_permaslug provider_name variant cancelled streamed "
    "finish_reason_raw finish_reason_normalized generation_time_ms time_to_first_token_ms app_name api_key_name"
).split()
COSTS = (
    "start_time end_time start_time_iso end_time_iso amount_value amount_currency line_item project_id "
    "organization_id organization_name quantity quantity_unit user_id api_key_id project_name user_email "
    "api_source"
).split()


def pairs(values: dict) -> list[dict]:
    """OTLP attributes of a flat dict."""
    return [
        {"key": key, "value": {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}}
        for key, value in values.items()
        if value is not None
    ]


class Company:
    """Everything that happens, in order of time; writers at the end."""

    def __init__(self, seed: int):
        self.rng = random.Random(seed)
        self.spans: dict[tuple[str, str, str], list[dict]] = defaultdict(list)
        self.activity: list[dict] = []
        self.openai_use: dict[tuple[date, str, str], int] = defaultdict(int)
        self.events: list[list] = []
        self.runs: list[list] = []
        self.users = self._users()
        self.adopters = {user[0] for user in self.users if self.rng.random() < ADOPTED_SHARE}
        self.roots: list[tuple[str, str]] = []

    def _users(self) -> list[tuple]:
        """(user_id, account_id, plan, segment, signed_up_on) of every user."""
        users = []
        for segment, (accounts, per_account, plan) in ACCOUNTS_OF.items():
            for account in range(1, accounts + 1):
                for place in range(per_account):
                    joined = FIRST - timedelta(days=self.rng.randint(10, 300))
                    name = f"{segment[:3]}-{account:03d}-{place}"
                    users.append((name, f"{segment}-{account:03d}", plan, segment, joined.isoformat()))
        return users

    def new_id(self, octets: int) -> str:
        return f"{self.rng.getrandbits(octets * 8):0{octets * 2}x}"

    def span(
        self, where: tuple, name: str, begin: float, length: float, parent: str = "", links=(), state="", **values
    ) -> str:
        """Put a span into its service's batch; `where` is (service, trace id, environment). Returns its id."""
        service, trace, environment = where
        number = self.new_id(8)
        month = datetime.fromtimestamp(begin, UTC).strftime("%Y-%m")
        self.spans[month, service, environment].append(
            {
                "traceId": trace,
                "spanId": number,
                "parentSpanId": parent,
                "name": name,
                "kind": 1,
                "startTimeUnixNano": str(int(begin * 1_000_000) * 1000),
                "endTimeUnixNano": str(int((begin + length) * 1_000_000) * 1000),
                "attributes": pairs({key.replace("__", "."): value for key, value in values.items()}),
                **({"links": [{"traceId": other, "spanId": linked} for other, linked in links]} if links else {}),
                **({"traceState": state} if state else {}),
            }
        )
        return number

    def model_call(
        self, where: tuple, begin: float, parent: str, provider: str, sent: int, received: int, **extra
    ) -> None:
        """A billed call: its span, and its line (or part of a line) on a bill."""
        model = {"openrouter": OPENROUTER_MODEL, "openai": OPENAI_MODEL, "embedding": EMBEDDING}[provider]
        operation = "embeddings" if provider == "embedding" else "chat"
        day = datetime.fromtimestamp(begin, UTC).date()
        cached = sent // 4 if provider == "openai" else 0
        if provider == "openrouter":
            response = f"gen-{int(begin)}-{self.new_id(8)}"
            self.bill_openrouter(response, begin, sent, received, "prod-ranking")
        else:
            response = f"{'emb' if operation == 'embeddings' else 'chatcmpl'}-{self.new_id(12)}"
            for meter, count in (("input", sent - cached), ("cached input", cached), ("output", received)):
                if count:
                    # Billed counts run a little above what clients see; a proxy's retries are seen by nobody.
                    self.openai_use[day, model, meter] += count + (count if self.rng.random() < 0.01 else count // 200)
        self.span(
            where,
            f"{operation} {model}",
            begin,
            0.4 + received / 400,
            parent,
            gen_ai__operation__name=operation,
            gen_ai__provider__name="openai" if provider != "openrouter" else "openrouter",
            gen_ai__request__model=model,
            gen_ai__response__id=response,
            gen_ai__usage__input_tokens=sent,
            gen_ai__usage__output_tokens=received or None,
            gen_ai__usage__cache_read__input_tokens=cached or None,
            **extra,
        )

    def bill_openrouter(self, response: str, begin: float, sent: int, received: int, key: str) -> None:
        moment = datetime.fromtimestamp(begin, UTC)
        price = next(price for price in OPENROUTER_PRICE if price[0] <= moment.date())
        cost = (sent * Decimal(price[1]) + received * Decimal(price[2])) / 1_000_000
        if PRICE_RISE[0] <= moment.date() <= PRICE_RISE[1]:
            cost *= Decimal("1.15")
        at = moment.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
        cells = [response, at, f"{cost:.8f}", "", "", 0, 0, sent, received, 0, OPENROUTER_MODEL]
        cells += ["DeepInfra", "standard", "false", "true", "stop", "stop", 900, 200, "mail", key]
        self.activity.append(dict(zip(ACTIVITY, cells, strict=True)))

    def request(self, feature: Feature, user: tuple, begin: float) -> None:
        """One click: web, agent, retrieval with an embedding, a re-ranker's model, the agent's model. ~13 spans."""
        rng, day = self.rng, datetime.fromtimestamp(begin, UTC).date()
        trace, environment = self.new_id(16), "production"
        size = feature.tokens * {"agency": 3.4, "enterprise": 0.8}.get(user[3], 1.0) * rng.uniform(0.6, 1.4)

        def at(service: str) -> tuple:
            return service, trace, environment

        # Some features carry their label, some are known by route and prompt (feature_rules), one service by nothing.
        label = feature.feature_id if feature.is_labelled else None
        entry = "imap-bridge" if rng.random() < 0.02 else "mail-web"
        root = self.span(
            at(entry),
            f"POST {feature.route}",
            begin,
            6,
            http__route=feature.route,
            app__feature=label if entry == "mail-web" else None,
            user__id=user[0],
            tenant__id=user[1],
            session__id=f"{user[0]}-{day:%m%d}",
        )
        self.roots.append((trace, root))
        self.span(at(entry), "authenticate", begin + 0.01, 0.02, root)
        self.span(at(entry), "load mailbox", begin + 0.03, 0.2, root)
        version = "v4" if feature.feature_id == "summarize-thread" and day >= PROMPT_V4 else "v3"
        agent = self.span(
            at("assistant-agent"),
            "invoke_agent assistant",
            begin + 0.3,
            5,
            root,
            gen_ai__operation__name="invoke_agent",
            gen_ai__agent__name="assistant",
            gen_ai__prompt__name=feature.feature_id if entry == "mail-web" else None,
            gen_ai__prompt__version=version,
        )
        self.span(at("assistant-agent"), "plan", begin + 0.35, 0.1, agent)
        tool = self.span(
            at("search-api"),
            "execute_tool retrieve",
            begin + 0.5,
            1,
            agent,
            gen_ai__operation__name="execute_tool",
            gen_ai__tool__name="retrieve",
        )
        self.span(at("search-api"), "vector query", begin + 0.9, 0.1, tool)
        self.model_call(at("search-api"), begin + 0.55, tool, "embedding", int(size / 8) + 5, 0)
        ranker = self.span(
            at("ranker-api"),
            "execute_tool rerank",
            begin + 1.6,
            1,
            agent,
            gen_ai__operation__name="execute_tool",
            gen_ai__tool__name="rerank",
        )
        self.model_call(at("ranker-api"), begin + 1.7, ranker, "openrouter", int(size * 2), int(size / 40) + 3)
        self.model_call(at("assistant-agent"), begin + 2.7, agent, "openai", int(size), int(size / 8) + 10)
        self.span(at(entry), "render", begin + 5.5, 0.3, root)
        if rng.random() < 0.01:
            self.bill_openrouter(f"gen-{int(begin)}-{self.new_id(8)}", begin + 1, int(size * 2), 20, "prod-ranking")
        if entry == "mail-web":
            moment = datetime.fromtimestamp(begin + 6, UTC).isoformat()
            self.events.append([f"e{len(self.events)}", moment, feature.feature_id, user[0], user[1], trace, 1])

    def batch(self, begin: float) -> None:
        """The nightly digest: one trace that twenty of the day's requests caused, each a twentieth."""
        where = ("digest-batch", self.new_id(16), "production")
        causes = self.rng.sample(self.roots, min(20, len(self.roots)))
        root = self.span(where, "digest batch", begin, 20, links=causes)
        self.model_call(where, begin + 1, root, "openai", 54_000, 4200)

    def evaluate(self, feature: Feature, suite: str, version: str, begin: float, rate: float) -> None:
        """An eval run with its trace: forty cases in one."""
        where = ("eval-harness", self.new_id(16), "ci")
        root = self.span(where, f"eval {suite}", begin, 60)
        for case in range(40):
            self.model_call(where, begin + 1 + case, root, "openai", feature.tokens, feature.tokens // 8)
        passed = round(40 * rate)
        moment = datetime.fromtimestamp(begin, UTC).isoformat()
        self.runs.append(
            [
                f"run-{len(self.runs):04d}",
                feature.feature_id,
                suite,
                moment,
                OPENAI_MODEL,
                version,
                40,
                passed,
                40 - passed,
                0,
                "",
                where[1],
                "success",
            ]
        )
        # The same run judged the re-ranker's model too, without traces of its own.
        self.runs.append(
            [
                f"run-{len(self.runs):04d}",
                feature.feature_id,
                suite,
                moment,
                OPENROUTER_MODEL,
                version,
                40,
                passed,
                40 - passed,
                0,
                "",
                "",
                "success",
            ]
        )

    def day(self, day: date) -> None:
        rng, midnight = self.rng, datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()
        self.roots = []
        weekday = 0.5 if day.weekday() >= 5 else 1.0
        weights = [
            feature.weight * (1.5 if feature.feature_id == "summarize-thread" and day >= PROMPT_V4 else 1.0)
            if feature.launched <= day
            else 0
            for feature in FEATURES
        ]
        begins = sorted(rng.uniform(6 * 3600, 22 * 3600) for _ in range(round(REQUESTS_A_DAY * weekday)))
        for begin in begins:
            user = rng.choice(self.users)
            feature = rng.choices(FEATURES, weights)[0]
            if feature.feature_id == "rewrite-tone" and user[0] not in self.adopters:
                continue
            is_eaten = feature.feature_id == "draft-email" and day >= LAUNCH and user[0] in self.adopters
            if is_eaten and rng.random() < TAKEN:
                continue
            self.request(feature, user, midnight + begin)
        for _ in range(3):
            moment = midnight + rng.uniform(8 * 3600, 18 * 3600)
            self.bill_openrouter(f"gen-{int(moment)}-{self.new_id(8)}", moment, 54_000, 1800, "lab-notebook")
        self.batch(midnight + 23 * 3600)
        if day.weekday() == 0 or day == FIRST:
            for feature in FEATURES:
                if feature.suites and feature.launched <= day:
                    for suite in feature.suites:
                        self.evaluate(feature, suite, "v3", midnight + 5 * 3600, rng.uniform(0.92, 0.99))


def write(company: Company, charges: list[list], inbox: Path) -> None:
    encode = msgspec.json.encode
    for (month, service, environment), spans in sorted(company.spans.items()):
        path = inbox / "spans" / month / f"{service}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        resource = {"attributes": pairs({"service.name": service, "deployment.environment.name": environment})}
        with path.open("wb") as lines:
            for start in range(0, len(spans), 200):
                scope = {"scope": {"name": "sample"}, "spans": spans[start : start + 200]}
                lines.write(encode({"resourceSpans": [{"resource": resource, "scopeSpans": [scope]}]}) + b"\n")
    rows(
        inbox / "telemetry" / "usage_events.csv",
        ["event_id", "occurred_at", "feature_id", "user_id", "account_id", "trace_id", "answers", "request_id"],
        company.events,
    )
    header = ["user_id", "account_id", "plan", "segment", "signed_up_on", "valid_from"]
    rows(inbox / "telemetry" / "users.csv", header, company.users)
    revenue = [
        [f"2026-{month:02d}", account, plan, f"{PLANS[plan]:.2f}"]
        for month in (8, 9, 10)
        for account, plan in sample_telemetry.paying(company.users, month, PLANS)
    ]
    rows(inbox / "telemetry" / "revenue.csv", ["month", "account_id", "plan", "revenue_usd"], revenue)
    rows(
        inbox / "evals" / "eval_runs.csv",
        [
            "run_id",
            "feature_id",
            "suite",
            "started_at",
            "model",
            "prompt_version",
            "cases",
            "passed",
            "failed",
            "errored",
            "cost_usd",
            "trace_ids",
            "status",
        ],
        company.runs,
    )
    write_bills(company, inbox / "bills")
    rows(inbox / "bills" / "charges.csv", sample_capacity.CHARGES, charges)


def write_bills(company: Company, folder: Path) -> None:
    """OpenRouter: three downloads that overlap by two days. OpenAI: August and September; October has not come."""
    company.activity.sort(key=lambda row: row["created_at"], reverse=True)
    for since, until in (("2026-08-01", "2026-08-31"), ("2026-08-30", "2026-09-30"), ("2026-09-29", "2026-10-31")):
        part = [list(row.values()) for row in company.activity if since <= row["created_at"][:10] <= until]
        rows(folder / f"openrouter_activity_{until}.csv", ACTIVITY, part)
    for month in (8, 9):
        lines = []
        for (day, model, meter), count in sorted(company.openai_use.items()):
            if day.month == month:
                amount = count * Decimal(OPENAI_PRICE[model, meter]) / 1_000_000
                lines.append(_cost(day, f"{amount:.10f}", f"{model}, {meter}", f"{count}.0"))
        if month == 9:
            lines.append(_cost(date(2026, 9, 30), "-25.00", "service credit", ""))
        rows(folder / f"openai_costs_2026-{month:02d}-30.csv", COSTS, lines)


def _cost(day: date, amount: str, item: str, quantity: str) -> list:
    begin = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
    until = (day + timedelta(days=1)).isoformat()
    cells = [begin, begin + 86_400, day.isoformat(), until, amount, "usd", item, "proj_mail", "org-mail", "Mail"]
    return [*cells, quantity, "tokens" if quantity else "", "", "key_assistant", "mail", "", ""]


def rows(path: Path, header: list[str], body: list) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as target:
        writer = csv.writer(target, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(body)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("inbox", type=Path)
    parser.add_argument("seed", type=int, nargs="?", default=20261031)
    given = parser.parse_args()
    company = Company(given.seed)
    day = FIRST
    while day <= LAST:
        company.day(day)
        day += timedelta(days=1)
    sample_incidents.plant(company)
    sample_telemetry.plant(company)
    write(company, sample_capacity.plant(company, FIRST, LAST), given.inbox)
    spans = sum(len(spans) for spans in company.spans.values())
    lines, events = len(company.activity), len(company.events)
    print(f"wrote {spans:,} spans, {lines:,} OpenRouter lines, {events:,} events to {given.inbox}")


if __name__ == "__main__":
    sys.exit(ending.of(main))
