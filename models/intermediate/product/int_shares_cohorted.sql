-- one row per month, feature, plan and segment that sharing rules load (or, of a sentinel, relieve): by how much
with cohorts as (

    select
        *,
        production_usd + evaluation_usd + development_usd + unattributed_usd as cost_usd
    from {{ ref('int_feature_cohort_months') }}

),

taken as (

    select
        month,
        team_id,
        feature_id,
        sum(amount_usd) as amount_usd
    from {{ ref('int_costs_shared') }}
    group by month, team_id, feature_id

),

-- The owner of a renamed feature stands under the id of that time.
catalog as (

    select
        catalog.feature_id,
        coalesce(chains.newest_feature_id, catalog.feature_id) as newest_feature_id,
        catalog.owner_team_id,
        catalog.valid_from,
        catalog.valid_to
    from {{ ref('feature_catalog') }} as catalog
    left join {{ ref('stg_catalog__feature_chains') }} as chains on catalog.feature_id = chains.feature_id

),

-- A team's part is overhead of its features, by what they cost in production.
owned as (

    {% call first_rows(
        partition_by="cohorts.month, cohorts.feature_id, cohorts.plan, cohorts.segment",
        order_by=["case when catalog.feature_id = cohorts.feature_id then 0 else 1 end", "catalog.feature_id"]
    ) %}
        select
            cohorts.*,
            catalog.owner_team_id
        from cohorts
        inner join catalog
            on
                cohorts.feature_id = catalog.newest_feature_id
                and {{ in_force('catalog', 'last_day(cohorts.month)') }}
        where cohorts.production_usd > 0
    {% endcall %}

),

-- What a team without a feature takes stays on the sentinel's row.
moved as (

    select *
    from taken
    where exists (
        select 1 from owned
        where taken.month = owned.month and taken.team_id = owned.owner_team_id
    )

),

loads as (

    select
        month,
        team_id,
        sum(amount_usd) as amount_usd
    from moved
    group by month, team_id

),

reliefs as (

    select
        month,
        feature_id,
        sum(amount_usd) as amount_usd
    from moved
    group by month, feature_id

),

lines as (

    select
        owned.month,
        owned.feature_id,
        owned.plan,
        owned.segment,
        'team ' || owned.owner_team_id as taker,
        loads.amount_usd,
        owned.production_usd as weight_usd
    from owned
    inner join loads on owned.month = loads.month and owned.owner_team_id = loads.team_id

    union all

    select
        cohorts.month,
        cohorts.feature_id,
        cohorts.plan,
        cohorts.segment,
        cohorts.feature_id as taker,
        -reliefs.amount_usd as amount_usd,
        greatest(cohorts.cost_usd, 0) as weight_usd
    from cohorts
    inner join reliefs on cohorts.month = reliefs.month and cohorts.feature_id = reliefs.feature_id

),

{% set weight = whole_number('weight_usd * 1000000000000') %}
floored as (

    select
        *,
        {{ floored_part('amount_usd', weight, 'sum(' ~ weight ~ ') over (partition by month, taker)') }} as part_usd
    from lines

)

select
    month,
    feature_id,
    plan,
    segment,
    {{ part_with_residue(
        'amount_usd', 'coalesce(part_usd, 0)', 'weight_usd', 'month, taker', 'feature_id, plan, segment'
    ) }}
        as amount_usd
from floored
