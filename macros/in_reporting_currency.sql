{# Cents in USD as an amount in the reporting currency, cut off at scale 12. #}
{% macro in_reporting_currency(cents, usd_per_unit) -%}
    {{ floored_part(
        money('(' ~ cents ~ ') * 0.01'), 1000000000000, whole_number(usd_per_unit ~ ' * 1000000000000')
    ) }}
{%- endmacro %}
