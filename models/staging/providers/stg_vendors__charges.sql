{% set same_charge = [
    'file_id', 'file_kind', 'provider', 'account_id', 'model', 'service', 'meter', 'api_key', 'user_id', 'description'
] %}
with landed as (

    select
        coalesce(file_kind, 'charges') as file_kind,
        lower(provider) as provider,
        {{ all_but('', ['file_kind', 'provider']) }}
    from {{ source('landed', 'charges') }}

),

followed_charges as (

    select
        *,
        start_time < end_time
        and lead(start_time) over (
            partition by {{ same_charge | join(', ') }}
            order by {{ in_order('start_time, end_time') }}
        ) = end_time as meets_the_next
    from landed

),

-- The last day of a charge is within it, unless the period ends on the first of a later month than it begins on, states
-- an hour, or the file's periods of one charge each begin where the last one ends.
ended_charges as (

    select
        *,
        case
            when
                file_kind != 'charges' or end_time > date_trunc('day', end_time)
                or (day(start_time) = 1 and day(end_time) = 1 and start_time < end_time)
                or (
                    bool_or(meets_the_next) over (partition by file_id)
                    and not bool_or(start_time = end_time) over (partition by file_id)
                )
                then end_time
            else end_time + interval 1 day
        end as ends_before
    from followed_charges

),

contexts as (

    select distinct
        provider,
        account_id,
        model,
        meter,
        cast(start_time as date) as charged_on
    from ended_charges
    where amount is null and quantity is not null

),

-- The agreed price of a unit that is billed in credits, DBUs or requests. The most exact name wins.
agreed_prices as (

    {% call first_rows(
        partition_by=[
            "contexts.provider", "contexts.account_id", "contexts.model", "contexts.meter", "contexts.charged_on"
        ] | join(', '),
        order_by=[
            "(negotiated.account_id is not null) desc", "length(negotiated.model) desc nulls last",
            "length(negotiated.meter) desc", "negotiated.valid_from desc nulls last", "negotiated.unit_price_usd desc"
        ]
    ) %}
        select
            contexts.*,
            cast(negotiated.unit_price_usd as decimal(18, 12)) as unit_price_usd
        from contexts
        inner join {{ ref('negotiated_prices') }} as negotiated
            on
                {{ is_like('contexts.provider', 'lower(negotiated.provider)') }}
                and {{ fits_id('contexts.account_id', 'negotiated.account_id') }}
                and {{ matches('lower(contexts.model)', 'negotiated.model') }}
                and {{ is_like('lower(contexts.meter)', 'negotiated.meter') }}
                and {{ in_force('negotiated', 'contexts.charged_on') }}
        where negotiated.unit_price_usd is not null
    {% endcall %}

),

priced_charges as (

    select
        ended.*,
        coalesce(
            ended.amount,
            cast(cast(ended.quantity as decimal(20, 12)) * prices.unit_price_usd as decimal(38, 18))
        ) as billed,
        case when ended.amount is null then 'USD' else coalesce(ended.currency, 'USD') end as billed_currency
    from ended_charges as ended
    left join agreed_prices as prices
        on
            {{ are_same('ended', 'prices', ['provider', 'account_id', 'model', 'meter']) }}
            and cast(ended.start_time as date) = prices.charged_on

)

select
    provider,
    file_kind,
    case when billed is null then 'usage' else 'bill' end as file_role,
    file_id,
    source_file,
    source_line,
    row_no,
    account_id,
    coalesce(api_key, user_id) as api_key,
    start_time as starts_at,
    greatest(ends_before - interval 1 microsecond, start_time) as ends_at,
    min(start_time) over account_of_file as covers_from,
    max(greatest(ends_before - interval 1 microsecond, start_time)) over account_of_file as covers_to,
    lower(model) as model_name,
    -- Credits and DBUs are what tokens of a model were billed in; what names no model is a fee, whatever it counts.
    case
        when model is null and billed is not null then null
        when billed is not null and (tokens is not null or lower(meter) in ('credits', 'dbu')) then 'tokens'
        else lower(coalesce(meter, 'tokens'))
    end as meter_name,
    cast(case
        when billed is not null and (tokens is not null or lower(meter) in ('credits', 'dbu')) then tokens
        else quantity
    end as decimal(38, 6)) as quantity,
    cast(quantity as decimal(38, 6)) as billed_units,
    cast(coalesce(billed, 0) as decimal(38, 18)) as billed_amount,
    upper(billed_currency) as currency,
    service as service_name,
    coalesce(sku, meter) as sku,
    description,
    case when billed is null or model is not null then 'usage' end as category,
    invoice_id,
    concat_ws(' | ', resource, tags) as resource,
    tags
from priced_charges
window account_of_file as (partition by file_id, file_kind, provider, account_id)
