{% set feature = ['month', 'feature_id'] %}
{% set configuration = ['month', 'feature_id', 'provider', 'model', 'prompt_version'] %}
{% if var('pass_rate_of_suites') not in ['worst', 'mean'] %}
    {{ exceptions.raise_compiler_error("pass_rate_of_suites is worst or mean, not " ~ var('pass_rate_of_suites')) }}
{% endif %}
with suite_costs as (

    select * from {{ ref('int_eval_suite_costs') }}

),

funding as (

    select * from {{ ref('int_current_eval_funding') }}

),

production as (

    select
        *,
        sum(production_usd) over (partition by {{ feature | join(', ') }}) as feature_usd,
        sum(requests) over (partition by {{ feature | join(', ') }}) as feature_requests
    from {{ ref('int_production_requests') }}

),

-- Configurations are weighted by their cost. Features whose calls have no price are weighted by calls and requests.
configuration_suites as (

    select
        runs.*,
        case
            when sum(runs.served_usd) over (partition by runs.{{ feature | join(', runs.') }}) > 0 then runs.served_usd
            else {{ money('runs.served_calls') }}
        end as served_weight,
        coalesce(production.production_usd, 0) as own_usd,
        coalesce(production.requests, 0) as own_requests,
        case when production.feature_usd > 0 then production.production_usd else coalesce(production.requests, 0) end
            as own_weight
    from {{ ref('int_required_suite_runs') }} as runs
    left join production
        on
            {{ are_same('runs', 'production', configuration) }}
            and runs.feature_id = production.serving_feature_id

),

suites as (

    select
        {{ feature | join(',\n        ') }},
        suite,
        count(case when served_weight > 0 then run_id end) > 0 as has_run
    from configuration_suites
    group by {{ feature | join(', ') }}, suite

),

-- A configuration is evaluated if it has a run of every suite that has a run of any configuration.
configurations as (

    select
        configuration_suites.{{ configuration | join(',\n        configuration_suites.') }},
        max(configuration_suites.served_weight) as served_weight,
        max(configuration_suites.own_usd) as own_usd,
        max(configuration_suites.own_requests) as own_requests,
        count(case when suites.has_run then 1 end) > 0
        and count(case when suites.has_run and configuration_suites.run_id is null then 1 end) = 0 as is_evaluated
    from configuration_suites
    inner join suites
        on
            configuration_suites.month = suites.month
            and configuration_suites.feature_id = suites.feature_id
            and configuration_suites.suite = suites.suite
    group by configuration_suites.{{ configuration | join(', configuration_suites.') }}

),

evaluated_totals as (

    select
        {{ feature | join(',\n        ') }},
        cast(sum(case when is_evaluated then served_weight else 0 end) as double)
        / nullif(cast(sum(served_weight) as double), 0) as pass_rate_usd_pct,
        sum(case when is_evaluated then own_usd else 0 end) as evaluated_usd,
        sum(case when is_evaluated then own_requests else 0 end) as evaluated_requests
    from configurations
    group by {{ feature | join(', ') }}

),

production_totals as (

    select
        {{ feature | join(',\n        ') }},
        max(feature_usd) as feature_usd,
        max(feature_requests) as feature_requests
    from production
    group by {{ feature | join(', ') }}

),

-- `served` rates all money that has a run of the suite. `evaluated` rates only the evaluated configurations, whose
-- answers are counted.
weighted_runs as (

    select
        {{ feature | join(',\n        ') }},
        'served' as money,
        suite,
        run_id,
        pass_rate,
        judged,
        served_weight as weight
    from configuration_suites

    union all

    select
        configuration_suites.{{ feature | join(',\n        configuration_suites.') }},
        'evaluated' as money,
        configuration_suites.suite,
        configuration_suites.run_id,
        configuration_suites.pass_rate,
        configuration_suites.judged,
        configuration_suites.own_weight as weight
    from configuration_suites
    inner join configurations on {{ are_same('configuration_suites', 'configurations', configuration) }}
    where configurations.is_evaluated

),

run_rates as (

    select
        {{ feature | join(',\n        ') }},
        money,
        suite,
        max(pass_rate) as pass_rate,
        max(judged) as judged,
        cast(sum(weight) as double) as weight
    from weighted_runs
    where run_id is not null and weight > 0
    group by {{ feature | join(', ') }}, money, suite, run_id

),

