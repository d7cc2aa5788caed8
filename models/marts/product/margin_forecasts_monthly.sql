with newest as (

    select
        max(burned_on) as day,
        cast(date_trunc('month', max(burned_on)) as date) as month
    from {{ ref('budget_burn_daily') }}

),

feature_chains as (

    select * from {{ ref('stg_catalog__feature_chains') }}

),

margins as (

    select
        'feature' as scope,
        month,
        feature_id as scope_id,
        revenue_usd,
        revenue_usd - margin_usd as borne_usd
    from {{ ref('feature_pnl_monthly') }}

    union all

    select
        'account' as scope,
        month,
        account_id as scope_id,
        revenue_usd,
        borne_usd
    from {{ ref('account_margin_monthly') }}

    union all

    select
        'segment' as scope,
        month,
        segment as scope_id,
        revenue_usd,
        borne_usd
    from {{ ref('segment_margin_monthly') }}

    union all

    select
        'company' as scope,
        month,
        'all' as scope_id,
        revenue_usd,
        revenue_usd - margin_usd as borne_usd
    from {{ ref('feature_pnl_monthly') }}

),

-- The rest of the month has an expected cost, and may have a booked one: purchases are spread over days to come.
ahead as (

    select
        burn.feature_id,
        burn.forecast_usd - burn.month_to_date_usd as expected_usd,
        0 as booked_usd
    from {{ ref('budget_burn_daily') }} as burn
    inner join newest on burn.burned_on = newest.day
    where burn.feature_id is not null

    union all

    select
        spend.originating_feature_id as feature_id,
        0 as expected_usd,
        spend.borne_usd as booked_usd
    from {{ ref('spend_daily') }} as spend
    inner join newest
        on spend.spent_on > newest.day and cast(date_trunc('month', spend.spent_on) as date) = newest.month

),

features_ahead as (

    select
        coalesce(feature_chains.newest_feature_id, ahead.feature_id) as feature_id,
        coalesce(sum(ahead.expected_usd), 0) as expected_usd,
        coalesce(sum(ahead.booked_usd), 0) as booked_usd
    from ahead
    left join feature_chains on ahead.feature_id = feature_chains.feature_id
    group by coalesce(feature_chains.newest_feature_id, ahead.feature_id)

),

-- The month's borne cost has what is booked ahead, so that the rest is only what is expected beyond it.
rests as (

    select
        feature_id,
        case when booked_usd = 0 then expected_usd else greatest(expected_usd - booked_usd, 0) end as rest_usd
    from features_ahead

),

-- A feature's rest goes to those who bore its cost in the newest month so far, its part of evals to the quality pool.
bearers as (

    select
        'feature' as scope,
        month,
        feature_id,
        feature_id as scope_id,
        revenue_usd - margin_usd as borne_usd
    from {{ ref('feature_pnl_monthly') }}
    where feature_id != 'quality_pool'

    union all

    select
        'segment' as scope,
        month,
        feature_id,
        segment as scope_id,
        sum(revenue_usd - margin_usd) as borne_usd
    from {{ ref('feature_pnl_by_cohort_monthly') }}
    where feature_id != 'quality_pool'
    group by month, feature_id, segment

    union all

    {% for scope in ['feature', 'segment'] %}
        select
            '{{ scope }}' as scope,
            month,
            feature_id,
            'quality_pool' as scope_id,
            eval_pool_credit_usd as borne_usd
        from {{ ref('feature_pnl_monthly') }}
        where feature_id != 'quality_pool'

        union all

    {% endfor %}
    select
        'account' as scope,
        month,
        feature_id,
        account_id as scope_id,
        borne_usd
    from {{ ref('int_feature_account_months') }}

),

scopes (scope) as (

    values ('feature'), ('account'), ('segment')

),

