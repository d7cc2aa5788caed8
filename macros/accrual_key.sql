{# A charge that the price book expects is known by all that sets its price, and its day and account. #}
{% macro accrual_key(calls, meters=none) -%}
    {%- set meters = meters or calls -%}
    {%- set day = 'charged_on' if meters == calls else 'started_on' -%}
    {{ entry_key([
        "'accrued'", calls ~ '.' ~ day, calls ~ '.provider', calls ~ '.account_id', calls ~ '.model', meters ~ '.meter',
        meters ~ '.service_tier', meters ~ '.list_price_usd', meters ~ '.unit_price_usd'
    ]) }}
{%- endmacro %}
