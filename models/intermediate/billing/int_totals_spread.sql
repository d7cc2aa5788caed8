-- one row per day of a total over several days: its part, which is first what the day's use costs by the price book
{{ replaces_touched("charged_on", by="read_day") }}
with charges as (

    select * from {{ ref('int_charges_standing') }}

),

totals as (

    select
        charge_id,
        line_id,
        provider,
        account_id,
        api_key,
        charged_on,
        billed_usd,
        prepaid_usd,
        count(*) over (partition by line_id) > 1 as is_spread
    from charges
    where meter = 'total'

),

named as (

    {{ models_named('charges', 'totals') }}

),

met as (

    select
        totals.charge_id,
        totals.billed_usd as total_usd,
        totals.provider,
        totals.charged_on,
        calls.account_id,
        calls.api_key,
        calls.model,
        sum(calls.priced_usd) as called_usd
    from totals
    inner join {{ ref('int_calls_priced') }} as calls
        on
            totals.provider = calls.provider
            and totals.charged_on = calls.started_on
            and coalesce(totals.account_id = calls.account_id, true)
            and coalesce(totals.api_key = calls.api_key, true)
    left join named
        on
            totals.provider = named.provider
            and totals.account_id = named.account_id
            and totals.charged_on = named.charged_on
            and calls.model = named.model
    where
        named.is_named is null and not calls.is_on_bill
        and totals.charged_on in (
            select spread.charged_on
            from totals as spread
            where spread.is_spread
        )
    group by
        totals.charge_id, totals.billed_usd, totals.provider, totals.charged_on, calls.account_id, calls.api_key,
        calls.model

),

-- Several totals for the same calls share them by amount, as they do usage.
shared as (

    select
        charge_id,
        {{ floored_part('called_usd', 'total_usd * 1000000', 'sum(total_usd * 1000000) over same') }} as called_usd
    from met
    window same as (partition by provider, charged_on, account_id, api_key, model)

),

called as (

    select
        charge_id,
        sum(called_usd) as called_usd
    from shared
    group by charge_id

),

used as (

    select
        charge_id,
        max(total_weight) as weight
    from {{ ref('int_totals_weighed') }}
    group by charge_id

),

-- A usage file counts all use of a day; without one, the traced calls stand for it.
weighed as (

    select
        totals.*,
        coalesce(used.weight, {{ whole_number('called.called_usd * 1000000000000') }}, 0) as weight
    from totals
    left join used on totals.charge_id = used.charge_id
    left join called on totals.charge_id = called.charge_id
    where totals.is_spread

),

lines as (

    select
        line_id,
        count(*) as days,
        sum(billed_usd) as line_usd,
        sum(weight) as line_weight,
        least(sum(billed_usd), {{ floored_part('1', 'sum(weight)', '1000000000000') }}) as spent_usd
    from weighed
    group by line_id

),

-- A total below the book's prices scales them down. An excess belongs to no day in particular and is spread evenly.
parted as (

    select
        weighed.*,
        lines.line_usd,
        coalesce({{ floored_part('lines.spent_usd', 'weighed.weight', 'lines.line_weight') }}, 0)
        + {{ floored_part('(lines.line_usd - lines.spent_usd)', '1', 'lines.days') }} as part_usd
    from weighed
    inner join lines on weighed.line_id = lines.line_id

),

spread as (

    select
        *,
        {{ part_with_residue('line_usd', 'part_usd', 'weight', 'line_id', 'charged_on') }} as day_usd
    from parted

)

select
    charge_id,
    charged_on,
    day_usd as billed_usd,
    {{ money('prepaid_usd + billed_usd - day_usd') }} as prepaid_usd
from spread
where {{ is_touched('charged_on', 'read_day') }}
