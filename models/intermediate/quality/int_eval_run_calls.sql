-- one row per eval run, suite, call that it names or made, and configuration of the call: what it ran and cost
with named as (

    select * from {{ ref('int_run_ids_named') }}

),

shares as (

    select * from {{ ref('int_current_feature_shares') }}

),

called as (

    select
        named.run_id,
        named.suite,
        shares.call_key,
        true as is_seen
    from named
    inner join shares on named.tie_key = shares.trace_key
    where named.kind = 'trace'

    union

    select
        run_id,
        suite,
        tie_key as call_key,
        true as is_seen
    from named
    where kind = 'call'

    union

    select
        run_id,
        suite,
        call_key,
        false as is_seen
    from {{ ref('int_calls_evaluated') }}

)

select
    called.run_id,
    called.suite,
    called.call_key,
    called.is_seen,
    shares.serving_feature_id,
    coalesce(shares.model, 'unknown') as model,
    shares.prompt_version,
    sum(shares.borne_usd) as run_usd
from called
inner join shares on called.call_key = shares.call_key
group by
    called.run_id, called.suite, called.call_key, called.is_seen, shares.serving_feature_id,
    coalesce(shares.model, 'unknown'), shares.prompt_version
