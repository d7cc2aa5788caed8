"""Traces that a sampler kept stand for those that it dropped: what is attributed, accrued and left untraced."""

import json
from decimal import Decimal

import pytest
import sampling_draws
from exports import FOCUS, USAGE, activity, batch, bucket, chat, company, focus, span, write

from report import site

USD = Decimal
NOVA = {"gen_ai__provider__name": "aws.bedrock", "gen_ai__request__model": "amazon.nova-lite-v1:0"}
MINI = {"gen_ai__provider__name": "openai", "gen_ai__request__model": "gpt-4o-mini"}
TEAMS = "team_id,name,cost_center\n" + "".join(f"{team},{team},cc\n" for team in ("alpha", "beta", "payer"))
CATALOG = (
    "feature_id,name,owner_team_id,launched_on,valid_from,valid_to\nrare,R,alpha,,,\nfull,F,beta,,,\nfourth,H,beta,,,\n"
)
RATES = "service_name,rate,valid_from,valid_to\nrare,0.1,,\nfourth,0.25,,\n"
KEYS = "provider,account_id,api_key,owner_team_id,feature_id,valid_from,valid_to\naws,acct,,payer,,,\n"
SEEDS = {"teams": TEAMS, "feature_catalog": CATALOG, "api_keys": KEYS, "sampling_rates": RATES}
USE = {"gen_ai__usage__input_tokens": 100_000, "gen_ai__usage__output_tokens": 0}
SEEN = {"rare": 3, "full": 2, "fourth": 1}  # calls of 100,000 input tokens, by service and feature


def day_of_calls(day: int, first: int, seen: dict[str, int] = SEEN, **said) -> str:
    """Traces of one call each: a service runs the feature of its own name."""
    at, lines, trace = (day - 5) * 86400 + 3600, [], first
    for feature, calls in seen.items():
        spans = []
        for _ in range(calls):
            spans += [
                span(trace, 1, None, at, app__feature=feature),
                chat(trace, 2, 1, at, None, **said, **USE),
            ]
            trace += 1
        lines.append(batch(spans, feature))
    return "".join(lines)


