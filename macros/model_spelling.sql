{#
  A model's name as all who write it would: in lower case, without router, vendor, region, path or ARN before it, and
  without a variant or a word for the newest after it. openrouter/anthropic/Claude-Sonnet-4.5:beta and
  eu.anthropic.claude-sonnet-4-5-v1:0 are claude-sonnet-4-5.
#}
{% macro model_spelling(name) -%}
    translate({{ without_pattern(without_pattern(
        model_stem(name), '^(([a-z-]+|ai21)[.])+'
    ), '((-v1)?(:[0-9]+k?)+|:[a-z-]+|[-@:](latest|default)|-00[0-9])$') }}, '._@', '---')
{%- endmacro %}

{# A spelling without the date of a snapshot: claude-sonnet-4-5-20250929 is claude-sonnet-4-5. #}
{% macro without_snapshot(spelling) -%}
    {{ without_pattern(spelling, '-(20[0-9]{6}|20[0-9]{2}-[0-9]{2}-[0-9]{2}|[0-9]{4})(-v[0-9]+)?$') }}
{%- endmacro %}

{# The letters that a name begins with. #}
{% macro first_letters(name) -%}
    regexp_extract({{ name }}, '^([a-z]+)', 1)
{%- endmacro %}
