select
    funding.month,
    coalesce(chains.newest_feature_id, funding.feature_id) as feature_id,
    {{ money('sum(funding.evaluation_usd)') }} as evaluation_usd,
    max(funding.share) as share,
    -- A renamed feature is capped only if all of its ids are.
    {{ money('case when count(funding.cap_usd) = count(*) then sum(funding.cap_usd) end') }} as cap_usd,
    {{ money('sum(funding.credit_usd)') }} as credit_usd,
    {{ money('sum(case when funding.is_by_default then funding.credit_usd else 0 end)') }} as default_credit_usd
from {{ ref('int_eval_funding') }} as funding
left join {{ ref('stg_catalog__feature_chains') }} as chains on funding.feature_id = chains.feature_id
group by funding.month, coalesce(chains.newest_feature_id, funding.feature_id)
