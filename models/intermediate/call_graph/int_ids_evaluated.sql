-- one row per trace or response id that an eval run names, or named at the last build: the feature that it evaluated
{{ config(materialized=table_that_asks_itself()) }}
with named as (

    select
        kind,
        tie_key,
        min(feature_id) as feature_id
    from {{ ref('int_run_ids_named') }}
    group by kind, tie_key

)

{% if builds_on() %}
    select
        coalesce(named.kind, before.kind) as kind,
        coalesce(named.tie_key, before.tie_key) as tie_key,
        named.feature_id,
        named.tie_key is not null as is_named,
        (named.tie_key is not null) != coalesce(before.is_named, false)
        or named.feature_id is distinct from before.feature_id as is_changed
    from named
    full outer join {{ this }} as before on named.kind = before.kind and named.tie_key = before.tie_key
{% else %}
    select
        kind,
        tie_key,
        feature_id,
        true as is_named,
        true as is_changed
    from named
{% endif %}
