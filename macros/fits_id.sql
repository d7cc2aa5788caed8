{#
  An id of a seed against one that may be missing: it is the id itself, in which `_` stands for itself; with a `%` it is
  a LIKE pattern; an empty one fits all.
#}
{% macro fits_id(value, stated) -%}
    ({{ stated }} is null or {{ is_id("coalesce(" ~ value ~ ", '')", stated) }})
{%- endmacro %}

{# For two values that are not null. An id without % may have its underscore escaped (\_), as in a pattern. #}
{% macro is_id(value, stated) -%}
    case
        when position('%' in {{ stated }}) > 0 then {{ is_like(value, stated) }}
        else {{ value }} in ({{ stated }}, replace({{ stated }}, '\_', '_'))
    end
{%- endmacro %}
