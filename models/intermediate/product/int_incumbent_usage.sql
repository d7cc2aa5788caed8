-- The estimates are linear in uses, so the uses of users who are treated alike are summed.
with adoptions as (

    select * from {{ ref('int_feature_adoptions') }}

),

compared_uses as (

    select
        adoptions.new_feature_id,
        uses.feature_id as incumbent_feature_id,
        adoptions.cluster_id,
        adoptions.role,
        adoptions.is_control,
        adoptions.adopted_day,
        adoptions.window_days,
        {{ days_between('adoptions.launched_on', 'uses.used_on') }} as day,
        uses.uses,
        min({{ days_between('adoptions.launched_on', 'uses.used_on') }})
            over (partition by adoptions.new_feature_id, uses.feature_id)
            as first_day
    from adoptions
    inner join {{ ref('int_feature_usage') }} as uses
        on adoptions.user_id = uses.user_id and adoptions.new_feature_id != uses.feature_id
    where {{ days_between('adoptions.launched_on', 'uses.used_on') }} >= -adoptions.window_days

)

select
    new_feature_id,
    incumbent_feature_id,
    cluster_id,
    role,
    adopted_day,
    day,
    -- The window before the launch has two halves, which the placebo compares.
    day < {{ whole_quotient('window_days', 2) }} - window_days as is_first_half,
    cast(sum(uses) as decimal(18, 6)) as uses
from compared_uses
-- A feature without use before the launch is not an incumbent.
where first_day < 0 and is_control
group by new_feature_id, incumbent_feature_id, cluster_id, role, adopted_day, window_days, day
