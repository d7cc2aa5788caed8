-- one row per new feature, incumbent and comparison: uses displaced per adopter, as a difference in differences
with adoptions as (

    select
        new_feature_id,
        launched_on,
        window_days,
        count(case when role = 'adopter' then 1 end) as adopters,
        count(case when role = 'non_adopter' then 1 end) as non_adopters,
        count(case when role = 'other' then 1 end) as other_users
    from {{ ref('int_adoptions_windowed') }}
    group by new_feature_id, launched_on, window_days

),

-- Means per user: one without a use of the incumbent counts with 0.
{% set moments = ['before', 'after', 'before_before', 'before_after', 'after_after'] %}
meant as (

    select
        adoptions.*,
        compared.comparison,
        compared.incumbent_feature_id,
        {% for role in ['adopter', 'non_adopter'] %}
            {% for moment in moments %}
                cast(compared.{{ role }}_{{ moment }} as double) / nullif(adoptions.{{ role }}s, 0)
                    as {{ role }}_{{ moment }},
            {% endfor %}
        {% endfor %}
        nullif(cast(compared.non_adopter_before as double), 0) / nullif(adoptions.non_adopters, 0) as base
    from {{ ref('int_incumbent_uses_compared') }} as compared
    inner join adoptions on compared.new_feature_id = adoptions.new_feature_id

),

-- What adopters would have done: their own level before, times what became of the others' level.
displaced as (

    select
        *,
        non_adopter_after / base as trend,
        adopter_before * non_adopter_after / base - adopter_after as displaced_uses
    from meant

),

-- The variances of the two means that the estimate is made of; the ratio's by the delta method.
varied as (

    select
        *,
        greatest(
            trend * trend * adopter_before_before - 2 * trend * adopter_before_after + adopter_after_after
            - displaced_uses * displaced_uses, 0
        ) / nullif(adopters - 1, 0) as adopter_variance,
        greatest(
            trend * trend * non_adopter_before_before - 2 * trend * non_adopter_before_after
            + non_adopter_after_after, 0
        ) * power(adopter_before / base, 2) / nullif(non_adopters - 1, 0) as non_adopter_variance
    from displaced

),

estimated as (

    select
        *,
        {{ welch_half_width('adopter_variance', 'adopters', 'non_adopter_variance', 'non_adopters') }} as half_width,
        case
            when window_days < {{ var('substitution_min_days') }} then 'window_too_short'
            when adopters < {{ var('substitution_min_users') }} then 'few_adopters'
            when non_adopters < {{ var('substitution_min_users') }} then 'few_non_adopters'
            when coalesce(adopter_before, 0) = 0 or base is null then 'incumbent_not_used'
        end as reason
    from varied

)

select
    comparison,
    new_feature_id,
    incumbent_feature_id,
    launched_on,
    window_days,
    adopters,
    non_adopters,
    other_users,
    adopter_before,
    adopter_after,
    base as non_adopter_before,
    trend,
    displaced_uses,
    half_width,
    reason
from estimated
