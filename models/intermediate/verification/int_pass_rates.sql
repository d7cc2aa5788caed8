-- one row per month and feature with required suites: pass rate of the newest runs of all, and what one more would cost
with newest_runs as (

    select * from {{ ref('int_required_runs_ranked') }}

),

-- Suites that share a harness's trace share its calls: each call counts once, for one of them.
called as (

    select
        newest_runs.month,
        newest_runs.feature_id,
        newest_runs.suite,
        calls.run_usd,
        row_number() over (
            partition by
                newest_runs.month, newest_runs.feature_id, calls.call_key, calls.serving_feature_id, calls.model,
                calls.prompt_version
            order by newest_runs.suite
        ) as place
    from newest_runs
    inner join {{ ref('int_runs_called') }} as calls
        on newest_runs.run_id = calls.run_id and newest_runs.suite = calls.suite
    where calls.run_usd is not null

),

costs as (

    select
        month,
        feature_id,
        suite,
        sum(case when place = 1 then run_usd else 0 end) as run_usd
    from called
    group by month, feature_id, suite

),

summed as (

    select
        newest_runs.month,
        newest_runs.feature_id,
        count(*) as required_suites,
        count(newest_runs.run_id) as evaluated_suites,
        sum(newest_runs.passed) as passed,
        sum(newest_runs.judged) as judged,
        -- What a run cost, else what it says it cost; a suite of which neither is known costs as the others do.
        {{ floored_part(
            'sum(coalesce(costs.run_usd, newest_runs.stated_usd))', 'count(*)',
            'count(coalesce(costs.run_usd, newest_runs.stated_usd))'
        ) }} as one_more_usd
    from newest_runs
    left join costs
        on
            newest_runs.month = costs.month
            and newest_runs.feature_id = costs.feature_id
            and newest_runs.suite = costs.suite
    group by newest_runs.month, newest_runs.feature_id

)

select
    summed.month,
    summed.feature_id,
    summed.required_suites,
    summed.evaluated_suites,
    cast(summed.passed as double) / nullif(summed.judged, 0) as pass_rate,
    {{ wilson_bound('summed.passed', 'summed.judged', -1) }} as pass_rate_low,
    {{ wilson_bound('summed.passed', 'summed.judged', 1) }} as pass_rate_high,
    summed.one_more_usd,
    -- What of it the team would bear: its cost less what the credit would grow by.
    {{ money(
        'summed.one_more_usd - ' ~ eval_credit('credits.evaluation_usd + summed.one_more_usd', 'credits.share', 'credits.cap_usd')
        ~ ' + credits.credit_usd'
    ) }} as marginal_eval_tax_usd
from summed
inner join {{ ref('int_credits_continued') }} as credits
    on summed.month = credits.month and summed.feature_id = credits.feature_id
