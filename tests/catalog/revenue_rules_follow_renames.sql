-- A rule on revenue that names a renamed feature by its old id alone: the feature's revenue is spread under its newest
-- one.
{{ config(severity='warn') }}
select
    rules.feature_id,
    chains.newest_feature_id,
    'give the newest id a row of seed revenue_rules, for the history too' as what_to_do
from {{ ref('revenue_rules') }} as rules
inner join {{ ref('stg_catalog__feature_chains') }} as chains on rules.feature_id = chains.feature_id
left join {{ ref('revenue_rules') }} as newest_rules on chains.newest_feature_id = newest_rules.feature_id
where newest_rules.feature_id is null