-- `cases` is the effective sample size: the cases of a single run with the same uncertainty as the weighted mean.
suite_rates as (

    select
        {{ feature | join(',\n        ') }},
        money,
        suite,
        sum(weight * pass_rate) / sum(weight) as pass_rate,
        sum(weight) * sum(weight) / sum(weight * weight / judged) as cases
    from run_rates
    group by {{ feature | join(', ') }}, money, suite

),

suites_from_worst as (

    select
        *,
        row_number() over (
            partition by {{ feature | join(', ') }}, money
            order by pass_rate, cases, suite
        ) as place
    from suite_rates

),

feature_rates as (

    select
        {{ feature | join(',\n        ') }},
        money,
        {% if var('pass_rate_of_suites') == 'mean' %}
            avg(pass_rate) as pass_rate,
            count(*) * count(*) / sum(1 / cases) as cases
        {% else %}
            max(case when place = 1 then pass_rate end) as pass_rate,
            max(case when place = 1 then cases end) as cases
        {% endif %}
    from suites_from_worst
    group by {{ feature | join(', ') }}, money

),

-- Rounded, because the last digits of a sum of doubles depend on the order of its rows.
confidence_intervals as (

    select
        {{ feature | join(',\n        ') }},
        money,
        round(pass_rate, 12) as pass_rate,
        round({{ wilson_bound('pass_rate * cases', 'cases', -1) }}, 12) as pass_rate_low,
        round({{ wilson_bound('pass_rate * cases', 'cases', 1) }}, 12) as pass_rate_high
    from feature_rates

),

required_suites as (

    select
        suite_costs.month,
        suite_costs.feature_id,
        count(*) as required_suites,
        count(case when suites.has_run then 1 end) as evaluated_suites,
        {{ joined_texts(
            'case when not coalesce(suites.has_run, false) then suite_costs.suite end', ', ', 'suite_costs.suite'
        ) }} as missing_suites,
        -- A suite without any known cost is assumed to cost as much as the others on average.
        {{ floored_part('sum(suite_costs.run_usd)', 'count(*)', 'count(suite_costs.run_usd)') }} as one_more_usd
    from suite_costs
    left join suites
        on
            suite_costs.month = suites.month
            and suite_costs.feature_id = suites.feature_id
            and suite_costs.suite = suites.suite
    group by suite_costs.month, suite_costs.feature_id

)

{% set usd_pct = 'cast(evaluated_totals.evaluated_usd as double) / cast(production_totals.feature_usd as double)' %}
{% set requests_pct = 'cast(evaluated_totals.evaluated_requests as double)'
    ~ ' / nullif(cast(production_totals.feature_requests as double), 0)' %}
select
    required_suites.month,
    required_suites.feature_id,
    required_suites.required_suites,
    required_suites.evaluated_suites,
    required_suites.missing_suites,
    served.pass_rate,
    served.pass_rate_low,
    served.pass_rate_high,
    evaluated.pass_rate as evaluated_pass_rate,
    evaluated.pass_rate_low as evaluated_pass_rate_low,
    evaluated.pass_rate_high as evaluated_pass_rate_high,
    evaluated_totals.pass_rate_usd_pct,
    -- Shares of the feature's production cost and answers that belong to evaluated configurations.
    case when production_totals.feature_usd > 0 then {{ usd_pct }} else {{ requests_pct }} end as evaluated_usd_pct,
    -- A feature that only batches serve has no requests of its own, so its answers are shared out by cost.
    case
        when production_totals.feature_requests > 0 then {{ requests_pct }}
        when production_totals.feature_usd > 0 then {{ usd_pct }}
    end as evaluated_answers_pct,
    required_suites.one_more_usd,
    -- The part of one more run that the team would pay: its cost, less the growth of the pool's credit.
    {{ money(
        'required_suites.one_more_usd - '
        ~ eval_credit('funding.evaluation_usd + required_suites.one_more_usd', 'funding.share', 'funding.cap_usd')
        ~ ' + funding.credit_usd'
    ) }} as marginal_eval_tax_usd
from required_suites
left join evaluated_totals
    on required_suites.month = evaluated_totals.month and required_suites.feature_id = evaluated_totals.feature_id
left join production_totals
    on required_suites.month = production_totals.month and required_suites.feature_id = production_totals.feature_id
left join confidence_intervals as served
    on
        required_suites.month = served.month
        and required_suites.feature_id = served.feature_id
        and served.money = 'served'
left join confidence_intervals as evaluated
    on
        required_suites.month = evaluated.month
        and required_suites.feature_id = evaluated.feature_id
        and evaluated.money = 'evaluated'
left join funding
    on required_suites.month = funding.month and required_suites.feature_id = funding.feature_id
