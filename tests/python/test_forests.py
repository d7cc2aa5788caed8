"""Random forests of spans, hundreds in one build: marts and the plain Python reference agree exactly."""

import random
from collections import defaultdict
from decimal import Decimal
from itertools import groupby

from conftest import run_build
from exports import batch, span
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from reference import Company, Forest, Span

COMPANY = Company(
    features={f"feature-{number}": f"team-{number % 4}" for number in range(6)},
    services={f"service-{number}": f"team-{number % 5}" for number in range(7)},
    rules={"service-5": "feature-5", "service-6": "feature-0"},
    policies={
        ("default", ""): ("caller_pays", {}),
        ("team", "team-3"): ("split", {"team-1": 1, "team-2": 1, "team-3": 1}),
        ("service", "service-2"): ("owner_pays", {}),
        ("service", "service-3"): ("split", {"team-0": 2, "team-4": 5}),
        ("feature", "feature-1"): ("split", {"team-4": 0.125, "team-0": 0.875}),
        ("feature", "feature-2"): ("origin_pays", {}),
    },
)
LINK_LEVELS = 16
INPUT_USD, OUTPUT_USD = Decimal("0.00000015"), Decimal("0.0000006")  # gpt-4o-mini


# Half of all ids are negative numbers as keys: here all of them are.
FIRST = 2**63


def forest(seed: int, traces: int) -> list[Span]:
    """Traces with orphans, rings, several roots, copies, wrappers, shared ids, links over levels and in rings."""
    dice = random.Random(seed)
    spans: list[Span] = []
    moment = iter(dice.sample(range(1, 10**6), 10**5))
    for trace in range(FIRST, FIRST + traces):
        size = dice.choice([1, 2, 4, 8, 16, 40])
        labelled = dice.random() < 0.85
        late = dice.choice([0, 0, 0, 700])
        members = []
        for number in range(1, size + 1):
            parent = dice.choice([None, 999, *[dice.randrange(1, number)] * 20]) if number > 1 else None
            if dice.random() < 0.02:
                parent = dice.randrange(1, size + 1)  # may close a ring
            here = Span(
                trace, number, parent, at=late + number * 2 + next(moment) / 10**6, session=f"session-{trace // 3}"
            )
            here.service = f"service-{dice.randrange(8)}" if dice.random() < 0.9 else None
            here.feature = f"feature-{dice.randrange(6)}" if labelled and dice.random() < 0.2 else None
            here.team = f"team-{dice.randrange(5)}" if dice.random() < 0.1 else None
            here.user = f"user-{dice.randrange(9)}" if dice.random() < 0.2 else None
            here.tenant = f"tenant-{dice.randrange(4)}" if dice.random() < 0.2 else None
            if dice.random() < 0.5:
                here.operation, here.model = "chat", "gpt-4o-mini"
                here.tokens = (dice.randrange(10**6), dice.randrange(10**6)) if dice.random() < 0.95 else None
                here.response = f"response-{trace}-{number}" if dice.random() < 0.4 else None
            elif dice.random() < 0.3:
                here.operation = "invoke_agent"
            elif dice.random() < 0.2:
                here.operation, here.model = "summon", "gpt-4o-mini"
                here.response = f"response-{trace}-{number}" if dice.random() < 0.2 else None
            if spans and dice.random() < (0.3 if number == 1 else 0.02):
                here.links = [dice.choice(spans).key for _ in range(dice.choice([1, 2, 3, 4, 6]))]
                if dice.random() < 0.2:
                    here.links.append(
                        (dice.randrange(FIRST, FIRST + traces), 1)
                    )  # may be later, itself, or close a ring
            members.append(here)
        _mislead(members, spans, dice)
        spans += members
    copies = [Span(**{**vars(one), "ended": False, "tokens": None}) for one in spans if dice.random() < 0.02]
    return spans + copies


