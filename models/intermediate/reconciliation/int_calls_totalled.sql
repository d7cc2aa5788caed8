-- one row per call on a day and account of which a bill has the total: nothing of it is on another bill yet to come
{{ config(materialized="view") }}
with totals as (

    select distinct
        provider,
        account_id,
        api_key,
        charged_on
    from {{ ref('int_charges_standing') }}
    where meter = 'total' and {{ is_touched('charged_on', 'read_day') }}

)

select distinct calls.call_key
from {{ ref('int_calls_priced') }} as calls
inner join totals
    on
        calls.provider = totals.provider
        and calls.started_on = totals.charged_on
        and coalesce(calls.account_id = totals.account_id, true)
        and coalesce(calls.api_key = totals.api_key, true)
