-- one row per share of a call and bearer: the bearer's part of the share and of its money
{{ config(materialized="view") }}
{% set amounts = ['origin_share', 'share', 'borne_usd', 'borne_cutoff_usd'] %}
{% set columns = [
    'call_key', 'call_id', 'started_on', 'provider', 'account_id', 'model', 'basis', 'cutoff_month',
    'originating_feature_id', 'serving_feature_id', 'payer_team_id', 'team_path', 'purpose', 'tenant_id', 'user_id',
    'input_tokens', 'output_tokens', 'part_no', 'part_basis', 'payable_provider', 'payable_account_id',
    'own_payer_team_id', 'is_payer_bearer'
] %}
with parted as (

    select
        shares.{{ columns | join(', shares.') }},
        bearers.bearer_team_id,
        shares.{{ amounts | join(', shares.') }},
        {% for amount in amounts %}
            {{ floored_part('shares.' ~ amount, 'bearers.weight', 'bearers.total_weight') }} as {{ amount }}_part,
        {% endfor %}
        shares.place as share_no,
        bearers.weight,
        -- A call counts once, with its largest share's first bearer.
        (shares.place - 1) * bearers.bearers + bearers.bearer_no as place
    from {{ ref('int_call_bearers_decided') }} as shares
    inner join {{ ref('int_policies_ruled') }} as bearers on shares.split_id = bearers.policy_id

)

select
    {{ (columns + ['bearer_team_id'] + amounts) | join(',\n    ') }},
    place
from {{ ref('int_call_bearers_decided') }}
where split_id is null

union all

{% set share = 'started_on, call_key, share_no' %}
select
    {{ (columns + ['bearer_team_id']) | join(',\n    ') }},
    {% for amount in amounts %}
        {{ part_with_residue(amount, amount ~ '_part', 'weight', share, 'bearer_team_id') }} as {{ amount }},
    {% endfor %}
    place
from parted
