-- Langfuse: a trace download (`trace`, `observations`), or observations of the blob-storage export (one a record).
with observations as (

    select
        file_no,
        source_line,
        coalesce(document -> '$.trace', case when json_exists(document, '$.observations') then document end) as trace,
        unnest(case
            when json_type(document, '$.data') = 'ARRAY' then json_extract(document, '$.data[*]')
            when json_exists(document, '$.observations') then json_extract(document, '$.observations[*]')
            else [cast(document as json)]
        end) as span
    from documents

),

opened as (

    select
        *,
        json_of(span ->> '$.metadata') as metadata,
        json_of(coalesce(span ->> '$.usageDetails', span ->> '$.usage_details')) as usage,
        json_of(coalesce(span ->> '$.costDetails', span ->> '$.cost_details')) as cost,
        -- Exports of 2024 state three counts of a unit; with any other unit they are no tokens.
        json_of(span ->> '$.usage') as earlier_usage
    from observations

),

counted as (

    select
        *,
        coalesce(len(json_keys(usage)), 0) = 0 and upper(coalesce(earlier_usage ->> '$.unit', span ->> '$.unit', 'TOKENS')) in ('TOKENS', '')
            as is_earlier,
        coalesce(
            nullif(earlier_usage ->> '$.input', ''), nullif(span ->> '$.promptTokens', ''),
            nullif(span ->> '$.prompt_tokens', ''), span ->> '$.inputUsage', span ->> '$.input_usage'
        ) as earlier_input,
        coalesce(
            nullif(earlier_usage ->> '$.output', ''), nullif(span ->> '$.completionTokens', ''),
            nullif(span ->> '$.completion_tokens', ''), span ->> '$.outputUsage', span ->> '$.output_usage'
        ) as earlier_output,
        coalesce(
            nullif(earlier_usage ->> '$.total', ''), nullif(span ->> '$.totalTokens', ''),
            nullif(span ->> '$.total_tokens', ''), span ->> '$.totalUsage', span ->> '$.total_usage'
        ) as earlier_total,
        list_has_any(
            json_keys(metadata, '$.attributes'), ['gen_ai.request.model', 'gen_ai.response.model', 'llm.model_name']
        ) as is_of_model,
        len(list_filter(
            json_keys(metadata, '$.attributes'),
            lambda name: regexp_matches(name, '[._]usage|token_count|tokenUsage|^langfuse\.|^output\.value$')
        )) > 0 as is_of_usage
    from opened

),

estimated as (

    select
        *,
        -- Langfuse counts with a tokenizer of its own where a span states a model and no usage. Where the same
        -- instrumentation states the provider's usage on another span of the trace, such counts are none.
        coalesce(
            (is_of_model or span ->> '$.type' = 'GENERATION') and not is_of_usage and max(is_of_usage) over (
                partition by file_no, source_line, metadata ->> '$.scope.name'
            ), false
        ) as is_estimate
    from counted

)

select
    file_no,
    source_line,
    'langfuse' as format,
    coalesce(span ->> '$.traceId', span ->> '$.trace_id') as trace_id,
    span ->> '$.id' as span_id,
    coalesce(span ->> '$.parentObservationId', span ->> '$.parent_observation_id') as parent_span_id,
    span ->> '$.name' as name,
    case span ->> '$.level' when 'ERROR' then 'ERROR' end as status,
    coalesce(span ->> '$.startTime', span ->> '$.start_time') as started,
    coalesce(span ->> '$.endTime', span ->> '$.end_time') as ended,
    cast(null as varchar) as unit,
    cast(null as struct(trace_id varchar, span_id varchar)[]) as links,
    list_concat(
        pairs_of(metadata -> '$.attributes'),
        prefixed(pairs_of(metadata), 'metadata.'),
        case when not is_estimate then list_concat(
            prefixed(pairs_of(usage), 'langfuse.observation.usage_details.'),
            prefixed(pairs_of(cost), 'langfuse.observation.cost_details.'),
            [{ 'key': 'langfuse.observation.total_cost', 'value': coalesce(
                nullif(span ->> '$.totalCost', ''),
                nullif(span ->> '$.total_cost', ''),
                nullif(span ->> '$.calculatedTotalCost', ''),
                nullif(span ->> '$.calculated_total_cost', ''),
                earlier_usage ->> '$.totalCost'
            ) }],
            -- Servers write zeros where they know nothing.
            case when is_earlier and coalesce(nullif(earlier_input, '0'), nullif(earlier_output, '0'), nullif(earlier_total, '0')) <> '' then [
                { 'key': 'langfuse.observation.usage.input', 'value': earlier_input },
                { 'key': 'langfuse.observation.usage.output', 'value': earlier_output },
                { 'key': 'langfuse.observation.usage.total', 'value': earlier_total }
            ] end
        ) end,
        [
            -- LiteLLM names an observation after its start and the provider's response id.
            { 'key': 'gen_ai.response.id', 'value': regexp_extract(span ->> '$.id', '^time-[0-9]+(?:-[0-9]+)*_(.+)$', 1) },
            { 'key': 'langfuse.observation.usage_pricing_tier_name', 'value': coalesce(
                span ->> '$.usagePricingTierName', span ->> '$.usage_pricing_tier_name'
            ) },
            { 'key': 'langfuse.observation.type', 'value': span ->> '$.type' },
            { 'key': 'langfuse.observation.model.name', 'value': coalesce(
                span ->> '$.model', span ->> '$.providedModelName', span ->> '$.provided_model_name'
            ) },
            { 'key': 'langfuse.observation.prompt.name', 'value': coalesce(
                span ->> '$.promptName', span ->> '$.prompt_name'
            ) },
            { 'key': 'langfuse.observation.prompt.version', 'value': coalesce(
                span ->> '$.promptVersion', span ->> '$.prompt_version'
            ) },
            { 'key': 'langfuse.observation.model.parameters', 'value': coalesce(
                span ->> '$.modelParameters', span ->> '$.model_parameters'
            ) },
            { 'key': 'langfuse.environment', 'value': span ->> '$.environment' }
        ]
    ) as attributes,
    list_concat(
        pairs_of(metadata -> '$.resourceAttributes'),
        prefixed(within(pairs_of(coalesce(trace, json_object('tags', span -> '$.tags'))), 'tags.'), 'langfuse.trace.tags.'),
        prefixed(pairs_of(json_of(trace ->> '$.metadata')), 'langfuse.trace.metadata.'),
        [
            { 'key': 'langfuse.user.id', 'value': coalesce(
                trace ->> '$.userId', span ->> '$.userId', span ->> '$.user_id'
            ) },
            { 'key': 'langfuse.session.id', 'value': coalesce(
                trace ->> '$.sessionId', span ->> '$.sessionId', span ->> '$.session_id'
            ) },
            { 'key': 'langfuse.environment', 'value': trace ->> '$.environment' },
            { 'key': 'otel.scope.name', 'value': metadata ->> '$.scope.name' },
            { 'key': 'otel.scope.version', 'value': metadata ->> '$.scope.version' }
        ]
    ) as resource
from estimated
