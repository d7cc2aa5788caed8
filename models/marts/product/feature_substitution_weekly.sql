with weekly_effects as (

    select
        *,
        quantile * sqrt(displaced_variance) as half_width
    from {{ ref('int_substitution_effects') }}
    where comparison = 'launch' and week > 0

)

{% set has_enough = 'adopters >= ' ~ var('substitution_min_users') %}
{% set shown = 'case when reason is null and ' ~ has_enough ~ ' then {} end' %}
select
    new_feature_id,
    incumbent_feature_id,
    cast(week as bigint) as week,
    adopters,
    accounts,
    {{ shown.format('expected_uses') }} as expected_uses_per_adopter,
    {{ shown.format('adopter_after') }} as uses_per_adopter,
    {{ shown.format('displaced_uses') }} as displaced_uses_per_adopter,
    {{ shown.format('displaced_uses - half_width') }} as ci_low,
    {{ shown.format('displaced_uses + half_width') }} as ci_high,
    {{ shown.format('displaced_uses / nullif(expected_uses, 0)') }} as adopters_lost_pct,
    case when reason is null and not {{ has_enough }} then 'few_adopters' else reason end as reason
from weekly_effects
