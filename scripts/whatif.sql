-- The queries of whatif.py, each below its name. Those of a side are asked of the ledger's copy (`copy`) before and
-- after the files take the place of seeds, and kept as tables today_<name> and other_<name>; the others compare these.

-- query: side postings
-- As if no month were closed: what is posted from today's inputs, not what has been frozen.
select posted_month as month, team_id, provider, basis, feature_id = 'untraced' as is_untraced, sum(amount_usd) as usd
from copy.intermediate.int_ledger_postings
where account = 'ai_cost'
group by all;

-- query: side book
select cast(date_trunc('month', started_on) as date) as month, provider, sum(priced_usd) as priced_usd
from copy.intermediate.int_call_costs
group by all
having sum(priced_usd) is not null;

-- query: side own_charges
-- Lines of charges.csv that state a quantity and no amount are billed at negotiated prices.
select cast(date_trunc('month', charged_on) as date) as month, provider, sum(billed_usd) as usd
from copy.intermediate.int_charges
where file_kind = 'charges'
group by all;

-- query: side calls
-- Production calls by the first and the last team of their path: who asks for them, and who runs them.
select
    month, asking_team_id, running_team_id, bearer_team_id, sum(calls) as calls, sum(usd) as usd
from (
    select
        cast(date_trunc('month', started_on) as date) as month,
        split_part(team_path, ' > ', 1) as asking_team_id,
        split_part(team_path, ' > ', -1) as running_team_id,
        bearer_team_id,
        case when place = 1 then 1 else 0 end as calls,
        borne_usd as usd
    from copy.intermediate.int_cost_shares
    where purpose = 'production' and originating_feature_id != 'unlabelled' and team_path != '' and not is_sampled
)
group by all;

-- query: side prompts
-- The saving if the same calls had read their whole prompt from a cache: at book prices, without the price of writing
-- it there, and only where calls of the same day, model and tier have a price for it.
with prompts as (

    select
        usage.call_key,
        cast(usage.quantity * (usage.unit_price_usd - cached.unit_price_usd) as decimal(38, 12)) as saved_usd
    from copy.intermediate.int_usage_items as usage
    inner join copy.intermediate.int_call_providers as calls on usage.call_key = calls.call_key
    inner join copy.intermediate.int_unit_prices as cached
        on calls.rate_key = cached.rate_key and cached.meter = 'cache_read'
    where usage.meter = 'input'

)

select
    cast(date_trunc('month', shares.started_on) as date) as month,
    split_part(shares.team_path, ' > ', 1) as asking_team_id,
    split_part(shares.team_path, ' > ', -1) as running_team_id,
    count(prompts.saved_usd) as prompts,
    sum(prompts.saved_usd) as saved_usd
from copy.intermediate.int_cost_shares as shares
inner join prompts on shares.call_key = prompts.call_key
where
    shares.place = 1
    and shares.purpose = 'production'
    and shares.originating_feature_id != 'unlabelled'
    and shares.team_path != ''
    and not shares.is_sampled
group by all;

-- query: side evals
-- A renamed feature is one, and capped only if all of its ids are, as in eval_coverage_monthly.
select
    funding.month,
    coalesce(chains.newest_feature_id, funding.feature_id) as feature_id,
    max(catalog.owner_team_id) as team_id,
    sum(funding.evaluation_usd) as evaluation_usd,
    max(funding.share) as share,
    case when count(funding.cap_usd) = count(*) then sum(funding.cap_usd) end as cap_usd,
    sum(funding.credit_usd) as credit_usd
from copy.intermediate.int_eval_funding as funding
left join copy.staging.stg_catalog__feature_chains as chains on funding.feature_id = chains.feature_id
left join copy.seeds.feature_catalog as catalog
    on
        funding.feature_id = catalog.feature_id
        and coalesce(catalog.valid_from <= last_day(funding.month), true)
        and coalesce(last_day(funding.month) < catalog.valid_to, true)
