"""Costs that are not tokens: bill lines that seed cost_drivers shares among the calls of a service, model or tool."""

import random
from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import count

import pytest
from exports import FOCUS, batch, chat, company, focus, nanoseconds, span, write

import check_company

USD = Decimal
TEAMS = "team_id,name,cost_center\n" + "".join(f"{team},{team},cc\n" for team in ("alpha", "beta", "platform"))
CATALOG = "feature_id,name,owner_team_id,launched_on,valid_from,valid_to\nask,A,alpha,,,\nfind,F,beta,,,\n"
KEYS = "provider,account_id,api_key,owner_team_id,feature_id,valid_from,valid_to\naws,acct,,platform,,,\n"
DRIVERS = (
    "priority,provider,service_name,sku,description,service,model,tool_name,driver,capacity_per_unit\n"
    "10,aws,AmazonEC2,p5%,,vllm,,,seconds,3600\n"
    "10,pinecone,,,,search,,vector_query,requests,\n"
    "10,cohere,rerank node,,,reranker,,,requests,1000\n"
    "10,azure,,,Provisioned%,,gpt-4o,,tokens,10000\n"
    "10,aws,AmazonEC2,g6%,,nobody,,,seconds,3600\n"
)
SEEDS = {"teams": TEAMS, "feature_catalog": CATALOG, "api_keys": KEYS, "cost_drivers": DRIVERS}
CHARGES = "provider,account_id,period_start,period_end,model,service,meter,quantity,amount,currency,api_key,description"
LLAMA = {"gen_ai__provider__name": "vllm", "gen_ai__request__model": "llama-3.1-70b"}
MINI = {"gen_ai__provider__name": "openai", "gen_ai__request__model": "gpt-4o-mini"}
GPT = {"gen_ai__provider__name": "azure.ai.openai", "gen_ai__request__model": "gpt-4o"}
FEATURES = ("ask", "find")


def lasting(seconds: float, one: dict, at: float = 0) -> dict:
    return one | {"endTimeUnixNano": nanoseconds(at + seconds)}


def tokens(count: int) -> dict:
    return {"gen_ai__usage__input_tokens": count, "gen_ai__usage__output_tokens": 0}


def served(trace: int, feature: str, at: float, *spans: dict, service: str, instance: str | None = None) -> str:
    """A click on a feature in the app, and spans of another service beneath it."""
    text = batch(list(spans), service)
    if instance:
        resource = f'{{"key": "service.instance.id", "value": {{"stringValue": "{instance}"}}}}, '
        text = text.replace('"attributes": [', '"attributes": [' + resource, 1)
    return batch([span(trace, 1, None, at, app__feature=feature)], "app") + text


def generated(trace: int, feature: str, at: float, seconds: float, count: int, instance: str) -> str:
    one = lasting(seconds, chat(trace, 2, 1, at, None, **LLAMA, **tokens(count)), at)
    return served(trace, feature, at, one, service="vllm", instance=instance)


def ec2(day: int, sku: str, hours: str, cost: str) -> dict:
    return focus(
        day, cost, ProviderName="AWS", ServiceName="AmazonEC2", BillingAccountId="acct", SubAccountId="acct",
        SkuId=sku, ConsumedQuantity=hours, ConsumedUnit="Hours", ChargeDescription=f"{sku} on demand",
    )  # fmt: skip


def charge(provider: str, begin: str, end: str, amount: str, **values) -> dict:
    return {"provider": provider, "period_start": begin, "period_end": end, "amount": amount, **values}


def spans() -> str:
    text = generated(1, "ask", 0, 10, 1000, "a") + generated(2, "ask", 5, 10, 2000, "a")
    text += generated(3, "find", 0, 20, 4000, "b")
    for trace, day, feature in ((11, 5, "ask"), (12, 6, "find"), (13, 6, "find"), (14, 7, "find")):
        at = (day - 5) * 86400
        query = span(trace, 2, 1, at) | {"name": "vector_query"}
        text += served(trace, feature, at, query, service="search")
    for trace, feature in ((21, "ask"), (22, "ask"), (23, "find")):
        inner = span(trace, 3, 2) | {"name": "score"}
        text += served(trace, feature, 0, span(trace, 2, 1) | {"name": "POST /rerank"}, inner, service="reranker")
    for trace, feature in ((31, "ask"), (32, "find")):
        text += served(trace, feature, 0, chat(trace, 2, 1, 0, None, **GPT, **tokens(6000)), service="app")
    return text


