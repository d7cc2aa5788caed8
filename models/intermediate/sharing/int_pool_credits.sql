-- one row per evaluation journal that the quality pool funds: its part of the feature's credit of the month
with costs as (

    select
        *,
        cast(date_trunc('month', incurred_on) as date) as month
    from {{ ref('int_costs_journalled') }}
    where feature_id not in ('unlabelled', 'untraced', 'invoice_only')

),

spend as (

    select
        month,
        feature_id,
        sum(case when purpose = 'evaluation' then amount_usd else 0 end) as evaluation_usd,
        sum(case when purpose = 'production' then amount_usd else 0 end) as production_usd
    from costs
    group by month, feature_id

),

funding as (

    select * from {{ ref('eval_funding') }}

),

catalog as (

    select * from {{ ref('feature_catalog') }}

),

-- The narrowest scope holds.
funded as (

    {% call first_rows(
        partition_by="spend.month, spend.feature_id",
        order_by="case funding.scope when 'feature' then 1 when 'team' then 2 else 3 end, funding.valid_from desc"
    ) %}
        select
            spend.*,
            coalesce(funding.share, 1) as share,
            funding.cap_pct,
            funding.cap_floor_usd
        from spend
        left join catalog
            on spend.feature_id = catalog.feature_id and {{ in_force('catalog', 'last_day(spend.month)') }}
        left join funding
            on
                {{ in_force('funding', 'last_day(spend.month)') }}
                and (
                    funding.scope = 'default'
                    or (funding.scope = 'team' and catalog.owner_team_id = funding.scope_id)
                    or (funding.scope = 'feature' and spend.feature_id = funding.scope_id)
                )
    {% endcall %}

),

credits as (

    select
        month,
        feature_id,
        evaluation_usd,
        -- A rule without any cap funds the share whole.
        {{ money("greatest(0, least(
            share * evaluation_usd,
            case
                when cap_pct is null and cap_floor_usd is null then share * evaluation_usd
                else greatest(coalesce(cap_pct, 0) * production_usd, coalesce(cap_floor_usd, 0))
            end
        ))") }} as credit_usd
    from funded

),

weighed as (

    select
        costs.*,
        credits.credit_usd,
        greatest(costs.amount_usd, 0) * 1000000000000 as weight,
        sum(greatest(costs.amount_usd, 0) * 1000000000000) over (partition by costs.month, costs.feature_id)
            as total_weight
    from costs
    inner join credits
        on costs.month = credits.month and costs.feature_id = credits.feature_id
    where costs.purpose = 'evaluation' and credits.credit_usd > 0

),

floored as (

    select
        *,
        {{ floored_part('credit_usd', 'weight', 'total_weight') }} as part_usd
    from weighed

)

select
    cost_id,
    incurred_on,
    month,
    provider,
    account_id,
    model,
    feature_id,
    bearer_team_id,
    basis,
    {{ part_with_residue('credit_usd', 'part_usd', 'weight', 'month, feature_id', 'cost_id') }} as amount_usd
from floored