group by all;

-- query: side runs
-- One more run of each required suite.
select month, feature_id, cast(sum(run_usd) * count(*) / count(run_usd) as decimal(38, 12)) as run_usd
from copy.intermediate.int_eval_suites
group by all
having count(run_usd) > 0;

-- query: side features
select month, feature_id, revenue_usd, margin_usd from copy.marts.feature_pnl_monthly;

-- query: side costs
select
    cast(date_trunc('month', spent_on) as date) as month,
    coalesce(sum(borne_usd - accrued_usd), 0) as billed_usd,
    coalesce(sum(accrued_usd), 0) as accrued_usd,
    coalesce(sum(borne_usd) filter (originating_feature_id = 'untraced'), 0) as untraced_usd
from copy.marts.spend_daily
group by all;

-- query: side sources
select
    revenue.month,
    coalesce(sum(revenue.revenue_usd) filter (lines.feature_id is not null), 0) as stated_usd,
    coalesce(sum(revenue.revenue_usd) filter (lines.feature_id is null and revenue.feature_id != 'no_usage'), 0)
        as spread_usd,
    coalesce(sum(revenue.revenue_usd) filter (revenue.feature_id = 'no_usage'), 0) as no_usage_usd
from copy.intermediate.int_feature_revenue as revenue
inner join copy.staging.stg_product__revenue as lines on revenue.line_id = lines.line_id and lines.is_standing
group by all;

-- query: team_months
with sides as (

    select month, team_id, basis, is_untraced, usd as today_usd, 0 as other_usd from today_postings
    union all
    select month, team_id, basis, is_untraced, 0 as today_usd, usd as other_usd from other_postings

)

select
    month,
    team_id,
    cast(sum(today_usd) as decimal(38, 12)) as net_charge_usd,
    cast(sum(other_usd) as decimal(38, 12)) as whatif_usd,
    cast(sum(other_usd) - sum(today_usd) as decimal(38, 12)) as difference_usd,
    cast(coalesce(sum(today_usd) filter (basis = 'billed'), 0) as decimal(38, 12)) as billed_usd,
    cast(coalesce(sum(today_usd) filter (basis != 'billed'), 0) as decimal(38, 12)) as accrued_usd,
    cast(coalesce(sum(today_usd) filter (is_untraced), 0) as decimal(38, 12)) as untraced_usd
from sides
where $month is null or strftime(month, '%Y-%m') = $month
group by month, team_id
order by month, team_id;

-- query: book
select
    coalesce(today.month, other.month) as month,
    coalesce(today.provider, other.provider) as provider,
    cast(coalesce(today.priced_usd, 0) as decimal(38, 12)) as priced_usd,
    cast(coalesce(other.priced_usd, 0) as decimal(38, 12)) as whatif_usd,
    cast(coalesce(other.priced_usd, 0) - coalesce(today.priced_usd, 0) as decimal(38, 12)) as difference_usd
from today_book as today
full outer join other_book as other on today.month = other.month and today.provider = other.provider
where $month is null or strftime(coalesce(today.month, other.month), '%Y-%m') = $month
order by all;

-- query: bills_moved
-- Bills do not depend on prices, but for lines of charges.csv. Months and providers whose billed money changed, and
-- whether that is what these lines changed by.
with billed as (

    select month, provider, sum(usd) as usd
    from (select * from other_postings union all by name select * replace (-usd as usd) from today_postings)
    where basis = 'billed'
    group by all

),

own_charges as (

    select month, provider, sum(usd) as usd
    from (select * from other_own_charges union all by name select * replace (-usd as usd) from today_own_charges)
    group by all

)

select
    strftime(billed.month, '%Y-%m') as month,
    billed.provider,
    billed.usd,
    billed.usd = coalesce(own_charges.usd, 0) as is_of_own_charges
