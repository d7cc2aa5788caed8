with uses as (

    select * from {{ ref('int_feature_usage') }}
    where user_id is not null

),

telemetry as (

    select
        min(used_on) as first_on,
        max(used_on) as last_on
    from uses

),

-- Renaming a feature is not a launch.
stated_launches as (

    select
        coalesce(chains.newest_feature_id, catalog.feature_id) as feature_id,
        min(catalog.launched_on) as launched_on
    from {{ ref('feature_catalog') }} as catalog
    left join {{ ref('stg_catalog__feature_chains') }} as chains on catalog.feature_id = chains.feature_id
    group by coalesce(chains.newest_feature_id, catalog.feature_id)

),

first_uses as (

    select
        feature_id,
        min(used_on) as first_used_on
    from uses
    group by feature_id

),

{% set launched_on = 'coalesce(stated_launches.launched_on, first_uses.first_used_on)' %}
-- A feature without a launch date in the catalog is new if it was first used well after telemetry began.
launches as (

    select
        coalesce(stated_launches.feature_id, first_uses.feature_id) as feature_id,
        {{ launched_on }} as launched_on,
        {{ days_between('telemetry.first_on', launched_on) }} as days_before,
        {{ days_between(launched_on, 'telemetry.last_on') }} as last_day
    from stated_launches
    full outer join first_uses on stated_launches.feature_id = first_uses.feature_id
    cross join telemetry
    where
        {{ launched_on }} between telemetry.first_on and telemetry.last_on
        and (
            stated_launches.launched_on > telemetry.first_on
            or {{ days_between('telemetry.first_on', 'first_uses.first_used_on') }}
            >= {{ var('substitution_min_days') }}
        )

),

sign_ups as (

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
        min(sign_ups.signed_up_on) as signed_up_on
    from uses
    left join sign_ups on uses.user_id = sign_ups.user_id
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

-- Controls need a full window before the launch: users who joined later or left earlier have none. Users who tried the
-- feature before its launch are treated already.
eligible_users as (

    select
        *,
        joined_day <= case when is_sign_up_known then -window_days else -1 end
        and left_day >= -window_days
        and coalesce(adopted_day, 0) >= 0 as is_control
    from adoptions

),

ranked_users as (

    select
        *,
        row_number() over (
            partition by feature_id, is_control
            order by coalesce(adopted_day, last_day + 1) desc, user_id
        ) as controls_left
    from eligible_users

),

-- Days are compared as long as enough users have not adopted yet; after that, adopters have no comparison group.
compared_users as (

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
    from ranked_users

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
        -- A late adoption leaves too few days, or too few comparable ones, to measure its effect.
        when last_compared_day - adopted_day < {{ var('substitution_min_days') }} then 'other'
        else 'adopter'
    end as role
from compared_users
