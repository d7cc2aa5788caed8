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

pass_rates as (

    select * from {{ ref('int_eval_pass_rates') }}

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
    from pass_rates

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
        pass_rates.required_suites,
        pass_rates.evaluated_suites,
        pass_rates.missing_suites,
        pass_rates.pass_rate,
        pass_rates.pass_rate_low,
        pass_rates.pass_rate_high,
        pass_rates.pass_rate_usd_pct,
        pass_rates.evaluated_pass_rate,
        pass_rates.evaluated_pass_rate_low,
        pass_rates.evaluated_pass_rate_high,
        pass_rates.evaluated_usd_pct,
        pnl.answers * pass_rates.evaluated_answers_pct as evaluated_answers,
        pass_rates.marginal_eval_tax_usd,
        pnl.answers,
        coalesce(funding.default_credit_usd, 0) as eval_pool_by_default_usd
    from months
    left join {{ ref('int_current_eval_funding') }} as funding
        on months.month = funding.month and months.feature_id = funding.feature_id
    left join daily on months.month = daily.month and months.feature_id = daily.feature_id
    left join pnl on months.month = pnl.month and months.feature_id = pnl.feature_id
    left join pass_rates on months.month = pass_rates.month and months.feature_id = pass_rates.feature_id

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
