-- Of the newest month's money of traced calls, the part that no feature could be found for. The figure compared is its
-- percentage, rounded up.
{{ config(
    fail_calc="coalesce(max(unlabelled_percent), 0)",
    warn_if="> " ~ var('alert_unlabelled_percent').warn, error_if="> " ~ var('alert_unlabelled_percent').error
) }}
with months as (

    select
        cast(date_trunc('month', spent_on) as date) as month,
        sum(borne_usd) as borne_usd,
        sum(case when originating_feature_id = 'unlabelled' then borne_usd else 0 end) as unlabelled_usd
    from {{ ref('spend_daily') }}
    where originating_feature_id not in ('untraced', 'invoice_only')
    group by date_trunc('month', spent_on)

)

select
    month,
    borne_usd,
    unlabelled_usd,
    cast(ceil(100.0 * unlabelled_usd / borne_usd) as integer) as unlabelled_percent,
    'see unlabelled_spend_daily for services, routes and owners' as what_to_do
from months
where month = (select max(months.month) from months where months.borne_usd > 0) and unlabelled_usd > 0
