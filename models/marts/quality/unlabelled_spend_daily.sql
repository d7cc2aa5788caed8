-- one row per day, service, route and reason of calls that no feature could be found for
{{ replaces_touched("spent_on", by="touched_day") }}
with calls as (

    select * from {{ ref('attributed_calls') }}
    where originating_feature_id = 'unlabelled' and {{ is_touched('started_on', 'touched_day') }}

),

origins as (

    select
        call_id,
        route,
        origin_team_id as owner_team_id,
        is_root_orphan
    from {{ ref('int_call_shares') }}
    where originating_feature_id = 'unlabelled' and place = 1 and {{ is_touched('started_on', 'touched_day') }}

)

select
    calls.started_on as spent_on,
    calls.service_name as service,
    origins.route,
    case
        when origins.is_root_orphan then 'parent_not_exported'
        when calls.service_name is null then 'no_label_and_no_service'
        else 'no_label'
    end as reason,
    origins.owner_team_id,
    count(*) as calls,
    count(*) filter (where calls.attributed_usd is null) as unpriced_calls,
    {{ money('sum(calls.attributed_usd)') }} as borne_usd
from calls
inner join origins on calls.call_id = origins.call_id
group by
    calls.started_on,
    calls.service_name,
    origins.route,
    case
        when origins.is_root_orphan then 'parent_not_exported'
        when calls.service_name is null then 'no_label_and_no_service'
        else 'no_label'
    end,
    origins.owner_team_id
