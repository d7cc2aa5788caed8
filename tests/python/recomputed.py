"""The marts of product and quality, recomputed in pandas from raw files: spans, bills, eval runs, telemetry, seeds.

The functions are written from the documented definitions (docs, DECISIONS, the descriptions of columns) and share
nothing with the models: they read the exports that the sample company's `make_sample.py` writes, and do only what
such exports need. Spans are OTLP JSON; OpenRouter bills each call by its id; OpenAI bills days, models and meters;
Mistral bills days of sampled calls; a GPU is paid by the hour.
Money is in floats of USD, which hold a sum of these months to 1e-12.
"""

import json
import math
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path

import numpy as np
import pandas as pd

SENTINELS = ["unlabelled", "untraced", "invoice_only", "idle"]
METERS = {"input": "input", "cached input": "cache_read", "output": "output"}
PROVIDERS = {"mistral_ai": "mistral", "vllm": "runpod"}  # of spans that name them otherwise than the bill
KEPT_OF, GPU_MODEL = 16, "gec-large"
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
    end: pd.Timestamp
    values: dict
    links: list
    count: int  # of spans that it stands for
    children: list = field(default_factory=list)


class Company:
    """An inbox, the company's seeds and the variables of the project, and what follows from them."""

    def __init__(self, inbox: Path, seeds: Path, reference: Path, variables: dict):
        self.inbox, self.seeds, self.reference, self.variables = inbox, seeds, reference, variables

    # The files, as they are read.

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
                            begin, end = (
                                pd.Timestamp(int(span[name]) // 1000, unit="us")
                                for name in ("startTimeUnixNano", "endTimeUnixNano")
                            )
                            links = [(link["traceId"], link["spanId"]) for link in span.get("links", [])]
                            known = Span(
                                span["traceId"], span["spanId"], span["parentSpanId"], service, environment, begin,
                                end, plain(span["attributes"]), links, KEPT_OF if "traceState" in span else 1,
                            )  # fmt: skip
                            spans[known.trace, known.span] = known
        for span in spans.values():
            if span.parent:
                spans[span.trace, span.parent].children.append(span)
        return spans

    @cached_property
    def lines(self) -> pd.DataFrame:
        """OpenRouter's bill: a line per call. Downloads overlap, and say the same of a call."""
        lines = (
            self.table("bills/openrouter_activity_*.csv").drop_duplicates("generation_id").set_index("generation_id")
        )
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
        starts = pd.to_datetime(users["valid_from"].replace("", "1900-01-01"))
        users["valid_from"] = starts.astype("datetime64[us]")
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
                    "until": span.end,
                    "service": span.service,
                    "provider": PROVIDERS.get(values["gen_ai.provider.name"], values["gen_ai.provider.name"]),
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
        calls["seen_usd"] = calls["usd"]
        calls.loc[calls["provider"] == "mistral", ["usd", "seen_usd"]] = self.sampled_calls(
            calls[calls["provider"] == "mistral"]
        )
        on_gpu = self.calls_on_gpu(calls[calls["model"] == GPU_MODEL])
        calls.loc[on_gpu.index, "usd"] = calls.loc[on_gpu.index, "seen_usd"] = on_gpu
        return calls

    @cached_property
    def charges(self) -> pd.DataFrame:
        """Lines of other providers, of a day each."""
        charges = self.table("bills/charges.csv")
        charges["day"] = pd.to_datetime(charges["period_start"])
        charges["usd"], charges["quantity"] = charges["amount"].astype(float), charges["quantity"].astype(float)
        return charges

    def sampled_calls(self, calls: pd.DataFrame) -> pd.DataFrame:
        """Cost of kept calls with the dropped ones that they stand for, as far as the day's bill goes, and without."""
        bill = self.charges[self.charges["provider"] == "mistral"].set_index("day")
        seen = calls.groupby("day")["input"].sum()
        counted = np.minimum(bill["quantity"].reindex(seen.index), KEPT_OF * seen)
        price = bill["usd"] / bill["quantity"]
        whole = calls["input"] * calls["day"].map(price * counted / seen)
        return pd.DataFrame({"usd": whole, "seen_usd": calls["input"] * calls["day"].map(price)})

    def calls_on_gpu(self, calls: pd.DataFrame) -> pd.Series:
        """Each day's cost of the time in which any call ran, by tokens."""
        bill = self.charges[self.charges["provider"] == "runpod"].set_index("day")
        usd = pd.Series(0.0, calls.index)
        for day, of_day in calls.sort_values("at").groupby("day"):
            busy, until = pd.Timedelta(0), of_day["at"].min()
            for call in of_day.itertuples():
                busy += max(call.until - max(call.at, until), pd.Timedelta(0))
                until = max(until, call.until)
            used = bill["usd"][day] * busy / pd.Timedelta(hours=bill["quantity"][day])
            tokens = of_day["input"] + of_day["output"]
            usd[of_day.index] = used * tokens / tokens.sum()
        return usd

    def metered_calls(self, calls: pd.DataFrame) -> pd.DataFrame:
        """Cost and basis of OpenAI's calls: tokens at the bill's unit price, as far as it bills them; else at list."""
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
        at_list = pd.Series(
            [listed.get(key, 0.0) for key in tokens[keys].itertuples(index=False, name=None)], tokens.index
        )
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
                is_batch = len(causes) > 1
                rows.append((call.call, 1 / len(causes), feature, cause, user, account, is_batch, origin.begin))
        columns = ["call", "share", "feature_id", "cause", "user_id", "account_id", "is_batch", "begun"]
        shares = pd.DataFrame(rows, columns=columns).join(self.calls, on="call")
        shares["usd"] *= shares["share"]
        shares["seen_usd"] *= shares["share"]
        return shares

    @cached_property
    def residue(self) -> pd.DataFrame:
        """Money of bills beyond calls: lines and tokens without a span, and charges that no span could show."""
        unseen = self.lines[~self.lines.index.isin(self.calls.index)]
        untraced = unseen.assign(feature_id="untraced", team_id=self.payer("openrouter"))
        bill = self.openai_bill
        spent = self.calls[(self.calls["provider"] == "openai") & (self.calls["basis"] == "billed")]
        metered = bill.dropna(subset="meter").groupby("day")["usd"].sum()
        beyond = metered.sub(spent.groupby("day")["usd"].sum(), fill_value=0).rename("usd").reset_index()
        fees = bill[bill["meter"].isna()].assign(feature_id="invoice_only", team_id=self.payer("openai"))
        rows = [untraced, beyond.assign(feature_id="untraced", team_id=self.payer("openai")), fees]
        for provider, left in (("mistral", "untraced"), ("runpod", "idle")):
            billed = self.charges[self.charges["provider"] == provider].groupby("day")["usd"].sum()
            spent = self.calls[self.calls["provider"] == provider].groupby("day")["usd"].sum()
            beyond = billed.sub(spent, fill_value=0).rename("usd").reset_index()
            rows.append(beyond.assign(feature_id=left, team_id=self.payer(provider)))
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

    # Plans and segments of users and accounts.

    def plan_on(self, user_id: pd.Series, day: pd.Series) -> pd.Series:
        """Plan of users on days."""
        asked = pd.DataFrame({"user_id": user_id, "day": day, "place": range(len(day))}).dropna().sort_values("day")
        asked["day"] = asked["day"].astype("datetime64[us]")
        known = self.users[["user_id", "valid_from", "plan"]].sort_values("valid_from")
        found = pd.merge_asof(asked, known, left_on="day", right_on="valid_from", by="user_id")
        return pd.Series(found.set_index("place")["plan"].reindex(range(len(day))).to_numpy(), user_id.index)

    def in_cohorts(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Rows with month, user and account, with plan and segment: the user's, else what most of its account are."""
        parts = []
        for month, part in rows.groupby("month"):
            users, accounts = cohorts_of(self, month)
            for column in ("plan", "segment"):
                own, of_account = part["user_id"].map(users[column]), part["account_id"].map(accounts[column])
                part = part.assign(**{column: own.fillna(of_account).fillna("unknown")})
            parts.append(part)
        return pd.concat(parts)


@cache
def cohorts_of(company: Company, month: pd.Timestamp) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Plan and segment at the month's end: of each user, and of each account, which is what most of its users are."""
    held = company.users[company.users["valid_from"] <= month_end(month)]
    users = held.groupby("user_id").last()[["account_id", "plan", "segment"]]
    return users, users.groupby("account_id")[["plan", "segment"]].agg(largest)


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
        asked = calls[
            (calls["trace"] == call.trace) & (calls["parent"] == call.parent) & (calls["model"] == call.model)
        ]
        later = asked[(asked["at"] > call.at) & (asked["at"] <= call.at + within) & (asked["input"] >= call.input)]
        if len(later):
            calls.loc[call.Index, "kind"] = "retry"
    calls["wasted"] = np.where(calls["kind"] != "", calls["usd"], 0)
    for call in calls[(calls["kind"] == "") & (calls["cache_write"] > 0)].itertuples():
        alive = calls[
            (calls["at"] > call.at) & (calls["at"] <= call.at + FIVE_MINUTES) & (calls["model"] == call.model)
        ]
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


@cache
def spend_by_day(company: Company) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Cost that features cause and that teams bear (before the credit of the pool), a row per day."""
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
            # Rows begin with the month, though nothing was spent before; the mean knows nothing of that time.
            first = spend.index[0]
            spend = spend.reindex(pd.date_range(first.replace(day=1), spend.index[-1])).fillna(0)
            usd, weekdays = spend.to_numpy(), spend.index.day_of_week.to_numpy()
            for place, day in enumerate(spend.index):
                month = day.replace(day=1)
                to_date = usd[max(0, place + 1 - day.day) : place + 1].sum()
                since = max((first - spend.index[0]).days, place + 1 - 7 * weeks)
                seen, seen_weekdays = usd[since : place + 1], weekdays[since : place + 1]
                usual = {weekday: seen[seen_weekdays == weekday].mean() for weekday in set(seen_weekdays)}
                left = [(day.weekday() + ahead) % 7 for ahead in range(1, day.days_in_month - day.day + 1)]
                otherwise = seen.mean() if len(seen) else 0
                forecast = to_date + sum(usual.get(weekday, otherwise) for weekday in left)
                budget = budgets.get((scope, name, month), np.nan)
                conditions = [np.isnan(budget), to_date > budget, forecast > budget, to_date >= warning * budget]
                words = ["no_budget", "over", "forecast_over", "warning"]
                status = next((word for fits, word in zip(conditions, words, strict=True) if fits), "ok")
                team, feature = (name, None) if scope == "team" else (None, name)
                rows.append((day, team, feature, to_date, forecast, budget, status))
    columns = "burned_on team_id feature_id month_to_date_usd forecast_usd budget_usd status".split()
    return pd.DataFrame(rows, columns=columns)


def spend_anomalies_daily(company: Company) -> pd.DataFrame:
    """Days and weeks far from the median of those before: in ratio, in spreads, and by what all features spend."""
    variables, parts = company.variables, []
    weeks, least = variables["anomaly_weeks"], variables["anomaly_min_weeks"]
    rows = pd.concat([company.shares[["day", "feature_id", "purpose", "usd"]], company.residue])
    rows["purpose"] = np.where(rows["purpose"] == "evaluation", "evaluation", "production")
    spend = rows.groupby(["feature_id", "purpose", "day"])["usd"].sum()
    for (feature, purpose), series in spend.groupby(level=[0, 1]):
        series = series.droplevel([0, 1])
        series = series.reindex(pd.date_range(series.index[0], company.last_day), fill_value=0)
        usd, is_judged = series.to_numpy(), feature != "invoice_only"
        count = len(usd)
        week = np.array([usd[place - 6 : place + 1].sum() if place >= 6 else np.nan for place in range(count)])
        expected, known = np.full(count, np.nan), np.zeros(count, int)
        expected_week, week_spread, spread = np.full((3, count), np.nan)
        for place in range(count):
            before = [place - 7 * back for back in range(1, weeks + 1) if place >= 7 * back]
            if is_judged and len(before) >= least:
                expected[place], known[place] = np.median(usd[before]), len(before)
            whole = [week[other] for other in before if other >= 6]
            if is_judged and len(whole) >= variables["anomaly_shift_min_weeks"]:
                expected_week[place] = np.median(whole)
                week_spread[place] = 1.4826 * np.median(np.abs(whole - np.median(whole)))
            off = np.abs(usd - expected)[max(0, place - 7 * weeks) : place]
            if is_judged and np.isfinite(off).sum() >= 7:
                spread[place] = 1.4826 * np.nanmedian(off)
        parts.append(
            pd.DataFrame(
                {
                    "spent_on": series.index,
                    "feature_id": feature,
                    "purpose": purpose,
                    "borne_usd": usd,
                    "expected_usd": expected,
                    "weeks": known,
                    "spread_usd": spread,
                    "week_usd": week,
                    "expected_week_usd": expected_week,
                    "week_spread_usd": week_spread,
                }
            )
        )
    rows = pd.concat(parts, ignore_index=True)
    of_day = rows.groupby("spent_on")
    usd, expected = rows["borne_usd"], rows["expected_usd"]
    is_far = (usd - expected).abs() >= variables["anomaly_floor_pct"] * of_day["expected_usd"].transform("sum")
    is_far &= (usd - expected).abs() > variables["anomaly_spreads"] * rows["spread_usd"]
    ratio = variables["anomaly_ratio"]
    is_rise = is_far & (usd > expected) & (usd >= ratio * expected)
    is_fall = is_far & (usd < expected) & (usd <= expected / ratio) & (rows["spent_on"] < company.last_day)
    rows["anomaly"] = np.select([is_rise, is_fall & (usd == 0), is_fall], ["rise", "silence", "fall"], "")
    week, usual, ratio = rows["week_usd"], rows["expected_week_usd"], variables["anomaly_shift_ratio"]
    is_far = (week - usual).abs() > variables["anomaly_spreads"] * rows["week_spread_usd"]
    floor = variables["anomaly_shift_floor_pct"] * of_day["expected_week_usd"].transform("sum")
    is_far &= (week - usual).abs() >= floor
    rows["shift"] = np.select(
        [is_far & (week >= ratio * usual), is_far & (week <= usual / ratio)], ["rise", "fall"], ""
    )
    rows["level_shift"] = ""
    for _, part in rows.groupby(["feature_id", "purpose"]):
        off, shown = (part["borne_usd"] - part["expected_usd"]).to_numpy(), {}
        for place, (index, shift) in enumerate(part["shift"].items()):
            if not shift:
                continue
            of_week = off[place - 6 : place + 1] * (1 if shift == "rise" else -1)
            is_level = (of_week > 0).sum() >= 5 and of_week.max() <= 0.5 * np.nansum(of_week)
            if is_level and place - shown.get(shift, -15) > 14:
                rows.loc[index, "level_shift"] = shift
            if is_level:
                shown[shift] = place
    rows[["anomaly", "level_shift"]] = rows[["anomaly", "level_shift"]].replace("", None)
    rows["is_anomaly"] = rows["anomaly"].notna() | rows["level_shift"].notna()
    return rows.drop(columns="shift")


# Product: requests, answers, cohorts, revenue.


@cache
def production(company: Company) -> pd.DataFrame:
    return company.shares[company.shares["purpose"] == "production"]


@cache
def requests(company: Company) -> pd.DataFrame:
    """Production requests: a row per root and feature, with what it cost; a batch of several is none."""
    own = production(company).query("not is_batch")
    keys = ["month", "feature_id", "cause"]
    named = {"user_id": ("user_id", "first"), "account_id": ("account_id", "first"), "begun": ("begun", "first")}
    rows = own.groupby(keys).agg(usd=("usd", "sum"), **named).reset_index()
    return rows.assign(counted=[company.spans[cause].count for cause in rows["cause"]])


@cache
def joined_events(company: Company) -> pd.DataFrame:
    """Usage events with the request that each joined: by trace, else by the answer's id, else the latest before it."""
    roots, events = requests(company), company.events
    by_trace = {cause[0]: cause for cause in roots["cause"]}
    own = company.shares.query("not is_batch")
    by_answer = dict(zip(own["call"], own["cause"], strict=True))
    events = events.assign(cause=events["trace_id"].map(by_trace))
    events["cause"] = events["cause"].where(events["cause"].notna(), events["request_id"].map(by_answer))
    taken = set(events["cause"].dropna())
    waiting = defaultdict(list)
    for root in roots.sort_values("begun").itertuples():
        if root.cause not in taken:
            waiting[root.user_id, root.feature_id].append((root.begun, root.cause))
    within = pd.Timedelta(minutes=company.variables["telemetry_window_minutes"])
    is_without = (events["trace_id"] == "") & (events["request_id"] == "") & (events["user_id"] != "")
    for event in events[is_without].sort_values("at").itertuples():
        open_requests = waiting[event.user_id, event.feature_id]
        before = [place for place, (begun, _) in enumerate(open_requests) if event.at - within <= begun <= event.at]
        if before:
            events.at[event.Index, "cause"] = open_requests.pop(before[-1])[1]
    return events


def answers(company: Company, cohort: list[str]) -> pd.DataFrame:
    """Answers per joined request times production requests, by month, feature and cohort; else these requests."""
    roots, events = company.in_cohorts(requests(company)), company.in_cohorts(joined_events(company))
    keys = ["month", "feature_id"]
    joined = events.dropna(subset="cause").groupby(keys).agg(stated=("answers", "sum"), requests=("cause", "nunique"))
    rate = (joined["stated"] / joined["requests"]).rename("rate")
    by = [*keys, *cohort]
    counts = roots.groupby(by)["counted"].sum().rename("roots").reset_index().join(rate, on=keys)
    counts["answers"] = (counts["roots"] * counts["rate"].fillna(1)).round()
    counts.loc[counts["feature_id"] == "unlabelled", "answers"] = 0  # its money is unattributed, and bought none
    counts = counts.set_index(by)[["answers"]]
    stated = events.groupby(by)["answers"].sum().rename("answers_stated")
    found = events.dropna(subset="cause").groupby(by)["answers"].sum().reindex(stated.index, fill_value=0)
    return counts.join(pd.DataFrame({"answers_stated": stated, "answers_join_pct": found / stated}), how="outer")


def users(company: Company, by: list[str]) -> pd.Series:
    """Distinct users in telemetry, else in spans."""
    told = company.in_cohorts(company.events).query("user_id != ''").groupby(by)["user_id"].nunique()
    seen = company.in_cohorts(production(company)).dropna(subset="user_id").groupby(by)["user_id"].nunique()
    return told.combine_first(seen).rename("users")


def credit_of(company: Company, feature: str, month: pd.Timestamp, evaluation: float, served: float) -> float:
    """The credit of the pool: a share of evals, up to a part of production or a floor; the narrowest rule holds."""
    rules, end = company.seed("eval_funding"), f"{month_end(month):%Y-%m-%d}"
    held = rules[(rules["valid_from"] <= end) & ((rules["valid_to"] == "") | (rules["valid_to"] > end))]
    for scope, name in (("feature", feature), ("team", company.owners.get(feature)), ("default", "")):
        fitting = held[(held["scope"] == scope) & (held["scope_id"] == name)]
        if len(fitting):
            rule = fitting.iloc[0]
            bounds = [float(rule["cap_pct"]) * served] if rule["cap_pct"] else []
            bounds += [float(rule["cap_floor_usd"])] if rule["cap_floor_usd"] else []
            credit = float(rule["share"]) * evaluation
            return min(credit, max(bounds)) if bounds else credit
    return evaluation


@cache
def costs(company: Company) -> pd.DataFrame:
    """Money of calls and bills by month, feature and cohort in columns by purpose; unlabelled money is unattributed."""
    shares = company.in_cohorts(company.shares)
    is_known = (shares["feature_id"] != "unlabelled") & (shares["purpose"] != "unknown")
    shares["column"] = shares["purpose"].where(is_known, "unattributed") + "_usd"
    residue = company.residue.assign(plan="unknown", segment="unknown", column="unattributed_usd", basis="billed")
    columns = ["month", "feature_id", "plan", "segment", "column", "basis", "usd"]
    return pd.concat([shares[columns], residue[columns]])


@cache
def revenue_by_use(company: Company) -> pd.DataFrame:
    """Revenue by the uses of its account: the row's own plan, the segments of the users."""
    uses = company.in_cohorts(company.events).assign(uses=1)
    uses = uses.groupby(["month", "account_id", "feature_id", "segment"])["uses"].sum()
    rows = []
    for row in company.revenue.itertuples():
        try:
            parts = uses.loc[row.month, row.account_id]
        except KeyError:
            people = cohorts_of(company, row.month)[0].query("account_id == @row.account_id")["segment"].value_counts()
            parts = pd.Series(
                {("no_usage", segment): count for segment, count in people.items()} or {("no_usage", "unknown"): 1}
            )
        for (feature, segment), count in parts.items():
            rows.append((row.month, feature, row.plan, segment, row.usd * count / parts.sum()))
    rows = pd.DataFrame(rows, columns=["month", "feature_id", "plan", "segment", "revenue_usd"])
    return rows.groupby(["month", "feature_id", "plan", "segment"])["revenue_usd"].sum()


def pnl_by(company: Company, cohort: list[str]) -> pd.DataFrame:
    by, feature = ["month", "feature_id", *cohort], ["month", "feature_id"]
    money = costs(company)
    rows = money.pivot_table(index=by, columns="column", values="usd", aggfunc="sum", fill_value=0)
    columns = ["production_usd", "evaluation_usd", "development_usd", "unattributed_usd"]
    rows = rows.reindex(columns=columns, fill_value=0)
    revenue = revenue_by_use(company).groupby(by).sum()
    rows = rows.join(revenue, how="outer").fillna(0)
    whole = rows.groupby(feature)[columns].sum()
    credits = {
        key: credit_of(company, key[1], key[0], whole.at[key, "evaluation_usd"], whole.at[key, "production_usd"])
        for key in whole[whole["evaluation_usd"] > 0].index
    }
    credits = pd.Series(credits).rename_axis(feature).rename("credit")
    rows = rows.join(credits, on=feature).join(whole["evaluation_usd"].rename("evaluation_of_feature"), on=feature)
    parts = rows["credit"] * rows["evaluation_usd"] / rows["evaluation_of_feature"]
    rows["eval_pool_credit_usd"] = parts.fillna(0)
    bases = money.groupby(by)["basis"].agg(lambda values: "mixed" if values.nunique() > 1 else values.iloc[0])
    rows = rows.join(bases, how="left").join(answers(company, cohort)).join(users(company, by))
    counts = ["answers", "answers_stated", "users"]
    rows[counts] = rows[counts].fillna(0)
    evals = money[money["column"] == "evaluation_usd"].groupby("month")["basis"]
    bases = evals.agg(lambda values: "mixed" if values.nunique() > 1 else values.iloc[0])
    pool = -credits.groupby("month").sum()
    pool = pd.DataFrame({"eval_pool_credit_usd": pool, "basis": bases}).dropna(subset="eval_pool_credit_usd")
    for column in by[1:]:
        pool[column] = "quality_pool"
    pool = pool.reset_index().set_index(by)
    rows = pd.concat([rows, pool])
    rows[["revenue_usd", *columns]] = rows[["revenue_usd", *columns]].fillna(0)
    rows["shared_usd"] = 0.0
    rows["margin_usd"] = rows["revenue_usd"] - rows[columns].sum(axis=1) + rows["eval_pool_credit_usd"]
    rows["margin_pct"] = (rows["margin_usd"] / rows["revenue_usd"]).where(rows["revenue_usd"] != 0)
    return rows.drop(columns=["credit", "evaluation_of_feature"]).reset_index()


@cache
def feature_pnl_monthly(company: Company) -> pd.DataFrame:
    return pnl_by(company, [])


@cache
def feature_pnl_by_cohort_monthly(company: Company) -> pd.DataFrame:
    return pnl_by(company, ["plan", "segment"])


def segment_margin_monthly(company: Company) -> pd.DataFrame:
    rows = feature_pnl_by_cohort_monthly(company)
    rows = rows.assign(borne_usd=rows["revenue_usd"] - rows["margin_usd"])
    money = ["revenue_usd", "borne_usd", "eval_pool_credit_usd", "margin_usd"]
    rows = rows.groupby(["month", "segment"])[money].sum().reset_index()
    rows["bill_share"] = rows["borne_usd"] / rows.groupby("month")["borne_usd"].transform("sum")
    rows["is_pool"] = rows["segment"] == "quality_pool"
    rows = rows.sort_values(["month", "is_pool", "borne_usd", "segment"], ascending=[True, True, False, True])
    rows["cumulative_bill_share"] = rows.groupby("month")["bill_share"].cumsum()
    return rows.drop(columns="is_pool")


def account_margin_monthly(company: Company) -> pd.DataFrame:
    """Revenue and cost by account: what spans name, else their user's; what none caused is spread by what they bear."""
    shares, keys = company.in_cohorts(company.shares), ["month", "account_id"]
    for month, part in shares.groupby("month"):
        named = part["account_id"].fillna(part["user_id"].map(cohorts_of(company, month)[0]["account_id"]))
        shares.loc[part.index, "account_id"] = named
    credits = feature_pnl_monthly(company).query("feature_id == 'quality_pool'").set_index("month")
    credits = -credits["eval_pool_credit_usd"]
    spent = pd.concat(
        [
            shares[[*keys, "usd"]].fillna({"account_id": "unknown"}),
            company.residue.assign(account_id="unknown")[[*keys, "usd"]],
            (-credits).rename("usd").reset_index().assign(account_id="unknown"),
            credits.rename("usd").reset_index().assign(account_id="quality_pool"),
        ]
    )
    earned = company.revenue.groupby(keys)["usd"].sum().rename("revenue_usd")
    rows = spent.groupby(keys)["usd"].sum().rename("borne_usd").to_frame().join(earned, how="outer").fillna(0)
    rows = rows.reset_index()
    rows["margin_usd"] = rows["revenue_usd"] - rows["borne_usd"]
    is_nobody = rows["account_id"].isin(["unknown", "quality_pool"])
    whole = rows.groupby("month")["borne_usd"].transform("sum")
    own = rows["borne_usd"].where(~is_nobody, 0)
    rows["break_even_usd"] = own * whole / own.groupby(rows["month"]).transform("sum")
    for column in ("plan", "segment"):
        rows[column] = "unknown"
        rows.loc[rows["account_id"] == "quality_pool", column] = "quality_pool"
        for month, part in rows.groupby("month"):
            known = part["account_id"].map(cohorts_of(company, month)[1][column]).dropna()
            rows.loc[known.index, column] = known
    return rows


def free_tier_monthly(company: Company) -> pd.DataFrame:
    """Cost of features on free plans, by the plan of the day, and moves to paid ones."""
    free = [plan.lower() for plan in company.variables["free_plans"]]
    days = company.variables["conversion_days"]

    def on_free(rows: pd.DataFrame) -> pd.DataFrame:
        return rows[company.plan_on(rows["user_id"], rows["day"]).str.lower().isin(free).to_numpy()]

    keys = ["month", "feature_id"]
    served = production(company).query("feature_id != 'unlabelled'")
    cost = on_free(served).groupby(keys)["usd"].sum().rename("production_usd")
    rows = cost.to_frame().join(served.groupby(keys)["usd"].sum().rename("all_usd"))
    rows["production_usd_pct"] = rows["production_usd"] / rows["all_usd"]
    events = joined_events(company)
    joined = events.dropna(subset="cause").groupby(keys).agg(stated=("answers", "sum"), requests=("cause", "nunique"))
    roots = requests(company)
    of_free = on_free(roots.assign(day=roots["begun"].dt.normalize())).groupby(keys)["counted"].sum()
    rate = (joined["stated"] / joined["requests"]).reindex(of_free.index).fillna(1)
    rows["answers"] = (of_free * rate).round()
    told = on_free(events).query("user_id != ''")
    seen = on_free(served).groupby(keys)["user_id"].nunique()
    rows["users"] = told.groupby(keys)["user_id"].nunique().reindex(rows.index).fillna(seen)
    revenue = revenue_by_use(company).reset_index()
    revenue = revenue[revenue["plan"].str.lower().isin(free)].groupby(keys)["revenue_usd"].sum()
    rows["revenue_usd"] = revenue.reindex(rows.index).fillna(0)
    rows["usd_per_answer"] = rows["production_usd"] / rows["answers"]
    rows["usd_per_user"] = rows["production_usd"] / rows["users"]

    # Conversions count from the first use of the month, of the feature and of any other.
    known = company.users
    paid = known[~known["plan"].str.lower().isin(free) & (known["valid_from"] > "1900-01-01")]
    moves = paid.groupby("user_id")["valid_from"].agg(list).to_dict()

    def converts(user: str, first: pd.Timestamp) -> bool:
        return any(first <= move <= first + pd.Timedelta(days=days) for move in moves.get(user, []))

    is_history = known["user_id"].duplicated().any()
    rows = rows.assign(
        **dict.fromkeys(["converted_users", "conversion_pct", "other_users", "other_conversion_pct"], np.nan)
    )
    for (month, feature), _ in rows.iterrows():
        of_month = told[told["month"] == month]
        tried = of_month[of_month["feature_id"] == feature].groupby("user_id")["day"].min()
        others = of_month[~of_month["user_id"].isin(tried.index)].groupby("user_id")["day"].min()
        key = (month, feature)
        rows.loc[key, "tried_users"] = len(tried)
        rows.loc[key, "is_window_over"] = month_end(month) + pd.Timedelta(days=days) <= company.last_day
        if len(tried) and is_history:
            moved = sum(converts(*pair) for pair in tried.items())
            rows.loc[key, ["converted_users", "conversion_pct"]] = [moved, moved / len(tried)]
            rows.loc[key, "other_users"] = len(others)
            if len(others):
                rows.loc[key, "other_conversion_pct"] = sum(converts(*pair) for pair in others.items()) / len(others)
    return rows.drop(columns="all_usd").reset_index()


@cache
def student(probability: float, freedom: int) -> float:
    """Quantile of Student's t, by adding up its density from 0 on."""
    at = np.linspace(0, 50, 1_000_001)
    log_scale = math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2) - math.log(freedom * math.pi) / 2
    density = np.exp(log_scale - (freedom + 1) / 2 * np.log1p(at**2 / freedom))
    below = 0.5 + np.concatenate([[0], np.cumsum((density[1:] + density[:-1]) / 2)]) * (at[1] - at[0])
    return float(np.interp(probability, below, at))


def feature_substitution(company: Company) -> pd.DataFrame:
    """Change of adopters' use of an incumbent beyond that of users who had not adopted, per window."""
    variables, events = company.variables, company.events[company.events["user_id"] != ""]
    window, accounts = variables["substitution_window_days"], company.users.groupby("user_id")["account_id"].last()
    catalog = company.seed("feature_catalog").set_index("feature_id")["launched_on"]
    days = pd.date_range(events["day"].min(), company.events["day"].max())
    people = accounts.index
    money = costs(company).query("column == 'production_usd'").groupby(["month", "feature_id"])["usd"].sum()
    counts = company.events.groupby(["month", "feature_id"]).size()

    def uses(feature: str) -> np.ndarray:
        of_feature = events[events["feature_id"] == feature]
        return (
            pd.crosstab(of_feature["user_id"], of_feature["day"])
            .reindex(index=people, columns=days, fill_value=0)
            .to_numpy()
        )

    def per_use(feature: str, launch: pd.Timestamp) -> float:
        month = launch.replace(day=1)
        of_feature = (part.xs(feature, level="feature_id").loc[month:].sum() for part in (money, counts))
        return np.divide(*of_feature)

    rows = []
    for new, launch in pd.to_datetime(catalog).items():
        if not days[0] < launch <= days[-1]:
            continue
        begin = days.get_loc(launch)
        new_uses = uses(new)
        is_used = new_uses[:, begin:] > 0
        first = np.where(is_used.any(axis=1), begin + is_used.argmax(axis=1), len(days))
        length = np.minimum(window, len(days) - 1 - first)
        is_adopter = length >= variables["substitution_min_days"]
        is_never = first == len(days)
        scale = np.where(is_adopter, window / np.maximum(length, 1), 0)
        places = np.arange(len(days))
        in_window = is_adopter[:, None] & (places > first[:, None]) & (places <= (first + length)[:, None])
        is_control = places <= first[:, None]  # up to the day on which they adopt
        for incumbent in sorted(set(events.loc[events["day"] < launch, "feature_id"]) - {new}):
            used = uses(incumbent)
            before = used[:, begin - window : begin].sum(axis=1)
            after = (used * in_window).sum(axis=1) * scale
            level, left = before[is_adopter].mean(), after[is_adopter].mean()
            adopters = is_adopter.sum()
            # Each day, what controls use of what they used before the launch; adopters expect as much of their own.
            usual = ((before / window)[:, None] * is_control).sum(axis=0)
            became = np.divide((used * is_control).sum(axis=0), usual)
            expected = (before / window * scale) * (in_window * became).sum(axis=1)
            displaced = (expected - after)[is_adopter].mean()
            ratio = expected[is_adopter].mean() / level
            weights = ((before / window * scale)[:, None] * in_window).sum(axis=0) / adopters
            # Of each user: what controls did beyond what was expected of them, and what was expected.
            usual_of = (before / window)[:, None]
            of_controls = (is_control * (used - became * usual_of) * weights / usual).sum(axis=1)
            stood_for = (is_control * became * usual_of * weights / usual).sum(axis=1)
            new_after = (new_uses * in_window).sum(axis=1) * scale
            taken_up = new_after[is_adopter].mean()
            of_adopters = {
                "displaced": np.where(is_adopter, expected - after - displaced, 0),
                "expected": np.where(is_adopter, expected - level * ratio, 0),
                "new": np.where(is_adopter, new_after - taken_up, 0),
            }
            # Users of an account are one observation: how far would the mean move without the account?
            others_adopt = 1 - pd.Series(is_adopter, people).groupby(accounts).sum() / adopters
            others_stand = 1 - pd.Series(stood_for, people).groupby(accounts).sum() / stood_for.sum()
            controls = pd.Series(of_controls, people).groupby(accounts).sum() / others_stand
            moved = {
                name: pd.Series(part, people).groupby(accounts).sum() / adopters / others_adopt
                + (0 if name == "new" else controls)
                for name, part in of_adopters.items()
            }
            is_compared = is_adopter | (before > 0) | ((used * is_control)[:, weights > 0] > 0).any(axis=1)
            compared = pd.Series(is_compared, people).groupby(accounts).any().sum()

            def error(moved: pd.Series, compared=compared) -> float:
                """Half an interval: the jackknife over accounts."""
                deviation = np.sqrt((moved**2).sum() * (compared - 1) / compared)
                return deviation * student(0.975, compared - 1)

            # Between the halves of the time before the launch nothing can have been displaced.
            early, late = (
                used[:, begin - window : begin - window // 2].sum(axis=1),
                used[:, begin - window // 2 : begin].sum(axis=1),
            )
            would = early[is_adopter].mean() * late[is_never].mean() / early[is_never].mean()
            placebo = would - late[is_adopter].mean()
            had_used = before > 0
            # Use before adoption is compared in the windows of adopters who knew the incumbent.
            knew = np.flatnonzero(is_adopter & had_used)
            until = [used[:, first[place] - window : first[place]].sum(axis=1) for place in knew]
            before_adoption = [uses_then[place] for uses_then, place in zip(until, knew, strict=True)]
            of_others = [uses_then[is_never & had_used].mean() for uses_then in until]
            lost, diverted = displaced / (level * ratio), displaced / taken_up
            of_lost = error((moved["displaced"] - lost * moved["expected"]) / (level * ratio))
            of_diverted = error((moved["displaced"] - diverted * moved["new"]) / taken_up)
            price, saved = per_use(new, launch), per_use(incumbent, launch)
            others = before[is_never].mean()
            net = adopters * (taken_up * price - displaced * saved)
            of_net = error(adopters * (moved["new"] * price - moved["displaced"] * saved))
            rows.append(
                {
                    "new_feature_id": new,
                    "incumbent_feature_id": incumbent,
                    "launched_on": launch,
                    "window_days": window,
                    "adopters": adopters,
                    "non_adopters": is_never.sum(),
                    "other_users": len(people) - adopters - is_never.sum(),
                    "accounts": compared,
                    "uses_before_per_adopter": level,
                    "uses_before_per_non_adopter": others,
                    "uses_change_per_adopter": left - level,
                    "uses_change_per_non_adopter": level * (ratio - 1),
                    "displaced_uses_per_adopter": displaced,
                    "ci_low": displaced - error(moved["displaced"]),
                    "ci_high": displaced + error(moved["displaced"]),
                    "adopters_lost_pct": lost,
                    "adopters_lost_pct_low": lost - of_lost,
                    "adopters_lost_pct_high": lost + of_lost,
                    "incumbent_lost_pct": adopters * displaced / ratio / (adopters * level + is_never.sum() * others),
                    "new_uses_per_adopter": taken_up,
                    "diversion_pct": diverted,
                    "diversion_pct_low": diverted - of_diverted,
                    "diversion_pct_high": diverted + of_diverted,
                    "uses_before_adoption_per_adopter": np.mean(before_adoption),
                    "uses_before_adoption_per_non_adopter": np.mean(of_others),
                    "placebo_uses_per_adopter": placebo,
                    "new_usd_per_use": price,
                    "incumbent_usd_per_use": saved,
                    "extra_cost_usd": adopters * taken_up * price,
                    "saved_cost_usd": adopters * displaced * saved,
                    "net_cost_usd": net,
                    "net_cost_usd_low": net - of_net,
                    "net_cost_usd_high": net + of_net,
                    "cost_change_usd": adopters * displaced * (price - saved),
                }
            )
    return pd.DataFrame(rows)


# Quality: coverage, pass rates, cost per correct answer.

ANY = "*"
WILSON = 1.96  # quantile of the 95 % intervals of pass rates


def configurations(company: Company) -> pd.DataFrame:
    """Configurations by day: feature, model and prompt version, which is empty where production names none."""
    served = production(company)
    served = served[served["feature_id"] != "unlabelled"].assign(prompt_version=served["prompt_version"].fillna(""))
    by = ["day", "feature_id", "model", "prompt_version"]
    return served.groupby(by).agg(production_calls=("call", "nunique"), production_usd=("usd", "sum")).reset_index()


@cache
def finished_runs(company: Company) -> pd.DataFrame:
    """Runs that ended well, a row for each model and prompt version that they speak for, and what their calls cost."""
    calls, rows = company.calls, []
    calls_of = dict(tuple(calls[calls["purpose"] == "evaluation"].groupby("trace")))
    for run in company.runs[company.runs["status"] == "success"].itertuples():
        seen = [calls_of[trace] for trace in run.trace_ids.split() if trace in calls_of]
        if seen:
            seen = pd.concat(seen)
            pairs = {
                (model, version or run.prompt_version)
                for model, version in zip(seen["model"], seen["prompt_version"].fillna(""), strict=True)
            }
        else:
            pairs = {(run.model or ANY, run.prompt_version or ANY)}
        judged = run.passed + run.failed + run.errored
        cost = seen["usd"].sum() if len(seen) else np.nan
        for model, version in pairs:
            rows.append(
                {
                    "run": run.run_id,
                    "feature_id": run.feature_id,
                    "suite": run.suite,
                    "model": model,
                    "prompt_version": version,
                    "at": run.at,
                    "day": run.day,
                    "judged": judged,
                    "rate": run.passed / judged,
                    "cost": cost,
                    "traces": run.trace_ids,
                }
            )
    return pd.DataFrame(rows).sort_values("at", kind="stable")


def speaks_for(run, model: str, version: str) -> bool:
    """Whether a run is of the configuration; where production names no version, only one whose own row covers any."""
    is_version = run.prompt_version == ANY or (run.prompt_version == version and version != "")
    return run.model in (ANY, model) and is_version


def required(company: Company, feature: str, day: pd.Timestamp) -> pd.DataFrame:
    rules, day = company.requirements, f"{day:%Y-%m-%d}"
    held = (rules["valid_from"] <= day) & ((rules["valid_to"] == "") | (day < rules["valid_to"]))
    return rules[(rules["feature_id"] == feature) & held].sort_values("suite")


def ratio(part: float, whole: float) -> float:
    return part / whole if whole else np.nan


def wilson(rate: float, cases: float, quantile: float) -> tuple[float, float]:
    middle = rate + quantile**2 / (2 * cases)
    width = quantile * np.sqrt(rate * (1 - rate) / cases + quantile**2 / (4 * cases**2))
    return (middle - width) / (1 + quantile**2 / cases), (middle + width) / (1 + quantile**2 / cases)


def verdict(company: Company, rule, runs: list, model: str, version: str, day: pd.Timestamp):
    """(reason why the suite does not cover, or empty; day of the newest passing run) before a day."""
    before = [run for run in runs if run.day < day]
    own = [run for run in before if speaks_for(run, model, version)]
    passed = [run.day for run in own if run.rate >= rule.min_pass_rate]
    passed_on = passed[-1] if passed else None
    if own:
        newest = own[-1]
        if newest.rate < rule.min_pass_rate:
            return "failed", passed_on
        if newest.judged < rule.min_cases:
            return "too_few_cases", passed_on
        if wilson(newest.rate, newest.judged, WILSON)[0] < rule.min_low_bound:
            return "too_uncertain", passed_on
        return "stale" if (day - newest.day).days > rule.fresh_days else "", passed_on
    if not before:
        return "never_run", None
    if not any(run.model in (ANY, model) for run in before):
        return "other_model", None
    return "other_prompt_version" if version else "no_prompt_version", None


@cache
def eval_coverage_daily(company: Company) -> pd.DataFrame:
    rows = configurations(company).rename(columns={"day": "covered_on"})
    runs_of, rules_of, outcomes = defaultdict(list), {}, []
    for run in finished_runs(company).itertuples():
        runs_of[run.feature_id, run.suite].append(run)
    for row in rows.itertuples():
        key = row.feature_id, row.covered_on
        if key not in rules_of:
            rules_of[key] = list(required(company, *key).itertuples())
        verdicts = [
            (rule.suite, *verdict(company, rule, runs_of[row.feature_id, rule.suite], *row[3:5], row.covered_on))
            for rule in rules_of[key]
        ]
        missing = [(suite, reason) for suite, reason, _ in verdicts if reason]
        passed = [passed_on for _, _, passed_on in verdicts]
        outcomes.append(
            {
                "is_covered": bool(verdicts) and not missing,
                "last_passed_on": min(passed) if passed and None not in passed else pd.NaT,
                "missing_suites": ", ".join(suite for suite, _ in missing) or None,
                "reason": ", ".join(reason for _, reason in missing) or (None if verdicts else "no_requirement"),
            }
        )
    rows = pd.concat([rows, pd.DataFrame(outcomes, index=rows.index)], axis=1)
    all_calls = rows.groupby(["covered_on", "feature_id"])["production_calls"].transform("sum")
    rows["is_noise"] = rows["production_calls"] < company.variables["noise_pct"] * all_calls
    return rows.assign(prompt_version=rows["prompt_version"].replace("", None))


def coverage_targets_monthly(company: Company) -> pd.DataFrame:
    """Of months that are over, with targets that hold always, as the sample company has them."""
    targets = company.seed("coverage_targets").set_index("feature_id")["target_pct"].astype(float)
    daily = eval_coverage_daily(company)
    daily = daily[daily["feature_id"].isin(targets.index)].assign(
        month=months_of(daily["covered_on"]), served_usd=daily["production_usd"].fillna(0).clip(lower=0)
    )
    daily["uncovered_usd"] = daily["served_usd"].where(~daily["is_covered"], 0)
    rows = []
    for (month, feature), days in daily.groupby(["month", "feature_id"]):
        served, budget = days["served_usd"].sum(), (1 - targets[feature]) * days["served_usd"].sum()
        burned = days.groupby("covered_on")["uncovered_usd"].sum().cumsum()
        over = burned.index[burned > budget]
        rows.append(
            {
                "month": month,
                "feature_id": feature,
                "as_of_on": month_end(month),
                "target_pct": targets[feature],
                "covered_usd_pct": 1 - burned.iloc[-1] / served,
                "served_usd": served,
                "expected_usd": served,
                "error_budget_usd": budget,
                "uncovered_usd": burned.iloc[-1],
                "burned_pct": burned.iloc[-1] / budget,
                "burn_rate": burned.iloc[-1] / budget,
                "exhausted_on": over[0] if len(over) else pd.NaT,
                "status": "exhausted" if len(over) else "ok",
            }
        )
    return pd.DataFrame(rows)


def eval_coverage_monthly(company: Company) -> pd.DataFrame:
    pnl = feature_pnl_monthly(company)
    pnl = pnl[~pnl["feature_id"].isin([*SENTINELS, "no_usage", "quality_pool"])].set_index(["month", "feature_id"])
    daily = eval_coverage_daily(company)
    daily = daily.assign(month=months_of(daily["covered_on"]), usd=daily["production_usd"].clip(lower=0))
    daily["prompt_version"] = daily["prompt_version"].fillna("")
    runs, quantile = list(finished_runs(company).itertuples()), WILSON
    # An answer belongs to configurations by their money in its request; a batch of several requests is none.
    own_calls = production(company).query("not is_batch")
    own_calls = own_calls.assign(prompt_version=own_calls["prompt_version"].fillna(""))
    rows = []
    # A required feature is a row of the month, also if it neither served nor was evaluated.
    needed = [
        (month, feature) for month in pnl.index.unique(0) for feature in company.requirements["feature_id"].unique()
    ]
    idle = [key for key in needed if key not in pnl.index and len(required(company, key[1], month_end(key[0])))]
    nothing = pd.DataFrame(
        0.0, pd.MultiIndex.from_tuples(idle, names=pnl.index.names), pnl.select_dtypes("number").columns
    )
    pnl = pd.concat([pnl, nothing.assign(answers=np.nan)] if idle else [pnl])
    for (month, feature), money in pnl.iterrows():
        days = daily[(daily["month"] == month) & (daily["feature_id"] == feature)]
        covered, whole = days[days["is_covered"]], days["usd"].sum()
        served = days.groupby(["model", "prompt_version"]).agg(usd=("usd", "sum"), last=("covered_on", "max"))
        suites = list(required(company, feature, month_end(month))["suite"])
        ours = [run for run in runs if run.feature_id == feature and run.day <= month_end(month)]
        spoken = {}  # suite: {configuration: its newest run}
        for suite in suites:
            for config, of_config in served.iterrows():
                own = [run for run in ours if run.suite == suite and run.day <= of_config["last"]]
                own = [run for run in own if speaks_for(run, *config)]
                if own:
                    spoken.setdefault(suite, {})[config] = own[-1]
        rates, cases = {}, {}
        for suite, of_suite in spoken.items():
            weights = np.array([served.at[config, "usd"] for config in of_suite])
            weights = weights / weights.sum()
            rates[suite] = sum(weights * [run.rate for run in of_suite.values()])
            cases[suite] = 1 / sum(weights**2 / np.array([run.judged for run in of_suite.values()]))
        row = {
            "month": month,
            "feature_id": feature,
            "production_usd": money["production_usd"],
            "evaluation_usd": money["evaluation_usd"],
            "evaluation_usd_pct": ratio(money["evaluation_usd"], money["evaluation_usd"] + money["production_usd"]),
            "eval_pool_credit_usd": money["eval_pool_credit_usd"],
            "eval_tax_usd": money["evaluation_usd"] - money["eval_pool_credit_usd"],
            "covered_calls_pct": ratio(covered["production_calls"].sum(), days["production_calls"].sum()),
            "covered_usd_pct": ratio(covered["usd"].sum(), whole),
            "required_suites": len(suites),
            "evaluated_suites": len(spoken),
            "missing_suites": ", ".join(suite for suite in suites if suite not in spoken) or None,
            "answers": money["answers"],
        }
        spent = {}  # by traces, so that suites that share calls count once
        for suite in suites:
            with_cost = [run for run in ours if run.suite == suite and run.cost == run.cost]
            spent |= {run.traces: run.cost for run in with_cost[-1:]}
        if spent:
            one_more = sum(spent.values())
            grown = credit_of(company, feature, month, money["evaluation_usd"] + one_more, money["production_usd"])
            row["marginal_eval_tax_usd"] = one_more - (grown - money["eval_pool_credit_usd"])
        nothing_said = "no_run" if len(served) else "no_production"
        row["usd_per_correct_answer_reason"] = nothing_said if suites else "no_requirement"
        if spoken:
            evaluated = set.intersection(*(set(of_suite) for of_suite in spoken.values()))
            row["pass_rate"] = min(rates.values())
            worst = min(rates, key=rates.get)
            row["pass_rate_low"], row["pass_rate_high"] = wilson(rates[worst], cases[worst], quantile)
            row["evaluated_usd"] = sum(served.at[config, "usd"] for config in evaluated)
            row["pass_rate_usd_pct"] = row["evaluated_usd"] / whole
            row["usd_per_correct_answer_reason"] = None if evaluated else "no_common_run"
            of_feature = own_calls[(own_calls["month"] == month) & (own_calls["feature_id"] == feature)]
            is_evaluated = [
                pair in evaluated for pair in zip(of_feature["model"], of_feature["prompt_version"], strict=True)
            ]
            per_request = of_feature["usd"].groupby(of_feature["cause"]).sum()
            its_part = (of_feature["usd"] * is_evaluated).groupby(of_feature["cause"]).sum() / per_request
            counted = pd.Series([company.spans[cause].count for cause in per_request.index], per_request.index)
            bought = money["answers"] / counted.sum() * (its_part * counted).sum()
            loaded = (money["production_usd"] + money["evaluation_usd"]) / money["production_usd"]
            row["correct_answers"] = bought * row["pass_rate"]
            if row["correct_answers"]:
                row["usd_per_correct_answer"] = row["evaluated_usd"] / row["correct_answers"]
                row["usd_per_correct_answer_low"] = row["evaluated_usd"] / (bought * row["pass_rate_high"])
                row["usd_per_correct_answer_high"] = row["evaluated_usd"] / (bought * row["pass_rate_low"])
                row["loaded_usd_per_correct_answer"] = row["usd_per_correct_answer"] * loaded
        rows.append(row)
    rows = pd.DataFrame(rows).sort_values(["feature_id", "month"])
    for column in ("production_usd", "covered_usd_pct"):
        rows[f"{column}_change"] = rows.groupby("feature_id")[column].diff()
    previous = rows["production_usd"] - rows["production_usd_change"]
    is_up = rows["production_usd_change"] > company.variables["bill_up_pct"] * previous
    down = company.variables["coverage_down_pct"]
    rows["is_bill_up_coverage_down"] = is_up & (rows["covered_usd_pct_change"] < -down)
    changes = rows[["production_usd_change", "covered_usd_pct_change"]]
    last = changes.groupby(rows["feature_id"]).shift()
    is_each = (changes.iloc[:, 0] > 0) & (last.iloc[:, 0] > 0) & (changes.iloc[:, 1] < 0) & (last.iloc[:, 1] < 0)
    both = changes + last
    is_over_both = both.iloc[:, 0] > company.variables["bill_up_pct"] * (rows["production_usd"] - both.iloc[:, 0])
    rows["is_bill_up_coverage_down_trend"] = is_each & is_over_both & (both.iloc[:, 1] < -down)
    return rows
