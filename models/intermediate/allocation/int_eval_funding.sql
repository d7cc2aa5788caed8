with costs as (

    select
        feature_id,
        purpose,
        amount_usd,
        cast(date_trunc('month', incurred_on) as date) as month
    from {{ ref('int_daily_costs') }}
    where feature_id not in ('unlabelled', 'untraced', 'idle', 'invoice_only')

),

-- Only months with production count: an eval run alone opens no month for features that did not run.
production_months as (

    select distinct month
    from costs
    where purpose = 'production'

),

-- Features that require evals are funded before they run or are evaluated.
required_features as (

    select distinct
        months.month,
        requirements.feature_id
    from production_months as months
    inner join {{ ref('eval_requirements') }} as requirements
        on {{ in_force('requirements', 'last_day(months.month)') }}

),

monthly_spend as (

    select
        coalesce(costs.month, required.month) as month,
        coalesce(costs.feature_id, required.feature_id) as feature_id,
        {{ money("sum(case when costs.purpose = 'evaluation' then costs.amount_usd else 0 end)") }} as evaluation_usd,
        {{ money("sum(case when costs.purpose = 'production' then costs.amount_usd else 0 end)") }} as production_usd
    from costs
    full outer join required_features as required
        on costs.month = required.month and costs.feature_id = required.feature_id
    group by coalesce(costs.month, required.month), coalesce(costs.feature_id, required.feature_id)

),

funding as (

    select * from {{ ref('eval_funding') }}

),

catalog as (

    select * from {{ ref('feature_catalog') }}

),

-- The most specific rule in force applies: feature, then team, then the company's default.
funded_spend as (

    {% call first_rows(
        partition_by="spend.month, spend.feature_id",
        order_by="case funding.scope when 'feature' then 1 when 'team' then 2 else 3 end, funding.valid_from desc"
    ) %}
        select
            spend.*,
            coalesce(funding.share, 1) as share,
            funding.scope is null as is_by_default,
            funding.cap_pct,
            funding.cap_floor_usd
        from monthly_spend as spend
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

capped_spend as (

    select
        month,
        feature_id,
        evaluation_usd,
        share,
        is_by_default,
        cap_pct,
        cap_floor_usd,
        -- A rule without a cap funds the whole share; a floor alone funds features without production.
        case
            when cap_pct is not null or cap_floor_usd is not null
                then {{ money("greatest(coalesce(cap_pct, 0) * production_usd, coalesce(cap_floor_usd, 0))") }}
        end as cap_usd
    from funded_spend

)

select
    month,
    feature_id,
    evaluation_usd,
    share,
    is_by_default,
    cap_pct,
    cap_floor_usd,
    cap_usd,
    {{ eval_credit('evaluation_usd', 'share', 'cap_usd') }} as credit_usd
from capped_spend
