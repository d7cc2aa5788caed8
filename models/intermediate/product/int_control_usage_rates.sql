-- Without the new feature, adopters would use the incumbent at the controls' rate: uses on a day, per use in the window
-- before the launch (for the placebo: per use in its first half).
with usage as (

    select * from {{ ref('int_incumbent_usage') }}

),

comparisons (comparison) as (

    values ('launch'), ('placebo'), ('trend')

),

-- After the launch, all users who have not adopted yet are controls; before it, only those who never adopt.
control_uses_before as (

    select
        comparisons.comparison,
        usage.new_feature_id,
        usage.incumbent_feature_id,
        usage.adopted_day,
        sum(
            case
                when usage.day >= 0 then 0
                when comparisons.comparison = 'placebo' and not usage.is_first_half then 0
                else usage.uses
            end
        ) as before
    from usage
    cross join comparisons
    where usage.is_control and (comparisons.comparison = 'launch' or usage.role = 'non_adopter')
    group by comparisons.comparison, usage.new_feature_id, usage.incumbent_feature_id, usage.adopted_day

),

control_uses as (

    select
        new_feature_id,
        incumbent_feature_id,
        day,
        sum(case when is_control and (adopted_day is null or adopted_day >= day) then uses else 0 end) as uses,
        sum(case when role = 'non_adopter' then uses else 0 end) as non_adopter_uses
    from usage
    group by new_feature_id, incumbent_feature_id, day

)

select
    controls.comparison,
    control_uses.new_feature_id,
    control_uses.incumbent_feature_id,
    control_uses.day,
    cast(sum(controls.before) as double) as base,
    cast(max(
        case controls.comparison when 'launch' then control_uses.uses else control_uses.non_adopter_uses end
    ) as double) / nullif(cast(sum(controls.before) as double), 0) as rate
from control_uses
inner join control_uses_before as controls
    on
        {{ are_same('control_uses', 'controls', ['new_feature_id', 'incumbent_feature_id']) }}
        and (
            controls.comparison != 'launch'
            or controls.adopted_day is null
            or control_uses.day <= controls.adopted_day
        )
group by controls.comparison, control_uses.new_feature_id, control_uses.incumbent_feature_id, control_uses.day
