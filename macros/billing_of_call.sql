{# Columns of int_call_costs that stand beside a call and beside its shares. #}
{% macro billing_of_call() -%}
    {{ return([
        'call_key', 'trace_key', 'started_on', 'provider', 'vendor', 'account_id', 'model', 'list_usd',
        'priced_usd', 'cache_write_premium_usd', 'cache_write_rule', 'is_price_assumed', 'unpriced_reason',
        'stated_usd', 'billed_usd', 'basis', 'match_level'
    ]) }}
{%- endmacro %}
