{# The meters that spans count tokens of: disjoint classes of what a call is billed for. #}
{% macro call_meters() -%}
    {{ return([
        'input', 'cache_read', 'cache_write_5m', 'cache_write_1h', 'audio_input', 'output', 'reasoning', 'audio_output'
    ]) }}
{%- endmacro %}
