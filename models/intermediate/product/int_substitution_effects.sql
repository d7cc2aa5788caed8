{% set exact = "cast({} as decimal(38, 18))" %}
{% set square = "cast({} as decimal(38, 16))" %}
{% set estimate = ['comparison', 'week', 'new_feature_id', 'incumbent_feature_id'] %}
with users as (

    select
        new_feature_id,
        launched_on,
        window_days,
        count(case when role = 'adopter' then 1 end) as adopters,
        count(case when role = 'non_adopter' then 1 end) as non_adopters,
        count(case when role = 'other' then 1 end) as other_users,
        count(case when is_adoption_known then 1 end) as known_adopters
    from {{ ref('int_feature_adoptions') }}
    group by new_feature_id, launched_on, window_days

),

usage_by_account as (

    select * from {{ ref('int_substitution_by_account') }}

),

non_adopter_uses as (

    select
        new_feature_id,
        incumbent_feature_id,
        cast(sum(uses) as double) as before
    from {{ ref('int_incumbent_usage') }}
    where role = 'non_adopter' and day < 0
    group by new_feature_id, incumbent_feature_id

),

-- Uses of the new feature after the day of adoption, in windows as the incumbent's.
new_uses as (

    select
        adoptions.new_feature_id,
        adoptions.cluster_id,
        sum({{ exact.format("uses.uses * adoptions.window_days / cast(adoptions.post_days as double)") }}) as new_uses
    from {{ ref('int_feature_adoptions') }} as adoptions
    inner join {{ ref('int_feature_usage') }} as uses
        on adoptions.user_id = uses.user_id and adoptions.new_feature_id = uses.feature_id
    where
        adoptions.role = 'adopter'
        and {{ days_between('adoptions.launched_on', 'uses.used_on') }} > adoptions.adopted_day
        and {{ days_between('adoptions.launched_on', 'uses.used_on') }} <= adoptions.adopted_day + adoptions.post_days
    group by adoptions.new_feature_id, adoptions.cluster_id

),

weeks as (

    select distinct
        comparison,
        week,
        new_feature_id
    from usage_by_account

),

-- A week is estimated from the adopters whose week is over.
adopters as (

    select
        weeks.comparison,
        weeks.week,
        adoptions.new_feature_id,
        adoptions.cluster_id,
        count(*) as adopters
    from weeks
    inner join {{ ref('int_feature_adoptions') }} as adoptions
        on weeks.new_feature_id = adoptions.new_feature_id and 7 * weeks.week <= adoptions.post_days
    where adoptions.role = 'adopter'
    group by weeks.comparison, weeks.week, adoptions.new_feature_id, adoptions.cluster_id

),

estimates as (

    select distinct
        {{ estimate | join(',\n        ') }}
    from usage_by_account

    union

    -- Without adopters there is nothing to compare, but a row that gives the reason.
    select distinct
        'launch' as comparison,
        0 as week,
        new_feature_id,
        incumbent_feature_id
    from {{ ref('int_incumbent_usage') }}

),

-- Averages include adopters with no incumbent usage (as 0).
account_parts as (

    select
        estimates.{{ estimate | join(',\n        estimates.') }},
        adopters.cluster_id,
        adopters.adopters,
        0 as before,
        0 as expected_uses,
        0 as uses,
        0 as influence,
        0 as control_expected,
        case when estimates.comparison = 'launch' and estimates.week = 0 then coalesce(new_uses.new_uses, 0) else 0 end
            as new_uses,
        cast(null as double) as base
    from estimates
    inner join adopters on {{ are_same('estimates', 'adopters', ['comparison', 'week', 'new_feature_id']) }}
    left join new_uses
        on adopters.new_feature_id = new_uses.new_feature_id and adopters.cluster_id = new_uses.cluster_id

    union all

    select
        {{ estimate | join(',\n        ') }},
        cluster_id,
        0 as adopters,
        before,
        expected_uses,
        uses,
        influence,
        control_expected,
        0 as new_uses,
        base
    from usage_by_account

),

accounts as (

    select
        {{ estimate | join(',\n        ') }},
        cluster_id,
        cast(sum(adopters) as double) as adopters,
        cast(sum(before) as double) as before,
        cast(sum(expected_uses) as double) as expected_uses,
        cast(sum(uses) as double) as uses,
        cast(sum(influence) as double) as influence,
        cast(sum(control_expected) as double) as control_expected,
        cast(sum(new_uses) as double) as new_uses,
        min(base) as base
    from account_parts
    group by {{ estimate | join(', ') }}, cluster_id

),

