-- Of the newest month's money of traced calls, the part that no feature could be found for. The figure compared is its
-- percentage, rounded up.
{{ config(
    meta={"figure": "percent of the newest month's traced spend without a feature"},
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

),

newest as (

    select max(month) as month from months
    where borne_usd > 0

)

select
    months.month,
    months.borne_usd,
    months.unlabelled_usd,
    cast(ceil(100.0 * months.unlabelled_usd / months.borne_usd) as integer) as unlabelled_percent,
    'see unlabelled_spend_daily for services, routes and owners' as what_to_do
from months
inner join newest on months.month = newest.month
where months.unlabelled_usd > 0
