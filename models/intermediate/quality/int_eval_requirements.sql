with requirements as (

    select
        {{ all_but('requirements', ['feature_id']) }},
        requirements.feature_id as stated_feature_id,
        coalesce(chains.newest_feature_id, requirements.feature_id) as feature_id,
        coalesce(chains.steps, 0) as steps
    from {{ ref('eval_requirements') }} as requirements
    left join {{ ref('stg_catalog__feature_chains') }} as chains on requirements.feature_id = chains.feature_id

),

-- A requirement of an older id ends when a newer id of the renamed feature requires the same suite.
replaced_requirements as (

    select
        older.stated_feature_id,
        older.suite,
        min(coalesce(newer.valid_from, date '0001-01-01')) as ends_on
    from requirements as older
    inner join requirements as newer
        on older.feature_id = newer.feature_id and older.suite = newer.suite and older.steps > newer.steps
    group by older.stated_feature_id, older.suite

)

select
    {{ all_but('requirements', ['stated_feature_id', 'steps', 'valid_to']) }},
    case
        when requirements.valid_to <= replaced.ends_on then requirements.valid_to
        else coalesce(replaced.ends_on, requirements.valid_to)
    end as valid_to
from requirements
left join replaced_requirements as replaced
    on requirements.stated_feature_id = replaced.stated_feature_id and requirements.suite = replaced.suite
where replaced.ends_on is null or coalesce(requirements.valid_from, date '0001-01-01') < replaced.ends_on
