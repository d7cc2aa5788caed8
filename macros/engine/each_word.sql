{# One row per word of a text, blanks and bars part words; stands in a select list. #}
{% macro each_word(text) -%}
    {{ adapter.dispatch('each_word')(text) }}
{%- endmacro %}

{% macro duckdb__each_word(text) -%}
    unnest(list_distinct(regexp_split_to_array({{ text }}, '[ |,;]+')))
{%- endmacro %}

{# Spark's words for the same. #}
{% macro spark__each_word(text) -%}
    explode(array_distinct(split({{ text }}, '[ |,;]+')))
{%- endmacro %}
