"""The marts of product and quality, recomputed in pandas from raw files: spans, bills, eval runs, telemetry, seeds.

The functions are written from the documented definitions (README, DECISIONS, the descriptions of columns) and share
nothing with the models: they read the exports that the sample company's `make_sample.py` writes, and do only what
such exports need. Spans are OTLP JSON; OpenRouter bills each call by its id; OpenAI bills days, models and meters.
Money is in floats of USD, which hold a sum of these months to 1e-12.
"""

import json
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

SENTINELS = ["unlabelled", "untraced", "invoice_only"]
METERS = {"input": "input", "cached input": "cache_read", "output": "output"}
FIVE_MINUTES = pd.Timedelta(minutes=5)


def months_of(days: pd.Series) -> pd.Series:
    return days.dt.to_period("M").dt.to_timestamp()


def month_end(month: pd.Timestamp) -> pd.Timestamp:
    return month + pd.offsets.MonthEnd(0)


def largest(values: pd.Series):
    """The most frequent value; of several, the first in order."""
    counts = values.dropna().value_counts()
    return min(counts[counts == counts.max()].index) if len(counts) else None


@dataclass
class Span:
    trace: str
    span: str
    parent: str
    service: str
    environment: str
    begin: pd.Timestamp
    values: dict
    links: list
    children: list = field(default_factory=list)


