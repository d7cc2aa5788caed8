-- one row per trace that an eval run names, or named at the last build: the feature that the run evaluated
with named as (

    select
        feature_id,
        run_id,
        {{ each_of('trace_keys') }} as trace_key
    from {{ ref('stg_evals__runs') }}

),

traces as (

    select
        trace_key,
        min(feature_id) as feature_id
    from named
    group by trace_key

)

{% if builds_on() %}
    select
        coalesce(traces.trace_key, before.trace_key) as trace_key,
        traces.feature_id,
        traces.trace_key is not null as is_named,
        (traces.trace_key is not null) != coalesce(before.is_named, false)
        or traces.feature_id is distinct from before.feature_id as is_changed
    from traces
    full outer join {{ this }} as before on traces.trace_key = before.trace_key
{% else %}
    select
        trace_key,
        feature_id,
        true as is_named,
        true as is_changed
    from traces
{% endif %}
