-- Plans and segments are matched without case: a spelling that differs, or the name of one of the marts' own rows.
{{ config(severity='warn') }}
select
    kind,
    stated_as,
    coalesce(name, 'unknown') as counted_as,
    case
        when name is null then 'the name is reserved: give the ' || kind || ' another one'
        else 'write it one way in the files of users and revenue'
    end as what_to_do
from {{ ref('int_plan_and_segment_names') }}
where spellings > 1 or spelled_alike = 'quality_pool'
