{{ replaces_touched("started_on", by="touched_day") }}
{{ config(post_hook="{{ walk_further_slices(day_slices=true) }}") }}
{% set slice = first_slice(day_slices=true) %}
{% set scopes = {
    'feature': 'originating_feature_id', 'service': 'service_name', 'team': 'origin_team_id', 'default': none
} %}
{% set share = [
    'call_key', 'call_id', 'started_on', 'provider', 'account_id', 'model', 'basis', 'cutoff_month',
    'originating_feature_id', 'serving_feature_id', 'payer_team_id', 'team_path', 'purpose', 'tenant_id', 'user_id',
    'input_tokens', 'output_tokens', 'part_no', 'part_basis', 'payable_provider', 'payable_account_id',
    'own_payer_team_id', 'is_sampled'
] %}
with call_shares as (

    select * from {{ ref('int_call_shares') }}
    where {{ is_touched('started_on', 'touched_day') }} and {{ lies_in(slice, 'started_on') }}

),

policy_bearers as (

    select
        {{ entry_key(['scope', 'scope_id', 'valid_from']) }} as policy_id,
        scope,
        scope_id,
        policy,
        valid_from,
        valid_to,
        bearer_team_id,
        case when policy = 'split' then {{ whole_number('weight * 1000000') }} else 1 end as bearer_weight
    from {{ ref('chargeback_policies') }}

),

numbered_bearers as (

    select
        *,
        row_number() over (
            partition by policy_id order by bearer_weight desc, {{ in_order('bearer_team_id') }}
        ) as bearer_no,
        count(*) over (partition by policy_id) as bearers
    from policy_bearers

),

policies as (

    select * from numbered_bearers
    where bearer_no = 1

),

-- The most specific policy in force applies: feature, then service, then team, then the company's default.
ruled_shares as (

    select
        shares.*,
        coalesce(
            {% for scope in scopes %}
                of_{{ scope }}.policy_id{{ ',' if not loop.last }}
            {% endfor %}
        ) as policy_id,
        case
            -- Nobody requested unlabelled calls by name, and evals stay with the owner of the evaluated feature.
            when shares.originating_feature_id = 'unlabelled' or shares.purpose = 'evaluation' then 'origin_pays'
            else coalesce(
                {% for scope in scopes %}
                    of_{{ scope }}.policy,
                {% endfor %}
                'origin_pays'
            )
        end as policy
    from call_shares as shares
    {% for scope, key in scopes.items() %}
        left join policies as of_{{ scope }}
            on
                of_{{ scope }}.scope = '{{ scope }}'
                {% if key %}
                    and shares.{{ key }} = of_{{ scope }}.scope_id
                {% endif %}
                and {{ in_force('of_' ~ scope, 'shares.started_on') }}
    {% endfor %}

),

split_shares as (

    select
        shares.{{ share | join(',\n        shares.') }},
        bearers.bearer_team_id,
        false as is_payer_bearer,
        shares.origin_share,
        shares.share,
        shares.usage_share,
        shares.borne_usd,
        shares.borne_cutoff_usd,
        shares.place as share_no,
        bearers.bearer_weight,
        bearers.bearer_no,
        -- A split call counts once, with the first bearer of its largest share.
        (shares.place - 1) * bearers.bearers + bearers.bearer_no as place
    from ruled_shares as shares
    inner join numbered_bearers as bearers on shares.policy_id = bearers.policy_id
    where shares.policy = 'split'

),

bearer_shares as (

    {{ allocate('split_shares', {
        'origin_share': 'origin_share', 'share': 'share', 'usage_share': 'usage_share',
        'borne_usd': 'borne_usd', 'borne_cutoff_usd': 'borne_cutoff_usd'
    }, weight='bearer_weight', within=['call_key', 'share_no'], tie_breaker=['bearer_no']) | indent }}

)

select
    {{ share | join(',\n    ') }},
    -- The team path ends with the owner of the call; its caller is the step before.
    case policy
        when 'caller_pays' then coalesce({{ step_from_end('team_path', 2) }}, origin_team_id)
        when 'owner_pays' then coalesce({{ step_from_end('team_path', 1) }}, origin_team_id)
        else origin_team_id
    end as bearer_team_id,
    -- Without any other bearer, the payer of each part bears it.
    is_origin_payer and case policy
        when 'caller_pays' then {{ step_from_end('team_path', 2) }} is null
        when 'owner_pays' then {{ step_from_end('team_path', 1) }} is null
        else true
    end as is_payer_bearer,
    origin_share,
    share,
    usage_share,
    borne_usd,
    borne_cutoff_usd,
    place
from ruled_shares
where policy != 'split'

union all

select
    {{ share | join(',\n    ') }},
    bearer_team_id,
    is_payer_bearer,
    origin_share,
    share,
    usage_share,
    borne_usd,
    borne_cutoff_usd,
    place
from bearer_shares
