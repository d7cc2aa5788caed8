"""What the newest day and month are expected to cost, by provider and team, while providers' figures are days away.

Usage: estimate.py DATA. Each provider's month so far, on bills and accrued from spans and counted use, and what its
rest is expected to add: each day to come costs the mean of its weekday in recent weeks, as in budget_burn_daily. Beside
it, how far the accruals of the last month with a bill were off (accrual_accuracy_monthly). Exit 1 without a ledger.
"""

import sys
from pathlib import Path

import duckdb
import yaml

import arguments
import ending
from terminal import print, table

# As of the newest day that calls are known of: a purchase is borne on days to come.
NEWEST = """
select coalesce(max(spent_on) filter (originating_feature_id not in ('idle', 'invoice_only')), max(spent_on))
from marts.spend_daily where spent_on > date '1970-01-01'
"""
PROVIDERS = """
with spend as (

    select
        provider, spent_on as day, sum(borne_usd) as usd,
        coalesce(sum(borne_usd - accrued_usd), 0) as billed
    from marts.spend_daily where spent_on between date '1970-01-02' and $newest group by all

),

begun as (

    select provider, min(day) as first_on from spend group by provider

),

weekdays as (

    select begun.provider, dayofweek(recent.day) as weekday, sum(coalesce(spend.usd, 0)) / count(*) as usd
    from begun
    join (
        select unnest(generate_series($newest - (7 * $weeks - 1)::int, $newest, interval 1 day))::date as day
    ) as recent on recent.day >= begun.first_on
    left join spend on begun.provider = spend.provider and recent.day = spend.day
    group by all

),

coming as (

    select dayofweek(day) as weekday, count(*) as days
    from (select unnest(generate_series($newest + 1, last_day($newest), interval 1 day))::date as day)
    group by all

),

-- A weekday without history costs the mean of those that have one.
rest as (

    select provider, sum(days * coalesce(weekdays.usd, means.usd)) as usd
    from begun cross join coming
    left join weekdays using (provider, weekday)
    left join (select provider, avg(usd) as usd from weekdays group by provider) as means using (provider)
    group by provider

),

accuracy as (

    select provider, arg_max(error_pct, month) as error_pct from marts.accrual_accuracy_monthly
    where month < date_trunc('month', $newest) group by provider

),

month as (

    select
        provider, coalesce(sum(spend.usd) filter (day = $newest), 0) as newest_day, sum(billed) as billed,
        sum(spend.usd - billed) as accrued,
        sum(spend.usd) as so_far, coalesce(any_value(rest.usd), 0) as rest
    from spend left join rest using (provider)
    where date_trunc('month', day) = date_trunc('month', $newest) group by provider

)

select
    case when grouping(provider) = 1 then 'sum' else provider end as provider, sum(newest_day) as newest_day,
    sum(billed) as billed, sum(accrued) as accrued, sum(so_far + month.rest) as expected_month,
    case when grouping(provider) = 0 then any_value(100 * error_pct) end as last_error_pct
from month left join accuracy using (provider)
group by rollup (provider) order by grouping(provider), expected_month desc, provider
"""
TEAMS = """
with day as (

    select bearer_team_id as team_id, sum(borne_usd) as newest_day
    from marts.spend_daily where spent_on = $newest group by all

)

select
    case when grouping(team_id) = 1 then 'sum' else team_id end as team, coalesce(sum(newest_day), 0) as newest_day,
    sum(month_to_date_usd) as month_so_far, sum(forecast_usd) as expected_month, sum(budget_usd) as budget
from marts.budget_burn_daily left join day using (team_id)
where
    burned_on = $newest and team_id is not null
    and (month_to_date_usd != 0 or forecast_usd != 0 or budget_usd is not null)
group by rollup (team_id) order by grouping(team_id), expected_month desc, team_id
"""


def main(data: Path) -> int:
    variables = yaml.safe_load((Path(__file__).parents[1] / "dbt_project.yml").read_text())["vars"]
    weeks = variables["forecast_weeks"]  # as budget_burn_daily
    with duckdb.connect(str(data / "ledger.duckdb"), read_only=True) as engine:
        ((newest,),) = engine.execute(NEWEST).fetchall()
        if newest is None:
            print("nothing to estimate from: no day of the ledger has a cost yet")
            return 0
        print(f"Estimate of {newest:%Y-%m} as of {newest}, the newest day of the data (USD):\n")
        for query, given in ((PROVIDERS, {"newest": newest, "weeks": weeks}), (TEAMS, {"newest": newest})):
            found = engine.execute(query, given)
            table([column[0] for column in found.description], found.fetchall())
            print()
    print(
        "billed: on bills that have landed; accrued: what spans and counted use cost at the price book; expected: both,"
    )
    print(f"and for each day to come the mean of its weekday in the last {weeks} weeks; last_error_pct: how far the")
    print("accruals of the last month with a bill were off it, in percent (accrual_accuracy_monthly)")
    return 0


if __name__ == "__main__":
    sys.exit(ending.of(lambda: main(*arguments.paths(__doc__, "data"))))
