{% if not 0 < var('eval_interval_half_width') < 0.5 %}
    {{ exceptions.raise_compiler_error(
        "eval_interval_half_width is between 0 and 0.5, such as 0.05, not " ~ var('eval_interval_half_width')
    ) }}
{% endif %}
{% set configuration = ['month', 'feature_id', 'model', 'prompt_version'] %}
{% set suite = configuration + ['suite'] %}
with required_suites as (

    select
        cast(date_trunc('month', covered_on) as date) as month,
        *
    from {{ ref('int_suite_coverage_daily') }}

),

-- The requirements of a configuration's last day of service in the month hold for the month.
last_suites as (

    select *
    from (
        select
            *,
            max(covered_on) over (partition by {{ configuration | join(', ') }}) as last_served_on
        from required_suites
    ) as served
    where covered_on = last_served_on

),

-- Several providers may serve a model: the newest run on any of them counts.
newest_runs as (

    {% call first_rows(
        partition_by=suite,
        order_by="run_id is null, started_at desc, pass_rate, run_id"
    ) %}
        select * from {{ ref('int_required_suite_runs') }}
    {% endcall %}

),

run_costs as (

    select
        run_id,
        suite,
        sum(run_usd) as run_usd
    from {{ ref('int_eval_run_calls') }}
    group by run_id, suite

),

rated_suites as (

    select
        last_suites.*,
        runs.run_id,
        cast(runs.started_at as date) as ran_on,
        runs.judged,
        runs.pass_rate * runs.judged as passed,
        runs.pass_rate,
        runs.min_cases,
        runs.min_low_bound,
        coalesce(run_costs.run_usd, stated_runs.stated_usd) as run_usd,
        one_more.run_usd as one_more_usd,
        nullif(one_more.run_cases, 0) as one_more_cases,
        -- The rate to expect: that of this run, else of the suite's runs on what else the feature runs, else the one
        -- that asks for most cases.
        coalesce(runs.pass_rate, one_more.served_pass_rate, 0.5) as expected_rate
    from last_suites
    left join newest_runs as runs on {{ are_same('last_suites', 'runs', suite) }}
    left join run_costs on runs.run_id = run_costs.run_id and runs.suite = run_costs.suite
    left join {{ ref('stg_evals__runs') }} as stated_runs
        on runs.run_id = stated_runs.run_id and runs.suite = stated_runs.suite
    left join {{ ref('int_eval_suites') }} as one_more
        on {{ are_same('last_suites', 'one_more', ['month', 'feature_id', 'suite']) }}

),

needed_cases as (

    select
        *,
        {{ wilson_cases('expected_rate', var('eval_interval_half_width')) }} as needed_cases,
        -- No run matches production that states no model or prompt version.
        case
            when reason is null then 0
            when one_more_cases is null or model = 'unknown' or prompt_version is null then null
            when min_low_bound >= expected_rate then null
            else greatest(
                one_more_cases,
                coalesce(min_cases, 0),
                coalesce({{ wilson_cases_above('expected_rate', 'min_low_bound') }}, 0)
            )
        end as cover_cases
    from rated_suites

)

select
    month,
    feature_id,
    model,
    prompt_version,
    suite,
    last_served_on,
    reason,
    run_id,
    ran_on,
    judged as cases,
    round(pass_rate, 12) as pass_rate,
    round({{ wilson_bound('passed', 'judged', -1) }}, 12) as pass_rate_low,
    round({{ wilson_bound('passed', 'judged', 1) }}, 12) as pass_rate_high,
    {{ money('run_usd') }} as run_usd,
    {{ floored_part('one_more_usd', 1, 'one_more_cases') }} as usd_per_case,
    needed_cases,
    {{ floored_part('one_more_usd', 'needed_cases', 'one_more_cases') }} as needed_usd,
    cover_cases,
    case
        when reason is null then {{ money('0') }}
        else {{ floored_part('one_more_usd', 'cover_cases', 'one_more_cases') }}
    end as cover_usd
from needed_cases