def inputs(folder):
    inbox = folder / "inbox"
    inbox.mkdir()
    (inbox / "spans.jsonl").write_text(spans())
    write(inbox / "focus.csv", FOCUS, [ec2(5, "p5.48xlarge", "24", "86.40"), ec2(5, "g6.xlarge", "24", "5")])
    write(
        inbox / "charges.csv", CHARGES,
        [
            charge("pinecone", "2026-10-01", "2026-10-31", "31", service="vectors"),
            charge("cohere", "2026-10-05", "2026-10-05", "6", service="rerank node", quantity="1"),
            charge("azure", "2026-10-05", "2026-10-05", "10", description="Provisioned Managed", quantity="1"),
        ],
    )  # fmt: skip
    return inbox


def test_bill_lines_are_shared_by_use(build, tmp_path):
    built = build(inputs(tmp_path), company(tmp_path, **SEEDS))
    assert built.code == 0, built.output
    spent = "select originating_feature_id, provider, sum(borne_usd), sum(calls) from marts.spend_daily group by all"
    assert sorted(row for row in built.rows(spent) if row[2]) == [
        ("ask", "aws", USD("0.015"), 2), ("ask", "azure", USD("5"), 1), ("ask", "cohere", USD("0.012"), 2),
        ("ask", "pinecone", USD("7.75"), 1), ("find", "aws", USD("0.02"), 1), ("find", "azure", USD("5"), 1),
        ("find", "cohere", USD("0.006"), 1), ("find", "pinecone", USD("23.25"), 3),
        ("idle", "aws", USD("91.365"), 0), ("idle", "cohere", USD("5.982"), 0),
    ]  # fmt: skip
    calls = (
        "select distinct match_level, basis, unpriced_reason, priced_usd, billed_usd - attributed_usd from "
        "marts.attributed_calls"
    )
    assert built.rows(calls) == [("cost_driver", "billed", "own_capacity", None, 0)]
    # Three calls of the GPU's 35 busy seconds: 0.001 USD each second, by 1,000, 2,000 and 4,000 tokens.
    ran = "select trace_id, attributed_usd from marts.attributed_calls where model like 'llama%' order by 1"
    assert [usd for _, usd in built.rows(ran)] == [USD("0.005"), USD("0.01"), USD("0.02")]
    teams = "select team_id, idle_usd, unattributed_usd, net_charge_usd, paid_usd from marts.team_chargeback_monthly"
    assert {team: usd for team, *usd in built.rows(teams)} == {
        "alpha": [0, 0, USD("12.777"), USD("12.762")], "beta": [0, 0, USD("28.276"), USD("28.256")],
        "platform": [USD("91.365"), USD("91.365"), USD("91.365"), USD("91.4")],
        "unattributed": [USD("5.982")] * 4, "quality_pool": [0] * 4,
    }  # fmt: skip
    said = "select distinct why from marts.team_statements_monthly where item = 'idle'"
    assert built.rows(said) == [("capacity that you pay and nobody used",)]
    bills = (
        "select provider, model, meter, sum(billed_usd), sum(attributed_usd), sum(idle_usd), sum(untraced_usd), "
        "max(match_level) from marts.invoice_reconciliation_daily group by all order by 1, 2"
    )
    assert built.rows(bills) == [
        ("aws", "g6.xlarge", "capacity", 5, 0, 5, 0, "none"),
        ("aws", "p5.48xlarge", "capacity", USD("86.4"), USD("0.035"), USD("86.365"), 0, "cost_driver"),
        ("azure", "Provisioned Managed", "capacity", 10, 10, 0, 0, "cost_driver"),
        ("cohere", "rerank node", "capacity", 6, USD("0.018"), USD("5.982"), 0, "cost_driver"),
        ("pinecone", "vectors", "capacity", 31, 31, 0, 0, "cost_driver"),
    ]
    owned = (
        "select provider, coalesce(service, model), driver, capacity, idle_pct from marts.own_capacity_monthly "
        "order by idle_pct desc, 1, 2"
    )
    assert [(*row[:4], round(row[4], 4)) for row in built.rows(owned)] == [
        ("aws", "nobody", "seconds", 86400, 1), ("aws", "vllm", "seconds", 86400, 0.9996),
        ("cohere", "reranker", "requests", 1000, 0.997), ("azure", "gpt-4o", "tokens", 10000, 0),
        ("pinecone", "search", "requests", None, 0),
    ]  # fmt: skip
    shared = (
        "select ProviderName, x_FeatureId, sum(EffectiveCost) from marts.focus_cost_and_usage group by all "
        "having sum(EffectiveCost) != 0"
    )
    assert [usd for *_, usd in sorted(built.rows(shared), key=lambda row: (row[0].lower(), row[1]))] == [
        USD("0.015"), USD("0.02"), USD("91.365"), 5, 5, USD("0.012"), USD("0.006"), USD("5.982"), USD("7.75"),
        USD("23.25"),
    ]  # fmt: skip
    assert "cost drivers without lines, calls or quantities" in built.output


