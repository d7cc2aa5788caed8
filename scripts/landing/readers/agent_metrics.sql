-- Claude Code's metrics of tokens and cost: a span for each session, model and data point, which states usage and is no
-- request. Delta points are usage as they stand; of cumulative ones the models take differences. Other metrics say
-- nothing that a request could be made of.
with resources as (

    select
        file_no,
        source_line,
        unnest(json_transform(document, '{"resourceMetrics": [{
            "resource": {"attributes": [{attribute}]}, "scopeMetrics": [{
                "scope": {"name": "VARCHAR", "version": "VARCHAR"}, "metrics": [{
                    "name": "VARCHAR", "sum": {"aggregationTemporality": "VARCHAR", "dataPoints": [{
                        "startTimeUnixNano": "VARCHAR", "timeUnixNano": "VARCHAR", "asInt": "VARCHAR",
                        "asDouble": "VARCHAR", "attributes": [{attribute}]
                    }]}
                }]
            }]
        }]}').resourceMetrics) as resource_metrics
    from documents

),

scopes as (

    select
        file_no,
        source_line,
        otlp_names(resource_metrics.resource.attributes) as resource_names,
        otlp_texts(resource_metrics.resource.attributes) as resource_texts,
        unnest(resource_metrics.scopeMetrics) as scope_metrics
    from resources

),

metrics as (

    select
        file_no,
        source_line,
        resource_names,
        resource_texts,
        scope_metrics.scope as scope,
        unnest(scope_metrics.metrics) as metric
    from scopes

),

points as (

    select
        * exclude (metric),
        metric.name as metric_name,
        coalesce(metric.sum.aggregationTemporality in ('2', 'AGGREGATION_TEMPORALITY_CUMULATIVE'), false)
            as is_cumulative,
        unnest(metric.sum.dataPoints) as point
    from metrics
    where metric.name in ('claude_code.token.usage', 'claude_code.cost.usage')

),

described as (

    select
        * exclude (point),
        nullif(point.startTimeUnixNano, '0') as started,
        point.timeUnixNano as ended,
        coalesce(point.asInt, point.asDouble) as amount,
        otlp_names(point.attributes) as names,
        otlp_texts(point.attributes) as texts,
        case when metric_name = 'claude_code.cost.usage' then 'cost' else text_at(names, texts, 'type') end as kind,
        -- One time series but for the kind of token: the counts of its kinds are exported together.
        md5(concat_ws(
            chr(0), array_to_string(list_sort(list_transform(
                list_filter(list_zip(names, texts), lambda pair: pair[1] <> 'type'),
                lambda pair: concat(pair[1], '=', pair[2])
            )), chr(0)),
            array_to_string(resource_texts, chr(0))
        )) as series
    from points

),

intervals as (

    select
        file_no,
        source_line,
        series,
        is_cumulative,
        started,
        ended,
        any_value(names) as names,
        any_value(texts) as texts,
        any_value(resource_names) as resource_names,
        any_value(resource_texts) as resource_texts,
        any_value(scope) as scope,
        string_agg(distinct kind, ',' order by kind) as kinds,
        summed(case when kind = 'input' then amount end) as input_tokens,
        summed(case when kind = 'output' then amount end) as output_tokens,
        summed(case when kind = 'cacheRead' then amount end) as cache_read_tokens,
        summed(case when kind = 'cacheCreation' then amount end) as cache_creation_tokens,
        summed(case when kind = 'cost' then amount end) as cost_usd
    from described
    group by all

)

select
    file_no,
    source_line,
    'otlp_metrics' as format,
    'claude_code:' || coalesce(text_at(names, texts, 'session.id'), series) as trace_id,
    -- The series and its beginning stand before the point's time: by them the models find the point before it.
    case when is_cumulative then 'cumulative:' else 'delta:' end || series || ':' || coalesce(started, '0') || ':'
    || ended || ':' || kinds as span_id,
    cast(null as varchar) as parent_span_id,
    'claude_code.token.usage' as name,
    cast(null as varchar) as status,
    -- A series may have begun days ago: its points are of the time at which they were taken.
    case
        when try_cast(ended as bigint) - try_cast(started as bigint) between 0 and 3600000000000 then started else ended
    end as started,
    ended,
    'ns' as unit,
    cast(null as struct(trace_id varchar, span_id varchar)[]) as links,
    list_concat(
        ['claude_code.input_tokens', 'claude_code.output_tokens', 'claude_code.cache_read_tokens',
            'claude_code.cache_creation_tokens', 'claude_code.cost_usd', 'gen_ai.operation.name'],
        claude_code_names(names),
        list_transform(
            claude_code_pairs(names, texts, resource_names, resource_texts), lambda pair: pair.key
        )
    ) as names,
    list_concat(
        [input_tokens, output_tokens, cache_read_tokens, cache_creation_tokens, cost_usd, 'usage_metric'],
        texts,
        list_transform(
            claude_code_pairs(names, texts, resource_names, resource_texts), lambda pair: pair.value
        )
    ) as texts,
    list_concat(resource_names, ['otel.scope.name', 'otel.scope.version']) as resource_names,
    list_concat(resource_texts, [scope.name, scope.version]) as resource_texts
from intervals