means as (

    select
        estimates.{{ estimate | join(',\n        estimates.') }},
        count(accounts.cluster_id) as accounts,
        cast(coalesce(sum(accounts.adopters), 0) as bigint) as week_adopters,
        cast(sum({{ exact.format('accounts.before') }}) as double) / nullif(sum(accounts.adopters), 0) as before,
        cast(sum({{ exact.format('accounts.expected_uses') }}) as double)
        / nullif(sum(accounts.adopters), 0) as expected_uses,
        cast(sum({{ exact.format('accounts.uses') }}) as double) / nullif(sum(accounts.adopters), 0) as uses,
        cast(sum({{ exact.format('accounts.control_expected') }}) as double) as control_expected,
        cast(sum({{ exact.format('accounts.new_uses') }}) as double) / nullif(sum(accounts.adopters), 0) as new_uses,
        min(accounts.base) as base
    from estimates
    left join accounts on {{ are_same('estimates', 'accounts', estimate) }}
    group by estimates.{{ estimate | join(', estimates.') }}

),

-- Leaving out an account leaves an estimate that rests on the remaining share of adopters and of controls.
accounts_with_means as (

    select
        accounts.*,
        means.expected_uses as mean_expected_uses,
        means.uses as mean_uses,
        means.new_uses as mean_new_uses,
        nullif(1 - accounts.adopters / means.week_adopters, 0) as other_adopters_share,
        nullif(1 - coalesce(accounts.control_expected / nullif(means.control_expected, 0), 0), 0)
            as other_controls_share
    from accounts
    inner join means on {{ are_same('accounts', 'means', estimate) }}

),

-- The jackknife: leaving out an account would move the adopters' mean by this much, times the number of adopters.
influences as (

    select
        {{ estimate | join(',\n        ') }},
        (expected_uses - uses - adopters * (mean_expected_uses - mean_uses)) / other_adopters_share
        + influence / other_controls_share as displaced,
        (expected_uses - adopters * mean_expected_uses) / other_adopters_share
        + influence / other_controls_share as expected,
        (new_uses - adopters * mean_new_uses) / other_adopters_share as new_uses
    from accounts_with_means

),

variances as (

    select
        {{ estimate | join(',\n        ') }},
        -- The variance is unknown if one account has all adopters or all controls.
        count(*) = count(displaced) as is_known,
        cast(sum({{ square.format('displaced * displaced') }}) as double) as displaced,
        cast(sum({{ square.format('expected * expected') }}) as double) as expected,
        cast(sum({{ square.format('new_uses * new_uses') }}) as double) as new_uses,
        cast(sum({{ square.format('displaced * expected') }}) as double) as displaced_expected,
        cast(sum({{ square.format('displaced * new_uses') }}) as double) as displaced_new_uses
    from influences
    group by {{ estimate | join(', ') }}

)

{% set scaled = "case when variances.is_known then (means.accounts - 1.0) / means.accounts * variances.{}"
    ~ " / power(means.week_adopters, 2) end" %}
select
    means.{{ estimate | join(',\n    means.') }},
    users.launched_on,
    users.window_days,
    means.week_adopters as adopters,
    users.non_adopters,
    users.other_users,
    means.accounts,
    means.before as adopter_before,
    coalesce(non_adopter_uses.before, 0) / nullif(users.non_adopters, 0) as non_adopter_before,
    means.expected_uses,
    means.uses as adopter_after,
    means.expected_uses - means.uses as displaced_uses,
    means.new_uses,
    {{ scaled.format('displaced') }} as displaced_variance,
    {{ scaled.format('expected') }} as expected_variance,
    {{ scaled.format('new_uses') }} as new_uses_variance,
    {{ scaled.format('displaced_expected') }} as displaced_expected_covariance,
    {{ scaled.format('displaced_new_uses') }} as displaced_new_uses_covariance,
    case
        when variances.is_known and means.accounts >= {{ var('substitution_min_accounts') }}
            then {{ student_quantile('(means.accounts - 1)') }}
    end as quantile,
    case
        when users.window_days < {{ var('substitution_min_days') }} then 'window_too_short'
        when users.known_adopters < {{ var('substitution_min_users') }} then 'few_adopters'
        when users.adopters < {{ var('substitution_min_users') }} then 'few_non_adopters'
        when coalesce(means.before, 0) = 0 then 'adopters_never_used_it'
        when coalesce(means.base, 0) = 0 then 'non_adopters_never_used_it'
    end as reason
from means
inner join users on means.new_feature_id = users.new_feature_id
left join variances on {{ are_same('means', 'variances', estimate) }}
left join non_adopter_uses
    on {{ are_same('means', 'non_adopter_uses', ['new_feature_id', 'incumbent_feature_id']) }}