from billed
left join own_charges on billed.month = own_charges.month and billed.provider = own_charges.provider
where billed.usd != 0
order by all;

-- query: window
-- Months that the comparison by team looks at: the newest ones, up to the one that is asked for.
create or replace temp table looked_at as
select distinct month
from (select month from today_postings union select month from other_postings)
where $month is null or strftime(month, '%Y-%m') <= $month
order by month desc
limit $months;

-- query: teams
-- A team pays of one more of its calls the mean of what it pays now: shares of a policy do not depend on how
-- many calls there are. It pays of one more eval run what the pool's credit does not grow by.
with monthly as (

    select
        teams.team_id,
        looked_at.month,
        coalesce(sum(today.usd), 0) as today_usd,
        coalesce(sum(other.usd), 0) as other_usd
    from (select team_id from today_postings union select team_id from other_postings) as teams
    cross join looked_at
    left join (select month, team_id, sum(usd) as usd from today_postings group by all) as today
        on teams.team_id = today.team_id and looked_at.month = today.month
    left join (select month, team_id, sum(usd) as usd from other_postings group by all) as other
        on teams.team_id = other.team_id and looked_at.month = other.month
    group by all

),

charges as (

    select
        team_id,
        cast(count(*) as bigint) as months,
        sum(today_usd) as net_charge_usd,
        sum(other_usd) as whatif_usd,
        sum(other_usd) - sum(today_usd) as difference_usd,
        cast(round(stddev_samp(cast(today_usd as double)), 9) as decimal(38, 12)) as volatility_usd,
        cast(round(stddev_samp(cast(other_usd as double)), 9) as decimal(38, 12)) as whatif_volatility_usd
    from monthly
    group by all

),

calls as (

    select side, month, asking_team_id, running_team_id, bearer_team_id, calls, usd
    from (select *, 'today' as side from today_calls union all select *, 'other' as side from other_calls)
    where month in (select month from looked_at)

),

asked as (

    select
        asking_team_id as team_id,
        cast(coalesce(sum(calls) filter (side = 'today'), 0) as bigint) as asked_calls,
        cast(cast(sum(usd) filter (side = 'today') as double) / nullif(sum(calls) filter (side = 'today'), 0)
            as decimal(38, 12)) as asked_call_usd,
        cast(coalesce(cast(sum(usd) filter (side = 'today' and bearer_team_id = asking_team_id) as double), 0)
            / nullif(sum(calls) filter (side = 'today'), 0) as decimal(38, 12)) as asked_call_own_usd,
        cast(coalesce(cast(sum(usd) filter (side = 'other' and bearer_team_id = asking_team_id) as double), 0)
            / nullif(sum(calls) filter (side = 'other'), 0) as decimal(38, 12)) as whatif_asked_call_own_usd,
        cast(cast(sum(usd) filter (side = 'other') as double) / nullif(sum(calls) filter (side = 'other'), 0)
            as decimal(38, 12)) as whatif_asked_call_usd
    from calls
    group by all

),

run as (

    select
        running_team_id as team_id,
        cast(coalesce(sum(calls) filter (side = 'today'), 0) as bigint) as run_calls,
        cast(cast(sum(usd) filter (side = 'today') as double) / nullif(sum(calls) filter (side = 'today'), 0)
            as decimal(38, 12)) as run_call_usd,
        cast(coalesce(cast(sum(usd) filter (side = 'today' and bearer_team_id = running_team_id) as double), 0)
            / nullif(sum(calls) filter (side = 'today'), 0) as decimal(38, 12)) as run_call_own_usd,
        cast(coalesce(cast(sum(usd) filter (side = 'other' and bearer_team_id = running_team_id) as double), 0)
            / nullif(sum(calls) filter (side = 'other'), 0) as decimal(38, 12)) as whatif_run_call_own_usd,
        cast(cast(sum(usd) filter (side = 'other') as double) / nullif(sum(calls) filter (side = 'other'), 0)
            as decimal(38, 12)) as whatif_run_call_usd
    from calls
    group by all

),

