{% set key = ['month', 'provider', 'account_id', 'payer_team_id', 'service', 'model', 'tool_name', 'driver'] %}
with charges as (

    select
        cast(date_trunc('month', settled.charged_on) as date) as month,
        settled.provider,
        settled.account_id,
        settled.payer_team_id,
        drivers.service,
        drivers.model,
        drivers.tool_name,
        drivers.driver,
        lines.driver_capacity as capacity,
        settled.billed_usd,
        settled.attributed_usd,
        settled.sampled_usd,
        settled.idle_usd
    from {{ ref('int_charge_settlements') }} as settled
    inner join {{ ref('int_charges') }} as lines on settled.charge_id = lines.charge_id
    inner join {{ ref('stg_catalog__cost_drivers') }} as drivers on lines.driver_id = drivers.driver_id

),

summed as (

    select
        {{ key | join(',\n        ') }},
        sum(capacity) as capacity,
        sum(billed_usd) as billed_usd,
        sum(attributed_usd) as attributed_usd,
        sum(sampled_usd) as sampled_usd,
        sum(idle_usd) as idle_usd
    from charges
    group by {{ key | join(', ') }}

)

select
    {{ key | join(',\n    ') }},
    -- Counted in thousandths; seconds, in milliseconds.
    cast(capacity as double) / case driver when 'seconds' then 1000000 else 1000 end as capacity,
    {{ money('billed_usd') }} as billed_usd,
    {{ money('attributed_usd') }} as attributed_usd,
    {{ money('sampled_usd') }} as sampled_usd,
    {{ money('idle_usd') }} as idle_usd,
    cast(idle_usd as double) / nullif(cast(billed_usd as double), 0) as idle_pct
from summed
