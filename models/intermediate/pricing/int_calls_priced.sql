-- one row per call: what it should cost by the price book, or why that can't be said
with calls as (

    select * from {{ ref('int_calls_provided') }}

),

meters as (

    select
        call_key,
        sum(quantity) as quantity,
        sum(priced_usd) as priced_usd,
        sum(write_premium_usd) as write_premium_usd,
        count(*) filter (where priced_usd is null) as unpriced_meters
    from {{ ref('int_meters_priced') }}
    group by call_key

)

select
    calls.call_key,
    calls.call_id,
    calls.response_id,
    calls.trace_key,
    calls.started_at,
    calls.provider,
    calls.vendor,
    calls.account_id,
    calls.api_key,
    calls.is_on_bill,
    calls.started_on,
    models.model,
    coalesce(meters.quantity, 0) as quantity,
    case when meters.unpriced_meters = 0 then {{ money('meters.priced_usd') }} end as priced_usd,
    case when meters.unpriced_meters = 0 then {{ money('meters.write_premium_usd') }} end as cache_write_premium_usd,
    case
        when calls.started_at is null then 'no_time'
        when calls.model_key is null then 'no_model'
        when not calls.has_usage then 'no_usage'
        when meters.call_key is null then 'no_tokens'
        when meters.unpriced_meters > 0 then 'model_not_in_price_book'
    end as unpriced_reason
from calls
left join {{ ref('int_models_resolved') }} as models
    on calls.provider = models.provider and calls.model_key = models.model_name
left join meters on calls.call_key = meters.call_key
