-- one row per day, feature and configuration (model, prompt version) that served production
with served as (

    select
        covered_on,
        feature_id,
        model,
        prompt_version,
        sum(production_calls) as production_calls,
        sum(production_usd) as production_usd,
        sum(sum(production_calls)) over (partition by covered_on, feature_id) as feature_calls
    from {{ ref('int_production_configurations') }}
    group by covered_on, feature_id, model, prompt_version

),

suites as (

    select
        covered_on,
        feature_id,
        model,
        prompt_version,
        suite,
        max(reason) as reason,
        min(last_passed_on) as last_passed_on
    from {{ ref('int_suites_required') }}
    group by covered_on, feature_id, model, prompt_version, suite

),

summed as (

    select
        covered_on,
        feature_id,
        model,
        prompt_version,
        count(*) as suites,
        count(reason) as missing,
        -- A configuration is as fresh as its oldest required suite.
        case when count(last_passed_on) = count(*) then min(last_passed_on) end as last_passed_on,
        {{ joined_texts('case when reason is not null then suite end', ', ', 'suite') }} as missing_suites,
        {{ joined_texts('reason', ', ', 'suite') }} as reason
    from suites
    group by covered_on, feature_id, model, prompt_version

)

select
    served.covered_on,
    served.feature_id,
    served.model,
    served.prompt_version,
    cast(served.production_calls as bigint) as production_calls,
    {{ money('served.production_usd') }} as production_usd,
    coalesce(summed.missing = 0, false) as is_covered,
    summed.last_passed_on,
    summed.missing_suites,
    -- A feature for which nobody requires anything is not covered: nobody evaluated it.
    case when summed.suites is null then 'no_requirement' else summed.reason end as reason,
    served.production_calls < {{ var('noise_pct') }} * served.feature_calls as is_noise
from served
left join summed
    on
        served.covered_on = summed.covered_on
        and served.feature_id = summed.feature_id
        and served.model = summed.model
        and served.prompt_version is not distinct from summed.prompt_version
