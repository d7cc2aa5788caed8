"""Building on: a data set landed in slices and in any order, built after each, ends as one build of all of it."""

import json
import random
import shutil
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import duckdb
from conftest import GOLDEN, fail_last_build, run_build
from evals import inspect, sample
from exports import COSTS, DAY, USAGE, activity, batch, bucket, chat, company, cost, write
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from test_bi import dashboard
from test_forests import forest, otlp, seeds
from test_period_totals import CHARGES, HAIKU, MILLION, called, total
from test_tiers_and_totals import World, tier

import bi
import close

LINES = [("gpt-4o-mini, input", 0, Decimal("0.00000015")), ("gpt-4o-mini, output", 1, Decimal("0.0000006"))]
MIDNIGHT = 14 * 3600  # after spans' first moment
AT_ONCE = 6  # files that land between two builds
REQUIREMENTS = "feature_id,suite,min_pass_rate,fresh_days,valid_from,valid_to\nfeature-1,faithful,0.5,30,,\n"
# By what features cost in the month: another day's news moves the parts of all.
SHARING = "pool,method,team_id,weight,valid_from,valid_to\nuntraced,weighted,,,,\nunlabelled,even,,,2026-10-07,\n"
KEYS = "provider,account_id,api_key,owner_team_id,feature_id,valid_from,valid_to\nopenai,,proj-%,team-1,,,\n"
# Services keep a part of their traces: calls of a trace stand for others by the rarest on their path.
RATES = (
    "service_name,rate,valid_from,valid_to\n"
    "service-1,0.5,,\nservice-2,0.1,,\nservice-3,0.3,,2026-10-07\nservice-4,1,,\n"
)
# A node by the day, its disk by the month, and throughput over a month's end, for calls of a service and of a model.
DRIVERS = (
    "priority,provider,service_name,sku,description,service,model,tool_name,driver,capacity_per_unit\n"
    "10,metal,node,,,service-4,,,seconds,2\n10,metal,disk,,,service-4,,,seconds,\n"
    "10,metal,rack,,,service-4,,,seconds,1\n"
    "20,metal,throughput,,,service-2,%mini%,,tokens,50\n"
)
OWNER = "provider,account_id,api_key,owner_team_id,feature_id,valid_from,valid_to\n,,,platform,,,\n"


