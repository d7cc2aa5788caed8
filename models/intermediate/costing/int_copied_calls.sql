{{ replaces_touched("started_on", by="read_day") }}
{% set day_and_model = ['provider', 'started_on', 'model'] %}
{% set group = day_and_model + ['account_id'] %}
with calls as (

    select * from {{ ref('int_call_providers') }}

),

suspected_reports as (

    select
        trace_key,
        span_key,
        call_key,
        copied_span_key
    from {{ ref('int_span_calls') }}
    where is_suspected_copy and not is_wrapper

),

suspected_copies as (

    select
        copies.call_key,
        min(originals.call_key) as first_key
    from suspected_reports as copies
    inner join suspected_reports as originals
        on copies.trace_key = originals.trace_key and copies.copied_span_key = originals.span_key
    where copies.call_key != originals.call_key
    group by copies.call_key

),

-- A copy may have copies: a gateway around a gateway around an SDK.
requests as (

    select
        copies.call_key,
        coalesce(originals.first_key, copies.first_key) as first_key
    from suspected_copies as copies
    left join suspected_copies as originals on copies.first_key = originals.call_key

    union

    select
        first_key as call_key,
        first_key
    from suspected_copies
    where first_key not in (select copies.call_key from suspected_copies as copies)

),

evaluated_calls as (

    select distinct tie_key as call_key
    from {{ ref('int_eval_references') }}
    where kind = 'call'

),

reports as (

    select
        requests.first_key,
        requests.call_key,
        calls.{{ day_and_model | join(',\n        calls.') }},
        calls.is_on_bill,
        evaluated_calls.call_key is not null as is_evaluated
    from requests
    inner join calls on requests.call_key = calls.call_key
    left join evaluated_calls on requests.call_key = evaluated_calls.call_key
    where calls.model is not null

),

-- One report of a request stays a call: one that the bill or an eval run names, else the first.
ranked_reports as (

    select
        call_key,
        {{ day_and_model | join(',\n        ') }},
        is_on_bill,
        row_number() over one_request as place,
        first_value(call_key) over one_request as copied_call_key
    from reports
    window one_request as (
        partition by first_key, {{ day_and_model | join(', ') }}
        order by is_on_bill desc, is_evaluated desc, (call_key = first_key) desc, call_key
    )

),

copies as (

    select * from ranked_reports
    where place > 1 and not is_on_bill

),

copy_days as (

    select distinct {{ day_and_model | join(', ') }} from copies

),

calls_of_days as (

    select
        calls.call_key,
        calls.{{ group | join(',\n        calls.') }},
        copies.call_key is not null as is_copy
    from calls
    inner join copy_days on {{ are_same('calls', 'copy_days', day_and_model) }}
    left join copies on calls.call_key = copies.call_key

),

lines_of_days as (

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
        charges.account_id is null as is_account_unknown
    from {{ ref('int_charges') }} as charges
    inner join copy_days as days
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
        usage.is_account_unknown or usage.account_id is null as is_account_unknown
    from {{ ref('int_usage_counts') }} as usage
    inner join copy_days as days
        on usage.provider = days.provider and usage.usage_on = days.started_on and usage.model = days.model
    where usage.meter is not null

),

-- Compare account by account only if every call and every line names its own.
days_without_accounts as (

    select {{ day_and_model | join(', ') }} from calls_of_days
    where account_id is null

    union

    select {{ day_and_model | join(', ') }} from lines_of_days
    where is_account_unknown

),

call_usage as (

    select
        calls.call_key,
        calls.is_copy,
        calls.{{ day_and_model | join(',\n        calls.') }},
        case when days.provider is null then calls.account_id else '' end as account_id,
        usage.meter as call_meter,
        usage.quantity,
        usage.priced_usd
    from calls_of_days as calls
    inner join {{ ref('int_usage_items') }} as usage on calls.call_key = usage.call_key
    left join days_without_accounts as days on {{ are_same('calls', 'days', day_and_model) }}

),

billed_meters as (

    select distinct
        {{ day_and_model | join(',\n        ') }},
        meter
    from lines_of_days

),

meters as (

    {{ meters_billed('call_usage', 'billed_meters', 'started_on') }}

),

