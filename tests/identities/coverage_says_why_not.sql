-- A configuration is covered, by passing runs before that day, or says which suite is missing and why.
select
    covered_on,
    feature_id,
    model,
    prompt_version,
    is_covered,
    last_passed_on,
    missing_suites,
    reason
from {{ ref('eval_coverage_daily') }}
where
    is_covered != (reason is null)
    or (is_covered and (last_passed_on is null or missing_suites is not null))
    or (missing_suites is null and reason != 'no_requirement')
    or last_passed_on >= covered_on
