with landed as (

    select * from {{ source('landed', 'eval_runs') }}

),

files as (

    select * from {{ source('landed', 'files') }}
    where kind = 'eval_runs'

)

-- A run exported again is the same run: the file that landed last has its final numbers.
{% call first_rows(
    partition_by="landed.run_id, landed.suite",
    order_by="files.landing_no desc, landed.source_line desc"
) %}
    select
        landed.run_id,
        landed.feature_id,
        landed.suite,
        landed.started_at,
        cast(landed.started_at as date) as started_on,
        lower(landed.model) as model_name,
        landed.prompt_version,
        landed.cases,
        landed.passed,
        landed.failed,
        landed.errored,
        cast(landed.cost_usd as decimal(38, 12)) as stated_usd,
        landed.trace_keys,
        -- A run that was cancelled or broke costs money but proves nothing.
        coalesce(lower(landed.status), 'success') in ('success', 'completed', 'passed', 'ok', 'failed') as is_finished
    from landed
    inner join files on landed.file_id = files.file_id
{% endcall %}
