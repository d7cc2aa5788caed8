-- one row per call, originator, bearer, tenant and user: its share of the call and of the call's money
{{ replaces_touched("started_on", by="touched_day") }}
{% set keys = ['originating_feature_id', 'serving_feature_id', 'payer_team_id', 'team_path', 'purpose', 'tenant_id', 'user_id'] %}
{% set of_call = [
    'call_key', 'call_id', 'trace_key', 'started_on', 'provider', 'account_id', 'model', 'basis', 'attributed_usd',
    'cutoff_month', 'cutoff_usd'
] %}
{% set of_origin = ['attribution_rule', 'hops', 'route', 'prompt_version', 'is_root_orphan'] %}
{% set tie_breaker = "originating_feature_id, team_path, coalesce(tenant_id, ''), coalesce(user_id, ''), " %}
{% set tie_breaker = tie_breaker ~ "serving_feature_id, bearer_team_id, purpose" %}
{% set amounts = {'share': 'whole', 'borne_usd': 'attributed_usd', 'borne_cutoff_usd': 'cutoff_usd'} %}
with origins as (

    select * from {{ ref('int_call_bearers_decided') }}

),

bearers as (

    select * from {{ ref('int_policies_ruled') }}

),

-- What several spans caused, or several teams bear, is split; of the rest, one originator and bearer has all.
weighed as (

    select
        {{ (of_call + keys) | join(',\n        ') }},
        bearer_team_id,
        split_id,
        min(attribution_rule) as attribution_rule,
        min(hops) as hops,
        min(route) as route,
        min(prompt_version) as prompt_version,
        bool_or(is_root_orphan) as is_root_orphan,
        {{ money('1') }} as whole,
        {{ whole_quotient('sum(weight) + ' ~ whole_quotient(finer(), 2), finer()) }} as weight
    from origins
    where is_parted
    group by {{ (of_call + keys) | join(', ') }}, bearer_team_id, split_id

),

floored as (

    select
        *,
        {% for part, whole in amounts.items() %}
            {{ floored_part(whole, 'weight', whole_weight()) }} as {{ part }}_floored,
        {% endfor %}
        row_number() over (partition by call_key order by weight desc, {{ tie_breaker }}) as place
    from weighed

),

caused as (

    select
        *,
        {% for part, whole in amounts.items() %}
            {{ part_with_residue(whole, part ~ '_floored', 'weight', 'call_key', tie_breaker) }}
                as {{ part }}{{ ',' if not loop.last }}
        {% endfor %}
    from floored

),

-- A split policy parts what each originator caused among its bearers.
borne as (

    select
        {{ all_but('caused', ['bearer_team_id', 'weight', 'place']) }},
        coalesce(bearers.bearer_team_id, caused.bearer_team_id) as bearer_team_id,
        coalesce(bearers.weight, 1) as weight,
        caused.place as origin_no,
        (caused.place - 1) * coalesce(bearers.bearers, 1) + coalesce(bearers.bearer_no, 1) as place,
        {% for part in amounts %}
            {{ floored_part('caused.' ~ part, 'coalesce(bearers.weight, 1)', 'coalesce(bearers.total_weight, 1)') }}
                as {{ part }}_part{{ ',' if not loop.last }}
        {% endfor %}
    from caused
    left join bearers on caused.split_id = bearers.policy_id

)

select
    {{ (of_call + keys + of_origin) | join(',\n    ') }},
    bearer_team_id,
    {{ money('1') }} as share,
    attributed_usd as borne_usd,
    cutoff_usd as borne_cutoff_usd,
    1 as place
from origins
where not is_parted

union all

select
    {{ (of_call + keys + of_origin) | join(',\n    ') }},
    bearer_team_id,
    {% for part in amounts %}
        {{ part_with_residue(part, part ~ '_part', 'weight', 'call_key, origin_no', 'bearer_team_id') }} as {{ part }},
    {% endfor %}
    place
from borne
