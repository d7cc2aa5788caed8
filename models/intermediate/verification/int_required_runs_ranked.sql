-- one row per month, feature and required suite: its newest finished run by the month's end, NULL where it never ran
with months as (

    select distinct month
    from {{ ref('int_credits_capped') }}

),

runs as (

    select
        runs.run_id,
        runs.suite,
        coalesce(chains.newest_feature_id, runs.feature_id) as feature_id,
        runs.started_at,
        runs.started_on,
        runs.passed,
        runs.passed + runs.failed + runs.errored as judged,
        runs.stated_usd
    from {{ ref('stg_evals__runs') }} as runs
    left join {{ ref('stg_catalog__feature_chains') }} as chains on runs.feature_id = chains.feature_id
    where runs.is_finished and not runs.is_scores

    union all

    select
        run_id,
        suite,
        feature_id,
        min(started_at) as started_at,
        min(started_on) as started_on,
        sum(passed) as passed,
        sum(passed + failed + errored) as judged,
        cast(null as decimal(38, 12)) as stated_usd
    from {{ ref('int_scores_configured') }}
    group by run_id, suite, feature_id

),

newest as (

    {% call first_rows(
        partition_by="months.month, requirements.feature_id, requirements.suite",
        order_by="runs.started_at desc nulls last, runs.run_id"
    ) %}
        select
            months.month,
            requirements.feature_id,
            requirements.suite,
            runs.run_id,
            runs.passed,
            runs.judged,
            runs.stated_usd
        from months
        inner join {{ ref('int_requirements_continued') }} as requirements
            on {{ in_force('requirements', 'last_day(months.month)') }}
        left join runs
            on
                requirements.feature_id = runs.feature_id
                and requirements.suite = runs.suite
                and runs.started_on <= last_day(months.month)
    {% endcall %}

)

select * from newest
