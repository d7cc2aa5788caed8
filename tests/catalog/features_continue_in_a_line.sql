-- A renamed feature has one successor, and no chain of them comes round: else nobody can say under which id its history
-- is.
with continued as (

    select distinct
        continues_feature_id,
        feature_id
    from {{ ref('feature_catalog') }}
    where continues_feature_id is not null

)

select
    continues_feature_id,
    min(feature_id) as feature_id,
    max(feature_id) as other_feature_id,
    'two features continue it: one of them is a feature of its own' as problem
from continued
group by continues_feature_id
having count(*) > 1

union all

select
    continued.continues_feature_id,
    continued.feature_id,
    null as other_feature_id,
    'each continues the other, in a ring or by itself: leave out the continues_feature_id of the oldest' as problem
from continued
left join {{ ref('stg_catalog__feature_chains') }} as chains on continued.continues_feature_id = chains.feature_id
where chains.feature_id is null

union all

select
    continues_feature_id,
    feature_id,
    null as other_feature_id,
    'it is no feature, but what is left over: it can not be continued' as problem
from continued
where continues_feature_id in {{ reserved_names('feature') }}
