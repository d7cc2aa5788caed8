-- one row per charge that the price book expects: what a day used of a model's meter at one price, and no bill covers
{{ config(materialized="view") }}
with calls as (

    select
        calls.started_on as charged_on,
        calls.provider,
        calls.account_id,
        calls.model,
        meters.meter,
        meters.service_tier,
        meters.list_price_usd,
        meters.unit_price_usd,
        sum(meters.quantity) as quantity,
        sum(meters.priced_usd) as amount_usd
    from {{ ref('int_calls_billed') }} as calls
    inner join {{ ref('int_meters_priced') }} as meters on calls.call_key = meters.call_key
    where calls.accrued_usd is not null and {{ is_touched('calls.started_on', 'touched_day') }}
    group by
        calls.started_on, calls.provider, calls.account_id, calls.model, meters.meter, meters.service_tier,
        meters.list_price_usd, meters.unit_price_usd

),

usage as (

    select * from {{ ref('int_usage_accrued') }}
    where untraced_usd != 0 and {{ is_touched('usage_on', 'touched_day') }}

)

select
    {{ accrual_key() }} as origin_charge_id,
    charged_on,
    provider,
    account_id,
    account_id as bill_account_id,
    cast(null as string) as api_key,
    model,
    meter,
    service_tier as price_tier,
    cast(null as string) as kind_id,
    cast(null as string) as invoice_id,
    list_price_usd,
    unit_price_usd,
    cast(null as string) as payer_team_id,
    1 as called_lines,
    quantity,
    quantity as called_quantity,
    amount_usd as called_usd,
    0 as grouped_usd,
    0 as untraced_usd,
    0 as invoice_only_usd,
    -amount_usd as prepaid_usd
from calls

union all

select
    usage_group_id as origin_charge_id,
    usage_on as charged_on,
    provider,
    account_id,
    account_id as bill_account_id,
    api_key,
    model,
    meter,
    price_tier,
    null as kind_id,
    null as invoice_id,
    list_price_usd,
    unit_price_usd,
    payer_team_id,
    0 as called_lines,
    untraced_quantity as quantity,
    0 as called_quantity,
    0 as called_usd,
    0 as grouped_usd,
    untraced_usd,
    0 as invoice_only_usd,
    -untraced_usd as prepaid_usd
from usage
