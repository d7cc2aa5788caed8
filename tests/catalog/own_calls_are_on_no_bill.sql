-- Calls that a cost driver takes have no price and meet no bill of their model. Where that bill has usage on the same
-- day that no call explains, they may be billed by the token after all, and pay for the capacity in error.
{{ config(severity="warn", meta={"figure": "models on own capacity that are billed by the token, too"}) }}
with own_calls as (

    select
        started_on,
        provider,
        model,
        count(*) as calls
    from {{ ref('attributed_calls') }}
    where unpriced_reason = 'own_capacity'
    group by started_on, provider, model

)

select
    cast(date_trunc('month', own_calls.started_on) as date) as month,
    own_calls.provider,
    own_calls.model,
    sum(own_calls.calls) as calls,
    sum(bills.untraced_usd) as untraced_usd,
    'narrow service and model in cost_drivers to the calls that run on own capacity' as what_to_do
from own_calls
inner join {{ ref('invoice_reconciliation_daily') }} as bills
    on
        own_calls.started_on = bills.usage_on
        and own_calls.provider = bills.provider
        and own_calls.model = bills.model
where bills.untraced_usd > 0
group by cast(date_trunc('month', own_calls.started_on) as date), own_calls.provider, own_calls.model
