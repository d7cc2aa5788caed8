-- one row per day, service, route, reason and owner of what no feature could be found for, parts of batches included
{{ replaces_touched("spent_on", by="touched_day") }}
with shares as (

    select * from {{ ref('int_call_shares') }}
    where originating_feature_id = 'unlabelled' and {{ is_touched('started_on', 'touched_day') }}

),

calls as (

    select * from {{ ref('int_calls_deduplicated') }}
    where {{ is_touched('started_on', 'touched_day', is_utc=true) }}

),

walked as (

    select * from {{ ref('int_spans_walked') }}
    where {{ is_touched('started_on', 'touched_day', is_utc=true) }}

),

explained as (

    select
        shares.call_key,
        shares.started_on,
        calls.service_name,
        shares.route,
        case
            when shares.is_root_orphan then 'parent_not_exported'
            when calls.service_name is null then 'no_label_and_no_service'
            else 'no_label'
        end as reason,
        -- Who runs the code can label it; where nobody is known to, who bears it must ask.
        coalesce(walked.owner_team_id, shares.origin_team_id) as owner_team_id,
        shares.borne_usd
    from shares
    inner join calls on shares.call_key = calls.call_key
    left join walked on calls.trace_key = walked.trace_key and calls.span_key = walked.span_key

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
from explained
group by started_on, service_name, route, reason, owner_team_id
