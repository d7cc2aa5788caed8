-- Per month and feature: what pool and team pay for evals is the eval spend, exactly; no credit is above the spend, its
-- funded share or the cap, none is negative; and what the pool takes over in the ledger is the credit.
with coverage as (

    select * from {{ ref('eval_coverage_monthly') }}

),

chains as (

    select * from {{ ref('stg_catalog__feature_chains') }}

),

-- Funding by the newest id of a feature, computed here apart from the mart. A renamed feature is capped only if all of
-- its ids are.
funding as (

    select
        funding.month,
        coalesce(chains.newest_feature_id, funding.feature_id) as feature_id,
        sum(funding.evaluation_usd) as evaluation_usd,
        max(funding.share) as share,
        case when count(funding.cap_usd) = count(*) then sum(funding.cap_usd) end as cap_usd
    from {{ ref('int_eval_funding') }} as funding
    left join chains on funding.feature_id = chains.feature_id
    group by funding.month, coalesce(chains.newest_feature_id, funding.feature_id)

),

paid as (

    select
        credits.month,
        coalesce(chains.newest_feature_id, credits.feature_id) as feature_id,
        sum(credits.amount_usd) as pool_usd
    from {{ ref('int_eval_credits') }} as credits
    left join chains on credits.feature_id = chains.feature_id
    group by credits.month, coalesce(chains.newest_feature_id, credits.feature_id)

)

select
    coalesce(coverage.month, paid.month) as month,
    coalesce(coverage.feature_id, paid.feature_id) as feature_id,
    coverage.evaluation_usd,
    coverage.eval_pool_credit_usd,
    coverage.eval_tax_usd,
    funding.share,
    funding.cap_usd,
    paid.pool_usd
from coverage
full outer join paid on coverage.month = paid.month and coverage.feature_id = paid.feature_id
left join funding on coverage.month = funding.month and coverage.feature_id = funding.feature_id
where
    coverage.month is null
    or coverage.eval_pool_credit_usd + coverage.eval_tax_usd != coverage.evaluation_usd
    or coverage.evaluation_usd != coalesce(funding.evaluation_usd, 0)
    or coverage.eval_pool_credit_usd != coalesce(paid.pool_usd, 0)
    or (funding.cap_usd is not null and coverage.eval_pool_credit_usd > greatest(funding.cap_usd, 0))
    or coverage.eval_pool_credit_usd > greatest(funding.share * funding.evaluation_usd, 0)
    or coverage.eval_pool_credit_usd < 0
