{% if var('pass_rate_of_suites') not in ['worst', 'mean'] %}
    {{ exceptions.raise_compiler_error("pass_rate_of_suites is worst or mean, not " ~ var('pass_rate_of_suites')) }}
{% endif %}
with daily as (

    select
        cast(date_trunc('month', covered_on) as date) as month,
        feature_id,
        sum(production_calls) as production_calls,
        sum(case when is_covered then production_calls else 0 end) as covered_calls,
        -- A day whose credits exceed its cost counts as 0, because a credit can't run uncovered.
        sum(greatest(production_usd, 0)) as served_usd,
        sum(case when is_covered then greatest(production_usd, 0) else 0 end) as covered_usd
    from {{ ref('eval_coverage_daily') }}
    group by cast(date_trunc('month', covered_on) as date), feature_id

),

pnl as (

    select * from {{ ref('feature_pnl_monthly') }}
    where feature_id not in {{ reserved_names('feature') }}

),

-- A renamed feature is capped only if all of its ids are.
funding as (

    select
        funding.month,
        coalesce(chains.newest_feature_id, funding.feature_id) as feature_id,
        {{ money('sum(funding.evaluation_usd)') }} as evaluation_usd,
        max(funding.share) as share,
        {{ money('case when count(funding.cap_usd) = count(*) then sum(funding.cap_usd) end') }} as cap_usd,
        {{ money('sum(funding.credit_usd)') }} as credit_usd,
        {{ money('sum(case when funding.is_by_default then funding.credit_usd else 0 end)') }} as default_credit_usd
    from {{ ref('int_eval_funding') }} as funding
    left join {{ ref('stg_catalog__feature_chains') }} as chains on funding.feature_id = chains.feature_id
    group by funding.month, coalesce(chains.newest_feature_id, funding.feature_id)

),

suites as (

    select
        {% for money in ['served', 'evaluated'] %}
            row_number() over (
                partition by suites.month, suites.feature_id
                order by suites.{{ money }}_pass_rate nulls last, suites.{{ money }}_cases, suites.suite
            ) = 1 as is_worst_{{ money }},
        {% endfor %}
        suites.*
    from {{ ref('int_eval_suites') }} as suites

),

feature_suites as (

    select
        month,
        feature_id,
        count(*) as required_suites,
        count(served_pass_rate) as evaluated_suites,
        {{ joined_texts('case when served_pass_rate is null then suite end', ', ', 'suite') }} as missing_suites,
        {% for money in ['served', 'evaluated'] %}
            {% if var('pass_rate_of_suites') == 'mean' %}
                avg({{ money }}_pass_rate) as {{ money }}_pass_rate,
                count({{ money }}_pass_rate) * count({{ money }}_pass_rate) / sum(1 / {{ money }}_cases)
                    as {{ money }}_cases,
            {% else %}
                max(case when is_worst_{{ money }} then {{ money }}_pass_rate end) as {{ money }}_pass_rate,
                max(case when is_worst_{{ money }} then {{ money }}_cases end) as {{ money }}_cases,
            {% endif %}
        {% endfor %}
        max(evaluated_served_pct) as evaluated_served_pct,
        max(evaluated_usd_pct) as evaluated_usd_pct,
        max(evaluated_answers_pct) as evaluated_answers_pct,
        -- A suite without any known cost is assumed to cost as much as the others on average.
        {{ floored_part('sum(run_usd)', 'count(*)', 'count(run_usd)') }} as one_more_usd
    from suites
    group by month, feature_id

),

-- A feature with required evals has a row even if it did not run and was not evaluated.
months as (

    select
        month,
        feature_id
    from daily
    union
    select
        month,
        feature_id
    from pnl
    where production_usd != 0 or evaluation_usd != 0
    union
    select
        month,
        feature_id
    from feature_suites

),

feature_months as (

    select
        months.month,
        months.feature_id,
        coalesce(pnl.production_usd, 0) as production_usd,
        coalesce(pnl.evaluation_usd, 0) as evaluation_usd,
        coalesce(pnl.eval_pool_credit_usd, 0) as eval_pool_credit_usd,
        cast(daily.covered_calls as double) / nullif(daily.production_calls, 0) as covered_calls_pct,
        cast(daily.covered_usd as double) / nullif(cast(daily.served_usd as double), 0) as covered_usd_pct,
        suites.required_suites,
        suites.evaluated_suites,
        suites.missing_suites,
        -- Rounded, because the last digits of a sum of doubles depend on the order of its rows.
        {% for money, name in [('served', 'pass_rate'), ('evaluated', 'evaluated_pass_rate')] %}
            {% set cases = 'suites.' ~ money ~ '_cases' %}
            {% set passed = 'suites.' ~ money ~ '_pass_rate * ' ~ cases %}
            round(suites.{{ money }}_pass_rate, 12) as {{ name }},
            round({{ wilson_bound(passed, cases, -1) }}, 12) as {{ name }}_low,
            round({{ wilson_bound(passed, cases, 1) }}, 12) as {{ name }}_high,
        {% endfor %}
        suites.evaluated_served_pct as pass_rate_usd_pct,
        suites.evaluated_usd_pct,
        pnl.answers * suites.evaluated_answers_pct as evaluated_answers,
        -- The part of one more run that the team would pay: its cost, less the growth of the pool's credit.
        {{ money(
            'suites.one_more_usd - '
            ~ eval_credit('funding.evaluation_usd + suites.one_more_usd', 'funding.share', 'funding.cap_usd')
            ~ ' + funding.credit_usd'
        ) }} as marginal_eval_tax_usd,
        pnl.answers,
        coalesce(funding.default_credit_usd, 0) as eval_pool_by_default_usd
    from months
    left join funding on months.month = funding.month and months.feature_id = funding.feature_id
    left join daily on months.month = daily.month and months.feature_id = daily.feature_id
    left join pnl on months.month = pnl.month and months.feature_id = pnl.feature_id
    left join feature_suites as suites on months.month = suites.month and months.feature_id = suites.feature_id

),

