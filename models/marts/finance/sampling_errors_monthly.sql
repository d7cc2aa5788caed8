{{ replaces_touched("month", by="month") }}
{% set group = ['month', 'scope', 'scope_id'] %}
{% set reach = 'error_usd * ' ~ student_quantile('(traces - 1)') %}
{% set month = "cast(date_trunc('month', started_on) as date)" %}
with sampled_costs as (

    select
        call_key,
        sum(sampled_usd) as sampled_usd,
        sum(whole_usd) as whole_usd
    from {{ ref('int_sampled_costs') }}
    where {{ is_touched(month, 'month') }}
    group by call_key

),

-- A trace that is kept with probability 1 / n and stands for n brings in n (n - 1) times the square of what it used:
-- its spread is what it stands for beside itself, times the root of n / (n - 1).
shares as (

    select
        {{ month | replace('started_on', 'shares.started_on') }} as month,
        shares.originating_feature_id,
        shares.bearer_team_id,
        sampled.trace_key,
        {{ entry_key(['shares.provider', 'shares.model', 'shares.started_on']) }} as usage_id,
        shares.borne_usd,
        cast(shares.borne_usd as double) * cast(costs.whole_usd as double) / cast(costs.sampled_usd as double)
            as whole_usd,
        cast(shares.borne_usd as double) * sqrt(
            cast(sampled.adjusted_count as double) / (cast(sampled.adjusted_count as double) - 1)
        ) as spread_usd
    from {{ ref('int_cost_shares') }} as shares
    inner join {{ ref('int_sampled_calls') }} as sampled on shares.call_key = sampled.call_key
    inner join sampled_costs as costs on shares.call_key = costs.call_key
    where shares.is_sampled and {{ is_touched(month | replace('started_on', 'shares.started_on'), 'month') }}

),

scoped_shares as (
    {% for scope, scope_id in [
        ('feature', 'originating_feature_id'), ('team', 'bearer_team_id'), ('all', "'all'")
    ] %}
        select
            month,
            '{{ scope }}' as scope,
            {{ scope_id }} as scope_id,
            trace_key,
            usage_id,
            borne_usd,
            spread_usd
        from shares
        {{ 'union all' if not loop.last }}
    {% endfor %}

),

-- The total of a day and model is known if kept traces took all that was left: more of one is less of the others.
usage as (

    select
        usage_id,
        sum(whole_usd) / nullif(sum(cast(borne_usd as double)), 0) as whole_part,
        sum(cast(borne_usd as double)) as sampled_usd
    from shares
    group by usage_id

),

parts_of_usage as (

    select
        scoped.month,
        scoped.scope,
        scoped.scope_id,
        scoped.usage_id,
        max(usage.whole_part) * sum(cast(scoped.borne_usd as double)) / max(usage.sampled_usd) as part
    from scoped_shares as scoped
    inner join usage on scoped.usage_id = usage.usage_id
    where usage.whole_part > 0
    group by scoped.month, scoped.scope, scoped.scope_id, scoped.usage_id

),

trace_spreads as (

    select
        {{ group | join(',\n        ') }},
        trace_key,
        sum(spread_usd) as spread_usd
    from scoped_shares
    group by {{ group | join(', ') }}, trace_key

),

usage_of_traces as (

    select
        trace_key,
        usage_id,
        sum(spread_usd) as spread_usd
    from shares
    group by trace_key, usage_id

),

-- The variance of the sum over traces of (own spread - part x spread of all), multiplied out, so that no trace is met
-- with features that it has nothing of.
own_terms as (

    select
        {{ group | join(',\n        ') }},
        count(*) as traces,
        sum(spread_usd * spread_usd) as variance
    from trace_spreads
    group by {{ group | join(', ') }}

),

shared_terms as (

    select
        own.month,
        own.scope,
        own.scope_id,
        sum(parts.part * own.spread_usd * whole.spread_usd) as variance
    from trace_spreads as own
    inner join usage_of_traces as whole on own.trace_key = whole.trace_key
    inner join parts_of_usage as parts
        on {{ are_same('own', 'parts', group) }} and whole.usage_id = parts.usage_id
    group by own.month, own.scope, own.scope_id

),

usage_pairs as (

    select
        ones.usage_id,
        others.usage_id as other_usage_id,
        sum(ones.spread_usd * others.spread_usd) as product
    from usage_of_traces as ones
    inner join usage_of_traces as others on ones.trace_key = others.trace_key
    group by ones.usage_id, others.usage_id

),

whole_terms as (

    select
        ones.month,
        ones.scope,
        ones.scope_id,
        sum(ones.part * others.part * pairs.product) as variance
    from parts_of_usage as ones
    inner join usage_pairs as pairs on ones.usage_id = pairs.usage_id
    inner join parts_of_usage as others
        on {{ are_same('ones', 'others', group) }} and pairs.other_usage_id = others.usage_id
    group by ones.month, ones.scope, ones.scope_id

),

sums as (

    select
        {{ group | join(',\n        ') }},
        sum(borne_usd) as sampled_usd
    from scoped_shares
    group by {{ group | join(', ') }}

),

variances as (

    select
        sums.*,
        own_terms.traces,
        own_terms.variance as own_variance,
        own_terms.variance - 2 * coalesce(shared_terms.variance, 0) + coalesce(whole_terms.variance, 0) as variance
    from sums
    inner join own_terms on {{ are_same('sums', 'own_terms', group) }}
    left join shared_terms on {{ are_same('sums', 'shared_terms', group) }}
    left join whole_terms on {{ are_same('sums', 'whole_terms', group) }}

),

-- The difference of large numbers is never exactly 0.
errors as (

    select
        *,
        case when variance > own_variance * 0.000000001 then round(sqrt(variance), 6) else 0 end as error_usd
    from variances

)

select
    {{ group | join(',\n    ') }},
    {{ money('sampled_usd') }} as sampled_usd,
    cast(traces as bigint) as traces,
    {{ money('error_usd') }} as standard_error_usd,
    -- One trace says nothing about how others differ.
    case
        when traces > 1
            then {{ money('greatest(cast(sampled_usd as double) - ' ~ reach ~ ', 0)') }}
    end as low_usd,
    case
        when traces > 1
            then {{ money('cast(sampled_usd as double) + ' ~ reach) }}
    end as high_usd
from errors
