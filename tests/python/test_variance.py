"""What changed since last month, by cause: recomputed from calls, one value of the bill replaced after the other."""

from collections import defaultdict
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pytest
from exports import COSTS, activity, write
from exports import cost as openai_cost
from test_journal import Autumn

pytestmark = pytest.mark.xdist_group("sample")
INPUT = {"input", "cache_read", "cache_write_5m", "cache_write_1h"}
STEPS = ("volume", "tokens", "cache", "price", "model_mix")
BORNE = """
select bearer_team_id, originating_feature_id, purpose, payable_provider, model, started_on, wasted.kind,
    date_trunc('month', started_on)::date as month, cutoff_month, usage_share, borne_usd, coalesce(borne_cutoff_usd, 0),
    call_key
from intermediate.int_cost_shares left join intermediate.int_wasted_calls as wasted using (call_key)
where borne_usd != 0 and purpose != 'evaluation'
"""
CACHES = """
select call_key, max(cache_write_premium_usd), max(priced_usd) from intermediate.int_call_shares
inner join intermediate.int_wasted_calls as wasted using (call_key)
where wasted.kind = 'cache_write_unread' and cache_write_premium_usd > 0 group by call_key
"""


def usage(sample) -> dict:
    """What each month, team and feature used: {(month, team, feature): {(family, model, meter): [quantity, money]}}, in
    tokens or requests and USD, and what of it was wasted, under the key `waste`.
    """
    unread = {key: Fraction(premium) / Fraction(priced) for key, premium, priced in sample.rows(CACHES)}
    items, days = defaultdict(list), defaultdict(lambda: [Fraction(), defaultdict(Fraction), defaultdict(Fraction)])
    for key, *item in sample.rows("select call_key, meter, quantity, priced_usd from intermediate.int_usage_items"):
        items[key].append(item)
    wasted = defaultdict(Fraction)
    for team, feature, use, provider, model, day, kind, month, other, share, borne, cutoff, key in sample.rows(BORNE):
        for posted, amount in ((month, borne - cutoff), (other, cutoff)):
            if not amount:
                continue
            part, line = Fraction(share) * Fraction(amount) / Fraction(borne), (posted, team, feature)
            lost = Fraction(amount) * (unread.get(key, 0) if kind == "cache_write_unread" else kind is not None)
            wasted[line] += lost
            if kind not in (None, "cache_write_unread"):
                continue
            of_day = days[(line, day, use, provider, model)]
            of_day[0] += Fraction(amount) - lost
            of_day[1]["call"] += part
            for meter, quantity, priced in items[key]:
                of_day[1][meter] += quantity * part
                of_day[2][meter] += Fraction(priced or 0) * part
    used = defaultdict(lambda: defaultdict(lambda: [Fraction(), Fraction()]))
    for (line, _, _, provider, model), (money, quantities, priced) in days.items():
        weights = priced if sum(priced.values()) else {meter: q for meter, q in quantities.items() if meter != "call"}
        weights = weights or {"call": Fraction(1)}
        for meter, quantity in quantities.items():
            found = used[line][("input" if meter in INPUT else meter, (provider, model), meter)]
            found[0] += quantity
            found[1] += money * weights.get(meter, 0) / sum(weights.values())
    # A call that stands for dropped ones counts as a fraction more; the mart counts in thousandths.
    for counted in used.values():
        for found in counted.values():
            found[0] = Fraction(round(found[0] * 1000), 1000)
    for line, money in wasted.items():
        used[line]["waste"] = money
    return used


def cost(calls, per_call, parts, prices, mix) -> Fraction:
    """Calls x tokens per call of each family x the models' parts of it x meters' parts of a model's x unit prices."""
    return sum(
        calls * per_call[family] * mix[family, model] * part * prices[family, model, meter]
        for (family, model, meter), part in parts.items()
        if (family, model) in mix and family in per_call
    )


def measures(used: dict) -> tuple:
    """The five that a cost is made of, in the order of the causes."""
    of_family, of_model = defaultdict(Fraction), defaultdict(Fraction)
    for (family, model, _), (quantity, _) in used.items():
        of_family[family] += quantity
        of_model[family, model] += quantity
    calls = of_family["call"]
    return (
        calls,
        {family: quantity / calls for family, quantity in of_family.items()},
        {key: quantity / of_model[key[:2]] for key, (quantity, _) in used.items() if of_model[key[:2]]},
        {key: money / quantity for key, (quantity, money) in used.items() if quantity},
        {key: quantity / of_family[key[0]] for key, quantity in of_model.items()},
    )


def steps(before: dict, now: dict) -> dict:
    """Changes of what calls cost, by cause, in USD."""
    total = [sum(money for _, money in used.values()) for used in (before, now)]
    if not before or not now:
        return {"volume": total[1] - total[0]}
    (_, per_call, parts, prices, mix), new = measures(before), measures(now)
    at = [total[0], cost(new[0], per_call, parts, prices, mix)]
    # A new family of meters counts whole as tokens: the later steps have no usage of last month to start from.
    grown = sum(money for (family, *_), (_, money) in now.items() if family not in per_call)
    lasting = {family: tokens for family, tokens in new[1].items() if family in per_call}
    at.append(cost(new[0], lasting, parts, prices, mix) + grown)
    in_both = {(family, model) for family, model, _ in parts} & {(family, model) for family, model, _ in new[2]}
    gone = {key: part for key, part in parts.items() if key[:2] not in in_both}
    parts = gone | {key: part for key, part in new[2].items() if key[:2] in in_both}
    known = {key: price for key, price in new[3].items() if key[:2] in in_both} | prices
    at.append(cost(new[0], lasting, parts, known, mix) + grown)
    known = prices | {key: price for key, price in new[3].items() if key[:2] in in_both}
    at.append(cost(new[0], lasting, parts, known, mix) + grown)
    at.append(total[1])
    return {step: at[place + 1] - at[place] for place, step in enumerate(STEPS)}


