-- Per incurred month, AI margin over all rows of each product mart is revenue less what the ledger bears. Revenue is
-- the P&L's, and the pool's credits stand on both sides.
with ledger as (

    select
        cast(date_trunc('month', incurred_on) as date) as month,
        sum(amount_usd) as net_charge_usd
    from {{ ref('ledger_entries') }}
    where account = 'ai_cost' and {{ is_kept('coalesce(corrects_month, posted_month)') }}
    group by cast(date_trunc('month', incurred_on) as date)

),

earned as (

    select
        month,
        sum(revenue_usd) as revenue_usd
    from {{ ref('feature_pnl_monthly') }}
    group by month

),

marts as (

    {% for mart, borne, credit in [
        ('feature_pnl_monthly', 'revenue_usd - margin_usd', 'eval_pool_credit_usd'),
        ('feature_pnl_by_cohort_monthly', 'revenue_usd - margin_usd', 'eval_pool_credit_usd'),
        ('segment_margin_monthly', 'borne_usd', 'eval_pool_credit_usd'),
        ('account_margin_monthly', 'borne_usd', '0'),
        ('account_margin_monthly', 'break_even_usd', '0')
    ] %}
        select
            '{{ mart }}' as mart,
            month,
            sum(revenue_usd) as revenue_usd,
            sum(margin_usd) as margin_usd,
            sum({{ borne }}) as borne_usd,
            sum({{ credit }}) as credit_usd
        from {{ ref(mart) }}
        group by month
        {% if not loop.last %}
            union all
        {% endif %}
    {% endfor %}

)

select
    marts.*,
    earned.revenue_usd as earned_usd,
    ledger.net_charge_usd
from marts
left join earned on marts.month = earned.month
full outer join ledger on marts.month = ledger.month
where
    coalesce(marts.margin_usd, 0) != coalesce(earned.revenue_usd, 0) - coalesce(ledger.net_charge_usd, 0)
    or coalesce(marts.borne_usd, 0) != coalesce(ledger.net_charge_usd, 0)
    or coalesce(marts.revenue_usd, 0) != coalesce(earned.revenue_usd, 0)
    or marts.credit_usd != 0
