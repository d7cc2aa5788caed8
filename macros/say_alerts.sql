{# dbt says "Got 122 results" of an alert, whatever its figure is: this says in words what was counted. #}
{% macro say_alerts(results) -%}
    {%- for result in results if execute and result.node.resource_type == 'test' and result.status | string in ('warn', 'fail') -%}
        {%- set figure = result.node.config.meta.get('figure') -%}
        {%- if figure -%}
            {%- do log('Alert ' ~ result.node.name ~ ': ' ~ result.failures ~ ' ' ~ figure, info=true) -%}
        {%- endif -%}
    {%- endfor -%}
{%- endmacro %}
