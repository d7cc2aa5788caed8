-- Calls that a cost driver takes have no price and meet no bill of their model. Where that bill has usage on the same
-- day that no call explains, or where their provider sells the model and bills no own capacity, they may be billed by
-- the token after all, and pay for the capacity in error.
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

),

untraced as (

    select
        usage_on,
        provider,
        model,
        sum(untraced_usd) as untraced_usd
    from {{ ref('invoice_reconciliation_daily') }}
    where untraced_usd > 0
    group by usage_on, provider, model

),

sold as (

    select distinct
        provider,
        model
    from {{ ref('int_list_prices') }}
    where provider not in (select billers.provider from {{ ref('own_capacity_monthly') }} as billers)

)

select
    cast(date_trunc('month', own_calls.started_on) as date) as month,
    own_calls.provider,
    own_calls.model,
    sum(own_calls.calls) as calls,
    sum(untraced.untraced_usd) as untraced_usd,
    'narrow service and model in cost_drivers to the calls that run on own capacity' as what_to_do
from own_calls
left join untraced
    on
        own_calls.started_on = untraced.usage_on
        and own_calls.provider = untraced.provider
        and own_calls.model = untraced.model
left join sold on own_calls.provider = sold.provider and own_calls.model = sold.model
where untraced.usage_on is not null or sold.model is not null
group by cast(date_trunc('month', own_calls.started_on) as date), own_calls.provider, own_calls.model