run_costs as (

    select
        sides.side,
        sides.team_id,
        runs.run_usd,
        runs.run_usd + sides.credit_usd - greatest(0, least(
            sides.share * (sides.evaluation_usd + runs.run_usd),
            coalesce(sides.cap_usd, sides.share * (sides.evaluation_usd + runs.run_usd))
        )) as own_usd
    from (select *, 'today' as side from today_evals union all select *, 'other' as side from other_evals) as sides
    inner join today_runs as runs on sides.month = runs.month and sides.feature_id = runs.feature_id
    where sides.month = (select max(month) from looked_at where month in (select month from today_evals))

),

prompts as (

    select side, asking_team_id, running_team_id, prompts, saved_usd
    from (select *, 'today' as side from today_prompts union all select *, 'other' as side from other_prompts)
    where month in (select month from looked_at)

),

prompts_by_role as (

    select
        role,
        team_id,
        cast(sum(saved_usd) filter (side = 'today') as double) / nullif(sum(prompts) filter (side = 'today'), 0)
            as saved_usd,
        cast(sum(saved_usd) filter (side = 'other') as double) / nullif(sum(prompts) filter (side = 'other'), 0)
            as whatif_saved_usd
    from (
        select *, 'asks' as role, asking_team_id as team_id from prompts
        union all select *, 'runs' as role, running_team_id as team_id from prompts
    )
    group by role, team_id

),

-- Caching spares a team the part of the saving that it pays of a call.
asked_prompts as (

    select
        prompts.team_id,
        cast(saved_usd as decimal(38, 12)) as asked_prompt_usd,
        cast(saved_usd * asked_call_own_usd / nullif(asked_call_usd, 0) as decimal(38, 12)) as asked_prompt_own_usd,
        cast(whatif_saved_usd * whatif_asked_call_own_usd / nullif(whatif_asked_call_usd, 0) as decimal(38, 12))
            as whatif_asked_prompt_own_usd
    from prompts_by_role as prompts
    inner join asked on prompts.team_id = asked.team_id
    where prompts.role = 'asks'

),

run_prompts as (

    select
        prompts.team_id,
        cast(saved_usd as decimal(38, 12)) as run_prompt_usd,
        cast(saved_usd * run_call_own_usd / nullif(run_call_usd, 0) as decimal(38, 12)) as run_prompt_own_usd,
        cast(whatif_saved_usd * whatif_run_call_own_usd / nullif(whatif_run_call_usd, 0) as decimal(38, 12))
            as whatif_run_prompt_own_usd
    from prompts_by_role as prompts
    inner join run on prompts.team_id = run.team_id
    where prompts.role = 'runs'

),

runs as (

    select
        team_id,
        cast(sum(run_usd) filter (side = 'today') as decimal(38, 12)) as eval_run_usd,
        cast(sum(own_usd) filter (side = 'today') as decimal(38, 12)) as eval_run_own_usd,
        cast(sum(own_usd) filter (side = 'other') as decimal(38, 12)) as whatif_eval_run_own_usd
    from run_costs
    group by all

)

select
    charges.team_id,
    months,
    cast(net_charge_usd as decimal(38, 12)) as net_charge_usd,
    cast(whatif_usd as decimal(38, 12)) as whatif_usd,
    cast(difference_usd as decimal(38, 12)) as difference_usd,
    case when difference_usd > 0 then 'pays more' when difference_usd < 0 then 'pays less' else 'same' end as effect,
    volatility_usd,
    whatif_volatility_usd,
    asked.* exclude (team_id),
    run.* exclude (team_id),
    runs.* exclude (team_id),
    asked_prompts.* exclude (team_id),
    run_prompts.* exclude (team_id)
