{{ replaces_touched("charged_on", by="read_day") }}
{% set usage_columns = [
    'provider', 'account_id', 'api_key', 'charged_on', 'model', 'meter', 'price_tier', 'context_side', 'context_limit',
    'inference_geo', 'quantity'
] %}
{% set total_columns = ['line_id', 'kind_id', 'invoice_id', 'bill_account_id', 'file_kind', 'tags'] %}
with charges as (

    select * from {{ ref('int_charges') }}

),

totals as (

    select
        *,
        count(*) over (partition by line_id) > 1 as is_spread
    from charges
    where meter = 'total'

),

models_with_charges as (

    {{ models_named('charges', 'totals') }}

),

traced_calls as (

    select
        totals.charge_id,
        totals.billed_usd as total_usd,
        totals.provider,
        totals.charged_on,
        calls.call_key,
        calls.account_id,
        calls.api_key,
        calls.model
    from totals
    inner join {{ ref('int_call_providers') }} as calls
        on
            totals.provider = calls.provider
            and totals.charged_on = calls.started_on
            and coalesce(totals.account_id = calls.account_id, true)
            and coalesce(totals.api_key = calls.api_key, true)
    left join models_with_charges
        on
            totals.provider = models_with_charges.provider
            and totals.account_id = models_with_charges.account_id
            and totals.charged_on = models_with_charges.charged_on
            and calls.model = models_with_charges.model
    where
        models_with_charges.is_named is null and not calls.is_on_bill and calls.usage_fault is null
        and totals.charged_on in (
            select spread.charged_on
            from totals as spread
            where spread.is_spread
        )

),

-- A call has a price only if all of its usage has one, as in int_call_costs.
priced_calls as (

    select
        call_key,
        {{ money('sum(priced_usd)') }} as priced_usd
    from {{ ref('int_usage_items') }}
    where call_key in (select traced_calls.call_key from traced_calls)
    group by call_key
    having not bool_or(unit_price_usd is null)

),

traced_usage as (

    select
        calls.charge_id,
        calls.total_usd,
        calls.provider,
        calls.charged_on,
        calls.account_id,
        calls.api_key,
        calls.model,
        -- Calls that a sampler kept stand for those that it dropped.
        sum({{ money('priced_calls.priced_usd * coalesce(sampled.adjusted_count, 1)') }}) as priced_usd
    from traced_calls as calls
    inner join priced_calls on calls.call_key = priced_calls.call_key
    left join {{ ref('int_sampled_calls') }} as sampled on calls.call_key = sampled.call_key
    group by
        calls.charge_id, calls.total_usd, calls.provider, calls.charged_on, calls.account_id, calls.api_key, calls.model

),

-- Several totals for the same calls share them by amount, as they do usage.
traced_usage_per_total as (

    select
        charge_id,
        {{ floored_part('priced_usd', 'total_usd * 1000000', 'sum(total_usd * 1000000) over same') }} as priced_usd
    from traced_usage
    window same as (partition by provider, charged_on, account_id, api_key, model)

),

traced_per_total as (

    select
        charge_id,
        sum(priced_usd) as priced_usd
    from traced_usage_per_total
    group by charge_id

),

-- The cost of usage by the price book, for each total that a usage file tells apart. Usage without a price in the book
-- gets no part. If nothing has a price, the total is not itemised.
priced_usage as (

    select
        usage.*,
        {{ whole_number(money('usage.quantity * prices.unit_price_usd') ~ ' * 1000000000000') }} as weight
    from {{ ref('int_usage_of_totals') }} as usage
    inner join {{ ref('int_unit_prices') }} as prices
        on
            usage.provider = prices.provider
            and usage.account_id is not distinct from prices.account_id
            and usage.model = prices.model
            and usage.call_meter = prices.meter
            and coalesce(usage.price_tier, 'standard') = prices.service_tier
            and usage.charged_on = prices.priced_on
            and usage.long_context_tokens = prices.long_context_tokens
            and prices.priced_time is null and prices.tool_meter is null
            and prices.inference_geo is null
    where {{ is_touched('usage.charged_on', 'read_day') }}

),

counted_usage as (

    select
        *,
        sum(weight) over (partition by charge_id) as total_weight,
        row_number() over (
            partition by charge_id
            order by {{ in_order('model, meter, price_tier, context_side, context_limit, inference_geo, api_key') }}
        ) as part_no
    from priced_usage
    where weight > 0

),

