{{ config(materialized=table_that_asks_itself()) }}
with totals as (

    select
        started_on as day,
        sum(cast({{ row_key(entry_key([
            'call_id', 'feature_id', 'prompt_version', 'started_at', 'stated_usd', 'has_usage', 'input_tokens',
            'cache_read_tokens', 'cache_write_5m_tokens', 'output_tokens', 'reasoning_tokens'
        ])) }} as decimal(38, 0))) as total
    from {{ ref('int_eval_calls') }}
    group by started_on

)

{% if builds_on() %}
    select
        coalesce(totals.day, before.day) as day,
        coalesce(totals.total, 0) as total,
        coalesce(totals.total, 0) != coalesce(before.total, 0) as is_changed
    from totals
    full outer join {{ this }} as before on totals.day = before.day
{% else %}
    select
        day,
        total,
        true as is_changed
    from totals
{% endif %}
