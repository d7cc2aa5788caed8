{# A JSON object of texts (NULL is null), in the order given; `numbers` are written as they are. #}
{% macro json_of(texts, numbers={}) -%}
    {%- set cells = [] -%}
    {%- for key, number in numbers.items() -%}
        {%- do cells.append("'\"" ~ key ~ "\":' || coalesce(" ~ decimal_text(number) ~ ", 'null')") -%}
    {%- endfor -%}
    {%- for key, text in texts.items() -%}
        {%- do cells.append("'\"" ~ key ~ "\":' || coalesce(" ~ json_text(text) ~ ", 'null')") -%}
    {%- endfor -%}
    '{' || {{ cells | join(" || ',' || ") }} || '}'
{%- endmacro %}