TWO = DRIVERS.splitlines()[0] + "\n10,aws,AmazonEC2,,,vllm,,,seconds,\n20,aws,,p5%,,vllm,,,tokens,\n"
WRONG = {
    "10,aws,,,,vllm,,,hours,": "driver is tokens, seconds or requests",
    "10,aws,,,,vllm,,,,": "driver is empty",
    "10,,,,,vllm,,,tokens,": "it takes every line of every bill",
    "10,aws,,,,,,,tokens,": "it names no calls",
    "10,aws,,,,vllm,llama,query,tokens,": "no call has a model and is a tool",
    "10,aws,,,,vllm,,,tokens,0": "one billed unit serves more than 0",
    "10,aws,,,,vllm,,,tokens,-5": "one billed unit serves more than 0",
    "10,aws,,,,vllm,,,tokens,many": "capacity_per_unit",
}


@pytest.mark.parametrize(("row", "said"), WRONG.items())
def test_a_driver_says_what_it_shares_among_whom(tmp_path, row, said):
    folder = company(tmp_path, **SEEDS | {"cost_drivers": DRIVERS.splitlines()[0] + f"\n{row}\n"})
    assert any(said in one.said for one in check_company.check(folder) if one.is_error)


def test_a_line_of_two_drivers_fails_the_build(build, tmp_path):
    """Whatever their priorities, and although both rows name the same calls."""
    built = build(inputs(tmp_path), company(tmp_path, **SEEDS | {"cost_drivers": TWO}))
    assert built.code == 1
    assert "cost_drivers_share_no_line" in built.output
    assert "p5.48xlarge" in built.output


METAL = "priority,provider,service_name,sku,description,service,model,tool_name,driver,capacity_per_unit\n"
MIXED = (
    "10,metal,node,,,gpu,,,seconds,10\n10,metal,disk,,,gpu,,,seconds,\n10,metal,rack,,,gpu,,,seconds,3\n"
    "20,metal,flat,,,g%,%mini%,,tokens,1000\n20,metal,index,,,,,query%,requests,2\n"
)


def busy(spans: list[tuple[float, float]]) -> float:
    """Seconds of which at least one span took a part."""
    seconds, until = 0.0, float("-inf")
    for begin, end in sorted(spans):
        seconds += max(0, end - max(begin, until))
        until = max(until, end)
    return seconds