def _mislead(members: list[Span], spans: list[Span], dice: random.Random) -> None:
    """What exports do to usage: reports repeated by gateways and in other traces, agents that state sums and more."""
    by_number = {one.number: one for one in members}
    for one in members:
        parent = by_number.get(one.parent)
        if one.operation == "chat" and one.tokens and parent and parent.operation == "chat" and dice.random() < 0.4:
            parent.tokens = one.tokens
        if one.operation == "chat" and spans and dice.random() < 0.05:
            other = dice.choice(spans)
            if other.operation == "chat" and other.response and other.tokens:
                one.response, one.tokens = other.response, other.tokens
    for one in members[::-1]:
        children = [member for member in members if member.parent == one.number and member.tokens]
        if one.operation == "summon" and dice.random() < 0.8:
            one.tokens = (dice.randrange(10**6), dice.randrange(10**6))
            if children and dice.random() < 0.4:
                one.tokens, one.response = children[0].tokens, dice.choice([None, children[0].response])
    for one in members:
        if one.operation == "summon" and one.tokens and dice.random() < 0.4:
            beneath = [member.tokens for member in members if member.parent == one.number and member.tokens]
            one.tokens = (sum(each[0] for each in beneath) + 7, sum(each[1] for each in beneath) + 3)
        if one.operation == "invoke_agent" and dice.random() < 0.7:
            stated = [member.tokens for member in members if member.tokens and member.operation == "chat"
                      and (member.parent == one.number or dice.random() < 0.2)]  # fmt: skip
            more = dice.choice([(0, 0), (0, 0), (500, 50), (7, 0)])
            one.tokens = (sum(each[0] for each in stated) + more[0], sum(each[1] for each in stated) + more[1])


def otlp(spans: list[Span]) -> str:
    names = {"operation": "gen_ai__operation__name", "model": "gen_ai__request__model", "feature": "app__feature",
             "response": "gen_ai__response__id", "team": "app__team", "user": "user__id", "tenant": "tenant__id",
             "session": "session__id"}  # fmt: skip
    lines = []
    for service, members in groupby(sorted(spans, key=lambda one: one.service or ""), key=lambda one: one.service):
        written = []
        for one in members:
            values = {name: getattr(one, key) for key, name in names.items() if getattr(one, key)}
            if one.model:
                values["gen_ai__provider__name"] = "openai"
            if one.tokens:
                sent, received = one.tokens
                values |= {"gen_ai__usage__input_tokens": sent, "gen_ai__usage__output_tokens": received}
            written.append(span(one.trace, one.number, one.parent, one.at, one.links, **values))
            if not one.ended:
                written[-1].pop("endTimeUnixNano")
        lines.append(batch(written, service) if service else batch(written).replace('"svc"', '""'))
    return "".join(lines)


def expected(forest: Forest) -> tuple[dict, dict, dict]:
    calls, shares, owed = {}, {}, defaultdict(Decimal)
    for call in forest.calls():
        merged = {name: _merged([origin[name] for origin in call.origins]) for name in
                  ("originating", "serving", "path", "tenant", "user")}  # fmt: skip
        calls[call.call_id] = (
            merged["originating"], merged["serving"], min(origin["rule"] for origin in call.origins),
            min(origin["hops"] for origin in call.origins), merged["path"], call.origins[0]["payer"], merged["tenant"],
            merged["user"], *call.tokens, call.is_residual,
            call.tokens[0] * INPUT_USD + call.tokens[1] * OUTPUT_USD if sum(call.tokens) else None,
        )  # fmt: skip
        for key, weight in call.shares.items():
            shares[call.call_id, *key] = weight
        assert sum(call.shares.values()) == 1, call.call_id
        for pair, amount in call.transfers(calls[call.call_id][-1] or Decimal(0)).items():
            owed[pair] += amount
    return calls, shares, {pair: amount for pair, amount in owed.items() if amount}


def _merged(values: list):
    known = {value for value in values if value is not None}
    return "multiple" if len(known) > 1 else min(known, default=None)


def seeds(folder):
    folder.mkdir()
    lines = {
        "feature_catalog": ["feature_id,name,owner_team_id,launched_on,valid_from,valid_to",
                            *(f"{feature},{feature},{team},,," for feature, team in COMPANY.features.items())],
        "services": ["service_name,owner_team_id,valid_from,valid_to",
                     *(f"{service},{team},," for service, team in COMPANY.services.items())],
        "teams": ["team_id,name,cost_center", *(f"team-{number},,c" for number in range(5))],
        "feature_rules": ["priority,service,route,prompt_template,span_name,feature_id,purpose",
                          *(f"{10 + place},{service},,,,{feature},"
                            for place, (service, feature) in enumerate(COMPANY.rules.items()))],
        "chargeback_policies": ["scope,scope_id,policy,bearer_team_id,weight,valid_from,valid_to", *(
            f"{scope},{name},{policy},{bearer},{weight},2026-10-01,"
            for (scope, name), (policy, bearers) in COMPANY.policies.items()
            for bearer, weight in (bearers or {"": ""}).items()
        ), "feature,feature-2,owner_pays,,,2026-09-01,2026-10-01"],
    }  # fmt: skip
    for name, rows in lines.items():
        (folder / f"{name}.csv").write_text("\n".join(rows) + "\n")
    return folder


