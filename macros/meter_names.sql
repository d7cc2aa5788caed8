{# Meters as a bill's reader knows them, and what they count; stands in a `with`. #}
{% macro meter_names() -%}
    meters (meter, sku_meter, unit) as (

        values
        ('input', 'Input Tokens', 'Tokens'), ('output', 'Output Tokens', 'Tokens'), ('tokens', 'Tokens', 'Tokens'),
        ('cache_read', 'Cached Input Tokens', 'Tokens'), ('cache_write', 'Cache Write Tokens', 'Tokens'),
        ('cache_write_5m', 'Cache Write Tokens (5 Minutes)', 'Tokens'),
        ('cache_write_1h', 'Cache Write Tokens (1 Hour)', 'Tokens'), ('reasoning', 'Reasoning Tokens', 'Tokens'),
        ('audio_input', 'Audio Input Tokens', 'Tokens'), ('audio_output', 'Audio Output Tokens', 'Tokens'),
        ('image_input', 'Image Input Tokens', 'Tokens'), ('image_output', 'Image Output Tokens', 'Tokens'),
        ('request', 'Requests', 'Requests'), ('web_search', 'Web Searches', 'Requests'),
        ('file_search', 'File Searches', 'Requests'), ('image', 'Images', 'Images'), ('page', 'Pages', 'Pages')

    )
{%- endmacro %}
