"""What the marts say of the sample company's product, against plain readings of its exports."""

import csv
from collections import Counter, defaultdict
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from statistics import mean

import pytest
from conftest import PROJECT
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner
from exports import batch, chat, span

import build as build_script
import make_sample

pytestmark = pytest.mark.xdist_group("sample")
USD, WINDOW = Decimal, 28


@pytest.fixture(scope="module")
def telemetry(sample):
    def rows(name: str) -> list[dict]:
        with (sample.data / "inbox" / "telemetry" / f"{name}.csv").open(newline="") as lines:
            return list(csv.DictReader(lines))

    return rows


@pytest.fixture(scope="module")
def substitution(sample):
    columns = "displaced_uses_per_adopter, ci_low, ci_high, uses_before_per_adopter, uses_change_per_adopter, adopters"
    query = f"select incumbent_feature_id, {columns} from marts.feature_substitution where new_feature_id = '{{}}'"
    return {name: row for name, *row in sample.rows(query.format("rewrite-tone"))}


def test_the_planted_effect_is_recovered_within_its_interval(substitution):
    """Adopters drop a share of their drafts: what they still write tells how many they would have written."""
    displaced, low, high, before, change, _ = substitution["draft-email"]
    planted = make_sample.TAKEN / (1 - make_sample.TAKEN) * (before + change)
    assert low <= planted <= high
    assert low > 0
    assert abs(displaced - planted) < 0.5 * planted


def test_no_effect_is_found_where_none_was_planted(substitution):
    others = {name: row for name, row in substitution.items() if name != "draft-email"}
    assert len(others) == 10
    for name in ("smart-reply", "summarize-thread", "polish-grammar", "translate-mail"):
        _, low, high, *_ = others[name]
        assert low < 0 < high, name
    # At 95 %, one of ten intervals may miss.
    assert sum(not row[1] < 0 < row[2] for row in others.values()) <= 1


def test_estimates_are_those_of_a_plain_reading(substitution, telemetry):
    """The same difference in differences, user by user: each adopter's own window, and all who have not adopted yet."""
    uses, adopted, accounts = defaultdict(Counter), {}, {}
    for event in telemetry("usage_events"):
        day, user = date.fromisoformat(event["occurred_at"][:10]), event["user_id"]
        uses[user, event["feature_id"]][day] += 1
        if event["feature_id"] == "rewrite-tone":
            adopted.setdefault(user, day)
    for row in telemetry("users"):
        accounts[row["user_id"]] = row["account_id"]
    users, launch = {user for user, _ in uses if user}, make_sample.LAUNCH
    days = [launch + timedelta(step) for step in range((make_sample.LAST - launch).days + 1)]
    befores = {
        user: sum(uses[user, "draft-email"][launch - timedelta(step)] for step in range(1, WINDOW + 1))
        for user in users
    }
    controls = {day: [user for user in users if adopted.get(user, date.max) >= day] for day in days}
    bases = {day: sum(befores[user] for user in controls[day]) for day in days}
    rates = {day: sum(uses[user, "draft-email"][day] for user in controls[day]) / bases[day] for day in days}
    lengths = {user: min(WINDOW, (make_sample.LAST - day).days) for user, day in adopted.items()}
    windows = {
        user: [adopted[user] + timedelta(step) for step in range(1, length + 1)]
        for user, length in lengths.items()
        if length >= 7
    }
    gaps, pulls = {}, Counter()
    for user, window in windows.items():
        scale = WINDOW / len(window)
        gaps[user] = scale * sum(befores[user] * rates[day] - uses[user, "draft-email"][day] for day in window)
        for day in window:
            pulls[day] += scale * befores[user] / bases[day]
    displaced = mean(gaps.values())
    residuals, sizes, pushes, shares = Counter(), Counter(), Counter(), Counter()
    for user, gap in gaps.items():
        residuals[accounts[user]] += gap - displaced
        sizes[accounts[user]] += 1
    for day, pull in pulls.items():
        for user in controls[day]:
            pushes[accounts[user]] += pull * (uses[user, "draft-email"][day] - rates[day] * befores[user])
            shares[accounts[user]] += pull * rates[day] * befores[user]
    influences = {
        account: residuals[account] / (1 - sizes[account] / len(gaps))
        + pushes[account] / (1 - shares[account] / sum(shares.values()))
        for account in set(accounts.values())
    }
    found, low, high, *_, adopters = substitution["draft-email"]
    assert adopters == len(gaps) > 100
    assert found == pytest.approx(displaced, abs=1e-9)
    count = len(influences)
    spread = ((count - 1) / count * sum(value**2 for value in influences.values())) ** 0.5 / len(gaps)
    assert count == 76
    # Student's t at 75 degrees of freedom.
    assert (high - low) / 2 == pytest.approx(1.992102 * spread, rel=1e-5)


