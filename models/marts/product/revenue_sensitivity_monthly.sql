{{ replaces_touched("month", by="month", rebuilt_at_news_of="product") }}
{% set weight_by = {
    'usage': 'case when account_uses > 0 then uses else 1 end',
    'even': '1',
    'cost': 'case when account_cost_weight > 0 then cost_weight when account_uses > 0 then uses else 1 end'
} %}
{% set rules = weight_by.keys() | list %}
{% set rule_rows = "('" ~ rules | join("'), ('") ~ "')" %}
{% set cost_weight = whole_number('greatest(coalesce(costs.amount_usd, 0), 0) * 1000000000') %}
with pnl as (

    select * from {{ ref('feature_pnl_monthly') }}
    where {{ is_touched('month', 'month', 'product') }}

),

-- Revenue that no line names a feature for, of accounts that used some: what a rule spreads.
spread_revenue as (

    select
        revenue.month,
        revenue.account_id,
        revenue.feature_id,
        revenue.revenue_usd
    from {{ ref('int_feature_revenue') }} as revenue
    inner join {{ ref('stg_product__revenue') }} as lines on revenue.line_id = lines.line_id
    where
        lines.feature_id is null
        and revenue.feature_id != 'no_usage'
        and {{ is_touched('revenue.month', 'month', 'product') }}

),

to_spread as (

    select
        month,
        account_id,
        sum(revenue_usd) as revenue_usd
    from spread_revenue
    group by month, account_id

),

uses as (

    select
        month,
        account_id,
        feature_id,
        sum(uses) as uses
    from {{ ref('int_feature_usage') }}
    where account_id is not null and {{ is_touched('month', 'month', 'product') }}
    group by month, account_id, feature_id

),

costs as (

    select
        month,
        account_id,
        feature_id,
        sum(amount_usd) as amount_usd
    from {{ ref('int_feature_costs') }}
    where account_id is not null
    group by month, account_id, feature_id

),

weights as (

    select
        uses.*,
        to_spread.revenue_usd,
        {{ cost_weight }} as cost_weight,
        sum({{ cost_weight }}) over (partition by uses.month, uses.account_id) as account_cost_weight,
        sum(uses.uses) over (partition by uses.month, uses.account_id) as account_uses
    from to_spread
    inner join uses on to_spread.month = uses.month and to_spread.account_id = uses.account_id
    left join costs
        on
            uses.month = costs.month
            and uses.account_id = costs.account_id
            and uses.feature_id = costs.feature_id

),

-- Revenue follows uses where an account's use cost nothing, and is even where no feature has a number of uses.
by_rule as (

    {% for rule in rules %}
        select
            month,
            account_id,
            feature_id,
            revenue_usd,
            '{{ rule }}' as revenue_rule,
            {{ weight_by[rule] }} as weight
        from weights
        {% if not loop.last %}
            union all
        {% endif %}
    {% endfor %}

),

parts as (

    select
        *,
        {{ floored_part(
            'revenue_usd', 'weight', 'sum(weight) over (partition by month, account_id, revenue_rule)'
        ) }} as part_usd
    from by_rule

),

spread_by_rule as (

    select
        month,
        feature_id,
        revenue_rule,
        {{ part_with_residue('revenue_usd', 'part_usd', 'weight', 'month, account_id, revenue_rule', 'feature_id') }}
            as revenue_usd
    from parts

),

changes as (

    select
        month,
        feature_id,
        revenue_rule,
        revenue_usd
    from spread_by_rule

    union all

    select
        spread_revenue.month,
        spread_revenue.feature_id,
        rules.revenue_rule,
        -spread_revenue.revenue_usd as revenue_usd
    from spread_revenue
    cross join (values {{ rule_rows }}) as rules (revenue_rule)

),

changed as (

    select
        month,
        feature_id,
        revenue_rule,
        sum(revenue_usd) as change_usd
    from changes
    group by month, feature_id, revenue_rule

),

margins as (

    select
        pnl.month,
        pnl.feature_id,
        rules.revenue_rule,
        pnl.revenue_usd + coalesce(changed.change_usd, 0) as revenue_usd,
        pnl.margin_usd + coalesce(changed.change_usd, 0) as margin_usd
    from pnl
    cross join (values ('stated'), {{ rule_rows }}) as rules (revenue_rule)
    left join changed
        on
            pnl.month = changed.month
            and pnl.feature_id = changed.feature_id
            and rules.revenue_rule = changed.revenue_rule

)

select
    month,
    feature_id,
    revenue_rule,
    {{ money('revenue_usd') }} as revenue_usd,
    {{ money('margin_usd') }} as margin_usd,
    min(margin_usd) over (partition by month, feature_id) < 0
    and max(margin_usd) over (partition by month, feature_id) > 0 as is_sign_changed
from margins
