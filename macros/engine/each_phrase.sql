{#
  One row per run of two to five words of a text, joined by hyphens; bars end a run. Stands in a select list.
#}
{% macro each_phrase(text) -%}
    {{ adapter.dispatch('each_phrase')(text) }}
{%- endmacro %}

{% macro duckdb__each_phrase(text) -%}
    {%- set words = "regexp_split_to_array(trim(part), '[ ,;()]+')" -%}
    unnest(list_distinct(flatten(list_transform(
        string_split({{ text }}, '|'),
        lambda part: flatten(list_transform(
            range(1, len({{ words }}) + 1),
            lambda place: list_transform(
                range(2, least(5, len({{ words }}) - place + 1) + 1),
                lambda number: array_to_string({{ words }}[place:place + number - 1], '-')
            )
        ))
    ))))
{%- endmacro %}

{# Spark's words for the same. #}
{% macro spark__each_phrase(text) -%}
    {%- set words = "split(trim(part), '[ ,;()]+')" -%}
    explode(array_distinct(flatten(transform(
        split({{ text }}, '[|]'),
        part -> flatten(transform(
            sequence(1, size({{ words }})),
            place -> case when size({{ words }}) > place then transform(
                sequence(2, least(5, size({{ words }}) - place + 1)),
                number -> array_join(slice({{ words }}, place, number), '-')
            ) else array() end
        ))
    ))))
{%- endmacro %}
