{{ config(materialized=table_that_asks_itself()) }}
with references_by_id as (

    select
        kind,
        tie_key,
        min(feature_id) as feature_id
    from {{ ref('int_eval_references') }}
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
    from references_by_id as named
    full outer join {{ this }} as before on named.kind = before.kind and named.tie_key = before.tie_key
{% else %}
    select
        kind,
        tie_key,
        feature_id,
        true as is_named,
        true as is_changed
    from references_by_id
{% endif %}
