-- Pages of the Anthropic Admin API's cost and usage reports: buckets of results. Amounts are cents.
with buckets as (

    select
        file_no,
        source_line,
        unnest(json_extract(document, '$.data[*]')) as bucket
    from documents

),

results as (

    select
        *,
        unnest(case
            when json_array_length(bucket, '$.results') > 0 then json_extract(bucket, '$.results[*]')
            else [cast('{}' as json)]
        end) as result
    from buckets

)

select
    file_no,
    source_line,
    cast(json_merge_patch(result, json_object(
        'start_time', bucket ->> '$.starting_at',
        'end_time', bucket ->> '$.ending_at',
        'is_rounded', 'false',
        'workspace', result ->> '$.workspace_id',
        -- Cents as dollars; an amount that is no number is left to be refused by name.
        'cost_usd', coalesce(
            cast(try_cast(result ->> '$.amount' as decimal(36, 16)) * 0.01 as varchar), result ->> '$.amount'
        ),
        'input_tokens_no_cache', result ->> '$.uncached_input_tokens',
        'input_tokens_cache_write_5m', result ->> '$.cache_creation.ephemeral_5m_input_tokens',
        'input_tokens_cache_write_1h', result ->> '$.cache_creation.ephemeral_1h_input_tokens',
        'input_tokens_cache_read', result ->> '$.cache_read_input_tokens',
        'web_search_count', result ->> '$.server_tool_use.web_search_requests'
    )) as varchar) as document
from results
