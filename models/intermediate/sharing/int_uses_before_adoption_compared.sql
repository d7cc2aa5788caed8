-- One row per new feature and incumbent: how often users who used the incumbent before the launch used it in the window
-- before the adoption; users who never adopt in the adopters' own windows, each as often as adopters have it.
{% set exact = "cast({} as decimal(38, 18))" %}
with users_before as (

    select * from {{ ref('int_incumbent_uses_grouped') }}
    where is_user_before and role in ('adopter', 'non_adopter')

),

adopted as (

    select
        new_feature_id,
        incumbent_feature_id,
        adopted_day,
        window_days,
        cast(sum(users) as double) as users,
        cast(sum(sum(users)) over (partition by new_feature_id, incumbent_feature_id) as double) as all_users
    from users_before
    where role = 'adopter'
    group by new_feature_id, incumbent_feature_id, adopted_day, window_days

),

days as (

    select distinct
        new_feature_id,
        incumbent_feature_id,
        day
    from users_before

),

weights as (

    select
        days.new_feature_id,
        days.incumbent_feature_id,
        days.day,
        {{ exact.format('sum(adopted.users) / max(adopted.all_users)') }} as weight
    from days
    inner join adopted
        on
            days.new_feature_id = adopted.new_feature_id
            and days.incumbent_feature_id = adopted.incumbent_feature_id
            and days.day < adopted.adopted_day
            and days.day >= adopted.adopted_day - adopted.window_days
    group by days.new_feature_id, days.incumbent_feature_id, days.day

),

accounts as (

    select
        users_before.new_feature_id,
        users_before.incumbent_feature_id,
        users_before.cluster_id,
        sum(case when users_before.role = 'adopter' then users_before.users else 0 end) as adopters,
        sum(case when users_before.role = 'non_adopter' then users_before.users else 0 end) as non_adopters,
        sum(case
            when
                users_before.role = 'adopter' and users_before.day < users_before.adopted_day
                and users_before.day >= users_before.adopted_day - users_before.window_days
                then users_before.uses
            else 0
        end) as adopter_uses,
        sum(case
            when users_before.role = 'non_adopter' then {{ exact.format('users_before.uses * cast(weights.weight as double)') }}
            else 0
        end) as non_adopter_uses
    from users_before
    left join weights
        on
            users_before.new_feature_id = weights.new_feature_id
            and users_before.incumbent_feature_id = weights.incumbent_feature_id
            and users_before.day = weights.day
    group by users_before.new_feature_id, users_before.incumbent_feature_id, users_before.cluster_id

),

means as (

    select
        new_feature_id,
        incumbent_feature_id,
        count(*) as accounts,
        cast(sum(adopters) as double) as adopters,
        cast(sum(non_adopters) as double) as non_adopters,
        cast(sum(adopter_uses) as double) / nullif(sum(adopters), 0) as adopter_uses,
        cast(sum(non_adopter_uses) as double) / nullif(sum(non_adopters), 0) as non_adopter_uses
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
    means.accounts,
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
