-- A label that calls wear and no catalog row knows: nobody owns it. The figure compared is how many.
{{ config(
    meta={"figure": "features that the catalog does not know"},
    warn_if="> " ~ var('alert_uncatalogued_features').warn, error_if="> " ~ var('alert_uncatalogued_features').error
) }}
select
    spend.originating_feature_id as feature_id,
    sum(spend.calls) as calls,
    sum(spend.borne_usd) as borne_usd,
    'add it to seed feature_catalog, or correct the label' as what_to_do
from {{ ref('spend_daily') }} as spend
left join {{ ref('feature_catalog') }} as catalog on spend.originating_feature_id = catalog.feature_id
where
    catalog.feature_id is null
    and spend.originating_feature_id not in {{ reserved_names('feature') }}
group by spend.originating_feature_id