changes as (

    select
        feature_months.*,
        previous.production_usd as previous_production_usd,
        feature_months.production_usd - previous.production_usd as production_usd_change,
        feature_months.covered_usd_pct - previous.covered_usd_pct as covered_usd_pct_change,
        before.production_usd as production_usd_before,
        feature_months.production_usd > previous.production_usd and previous.production_usd > before.production_usd
        and feature_months.covered_usd_pct < previous.covered_usd_pct
        and previous.covered_usd_pct < before.covered_usd_pct
            as is_bill_rising_coverage_falling,
        feature_months.covered_usd_pct - before.covered_usd_pct as covered_usd_pct_change_of_three
    from feature_months
    left join feature_months as previous
        on feature_months.feature_id = previous.feature_id and feature_months.month = previous.month + interval 1 month
    left join feature_months as before
        on feature_months.feature_id = before.feature_id and feature_months.month = before.month + interval 2 month

),

-- Cost, answers and pass rate refer to the same configurations: those with a run of every suite in use.
answer_quality as (

    select
        *,
        {{ money('cast(production_usd as double) * evaluated_usd_pct') }} as evaluated_usd,
        evaluated_answers * evaluated_pass_rate as correct_answers,
        case
            when coalesce(required_suites, 0) = 0 then 'no_requirement'
            when covered_calls_pct is null then 'no_production'
            when evaluated_suites = 0 then 'no_run'
            when evaluated_pass_rate is null then 'no_common_run'
            when coalesce(answers, 0) = 0 then 'no_answers'
            when evaluated_pass_rate = 0 then 'nothing_passed'
            when production_usd = 0 then 'no_cost'
        end as usd_per_correct_answer_reason
    from changes

)

select
    month,
    feature_id,
    {{ money('production_usd') }} as production_usd,
    {{ money('production_usd_change') }} as production_usd_change,
    {{ money('evaluation_usd') }} as evaluation_usd,
    cast(evaluation_usd as double) / nullif(cast(production_usd + evaluation_usd as double), 0) as evaluation_usd_pct,
    {{ money('eval_pool_credit_usd') }} as eval_pool_credit_usd,
    {{ money('evaluation_usd - eval_pool_credit_usd') }} as eval_tax_usd,
    {{ money('eval_pool_by_default_usd') }} as eval_pool_by_default_usd,
    marginal_eval_tax_usd,
    covered_calls_pct,
    covered_usd_pct,
    covered_usd_pct_change,
    coalesce(required_suites, 0) as required_suites,
    coalesce(evaluated_suites, 0) as evaluated_suites,
    missing_suites,
    pass_rate,
    pass_rate_low,
    pass_rate_high,
    pass_rate_usd_pct,
    answers,
    evaluated_usd,
    round(correct_answers, 9) as correct_answers,
    -- Statistics, not amounts to post: doubles rounded to scale 12.
    {% for name, usd, rate in [
        ('usd_per_correct_answer', 'production_usd', 'evaluated_pass_rate'),
        ('usd_per_correct_answer_low', 'production_usd', 'evaluated_pass_rate_high'),
        ('usd_per_correct_answer_high', 'production_usd', 'evaluated_pass_rate_low'),
        ('loaded_usd_per_correct_answer', '(production_usd + evaluation_usd)', 'evaluated_pass_rate')
    ] %}
        case
            when usd_per_correct_answer_reason is null
                then {{ money(
                    "cast(" ~ usd ~ " as double) * evaluated_usd_pct / nullif(evaluated_answers * " ~ rate ~ ", 0)"
                ) }}
        end as {{ name }},
    {% endfor %}
    usd_per_correct_answer_reason,
    coalesce(
        production_usd_change > {{ var('bill_up_pct') }} * previous_production_usd
        and covered_usd_pct_change < -{{ var('coverage_down_pct') }},
        false
    ) as is_bill_up_coverage_down,
    -- Steps that are too small to report one by one, in the same direction for three months.
    coalesce(
        is_bill_rising_coverage_falling
        and production_usd - production_usd_before > {{ var('bill_up_pct') }} * production_usd_before
        and covered_usd_pct_change_of_three < -{{ var('coverage_down_pct') }},
        false
    ) as is_bill_up_coverage_down_trend
from answer_quality