@settings(max_examples=2, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32))
def test_marts_agree_with_the_reference(tmp_path_factory, seed):
    folder = tmp_path_factory.mktemp("forest")
    spans = forest(seed, traces=400)
    (folder / "inbox").mkdir()
    (folder / "inbox" / "spans.jsonl").write_text(otlp(spans))
    # Several slices of the walk.
    built = run_build(folder / "inbox", folder / "data", seeds(folder / "company"), SPANS_PER_WALK="1000")
    assert built.code == 0, built.output
    calls, shares, owed = expected(Forest(spans, COMPANY, LINK_LEVELS))
    found = built.rows(
        "select call_id, originating_feature_id, serving_feature_id, attribution_rule, hops, team_path, payer_team_id,"
        " tenant_id, user_id, input_tokens, output_tokens, is_residual, priced_usd from marts.attributed_calls"
    )
    found_calls = {row[0]: row[1:] for row in found}
    differing = {call: (calls.get(call), found_calls.get(call)) for call in calls.keys() | found_calls.keys()
                 if calls.get(call) != found_calls.get(call)}  # fmt: skip
    assert not differing, f"seed {seed}, {len(differing)} of {len(calls)} calls: {dict(sorted(differing.items())[:4])}"
    found_shares = {row[:5]: row[5] for row in built.rows("select * exclude (borne_usd) from marts.call_shares")}
    assert found_shares == shares, f"seed {seed}"
    found_owed = {row[:2]: row[2] for row in built.rows("select * exclude (month) from marts.team_transfers_monthly")}
    assert found_owed == owed, f"seed {seed}"


def test_extremes_lose_nothing(tmp_path):
    """A chain 10,000 deep, a trace of 50,000 calls, fifty causes over two levels, a ring of traces, a ring of spans."""
    model = {"operation": "chat", "model": "gpt-4o-mini"}
    call = {**model, "tokens": (1000, 100)}
    spans = [Span(1, number, number - 1 or None, at=number / 100) for number in range(1, 10_001)]
    spans[0].feature, spans[0].service = "feature-0", "service-0"
    spans.append(Span(1, 10_001, 10_000, at=200, **call))
    spans += [Span(2, 1, at=1, feature="feature-1")]
    spans += [Span(2, number, number // 7 + 1, at=number / 100, tokens=(number, 1), **model)
              for number in range(2, 50_002)]  # fmt: skip
    spans += [Span(3, number, at=number, feature=f"feature-{number % 5}") for number in range(1, 51)]
    spans += [Span(100 + number, 1, at=60, links=[(3, cause) for cause in range(1, 51)])
              for number in range(50)]  # fmt: skip
    spans += [Span(4, 1, at=90, links=[(100 + number, 1) for number in range(50)]),
              Span(4, 2, 1, at=91, **call)]  # fmt: skip
    spans += [Span(5 + number, 1, at=10 - number, links=[(5 + (number + 1) % 3, 1)], **call)
              for number in range(3)]  # fmt: skip
    spans += [Span(9, number, number - 1 or 3, at=number, tokens=(number, 1), **model) for number in range(1, 4)]
    (tmp_path / "inbox").mkdir()
    (tmp_path / "inbox" / "spans.jsonl").write_text(otlp(spans))
    built = run_build(tmp_path / "inbox", tmp_path / "data", seeds(tmp_path / "company"))
    assert built.code == 0, built.output
    found = {(trace, feature): (calls, hops) for trace, feature, calls, hops in built.rows(
        "select cast('0x' || right(trace_id, 8) as bigint), originating_feature_id, count(*), max(hops)"
        " from marts.attributed_calls group by all"
    )}  # fmt: skip
    assert found.pop((1, "feature-0")) == (1, 10_000)
    assert found.pop((2, "feature-1"))[0] == 50_000
    assert found.pop((4, "multiple")) == (1, 3)
    assert found == {**{(5 + number, "unlabelled"): (1, 0) for number in range(3)}, (9, "unlabelled"): (3, 2)}
    fifth = built.rows("select originating_feature_id, sum(share) from marts.call_shares"
                       f" where call_id = '{4:032x}:{2:016x}' group by 1")  # fmt: skip
    assert sorted(fifth) == [(f"feature-{number}", Decimal("0.2")) for number in range(5)]