billable_usage as (

    select
        usage.call_key,
        usage.is_copy,
        usage.{{ group | join(',\n        usage.') }},
        coalesce(meters.billed_meter, usage.call_meter) as meter,
        cast(sum(usage.quantity) as bigint) as quantity,
        {{ money('sum(usage.priced_usd)') }} as priced_usd,
        max(case when usage.priced_usd is null then 1 else 0 end) = 1 as is_unpriced
    from call_usage as usage
    left join meters
        on {{ are_same('usage', 'meters', day_and_model) }} and usage.call_meter = meters.call_meter
    group by
        usage.call_key, usage.is_copy, usage.{{ group | join(', usage.') }},
        coalesce(meters.billed_meter, usage.call_meter)

),

listed_usage as (

    select
        lines.{{ day_and_model | join(',\n        lines.') }},
        case when days.provider is null then lines.account_id else '' end as account_id,
        lines.meter,
        cast(sum(lines.quantity) filter (where lines.is_charge) as bigint) as charged_quantity,
        coalesce(
            cast(nullif(sum(lines.quantity) filter (where lines.is_charge), 0) as bigint),
            cast(sum(lines.quantity) filter (where not lines.is_charge) as bigint), 0
        ) as listed_quantity,
        {{ money("coalesce(sum(lines.billed_usd), 0)") }} as billed_usd,
        {{ money("coalesce(sum(lines.billed_usd) filter (where lines.billed_usd > 0), 0)") }} as positive_usd,
        {{ money("coalesce(sum(lines.billed_usd) filter (where lines.billed_usd > 0 and lines.quantity > 0), 0)") }}
            as counted_usd,
        count(*) filter (where lines.is_charge and lines.is_rounded) as rounded_charges
    from lines_of_days as lines
    left join days_without_accounts as days on {{ are_same('lines', 'days', day_and_model) }}
    group by
        lines.{{ day_and_model | join(', lines.') }}, case when days.provider is null then lines.account_id else '' end,
        lines.meter

),

-- The billed quantity counts, else that of the usage file, else what the bill's money buys at book prices.
rooms as (

    select
        *,
        listed_quantity > 0 as is_by_quantity,
        {{ money("case
            when coalesce(charged_quantity, 0) > 0 and counted_usd > 0 and counted_usd < positive_usd
                then " ~ whole_ratio('positive_usd', 'charged_quantity', 'counted_usd') ~ "
            when listed_quantity > 0 then listed_quantity
            else billed_usd + 0.005 * rounded_charges
        end") }} as room
    from listed_usage

),

compared_usage as (

    select
        usage.*,
        rooms.room,
        case when rooms.is_by_quantity then {{ money('usage.quantity') }} else usage.priced_usd end as amount,
        usage.is_unpriced and not rooms.is_by_quantity as is_unmeasured
    from billable_usage as usage
    inner join rooms on {{ are_same('usage', 'rooms', group + ['meter']) }}
    where rooms.room > 0

),

-- Other calls come first, then the copies one after the other.
filled_rooms as (

    select
        *,
        coalesce(sum(case when not is_copy then amount end) over same_meter, 0) as amount_of_others,
        coalesce(sum(amount) over so_far, 0) as amount_so_far,
        max(case when is_unmeasured then 1 else 0 end) over same_meter = 0 as is_measured
    from compared_usage
    window
        same_meter as (partition by {{ (group + ['meter']) | join(', ') }}),
        so_far as (
            partition by {{ (group + ['meter']) | join(', ') }} order by is_copy, call_key
            rows between unbounded preceding and current row
        )

),

-- A bill that has no room even for the other calls proves nothing about copies: it may be of another part of the usage.
tested_copies as (

    select
        call_key,
        is_copy and amount_so_far > room as is_beyond_room,
        min(case when is_measured and amount_of_others <= room then 1 else 0 end) over (
            partition by {{ group | join(', ') }}
        ) = 1 as is_conclusive
    from filled_rooms

)

select
    copies.call_key,
    copies.copied_call_key,
    copies.started_on,
    reported.spans
from copies
inner join {{ ref('int_calls') }} as reported on copies.call_key = reported.call_key
where
    copies.call_key in (
        select tested.call_key from tested_copies as tested
        where tested.is_beyond_room and tested.is_conclusive
    )
