-- one row per line of a bill or a gateway: in USD, what it was for, and whether the ledger takes it in
{{ config(materialized="kept", meta={"rebuilt_at_news_of": "bills"}) }}
with lines as (

    select * from {{ ref('int_provider_lines_ranked') }}
    where file_role in ('bill', 'gateway') and category is distinct from 'bucket'

),

kinds as (

    select * from {{ ref('int_charge_kinds_ruled') }}

),

-- The rate of the charge's last day, or the last one known before it.
rates as (

    select
        charged.currency,
        charged.ended_on,
        max_by(fx_rates.usd_per_unit, fx_rates.rate_on) as usd_per_unit
    from (select distinct
        currency,
        ended_on
    from lines) as charged
    inner join {{ ref('fx_rates') }} as fx_rates
        on upper(fx_rates.currency) = charged.currency and charged.ended_on >= fx_rates.rate_on
    group by charged.currency, charged.ended_on

),

rated as (

    select
        {{ all_but('lines', ['service_tier']) }},
        -- What another file says better is kept and totalled, and is no money.
        case
            when lines.is_standing then kinds.treatment
            when lines.file_role = 'gateway' then 'gateway'
            else 'superseded'
        end as treatment,
        kinds.model,
        kinds.meter,
        coalesce(kinds.service_tier, lines.service_tier, kinds.silent_tier) as price_tier,
        kinds.context_side,
        kinds.context_limit,
        kinds.inference_geo,
        case lines.currency when 'USD' then 1 else rates.usd_per_unit end as usd_per_unit
    from lines
    inner join kinds on lines.kind_id = kinds.kind_id
    left join rates on lines.currency = rates.currency and lines.ended_on = rates.ended_on

)

select
    *,
    {{ money('billed_amount * cast(usd_per_unit as decimal(18, 9))') }} as billed_usd,
    -- Ledger cost is what the use was worth, where the bill says so, whenever it was paid.
    {{ money('coalesce(effective_amount, billed_amount) * cast(usd_per_unit as decimal(18, 9))') }} as cost_usd
from rated
