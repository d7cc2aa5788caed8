-- one row per group of charges and calls that share their finest keys: what was billed against what was traced
{{ replaces_touched("usage_on", by="read_day") }}
with grouped as (

    select
        provider,
        match_account_id,
        match_key,
        match_rate,
        usage_on,
        model,
        meter,
        min(match_level) as match_level,
        case when count(distinct account_id) filter (where side = 'charge') > 1 then 'multiple' else coalesce(
            min(account_id) filter (where side = 'charge'), min(account_id)
        ) end as account_id,
        count(*) filter (where side = 'charge') as charges,
        count(*) filter (where side = 'charge' and is_rounded) as rounded_charges,
        coalesce(bool_or(is_provisional), false) as is_provisional,
        -- A quantity in a usage file without a charge was not billed.
        cast(case when count(*) filter (where side = 'charge') > 0 then coalesce(
            nullif(sum(quantity) filter (where side = 'charge'), 0), sum(quantity) filter (where side = 'usage'), 0
        ) else 0 end as bigint) as billed_quantity,
        {{ money("coalesce(sum(amount_usd) filter (where side = 'charge'), 0)") }} as billed_usd,
        {{ money("coalesce(sum(amount_usd) filter (where side = 'charge' and amount_usd > 0), 0)") }} as positive_usd,
        {{ money("coalesce(sum(amount_usd) filter (where side = 'charge' and amount_usd > 0 and quantity > 0), 0)") }}
            as counted_usd,
        cast(coalesce(sum(quantity) filter (where side = 'call' and not is_excluded), 0) as bigint) as traced_quantity,
        {{ money("sum(amount_usd) filter (where side = 'call' and not is_excluded)") }} as priced_usd,
        -- Calls whose own ids are on no charge of a bill by id.
        cast(coalesce(sum(quantity) filter (where is_excluded), 0) as bigint) as excluded_quantity,
        {{ money('sum(amount_usd) filter (where is_excluded)') }} as excluded_usd
    from {{ ref('int_match_members_grouped') }}
    group by provider, match_account_id, match_key, match_rate, usage_on, model, meter
    having count(*) filter (where side != 'usage') > 0

),

-- A charge without a quantity, and no usage file to tell it, has what its money buys at book prices.
counted as (

    select
        *,
        case
            when charges = 0 then 0
            -- Charges without a quantity beside others with one have it at the same price.
            when billed_quantity > 0 and counted_usd > 0 and counted_usd < positive_usd
                then {{ whole_ratio('positive_usd', 'billed_quantity', 'counted_usd') }}
            when billed_quantity > 0 then billed_quantity
            -- A total of less than its calls cost by the book scales them down.
            when meter = 'total' and billed_usd <= coalesce(priced_usd, 0) then traced_quantity
            when billed_usd > 0 and priced_usd > 0
                then {{ whole_ratio('billed_usd', 'traced_quantity', 'priced_usd') }}
            else traced_quantity
        end as charged_quantity
    from grouped

),

-- Money that buys all calls, and no whole unit more, is their price but for rounding; more than half a cent above it is
-- a price of its own.
bought as (

    select
        *,
        charges > 0 and billed_quantity = 0 and billed_usd > 0 and coalesce(priced_usd, 0) > 0
        and (charged_quantity != traced_quantity or billed_usd - priced_usd <= 0.005)
        and not (meter = 'total' and billed_usd < priced_usd) as is_bought_at_book
    from counted

),

-- Where a provider rounds each row to cents, what the book says of the quantity is nearer than the row.
unrounded as (

    select
        *,
        least(charged_quantity, traced_quantity) as matched_quantity,
        case
            when
                rounded_charges > 0
                and abs(billed_usd - {{ floored_part('priced_usd', 'billed_quantity', 'traced_quantity') }})
                <= 0.005 * rounded_charges
                and billed_quantity > 0
                then {{ floored_part('priced_usd', 'billed_quantity', 'traced_quantity') }}
            when is_bought_at_book and charged_quantity = traced_quantity then priced_usd
            else billed_usd
        end as explained_usd
    from bought

)

select
    {{ entry_key([
        'provider', 'match_account_id', 'match_key', 'match_rate', 'usage_on', 'model', 'meter'
    ]) }} as group_id,
    provider,
    match_account_id,
    match_key,
    match_rate,
    match_level,
    account_id,
    usage_on,
    model,
    meter,
    charges,
    billed_quantity,
    billed_usd,
    traced_quantity,
    priced_usd,
    excluded_quantity,
    excluded_usd,
    charged_quantity,
    matched_quantity,
    charges > 0 and traced_quantity > 0 as is_matched,
    is_provisional,
    billed_usd - explained_usd as rounding_usd,
    case
        when traced_quantity = 0 or charges = 0 then {{ money('0') }}
        -- What counts no more than was traced is used up whole; credits of a model go to its calls.
        when charged_quantity <= traced_quantity then explained_usd
        when meter = 'total' then priced_usd
        else {{ floored_part('explained_usd', 'traced_quantity', 'charged_quantity') }}
    end as attributed_usd,
    is_bought_at_book,
    explained_usd
from unrounded
