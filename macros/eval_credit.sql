{# What the quality pool takes over of a feature's eval spend in a month; a NULL cap is none. The one place of this rule. #}
{% macro eval_credit(evaluation_usd, share, cap_usd) -%}
    {{ money("greatest(0, least(" ~ share ~ " * (" ~ evaluation_usd ~ "), coalesce(" ~ cap_usd ~ ", " ~ share ~ " * ("
        ~ evaluation_usd ~ "))))") }}
{%- endmacro %}
