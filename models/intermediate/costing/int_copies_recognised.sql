-- one row per suspected copy for which the day's bill, else its usage file, has no room: the call that it repeats
{{ replaces_touched("started_on", by="read_day") }}
{% set day_and_model = ['provider', 'started_on', 'model'] %}
{% set group = day_and_model + ['account_id'] %}
with reports as (

    select
        trace_key,
        span_key,
        call_key,
        copied_span_key
    from {{ ref('int_billable_spans_grouped') }}
    where is_suspected_copy and not is_wrapper

),

suspicions as (

    select
        copies.call_key,
        min(originals.call_key) as first_key
    from reports as copies
    inner join reports as originals
        on copies.trace_key = originals.trace_key and copies.copied_span_key = originals.span_key
    where copies.call_key != originals.call_key
    group by copies.call_key

),

-- A copy may have copies: a gateway around a gateway around an SDK.
members as (

    select
        suspicions.call_key,
        coalesce(above.first_key, suspicions.first_key) as first_key
    from suspicions
    left join suspicions as above on suspicions.first_key = above.call_key

    union

    select
        first_key as call_key,
        first_key
    from suspicions
    where first_key not in (select copies.call_key from suspicions as copies)

),

evaluated as (

    select distinct tie_key
    from {{ ref('int_run_ids_named') }}
    where kind = 'call'

),

known as (

    select
        members.call_key,
        members.first_key,
        calls.provider,
        calls.started_on,
        calls.model,
        calls.is_on_bill,
        evaluated.tie_key is not null as is_evaluated
    from members
    inner join {{ ref('int_call_providers') }} as calls on members.call_key = calls.call_key
    left join evaluated on members.call_key = evaluated.tie_key
    where calls.model is not null

),

-- One report of a request stays a call: one that the bill or an eval run names, else the first.
ranked as (

    select
        *,
        row_number() over one_request as place,
        first_value(call_key) over one_request as copied_call_key
    from known
    window one_request as (
        partition by first_key, {{ day_and_model | join(', ') }}
        order by is_on_bill desc, is_evaluated desc, (call_key = first_key) desc, call_key
    )

),

copies as (

    select * from ranked
    where place > 1 and not is_on_bill

),

days as (

    select distinct {{ day_and_model | join(', ') }} from copies

),

calls as (

    select
        calls.*,
        copies.call_key is not null as is_copy
    from {{ ref('int_call_providers') }} as calls
    inner join days on {{ are_same('calls', 'days', day_and_model) }}
    left join copies on calls.call_key = copies.call_key

),

lines as (

    select
        charges.provider,
        charges.charged_on as started_on,
        charges.model,
        charges.account_id,
        charges.meter,
        charges.quantity,
        charges.billed_usd,
        charges.is_rounded,
        true as is_charge,
        false as is_account_unknown
    from {{ ref('int_charges_standing') }} as charges
    inner join days
        on charges.provider = days.provider and charges.charged_on = days.started_on and charges.model = days.model
    where charges.treatment = 'call' and charges.meter is not null

    union all

    select
        usage.provider,
        usage.usage_on as started_on,
        usage.model,
        usage.account_id,
        usage.meter,
        usage.quantity,
        null as billed_usd,
        false as is_rounded,
        false as is_charge,
        usage.is_account_unknown
    from {{ ref('int_usage_standing') }} as usage
    inner join days
        on usage.provider = days.provider and usage.usage_on = days.started_on and usage.model = days.model
    where usage.meter is not null

),

-- Accounts are looked at one by one only where all that was used and counted names its own.
levels as (

    select
        {{ day_and_model | join(',\n        ') }},
        max(case when is_account_unknown then 1 else 0 end) = 0 as has_account
    from (
        select
            {{ day_and_model | join(',\n            ') }},
            account_id is null as is_account_unknown
        from calls

        union all

        select
            {{ day_and_model | join(',\n            ') }},
            is_account_unknown or account_id is null as is_account_unknown
        from lines
    ) as named
    group by {{ day_and_model | join(', ') }}

),

metered as (

    select
        calls.call_key,
        calls.is_copy,
        calls.{{ day_and_model | join(',\n        calls.') }},
        case when levels.has_account then calls.account_id else '' end as account_id,
        meters.meter as call_meter,
        meters.quantity,
        meters.priced_usd
    from calls
    inner join levels on {{ are_same('calls', 'levels', day_and_model) }}
    inner join {{ ref('int_meters_priced') }} as meters on calls.call_key = meters.call_key

),

