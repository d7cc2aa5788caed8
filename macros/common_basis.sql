{# The basis that the rows of a group have in common, `mixed` where they differ, `unpriced` where none has a price. #}
{% macro common_basis() -%}
    case
        when count(distinct nullif(basis, 'unpriced')) > 1 then 'mixed'
        else coalesce(min(nullif(basis, 'unpriced')), 'unpriced')
    end
{%- endmacro %}
