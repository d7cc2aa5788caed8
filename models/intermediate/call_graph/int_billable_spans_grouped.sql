-- one row per billable span: the call that it belongs to
{{ replaces_touched("trace_key", by="trace") }}
{% set identified %}
identified as (

    select * from {{ ref('int_billable_spans_identified') }}

),
{% endset %}
{% set nested %}
-- A gateway and an SDK, or two instrumentations, report one request: nested, the same model, the same tokens.
nested as (

    {% call set_aside('nested', identified) %}
        {% call first_rows(
            partition_by="outer_span.trace_key, outer_span.span_key",
            order_by="inner_span.started_at, inner_span.span_key"
        ) %}
            select
                outer_span.trace_key,
                outer_span.span_key,
                inner_span.span_key as inner_span_key
            from identified as inner_span
            inner join identified as outer_span
                on inner_span.trace_key = outer_span.trace_key and inner_span.outer_call_key = outer_span.span_key
            where
                not inner_span.is_wrapper and not outer_span.is_wrapper
                and inner_span.has_usage and outer_span.has_usage
                and inner_span.all_input_tokens = outer_span.all_input_tokens
                and inner_span.all_output_tokens = outer_span.all_output_tokens
                and (inner_span.response_id is null or outer_span.response_id is null)
                -- One may know the dated name of the model, the other its alias.
                and (
                    {{ begins_with("coalesce(inner_span.model_name, '')", "coalesce(outer_span.model_name, '')") }}
                    or {{ begins_with("coalesce(outer_span.model_name, '')", "coalesce(inner_span.model_name, '')") }}
                )
        {% endcall %}
    {% endcall %}

),
{% endset %}
{% set first %}
    select
        nested.trace_key,
        nested.span_key as outermost_span_key,
        nested.span_key,
        0 as depth
    from nested
    left join nested as above
        on nested.trace_key = above.trace_key and nested.span_key = above.inner_span_key
    where above.span_key is null
{% endset %}
with recursive {{ identified }}

{{ nested }}

chains as (

    {% call(chains) reached_from('chains', first, nested, level='depth') %}
        select
            chains.trace_key,
            chains.outermost_span_key,
            nested.inner_span_key as span_key,
            chains.depth + 1 as depth
        from {{ chains }}
        inner join nested
            on chains.trace_key = nested.trace_key and chains.span_key = nested.span_key
    {% endcall %}

),

reported as (

    select
        chains.trace_key,
        chains.span_key,
        min(identified.response_id) over (partition by chains.trace_key, chains.outermost_span_key) as response_id,
        min(identified.trace_id || ':' || identified.span_id)
            over (partition by chains.trace_key, chains.outermost_span_key) as call_id
    from chains
    inner join identified
        on chains.trace_key = identified.trace_key and chains.span_key = identified.span_key

),

named as (

    select
        identified.trace_key,
        identified.span_key,
        coalesce(
            identified.response_id, reported.response_id, reported.call_id,
            identified.trace_id || ':' || identified.span_id
        ) as call_id,
        coalesce(identified.response_id, reported.response_id) is not null as is_answered,
        identified.is_identified,
        identified.is_wrapper
    from identified
    left join reported
        on identified.trace_key = reported.trace_key and identified.span_key = reported.span_key

)

select
    {{ row_key('call_id') }} as call_key,
    *
from named
