-- A budget of an account or segment that no span, user, event or revenue names: it is spelled differently, or still to
-- come.
{{ config(severity='warn') }}
with known as (

    {% for scope in ['account', 'segment'] %}
        select distinct
            '{{ scope }}' as scope,
            scope_id
        from {{ ref('margin_forecasts_monthly') }}
        -- Its row of a budget has no money.
        where scope = '{{ scope }}' and (revenue_usd != 0 or borne_usd != 0)

        union all

        select distinct
            '{{ scope }}' as scope,
            {{ 'id' if scope == 'account' else 'segment' }} as scope_id
        from {{ ref('int_customer_plans') }}
        where kind in ('account'{{ ", 'user'" if scope == 'segment' }})
        {% if not loop.last %}
            union all
        {% endif %}
    {% endfor %}

)

select
    budgets.scope,
    budgets.scope_id,
    budgets.month,
    'write scope_id as ' || budgets.scope || '_margin_monthly.' || budgets.scope
    || case when budgets.scope = 'account' then '_id' else '' end || ' names it' as what_to_do
from {{ ref('budgets') }} as budgets
left join known on budgets.scope = known.scope and budgets.scope_id = known.scope_id
where budgets.scope in ('account', 'segment') and known.scope_id is null
