{{ replaces_touched("started_on", by="read_day") }}
with charged_groups as (

    select distinct
        driver_group_id,
        driver_id,
        used_from,
        used_to,
        case when group_capacity > 0 then group_capacity end as capacity
    from {{ ref('int_charges') }}
    where driver_id is not null

),

days as (

    select
        driver_id,
        driver_group_id,
        {{ each_day('used_from', 'used_to') }} as day,
        -- The group's lines serve an equal part of their capacity each day. One is added, so that none is 0.
        {{ whole_quotient(whole_number('capacity * 1000'), days_between('used_from', 'used_to') ~ ' + 1') }} + 1
            as day_capacity
    from charged_groups

),

weighted_days as (

    select
        *,
        sum(day_capacity) over (partition by driver_id, day) as whole_capacity
    from days
    where {{ is_touched('day', 'read_day') }}

),

calls as (

    select
        calls.call_key,
        calls.driver_id,
        calls.started_on,
        calls.weight,
        calls.used,
        sampled.adjusted_count
    from {{ ref('int_driver_calls') }} as calls
    inner join {{ ref('int_call_billing_coverage') }} as coverage on calls.call_key = coverage.call_key
    left join {{ ref('int_sampled_calls') }} as sampled on calls.call_key = sampled.call_key
    where not coverage.is_represented and {{ is_touched('calls.started_on', 'read_day') }}

),

-- Lines of different periods that can serve the same call served it together, each by its capacity.
served as (

    select
        calls.call_key,
        calls.started_on,
        calls.adjusted_count,
        {% for amount in ['weight', 'used'] %}
            cast(case
                when days.day_capacity < days.whole_capacity
                    then {{ whole_quotient(
                        whole_number('calls.' ~ amount) ~ ' * ' ~ whole_number('days.day_capacity'),
                        'days.whole_capacity'
                    ) }}
                else calls.{{ amount }}
            end as bigint) as {{ amount }},
        {% endfor %}
        days.driver_group_id
    from calls
    inner join weighted_days as days on calls.driver_id = days.driver_id and calls.started_on = days.day

)

select
    driver_group_id,
    call_key,
    started_on,
    weight,
    {{ unseen_quantity('weight', 'adjusted_count') }} as unseen_weight,
    used,
    {{ unseen_quantity('used', 'adjusted_count') }} as unseen_used
from served