def test_events_find_the_requests_they_came_from(sample, telemetry):
    """By the provider's answer, or by user and time alone: each event's request is of its feature and user."""
    query = """
        select joined.method, count(*),
            count(*) filter (where joined.feature_id = shares.originating_feature_id
                and joined.user_id = shares.user_id), count(distinct joined.trace_key)
        from intermediate.int_usage_event_traces as joined
        left join (
            select distinct trace_key, user_id, originating_feature_id from intermediate.int_call_shares
        ) as shares using (trace_key)
        where joined.place = 1 group by joined.method"""
    found = {method: counts for method, *counts in sample.rows(query)}
    events = telemetry("usage_events")
    assert sum(counts[0] for counts in found.values()) == len(events)
    stated = Counter("trace_id" if event["trace_id"] else "request_id" if event["request_id"] else
                     "user_window" if event["user_id"] else "none" for event in events)  # fmt: skip
    assert {method: counts[0] for method, counts in found.items()} == stated
    for method in ("trace_id", "request_id", "user_window"):
        assert found[method] == [stated[method]] * 3, method


def test_the_tail_is_what_users_cost(sample):
    """Median and 95th percentile of a feature's users, from the shares of its calls."""
    costs = sorted(row[0] for row in sample.rows("""
        select sum(shares.borne_usd) from marts.call_shares as shares
        join marts.attributed_calls as calls using (call_id)
        where shares.originating_feature_id = 'draft-email' and calls.purpose = 'production'
            and calls.started_on between '2026-09-01' and '2026-09-30' group by shares.user_id"""))  # fmt: skip
    ((users, average, median, tail),) = sample.rows("""
        select users, usd_per_user, median_usd_per_user, p95_usd_per_user from marts.unit_economics_monthly
        where feature_id = 'draft-email' and month = '2026-09-01'""")
    assert users == len(costs)
    assert float(average) == pytest.approx(float(sum(costs)) / users)
    assert (median, tail) == (costs[-(-users // 2) - 1], costs[-(-users * 95 // 100) - 1])


def test_a_conversation_costs_what_its_requests_do(build, tmp_path):
    """By the id of a call's trace, else of the request that caused it; 1,000 tokens are 0.00015 USD.

    A trace of two conversations is in none, and a kept trace of four says nothing of what its conversation cost.
    """
    label, inbox = {"app__feature": "draft-email"}, tmp_path / "inbox"
    inbox.mkdir()

    def call(trace: int, number: int, parent: int | None = None, **values) -> dict:
        usage = {"gen_ai__usage__input_tokens": 1000, "gen_ai__usage__output_tokens": 0}
        model = {"gen_ai__provider__name": "openai", "gen_ai__request__model": "gpt-4o-mini"}
        return chat(trace, number, parent, at=60 * trace, **usage, **model, **values)

    spans = [
        span(1, 1, at=60, session__id="first", **label), call(1, 2, 1),
        call(2, 1, gen_ai__conversation__id="first", **label),
        span(3, 1, at=180, **label), call(3, 2, 1, session__id="second"), call(3, 3, 1, session__id="third"),
        span(4, 1, at=240, links=[(1, 1)]), call(4, 2, 1),
        span(8, 1, at=480, links=[(1, 1)]), call(8, 2, 1, session__id="sixth"), call(8, 3, 1, session__id="seventh"),
        call(5, 2, 1, **label),
        {**call(6, 1, session__id="fourth", **label), "traceState": "ot=th:c"},
        call(7, 1, session__id="fifth", **label),
    ]  # fmt: skip
    asked = """
        select conversations, conversationless_usd, usd_per_conversation, median_usd_per_conversation,
            p95_usd_per_conversation from marts.unit_economics_monthly where feature_id = 'draft-email'"""
    (inbox / "first.jsonl").write_text(batch(spans))
    built = build(inbox)
    assert built.code == 0, built.output
    (first,) = built.rows(asked)
    assert first == (2, USD("0.00135"), USD("0.0003"), USD("0.00015"), USD("0.00045"))
    (inbox / "late.jsonl").write_text(batch([span(5, 1, at=300, session__id="fifth")]))
    built = build(inbox)
    assert "on, from 1 new files" in built.output
    (later,) = built.rows(asked)
    assert later == (2, USD("0.0012"), USD("0.000375"), USD("0.0003"), USD("0.00045"))


def test_who_left_the_free_plan_is_counted_once_per_feature(sample, telemetry):
    moves = {row["user_id"]: date.fromisoformat(row["valid_from"]) for row in telemetry("users") if row["valid_from"]}
    assert len(moves) >= 4
    free = {row["user_id"] for row in telemetry("users") if row["plan"] == "free"}
    first: dict[str, date] = {}
    for event in telemetry("usage_events"):
        day, user = date.fromisoformat(event["occurred_at"][:10]), event["user_id"]
        is_free = user in free and day < moves.get(user, date.max)
        if event["feature_id"] == "answer-from-mail" and day < date(2026, 9, 1) and is_free:
            first[user] = min(day, first.get(user, day))
    converted = [user for user, day in first.items() if user in moves and (moves[user] - day).days <= 30]
    assert sample.rows("""
        select tried_users, converted_users from marts.free_tier_monthly
        where month = '2026-08-01' and feature_id = 'answer-from-mail'""") == [(len(first), len(converted))]


def test_a_shared_cache_write_is_spread_to_its_readers(build, tmp_path, monkeypatch):
    """As an option, in the P&L alone; who reads in a later file takes part of what an earlier one wrote.

    Haiku 3 costs 0.25 plain, 0.30 to write, 0.03 to read and 1.25 for output, per million. Writing 4000 tokens costs
    0.0002 beyond plain: with a reader of 4000 its half moves, with one of 2000 besides 0.00008 and 0.00004.
    """
    costs = ("unit_economics_monthly", "team_chargeback_monthly", "call_shares")
    identities = ("features_cost_what_the_ledger_bears", "joined_events_find_what_features_cost")
    # What the build's own summary asks.
    asked = (
        "attributed_calls", "unexplained_usage_daily", "provider_bills_monthly", "bill_overlaps_unsettled",
        "eval_coverage_monthly", "spend_daily",
    )  # fmt: skip
    options = ("--select", *(f"+{name}" for name in costs + identities + asked), "--indirect-selection", "cautious")
    options += ("--vars", "spread_cache_writes: true")
    monkeypatch.setattr(build_script, "dbt", partial(build_script.dbt, selection=options))
    plain = build_script.fingerprint
    monkeypatch.setattr(build_script, "fingerprint", lambda data: f"{plain(data)} {{'spread_cache_writes': True}}")
    inbox = tmp_path / "inbox"
    inbox.mkdir()

    def call(number: int, feature: str, kind: str, tokens: int, day: int = 0) -> dict:
        usage = {"gen_ai__usage__input_tokens": tokens, f"gen_ai__usage__cache_{kind}__input_tokens": tokens}
        model = {"gen_ai__provider__name": "anthropic", "gen_ai__request__model": "claude-3-haiku"}
        return chat(number, 1, at=86400 * day + 60 * number, app__feature=feature, **usage, **model)

    def after(name: str, *calls: dict) -> tuple[dict, dict]:
        (inbox / f"{name}.jsonl").write_text(batch(list(calls)))
        built = build(inbox)
        assert built.code == 0, built.output
        assert ("on, from 1 new files" in built.output) == (name == "later")
        build_script.declare_good(built.data)  # a selection never is
        borne = built.rows("select originating_feature_id, sum(borne_usd) from marts.call_shares group by 1")
        spread = built.rows("select feature_id, production_usd, p95_usd_per_answer from marts.unit_economics_monthly")
        return dict(borne), {feature: tuple(map(float, costs)) for feature, *costs in spread}

    reader, writer = "draft-email", "summarize-feedback"
    calls = [call(1, writer, "creation", 4000), call(2, reader, "read", 4000)]
    calls += [call(4, writer, "creation", 4000, day=1), call(5, reader, "read", 4000, day=1)]
    borne, spread = after("first", *calls)
    assert borne == {writer: Decimal("0.002425"), reader: Decimal("0.000265")}
    assert spread == {writer: (0.002225, 0.0011125), reader: (0.000465, 0.0002325)}
    borne, spread = after("later", call(3, reader, "read", 2000))
    assert borne == {writer: Decimal("0.002425"), reader: Decimal("0.0003375")}
    assert spread == {writer: (0.002205, 0.0011125), reader: (0.0005575, 0.0002325)}
    # The model is there with the option alone, and so is its unit test.
    unit = ("--select", "int_cache_write_reallocations,test_type:unit", "--vars", "spread_cache_writes: true")
    monkeypatch.setenv("LEDGER_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("LEDGER_COMPANY", "seeds/company")
    monkeypatch.chdir(PROJECT)
    command = ["--quiet", "test", *unit, "--profiles-dir", ".", "--target-path", str(tmp_path / "unit")]
    tested = dbtRunner().invoke(command)
    DuckDBConnectionManager.close_all_connections()
    assert tested.success
    statuses = [result.status for result in tested.result.results if result.node.resource_type == "unit_test"]
    assert statuses == ["pass"]
