{# Which file a provider's line stands in, of which kind, and in which role. #}
{% macro line_origin(file_kind, file_role) -%}
    '{{ file_kind }}' as file_kind,
    '{{ file_role }}' as file_role,
    file_id,
    source_file,
    source_line,
    row_no
{%- endmacro %}

{# A bucket ends a microsecond before the next begins. #}
{% macro bucket_times() -%}
    start_time as starts_at,
    end_time - interval 1 microsecond as ends_at
{%- endmacro %}

{# A file that lists only what was used covers its first to its last bucket. #}
{% macro covers_from_first_to_last() -%}
    min(start_time) over (partition by file_id) as covers_from,
    max(end_time) over (partition by file_id) - interval 1 microsecond as covers_to
{%- endmacro %}
