{# A deterministic id from columns: md5 of their text, NULL apart from the empty string. #}
{% macro entry_key(columns) -%}
    md5(concat_ws('|', {% for column in columns -%}
        coalesce(cast({{ column }} as {{ dbt.type_string() }}), '~'){{ ', ' if not loop.last }}
    {%- endfor %}))
{%- endmacro %}
