-- Pages of the Anthropic Admin API's cost and usage reports, or their buckets alone. A bucket without results says that
-- the page covers it. Amounts are decimal text in cents. A result of the other report in the same file is refused by
-- name, instead of landing as nothing.
with buckets as (

    select
        file_no,
        source_line,
        unnest(case
            when json_type(document, '$.data') = 'ARRAY' then json_extract(document, '$.data[*]')
            else [cast(document as json)]
        end) as bucket
    from documents

),

buckets_opened as (

    -- Before they are multiplied: a bucket may hold megabytes.
    select
        file_no,
        source_line,
        bucket ->> '$.starting_at' as starting_at,
        bucket ->> '$.ending_at' as ending_at,
        case
            when json_array_length(bucket, '$.results') > 0 then json_extract(bucket, '$.results[*]')
            else [cast('{}' as json)]
        end as bucket_results
    from buckets

),

results as (

    select
        file_no,
        source_line,
        starting_at,
        ending_at,
        unnest(bucket_results) as result
    from buckets_opened

)

select
    file_no,
    source_line,
    cast(json_merge_patch(result, json_object(
        'starting_at', starting_at,
        'ending_at', ending_at,
        'is_rounded', 'false',
        -- The exponent moves the point, so that no digit is lost.
        'cost_usd', coalesce((result ->> '$.amount') || 'e-2', 'usage of ' || (result ->> '$.uncached_input_tokens')),
        'uncached_input_tokens', coalesce(
            result ->> '$.uncached_input_tokens', 'cost of ' || (result ->> '$.amount')
        ),
        'cache_creation.ephemeral_5m_input_tokens', result ->> '$.cache_creation.ephemeral_5m_input_tokens',
        'cache_creation.ephemeral_1h_input_tokens', result ->> '$.cache_creation.ephemeral_1h_input_tokens',
        'server_tool_use.web_search_requests', result ->> '$.server_tool_use.web_search_requests'
    )) as varchar) as document
from results