def test_random_lines_are_shared_as_the_rules_say(build, tmp_path):
    """Nodes by the day, racks by the week, disks over a month's end, credits, days without use, use beyond capacity:
    each call's cost is that of a reference in plain Python."""
    dice, trace = random.Random(11), count(1)
    days = [date(2026, 10, 26) + timedelta(step) for step in range(10)]
    calls, text = [], ""
    for day in days:
        for _ in range(dice.choice([0, 1, 3, 6])):
            service, model = dice.choice([("gpu", "llama"), ("gpu", "phi-mini"), ("gate", "phi-mini"), ("gate", "q")])
            number, feature, used = next(trace), dice.choice(FEATURES), dice.choice([0, 10, 500, 4000])
            at = (day - date(2026, 10, 5)).days * 86400 + dice.choice([0, 1.5, 3, 7])
            long, instance = dice.choice([0.25, 2, 4]), dice.choice("ab")
            if model == "q":
                text += served(number, feature, at, span(number, 2, 1, at) | {"name": "query index"}, service="gate")
            else:
                said = {"gen_ai__provider__name": "own", "gen_ai__request__model": model, **tokens(used)}
                one = lasting(long, chat(number, 2, 1, at, None, **said), at)
                text += served(number, feature, at, one, service=service, instance=instance)
            calls.append((number, day, service, model, used if model != "q" else 0, at, at + long, instance))
    for number in (next(trace), next(trace)):  # on a day that two lines of one driver can serve
        at = (days[3] - date(2026, 10, 5)).days * 86400
        text += served(number, "ask", at, span(number, 2, 1, at) | {"name": "query index"}, service="gate")
        calls.append((number, days[3], "gate", "q", 0, at, at + 1, None))
    lines = [(day, day, "node", dice.choice([1, 3, 0.5])) for day in days[:-2]]
    lines += [(days[0], days[-1], name, 7) for name in ("disk", "flat", "index")] + [(days[2], days[7], "rack", 4)]
    lines += [(days[0], days[5], "node", None), (days[3], days[3], "index", 1)]
    bills = [(*line, USD(dice.randrange(1, 10**6)) / 10**4) for line in lines]
    bills[-2] = (*bills[-2][:4], USD("-0.5"))
    inbox = tmp_path / "inbox"
    write(inbox / "charges.csv", CHARGES, [
        charge("metal", str(begin), str(end), str(usd), service=name, quantity="" if units is None else str(units))
        for begin, end, name, units, usd in bills
    ])  # fmt: skip
    (inbox / "spans.jsonl").write_text(text)
    built = build(inbox, company(tmp_path, **SEEDS | {"cost_drivers": METAL + MIXED}))
    assert built.code == 0, built.output
    expected = reference(calls, bills)
    found = {
        int(trace, 16): usd for trace, usd in built.rows("select trace_id, attributed_usd from marts.attributed_calls")
    }
    assert set(found) == {one[0] for one in calls}
    for number, usd in found.items():
        whole = USD(float(expected.get(number, 0)))
        assert abs((usd or 0) - whole) <= whole / 1000, number  # uses are counted in thousandths
    idle = sum(usd for *_, usd in bills) - sum(usd or 0 for usd in found.values())
    (said,) = built.rows("select sum(borne_usd) from marts.spend_daily where originating_feature_id = 'idle'")
    assert said == (idle,)
    assert any(usd is None for usd in found.values()), "calls without tokens share none"


def reference(calls: list[tuple], bills: list[tuple]) -> dict[int, Fraction]:
    """What each call takes, by its number."""
    drivers = {
        "node": ("gpu", "seconds", 10), "disk": ("gpu", "seconds", None), "rack": ("gpu", "seconds", 3),
        "flat": ("mini", "tokens", 1000), "index": ("query", "requests", 2),
    }  # fmt: skip
    groups: dict[tuple, list] = defaultdict(lambda: [Fraction(0), Fraction(0)])
    for begin, end, name, units, usd in bills:
        days = [begin + timedelta(step) for step in range((end - begin).days + 1)]
        for month in sorted({day.month for day in days}):
            part = [day for day in days if day.month == month]
            group = groups[name, part[0], part[-1]]
            group[0] += Fraction(usd) * len(part) / len(days)
            group[1] += Fraction(str(units or 0)) * (drivers[name][2] or 0) * len(part) / len(days)
    uses = {key: _used(key, groups, drivers, calls) for key in groups}
    shared: dict[int, Fraction] = defaultdict(Fraction)
    for (name, begin, end), (usd, capacity) in groups.items():
        weights, used = uses[name, begin, end]
        if drivers[name][2] and not capacity:  # a credit: as much as of the driver's other lines of the month
            others = [key for key in groups if key[0] == name and key[1].month == begin.month and groups[key][1]]
            capacity, used = sum(groups[key][1] for key in others), sum(uses[key][1] for key in others)
        whole = sum(weights.values())
        if whole:
            given = usd * min(used / capacity, 1) if capacity else usd
            for number, weight in weights.items():
                shared[number] += given * weight / whole
    return shared


