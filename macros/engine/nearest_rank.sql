{# The value that a fraction of a group's values does not exceed: one of them, never between two. #}
{% macro nearest_rank(value, fraction) -%}
    {{ adapter.dispatch('nearest_rank')(value, fraction) }}
{%- endmacro %}

{% macro duckdb__nearest_rank(value, fraction) -%}
    quantile_disc({{ value }}, {{ fraction }})
{%- endmacro %}

{# The standard's name for it. #}
{% macro spark__nearest_rank(value, fraction) -%}
    percentile_disc({{ fraction }}) within group (order by {{ value }})
{%- endmacro %}
