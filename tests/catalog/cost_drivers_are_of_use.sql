-- A cost driver that names no bill line, or no call on the days of its lines, is a spelling that does not fit, or
-- capacity that nobody used; one whose lines state no quantity has no idle part, although it says what a unit serves.
{{ config(severity="warn", meta={"figure": "cost drivers without lines, calls or quantities"}) }}
with lines as (

    select
        driver_id,
        sum(capacity) as capacity,
        sum(calls) as calls,
        sum(used) as used
    from {{ ref('int_driver_groups') }}
    group by driver_id

)

select
    drivers.row_text as driver,
    case
        when lines.driver_id is null then 'no bill line is like its provider, service_name, sku and description'
        when lines.calls = 0 then 'no call on the days of its lines is of its service, model or tool_name: all is idle'
        when lines.used <= lines.calls then 'its calls say no use: seconds without an end, tokens that nobody counted'
        else 'its lines state no quantity: they are shared whole'
    end as problem
from {{ ref('stg_catalog__cost_drivers') }} as drivers
left join lines on drivers.driver_id = lines.driver_id
where
    coalesce(lines.calls, 0) = 0
    or lines.used <= lines.calls
    or (drivers.capacity_per_unit is not null and lines.capacity is null)