def _used(key: tuple, groups: dict, drivers: dict, calls: list[tuple]) -> tuple[dict[int, Fraction], Fraction]:
    """What each call weighs in a group of lines, and what all used of it."""
    name, begin, end = key
    whose, driver, _ = drivers[name]
    weights, used = {}, Fraction(0)
    for day in (begin + timedelta(step) for step in range((end - begin).days + 1)):
        mine = [one for one in calls if one[1] == day and _is_of(whose, one)]
        if driver == "seconds":
            spans = defaultdict(list)
            for one in mine:
                spans[one[7]].append((one[5], one[6]))
            use = Fraction(sum(busy(ran) for ran in spans.values()))
            by_tokens = any(one[4] for one in mine)
            parts = {one[0]: Fraction(one[4] if by_tokens else one[6] - one[5]) for one in mine}
            weigh = {number: use * part / sum(parts.values()) for number, part in parts.items()}
        else:
            weigh = {one[0]: Fraction(one[4] if driver == "tokens" else 1) for one in mine}
            use = sum(weigh.values())
        if groups[key][1]:  # other lines of the same driver that could serve the day
            daily = {other: group[1] / ((other[2] - other[1]).days + 1) for other, group in groups.items()
                     if other[0] == name and other[1] <= day <= other[2] and group[1]}  # fmt: skip
            part = daily[key] / sum(daily.values())
            use, weigh = use * part, {number: weight * part for number, weight in weigh.items()}
        used += use
        weights |= weigh
    return weights, used


def _is_of(whose: str, call: tuple) -> bool:
    """Rows of priority 10 take the calls of service gpu before the model's row of priority 20 does."""
    _, _, service, model, *_ = call
    return {"gpu": service == "gpu", "mini": service == "gate" and model == "phi-mini", "query": model == "q"}[whose]


def test_kept_calls_use_for_dropped_ones(build, tmp_path):
    """One call in ten of `gate` was kept, all of `gpu`: 10 x 1,000 and 2,000 tokens of 24,000 that 12 USD can serve."""
    inbox = tmp_path / "inbox"
    rates = "service_name,rate,valid_from,valid_to\ngate,0.1,,\n"
    drivers = METAL + "10,metal,node,,,g%,,,tokens,24000\n"
    own = {"gen_ai__provider__name": "own", "gen_ai__request__model": "llama"}
    text = "".join(
        served(number, feature, 0, chat(number, 2, 1, 0, None, **own, **tokens(used)), service=service)
        for number, feature, used, service in ((1, "ask", 1000, "gate"), (2, "find", 2000, "gpu"))
    )
    write(inbox / "charges.csv", CHARGES, [
        charge("metal", "2026-10-05", "2026-10-05", "12", service="node", quantity="1", api_key=key)
        for key in ("one", "other")
    ])  # fmt: skip
    (inbox / "spans.jsonl").write_text(text)
    keys = KEYS + "metal,,one,alpha,,,\nmetal,,other,platform,,,\n"
    built = build(
        inbox, company(tmp_path, **SEEDS | {"cost_drivers": drivers, "sampling_rates": rates, "api_keys": keys})
    )
    assert built.code == 0, built.output
    # The two lines serve 48,000 for 24 USD: 0.0005 a token.
    spent = "select originating_feature_id, basis, sum(borne_usd) from marts.spend_daily group by all order by 1, 2"
    assert built.rows(spent) == [
        ("ask", "billed", USD("0.5")), ("ask", "sampled", USD("4.5")), ("find", "billed", 1), ("idle", "billed", 18),
    ]  # fmt: skip
    paid = "select payer_team_id, attributed_usd, sampled_usd, idle_usd from marts.own_capacity_monthly order by 1"
    assert built.rows(paid) == [("alpha", USD("0.75"), USD("2.25"), 9), ("platform", USD("0.75"), USD("2.25"), 9)]


