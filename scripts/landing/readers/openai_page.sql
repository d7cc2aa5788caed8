-- Results of the OpenAI costs and usage API, after pages.sql. A result of the other report in the same file is refused by
-- name, instead of landing as nothing.
, kinds_told as (

    select
        *,
        (result ->> '$.object') = 'organization.costs.result' as is_cost
    from results

)

select
    file_no,
    source_line,
    cast(json_merge_patch(result, json_object(
        'start_time', start_time,
        'end_time', end_time,
        'amount_value', case
            when is_cost then coalesce(result ->> '$.amount.value', result ->> '$.amount')
            else result ->> '$.object'
        end,
        'amount_currency', result ->> '$.amount.currency',
        'num_model_requests', case when is_cost then result ->> '$.object' else result ->> '$.num_model_requests' end,
        'operation', regexp_extract(result ->> '$.object', '^organization\.usage\.([a-z_]+)\.', 1)
    )) as varchar) as document
from kinds_told