billed as (

    select distinct
        {{ day_and_model | join(',\n        ') }},
        meter
    from lines

),

meters as (

    {{ meters_billed('metered', 'billed', 'started_on') }}

),

used as (

    select
        metered.call_key,
        metered.is_copy,
        metered.{{ group | join(',\n        metered.') }},
        coalesce(meters.billed_meter, metered.call_meter) as meter,
        cast(sum(metered.quantity) as bigint) as quantity,
        {{ money('sum(metered.priced_usd)') }} as priced_usd,
        max(case when metered.priced_usd is null then 1 else 0 end) = 1 as is_unpriced
    from metered
    left join meters
        on {{ are_same('metered', 'meters', day_and_model) }} and metered.call_meter = meters.call_meter
    group by
        metered.call_key, metered.is_copy, metered.{{ group | join(', metered.') }},
        coalesce(meters.billed_meter, metered.call_meter)

),

said as (

    select
        lines.{{ day_and_model | join(',\n        lines.') }},
        case when levels.has_account then lines.account_id else '' end as account_id,
        lines.meter,
        cast(sum(lines.quantity) filter (where lines.is_charge) as bigint) as charged_quantity,
        cast(sum(lines.quantity) filter (where not lines.is_charge) as bigint) as counted_quantity,
        {{ money("coalesce(sum(lines.billed_usd), 0)") }} as billed_usd,
        {{ money("coalesce(sum(lines.billed_usd) filter (where lines.billed_usd > 0), 0)") }} as positive_usd,
        {{ money("coalesce(sum(lines.billed_usd) filter (where lines.billed_usd > 0 and lines.quantity > 0), 0)") }}
            as counted_usd,
        count(*) filter (where lines.is_charge and lines.is_rounded) as rounded_charges
    from lines
    inner join levels on {{ are_same('lines', 'levels', day_and_model) }}
    group by
        lines.{{ day_and_model | join(', lines.') }}, case when levels.has_account then lines.account_id else '' end,
        lines.meter

),

-- The billed quantity counts, else that of the usage file, else what the bill's money buys at book prices.
rooms as (

    select
        *,
        coalesce(nullif(charged_quantity, 0), counted_quantity, 0) > 0 as is_by_quantity,
        {{ money("case
            when coalesce(charged_quantity, 0) > 0 and counted_usd > 0 and counted_usd < positive_usd
                then " ~ whole_ratio('positive_usd', 'charged_quantity', 'counted_usd') ~ "
            when coalesce(nullif(charged_quantity, 0), counted_quantity, 0) > 0
                then coalesce(nullif(charged_quantity, 0), counted_quantity)
            else billed_usd + 0.005 * rounded_charges
        end") }} as room
    from said

),

measured as (

    select
        used.*,
        rooms.room,
        case when rooms.is_by_quantity then {{ money('used.quantity') }} else used.priced_usd end as amount,
        used.is_unpriced and not rooms.is_by_quantity as is_unmeasured
    from used
    inner join rooms on {{ are_same('used', 'rooms', group + ['meter']) }}
    where rooms.room > 0

),

-- A bill that has no room even for the other calls says nothing of copies: it may be of another part of the use.
bases as (

    select
        {{ group | join(',\n        ') }},
        meter,
        coalesce(sum(amount) filter (where not is_copy), 0) as base
    from measured
    group by {{ group | join(', ') }}, meter, room
    having
        coalesce(sum(amount) filter (where not is_copy), 0) <= room
        and max(case when is_unmeasured then 1 else 0 end) = 0

),

telling as (

    select measured.{{ group | join(', measured.') }}
    from measured
    left join bases on {{ are_same('measured', 'bases', group + ['meter']) }}
    group by measured.{{ group | join(', measured.') }}
    having min(case when bases.meter is not null then 1 else 0 end) = 1

),

-- Copies take what room there is one after the other.
filled as (

    select
        measured.call_key,
        bases.base + sum(measured.amount) over (
            partition by measured.{{ (group + ['meter']) | join(', measured.') }}
            order by measured.call_key
            rows between unbounded preceding and current row
        ) > measured.room as is_beyond
    from measured
    inner join telling on {{ are_same('measured', 'telling', group) }}
    inner join bases on {{ are_same('measured', 'bases', group + ['meter']) }}
    where measured.is_copy

)

select
    copies.call_key,
    copies.copied_call_key,
    copies.started_on,
    said.spans
from copies
inner join {{ ref('int_calls_deduplicated') }} as said on copies.call_key = said.call_key
where
    copies.call_key in (
        select filled.call_key from filled
        where filled.is_beyond
    )