ELSEWHERE = (
    "10,azure,,,Provisioned%,,gpt-4o,,tokens,10000\n10,wea%,,,,toolsvc,,,requests,\n10,modal,,,,assistant,,,tokens,\n"
    "10,nobody,,,,proxy,,,tokens,\n10,modal%,nowhere,,,proxy,,,tokens,\n"
)
SEARCH = {"gen_ai__operation__name": "execute_tool", "gen_ai__tool__name": "web_find"}


def test_what_runs_elsewhere_is_left_alone(build, tmp_path):
    """A model at a provider that sells it, a tool that somebody bills, and credits, which serve nothing. Tokens of an
    agent whose calls nobody saw are listed as unexplained, as everywhere."""
    inbox = tmp_path / "inbox"
    said = {"gen_ai__operation__name": "invoke_agent", "gen_ai__request__model": "llama", **tokens(500)}
    text = served(1, "ask", 0, chat(1, 2, 1, 0, None, **GPT, **tokens(5000)), service="app")
    text += served(2, "ask", 0, chat(2, 2, 1, 0, None, **GPT | {"gen_ai__provider__name": "openai"}, **tokens(5000)),
                   service="app")  # fmt: skip
    text += served(3, "find", 0, span(3, 2, 1, **SEARCH), service="toolsvc")
    text += served(4, "find", 0, span(4, 2, 1) | {"name": "GET /find"}, service="toolsvc")
    text += served(5, "find", 0, span(5, 2, 1, **said), service="assistant")
    text += served(6, "find", 0, chat(6, 2, 1, 0, None, **MINI, **tokens(100)), service="proxy")
    azure = {"ProviderName": "Microsoft", "ServiceName": "Azure OpenAI", "BillingAccountId": "acct",
             "ChargeDescription": "Provisioned Managed", "PricingQuantity": "1", "PricingUnit": "Hour"}  # fmt: skip
    write(inbox / "focus.csv", FOCUS, [
        focus(5, "10", **azure), focus(5, "-1", **azure | {"ChargeCategory": "Credit"}),
    ])  # fmt: skip
    write(inbox / "charges.csv", CHARGES, [
        charge(provider, "2026-10-05", "2026-10-05", "8") for provider in ("weav", "modal")
    ])  # fmt: skip
    (inbox / "spans.jsonl").write_text(text)
    prices = (
        "provider,account_id,model,meter,unit_price_usd,discount_pct,valid_from,valid_to\ntavily,,,request,0.5,,,\n"
    )
    tools = "service,tool_name,provider,meter\ntoolsvc,web_find,tavily,request\n"
    seeds = SEEDS | {"cost_drivers": METAL + ELSEWHERE, "negotiated_prices": prices, "billable_tools": tools}
    built = build(inbox, company(tmp_path, **seeds))
    assert built.code == 0, built.output
    calls = "select trace_id, provider, attributed_usd, basis from marts.attributed_calls order by trace_id"
    assert [(int(trace, 16), *row) for trace, *row in built.rows(calls)] == [
        (1, "azure", USD("4.5"), "billed"), (2, "openai", USD("0.0125"), "accrued"),
        (3, "tavily", USD("0.5"), "accrued"), (4, "unknown", 8, "billed"), (6, "openai", None, "unpriced"),
    ]  # fmt: skip
    assert built.rows("select sum(idle_usd) from marts.own_capacity_monthly") == [(USD("12.5"),)]
    # OpenAI sells what the proxy calls, and no line of the two rows that take it has come.
    assert "1 models on own capacity that are billed by the token, too" in built.output
    assert "3 cost drivers without lines, calls or quantities" in built.output
