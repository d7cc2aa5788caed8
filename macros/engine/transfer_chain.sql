{#
  The teams that a cost passes on its way from bearer to payer, as a ' > ' path: from the bearer's last place on the
  team path (or before the path, if it is not on it) through the calling teams to the payer.
#}
{% macro transfer_chain(bearer, team_path, payer) -%}
    {{ adapter.dispatch('transfer_chain')(bearer, team_path, payer) }}
{%- endmacro %}

{% macro duckdb__transfer_chain(bearer, team_path, payer) -%}
    {%- set teams = "string_split(nullif(" ~ team_path ~ ", ''), ' > ')" -%}
    {%- set from_bearer = "case when list_contains(" ~ teams ~ ", " ~ bearer ~ ") then "
        ~ teams ~ "[len(" ~ teams ~ ") - list_position(list_reverse(" ~ teams ~ "), " ~ bearer ~ ") + 1:] "
        ~ "else list_prepend(" ~ bearer ~ ", coalesce(" ~ teams ~ ", [])) end" -%}
    array_to_string(
        case when ({{ from_bearer }})[-1] = {{ payer }} then {{ from_bearer }}
            else list_append({{ from_bearer }}, {{ payer }}) end,
        ' > '
    )
{%- endmacro %}

{# Spark's lists have other functions. #}
{% macro spark__transfer_chain(bearer, team_path, payer) -%}
    {%- set teams = "split(nullif(" ~ team_path ~ ", ''), ' > ')" -%}
    {%- set from_bearer = "case when array_contains(" ~ teams ~ ", " ~ bearer ~ ") then slice(" ~ teams ~ ", size("
        ~ teams ~ ") - cast(array_position(reverse(" ~ teams ~ "), " ~ bearer ~ ") as int) + 1, size(" ~ teams ~ ")) "
        ~ "else concat(array(" ~ bearer ~ "), coalesce(" ~ teams ~ ", array())) end" -%}
    array_join(
        case when element_at({{ from_bearer }}, -1) = {{ payer }} then {{ from_bearer }}
            else concat({{ from_bearer }}, array({{ payer }})) end,
        ' > '
    )
{%- endmacro %}
