{{ replaces_touched("trace_key", by="trace", days="started_on") }}
{% set of_position = [
    'trace_key', 'span_key', 'parent_span_key', 'trace_id', 'span_id', 'started_on', 'started_at', 'span_name'
] %}
{% set first_known = [
    'provider_name', 'server_address', 'service_tier', 'inference_geo', 'api_key', 'account_id', 'session_id',
    'stated_usd'
] %}
{% set of_usage = [
    'cached_input_rule', 'is_ambiguous_usage', 'usage_fault', 'is_cache_write_timed', 'all_input_tokens',
    'all_output_tokens', 'unexplained_tokens'
] %}
{% for meter in call_meters() %}
    {% do of_usage.append(meter_column(meter)) %}
{% endfor %}
with grouped as (

    select * from {{ ref('int_span_calls') }}
    where not is_wrapper and {{ is_touched('trace_key', 'trace') }}

),

-- Few calls have several spans, so only those are ranked.
calls_of_several_spans as (

    select call_key
    from grouped
    group by call_key
    having count(*) > 1

),

known_models as (

    select distinct model_name
    from {{ ref('int_stated_models') }}

),

spans as (

    select * from {{ ref('int_spans_reopened') }}
    where is_billable

),

ranked_spans as (

    select
        spans.*,
        grouped.call_key,
        grouped.call_id,
        grouped.is_answered,
        grouped.is_suspected_copy,
        known_models.model_name is not null as is_known_name,
        -- Position: prefer labelled spans, then those that know the response, then the deepest and the first to start.
        row_number() over (
            partition by grouped.call_key
            order by
                (attributed.originating_feature_id is not null) desc,
                grouped.is_identified desc,
                attributed.depth desc,
                {{ in_order('spans.started_at') }},
                spans.trace_key,
                spans.span_key
        ) as position_rank,
        -- Usage: prefer the provider's own count, then the span nearest the wire; an estimate without an id comes last.
        row_number() over (
            partition by grouped.call_key
            order by
                spans.has_usage desc,
                spans.is_provider_usage desc,
                grouped.is_identified desc,
                attributed.depth desc,
                spans.trace_key,
                spans.span_key
        ) as usage_rank
    from calls_of_several_spans
    inner join grouped on calls_of_several_spans.call_key = grouped.call_key
    inner join spans
        on grouped.trace_key = spans.trace_key and grouped.span_key = spans.span_key
    inner join {{ ref('int_span_attribution') }} as attributed
        on grouped.trace_key = attributed.trace_key and grouped.span_key = attributed.span_key
    left join known_models on spans.model_name = known_models.model_name

)

select
    grouped.call_key,
    grouped.call_id,
    grouped.is_answered,
    grouped.is_suspected_copy,
    1 as spans,
    spans.{{ of_position | join(', spans.') }},
    spans.service_name,
    spans.{{ first_known | join(', spans.') }},
    spans.model_name,
    spans.{{ of_usage | join(', spans.') }},
    spans.resend_count,
    spans.is_cancelled,
    spans.is_failed,
    spans.has_usage
from grouped
inner join spans
    on grouped.trace_key = spans.trace_key and grouped.span_key = spans.span_key
where grouped.call_key not in (select calls_of_several_spans.call_key from calls_of_several_spans)

union all

select
    call_key,
    max(call_id) as call_id,
    bool_or(is_answered) as is_answered,
    bool_or(is_suspected_copy) as is_suspected_copy,
    count(*) as spans,
    {% for column in of_position %}
        max(case when position_rank = 1 then {{ column }} end) as {{ column }},
    {% endfor %}
    min_by(service_name, position_rank) filter (where service_name is not null) as service_name,
    -- Any of the call's spans may know an attribute: take it from the first that does.
    {% for column in first_known %}
        min_by({{ column }}, usage_rank) filter (where {{ column }} is not null) as {{ column }},
    {% endfor %}
    -- Prefer a known model's name to that of a deployment, alias or class.
    coalesce(
        min_by(model_name, usage_rank) filter (where is_known_name),
        min_by(model_name, usage_rank) filter (where model_name is not null)
    ) as model_name,
    {% for column in of_usage %}
        max(case when usage_rank = 1 then {{ column }} end) as {{ column }},
    {% endfor %}
    max(resend_count) as resend_count,
    bool_or(is_cancelled) as is_cancelled,
    bool_or(is_failed) as is_failed,
    bool_or(has_usage) as has_usage
from ranked_spans
group by call_key
