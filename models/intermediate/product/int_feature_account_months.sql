{{ replaces_touched("month", by="month", rebuilt_at_news_of="product") }}
with lines as (

    select
        month,
        feature_id,
        coalesce(account_id, 'unknown') as account_id,
        amount_usd
    from {{ ref('int_feature_costs') }}

    union all

    -- The quality pool's part of evals: no account caused it.
    {% for account, sign in [('unknown', -1), ('quality_pool', 1)] %}
        select
            credits.month,
            coalesce(chains.newest_feature_id, credits.feature_id) as feature_id,
            '{{ account }}' as account_id,
            {{ sign }} * credits.amount_usd as amount_usd
        from {{ ref('int_eval_credits') }} as credits
        left join {{ ref('stg_catalog__feature_chains') }} as chains on credits.feature_id = chains.feature_id
        where {{ is_touched('credits.month', 'month', 'product') }}
        {% if not loop.last %}
            union all
        {% endif %}
    {% endfor %}

)

select
    month,
    feature_id,
    account_id,
    {{ money('sum(amount_usd)') }} as borne_usd
from lines
group by month, feature_id, account_id
