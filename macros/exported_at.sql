{#
  The last date in a file's path, with a time of day if one follows: 2026-10-31, 20261031T0900, 202610310900. Whoever
  names a file may mean the day that it covers; a caller compares it with the file's period. NULL where there is none.
#}
{% macro exported_at(path) -%}
    {%- set date = '(20[0-9]{2})[-_.]?([01][0-9])[-_.]?([0-3][0-9])' -%}
    {%- set time = '(?:[Tt_ .-]?([0-2][0-9])[-:_.]?([0-5][0-9])[-:_.]?([0-5][0-9])?)?' -%}
    {#- Before a date, no digit and no hexadecimal letter: it is no part of an id. -#}
    {%- set pattern = '^(?:.*[^0-9a-fA-F])?' ~ date ~ time ~ '(?:[^0-9].*)?$' -%}
    try_cast(
        regexp_extract({{ path }}, '{{ pattern }}', 1) || '-' || regexp_extract({{ path }}, '{{ pattern }}', 2)
        || '-' || regexp_extract({{ path }}, '{{ pattern }}', 3) || ' '
        || coalesce(nullif(regexp_extract({{ path }}, '{{ pattern }}', 4), ''), '00') || ':'
        || coalesce(nullif(regexp_extract({{ path }}, '{{ pattern }}', 5), ''), '00') || ':'
        || coalesce(nullif(regexp_extract({{ path }}, '{{ pattern }}', 6), ''), '00') as timestamp
    )
{%- endmacro %}

{#
  What a file is a part of: its archive, the folder of its run (named after a time, or after a run's id below a
  folder of a period), or its name without a part number (-00001, part_0_0001, 2 of 3); else the file alone.
#}
{% macro export_of(path, file_id) -%}
    {%- set id = '[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}' -%}
    {%- set moment = '20[0-9]{6}[T_-]?[0-9]{4}(?:[0-9]{2})?(?:[^0-9/][^/]*)?|20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}[^/]*' -%}
    {%- set archive = '^(.*[.][zZ][iI][pP])/.*$' -%}
    {%- set run = '^(.*(?:[^/]*20[0-9]{2}[^/]*/' ~ id ~ '|(?:' ~ moment ~ ')))/[^/]*$' -%}
    {%- set part = '(^|[-_. /])part[-_. ]?[0-9]+([-_][0-9]+)*|[-_][0-9]{5}[.]| ?[(]?[0-9]+[ _-]of[ _-][0-9]+[)]?' -%}
    coalesce(
        nullif(regexp_extract({{ path }}, '{{ archive }}', 1), ''),
        nullif(regexp_extract({{ path }}, '{{ run }}', 1), ''),
        case
            when {{ has_pattern('lower(' ~ path ~ ')', part) }}
                -- An export of another number of parts is another export.
                then {{ without_pattern('lower(' ~ path ~ ')', part) }}
                    || regexp_extract(lower({{ path }}), '[0-9][ _-](of[ _-][0-9]+)', 1)
        end,
        {{ file_id }}
    )
{%- endmacro %}

{# The number of a file among those of one export, as its name has it; empty where it has none. #}
{% macro part_of(path) -%}
    regexp_extract(
        lower({{ path }}), '(part[-_. ]?[0-9]+(?:[-_][0-9]+)*|[-_][0-9]{5}|[0-9]+[ _-]of[ _-][0-9]+)(?:[^0-9/][^/]*)?$', 1
    )
{%- endmacro %}

{# A file's name without numbers: what the exports of one kind have in common. #}
{% macro family_of(path) -%}
    {{ without_pattern("regexp_extract(lower(" ~ path ~ "), '([^/]*)$', 1)", '[0-9_. ()-]+') }}
{%- endmacro %}
