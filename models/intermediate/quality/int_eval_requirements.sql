-- one row per required suite and period, under the newest id of a renamed feature
{{ config(materialized="view") }}
with requirements as (

    select
        {{ all_but('requirements', ['feature_id']) }},
        requirements.feature_id as required_of_id,
        coalesce(chains.newest_feature_id, requirements.feature_id) as feature_id,
        coalesce(chains.steps, 0) as steps
    from {{ ref('eval_requirements') }} as requirements
    left join {{ ref('stg_catalog__feature_chains') }} as chains on requirements.feature_id = chains.feature_id

),

-- A requirement of an older id ends when a newer id requires the same suite.
successors as (

    select
        older.required_of_id,
        older.suite,
        min(coalesce(newer.valid_from, date '0001-01-01')) as ends_on
    from requirements as older
    inner join requirements as newer
        on older.feature_id = newer.feature_id and older.suite = newer.suite and older.steps > newer.steps
    group by older.required_of_id, older.suite

)

select
    {{ all_but('requirements', ['required_of_id', 'steps', 'valid_to']) }},
    case
        when requirements.valid_to <= successors.ends_on then requirements.valid_to
        else coalesce(successors.ends_on, requirements.valid_to)
    end as valid_to
from requirements
left join successors
    on requirements.required_of_id = successors.required_of_id and requirements.suite = successors.suite
where successors.ends_on is null or coalesce(requirements.valid_from, date '0001-01-01') < successors.ends_on
