{% call first_rows(partition_by="landed.event_id", order_by="files.landing_no desc, landed.source_line desc") %}
    select
        landed.event_id,
        landed.occurred_at,
        cast(date_trunc('month', landed.occurred_at) as date) as month,
        coalesce(
            chains.newest_feature_id, {{ unreserved('landed.feature_id', 'feature') }}, 'unlabelled'
        ) as feature_id,
        landed.user_id,
        landed.account_id,
        landed.trace_key,
        landed.request_id,
        coalesce(landed.answers, 0) as answers
    from {{ source('landed', 'usage_events') }} as landed
    inner join {{ source('landed', 'files') }} as files on landed.file_id = files.file_id
    left join {{ ref('stg_catalog__feature_chains') }} as chains on landed.feature_id = chains.feature_id
    where {{ is_kept('cast(landed.occurred_at as date)') }}
{% endcall %}
