{#
  Weights of one rule are whole numbers (2 : 1), or fractions that add up to 1, or to 100: a part of .5 and one of .3 leave
  open who has the rest. All of a rule's rows have one, or none has, and none is 0 or less.
#}
{% test weights_add_up(model, key, part) %}
{%- set of_rule = 'partition by ' ~ key | join(', ') ~ ', valid_from, valid_to' %}
with ruled as (
    select
        *,
        count(*) over ({{ of_rule }}) as members,
        count(weight) over ({{ of_rule }}) as weights,
        sum(weight) over ({{ of_rule }}) as total_weight,
        max(case when weight != floor(weight) then 1 else 0 end) over ({{ of_rule }}) as is_broken
    from {{ model }}
)

select
    case
        when weight <= 0 then 'a weight is more than 0'
        when weights < members then 'some rows of the rule have a weight and this or another has none'
        else 'fractions add up to 1 (or 100), and these do not: ' || cast(total_weight as {{ dbt.type_string() }})
    end as problem,
    {{ key | join(', ') }},
    {{ part }},
    weight,
    valid_from,
    valid_to
from ruled
where
    weight <= 0
    or weights between 1 and members - 1
    or (is_broken = 1 and total_weight not in (1, 100))
{% endtest %}
