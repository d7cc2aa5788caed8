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

uses as (

    select
        driver_group_id,
        count(*) as calls,
        {{ sum_of_unseen('weight') }} as weight,
        {{ sum_of_unseen('unseen_weight') }} as unseen_weight,
        {{ sum_of_unseen('used') }} as seen_used,
        {{ sum_of_unseen('unseen_used') }} as unseen_used
    from {{ ref('int_driver_uses') }}
    group by driver_group_id

),

counted_groups as (

    select
        charged.*,
        coalesce(uses.calls, 0) as calls,
        coalesce(uses.weight, 0) as weight,
        coalesce(uses.unseen_weight, 0) as unseen_weight,
        coalesce(uses.seen_used + uses.unseen_used, 0) as used,
        -- A credit of other days is used as far as the driver's lines of its month are.
        sum(charged.capacity) over of_month as month_capacity,
        sum(
            case when charged.capacity is not null then coalesce(uses.seen_used + uses.unseen_used, 0) end
        ) over of_month as month_used
    from charged_groups as charged
    left join uses on charged.driver_group_id = uses.driver_group_id
    window of_month as (partition by charged.driver_id, cast(date_trunc('month', charged.used_from) as date))

)

select
    driver_group_id,
    driver_id,
    used_from,
    used_to,
    calls,
    weight,
    unseen_weight,
    -- In thousandths, as uses are. A group is shared whole if no line of its driver has a capacity that month.
    case
        when coalesce(capacity, month_capacity) is not null
            then cast(least(coalesce(capacity, month_capacity), 4000000000000000000) as bigint)
    end as capacity,
    cast(least(case when capacity is null then coalesce(month_used, used) else used end, 4000000000000000000) as bigint)
        as used
from counted_groups
