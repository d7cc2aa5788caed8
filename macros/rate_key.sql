{# The key of what the price of a unit depends on (price_situation): nine columns that may be NULL are slow to join by. #}
{% macro rate_key() -%}
    {%- set texts = [] -%}
    {%- for column in price_situation() -%}
        {%- do texts.append("coalesce(cast(" ~ column ~ " as string), '~')") -%}
    {%- endfor -%}
    {{ row_key("concat_ws('|', " ~ texts | join(', ') ~ ")") }}
{%- endmacro %}
