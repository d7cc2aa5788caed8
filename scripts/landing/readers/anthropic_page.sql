-- Results of the Anthropic Admin API's cost and usage reports, after pages.sql. Amounts are decimal text in cents. A result
-- of the other report in the same file is refused by name, instead of landing as nothing.
select
    file_no,
    source_line,
    cast(json_merge_patch(result, json_object(
        'starting_at', start_time,
        'ending_at', end_time,
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
