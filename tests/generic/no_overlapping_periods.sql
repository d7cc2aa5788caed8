{# Two rows of an effective-dated seed that hold on the same day for the same key: which one counts is anybody's guess. #}
{% test no_overlapping_periods(model, key) %}
with numbered as (
    select
        *,
        row_number() over (order by {{ key | join(', ') }}, valid_from, valid_to) as row_no
    from {{ model }}
)

select
    {% for column in key -%}
    earlier.{{ column }},
    {% endfor -%}
    earlier.valid_from,
    earlier.valid_to,
    later.valid_from as other_valid_from,
    later.valid_to as other_valid_to
from numbered as earlier
inner join numbered as later
    on
        earlier.row_no < later.row_no
        {% for column in key -%}
        and earlier.{{ column }} is not distinct from later.{{ column }}
        {% endfor -%}
        and (earlier.valid_to is null or later.valid_from is null or later.valid_from < earlier.valid_to)
        and (later.valid_to is null or earlier.valid_from is null or earlier.valid_from < later.valid_to)
{% endtest %}
