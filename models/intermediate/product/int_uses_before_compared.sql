-- one row per new feature and incumbent: how often adopters and users who never adopt used it in the window before the
-- launch, and how far chance may move the difference. Between launch and adoption, the new feature may already count.
with users as (

    select
        new_feature_id,
        cluster_id,
        count(case when role = 'adopter' then 1 end) as adopters,
        count(case when role = 'non_adopter' then 1 end) as non_adopters
    from {{ ref('int_feature_adoptions') }}
    where role in ('adopter', 'non_adopter')
    group by new_feature_id, cluster_id

),

incumbents as (

    select distinct
        new_feature_id,
        incumbent_feature_id
    from {{ ref('int_incumbent_usage') }}

),

uses as (

    select
        new_feature_id,
        incumbent_feature_id,
        cluster_id,
        sum(case when role = 'adopter' then uses else 0 end) as adopter_uses,
        sum(case when role = 'non_adopter' then uses else 0 end) as non_adopter_uses
    from {{ ref('int_incumbent_usage') }}
    where day < 0
    group by new_feature_id, incumbent_feature_id, cluster_id

),

-- Users without a use of the incumbent count as well, with 0.
accounts as (

    select
        incumbents.new_feature_id,
        incumbents.incumbent_feature_id,
        cast(users.adopters as double) as adopters,
        cast(users.non_adopters as double) as non_adopters,
        cast(coalesce(uses.adopter_uses, 0) as double) as adopter_uses,
        cast(coalesce(uses.non_adopter_uses, 0) as double) as non_adopter_uses
    from incumbents
    inner join users on incumbents.new_feature_id = users.new_feature_id
    left join uses
        on
            incumbents.new_feature_id = uses.new_feature_id
            and incumbents.incumbent_feature_id = uses.incumbent_feature_id
            and users.cluster_id = uses.cluster_id

),

means as (

    select
        new_feature_id,
        incumbent_feature_id,
        count(*) as accounts,
        sum(adopters) as adopters,
        sum(non_adopters) as non_adopters,
        sum(adopter_uses) / nullif(sum(adopters), 0) as adopter_uses,
        sum(non_adopter_uses) / nullif(sum(non_adopters), 0) as non_adopter_uses
    from accounts
    group by new_feature_id, incumbent_feature_id

),

variances as (

    select
        means.new_feature_id,
        means.incumbent_feature_id,
        cast(sum(cast(power(
            (accounts.adopter_uses - accounts.adopters * means.adopter_uses) / means.adopters
            - (accounts.non_adopter_uses - accounts.non_adopters * means.non_adopter_uses) / means.non_adopters,
            2
        ) as decimal(38, 18))) as double) as variance
    from accounts
    inner join means
        on
            accounts.new_feature_id = means.new_feature_id
            and accounts.incumbent_feature_id = means.incumbent_feature_id
    where means.adopters > 0 and means.non_adopters > 0
    group by means.new_feature_id, means.incumbent_feature_id

)

select
    means.new_feature_id,
    means.incumbent_feature_id,
    means.adopter_uses,
    means.non_adopter_uses,
    case
        when means.accounts >= {{ var('substitution_min_accounts') }}
            then
                {{ student_quantile('(means.accounts - 1)') }}
                * sqrt(variances.variance * means.accounts / (means.accounts - 1.0))
    end as half_width
from means
left join variances
    on
        means.new_feature_id = variances.new_feature_id
        and means.incumbent_feature_id = variances.incumbent_feature_id
