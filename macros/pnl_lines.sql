{# The money lines of a P&L row from its parts, with margin: one formula for every grain. #}
{% macro pnl_lines() -%}
    {%- set margin = 'revenue_usd - production_usd - evaluation_usd + eval_pool_credit_usd'
        ~ ' - development_usd - unattributed_usd - shared_usd' -%}
    {{ money('revenue_usd') }} as revenue_usd,
    {{ money('production_usd') }} as production_usd,
    {{ money('evaluation_usd') }} as evaluation_usd,
    {{ money('eval_pool_credit_usd') }} as eval_pool_credit_usd,
    {{ money('development_usd') }} as development_usd,
    {{ money('unattributed_usd') }} as unattributed_usd,
    {{ money('shared_usd') }} as shared_usd,
    {{ money('sampled_usd') }} as sampled_usd,
    {{ money(margin) }} as margin_usd,
    cast({{ margin }} as double) / nullif(cast(revenue_usd as double), 0) as margin_pct
{%- endmacro %}
