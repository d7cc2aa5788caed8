{# The names of the ledger's own rows of one sort (team, feature, cohort), as a list of SQL. #}
{% macro reserved_names(kind) -%}
    ('{{ var('reserved_names')[kind] | join("', '") }}')
{%- endmacro %}

{#
  A label of a file, or nothing where it is such a name, in any case of letters. `is_trimmed`: landing took off whatever is
  blank; else all that shows as nothing may stand around it. A team with ' > ' in it would be two on the path of a call.
#}
{% macro unreserved(label, kind, is_trimmed=false) -%}
    {%- set bare = 'trim(' ~ label ~ ')' if is_trimmed else without_pattern(label, '^[\\s\\pZ\\pC]+|[\\s\\pZ\\pC]+$') -%}
    case
        when lower({{ bare }}) not in {{ reserved_names(kind) }}{{ " and " ~ label ~ " not like '% > %'" if kind == 'team' }}
            then {{ label }}
    end
{%- endmacro %}