from charges
left join asked using (team_id)
left join run using (team_id)
left join runs using (team_id)
left join asked_prompts using (team_id)
left join run_prompts using (team_id)
order by difference_usd desc, team_id;

-- query: feature_window
-- The same where only revenue is asked for.
create or replace temp table looked_at as
select distinct month
from today_features
where $month is null or strftime(month, '%Y-%m') <= $month
order by month desc
limit $months;

-- query: kept months
-- The months and the money that the page of the proposal rests on.
select
    months.month,
    coalesce(days.data_to >= last_day(months.month), false) as is_over,
    months.billed_usd,
    months.accrued_usd,
    months.untraced_usd
from (
    select
        month,
        cast(coalesce(sum(usd) filter (basis = 'billed'), 0) as decimal(38, 12)) as billed_usd,
        cast(coalesce(sum(usd) filter (basis != 'billed'), 0) as decimal(38, 12)) as accrued_usd,
        cast(coalesce(sum(usd) filter (is_untraced), 0) as decimal(38, 12)) as untraced_usd
    from today_postings
    group by all
) as months
cross join today_days as days
where months.month in (select month from looked_at)
order by months.month;

-- query: kept feature_basis
select
    costs.month,
    coalesce(days.data_to >= last_day(costs.month), false) as is_over,
    cast(coalesce(sources.spread_usd, 0) as decimal(38, 12)) as spread_revenue_usd,
    cast(coalesce(sources.stated_usd, 0) as decimal(38, 12)) as stated_revenue_usd,
    cast(coalesce(sources.no_usage_usd, 0) as decimal(38, 12)) as no_usage_revenue_usd,
    cast(costs.billed_usd as decimal(38, 12)) as billed_usd,
    cast(costs.accrued_usd as decimal(38, 12)) as accrued_usd,
    cast(costs.untraced_usd as decimal(38, 12)) as untraced_usd
from today_costs as costs
cross join today_days as days
left join today_sources as sources on costs.month = sources.month
where costs.month in (select month from looked_at)
order by costs.month;

-- query: kept seed
-- The rows of a file beside those of the seed whose place it takes.
select 'new' as compared_with_today, * from (from other_{seed} except from today_{seed})
union all
select 'as today' as compared_with_today, * from (from other_{seed} intersect from today_{seed})
union all
select 'no longer' as compared_with_today, * from (from today_{seed} except from other_{seed});

-- query: feature_months
select
    coalesce(today.month, other.month) as month,
    coalesce(today.feature_id, other.feature_id) as feature_id,
    cast(coalesce(today.revenue_usd, 0) as decimal(38, 12)) as revenue_usd,
    cast(coalesce(other.revenue_usd, 0) as decimal(38, 12)) as whatif_revenue_usd,
    cast(coalesce(today.margin_usd, 0) as decimal(38, 12)) as margin_usd,
    cast(coalesce(other.margin_usd, 0) as decimal(38, 12)) as whatif_margin_usd,
    cast(coalesce(other.margin_usd, 0) - coalesce(today.margin_usd, 0) as decimal(38, 12)) as difference_usd,
    coalesce(sign(today.margin_usd) * sign(other.margin_usd) < 0, false) as is_sign_changed
from today_features as today
full outer join other_features as other on today.month = other.month and today.feature_id = other.feature_id
where $month is null or strftime(coalesce(today.month, other.month), '%Y-%m') = $month
order by month, feature_id;

-- query: revenue_basis
select
    strftime(costs.month, '%Y-%m') as month,
    coalesce(sources.stated_usd, 0) as stated_usd,
    coalesce(sources.spread_usd, 0) as spread_usd,
    coalesce(sources.no_usage_usd, 0) as no_usage_usd,
    costs.billed_usd,
    costs.accrued_usd,
    costs.untraced_usd
from today_costs as costs
left join today_sources as sources on costs.month = sources.month
where $month is null or strftime(costs.month, '%Y-%m') = $month
order by 1;
