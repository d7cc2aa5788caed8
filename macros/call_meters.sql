{# The meters that spans count: disjoint classes of what a call is billed for. #}
{% macro call_meters() -%}
    {{ return([
        'input', 'cache_read', 'cache_write_5m', 'cache_write_1h', 'audio_input', 'image_input', 'output', 'reasoning',
        'audio_output', 'image_output', 'web_search', 'request'
    ]) }}
{%- endmacro %}
