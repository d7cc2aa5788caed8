with landed as (

    select * from {{ source('landed', 'eval_runs') }}
    where item_id is not null

),

files as (

    select * from {{ source('landed', 'files') }}

)

-- Exports overlap, and spans are sent again with the events on them: the score that landed last stands.
{% call first_rows(
    partition_by="landed.run_id, landed.suite, landed.item_id",
    order_by="files.landing_no desc, landed.source_line desc"
) %}
    select
        landed.tool,
        landed.run_id,
        landed.suite,
        landed.item_id,
        {{ unreserved('landed.feature_id', 'feature') }} as feature_id,
        landed.started_at as scored_at,
        landed.trace_key,
        landed.span_key,
        landed.response_ids as response_id,
        landed.trace_keys,
        landed.is_online,
        landed.passed,
        landed.failed,
        landed.errored,
        landed.usage
    from landed
    inner join files on landed.file_id = files.file_id
{% endcall %}
