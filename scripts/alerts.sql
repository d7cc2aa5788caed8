-- One row per event that people should hear of, with its figure and owner. team_id is NULL where no team alone owns it:
-- bills, files, and features that the catalog does not know.
with newest as (

    select coalesce(max(spent_on) filter (originating_feature_id not in ('idle', 'invoice_only')), max(spent_on)) as day
    from marts.spend_daily
    where spent_on > date '1970-01-01'

),

owners as (

    select catalog.feature_id, catalog.name, catalog.owner_team_id
    from seeds.feature_catalog as catalog
    cross join newest
    where coalesce(catalog.valid_from <= newest.day, true) and coalesce(newest.day < catalog.valid_to, true)

),

burns as (

    select
        burn.burned_on as day, burn.status, coalesce('team ' || burn.team_id, 'feature ' || burn.feature_id) as event,
        coalesce(burn.team_id, owners.owner_team_id) as team_id, burn.feature_id, '' as whose, burn.month_to_date_usd as usd,
        burn.forecast_usd, burn.budget_usd, 'burn' as place
    from marts.budget_burn_daily as burn
    left join owners on burn.feature_id = owners.feature_id

    union all

    -- No team owns an account or a segment.
    select
        newest.day, ends.budget_status, ends.scope || ' ' || ends.scope_id, null, null, ends.scope || ' ' || ends.scope_id || ' ',
        ends.borne_usd, ends.forecast_borne_usd, ends.budget_usd, 'margin_forecast'
    from marts.margin_forecasts_monthly as ends
    inner join newest on ends.month = date_trunc('month', newest.day)
    where ends.scope in ('account', 'segment')

),

budgets as (

    select
        'budget' as kind,
        burns.status || ' ' || burns.event as event,
        burns.day,
        burns.team_id,
        burns.feature_id,
        burns.whose || printf('%s: %.2f of %.2f USD spent, %.2f expected at the end of the month',
            case burns.status when 'over' then 'over budget' when 'forecast_over' then 'expected over budget'
                else 'near its budget' end,
            burns.usd::double, burns.budget_usd::double, burns.forecast_usd::double)
        || coalesce(printf(' (%d %%)', round(100 * burns.forecast_usd / nullif(burns.budget_usd, 0))::bigint), '') as figure,
        'finance' as page,
        burns.place
    from burns
    inner join newest on burns.day = newest.day
    where burns.status in ('over', 'forecast_over', 'warning')

),

anomalies as (

    select
        'anomaly' as kind,
        odd.purpose || ' ' || odd.feature_id as event,
        odd.spent_on as day,
        owners.owner_team_id as team_id,
        odd.feature_id,
        case
            when odd.anomaly is not null then printf('%s: %.2f USD where %.2f was expected (%s)', odd.anomaly,
                coalesce(odd.borne_usd, 0)::double, coalesce(odd.expected_usd, 0)::double, odd.purpose)
            else printf('level %s: %.2f USD in a week where %.2f was expected (%s)', odd.level_shift,
                coalesce(odd.week_usd, 0)::double, coalesce(odd.expected_week_usd, 0)::double, odd.purpose)
        end as figure,
        'overview' as page,
        'anomalies' as place
    from marts.spend_anomalies_daily as odd
    inner join newest on odd.spent_on > newest.day - 2
    left join owners on odd.feature_id = owners.feature_id
    where odd.is_anomaly

),

unlabelled as (

    select
        'unlabelled' as kind,
        seen.service || ' ' || coalesce(seen.route, '') || ' ' || seen.reason as event,
        seen.spent_on as day,
        nullif(seen.owner_team_id, 'unattributed') as team_id,
        null as feature_id,
        printf('%.4f USD of %d calls of %s name no feature (%s)', coalesce(sum(seen.borne_usd), 0)::double,
            sum(seen.calls)::bigint, concat_ws(' ', seen.service, seen.route), seen.reason) as figure,
        'data' as page,
        'unlabelled' as place
    from marts.unlabelled_spend_daily as seen
    inner join newest on seen.spent_on = newest.day
    group by seen.spent_on, seen.service, seen.route, seen.reason, seen.owner_team_id
    having sum(seen.borne_usd) >= $least_usd or sum(seen.unpriced_calls) > 0

),

coverage as (

    select
        *,
        lag(is_covered) over (partition by feature_id, model, prompt_version order by covered_on) as was_covered
    from marts.eval_coverage_daily

),

