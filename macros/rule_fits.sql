{# True where a catalog rule fits a call: its service and span name, or those by which its trace entered. #}
{% macro rule_fits(called, rules='rules') -%}
    (
        {{ matches(called ~ '.service_name', rules ~ '.service') }}
        or {{ matches(called ~ '.root_service_name', rules ~ '.service') }}
    )
    and {{ matches(called ~ '.route', rules ~ '.route') }}
    and {{ matches(called ~ '.prompt_template', rules ~ '.prompt_template') }}
    and (
        {{ matches(called ~ '.span_name', rules ~ '.span_name') }}
        or {{ matches(called ~ '.root_span_name', rules ~ '.span_name') }}
    )
{%- endmacro %}
