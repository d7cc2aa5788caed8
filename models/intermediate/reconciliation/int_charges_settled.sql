-- one row per charge that stands: how much of it calls explain, and what stays untraced
with charges as (

    select * from {{ ref('int_charges_standing') }}

),

groups as (

    select * from {{ ref('int_charge_groups_matched') }}

),

weighed as (

    select
        charges.*,
        coalesce(groups.is_matched, false) as is_group_matched,
        groups.attributed_usd as group_usd,
        abs(charges.billed_usd) * 1000000000000 as weight,
        {{ floored_part(
            'groups.attributed_usd', 'abs(charges.billed_usd) * 1000000000000', 'abs(groups.billed_usd) * 1000000000000'
        ) }} as part_usd
    from charges
    left join groups
        on
            charges.call_id is null
            and charges.provider = groups.provider
            and charges.account_id = groups.account_id
            and charges.charged_on = groups.usage_on
            and charges.model is not distinct from groups.model
            and charges.meter is not distinct from groups.meter

),

attributed as (

    select
        *,
        case
            when call_id is not null then billed_usd
            when not is_group_matched then {{ money('0') }}
            else {{ part_with_residue(
                'group_usd', 'coalesce(part_usd, 0)', 'weight',
                'call_id is null, provider, account_id, charged_on, model, meter', 'charge_id'
            ) }}
        end as attributed_usd
    from weighed

)

select
    charge_id,
    provider,
    account_id,
    api_key,
    charged_on,
    model,
    meter,
    call_id,
    quantity,
    billed_usd,
    {{ money('attributed_usd') }} as attributed_usd,
    -- A line without a meter names no use: fees, taxes, credits.
    case when meter is null then billed_usd else {{ money('0') }} end as invoice_only_usd,
    case when meter is null then {{ money('0') }} else {{ money('billed_usd - attributed_usd') }} end as untraced_usd,
    case
        when call_id is not null then 'response_id'
        when is_group_matched then 'account_day_model_meter'
        else 'none'
    end as match_level
from attributed
