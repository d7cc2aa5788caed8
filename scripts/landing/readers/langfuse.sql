-- Langfuse: a trace download (`trace`, `observations`), or observations of the blob-storage export (one a record).
with observations as (

    select
        file_no,
        source_line,
        coalesce(document -> '$.trace', case when json_exists(document, '$.observations') then document end) as trace,
        unnest(case
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
        json_of(coalesce(span ->> '$.costDetails', span ->> '$.cost_details')) as cost
    from observations

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
        prefixed(pairs_of(usage), 'langfuse.observation.usage_details.'),
        prefixed(pairs_of(cost), 'langfuse.observation.cost_details.'),
        [
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
            { 'key': 'langfuse.observation.total_cost', 'value': coalesce(
                span ->> '$.totalCost', span ->> '$.total_cost'
            ) },
            { 'key': 'langfuse.observation.usage_pricing_tier_name', 'value': coalesce(
                span ->> '$.usagePricingTierName', span ->> '$.usage_pricing_tier_name'
            ) },
            { 'key': 'langfuse.observation.model.parameters', 'value': coalesce(
                span ->> '$.modelParameters', span ->> '$.model_parameters'
            ) },
            { 'key': 'langfuse.environment', 'value': span ->> '$.environment' }
        ]
    ) as attributes,
    list_concat(
        pairs_of(metadata -> '$.resourceAttributes'),
        prefixed(within(pairs_of(trace), 'tags.'), 'langfuse.trace.tags.'),
        prefixed(pairs_of(json_of(trace ->> '$.metadata')), 'langfuse.trace.metadata.'),
        [
            { 'key': 'langfuse.user.id', 'value': coalesce(trace ->> '$.userId', span ->> '$.user_id') },
            { 'key': 'langfuse.session.id', 'value': coalesce(trace ->> '$.sessionId', span ->> '$.session_id') },
            { 'key': 'langfuse.environment', 'value': trace ->> '$.environment' }
        ]
    ) as resource
from opened
