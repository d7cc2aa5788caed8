{#
  One row per tag of a text, as `key = value`; stands in a select list. Bills write tags as JSON, an object or a list of
  keys and values, with or without braces, or as `key=value` and `key:value` between commas, semicolons or bars.
#}
{% macro each_tag(text) -%}
    {{ adapter.dispatch('each_tag')(text) }}
{%- endmacro %}

{# A regular expression of a JSON text, which may hold escaped quotes. #}
{% macro _quoted() -%}
    {{ return('"(?:[^"\\\\]|\\\\.)*"') }}
{%- endmacro %}

{% macro duckdb__each_tag(text) -%}
    {%- set quoted, blank = _quoted(), '[ \\t\\r\\n]*' -%}
    {%- set named = "regexp_replace(" ~ text ~ ", '\"(?:[Kk]ey|[Nn]ame)\"" ~ blank ~ ":" ~ blank ~ "(" ~ quoted ~ ")" ~ blank
        ~ "," ~ blank ~ "\"[Vv]alue\"" ~ blank ~ ":', '\\1:', 'g')" -%}
    unnest(list_distinct(case
        when {{ text }} like '%"%' then list_transform(
            regexp_extract_all({{ named }}, '{{ quoted ~ blank }}:{{ blank }}(?:{{ quoted }}|[^",{}\[\] ]+)'),
            lambda pair: regexp_replace(
                pair, '^"((?:[^"\\]|\\.)*)"{{ blank }}:{{ blank }}"?(.*?)"?$', '\1 = \2'
            )
        )
        else list_transform(
            regexp_split_to_array(regexp_replace({{ text }}, '[{}\[\]]', '', 'g'), '[,;|\n]'),
            lambda pair: case
                when pair like '%=%' then regexp_replace(pair, '^[\s\x27]*([^=]*?)[\s\x27]*=[\s\x27]*(.*?)[\s\x27]*$', '\1 = \2')
                else regexp_replace(pair, '^[\s\x27]*([^:]*?)[\s\x27]*:[\s\x27]*(.*?)[\s\x27]*$', '\1 = \2')
            end
        )
    end))
{%- endmacro %}

{# Spark's words for the same. #}
{% macro spark__each_tag(text) -%}
    {%- set quoted, blank = _quoted(), '[ \\t\\r\\n]*' -%}
    {%- set named = "regexp_replace(" ~ text ~ ", r'\"(?:[Kk]ey|[Nn]ame)\"" ~ blank ~ ":" ~ blank ~ "(" ~ quoted ~ ")" ~ blank
        ~ "," ~ blank ~ "\"[Vv]alue\"" ~ blank ~ ":', '$1:')" -%}
    explode(array_distinct(case
        when {{ text }} like '%"%' then transform(
            regexp_extract_all({{ named }}, r'{{ quoted ~ blank }}:{{ blank }}(?:{{ quoted }}|[^",{}\[\] ]+)', 0),
            pair -> regexp_replace(
                pair, r'^"((?:[^"\\]|\\.)*)"{{ blank }}:{{ blank }}"?(.*?)"?$', '$1 = $2'
            )
        )
        else transform(
            split(regexp_replace({{ text }}, r'[{}\[\]]', ''), r'[,;|\n]'),
            pair -> case
                when pair like '%=%' then regexp_replace(pair, r'^[\s\x27]*([^=]*?)[\s\x27]*=[\s\x27]*(.*?)[\s\x27]*$', '$1 = $2')
                else regexp_replace(pair, r'^[\s\x27]*([^:]*?)[\s\x27]*:[\s\x27]*(.*?)[\s\x27]*$', '$1 = $2')
            end
        )
    end))
{%- endmacro %}