class Company:
    """An inbox, the company's seeds and the variables of the project, and what follows from them."""

    def __init__(self, inbox: Path, seeds: Path, reference: Path, variables: dict):
        self.inbox, self.seeds, self.reference, self.variables = inbox, seeds, reference, variables

    # What the files say.

    def seed(self, name: str) -> pd.DataFrame:
        return pd.read_csv(self.seeds / f"{name}.csv", comment="#", dtype=str, keep_default_na=False)

    def table(self, pattern: str) -> pd.DataFrame:
        files = sorted(self.inbox.glob(pattern))
        return pd.concat([pd.read_csv(file, dtype=str, keep_default_na=False) for file in files], ignore_index=True)

    @cached_property
    def spans(self) -> dict[tuple[str, str], Span]:
        spans = {}
        for file in sorted(self.inbox.glob("spans/**/*.jsonl")):
            for line in file.read_bytes().splitlines():
                for group in json.loads(line)["resourceSpans"]:
                    resource = plain(group["resource"]["attributes"])
                    service = resource["service.name"]
                    environment = resource["deployment.environment.name"]
                    for scope in group["scopeSpans"]:
                        for span in scope["spans"]:
                            begin = pd.Timestamp(int(span["startTimeUnixNano"]) // 1000, unit="us")
                            links = [(link["traceId"], link["spanId"]) for link in span.get("links", [])]
                            known = Span(
                                span["traceId"], span["spanId"], span["parentSpanId"], service, environment, begin,
                                plain(span["attributes"]), links,
                            )  # fmt: skip
                            spans[known.trace, known.span] = known
        for span in spans.values():
            if span.parent:
                spans[span.trace, span.parent].children.append(span)
        return spans

    @cached_property
    def lines(self) -> pd.DataFrame:
        """OpenRouter's bill: a line per call. Downloads overlap, and say the same of a call."""
        lines = self.table("bills/openrouter_activity_*.csv").drop_duplicates("generation_id").set_index("generation_id")
        lines["usd"] = lines["cost_total"].astype(float)
        lines["day"] = pd.to_datetime(lines["created_at"]).dt.normalize()
        return lines

    @cached_property
    def openai_bill(self) -> pd.DataFrame:
        """OpenAI's bill: amount and quantity by day, model and meter; a line without a meter is a fee or a credit."""
        bill = self.table("bills/openai_costs_*.csv")
        parts = bill["line_item"].str.split(", ", n=1, expand=True)
        bill["model"], bill["meter"] = parts[0], parts[1].map(METERS)
        bill["day"] = pd.to_datetime(bill["start_time_iso"])
        bill["usd"] = bill["amount_value"].astype(float)
        bill["quantity"] = pd.to_numeric(bill["quantity"])
        return bill

    @cached_property
    def prices(self) -> pd.DataFrame:
        prices = pd.read_csv(self.reference / "model_prices.csv", comment="#", dtype=str, keep_default_na=False)
        prices = prices[(prices["service_tier"] == "standard") & (prices["context_over_tokens"] == "0")]
        return prices.sort_values("known_from", kind="stable").set_index(["provider", "model", "meter"]).sort_index()

    def price(self, provider: str, model: str, meter: str, day: pd.Timestamp) -> float:
        """The list price of a unit: of several that hold on the day the one that was known latest."""
        rows, day = self.prices.loc[[(provider, model, meter)]], f"{day:%Y-%m-%d}"
        held = rows[(rows["valid_from"] <= day) & ((rows["valid_to"] == "") | (day < rows["valid_to"]))]
        return float(held.sort_values("known_from", kind="stable")["unit_price_usd"].iloc[-1])

    @cached_property
    def events(self) -> pd.DataFrame:
        events = self.table("telemetry/usage_events.csv")
        events["at"] = pd.to_datetime(events["occurred_at"], utc=True, format="ISO8601").dt.tz_localize(None)
        events["day"] = events["at"].dt.normalize()
        events["month"] = months_of(events["at"])
        events["answers"] = pd.to_numeric(events["answers"])
        return events

    @cached_property
    def users(self) -> pd.DataFrame:
        """A row per user and start of validity; an empty start holds from ever."""
        users = self.table("telemetry/users.csv")
        users["valid_from"] = pd.to_datetime(users["valid_from"].replace("", "1900-01-01"))
        return users.sort_values(["user_id", "valid_from"])

    @cached_property
    def revenue(self) -> pd.DataFrame:
        revenue = self.table("telemetry/revenue.csv")
        revenue["month"] = pd.to_datetime(revenue["month"] + "-01")
        revenue["usd"] = revenue["revenue_usd"].astype(float)
        return revenue

    @cached_property
    def runs(self) -> pd.DataFrame:
        runs = self.table("evals/eval_runs.csv")
        runs["at"] = pd.to_datetime(runs["started_at"], utc=True, format="ISO8601").dt.tz_localize(None)
        runs["day"] = runs["at"].dt.normalize()
        for column in ("cases", "passed", "failed", "errored"):
            runs[column] = pd.to_numeric(runs[column])
        return runs

    @cached_property
    def requirements(self) -> pd.DataFrame:
        rows = self.seed("eval_requirements")
        rows["min_pass_rate"], rows["fresh_days"] = rows["min_pass_rate"].astype(float), rows["fresh_days"].astype(int)
        for name, none in (("min_cases", 0), ("min_low_bound", 0)):
            rows[name] = pd.to_numeric(rows[name]).fillna(none) if name in rows else none
        return rows

    # Calls: who asked for them, and what they cost.

    @cached_property
    def features_of_requests(self) -> dict[tuple[str, str], str]:
        """The feature of each root: its own label, else the rule that fits service, route and a template beneath."""
        rules = self.seed("feature_rules").assign(priority=lambda rows: rows["priority"].astype(int))
        rules = rules.sort_values("priority").to_dict("records")
        features = {}
        for key, root in self.spans.items():
            if root.parent:
                continue
            beneath, templates, label = [root], {""}, None
            while beneath:
                span = beneath.pop()
                templates.add(span.values.get("gen_ai.prompt.name", ""))
                label = label or span.values.get("app.feature")
                beneath += span.children
            fitting = [
                rule["feature_id"]
                for rule in rules
                if rule["service"] in ("", root.service)
                and rule["route"] in ("", root.values.get("http.route"))
                and rule["prompt_template"] in templates
            ]
            features[key] = label or (fitting[0] if fitting else "unlabelled")
        return features

    @cached_property
    def calls(self) -> pd.DataFrame:
        """One row per call, with its cost: as OpenRouter billed it; its part of OpenAI's day; else the list price."""
        evaluated = {
            trace: feature
            for traces, feature in zip(self.runs["trace_ids"], self.runs["feature_id"], strict=True)
            for trace in traces.split()
        }
        rows = []
        for span in self.spans.values():
            if "gen_ai.response.id" not in span.values:
                continue
            path = [span]
            while path[-1].parent:
                path.append(self.spans[span.trace, path[-1].parent])
            versions = [up.values["gen_ai.prompt.version"] for up in path if "gen_ai.prompt.version" in up.values]
            values, root = span.values, path[-1]
            rows.append(
                {
                    "call": values["gen_ai.response.id"],
                    "trace": span.trace,
                    "parent": span.parent,
                    "root": root.span,
                    "at": span.begin,
                    "service": span.service,
                    "provider": values["gen_ai.provider.name"],
                    "model": values["gen_ai.request.model"],
                    "prompt_version": versions[0] if versions else None,
                    "feature_evaluated": evaluated.get(span.trace, ""),
                    "purpose": "evaluation" if span.trace in evaluated else span.environment,
                    "is_error": "error.type" in values,
                    "input": int(values["gen_ai.usage.input_tokens"]),
                    "cache_read": int(values.get("gen_ai.usage.cache_read.input_tokens", 0)),
                    "cache_write": int(values.get("gen_ai.usage.cache_creation.input_tokens", 0)),
                    "output": int(values.get("gen_ai.usage.output_tokens", 0)),
                }
            )
        calls = pd.DataFrame(rows).set_index("call")
        calls["day"] = calls["at"].dt.normalize()
        calls["month"] = months_of(calls["at"])
        calls["usd"] = self.lines["usd"].reindex(calls.index)
        calls["basis"] = "billed"
        metered = self.metered_calls(calls)
        calls.loc[metered.index, ["usd", "basis"]] = metered
        return calls

    def metered_calls(self, calls: pd.DataFrame) -> pd.DataFrame:
        """Cost and basis of OpenAI's calls: tokens at the bill's unit price, up to what it bills; else at the list's."""
        ours = calls[calls["provider"] == "openai"]
        tokens = pd.concat(
            [
                ours.assign(meter="input", tokens=ours["input"] - ours["cache_read"]),
                ours.assign(meter="cache_read", tokens=ours["cache_read"]),
                ours.assign(meter="output", tokens=ours["output"]),
            ]
        )
        keys = ["day", "model", "meter"]
        traced = tokens.groupby(keys)["tokens"].sum().rename("traced")
        bill = self.openai_bill.dropna(subset="meter").groupby(keys)[["usd", "quantity"]].sum()
        tokens = tokens[["tokens", *keys]].join(traced, on=keys).join(bill, on=keys)
        last = self.openai_bill["day"].max()
        tokens["is_billed"] = tokens["day"] <= last
        fits = np.minimum(1, tokens["quantity"] / tokens["traced"])
        listed = {key: self.price("openai", key[1], key[2], key[0]) for key in traced[traced > 0].index}
        at_list = pd.Series([listed.get(key, 0.0) for key in tokens[keys].itertuples(index=False, name=None)], tokens.index)
        at_bill = (tokens["usd"] / tokens["quantity"] * fits).fillna(0)
        tokens["cost"] = tokens["tokens"] * np.where(tokens["is_billed"], at_bill, at_list)
        by_call = tokens.groupby(level=0).agg(usd=("cost", "sum"), is_billed=("is_billed", "first"))
        return pd.DataFrame({"usd": by_call["usd"], "basis": np.where(by_call["is_billed"], "billed", "accrued")})

    @cached_property
    def shares(self) -> pd.DataFrame:
        """Calls by the requests that caused them: a batch is of all requests that its trace's root is linked from."""
        rows = []
        for call in self.calls.reset_index().itertuples():
            root = self.spans[call.trace, call.root]
            causes = root.links or [(call.trace, call.root)]
            for cause in causes:
                origin = self.spans[cause]
                feature = call.feature_evaluated or self.features_of_requests[cause]
                user, account = origin.values.get("user.id"), origin.values.get("tenant.id")
                rows.append((call.call, 1 / len(causes), feature, cause, user, account, bool(root.links)))
        columns = ["call", "share", "feature_id", "cause", "user_id", "account_id", "is_batch"]
        shares = pd.DataFrame(rows, columns=columns).join(self.calls, on="call")
        shares["usd"] *= shares["share"]
        return shares

    @cached_property
    def residue(self) -> pd.DataFrame:
        """What bills say beyond calls: lines and tokens that no span shows, and charges that no span could show."""
        unseen = self.lines[~self.lines.index.isin(self.calls.index)]
        untraced = unseen.assign(feature_id="untraced", team_id=self.payer("openrouter"))
        bill = self.openai_bill
        spent = self.calls[(self.calls["provider"] == "openai") & (self.calls["basis"] == "billed")]
        metered = bill.dropna(subset="meter").groupby("day")["usd"].sum()
        beyond = metered.sub(spent.groupby("day")["usd"].sum(), fill_value=0).rename("usd").reset_index()
        fees = bill[bill["meter"].isna()].assign(feature_id="invoice_only", team_id=self.payer("openai"))
        rows = [untraced, beyond.assign(feature_id="untraced", team_id=self.payer("openai")), fees]
        residue = pd.concat([part[["day", "feature_id", "team_id", "usd"]] for part in rows], ignore_index=True)
        return residue.assign(month=months_of(residue["day"]))

    def payer(self, provider: str) -> str:
        return largest(self.seed("api_keys").query("provider == @provider")["owner_team_id"])

    @cached_property
    def owners(self) -> dict[str, str]:
        catalog = self.seed("feature_catalog")
        return dict(zip(catalog["feature_id"], catalog["owner_team_id"], strict=True))

    @cached_property
    def last_day(self) -> pd.Timestamp:
        return max(self.calls["day"].max(), self.lines["day"].max())

    # Who a user or an account is.

    def cohorts(self, month: pd.Timestamp) -> pd.DataFrame:
        """Plan and segment of each user at the month's end."""
        held = self.users[self.users["valid_from"] <= month_end(month)]
        return held.groupby("user_id").last()[["account_id", "plan", "segment"]]

    def plan_on(self, user_id: pd.Series, day: pd.Series) -> pd.Series:
        """Plan of users on days."""
        asked = pd.DataFrame({"user_id": user_id, "day": day, "place": range(len(day))}).dropna().sort_values("day")
        known = self.users[["user_id", "valid_from", "plan"]].sort_values("valid_from")
        found = pd.merge_asof(asked, known, left_on="day", right_on="valid_from", by="user_id")
        return pd.Series(found.set_index("place")["plan"].reindex(range(len(day))).to_numpy(), user_id.index)

    def in_cohorts(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Rows with month, user and account, with plan and segment: the user's, else what most of its account are."""
        parts = []
        for month, part in rows.groupby("month"):
            users = self.cohorts(month)
            accounts = users.groupby("account_id")[["plan", "segment"]].agg(largest)
            for column in ("plan", "segment"):
                own, of_account = part["user_id"].map(users[column]), part["account_id"].map(accounts[column])
                part = part.assign(**{column: own.fillna(of_account).fillna("unknown")})
            parts.append(part)
        return pd.concat(parts)


def plain(attributes: list[dict]) -> dict[str, str]:
    """OTLP attributes as a flat dict of texts."""
    return {pair["key"]: str(next(iter(pair["value"].values()))) for pair in attributes}


# Finance: waste, anomalies, budgets.


def waste_daily(company: Company) -> pd.DataFrame:
    """Calls whose answer nobody got or needed, each under the first kind that fits, and cache writes nobody read."""
    calls, lines, variables = company.calls.copy(), company.lines, company.variables
    line = lines.reindex(calls.index)
    calls["is_cancelled"] = line["cancelled"] == "true"
    calls["is_failed"] = calls["is_error"] | (line["finish_reason_normalized"] == "error")
    within = pd.Timedelta(minutes=variables["retry_within_minutes"])
    calls["kind"] = np.select([calls["is_cancelled"], calls["is_failed"]], ["cancelled", "failed"], "")
    for call in calls[calls["kind"] != ""].itertuples():
        asked = calls[(calls["trace"] == call.trace) & (calls["parent"] == call.parent) & (calls["model"] == call.model)]
        later = asked[(asked["at"] > call.at) & (asked["at"] <= call.at + within) & (asked["input"] >= call.input)]
        if len(later):
            calls.loc[call.Index, "kind"] = "retry"
    calls["wasted"] = np.where(calls["kind"] != "", calls["usd"], 0)
    for call in calls[(calls["kind"] == "") & (calls["cache_write"] > 0)].itertuples():
        alive = calls[(calls["at"] > call.at) & (calls["at"] <= call.at + FIVE_MINUTES) & (calls["model"] == call.model)]
        is_read = ((alive["trace"] == call.trace) & (alive["cache_read"] > call.cache_read)).any()
        if call.cache_read == 0:
            is_read |= ((alive["service"] == call.service) & (alive["cache_read"] > 0)).any()
        if not is_read:
            price = {
                meter: company.price(call.provider, call.model, meter, call.day)
                for meter in ("input", "cache_read", "cache_write_5m", "output")
            }
            listed = (
                (call.input - call.cache_read - call.cache_write) * price["input"]
                + call.cache_read * price["cache_read"]
                + call.cache_write * price["cache_write_5m"]
                + call.output * price["output"]
            )
            premium = call.cache_write * (price["cache_write_5m"] - price["input"])
            calls.loc[call.Index, ["kind", "wasted"]] = ["cache_write_unread", call.usd * premium / listed]
    wasted = calls[calls["kind"] != ""]
    shares = company.shares.drop(columns="usd").merge(wasted[["kind", "wasted"]], left_on="call", right_index=True)
    shares["wasted"] *= shares["share"]
    unseen = lines[~lines.index.isin(calls.index)].rename_axis("call").reset_index()
    unseen["kind"] = np.select(
        [unseen["cancelled"] == "true", unseen["finish_reason_normalized"] == "error"], ["cancelled", "failed"], ""
    )
    unseen = unseen[unseen["kind"] != ""].assign(feature_id="untraced", wasted=unseen["usd"])
    columns = ["day", "feature_id", "kind", "call", "wasted"]
    rows = pd.concat([shares[columns], unseen[columns]]).rename(columns={"day": "spent_on"})
    by = rows.groupby(["spent_on", "feature_id", "kind"])
    return by.agg(calls=("call", "nunique"), wasted_usd=("wasted", "sum")).assign(unpriced_calls=0).reset_index()


def spend_by_day(company: Company) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What features cause and what teams bear (before the pool's credit), a row per day from the first to the last."""
    shares, residue = company.shares, company.residue
    payers = shares["provider"].map({provider: company.payer(provider) for provider in shares["provider"].unique()})
    bearer = shares["feature_id"].map(company.owners).fillna(payers)
    days = pd.date_range(min(shares["day"].min(), residue["day"].min()), company.last_day)

    def filled(*parts: pd.Series) -> pd.DataFrame:
        return pd.concat(parts).groupby(level=[0, 1]).sum().unstack().reindex(days)

    features = filled(*(rows.groupby(["day", "feature_id"])["usd"].sum() for rows in (shares, residue)))
    teams = filled(
        shares.assign(team_id=bearer).groupby(["day", "team_id"])["usd"].sum(),
        residue.groupby(["day", "team_id"])["usd"].sum(),
    )
    return features, teams


def known_days(spend: pd.Series) -> pd.Series:
    """Days from the first with spend on, silent ones as 0."""
    return spend[spend.first_valid_index() :].fillna(0)


def budget_burn_daily(company: Company) -> pd.DataFrame:
    """Month to date, and for the days left the mean of their weekday in the last weeks."""
    budgets = company.seed("budgets")
    budgets["month"] = pd.to_datetime(budgets["month"])
    budgets = budgets.set_index(["scope", "scope_id", "month"])["budget_usd"].astype(float)
    weeks, warning = company.variables["forecast_weeks"], company.variables["budget_warning_pct"]
    features, teams = spend_by_day(company)
    rows = []
    for scope, spends in (("team", teams), ("feature", features)):
        for name, series in spends.items():
            spend = known_days(series)
            usd, weekdays = spend.to_numpy(), spend.index.weekday.to_numpy()
            for place, day in enumerate(spend.index):
                month = day.replace(day=1)
                to_date = usd[max(0, place + 1 - day.day) : place + 1].sum()
                since = max(0, place + 1 - 7 * weeks)
                seen, seen_weekdays = usd[since : place + 1], weekdays[since : place + 1]
                usual = {weekday: seen[seen_weekdays == weekday].mean() for weekday in set(seen_weekdays)}
                left = [(day.weekday() + ahead) % 7 for ahead in range(1, day.days_in_month - day.day + 1)]
                forecast = to_date + sum(usual.get(weekday, seen.mean()) for weekday in left)
                budget = budgets.get((scope, name, month), np.nan)
                conditions = [np.isnan(budget), to_date > budget, forecast > budget, to_date >= warning * budget]
                words = ["no_budget", "over", "forecast_over", "warning"]
                status = next((word for fits, word in zip(conditions, words, strict=True) if fits), "ok")
                team, feature = (name, None) if scope == "team" else (None, name)
                rows.append((day, team, feature, to_date, forecast, budget, status))
    columns = "burned_on team_id feature_id month_to_date_usd forecast_usd budget_usd status".split()
    return pd.DataFrame(rows, columns=columns)
