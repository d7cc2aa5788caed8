-- one row per month and feature that served production, was evaluated, or requires evals
with daily as (

    select
        cast(date_trunc('month', covered_on) as date) as month,
        feature_id,
        sum(production_calls) as production_calls,
        sum(case when is_covered then production_calls else 0 end) as covered_calls,
        -- A credit on a day's calls is no money that ran uncovered.
        sum(greatest(production_usd, 0)) as served_usd,
        sum(case when is_covered then greatest(production_usd, 0) else 0 end) as covered_usd
    from {{ ref('eval_coverage_daily') }}
    group by cast(date_trunc('month', covered_on) as date), feature_id

),

pnl as (

    select * from {{ ref('feature_pnl_monthly') }}
    where feature_id not in ('unlabelled', 'untraced', 'invoice_only', 'no_usage')

),

required as (

    select * from {{ ref('int_pass_rates') }}

),

-- What is required is a row, also where nothing runs and nobody evaluated it.
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
    from required

),

joined as (

    select
        months.month,
        months.feature_id,
        coalesce(pnl.production_usd, 0) as production_usd,
        coalesce(pnl.evaluation_usd, 0) as evaluation_usd,
        coalesce(pnl.eval_pool_credit_usd, 0) as eval_pool_credit_usd,
        cast(daily.covered_calls as double) / nullif(daily.production_calls, 0) as covered_calls_pct,
        cast(daily.covered_usd as double) / nullif(cast(daily.served_usd as double), 0) as covered_usd_pct,
        required.required_suites,
        required.evaluated_suites,
        required.pass_rate,
        required.pass_rate_low,
        required.pass_rate_high,
        required.marginal_eval_tax_usd,
        pnl.answers
    from months
    left join daily on months.month = daily.month and months.feature_id = daily.feature_id
    left join pnl on months.month = pnl.month and months.feature_id = pnl.feature_id
    left join required on months.month = required.month and months.feature_id = required.feature_id

),

compared as (

    select
        joined.*,
        previous.production_usd as previous_production_usd,
        joined.production_usd - previous.production_usd as production_usd_change,
        joined.covered_usd_pct - previous.covered_usd_pct as covered_usd_pct_change
    from joined
    left join joined as previous
        on joined.feature_id = previous.feature_id and joined.month = previous.month + interval 1 month

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
    marginal_eval_tax_usd,
    covered_calls_pct,
    covered_usd_pct,
    covered_usd_pct_change,
    coalesce(required_suites, 0) as required_suites,
    coalesce(evaluated_suites, 0) as evaluated_suites,
    pass_rate,
    pass_rate_low,
    pass_rate_high,
    answers,
    -- Statistics, not money that anybody books: doubles rounded to scale 12.
    {% for name, rate in [
        ('usd_per_correct_answer', 'pass_rate'), ('usd_per_correct_answer_low', 'pass_rate_high'),
        ('usd_per_correct_answer_high', 'pass_rate_low')
    ] %}
        {{ money("cast(production_usd as double) / nullif(answers * " ~ rate ~ ", 0)") }} as {{ name }},
    {% endfor %}
    coalesce(
        production_usd_change > {{ var('bill_up_pct') }} * previous_production_usd
        and covered_usd_pct_change < -{{ var('coverage_down_pct') }},
        false
    ) as is_bill_up_coverage_down
from compared
