{# The export date that stands last in a file's name (2026-10-31), as downloads are named; 1970-01-01 where none does. #}
{% macro exported_on(source_file) -%}
    coalesce(
        try_cast(regexp_extract({{ source_file }}, '([0-9]{4}-[0-9]{2}-[0-9]{2})[^/]*$', 1) as date), date '1970-01-01'
    )
{%- endmacro %}
