{# True where an effective-dated seed row holds on a day: valid_from inclusive, valid_to exclusive, empty is open. #}
{% macro in_force(seed, day) -%}
    (({{ seed }}.valid_from is null or {{ seed }}.valid_from <= {{ day }})
    and ({{ seed }}.valid_to is null or {{ day }} < {{ seed }}.valid_to))
{%- endmacro %}
