with daily as (

    select * from {{ ref('eval_coverage_daily') }}

),

first_days as (

    select
        feature_id,
        model,
        prompt_version,
        min(covered_on) as changed_on,
        min(case when is_covered then covered_on end) as covered_from
    from daily
    group by feature_id, model, prompt_version

),

-- What was new about a configuration. Nobody knows since when those of the first day of the data have run.
changes as (

    select
        *,
        min(changed_on) over () as data_from,
        min(changed_on) over (partition by feature_id) as feature_from,
        min(changed_on) over (partition by feature_id, model) as model_from,
        min(changed_on) over (partition by feature_id, prompt_version) as prompt_from,
        (select max(daily.covered_on) from daily) as data_to
    from first_days

),

-- The first days after a change: the feature as a whole, and the new configuration (`is_change`) in it.
release_days as (

    select
        changes.feature_id,
        changes.model,
        changes.prompt_version,
        changes.changed_on,
        daily.covered_on,
        daily.production_usd,
        daily.production_calls,
        daily.is_covered,
        daily.reason,
        {{ are_same('changes', 'daily', ['model', 'prompt_version']) }} as is_change
    from changes
    inner join daily
        on
            changes.feature_id = daily.feature_id
            and {{ days_between('changes.changed_on', 'daily.covered_on') }} between 0 and {{ var('release_days') }} - 1

),

releases as (

    select
        feature_id,
        model,
        prompt_version,
        sum(production_usd) as production_usd,
        sum(production_calls) as production_calls,
        sum(case when is_change then production_usd end) as changed_usd,
        sum(case when is_change then production_calls else 0 end) as changed_calls,
        sum(case when is_change and not is_covered then production_usd else 0 end) as unevaluated_usd,
        max(case when is_change and covered_on = changed_on then reason end) as reason
    from release_days
    group by feature_id, model, prompt_version

)

select
    changes.changed_on,
    changes.feature_id,
    changes.model,
    changes.prompt_version,
    case
        when changes.changed_on = changes.feature_from then 'launch'
        when changes.changed_on = changes.model_from and changes.changed_on = changes.prompt_from
            then 'model_and_prompt_version'
        when changes.changed_on = changes.model_from then 'model'
        when changes.changed_on = changes.prompt_from then 'prompt_version'
        else 'combination'
    end as change,
    cast(least({{ days_between('changes.changed_on', 'changes.data_to') }} + 1, {{ var('release_days') }}) as integer)
        as observed_days,
    {{ money('releases.production_usd') }} as production_usd,
    {{ money('releases.changed_usd') }} as changed_usd,
    {{ money('releases.unevaluated_usd') }} as unevaluated_usd,
    cast(releases.unevaluated_usd as double) / nullif(cast(releases.production_usd as double), 0)
        as unevaluated_usd_pct,
    releases.reason,
    cast({{ days_between('changes.changed_on', 'changes.covered_from') }} as integer) as days_until_covered,
    releases.changed_calls < {{ var('noise_pct') }} * releases.production_calls as is_noise
from changes
inner join releases
    on
        changes.feature_id = releases.feature_id
        and changes.model = releases.model
        and changes.prompt_version is not distinct from releases.prompt_version
where changes.changed_on > changes.data_from
