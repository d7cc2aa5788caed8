-- one row per share of a call: who bears it by the policy in force, or the split that names its bearers
{{ config(materialized="view") }}
with shares as (

    select * from {{ ref('int_call_shares') }}

),

policies as (

    select * from {{ ref('int_policies_ruled') }}
    where bearer_no = 1

),

-- The narrowest scope holds: what was asked for, what did the work, who would bear it, the company.
{% set scopes = {
    'feature': 'originating_feature_id', 'service': 'service_name', 'team': 'origin_team_id', 'default': none
} %}
ruled as (

    select
        shares.*,
        coalesce(
            {% for scope in scopes %}
                of_{{ scope }}.policy_id{{ ',' if not loop.last }}
            {% endfor %}
        ) as policy_id,
        case
            -- Nobody asked for unlabelled calls by name; who owns the feature evaluated bears its evals, always.
            when shares.originating_feature_id = 'unlabelled' or shares.purpose = 'evaluation' then 'origin_pays'
            else coalesce(
                {% for scope in scopes %}
                    of_{{ scope }}.policy,
                {% endfor %}
                'origin_pays'
            )
        end as policy
    from shares
    {% for scope, key in scopes.items() %}
        left join policies as of_{{ scope }}
            on
                of_{{ scope }}.scope = '{{ scope }}'
                {% if key %}
                    and shares.{{ key }} = of_{{ scope }}.scope_id
                {% endif %}
                and {{ in_force('of_' ~ scope, 'shares.started_on') }}
    {% endfor %}

)

select
    {{ all_but('', ['policy', 'policy_id', 'origin_team_id']) }},
    -- The path ends with the owner of the call; who stands before it called.
    case policy
        when 'caller_pays' then coalesce({{ step_from_end('team_path', 2) }}, origin_team_id)
        when 'owner_pays' then coalesce({{ step_from_end('team_path', 1) }}, origin_team_id)
        else origin_team_id
    end as bearer_team_id,
    case when policy = 'split' then policy_id end as split_id,
    -- A call without another bearer is borne by the payer of each part.
    is_origin_payer and case policy
        when 'caller_pays' then {{ step_from_end('team_path', 2) }} is null
        when 'owner_pays' then {{ step_from_end('team_path', 1) }} is null
        else policy != 'split'
    end as is_payer_bearer
from ruled
