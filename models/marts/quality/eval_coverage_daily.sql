with coverage as (

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
    from {{ ref('int_suite_coverage_daily') }}
    group by covered_on, feature_id, model, prompt_version

),

production as (

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

)

select
    production.covered_on,
    production.feature_id,
    production.model,
    production.prompt_version,
    cast(production.production_calls as bigint) as production_calls,
    {{ money('production.production_usd') }} as production_usd,
    coalesce(coverage.missing = 0, false) as is_covered,
    coverage.last_passed_on,
    coverage.missing_suites,
    -- A feature without requirements is not covered, because nobody evaluates it.
    case when coverage.suites is null then 'no_requirement' else coverage.reason end as reason,
    production.production_calls < {{ var('noise_pct') }} * production.feature_calls as is_noise
from production
left join coverage
    on
        production.covered_on = coverage.covered_on
        and production.feature_id = coverage.feature_id
        and production.model = coverage.model
        and production.prompt_version is not distinct from coverage.prompt_version
