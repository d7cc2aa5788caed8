{# All columns of a relation but some; stands in a select list. #}
{% macro all_but(relation, columns) -%}
    {{ adapter.dispatch('all_but')(relation, columns) }}
{%- endmacro %}

{% macro duckdb__all_but(relation, columns) -%}
    {{ relation ~ '.' if relation }}* exclude ({{ columns | join(', ') }})
{%- endmacro %}

{# Spark says `except` for the same. #}
{% macro spark__all_but(relation, columns) -%}
    {{ relation ~ '.' if relation }}* except ({{ columns | join(', ') }})
{%- endmacro %}