def test_causes_are_those_of_the_calls(sample):
    used = usage(sample)
    stated = defaultdict(dict)
    for month, team, feature, cause, change in sample.rows(
        "select month, team_id, feature_id, cause, change_usd from marts.cost_variance_monthly"
    ):
        stated[month, team, feature][cause] = change
    months = sorted({month for month, _, _ in used})
    seen = 0
    for before, month in pairwise(months):
        for team, feature in {line[1:] for line in used if line[0] in (before, month)}:
            then, now = (dict(used.get((at, team, feature), {})) for at in (before, month))
            waste = now.pop("waste", 0) - then.pop("waste", 0)
            for cause, change in (steps(then, now) | {"waste": waste}).items():
                assert abs(change - Fraction(stated[month, team, feature].get(cause, 0))) < Fraction(1, 10**7), (
                    month, team, feature, cause)  # fmt: skip
                seen += abs(change) > Fraction(1, 10**6)
    assert seen > 100
    causes = {cause for line in stated.values() for cause in line}
    assert causes == {*STEPS, "evaluation", "waste", "other"}


def test_waste_is_as_much_as_the_days_say(sample):
    """waste_daily and the metered costs have the same waste of calls; bill lines without a call are only in
    waste_daily.
    """
    ((by_day, by_call),) = sample.rows("""
        select
            (select sum(wasted_usd) from marts.waste_daily where feature_id != 'untraced'),
            (select sum(amount_usd) from intermediate.int_metered_costs_daily where waste_kind is not null)""")
    assert by_day > 0
    assert abs(by_day - by_call) < Fraction(1, 10**8)


def test_late_and_corrected_money_stand_apart_by_account_and_model(tmp_path):
    """September is closed with two calls of 0.15 accrued. Its bill then says 0.16 each, and a bill of another provider
    comes for a day on which it had nothing. October's bill has two calls at 0.15, November's three at 0.16.
    """
    world = Autumn(tmp_path)
    world.build("anew")
    assert world.close("2026-09", "--force") == 0
    world.september_is_billed()
    activity([("gen-8", "2026-09-10 12:00:00", "0.05")], world.inbox / "activity_2026-10-21.csv")
    rows = [
        openai_cost(day, usd, quantity=quantity, quantity_unit="tokens", project_id="p", api_key_id="k")
        for day, usd, quantity in ((6, "0.30", "2000000"), (2, "0.48", "3000000"))
    ]
    rows[1] |= {name: rows[1][name] + 31 * 86400 for name in ("start_time", "end_time")}  # of November
    write(world.inbox / "openai_costs_2026-11-20.csv", COSTS, rows)
    built = world.build()
    stated = defaultdict(Fraction)
    by_model = "select month(month), provider, cause, sum(change_usd) from marts.cost_variance_by_model_monthly"
    for month, provider, cause, change in built.rows(f"{by_model} group by all"):
        stated[month, provider, cause] += Fraction(change)
    assert stated == {
        # September's price was 0.16 after all, and 0.02 more than was closed: the correction of October.
        (10, "openai", "price"): Fraction("-0.02"),
        (10, "openai", "other"): Fraction("0.02"),
        (10, "openai", "correction"): Fraction("0.02"),
        (10, "openrouter", "late"): Fraction("0.05"),
        (11, "openai", "volume"): Fraction("0.15"),
        (11, "openai", "price"): Fraction("0.03"),
        (11, "openai", "correction"): Fraction("-0.02"),
        (11, "openrouter", "late"): Fraction("-0.05"),
    }
    by_team = "select month(month), cause, sum(change_usd) from marts.cost_variance_monthly"
    assert sorted(built.rows(f"{by_team} where cause in ('late', 'correction') group by all")) == [
        (10, "correction", Decimal("0.02")), (10, "late", Decimal("0.05")),
        (11, "correction", Decimal("-0.02")), (11, "late", Decimal("-0.05")),
    ]  # fmt: skip


def test_models_have_the_waste_and_the_change_of_teams(sample):
    both = "select {0}, sum(change_usd) from marts.{1} {2} group by all having sum(change_usd) != 0 order by all"
    for columns, chosen in (("month", ""), ("month, cause", "where cause = 'waste'")):
        by_team, by_model = (
            sample.rows(both.format(columns, mart, chosen))
            for mart in ("cost_variance_monthly", "cost_variance_by_model_monthly")
        )
        assert by_team == by_model != []
    ((unknown,),) = sample.rows("select sum(change_usd) from marts.cost_variance_by_model_monthly where model is null")
    assert unknown == 0  # September's credit, and October's lack of it
