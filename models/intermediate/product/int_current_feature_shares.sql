-- one row per share of a call as product and quality marts tell it: under the newest ids of renamed features
{{ config(materialized="view") }}
select
    {{ all_but('shares', ['originating_feature_id', 'serving_feature_id']) }},
    coalesce(origins.newest_feature_id, shares.originating_feature_id) as originating_feature_id,
    coalesce(servings.newest_feature_id, shares.serving_feature_id) as serving_feature_id
from {{ ref('int_call_shares') }} as shares
left join {{ ref('stg_catalog__feature_chains') }} as origins
    on shares.originating_feature_id = origins.feature_id
left join {{ ref('stg_catalog__feature_chains') }} as servings
    on shares.serving_feature_id = servings.feature_id
