{% set name = ['service_name', 'stated_model', 'model', 'tool_name'] %}
with drivers as (

    select * from {{ ref('stg_catalog__cost_drivers') }}

),

reported_calls as (

    select * from {{ ref('int_calls') }}
    where {{ is_touched('started_on', 'read_day', is_utc=true) }}

),

-- A call that a bill names runs on the provider's capacity, not on own.
calls as (

    select
        calls.call_key,
        calls.started_on,
        reported.started_on as seen_on,
        calls.started_at,
        reported.trace_key,
        reported.span_key,
        reported.service_name,
        case when calls.tool_meter is null then lower(reported.model_name) end as stated_model,
        case when calls.tool_meter is null then calls.model end as model,
        case when calls.tool_meter is not null then reported.model_name end as tool_name,
        calls.context_tokens + calls.output_tokens + calls.reasoning_tokens + calls.audio_output_tokens
        + calls.image_output_tokens as tokens,
        greatest(calls.requests, 1) as requests
    from {{ ref('int_call_providers') }} as calls
    inner join reported_calls as reported on calls.call_key = reported.call_key
    where not calls.is_on_bill and reported.span_key is not null

),

-- Millions of calls share a few names.
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
            and (
                drivers.tool_name is null
                or (names.tool_name is not null and {{ is_id('names.tool_name', 'drivers.tool_name') }})
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
    where driven.driver = 'seconds' and {{ is_touched('times.started_on', 'read_day', is_utc=true) }}
    group by driven.call_key

),

timed_calls as (

    select
        driven.*,
        times.instance_id,
        {{ microsecond_of('driven.started_at') }} as starts,
        greatest({{ microsecond_of('times.ended_at') }}, {{ microsecond_of('driven.started_at') }}) as ends
    from driven_calls as driven
    left join times on driven.call_key = times.call_key

),

-- Of the time during which an accelerator ran several calls at once, each adds what those that began before it leave.
busy_calls as (

    select
        *,
        coalesce(greatest(ends - greatest(starts, coalesce(max(ends) over earlier, starts)), 0), 0) as added,
        coalesce(ends - starts, 0) as lasted,
        sum(tokens) over (partition by driver_id, started_on) as day_tokens
    from timed_calls
    window earlier as (
        partition by driver_id, service_name, instance_id, started_on
        order by starts, ends, call_key
        rows between unbounded preceding and 1 preceding
    )

)

select
    call_key,
    driver_id,
    started_on,
    -- Calls share seconds by their tokens, or without any by how long they took.
    cast(case driver
        when 'tokens' then tokens
        when 'requests' then requests
        else case when day_tokens > 0 then tokens else {{ whole_quotient('lasted', 1000) }} end
    end as bigint) as weight,
    cast(case driver
        when 'tokens' then tokens
        when 'requests' then requests
        else {{ whole_quotient('added', 1000) }}
    end as bigint) as used
from busy_calls