def world(seed: int, folder: Path) -> None:
    """`folder`/inbox and `folder`/company: traces over days and a month's end, bills that overlap, evals, telemetry."""
    dice = random.Random(seed)
    spans = forest(seed, traces=60)
    starts = {trace: dice.choice([0, 0, 1, 2, 3, 5, 26]) * 86400 + dice.choice([0, MIDNIGHT - 40, MIDNIGHT, 5])
              for trace in {one.trace for one in spans}}  # fmt: skip
    for one in spans:
        one.at += starts[one.trace]
    inbox = folder / "inbox"
    inbox.mkdir(parents=True)
    (inbox / "spans.jsonl").write_text(otlp(spans))
    _activity(spans, inbox, dice)
    calls = [one for one in spans if one.operation == "chat" and one.tokens]
    days = sorted({int(one.at // 86400) for one in spans})
    for name, billed in (("openai_costs_2026-10-20.csv", days[:-1]), ("openai_costs_2026-11-01.csv", days[2:])):
        rows = []
        for day in billed:
            for item, side, price in LINES:
                used = sum(call.tokens[side] for call in calls if call.at // 86400 == day)
                part = Decimal(dice.choice(["0.3", "0.8", "1", "1.3", "2"]))
                stated = {"quantity": str(int(used * part))} if dice.random() < 0.7 else {}
                rows.append(cost(min(5 + day, 30), f"{used * price * part:.10f}", item, project_id="proj-1", **stated))
        write(inbox / name, COSTS, rows)
    counted = {"project_id": "proj-1", "api_key_id": "proj-1", "model": "gpt-4o-mini", "num_model_requests": 5}
    write(inbox / "openai_usage.csv", USAGE, [
        bucket(min(5 + day, 30), input_tokens=dice.randrange(10**7), output_tokens=dice.randrange(10**6), **counted)
        for day in days
    ])  # fmt: skip
    _evals(sorted(starts), inbox, dice)
    _logs([one.response for one in spans if one.response], inbox, random.Random(seed))
    _telemetry(sorted(starts), inbox, dice)
    _in_vain(inbox)
    _own_capacity(days, inbox, dice)
    company = seeds(folder / "company")
    (company / "api_keys.csv").write_text(KEYS)
    (company / "sharing_rules.csv").write_text(SHARING)
    (company / "sampling_rates.csv").write_text(RATES)
    (company / "cost_drivers.csv").write_text(DRIVERS)
    (company / "eval_requirements.csv").write_text(REQUIREMENTS)


def _own_capacity(days: list[int], inbox: Path, dice: random.Random) -> None:
    lines = [(f"2026-10-{min(5 + day, 30):02d}",) * 2 + ("node", dice.choice(["1", "2.5", "24", ""])) for day in days]
    lines += [("2026-10-01", "2026-10-31", "disk", ""), ("2026-10-04", "2026-10-09", "rack", "9")]
    lines += [("2026-10-20", "2026-11-10", "throughput", "7"), ("2026-10-05", "2026-10-06", "throughput", "2")]
    head = "provider,account_id,period_start,period_end,model,service,meter,quantity,amount,currency"
    rows = [f"metal,,{begin},{end},,{service},,{quantity},{dice.randrange(1, 10**6) / 10**4},USD"
            for begin, end, service, quantity in lines]  # fmt: skip
    (inbox / "charges.csv").write_text("\n".join([head, *rows]) + "\n")


def _activity(spans, inbox: Path, dice: random.Random) -> None:
    rows = {}
    for one in spans:
        if one.response and one.tokens and dice.random() < 0.5:
            moment = DAY + timedelta(seconds=one.at + dice.choice([0, 0, 0, -86400, 86400, 40000]))
            amount = f"{dice.randrange(1, 10**7) / 10**8:.8f}"
            rows[one.response] = (one.response, f"{moment:%Y-%m-%d %H:%M:%S.%f}", amount, *one.tokens)
    ordered = sorted(rows.values(), key=lambda row: row[1])
    activity(ordered[: len(ordered) * 2 // 3], inbox / "openrouter_activity_2026-10-08.csv")
    activity(ordered[len(ordered) // 3 :], inbox / "openrouter_activity_2026-11-02.csv")


def _in_vain(inbox: Path) -> None:
    """Around midnight: a failed call asked again, caches written and read, answers that nobody waited for."""
    midnight, writing = 86_400, {"gen_ai__request__model": "anthropic/claude-sonnet-4.5", "app__feature": "feature-1"}
    of_cache = {side: f"gen_ai__usage__cache_{side}__input_tokens" for side in ("read", "creation")}
    failed = {"status": {"code": 2}}
    spans = [
        chat(9001, 1, None, midnight - 30, "v-failed", app__feature="feature-1") | failed,
        chat(9001, 2, None, midnight + 5, "v-again", app__feature="feature-1"),
        chat(9002, 1, None, midnight - 40, "v-lost") | failed,
        chat(9003, 1, None, 2 * midnight + 36_000, "v-left", app__feature="feature-2"),
        chat(9004, 1, None, midnight - 60, session__id="c", **writing, **{of_cache["creation"]: 90}),
        chat(9005, 1, None, midnight + 60, session__id="c", **writing, **{of_cache["read"]: 90}),
        chat(9006, 1, None, 3 * midnight - 60, session__id="d", **writing, **{of_cache["creation"]: 90}),
    ]
    (inbox / "in_vain.jsonl").write_text("".join(batch([one]) for one in spans))
    bill = inbox / "openrouter_activity_2026-10-09.csv"  # of a key that newer files list nowhere
    activity([("v-left", "2026-10-07 10:00:00", "0.5"), ("v-unseen", "2026-10-07 11:00:00", "0.25")], bill)
    bill.write_text(bill.read_text().replace(",false,true,stop,stop,", ",true,true,,,").replace(",key\n", ",vain\n"))


def _evals(traces: list[int], inbox: Path, dice: random.Random) -> None:
    """Runs that name traces; a second export of some says otherwise, and names none."""
    head = "run_id,feature_id,suite,started_at,model,prompt_version,cases,passed,failed,errored,cost_usd,trace_ids"
    line = "run-{},feature-{},faithful,2026-10-{:02d}T08:00:00Z,gpt-4o-mini,,10,9,1,0,,{}"
    runs = [line.format(run, run, 3 + run, " ".join(f"{trace:032x}" for trace in dice.sample(traces, 2)))
            for run in range(4)]  # fmt: skip
    (inbox / "eval_runs.csv").write_text("\n".join([head, *runs]) + "\n")
    again = [runs[1].replace("feature-1", "feature-2"), line.format(2, 2, 5, "")]
    (inbox / "eval_runs_again.csv").write_text("\n".join([head, *again]) + "\n")


def _logs(responses: list[str], inbox: Path, dice: random.Random) -> None:
    """Runs without traces: calls of their own, unless spans that land later show them; one is exported again."""
    for place, (feature, begin, end) in enumerate([(1, 4, 6), (2, 5, 12), (3, 30, 31), (1, 28, 29)]):
        used = {"openai/gpt-4o-mini": {"input_tokens": dice.randrange(10**6), "output_tokens": dice.randrange(10**5)}}
        for name, day in ((f"log-{place}.json", begin), *([("log-0-again.json", 5)] if place == 0 else [])):
            times = {"started_at": f"2026-10-{day:02d}T00:00:00Z", "completed_at": f"2026-10-{end:02d}T23:00:00Z"}
            said = {"created": times["started_at"], "task": "faithful", "metadata": {"feature": f"feature-{feature}"}}
            said |= {"eval_id": f"log-{place}", "model": "openai/gpt-4o-mini"}
            (inbox / name).write_text(json.dumps(inspect([sample(1, "C")], usage=used, stats=times, **said)))
    head = "run_id,feature_id,suite,started_at,model,prompt_version,cases,passed,failed,errored,cost_usd,response_ids"
    rows = [f"named-{place},feature-{place},faithful,2026-10-0{3 + place}T08:00:00Z,,,10,9,1,0,{place}.5,{response}"
            for place, response in enumerate([*dice.sample(sorted(set(responses)), 3), "", ""])]  # fmt: skip
    (inbox / "eval_runs_named.csv").write_text("\n".join([head, *rows]) + "\n")


def _telemetry(traces: list[int], inbox: Path, dice: random.Random) -> None:
    """Events with a trace's id, one that nobody knows, or none; a user who changes plan; revenue to spread."""
    users = [f"user-{one},tenant-{one % 4},{['pro', 'free'][one % 2]},{'abc'[one % 3]},2026-0{1 + one}-03"
             for one in range(9)]  # fmt: skip
    ids = ["", "beef", *(f"{trace:032x}" for trace in traces)]
    events = [f"e{one},2026-10-{5 + one % 4:02d}T10:00:00Z,feature-{one % 6},user-{one % 9},tenant-{one % 4},"
              f"{dice.choice(ids)},,1" for one in range(30)]  # fmt: skip
    tables = {
        "users": ["user_id,account_id,plan,segment,signed_up_on,valid_from", *(f"{user}," for user in users),
                  "user-1,tenant-1,pro,b,2026-02-03,2026-10-06"],
        "usage_events": ["event_id,occurred_at,feature_id,user_id,account_id,trace_id,request_id,answers", *events],
        "revenue": ["month,account_id,plan,revenue_usd,feature_id", "2026-10,tenant-1,pro,10.00,",
                    "2026-10,tenant-2,free,3.00,feature-1"],
    }  # fmt: skip
    for name, lines in tables.items():
        (inbox / f"{name}.csv").write_text("\n".join(lines) + "\n")


def slices(inbox: Path, dice: random.Random) -> list[tuple[str, bytes]]:
    """The files of an inbox, spans one by one and shuffled into several files, some others in two parts."""
    parts = []
    for path in sorted(inbox.iterdir()):
        lines = path.read_bytes().splitlines(keepends=True)
        if path.suffix == ".jsonl":
            single = [line for whole in lines for line in _one_by_one(whole)]
            dice.shuffle(single)
            cuts = [0, *sorted(dice.sample(range(1, len(single)), 5)), len(single)]
            pieces = [single[begin:end] for begin, end in pairwise(cuts)]
        elif len(lines) > 4 and dice.random() < 0.6:
            cut = dice.randrange(2, len(lines))
            pieces = [lines[:cut], [lines[0], *lines[cut:]]]
        else:
            pieces = [lines]
        parts += [(f"{path.stem}-{place}{path.suffix}", b"".join(piece)) for place, piece in enumerate(pieces)]
    dice.shuffle(parts)
    # Of a run in two exports the one that landed last stands: their order is part of the data.
    return sorted(parts, key=lambda part: "again" in part[0])


def _one_by_one(line: bytes) -> list[bytes]:
    (resource,) = json.loads(line)["resourceSpans"]
    spans = [span for scope in resource["scopeSpans"] for span in scope["spans"]]
    return [
        json.dumps({"resourceSpans": [{**resource, "scopeSpans": [{"spans": [span]}]}]}).encode() + b"\n"
        for span in spans
    ]


def late_trace() -> list:
    """Spans of one trace on a day of its own, tied to no other."""
    spans = forest(99, traces=1)
    for one in spans:
        one.trace, one.at, one.links, one.session, one.response = 10_000, one.at + 9 * 86400, [], None, None
    return spans


def differences(one: Path, other: Path) -> dict[str, list]:
    """Per mart, rows that stand in one ledger and not as often in the other."""
    found = {}
    with duckdb.connect() as engine:
        engine.execute(f"attach '{one}/ledger.duckdb' as one (read_only); attach '{other}/ledger.duckdb' as other")
        marts = engine.execute(
            "select table_name from information_schema.tables where table_schema = 'marts' and table_catalog = 'other'"
        ).fetchall()
        assert len(marts) > 15
        for (mart,) in marts:
            kept = "select columns(lambda name: name not in ('landed_at', 'built_at')) from"  # but times of the runs
            rows = [engine.execute(f"{kept} {here}.marts.{mart} except all {kept} {there}.marts.{mart}").fetchall()
                    for here, there in (("one", "other"), ("other", "one"))]  # fmt: skip
            if any(rows):
                found[mart] = [side[:3] for side in rows]
    return found


@settings(max_examples=1, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32))
def test_slices_in_any_order_end_as_one_build(tmp_path_factory, seed):
    """Also where a month was closed in between: what comes later is the same corrections, slice by slice or at once."""
    folder = tmp_path_factory.mktemp("slices")
    world(seed, folder / "whole")
    dice, company, inbox = random.Random(seed), folder / "whole" / "company", folder / "inbox"
    inbox.mkdir()
    parts = slices(folder / "whole" / "inbox", dice)
    closes = dice.choice([None, *range(AT_ONCE, len(parts), AT_ONCE)])
    for begin in range(0, len(parts), AT_ONCE):
        for name, content in parts[begin : begin + AT_ONCE]:
            (inbox / name).write_bytes(content)
        in_parts = dice.choice([(), ("--first", dice.choice(["spend_daily", "ledger_entries", "int_days_touched"]))])
        built = run_build(inbox, folder / "on", company, *in_parts)
        assert built.code == 0, f"seed {seed}: {built.output}"
        assert ("ledger.duckdb on, from" in built.output) == (begin > 0)
        assert ("is up to date after" in built.output) == bool(in_parts and begin)
        if begin == closes and built.rows("select 1 from marts.ledger_entries limit 1"):
            (month,) = built.rows("select strftime(min(posted_month), '%Y-%m') from marts.ledger_entries")[0]
            assert close.close(month, folder / "on", force=True) == 0
            shutil.copytree(folder / "on" / "closed", folder / "anew" / "closed")
    anew = run_build(inbox, folder / "anew", company, SPANS_PER_WALK="100")  # by days, as with many spans
    assert anew.code == 0, anew.output
    assert differences(folder / "on", folder / "anew") == {}, f"seed {seed}"
    wasted = "select distinct spent_on::varchar, feature_id, kind from marts.waste_daily"
    assert {
        ("2026-10-05", "feature-1", "retry"),
        ("2026-10-05", "unlabelled", "failed"),
        ("2026-10-07", "feature-2", "cancelled"),
        ("2026-10-07", "untraced", "cancelled"),
        ("2026-10-07", "feature-1", "cache_write_unread"),
    } == set(anew.rows(wasted))


def test_totals_over_days_are_parted_as_in_one_build(tmp_path):
    """A late call on the first day of a total has the last days of the one before read, and not its first ones."""
    inbox = tmp_path / "inbox"
    write(inbox / "charges.csv", CHARGES, [total("anthropic", 1, 10, "20"), total("anthropic", 11, 20, "20")])
    calls = [called(day, "anthropic", HAIKU, day, MILLION) for day in range(1, 21)]
    (inbox / "spans.jsonl").write_text(batch(calls))
    companies = company(tmp_path, api_keys=OWNER)
    assert run_build(inbox, tmp_path / "on", companies).code == 0
    (inbox / "late.jsonl").write_text(batch([called(99, "anthropic", HAIKU, 11, MILLION)]))
    built = run_build(inbox, tmp_path / "on", companies)
    assert "ledger.duckdb on, from" in built.output, built.output
    run_build(inbox, tmp_path / "anew", companies)
    assert differences(tmp_path / "on", tmp_path / "anew") == {}
    lines = "select line_id, sum(billed_usd) from intermediate.int_itemised_charges group by line_id order by all"
    assert [usd for _, usd in built.rows(lines)] == [20, 20]


def test_a_rate_of_an_adjacent_day_is_that_of_one_build(tmp_path):
    """The calls of the 7th have no charge and take the 8th's, at its tier; a late call of the 5th changes neither."""
    world, inbox = World(), tmp_path / "inbox"
    world.claude(5, "message", 2 * MILLION, "2.00")
    world.claude(8, "batch", 3 * MILLION, "1.50")
    world.call("on time", 5, HAIKU, MILLION)
    world.call("no charge", 7, HAIKU, MILLION)
    world.call("batch", 8, HAIKU, MILLION, **tier("batch"))
    inbox.mkdir()
    world.write(inbox)
    companies = company(tmp_path, api_keys=OWNER)
    before = run_build(inbox, tmp_path / "on", companies)
    taken = f"select attributed_usd from marts.attributed_calls where trace_id = '{2:032x}'"
    assert before.rows(taken) == [(Decimal("0.50"),)]
    world.call("late", 5, HAIKU, MILLION)
    (inbox / "late.jsonl").write_text(batch(world.spans[-1:]))
    built = run_build(inbox, tmp_path / "on", companies)
    assert "ledger.duckdb on, from" in built.output, built.output
    run_build(inbox, tmp_path / "anew", companies)
    assert differences(tmp_path / "on", tmp_path / "anew") == {}
    assert built.rows(taken) == [(Decimal("0.50"),)]


def test_a_build_reads_what_changed_and_no_more(tmp_path):
    """A late span opens its trace's day, a bill's line its own; a changed seed, and a build that failed, all.

    A dashboard has a copy of the marts open meanwhile."""
    world(7, tmp_path)
    inbox, data, company = tmp_path / "inbox", tmp_path / "data", tmp_path / "company"
    (company / "cost_drivers.csv").unlink()  # a month's line of own capacity is shared by the calls of all its days
    assert run_build(inbox, data, company).code == 0
    bi.write(data)

    def touched(built):
        assert built.code == 0, built.output
        return {str(day) for (day,) in built.rows("select day from intermediate.int_days_touched where is_touched")}

    spans = late_trace()
    (inbox / "late.jsonl").write_text(otlp(spans))
    copy = data / "bi" / "ledger.duckdb"
    with dashboard(copy) as ask:
        before, file = ask(), copy.stat().st_ino
        assert touched(run_build(inbox, data, company)) == {"2026-10-14"}
        assert "Decimal" in before
        assert ask() == before
    assert copy.stat().st_ino != file, "a build renews the copies, whoever has them open"
    write(inbox / "openai_costs_2026-11-03.csv", COSTS, [cost(30, "1.5")])
    assert touched(run_build(inbox, data, company)) <= {
        "2026-10-28",
        "2026-10-29",
        "2026-10-30",
        "2026-10-31",
        "2026-11-01",
    }
    with (company / "teams.csv").open("a") as teams:
        teams.write("team-new,,c\n")
    assert "anew in" in run_build(inbox, data, company).output
    fail_last_build(data)
    (inbox / "later.jsonl").write_text(otlp(spans).replace(f"{10_000:032x}", f"{10_001:032x}"))
    assert "anew in" in run_build(inbox, data, company).output


def test_calls_that_land_late_are_found_by_events_of_the_next_month(tmp_path):
    """One event names its request of the evening before, the other's user asked just before midnight."""
    inbox, company = tmp_path / "inbox", seeds(tmp_path / "company")
    inbox.mkdir()
    (inbox / "spans.jsonl").write_text(batch([chat(9, 1, at=27 * 86400 + 60, app__feature="feature-1")]))
    (inbox / "usage_events.csv").write_text(
        "event_id,occurred_at,feature_id,user_id,account_id,trace_id,request_id,answers\n"
        f"e1,2026-11-01T00:00:10Z,feature-1,u1,,{1:032x},,1\ne2,2026-11-01T00:00:30Z,feature-1,u2,,,,1\n"
    )
    (inbox / "users.csv").write_text(
        "user_id,account_id,plan,segment,signed_up_on,valid_from\nu1,,pro,x,2026-01-01,\nu2,,free,x,2026-01-01,\n"
    )
    found = "select plan, answers_join_pct from marts.feature_pnl_by_cohort_monthly where answers_stated > 0 order by 1"
    of_feature = "select answers_join_pct from marts.feature_pnl_monthly where answers_stated > 0"
    built = run_build(inbox, tmp_path / "data", company)
    assert built.rows(found) == [("free", 0), ("pro", 0)]
    assert built.rows(of_feature) == [(0,)]
    late = [batch([chat(of, 1, at=27 * 86400 - 40, app__feature="feature-1", user__id=f"u{of}")]) for of in (1, 2)]
    (inbox / "late.jsonl").write_text("".join(late))
    built = run_build(inbox, tmp_path / "data", company)
    assert "ledger.duckdb on, from" in built.output
    assert built.rows(found) == [("free", 1), ("pro", 1)]
    assert built.rows(of_feature) == [(1,)]


def test_a_first_model_that_is_none_is_a_wrong_call(tmp_path):
    built = run_build(tmp_path, tmp_path / "data", GOLDEN / "company", "--first", "spend_dally")
    assert built.code == 2
    assert "--first spend_dally: there is no such model" in built.output


def test_verify_reads_what_no_build_touches_again(golden, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(golden.data, data)
    assert "over all rows" in run_build(tmp_path, data, GOLDEN / "company", "--verify").output
    with duckdb.connect(str(data / "ledger.duckdb")) as engine:
        engine.execute("update intermediate.int_cost_shares set share = share / 2")
    spoilt = run_build(tmp_path, data, GOLDEN / "company", "--verify")
    assert spoilt.code == 1
    assert "shares_sum_to_one" in spoilt.output