uncovered as (

    select
        'coverage' as kind,
        concat_ws(' ', lost.feature_id, lost.model, lost.prompt_version) as event,
        lost.covered_on as day,
        owners.owner_team_id as team_id,
        lost.feature_id,
        printf('%s %s lost its eval coverage (%s): %.2f USD a day run unevaluated', coalesce(lost.model, 'no model'),
            coalesce(lost.prompt_version, 'without a prompt version'), coalesce(lost.reason, 'unknown'),
            coalesce(lost.production_usd, 0)::double) as figure,
        'quality' as page,
        'coverage' as place
    from coverage as lost
    inner join newest on lost.covered_on = newest.day
    left join owners on lost.feature_id = owners.feature_id
    where lost.was_covered and not lost.is_covered

),

targets as (

    select
        'coverage target' as kind,
        missed.feature_id || ' ' || missed.status as event,
        newest.day,
        owners.owner_team_id as team_id,
        missed.feature_id,
        printf('%.1f %% covered where %.1f %% is the target: %.2f USD ran uncovered, of %.2f that may in this month; %s %s',
            coalesce(100 * missed.covered_usd_pct, 0), 100 * missed.target_pct, missed.uncovered_usd::double,
            missed.error_budget_usd::double,
            case missed.status when 'exhausted' then 'exhausted since' else 'exhausted, at this pace, on' end,
            missed.exhausted_on) as figure,
        'quality' as page,
        'targets' as place
    from marts.coverage_targets_monthly as missed
    inner join newest on missed.month = date_trunc('month', newest.day)
    left join owners on missed.feature_id = owners.feature_id
    where missed.status in ('exhausted', 'forecast_exhausted')

),

-- A month is over for `grace_days` and has use that no bill covers.
bills as (

    select
        'missing bill' as kind,
        unbilled.provider || ' ' || unbilled.month as event,
        newest.day,
        null as team_id,
        null as feature_id,
        printf('%s: no bill covers %.2f USD of %s', unbilled.provider, unbilled.usd::double, unbilled.month) as figure,
        'finance' as page,
        'reconciliation' as place
    from (
        select
            strftime(coalesce(corrects_month, posted_month), '%Y-%m') as month,
            last_day(coalesce(corrects_month, posted_month)) as ends_on,
            provider,
            sum(amount_usd) as usd
        from marts.ledger_entries
        where account = 'ai_cost' and basis = 'accrued'
        group by all
    ) as unbilled
    cross join newest
    where unbilled.usd >= 0.005 and newest.day > unbilled.ends_on + $grace_days

),

arrivals as (

    select landing_no, landed_at from read_parquet($landed || '/arrivals/*/*.parquet', union_by_name = true)

),

-- Only files that landed within a day: lines that stay rejected are told once.
rejects as (

    select
        'rejected lines' as kind,
        files.file_id as event,
        coalesce((
            select min(arrivals.landed_at)::date from arrivals where arrivals.landing_no >= files.landing_no
        ), newest.day) as day,
        null as team_id,
        null as feature_id,
        printf('%s: %d of %d lines could not be read, such as: %s', files.source_file, files.rows_rejected,
            files.rows_read, coalesce(any_value(rejects.reason), 'see landed/rejects')) as figure,
        'data' as page,
        'rejects' as place
    from read_parquet($landed || '/files/*/*.parquet', union_by_name = true) as files
    cross join newest
    left join read_parquet($landed || '/rejects/*/*.parquet', union_by_name = true) as rejects
        on files.file_id = rejects.file_id
    where
        files.rows_rejected > 0
        and files.landing_no > coalesce((
            select max(arrivals.landing_no) from arrivals where arrivals.landed_at <= $now::timestamp - interval 1 day
        ), 0)
    group by files.file_id, files.landing_no, files.source_file, files.rows_rejected, files.rows_read, newest.day

),

events as (

    select * from budgets
    union all
    select * from anomalies
    union all
    select * from unlabelled
    union all
    select * from uncovered
    union all
    select * from targets
    union all
    select * from bills
    union all
    select * from rejects

)

select
    kind,
    event,
    day,
    team_id,
    feature_id,
    figure,
    page || '-' || strftime(coalesce(least(day, (select newest.day from newest)), day), '%Y-%m') || '.html#' || place as link
from events
order by team_id nulls last, kind, day, event
