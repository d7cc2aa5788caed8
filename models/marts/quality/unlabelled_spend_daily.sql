{{ replaces_touched("spent_on", by="touched_day") }}
with shares as (

    select * from {{ ref('int_call_shares') }}
    where originating_feature_id = 'unlabelled' and {{ is_touched('started_on', 'touched_day') }}

),

calls as (

    select * from {{ ref('int_calls') }}
    where {{ is_touched('started_on', 'touched_day', is_utc=true) }}

),

span_attribution as (

    select * from {{ ref('int_span_attribution') }}
    where {{ is_touched('started_on', 'touched_day', is_utc=true) }}

),

unlabelled_shares as (

    select
        shares.call_key,
        shares.started_on,
        calls.service_name,
        shares.route,
        case
            when shares.match_level = 'represented' then 'represented'
            when shares.is_root_orphan then 'parent_not_exported'
            when calls.service_name is null then 'no_label_and_no_service'
            else 'no_label'
        end as reason,
        -- The team that runs the code can label it. If it is unknown, the team that is charged has to ask.
        coalesce(span_attribution.owner_team_id, shares.origin_team_id) as owner_team_id,
        shares.borne_usd
    from shares
    inner join calls on shares.call_key = calls.call_key
    left join span_attribution
        on calls.trace_key = span_attribution.trace_key and calls.span_key = span_attribution.span_key

)

select
    started_on as spent_on,
    service_name as service,
    route,
    reason,
    owner_team_id,
    count(distinct call_key) as calls,
    count(distinct call_key) filter (where borne_usd is null) as unpriced_calls,
    {{ money('sum(borne_usd)') }} as borne_usd
from unlabelled_shares
group by started_on, service_name, route, reason, owner_team_id
