{#
  Two rows of an effective-dated seed that hold on the same day for the same key: which one counts is anybody's guess.
  Rows of one period that agree on `agree` and each name another `parts` are parts of one rule. And a row whose period
  ends before it begins holds on no day.
#}
{% test no_overlapping_periods(model, key, parts=none, agree=none) %}
with numbered as (
    select
        *,
        row_number() over (order by {{ key | join(', ') }}, valid_from, valid_to{{ ', ' ~ parts if parts }}) as row_no
    from {{ model }}
)

select
    'these rows hold on the same day' as problem,
    {% for column in key + [parts, agree] if column -%}
    earlier.{{ column }},
    {% if column not in key -%}
    later.{{ column }} as other_{{ column }},
    {% endif -%}
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
        {% if parts -%}
        and not coalesce(
            earlier.{{ parts }} != later.{{ parts }} and earlier.{{ agree }} = later.{{ agree }}
            and earlier.valid_from is not distinct from later.valid_from
            and earlier.valid_to is not distinct from later.valid_to,
            false
        )
        {% endif %}
union all

select
    'valid_to is not after valid_from' as problem,
    {% for column in key + [parts, agree] if column -%}
    {{ column }},
    {% if column not in key -%}
    null as other_{{ column }},
    {% endif -%}
    {% endfor -%}
    valid_from,
    valid_to,
    null as other_valid_from,
    null as other_valid_to
from numbered
where valid_to <= valid_from
{% endtest %}
