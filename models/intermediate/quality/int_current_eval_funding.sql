-- one row per month and feature as quality marts tell it: what the pool credits to all ids of a renamed feature
select
    credits.month,
    coalesce(chains.newest_feature_id, credits.feature_id) as feature_id,
    {{ money('sum(credits.evaluation_usd)') }} as evaluation_usd,
    max(credits.share) as share,
    -- Without a cap on one of them there is none.
    {{ money('case when count(credits.cap_usd) = count(*) then sum(credits.cap_usd) end') }} as cap_usd,
    {{ money('sum(credits.credit_usd)') }} as credit_usd
from {{ ref('int_credits_capped') }} as credits
left join {{ ref('stg_catalog__feature_chains') }} as chains on credits.feature_id = chains.feature_id
group by credits.month, coalesce(chains.newest_feature_id, credits.feature_id)
