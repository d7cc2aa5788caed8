-- one row per new feature, incumbent and comparison (its launch, or a placebo before it): users' mean uses, and squares
{% set decimal = "cast({} as decimal(18, 6))" %}
-- Uses are counted as so many per window: those of a shorter one weigh more.
with adopted as (

    select
        new_feature_id,
        adopted_day,
        post_days,
        {{ decimal.format('window_days / cast(post_days as double)') }} as weight,
        count(*) as adopters,
        sum(count(*)) over (partition by new_feature_id) as all_adopters
    from {{ ref('int_adoptions_windowed') }}
    where role = 'adopter'
    group by new_feature_id, adopted_day, post_days, window_days

),

uses as (

    select
        adoptions.*,
        uses.feature_id as incumbent_feature_id,
        {{ days_between('adoptions.launched_on', 'uses.used_on') }} as day,
        {{ whole_quotient('adoptions.window_days', 2) }} as half,
        {{ decimal.format('uses.uses') }} as uses,
        min({{ days_between('adoptions.launched_on', 'uses.used_on') }})
            over (partition by adoptions.new_feature_id, uses.feature_id)
            as first_day
    from {{ ref('int_adoptions_windowed') }} as adoptions
    inner join {{ ref('int_uses_cohorted') }} as uses
        on adoptions.user_id = uses.user_id and adoptions.new_feature_id != uses.feature_id
    where {{ days_between('adoptions.launched_on', 'uses.used_on') }} >= -adoptions.window_days

),

days as (

    select distinct
        new_feature_id,
        day
    from uses

),

-- Those who never adopted are looked at in the adopters' own windows, each as often as adopters have it.
matched as (

    select
        days.new_feature_id,
        days.day,
        {{ decimal.format('sum(adopted.adopters * adopted.weight) / cast(max(adopted.all_adopters) as double)') }}
            as weight
    from days
    inner join adopted
        on
            days.new_feature_id = adopted.new_feature_id
            and days.day > adopted.adopted_day
            and days.day <= adopted.adopted_day + adopted.post_days
    group by days.new_feature_id, days.day

),

weighed as (

    select
        uses.*,
        case
            when uses.role = 'non_adopter' then coalesce(matched.weight, 0)
            else coalesce(adopted.weight, 0)
        end as weight
    from uses
    left join matched on uses.new_feature_id = matched.new_feature_id and uses.day = matched.day
    left join adopted
        on
            uses.new_feature_id = adopted.new_feature_id
            and uses.adopted_day = adopted.adopted_day
            and uses.day > adopted.adopted_day
            and uses.day <= adopted.adopted_day + adopted.post_days
    -- What was not there before the launch is no incumbent.
    where uses.first_day < 0

),

of_users as (

    {% for comparison, before, after in [
        ('launch', 'case when day < 0 then uses else 0 end', decimal.format('uses * weight')),
        ('placebo', 'case when day < half - window_days then uses else 0 end',
            'case when day between -half and -1 then uses else 0 end')
    ] %}
        select
            '{{ comparison }}' as comparison,
            new_feature_id,
            incumbent_feature_id,
            role,
            user_id,
            sum({{ before }}) as before,
            sum({{ after }}) as after
        from weighed
        group by new_feature_id, incumbent_feature_id, role, user_id
        {{ 'union all' if not loop.last }}
    {% endfor %}

)

{% set moments = {
    'before': 'before', 'after': 'after', 'before_before': 'before * before', 'before_after': 'before * after',
    'after_after': 'after * after'
} %}
select
    {% for name, moment in moments.items() %}
        sum(case when role = 'adopter' then {{ moment }} else 0 end) as adopter_{{ name }},
        sum(case when role = 'non_adopter' then {{ moment }} else 0 end) as non_adopter_{{ name }},
    {% endfor %}
    comparison,
    new_feature_id,
    incumbent_feature_id
from of_users
group by comparison, new_feature_id, incumbent_feature_id