def line(day: int, tokens: int) -> dict:
    return focus(
        day, str(USD(tokens) * USD("0.00000006")), ProviderName="AWS", ServiceName="Amazon Bedrock",
        BillingAccountId="acct", SubAccountId="acct", ConsumedQuantity=str(tokens // 1000), ConsumedUnit="1K tokens",
        x_UsageType="USE1-NovaLite-input-tokens",
    )  # fmt: skip


def by_feature(built, day: int, provider: str = "aws") -> dict[tuple[str, str], Decimal]:
    return {
        (feature, basis): usd
        for feature, basis, usd in built.rows(
            "select originating_feature_id, basis, sum(borne_usd) from marts.spend_daily "
            f"where spent_on = '2026-10-{day:02}' and provider = '{provider}' group by all having sum(borne_usd) != 0"
        )
    }


def test_dropped_calls_take_what_is_untraced(build, tmp_path, monkeypatch):
    """A bill above what the kept calls stand for (3,600,000 tokens), one below it, and a provider without a bill."""
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    spans = "".join(day_of_calls(day, day * 100, **NOVA) for day in (5, 6))
    (inbox / "spans.jsonl").write_text(spans + day_of_calls(5, 900, **MINI))
    write(inbox / "focus.csv", FOCUS, [line(5, 4_000_000), line(6, 2_100_000), line(8, 0)])
    built = build(inbox, company(tmp_path, **SEEDS))
    assert built.code == 0, built.output
    seen = {("rare", "billed"): USD("0.018"), ("full", "billed"): USD("0.012"), ("fourth", "billed"): USD("0.006")}
    assert by_feature(built, 5) == seen | {
        ("rare", "sampled"): USD("0.162"), ("fourth", "sampled"): USD("0.018"), ("untraced", "billed"): USD("0.024")
    }  # fmt: skip
    # Half of what they stand for was billed: each takes half, and what was seen whole takes nothing.
    assert by_feature(built, 6) == seen | {("rare", "sampled"): USD("0.081"), ("fourth", "sampled"): USD("0.009")}
    accrued = by_feature(built, 5, "openai")
    assert accrued == {
        ("rare", "accrued"): USD("0.045"), ("full", "accrued"): USD("0.03"), ("fourth", "accrued"): USD("0.015"),
        ("rare", "sampled"): USD("0.405"), ("fourth", "sampled"): USD("0.045"),
    }  # fmt: skip
    sampled = "select sum(sampled_usd), sum(accrued_usd), sum(sampled_usd) filter (basis != 'sampled') from marts.{}"
    assert built.rows(sampled.format("spend_daily")) == [(USD("0.72"), USD("0.54"), 0)]
    teams = "select team_id, sampled_usd, net_charge_usd, paid_usd, billed_usd, accrued_usd from marts.{} order by 1"
    assert [row for row in built.rows(teams.format("team_chargeback_monthly")) if row[2]] == [
        ("alpha", USD("0.648"), USD("0.729"), USD("0.45"), USD("0.279"), USD("0.45")),
        ("beta", USD("0.072"), USD("0.153"), USD("0.09"), USD("0.063"), USD("0.09")),
        ("payer", USD(0), USD("0.024"), USD("0.366"), USD("0.024"), USD(0)),
    ]
    pnl = "select feature_id, production_usd, sampled_usd, answers from marts.feature_pnl_monthly where answers > 0"
    assert sorted(built.rows(pnl)) == [  # nine kept requests of `rare` stand for ninety
        ("fourth", USD("0.099"), USD("0.072"), 12), ("full", USD("0.054"), 0, 6),
        ("rare", USD("0.729"), USD("0.648"), 90),
    ]  # fmt: skip
    calls = (
        "select distinct adjusted_count, attributed_usd, sampled_usd from marts.attributed_calls where provider = 'aws'"
    )
    assert built.rows(calls + " and started_on = '2026-10-06' order by 1") == [
        (1, USD("0.006"), 0), (4, USD("0.006"), USD("0.009")), (10, USD("0.006"), USD("0.027"))
    ]  # fmt: skip
    assert built.rows("select sum(share), sum(borne_usd) from marts.call_shares") == [(18, USD("0.162"))]
    reconciled = """select billed_usd, attributed_usd, sampled_usd, untraced_usd
        from marts.invoice_reconciliation_daily where billed_usd > 0 order by usage_on"""
    assert built.rows(reconciled) == [
        (USD("0.24"), USD("0.036"), USD("0.18"), USD("0.024")), (USD("0.126"), USD("0.036"), USD("0.09"), 0)
    ]  # fmt: skip
    focus_rows = """select x_AllocatedMethodId, x_FeatureId, sum(EffectiveCost) from marts.focus_cost_and_usage
        where x_AllocatedMethodId in ('sampled', 'untraced') group by all order by 1, 2"""
    assert built.rows(focus_rows) == [
        ("sampled", "fourth", USD("0.072")), ("sampled", "rare", USD("0.648")), ("untraced", "untraced", USD("0.024"))
    ]  # fmt: skip
    monkeypatch.chdir(tmp_path)  # views name what has landed `data/landed`
    assert site.main(built.data) == 0  # figures whose parts do not add up are refused
    assert "How sure is what sampled" in (built.data / "report" / "data-2026-10.html").read_text()


def test_usage_files_say_how_much_was_dropped(build, tmp_path):
    """Before a bill comes, a usage file counts 4,000,000 tokens: kept calls stand for 3,600,000, no more accrues."""
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (inbox / "spans.jsonl").write_text(day_of_calls(5, 100, **MINI) + day_of_calls(6, 200, **MINI))
    counted = {"model": "gpt-4o-mini", "output_tokens": 0, "input_cached_tokens": 0, "num_model_requests": 40}
    usage = [bucket(day, input_tokens=tokens, **counted) for day, tokens in ((5, 4_000_000), (6, 2_100_000))]
    write(inbox / "usage.csv", USAGE, usage)
    built = build(inbox, company(tmp_path, **SEEDS))
    assert built.code == 0, built.output
    seen = {("rare", "accrued"): USD("0.045"), ("full", "accrued"): USD("0.03"), ("fourth", "accrued"): USD("0.015")}
    assert by_feature(built, 5, "openai") == seen | {
        ("rare", "sampled"): USD("0.405"), ("fourth", "sampled"): USD("0.045"), ("untraced", "accrued"): USD("0.06")
    }  # fmt: skip
    assert by_feature(built, 6, "openai") == seen | {
        ("rare", "sampled"): USD("0.2025"), ("fourth", "sampled"): USD("0.0225")
    }  # fmt: skip


def test_what_a_complete_log_lists_stands_for_itself(build, tmp_path):
    """A gateway's log lists all calls of a service that keeps a tenth of its traces: nothing was dropped of them."""
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    logged = [
        {"request_id": f"r{number}", "call_type": "acompletion", "api_key": "k", "spend": 0.006,
         "total_tokens": 100_000, "prompt_tokens": 100_000, "completion_tokens": 0,
         "startTime": f"2026-10-05T01:0{number}:00Z", "endTime": f"2026-10-05T01:0{number}:01Z",
         "model": "bedrock/amazon.nova-lite-v1:0",
         "custom_llm_provider": "bedrock", "metadata": {}, "cache_hit": "False"}
        for number in range(4)
    ]  # fmt: skip
    (inbox / "spend_logs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in logged))
    (inbox / "spans.jsonl").write_text(batch([
        span(1, 1, None, 3600, app__feature="rare"),
        chat(1, 2, 1, 3600, "r0", **NOVA, **USE),
        chat(2, 2, None, 3600, "s0", **NOVA, **USE),
    ], "rare"))  # fmt: skip
    write(inbox / "focus.csv", FOCUS, [line(5, 1_400_000), line(6, 0)])
    built = build(inbox, company(tmp_path, **SEEDS))
    assert built.code == 0, built.output
    counts = "select call_id, adjusted_count, sampled_usd from marts.attributed_calls order by 1"
    assert [row[1:] for row in built.rows(counts)] == [(1, 0)] * 4 + [(10, USD("0.054"))]


def tier(trace: int, state: str | None, service: str, *spans: dict) -> str:
    return batch([{**one, **({"traceState": state} if state else {})} for one in spans], service)


def test_tiers_of_a_trace_count_by_the_rarest_on_the_path_from_the_label(build, tmp_path):
    """The front keeps a tenth, the search service behind it a half, its model proxy all: ten requests, one kept whole.

    The kept trace stands for ten; of the search service's four other traces and the proxy's five more, whose callers
    were dropped, it takes the money. A trace whose label lies beneath the front counts as its own part says.
    """
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    text, at = "", 3600
    for trace in range(1, 11):
        if trace == 1:
            text += tier(trace, "ot=th:e6666666666668", "front", span(trace, 1, None, at, app__feature="rare"))
        if trace <= 5:
            text += tier(trace, "ot=th:8", "search", span(trace, 2, 1, at))
        text += tier(trace, "ot=th:0", "proxy", chat(trace, 3, 2, at, None, **NOVA, **USE))
    text += tier(20, "ot=th:e6666666666668", "front", span(20, 1, None, at))
    text += tier(20, "ot=th:8", "search", span(20, 2, 1, at, app__feature="full"))
    text += tier(20, None, "proxy2", chat(20, 3, 2, at, None, **NOVA, **USE))
    (inbox / "spans.jsonl").write_text(text)
    write(inbox / "focus.csv", FOCUS, [line(5, 1_200_000), line(6, 0)])
    built = build(inbox, company(tmp_path, **SEEDS))
    assert built.code == 0, built.output
    assert by_feature(built, 5) == {
        ("rare", "billed"): USD("0.006"), ("rare", "sampled"): USD("0.054"),
        ("full", "billed"): USD("0.006"), ("full", "sampled"): USD("0.006"),
    }  # fmt: skip
    unlabelled = "select service, reason, calls, borne_usd from marts.unlabelled_spend_daily"
    assert built.rows(unlabelled) == [("proxy", "represented", 9, 0)]


@pytest.mark.parametrize("world", sampling_draws.WORLDS, ids=lambda world: world.name)
def test_intervals_hold_what_was_dropped(world):
    """2,000 samples of one month. Where all use is sampled, the bill caps what kept traces stand for."""
    told = sampling_draws.drawn(world, 2_000)
    for one in told.values():
        assert one["traces"] > 30
        if world.untraced:
            assert abs(one["error"]) < 0.01, told
            assert 0.93 < one["held"] < 0.97, told
        else:
            assert -0.08 < one["error"] < 0, told
            assert one["held"] > 0.85, told


def test_a_bill_that_names_a_call_lists_the_dropped_ones_too(build, tmp_path):
    """OpenRouter's activity lists ten generations, of which one was kept: it is one request, and costs what it cost."""
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    activity([(f"gen-{n}", "2026-10-05 01:00:00", "0.01") for n in range(10)], inbox / "activity.csv")
    (inbox / "spans.jsonl").write_text(
        batch([span(1, 1, None, 3600, app__feature="rare"), chat(1, 2, 1, 3600, "gen-0")], "rare")
    )
    built = build(inbox, company(tmp_path, **SEEDS))
    assert built.code == 0, built.output
    counted = "select adjusted_count, attributed_usd, sampled_usd from marts.attributed_calls"
    assert built.rows(counted) == [(1, USD("0.01"), 0)]
    pnl = "select production_usd, answers from marts.feature_pnl_monthly where feature_id = 'rare'"
    assert built.rows(pnl) == [(USD("0.01"), 1)]
    assert built.rows("select sum(borne_usd) from marts.spend_daily") == [(USD("0.1"),)]
