"""Samples drawn of one simulated month, to see how often the intervals of sampling_errors_monthly hold.

sampling_draws.py [DRAWS [SEED]] prints a table for every world. In a world three features share a day, key and model:
one keeps a tenth of its traces, one a quarter, one all. Each draw is another sample of the same traces, in a month of
its own, and goes through the project's own models: from match groups to intervals.
"""

import sys
from typing import NamedTuple

import duckdb
import numpy
from rendering import rendered

RATES = {"tenth": 0.1, "quarter": 0.25, "whole": 1.0}
TRACES = {"tenth": 900, "quarter": 240, "whole": 60}
PRICE = 0.000002
MODELS = ("intermediate/costing/int_cutoff_matches", "intermediate/costing/int_sampled_costs")
NOTHING = """
create or replace temp table int_accrued_usage as select null::varchar as provider, null::date as usage_on,
    null::varchar as account_id, null::varchar as model, null::varchar as meter, null::varchar as payer_team_id,
    0.0::decimal(38, 12) as sampled_usd, 0.0::decimal(38, 12) as untraced_usd, true as is_unbilled where false;
create or replace temp table int_call_costs as select 0::bigint as call_key, null::date as started_on,
    null::varchar as account_id, null::varchar as provider, null::varchar as model,
    0.0::decimal(38, 12) as accrued_usd, true as is_in_bill,
    false as is_represented where false;
create or replace temp table int_usage_items as select 0::bigint as call_key, null::varchar as meter,
    0::bigint as quantity where false;
create or replace temp table meter_families as select null::varchar as provider, null::varchar as call_meter,
    null::varchar as billed_meter where false;
create or replace temp table int_driver_groups as select null::varchar as driver_group_id, 0::bigint as capacity,
    0::bigint as used where false;
create or replace temp table int_driver_uses as select null::varchar as driver_group_id, 0::bigint as call_key,
    null::date as started_on, 0::bigint as unseen_weight where false;
"""
MEMBERS = """
create or replace temp table int_match_members as
with usage as (
    select 'call' as side, draw, call_key, quantity from kept
    union all
    select 'charge' as side, draw, null as call_key, $billed as quantity from draws
)
select side, coalesce(call_key::varchar, draw::varchar) as member_id, call_key, 'p' as provider, 'a' as account_id,
    'a' as match_account_id, null as match_key, null as match_rate, 'account_day_model_meter' as match_level,
    'm' as model, 'input' as meter, (date '2000-01-05' + to_months(draw::integer))::date as usage_on,
    quantity::bigint as quantity, (quantity::bigint * $price::decimal(18, 12))::decimal(38, 12) as amount_usd,
    false as is_rounded, false as is_excluded, false as is_provisional
from usage;
create or replace temp table int_sampled_calls as
    select call_key, call_key as trace_key, adjusted_count::decimal(18, 6) as adjusted_count from kept
    where adjusted_count > 1;
"""
SETTLED = """
create or replace temp table int_charge_settlements as
    select group_id, usage_on as charged_on, 'payer' as payer_team_id, sampled_usd, 'p' as provider, 'a' as account_id,
        'call' as treatment
    from int_cutoff_matches;
"""
SHARED = """
create or replace temp table int_cost_shares as
    select costs.call_key, costs.started_on, kept.feature as originating_feature_id, 'team' as bearer_team_id,
        'p' as provider, 'm' as model, costs.sampled_usd as borne_usd, true as is_sampled
    from int_sampled_costs as costs inner join kept on costs.call_key = kept.call_key;
"""


class World(NamedTuple):
    name: str
    untraced: float  # what callers without instrumentation use, as a part of what all traces use


WORLDS = (World("half as much untraced", 0.5), World("nothing untraced", 0.0))


def drawn(world: World, draws: int, seed: int = 1) -> dict[str, dict[str, float]]:
    """By sampled feature: mean error and mean of the truth in USD, and how often the interval held the truth."""
    dice = numpy.random.default_rng([seed, WORLDS.index(world)])
    features = numpy.repeat(list(TRACES), list(TRACES.values()))
    rates = numpy.array([RATES[feature] for feature in features])
    used = numpy.round(dice.lognormal(8, 0.7, len(features))).astype(int)
    is_kept = dice.random((draws, len(features))) < rates
    draw, trace = is_kept.nonzero()
    kept = {
        "draw": draw, "feature": features[trace], "quantity": used[trace], "adjusted_count": 1 / rates[trace],
        "call_key": numpy.arange(len(draw)),
    }  # fmt: skip
    engine = duckdb.connect()
    engine.execute("set threads = 1")
    engine.register("drawn", {name: numpy.asarray(column) for name, column in kept.items()})
    engine.execute("create temp table kept as select * from drawn")
    engine.execute(f"create temp table draws as select unnest(range({draws})) as draw")
    engine.execute(NOTHING)
    for statement in MEMBERS.split(";\n")[:2]:
        values = {"billed": int(used.sum() * (1 + world.untraced)), "price": PRICE}
        engine.execute(statement, values if "$" in statement else None)
    for name in MODELS:
        engine.execute(f"create temp table {name.split('/')[-1]} as {rendered(f'models/{name}.sql')}")
        engine.execute(SETTLED if "cutoff" in name else SHARED)
    text = rendered("models/marts/finance/sampling_errors_monthly.sql", confidence_quantile=1.959964)
    found = engine.execute(f"""
        select scope_id, date_diff('month', date '2000-01-01', month) as draw, sampled_usd::double, low_usd::double,
            high_usd::double, traces
        from ({text}) where scope = 'feature'""").fetchall()
    truths = {name: PRICE * ((features == name) * used * ~is_kept).sum(axis=1) for name in TRACES}
    told = {}
    for name in ("tenth", "quarter"):
        rows = [(usd, low, high, truths[name][draw], traces) for feature, draw, usd, low, high, traces in found
                if feature == name]  # fmt: skip
        told[name] = {
            "draws": len(rows),
            "traces": float(numpy.mean([row[4] for row in rows])),
            "truth": float(numpy.mean([row[3] for row in rows])),
            "error": float(numpy.mean([row[0] - row[3] for row in rows]) / numpy.mean([row[3] for row in rows])),
            "held": float(numpy.mean([low <= truth <= high for _, low, high, truth, _ in rows])),
        }
    return told


def main(draws: int = 2_000, seed: int = 1) -> None:
    print(f"{'world':24}{'feature':10}{'draws':>7}{'traces':>8}{'mean error':>12}{'held':>8}")
    for world in WORLDS:
        for feature, one in drawn(world, draws, seed).items():
            print(
                f"{world.name:24}{feature:10}{one['draws']:7,}{one['traces']:8.0f}{one['error']:12.2%}{one['held']:8.1%}"
            )


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:]))
