-- one row per run of scores, suite, feature, model and prompt version that the scored calls ran on
with scores as (

    select * from {{ ref('stg_evals__scores') }}

),

spans as (

    select * from {{ ref('int_billable_spans_grouped') }}

),

-- A score names a response, a span, or a whole trace; what it names most closely says which call it is about.
called as (

    select
        scores.run_id,
        scores.suite,
        scores.item_id,
        spans.call_key
    from scores
    inner join spans on scores.response_id = spans.call_id and spans.is_answered

    union

    select
        scores.run_id,
        scores.suite,
        scores.item_id,
        spans.call_key
    from scores
    inner join spans on scores.trace_key = spans.trace_key and scores.span_key = spans.span_key

),

placed as (

    select
        {{ all_but('scores', ['feature_id']) }},
        coalesce(chains.newest_feature_id, scores.feature_id) as feature_id,
        called.call_key
    from scores
    left join {{ ref('stg_catalog__feature_chains') }} as chains on scores.feature_id = chains.feature_id
    left join called
        on scores.run_id = called.run_id and scores.suite = called.suite and scores.item_id = called.item_id

),

-- A trace that holds production calls holds its judges as evaluation beside them; an experiment's is all evaluation.
traces as (

    select
        shares.trace_key,
        bool_and(shares.purpose = 'evaluation') as is_evaluation
    from {{ ref('int_current_feature_shares') }} as shares
    where shares.trace_key in (select scores.trace_key from scores)
    group by shares.trace_key

),

-- A trace that is scored as a whole is scored in each configuration that ran in it; its judges are none of them.
seen as (

    {% for is_whole in [true, false] %}
        select distinct
            placed.run_id,
            placed.suite,
            placed.item_id,
            placed.scored_at,
            placed.passed,
            placed.failed,
            placed.errored,
            coalesce(placed.feature_id, shares.serving_feature_id) as feature_id,
            shares.model,
            shares.prompt_version
        from placed
        {% if is_whole %}
            inner join traces on placed.trace_key = traces.trace_key
            inner join {{ ref('int_current_feature_shares') }} as shares
                on
                    placed.trace_key = shares.trace_key
                    and placed.call_key is null
                    and (shares.purpose != 'evaluation' or traces.is_evaluation)

            union
        {% else %}
            inner join {{ ref('int_current_feature_shares') }} as shares on placed.call_key = shares.call_key
        {% endif %}
    {% endfor %}

)

select
    run_id,
    suite,
    feature_id,
    model,
    prompt_version,
    min(scored_at) as started_at,
    cast(min(scored_at) as date) as started_on,
    count(*) as cases,
    cast(sum(passed) as bigint) as passed,
    cast(sum(failed) as bigint) as failed,
    cast(sum(errored) as bigint) as errored,
    cast(sum(passed) as double) / nullif(sum(passed + failed + errored), 0) as pass_rate,
    true as is_finished
from seen
group by run_id, suite, feature_id, model, prompt_version
