{% set name = ['service_name', 'provider', 'stated_model', 'model', 'is_in_book', 'tool_name', 'is_billed_tool'] %}
with drivers as (

    select * from {{ ref('stg_catalog__cost_drivers') }}

),

reported_calls as (

    select * from {{ ref('int_calls') }}
    where {{ is_touched('started_on', 'read_day', is_utc=true) }}

),

-- A call that a bill names by its response id is not on own capacity.
calls as (

    select
        calls.call_key,
        calls.started_on,
        calls.started_at,
        reported.trace_key,
        reported.span_key,
        reported.spans,
        reported.service_name,
        calls.provider,
        calls.is_in_book,
        case when calls.tool_meter is null then lower(reported.model_name) end as stated_model,
        case when calls.tool_meter is null then calls.model end as model,
        case when calls.tool_meter is not null then reported.model_name end as tool_name,
        calls.tool_meter is not null and served.span_key is null as is_billed_tool,
        calls.context_tokens + calls.output_tokens + calls.reasoning_tokens + calls.audio_output_tokens
        + calls.image_output_tokens as tokens,
        greatest(calls.requests, 1) as requests
    from {{ ref('int_call_providers') }} as calls
    inner join reported_calls as reported on calls.call_key = reported.call_key
    left join {{ ref('int_served_spans') }} as served
        on reported.trace_key = served.trace_key and reported.span_key = served.span_key
    where not calls.is_on_bill and reported.span_key is not null and calls.started_at is not null

),

-- Look up each combination of names once: millions of calls share a few.
names as (

    select distinct {{ name | join(', ') }}
    from calls

),

possible_drivers as (

    select
        names.*,
        drivers.driver_id,
        drivers.driver,
        drivers.place,
        min(drivers.place) over (partition by names.{{ name | join(', names.') }}) as first_place
    from names
    inner join drivers
        on
            {{ fits_id('names.service_name', 'drivers.service') }}
            and (
                drivers.model is null
                or (
                    names.tool_name is null
                    and (
                        {{ matches('names.stated_model', 'drivers.model') }}
                        or {{ matches('names.model', 'drivers.model') }}
                    )
                )
            )
            -- A tool that somebody bills is own capacity only by its name.
            and (
                (drivers.tool_name is null and not names.is_billed_tool)
                or (names.tool_name is not null and {{ is_id('names.tool_name', 'drivers.tool_name') }})
            )
            -- A model that its provider sells is own capacity only if the driver names a service, or if that provider
            -- bills the capacity.
            and (
                drivers.service is not null or drivers.tool_name is not null or not names.is_in_book
                or (drivers.provider is not null and {{ matches('names.provider', 'drivers.provider') }})
            )

),

driven_calls as (

    select
        calls.*,
        drivers.driver_id,
        drivers.driver
    from calls
    inner join possible_drivers as drivers on {{ are_same('calls', 'drivers', name) }}
    where drivers.place = drivers.first_place

),

times as (

    select
        driven.call_key,
        min(times.instance_id) as instance_id,
        max(times.ended_at) as ended_at
    from driven_calls as driven
    inner join {{ ref('stg_telemetry__span_times') }} as times
        on driven.trace_key = times.trace_key and driven.span_key = times.span_key
    where
        -- A metric's or an agent's total of requests does not say how long they ran.
        driven.driver = 'seconds' and driven.spans > 0
        and {{ is_touched('times.started_on', 'read_day', is_utc=true) }}
    group by driven.call_key

),

-- A call without an end time lasts a microsecond, so that it gets a share.
timed_calls as (

    select
        driven.*,
        times.instance_id,
        {{ microsecond_of('driven.started_at') }} as starts,
        greatest(
            coalesce({{ microsecond_of('times.ended_at') }}, 0), {{ microsecond_of('driven.started_at') }} + 1
        ) as ends
    from driven_calls as driven
    left join times on driven.call_key = times.call_key

),

-- Calls that overlap on one accelerator count once: each adds only its time after all earlier ones have ended.
busy_calls as (

    select
        *,
        greatest(ends - greatest(starts, coalesce(max(ends) over earlier, starts)), 0) as added
    from timed_calls
    window earlier as (
        partition by driver_id, service_name, instance_id, started_on
        order by starts, ends, call_key
        rows between unbounded preceding and 1 preceding
    )

),

day_uses as (

    select
        *,
        sum(added) over of_day as day_added,
        sum(tokens) over of_day as day_tokens,
        sum(ends - starts) over of_day as day_lasted
    from busy_calls
    window of_day as (partition by driver_id, started_on)

)

-- In thousandths of tokens, requests and milliseconds.
select
    call_key,
    driver_id,
    started_on,
    -- Calls share the seconds in use of their day by tokens, or without any by how long they took.
    cast(case driver
        when 'tokens' then tokens * 1000
        when 'requests' then requests * 1000
        else {{ whole_quotient(
            whole_number('day_added') ~ ' * '
            ~ whole_number('case when day_tokens > 0 then tokens else ends - starts end'),
            whole_number('case when day_tokens > 0 then day_tokens else greatest(day_lasted, 1) end')
        ) }}
    end as bigint) as weight,
    cast(case driver
        when 'tokens' then tokens * 1000
        when 'requests' then requests * 1000
        else added
    end as bigint) as used
from day_uses
