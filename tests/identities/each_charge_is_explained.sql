-- Identity 1: what calls were billed, plus what stays untraced, is the bill, per provider, account and day.
with landed as (

    select
        provider,
        account_id,
        charged_on,
        sum(billed_usd) as billed_usd
    from {{ ref('int_charges_unioned') }}
    where is_standing
    group by provider, account_id, charged_on

),

settled as (

    select
        provider,
        account_id,
        charged_on,
        sum(attributed_usd) as attributed_usd,
        sum(untraced_usd) as untraced_usd,
        sum(invoice_only_usd) as invoice_only_usd
    from {{ ref('int_charges_settled') }}
    group by provider, account_id, charged_on

)

select
    landed.*,
    settled.attributed_usd,
    settled.untraced_usd,
    settled.invoice_only_usd
from landed
full outer join settled
    on
        landed.provider = settled.provider
        and landed.account_id = settled.account_id
        and landed.charged_on = settled.charged_on
where
    coalesce(landed.billed_usd, 0)
    != coalesce(settled.attributed_usd + settled.untraced_usd + settled.invoice_only_usd, 0)
