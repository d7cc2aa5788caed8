{% set group = ['driver_group_id', 'driver_id', 'used_from', 'used_to'] %}
with charged_groups as (

    select
        {{ group | join(',
        ') }},
        sum(driver_capacity) as capacity
    from {{ ref('int_charges') }}
    where driver_id is not null
    group by {{ group | join(', ') }}

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

)

select
    charged.{{ group | join(',
    charged.') }},
    -- In thousandths, as uses are. A line that states no quantity, or whose capacity nobody knows, is shared whole.
    case when charged.capacity > 0 then cast(charged.capacity as bigint) end as capacity,
    coalesce(uses.calls, 0) as calls,
    coalesce(uses.weight, 0) as weight,
    coalesce(uses.unseen_weight, 0) as unseen_weight,
    cast(coalesce(uses.seen_used + uses.unseen_used, 0) as bigint) as used
from charged_groups as charged
left join uses on charged.driver_group_id = uses.driver_group_id
