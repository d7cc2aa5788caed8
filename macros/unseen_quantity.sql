{# Dropped spans are taken to have used what kept ones did: `adjusted_count` - 1 times as much. #}
{% macro unseen_quantity(quantity, adjusted_count) -%}
    case
        when {{ adjusted_count }} > 1
            then cast(least(floor({{ quantity }} * ({{ adjusted_count }} - 1)), 1000000000000000000) as bigint)
        else 0
    end
{%- endmacro %}

{# Their sum: no count of nonsense makes it more than 64 bits hold. #}
{% macro sum_of_unseen(quantities) -%}
    cast(least(coalesce(sum({{ quantities }}), 0), 4000000000000000000) as bigint)
{%- endmacro %}
