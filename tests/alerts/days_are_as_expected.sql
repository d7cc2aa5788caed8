-- Features that spent out of line with their weekday on one of the newest days, or whose level shifted. The figure
-- compared is how many rows.
{{ config(
    meta={"figure": "days of features out of line with their weekday or level"},
    warn_if="> " ~ var('alert_anomalies').warn, error_if="> " ~ var('alert_anomalies').error
) }}
select
    spent_on,
    feature_id,
    purpose,
    anomaly,
    level_shift,
    borne_usd,
    expected_usd,
    week_usd,
    expected_week_usd
from {{ ref('spend_anomalies_daily') }}
where
    is_anomaly
    and {{ days_between(
        'spent_on', '(select max(newest.spent_on) from ' ~ ref('spend_anomalies_daily') ~ ' as newest)'
    ) }} < {{ var('alert_anomalies').days }}
