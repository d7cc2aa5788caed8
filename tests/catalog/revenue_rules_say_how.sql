-- A rule names a method that there is; rules of one day name one method: uses and values are not to be added up.
select
    rules.feature_id,
    rules.method,
    others.feature_id as other_feature_id,
    others.method as other_method
from {{ ref('revenue_rules') }} as rules
inner join {{ ref('revenue_rules') }} as others
    on
        (rules.valid_to is null or others.valid_from is null or rules.valid_to > others.valid_from)
        and (others.valid_to is null or rules.valid_from is null or rules.valid_from < others.valid_to)
where
    rules.method not in ('usage', 'value', 'even')
    or rules.weight < 0
    or rules.method < others.method
