-- one row per call, part that one payer pays, and originator: whose cost it is by origin, and for which purpose
{{ config(materialized="view") }}
with calls as (

    select * from {{ ref('int_calls_billed') }}

),

origins as (

    select * from {{ ref('int_call_origins_ruled') }}

),

-- Charges of several payers may meet in a call, and a gateway's fee stands on another bill than the call.
{% set weight = whole_number('abs(amount_usd) * 1000000000000 + 1') %}
parts as (

    select
        call_key,
        part_no,
        provider,
        account_id,
        payer_team_id,
        'billed' as basis,
        billed_usd as amount_usd,
        cutoff_month,
        cutoff_usd
    from {{ ref('int_call_parts_billed') }}
    where is_parted

    union all

    -- The accrued part of a call of which only a gateway's fee is billed.
    select
        call_key,
        0 as part_no,
        null as provider,
        null as account_id,
        null as payer_team_id,
        'accrued' as basis,
        accrued_usd as amount_usd,
        null as cutoff_month,
        null as cutoff_usd
    from calls
    where is_parted and accrued_usd is not null

),

weighed as (

    select
        *,
        {{ weight }} as weight,
        {{ floored_part('1', weight, 'sum(' ~ weight ~ ') over (partition by call_key)') }} as share_part
    from parts

),

shared as (

    select
        *,
        {{ part_with_residue(money('1'), 'share_part', 'weight', 'call_key', 'part_no') }} as share,
        row_number() over (partition by call_key order by weight desc, part_no) as place
    from weighed

),

evaluated as (

    select * from {{ ref('int_ids_evaluated') }}
    where is_named

),

keys as (

    select * from {{ ref('int_keys_owned') }}

),

catalog as (

    select * from {{ ref('feature_catalog') }}

),

joined as (

    select
        calls.{{ billing_of_call() | join(',\n        calls.') }},
        coalesce(calls.billed_usd + coalesce(calls.accrued_usd, 0), calls.accrued_usd) as attributed_usd,
        coalesce(shared.place, 1) as part_no,
        coalesce(shared.share, {{ money('1') }}) as part_share,
        coalesce(shared.basis, calls.basis) as part_basis,
        -- The provider and account that the part is payable to.
        coalesce(shared.provider, calls.provider) as payable_provider,
        case when shared.provider is not null then shared.account_id else calls.account_id end as payable_account_id,
        case
            when shared.call_key is not null then shared.amount_usd
            else coalesce(calls.billed_usd, calls.accrued_usd)
        end as part_usd,
        case when shared.call_key is not null then shared.cutoff_month else calls.cutoff_month end as cutoff_month,
        case when shared.call_key is not null then shared.cutoff_usd else calls.cutoff_usd end as cutoff_usd,
        -- In UTC; `started_on` is the day on the provider's clock.
        origins.started_on as seen_on,
        origins.is_split or calls.is_parted as is_split,
        origins.service_name,
        origins.route,
        origins.prompt_version,
        origins.is_root_orphan,
        origins.hops,
        origins.team_path,
        origins.tenant_id,
        origins.user_id,
        origins.weight,
        coalesce(by_call.feature_id, evaluated.feature_id, origins.originating_feature_id, keys.feature_id)
            as originating_feature_id,
        coalesce(origins.serving_feature_id, by_call.feature_id, evaluated.feature_id, keys.feature_id)
            as serving_feature_id,
        case
            when coalesce(by_call.feature_id, evaluated.feature_id) is not null then 'trace_tag'
            when origins.originating_feature_id is not null then origins.attribution_rule
            when keys.feature_id is not null then 'api_key'
            else 'none'
        end as attribution_rule,
        -- The eval run that names the call, then an explicit word, then the environment, then a catalog rule.
        coalesce(
            case when coalesce(by_call.tie_key, evaluated.tie_key) is not null then 'evaluation' end,
            origins.stated_purpose,
            origins.environment_purpose,
            origins.ruled_purpose
        ) as known_purpose,
        coalesce(keys.owner_team_id, origins.owner_team_id, 'unattributed') as own_payer_team_id,
        -- The charge's key, tags or account say who pays; else the call's own key, then the calling service.
        coalesce(
            case when shared.call_key is not null then shared.payer_team_id else calls.payer_team_id end,
            keys.owner_team_id, origins.owner_team_id, 'unattributed'
        ) as payer_team_id
    from calls
    inner join origins on calls.call_key = origins.call_key
    left join shared on calls.call_key = shared.call_key
    left join evaluated on calls.trace_key = evaluated.tie_key and evaluated.kind = 'trace'
    left join evaluated as by_call on calls.call_key = by_call.tie_key and by_call.kind = 'call'
    left join keys
        on
            calls.provider = keys.provider
            and calls.account_id is not distinct from keys.account_id
            and calls.api_key is not distinct from keys.api_key
            and calls.started_on = keys.used_on

),

with_purpose as (

    select
        {{ all_but('joined', ['known_purpose']) }},
        coalesce(
            joined.known_purpose,
            case when joined.originating_feature_id is not null then '{{ var("default_purpose") }}' else 'unknown' end
        ) as purpose,
        catalog.owner_team_id as feature_owner_id
    from joined
    left join catalog
        on
            joined.originating_feature_id = catalog.feature_id
            and {{ in_force('catalog', 'joined.started_on') }}

)

select
    {{ all_but('', ['feature_owner_id', 'originating_feature_id', 'serving_feature_id']) }},
    coalesce(originating_feature_id, 'unlabelled') as originating_feature_id,
    coalesce(serving_feature_id, 'unlabelled') as serving_feature_id,
    case
        when originating_feature_id is null then payer_team_id
        -- Who owns the feature evaluated bears its evals; a rule, a key or a run names a feature and no calling team.
        when purpose = 'evaluation' or attribution_rule in ('catalog_rule', 'api_key', 'trace_tag')
            then coalesce(feature_owner_id, {{ first_step('team_path') }}, payer_team_id)
        else coalesce({{ first_step('team_path') }}, feature_owner_id, payer_team_id)
    end as origin_team_id,
    -- The call has no feature, or no known team: its cost stays with the payer.
    originating_feature_id is null or coalesce({{ first_step('team_path') }}, feature_owner_id) is null
        as is_origin_payer
from with_purpose
