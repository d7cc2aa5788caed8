{% set counts = ['input', 'cache_read', 'cache_write_5m', 'output', 'reasoning'] %}
with runs as (

    select * from {{ ref('stg_evals__runs') }}

),

usage as (

    select * from {{ ref('stg_evals__usage') }}

),

-- A run that states a cost without tokens made calls of unknown size. Runs of scores make none.
eval_usage as (

    select
        run_id,
        suite,
        role,
        provider,
        model_name,
        stated_usd,
        true as has_usage,
        cached_input_rule,
        {{ counts | join('_tokens, ') }}_tokens
    from usage

    union all

    select
        runs.run_id,
        runs.suite,
        'target' as role,
        runs.provider,
        runs.model_name,
        runs.stated_usd,
        false as has_usage,
        null as cached_input_rule,
        {{ (['0'] * counts | length) | join(', ') }}
    from runs
    left join usage on runs.run_id = usage.run_id and runs.suite = usage.suite
    where runs.stated_usd > 0 and not runs.is_scores and usage.run_id is null

),

-- Runs whose trace id or response id matches a reported call.
traced_runs as (
    {% for kind in ['trace', 'call'] %}
        select
            referenced.run_id,
            referenced.suite
        from {{ ref('int_eval_references') }} as referenced
        inner join {{ ref('int_reported_calls') }} as calls
            on referenced.tie_key = calls.{{ kind }}_key
        where referenced.kind = '{{ kind }}'
        {{ 'union' if not loop.last }}
    {% endfor %}

),

untraced_usage as (

    select
        eval_usage.*,
        {{ entry_key([
            'eval_usage.run_id', 'eval_usage.suite', 'eval_usage.role', 'eval_usage.provider', 'eval_usage.model_name'
        ]) }} as part_id,
        runs.feature_id,
        runs.prompt_version,
        runs.started_at,
        runs.started_on,
        -- Some tools repeat the start where they know no end.
        coalesce(nullif(runs.ended_at, runs.started_at), runs.started_at + interval {{ var('eval_run_hours') }} hour)
            as ended_at
    from eval_usage
    inner join runs on eval_usage.run_id = runs.run_id and eval_usage.suite = runs.suite
    left join traced_runs as traced on eval_usage.run_id = traced.run_id and eval_usage.suite = traced.suite
    where traced.run_id is null

),

-- Assume evaluation spans belong to a run that does not reference them if feature, model and time window agree;
-- otherwise the run's usage would count twice.
observed_usage as (

    select distinct untraced.part_id
    from untraced_usage as untraced
    inner join {{ ref('int_observed_eval_calls') }} as spanned
        on
            spanned.started_at between untraced.started_at and untraced.ended_at
            and (
                untraced.model_name is null or spanned.model_name is null
                or {{ is_model_of('untraced.model_name', 'spanned.model_name') }}
                or {{ is_model_of('spanned.model_name', 'untraced.model_name') }}
            )
    -- A run and its spans may name a renamed feature by different ids.
    left join {{ ref('stg_catalog__feature_chains') }} as run_chains on untraced.feature_id = run_chains.feature_id
    left join {{ ref('stg_catalog__feature_chains') }} as span_chains on spanned.feature_id = span_chains.feature_id
    where
        coalesce(
            coalesce(run_chains.newest_feature_id, untraced.feature_id)
            = coalesce(span_chains.newest_feature_id, spanned.feature_id),
            true
        )

)

select
    {{ row_key("'eval:' || untraced.part_id") }} as call_key,
    'eval:' || untraced.run_id || ':' || untraced.suite || ':' || untraced.role || ':'
    || coalesce(untraced.provider, '') || ':' || coalesce(untraced.model_name, '') as call_id,
    untraced.run_id,
    untraced.suite,
    untraced.feature_id,
    untraced.prompt_version,
    untraced.started_on,
    untraced.started_at,
    untraced.provider as provider_name,
    untraced.model_name,
    untraced.stated_usd,
    untraced.has_usage,
    untraced.cached_input_rule,
    untraced.{{ counts | join('_tokens, untraced.') }}_tokens
from untraced_usage as untraced
left join observed_usage as observed on untraced.part_id = observed.part_id
where observed.part_id is null
