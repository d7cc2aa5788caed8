with charges as (

    select * from {{ ref('int_exact_matches') }}
    where call_id is null and meter is not null and treatment != 'own_capacity'

),

-- Calls that a bill covers and names by no response id.
unmatched_calls as (

    select
        calls.call_key,
        calls.call_id,
        calls.provider,
        coverage.account_id,
        calls.api_key,
        calls.started_on as usage_on,
        calls.model,
        calls.is_answered,
        calls.stated_tier,
        calls.stated_geo,
        calls.context_tokens,
        calls.is_summed,
        coverage.is_provisional
    from {{ ref('int_call_providers') }} as calls
    inner join {{ ref('int_call_billing_coverage') }} as coverage on calls.call_key = coverage.call_key
    where coverage.is_in_bill and not calls.is_on_bill and not coverage.is_represented

),

call_usage as (

    select
        calls.call_key,
        calls.provider,
        calls.usage_on,
        calls.model,
        usage.meter as call_meter,
        usage.quantity,
        usage.priced_usd
    from unmatched_calls as calls
    inner join {{ ref('int_usage_items') }} as usage on calls.call_key = usage.call_key

),

billed_models as (

    select distinct
        provider,
        account_id,
        charged_on,
        model,
        meter
    from charges

),

billed_meters as (

    select distinct
        provider,
        charged_on as usage_on,
        model,
        meter
    from billed_models
    where meter != 'total'

),

meters as (

    {{ meters_billed('call_usage', 'billed_meters', 'usage_on') }}

),

-- Express usage in the meters of the day's bill: calls have finer ones.
billable_usage as (

    select
        usage.call_key,
        coalesce(meters.billed_meter, usage.call_meter) as meter,
        cast(sum(usage.quantity) as bigint) as quantity,
        sum(usage.priced_usd) as priced_usd
    from call_usage as usage
    left join meters
        on
            usage.provider = meters.provider
            and usage.usage_on = meters.usage_on
            and usage.model is not distinct from meters.model
            and usage.call_meter = meters.call_meter
    group by usage.call_key, coalesce(meters.billed_meter, usage.call_meter)

),

-- Usage that no charge of its model and meter covers is part of the day's total, if the bill has one.
usage_in_totals as (

    select
        calls.call_key,
        usage.meter
    from billable_usage as usage
    inner join unmatched_calls as calls on usage.call_key = calls.call_key
    inner join billed_models as totals
        on
            totals.meter = 'total'
            and calls.provider = totals.provider
            and calls.usage_on = totals.charged_on
            and coalesce(calls.account_id = totals.account_id, true)
    left join billed_models as named
        on
            totals.provider = named.provider
            and totals.account_id = named.account_id
            and totals.charged_on = named.charged_on
            and calls.model = named.model
            and usage.meter = named.meter
    where not {{ is_billed_apart('calls.provider', 'calls.stated_tier') }}
    group by calls.call_key, usage.meter
    having count(named.meter) = 0

),

total_usage as (

    select
        usage.call_key,
        sum(usage.priced_usd) as priced_usd,
        cast(sum(usage.quantity) as bigint) as quantity
    from usage_in_totals as parts
    inner join billable_usage as usage on parts.call_key = usage.call_key and parts.meter = usage.meter
    group by usage.call_key

)

select
    {{ all_but('calls', ['model']) }},
    calls.model,
    usage.meter,
    usage.quantity,
    usage.priced_usd
from billable_usage as usage
inner join unmatched_calls as calls on usage.call_key = calls.call_key
left join usage_in_totals as parts on usage.call_key = parts.call_key and usage.meter = parts.meter
where parts.call_key is null

union all

-- A total is matched in what calls cost by the book, in billionths of a dollar. Calls without a price take nothing
-- beside others that have one; if none has, they share the total by quantity.
select
    {{ all_but('calls', ['model']) }},
    null as model,
    'total' as meter,
    cast(case
        when max(usage.priced_usd) over (partition by calls.provider, calls.usage_on) > 0
            then floor(coalesce(usage.priced_usd, 0) * 1000000000)
        else usage.quantity
    end as bigint) as quantity,
    usage.priced_usd
from total_usage as usage
inner join unmatched_calls as calls on usage.call_key = calls.call_key
