with segments as (

    select
        month,
        segment,
        sum(revenue_usd) as revenue_usd,
        sum(production_usd + evaluation_usd - eval_pool_credit_usd + development_usd + unattributed_usd + shared_usd)
            as borne_usd,
        sum(eval_pool_credit_usd) as eval_pool_credit_usd,
        sum(margin_usd) as margin_usd
    from {{ ref('feature_pnl_by_cohort_monthly') }}
    group by month, segment

),

segments_with_totals as (

    select
        *,
        nullif(cast(sum(borne_usd) over (partition by month) as double), 0) as month_usd,
        sum(borne_usd) over (
            partition by month
            -- The quality pool serves no customers, so its part comes last.
            order by case when segment = 'quality_pool' then 1 else 0 end, borne_usd desc, {{ in_order('segment') }}
            rows between unbounded preceding and current row
        ) as running_usd
    from segments

)

select
    month,
    segment,
    {{ money('revenue_usd') }} as revenue_usd,
    {{ money('borne_usd') }} as borne_usd,
    {{ money('eval_pool_credit_usd') }} as eval_pool_credit_usd,
    {{ money('margin_usd') }} as margin_usd,
    cast(borne_usd as double) / month_usd as bill_share,
    cast(running_usd as double) / month_usd as cumulative_bill_share
from segments_with_totals
