with summed as (

    select
        cast(date_trunc('month', charged_on) as date) as month,
        provider,
        payer_team_id,
        sum(billed_usd) as billed_usd,
        sum(attributed_usd) as traced_usd,
        sum(sampled_usd) as sampled_usd,
        sum(untraced_usd) as untraced_usd,
        sum(idle_usd) as idle_usd,
        sum(greatest(invoice_only_usd, 0)) as invoice_only_usd,
        sum(least(invoice_only_usd, 0)) as credit_usd,
        sum(rounding_usd) as rounding_usd
    from {{ ref('int_charge_settlements') }}
    group by cast(date_trunc('month', charged_on) as date), provider, payer_team_id

)

select
    month,
    provider,
    payer_team_id,
    {{ money('billed_usd') }} as billed_usd,
    {{ money('traced_usd') }} as traced_usd,
    {{ money('sampled_usd') }} as sampled_usd,
    {{ money('untraced_usd') }} as untraced_usd,
    {{ money('idle_usd') }} as idle_usd,
    {{ money('invoice_only_usd') }} as invoice_only_usd,
    {{ money('credit_usd') }} as credit_usd,
    {{ money('rounding_usd') }} as rounding_usd,
    -- Of what could be traced: fees and taxes never can.
    cast(traced_usd as double) / nullif(cast(traced_usd + sampled_usd + untraced_usd as double), 0) as capture_pct,
    -- With what calls stand for that a sampler dropped.
    cast(traced_usd + sampled_usd as double) / nullif(cast(traced_usd + sampled_usd + untraced_usd as double), 0)
        as explained_pct
from summed
