{# True where a name is a deployment, as written or behind the path before it: an ARN, `azure/<deployment>`. #}
{% macro is_deployment(name, deployment) -%}
    (
        {{ is_id("lower(" ~ name ~ ")", "lower(" ~ deployment ~ ")") }}
        or {{ is_id(model_stem(name), "lower(" ~ deployment ~ ")") }}
    )
{%- endmacro %}
