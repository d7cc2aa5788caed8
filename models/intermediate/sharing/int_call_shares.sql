-- one row per call, originator, tenant and user: its share of the call and of the call's money, whoever bears it
{{ replaces_touched("started_on", by="touched_day") }}
{% set keys = [
    'originating_feature_id', 'serving_feature_id', 'origin_team_id', 'payer_team_id', 'team_path', 'purpose',
    'tenant_id', 'user_id'
] %}
{% set of_call = [
    'call_key', 'call_id', 'trace_key', 'started_on', 'provider', 'account_id', 'model', 'basis', 'attributed_usd',
    'cutoff_month', 'cutoff_usd', 'service_name'
] %}
{% set tie_breaker = "originating_feature_id, team_path, coalesce(tenant_id, ''), coalesce(user_id, ''), " %}
{% set tie_breaker = tie_breaker ~ "serving_feature_id, origin_team_id, purpose" %}
with origins as (

    select * from {{ ref('int_call_origins_borne') }}

),

-- What several spans caused is split; of the rest, one originator has all.
weighed as (

    select
        {{ of_call | join(',\n        ') }},
        {{ keys | join(',\n        ') }},
        min(attribution_rule) as attribution_rule,
        min(hops) as hops,
        min(route) as route,
        min(prompt_version) as prompt_version,
        bool_or(is_root_orphan) as is_root_orphan,
        {{ whole_quotient('sum(weight) + ' ~ whole_quotient(finer(), 2), finer()) }} as weight
    from origins
    where is_split
    group by {{ of_call | join(', ') }}, {{ keys | join(', ') }}

),

floored as (

    select
        *,
        {{ money('1') }} as whole,
        {{ floored_part('1', 'weight', whole_weight()) }} as share_part,
        {{ floored_part('attributed_usd', 'weight', whole_weight()) }} as borne_part,
        {{ floored_part('cutoff_usd', 'weight', whole_weight()) }} as cutoff_part
    from weighed

)

select
    {{ of_call | join(',\n    ') }},
    {{ keys | join(',\n    ') }},
    attribution_rule,
    hops,
    route,
    prompt_version,
    is_root_orphan,
    {{ money('1') }} as share,
    attributed_usd as borne_usd,
    cutoff_usd as borne_cutoff_usd,
    1 as place
from origins
where not is_split

union all

select
    {{ of_call | join(',\n    ') }},
    {{ keys | join(',\n    ') }},
    attribution_rule,
    hops,
    route,
    prompt_version,
    is_root_orphan,
    {{ part_with_residue('whole', 'share_part', 'weight', 'call_key', tie_breaker) }} as share,
    {{ part_with_residue('attributed_usd', 'borne_part', 'weight', 'call_key', tie_breaker) }} as borne_usd,
    {{ part_with_residue('cutoff_usd', 'cutoff_part', 'weight', 'call_key', tie_breaker) }} as borne_cutoff_usd,
    row_number() over (partition by call_key order by weight desc, {{ tie_breaker }}) as place
from floored
