{{ replaces_touched("month", by="month", rebuilt_at_news_of="product") }}
with lines as (

    select
        month,
        account_id,
        0 as revenue_usd,
        borne_usd
    from {{ ref('int_feature_account_months') }}
    where {{ is_touched('month', 'month', 'product') }}

    union all

    select
        month,
        coalesce(account_id, 'unknown') as account_id,
        revenue_usd,
        0 as borne_usd
    from {{ ref('int_feature_revenue') }}
    where {{ is_touched('month', 'month', 'product') }}

),

accounts as (

    select
        month,
        account_id,
        account_id in ('unknown', 'quality_pool') as is_nobody,
        sum(revenue_usd) as revenue_usd,
        sum(borne_usd) as borne_usd
    from lines
    group by month, account_id

),

weights as (

    select
        *,
        case when is_nobody then 0 else {{ whole_number('greatest(borne_usd, 0) * 1000000000000') }} end as weight,
        sum(case when is_nobody then borne_usd else 0 end) over (partition by month) as nobodys_usd
    from accounts

),

-- Cost without an account is spread over the accounts by what they bear themselves.
parts as (

    select
        *,
        sum(weight) over (partition by month) as month_weight,
        coalesce(
            {{ floored_part('nobodys_usd', 'weight', 'sum(weight) over (partition by month)') }}, 0
        ) as part_usd
    from weights

),

break_evens as (

    select
        *,
        case
            when month_weight = 0 then borne_usd
            else
                case when is_nobody then 0 else borne_usd end
                + {{ part_with_residue('nobodys_usd', 'part_usd', 'weight', 'month', 'account_id') }}
        end as break_even_usd
    from parts

)

select
    break_evens.month,
    break_evens.account_id,
    {% for name in ['plan', 'segment'] %}
        case
            when break_evens.account_id = 'quality_pool' then 'quality_pool' else coalesce(plans.{{ name }}, 'unknown')
        end as {{ name }},
    {% endfor %}
    {{ money('break_evens.revenue_usd') }} as revenue_usd,
    {{ money('break_evens.borne_usd') }} as borne_usd,
    {{ money('break_evens.revenue_usd - break_evens.borne_usd') }} as margin_usd,
    {{ money('break_evens.break_even_usd') }} as break_even_usd
from break_evens
left join {{ ref('int_customer_plans') }} as plans
    on break_evens.month = plans.month and break_evens.account_id = plans.id and plans.kind = 'account'
