-- Identity 9: tokens stated by spans = tokens of calls + of further reports of these calls + of wrappers and steps that
-- their calls explain + tokens listed as unexplained or as no call's. Each side is added up by itself.
with spans as (

    select
        trace_key,
        span_key,
        is_billable,
        has_usage,
        all_input_tokens + all_output_tokens as tokens,
        unexplained_tokens
    from {{ ref('int_spans_reopened') }}

),

stated as (

    select coalesce(sum(tokens + unexplained_tokens), 0) as tokens
    from spans

),

grouped as (

    select * from {{ ref('int_span_calls') }}
    where {{ is_touched('trace_key', 'trace') }}

),

calls as (

    select
        coalesce(sum(all_input_tokens + all_output_tokens + unexplained_tokens), 0) as tokens,
        coalesce(sum(unexplained_tokens), 0) as listed_too
    from {{ ref('int_reported_calls') }}
    where {{ is_touched('trace_key', 'trace') }}

),

-- All reports of requests, of which each call takes one.
reports as (

    select coalesce(sum(spans.tokens + spans.unexplained_tokens), 0) as tokens
    from grouped
    inner join spans on grouped.trace_key = spans.trace_key and grouped.span_key = spans.span_key
    where not grouped.is_wrapper

),

claims as (

    select
        claims.trace_key,
        claims.span_key,
        claims.all_input_tokens + claims.all_output_tokens + claims.unexplained_tokens as tokens,
        listed.tokens as listed
    from {{ ref('int_agent_residuals') }} as claims
    left join {{ ref('int_usage_unexplained') }} as listed
        on
            claims.trace_key = listed.trace_key
            and claims.span_key = listed.span_key
            and listed.reason != 'unreadable_count'

),

-- Billable by their operation, but the sum of others, and tools that are billed by request and stand around calls.
wrappers as (

    select coalesce(sum(spans.tokens + spans.unexplained_tokens), 0) as tokens
    from spans
    left join grouped
        on spans.trace_key = grouped.trace_key and spans.span_key = grouped.span_key and not grouped.is_wrapper
    left join claims on spans.trace_key = claims.trace_key and spans.span_key = claims.span_key
    left join {{ ref('int_spans') }} as known
        on spans.trace_key = known.trace_key and spans.span_key = known.span_key
    where
        claims.span_key is null
        and (
            (spans.is_billable and grouped.span_key is null)
            or (known.tool_meter is not null and known.is_inner)
        )

),

explained as (

    select coalesce(sum(tokens - coalesce(listed, 0)), 0) as tokens
    from claims

),

listed as (

    select coalesce(sum(tokens), 0) as tokens
    from {{ ref('int_usage_unexplained') }}
    where {{ is_touched('trace_key', 'trace') }}

),

shown as (

    select
        (
            select coalesce(sum(tokens), 0)
            from {{ ref('unexplained_usage_daily') }}
            where operation is distinct from 'eval_run'
        ) as in_mart,
        (
            select coalesce(sum(tokens), 0)
            from {{ ref('int_usage_unexplained') }}
        ) as in_all

)

select
    stated.tokens as stated,
    calls.tokens as of_calls,
    reports.tokens as of_reports,
    wrappers.tokens as of_wrappers,
    explained.tokens as of_claims,
    listed.tokens as of_listed,
    shown.*
from stated
cross join calls
cross join reports
cross join wrappers
cross join explained
cross join listed
cross join shown
where
    -- A report's total beyond every reading is listed once, for the report that its call takes.
    stated.tokens != reports.tokens - calls.listed_too + wrappers.tokens + explained.tokens + listed.tokens
    or calls.tokens > reports.tokens
    or shown.in_mart != shown.in_all
