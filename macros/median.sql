{# The value in the middle of a group; of an even count the mean of the two in the middle, exactly. #}
{% macro median(value) -%}
    (({{ nearest_rank(value, 0.5) }} - {{ nearest_rank('-(' ~ value ~ ')', 0.5) }}) * 0.5)
{%- endmacro %}
