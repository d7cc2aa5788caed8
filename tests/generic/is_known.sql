{# Rows that name what another seed does not have. A seed that is absent or empty knows nothing, and refuses nothing. #}
{% test is_known(model, column_name, to, field, rows_where='true') %}
select
    '{{ column_name }} is not in {{ to.identifier }}' as problem,
    named.*
from {{ model }} as named
where
    named.{{ column_name }} is not null
    and named.{{ column_name }} not in (select known.{{ field }} from {{ to }} as known where known.{{ field }} is not null)
    and (select count(*) from {{ to }}) > 0
    and {{ rows_where }}
{% endtest %}