-- The rest of a feature that cost nothing this month is its own, and of no known customer.
weights as (

    select
        scopes.scope,
        newest.month,
        rests.feature_id,
        rests.rest_usd,
        coalesce(
            bearers.scope_id, case when scopes.scope = 'feature' then rests.feature_id else 'unknown' end
        ) as scope_id,
        {{ whole_number('coalesce(bearers.borne_usd, 0) * 1000000000') }} as weight
    from rests
    cross join newest
    cross join scopes
    left join bearers
        on
            rests.feature_id = bearers.feature_id
            and newest.month = bearers.month
            and scopes.scope = bearers.scope
            and bearers.borne_usd > 0
    where rests.rest_usd != 0

),

parts as (

    select
        *,
        coalesce({{ floored_part(
            'rest_usd', 'weight', 'sum(weight) over (partition by scope, feature_id)'
        ) }}, 0) as part_usd
    from weights

),

budgets as (

    select
        budgets.scope,
        cast(date_trunc('month', budgets.month) as date) as month,
        coalesce(feature_chains.newest_feature_id, budgets.scope_id) as scope_id,
        budgets.budget_usd
    from {{ ref('budgets') }} as budgets
    left join feature_chains on budgets.scope = 'feature' and budgets.scope_id = feature_chains.feature_id
    where budgets.scope in ('feature', 'account', 'segment')

),

first_month as (

    select min(month) as month
    from {{ ref('feature_pnl_monthly') }}
    -- Calls without a time are on the first day of 1970.
    where month > date '1970-01-01'

),

lines as (

    select
        scope,
        month,
        scope_id,
        revenue_usd,
        borne_usd,
        0 as rest_usd,
        null as budget_usd
    from margins

    union all

    select
        scope,
        month,
        scope_id,
        0 as revenue_usd,
        0 as borne_usd,
        {{ part_with_residue('rest_usd', 'part_usd', 'weight', 'scope, feature_id', 'scope_id') }} as rest_usd,
        null as budget_usd
    from parts

    union all

    select
        'company' as scope,
        newest.month,
        'all' as scope_id,
        0 as revenue_usd,
        0 as borne_usd,
        rests.rest_usd,
        null as budget_usd
    from rests
    cross join newest
    where rests.rest_usd != 0

    union all

    select
        budgets.scope,
        budgets.month,
        budgets.scope_id,
        0 as revenue_usd,
        0 as borne_usd,
        0 as rest_usd,
        budgets.budget_usd
    from budgets
    cross join newest
    cross join first_month
    where budgets.month between first_month.month and newest.month

),

forecasts as (

    select
        lines.scope,
        lines.month,
        lines.scope_id,
        coalesce(lines.month = newest.month and newest.day < last_day(newest.month), false) as is_forecast,
        sum(lines.revenue_usd) as revenue_usd,
        sum(lines.borne_usd) as borne_usd,
        sum(lines.borne_usd + lines.rest_usd) as forecast_borne_usd,
        sum(lines.budget_usd) as budget_usd
    from lines
    cross join newest
    group by lines.scope, lines.month, lines.scope_id, newest.day, newest.month

)

select
    month,
    scope,
    scope_id,
    is_forecast,
    {{ money('revenue_usd') }} as revenue_usd,
    {{ money('borne_usd') }} as borne_usd,
    {{ money('revenue_usd - borne_usd') }} as margin_usd,
    {{ money('revenue_usd') }} as forecast_revenue_usd,
    {{ money('forecast_borne_usd') }} as forecast_borne_usd,
    {{ money('revenue_usd - forecast_borne_usd') }} as forecast_margin_usd,
    {{ money('budget_usd') }} as budget_usd,
    case
        when budget_usd is null then 'no_budget'
        when borne_usd > budget_usd then 'over'
        when forecast_borne_usd > budget_usd then 'forecast_over'
        when borne_usd >= budget_usd * {{ var('budget_warning_pct') }} then 'warning'
        else 'ok'
    end as budget_status
from forecasts
