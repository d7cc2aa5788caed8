{# Rows that share a grain, of which NULL is a value, and rows that lack what each has to have (`not_null`). #}
{% test unique_grain(model, columns, not_null=[]) %}
select
    {{ columns | join(', ') }},
    count(*) as occurrences
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1{% for name in not_null %} or count({{ name }}) < count(*){% endfor %}
{% endtest %}
