-- one row per feature launched while there is data, and user: adopter or not, with windows in days since the launch.
with uses as (

    select * from {{ ref('int_feature_usage') }}
    where user_id is not null

),

known as (

    select
        min(used_on) as first_on,
        max(used_on) as last_on
    from uses

),

-- A new name is no launch.
catalogued as (

    select
        coalesce(chains.newest_feature_id, catalog.feature_id) as feature_id,
        min(catalog.launched_on) as launched_on
    from {{ ref('feature_catalog') }} as catalog
    left join {{ ref('stg_catalog__feature_chains') }} as chains on catalog.feature_id = chains.feature_id
    group by coalesce(chains.newest_feature_id, catalog.feature_id)

),

seen as (

    select
        feature_id,
        min(used_on) as first_used_on
    from uses
    group by feature_id

),

-- A feature without a launch in the catalog is new if it was first used well after telemetry began.
launches as (

    select
        coalesce(catalogued.feature_id, seen.feature_id) as feature_id,
        coalesce(catalogued.launched_on, seen.first_used_on) as launched_on,
        {{ days_between('known.first_on', 'coalesce(catalogued.launched_on, seen.first_used_on)') }} as days_before,
        {{ days_between('coalesce(catalogued.launched_on, seen.first_used_on)', 'known.last_on') }} as last_day
    from catalogued
    full outer join seen on catalogued.feature_id = seen.feature_id
    cross join known
    where
        coalesce(catalogued.launched_on, seen.first_used_on) between known.first_on and known.last_on
        and (
            catalogued.launched_on > known.first_on
            or {{ days_between('known.first_on', 'seen.first_used_on') }} >= {{ var('substitution_min_days') }}
        )

),

signed_up as (

    select
        user_id,
        min(signed_up_on) as signed_up_on
    from {{ ref('stg_product__users') }}
    group by user_id

),

users as (

    select
        uses.user_id,
        -- Users of one account are one cluster; a user without an account is a cluster of one.
        coalesce('account ' || min(uses.account_id), 'user ' || uses.user_id) as cluster_id,
        min(uses.used_on) as first_used_on,
        max(uses.used_on) as last_used_on,
        min(signed_up.signed_up_on) as signed_up_on
    from uses
    left join signed_up on uses.user_id = signed_up.user_id
    group by uses.user_id

),

{% set window_days = "least(" ~ var('substitution_window_days') ~ ", launches.days_before)" %}
adoptions as (

    select
        launches.feature_id,
        launches.launched_on,
        launches.last_day,
        {{ window_days }} as window_days,
        users.user_id,
        users.cluster_id,
        users.signed_up_on is not null as is_sign_up_known,
        {{ days_between('launches.launched_on', 'least(users.signed_up_on, users.first_used_on)') }} as joined_day,
        {{ days_between('launches.launched_on', 'users.last_used_on') }} as left_day,
        min({{ days_between('launches.launched_on', 'uses.used_on') }}) as adopted_day
    from launches
    cross join users
    left join uses on users.user_id = uses.user_id and launches.feature_id = uses.feature_id
    group by
        launches.feature_id, launches.launched_on, launches.last_day, launches.days_before, users.user_id,
        users.cluster_id, users.signed_up_on, users.first_used_on, users.last_used_on

),

-- Users who joined after the window before the launch began lack a full window; those who left before it have no uses
-- in it. Users who tried the new feature before its launch were treated already.
checked as (

    select
        *,
        joined_day <= case when is_sign_up_known then -window_days else -1 end
        and left_day >= -window_days
        and coalesce(adopted_day, 0) >= 0 as is_control
    from adoptions

),

ranked as (

    select
        *,
        row_number() over (
            partition by feature_id, is_control
            order by coalesce(adopted_day, last_day + 1) desc, user_id
        ) as controls_left
    from checked

),

-- The last day on which enough users have not adopted yet: later days have nobody to compare adopters with.
limited as (

    select
        *,
        coalesce(
            max(
                case
                    when is_control and controls_left = {{ var('substitution_min_users') }}
                        then least(coalesce(adopted_day, last_day), last_day)
                end
            ) over (partition by feature_id),
            last_day
        ) as last_compared_day
    from ranked

)

select
    feature_id as new_feature_id,
    launched_on,
    window_days,
    user_id,
    cluster_id,
    adopted_day,
    -- A user counts as a control up to the day of adoption, and for good without one.
    is_control,
    is_control and last_day - adopted_day >= {{ var('substitution_min_days') }} as is_adoption_known,
    least(window_days, last_compared_day - coalesce(adopted_day, 0)) as post_days,
    case
        when not is_control then 'other'
        when adopted_day is null then 'non_adopter'
        -- Too few days after a late adoption are known, or comparable, to measure its effect.
        when last_compared_day - adopted_day < {{ var('substitution_min_days') }} then 'other'
        else 'adopter'
    end as role
from limited
