{# A condition that a row of int_traces_caused is about a share of its trace: what the cause does not say fits all. #}
{% macro is_request_of(caused, share, feature_id='feature_id') -%}
    {{ share }}.trace_key = {{ caused }}.trace_key
    and coalesce({{ caused }}.feature_id, {{ share }}.{{ feature_id }}) = {{ share }}.{{ feature_id }}
    and coalesce({{ caused }}.user_id, {{ share }}.user_id, '') = coalesce({{ share }}.user_id, {{ caused }}.user_id, '')
{%- endmacro %}
