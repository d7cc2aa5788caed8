{#
  The provider's id of a response. LiteLLM's callbacks put the time before it (time-10-20-30-123456_chatcmpl-abc), in
  Langfuse as the observation's own id.
#}
{% macro answered_id(response_id, span_id) -%}
    {%- set prefix = '^time-[0-9]{2}-[0-9]{2}-[0-9]{2}-[0-9]{1,6}_(None$)?' -%}
    case
        when {{ response_id }} like 'time-%' then nullif({{ without_pattern(response_id, prefix) }}, '')
        when {{ response_id }} is null and {{ span_id }} like 'time-%'
            then nullif(nullif({{ without_pattern(span_id, prefix) }}, {{ span_id }}), '')
        else {{ response_id }}
    end
{%- endmacro %}
