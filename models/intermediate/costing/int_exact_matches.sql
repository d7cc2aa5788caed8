with charges as (

    select * from {{ ref('int_itemised_charges') }}
    where {{ is_touched('charged_on', 'read_day') }}

),

calls as (

    select call_key
    from {{ ref('int_calls') }}
    where is_answered and {{ is_wanted('call_key', 'charges', 'response_key') }}

)

select
    {{ all_but('charges', ['response_key']) }},
    calls.call_key,
    owners.payer_team_id,
    owners.tagged_feature_id,
    case when calls.call_key is not null then charges.response_id end as call_id
from charges
left join calls on charges.response_key = calls.call_key
left join {{ ref('int_charge_payers') }} as owners
    on {{ are_same('charges', 'owners', [
        'provider', 'account_id', 'bill_account_id', 'api_key', 'tags', 'charged_on'
    ]) }}