weights_per_total as (

    select
        charge_id,
        max(total_weight) as weight
    from counted_usage
    group by charge_id

    {% if builds_on() %}
        union all

        -- Days that this build does not read keep the weight that they had, because neither their calls nor their usage
        -- are read.
        select
            total_charge_id as charge_id,
            max(total_weight) as weight
        from {{ this }}
        where total_weight is not null and not ({{ is_touched('charged_on', 'read_day') }})
        group by total_charge_id
    {% endif %}

),

-- A usage file counts all use of a day; without one, the traced calls stand for it.
days_of_totals as (

    select
        totals.*,
        coalesce(counted.weight, {{ whole_number('traced.priced_usd * 1000000000000') }}, 0) as weight
    from totals
    left join weights_per_total as counted on totals.charge_id = counted.charge_id
    left join traced_per_total as traced on totals.charge_id = traced.charge_id
    where totals.is_spread

),

lines as (

    select
        line_id,
        count(*) as days,
        sum(billed_usd) as line_usd,
        sum(weight) as line_weight,
        least(sum(billed_usd), {{ floored_part('1', 'sum(weight)', '1000000000000') }}) as spent_usd
    from days_of_totals
    group by line_id

),

-- A total below the book's prices scales them down. An excess belongs to no day in particular and is spread evenly.
parts_of_lines as (

    select
        days_of_totals.*,
        lines.line_usd,
        coalesce({{ floored_part('lines.spent_usd', 'days_of_totals.weight', 'lines.line_weight') }}, 0)
        + {{ floored_part('(lines.line_usd - lines.spent_usd)', '1', 'lines.days') }} as part_usd
    from days_of_totals
    inner join lines on days_of_totals.line_id = lines.line_id

),

spread_totals as (

    select
        *,
        {{ part_with_residue('line_usd', 'part_usd', 'weight', 'line_id', 'charged_on') }} as day_usd
    from parts_of_lines

),

daily_totals as (

    select
        {{ all_but('totals', ['billed_usd', 'prepaid_usd']) }},
        coalesce(spread.day_usd, totals.billed_usd) as billed_usd,
        {{ money('totals.prepaid_usd + totals.billed_usd - coalesce(spread.day_usd, totals.billed_usd)') }}
            as prepaid_usd,
        {{ whole_number('spread.weight') }} as total_weight
    from totals
    left join spread_totals as spread on totals.charge_id = spread.charge_id
    where {{ is_touched('totals.charged_on', 'read_day') }}

),

parts as (

    select
        usage.*,
        totals.{{ total_columns | join(',\n        totals.') }},
        totals.billed_usd as total_usd,
        totals.prepaid_usd as total_prepaid_usd,
        {{ floored_part('totals.billed_usd', 'usage.weight', 'usage.total_weight') }} as part_usd
    from counted_usage as usage
    inner join daily_totals as totals on usage.charge_id = totals.charge_id

)

select
    charge_id as total_charge_id,
    charge_id || ':' || cast(part_no as string) as charge_id,
    {{ entry_key([
        'kind_id', 'account_id', 'bill_account_id', 'api_key', 'charged_on', 'model', 'meter', 'price_tier',
        'context_side', 'inference_geo', 'invoice_id', 'tags'
    ]) }} as origin_charge_id,
    {{ total_columns | join(',\n    ') }},
    {{ usage_columns | join(',\n    ') }},
    'call' as treatment,
    cast(null as string) as response_id,
    cast(null as bigint) as response_key,
    cast(null as string) as own_key_provider,
    {{ money('null') }} as own_key_usd,
    false as is_rounded,
    cast(null as string) as driver_group_id,
    {{ part_with_residue('total_usd', 'part_usd', 'weight', 'charge_id', 'part_no') }} as billed_usd,
    case when part_no = 1 then total_prepaid_usd else {{ money('0') }} end as prepaid_usd,
    total_weight
from parts

union all

select
    charge_id as total_charge_id,
    charge_id,
    origin_charge_id,
    {{ total_columns | join(',\n    ') }},
    {{ usage_columns | join(',\n    ') }},
    treatment,
    response_id,
    response_key,
    own_key_provider,
    own_key_usd,
    is_rounded,
    driver_group_id,
    billed_usd,
    prepaid_usd,
    total_weight
from daily_totals
where charge_id not in (select counted.charge_id from counted_usage as counted)
