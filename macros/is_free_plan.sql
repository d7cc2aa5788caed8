{# A condition that a plan is one of variable free_plans, in any case of letters. #}
{% macro is_free_plan(plan) -%}
    lower(trim({{ plan }})) in ('{{ var('free_plans') | map('lower') | join("', '") }}')
{%- endmacro %}
