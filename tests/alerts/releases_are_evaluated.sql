-- New models and prompt versions that serve production on the newest days and are not covered on the last of them. The
-- figure compared is how many. Noise, features without required suites, and known models whose calls name no prompt
-- version are left out.
{% set configuration = ['feature_id', 'model', 'prompt_version'] %}
{{ config(
    meta={"figure": "new models and prompt versions that are not evaluated"},
    warn_if="> " ~ var('alert_unevaluated_releases').warn, error_if="> " ~ var('alert_unevaluated_releases').error
) }}
with last_days as (

    {% call first_rows(partition_by=configuration, order_by="covered_on desc") %}
        select
            *,
            (select max(newest.covered_on) from {{ ref('eval_coverage_daily') }} as newest) as newest_on
        from {{ ref('eval_coverage_daily') }}
    {% endcall %}

)

select
    releases.changed_on,
    releases.feature_id,
    releases.model,
    releases.prompt_version,
    releases.unevaluated_usd,
    last_days.missing_suites,
    last_days.reason,
    'run these suites on this configuration' as what_to_do
from {{ ref('release_coverage') }} as releases
inner join last_days on {{ are_same('releases', 'last_days', configuration) }}
where
    not last_days.is_covered
    and last_days.reason != 'no_requirement'
    and not (releases.prompt_version is null and releases.change in ('prompt_version', 'combination'))
    and not releases.is_noise
    and not last_days.is_noise
    and {{ days_between('last_days.covered_on', 'last_days.newest_on') }} < {{ var('alert_unevaluated_releases').days }}
