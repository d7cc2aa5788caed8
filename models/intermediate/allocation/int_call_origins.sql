{{ config(materialized="view") }}
{% set context = ['service_name', 'span_name', 'root_service_name', 'root_span_name', 'route', 'prompt_template'] %}
with calls as (

    select * from {{ ref('int_call_costs') }}

),

reported_calls as (

    select * from {{ ref('int_calls') }}
    where {{ is_touched('started_on', 'touched_day', is_utc=true) }}

),

spans as (

    select * from {{ ref('int_span_attribution') }}
    where {{ is_touched('started_on', 'touched_day', is_utc=true) }}

),

labelled_calls as (

    select
        calls.call_key,
        calls.started_on,
        -- Only a trace that several spans caused has several originators.
        coalesce(causes.is_split, false) as is_split,
        calls.service_name,
        calls.span_name,
        spans.root_service_name,
        spans.root_span_name,
        spans.route,
        spans.prompt_template,
        spans.prompt_version,
        spans.is_root_orphan,
        spans.owner_team_id,
        spans.environment_purpose,
        coalesce(spans.stated_purpose, causes.stated_purpose) as stated_purpose,
        coalesce(causes.originating_feature_id, spans.originating_feature_id) as originating_feature_id,
        case when spans.originating_feature_id is null then causes.ruled_feature_id end as caused_feature_id,
        case when spans.originating_feature_id is null then causes.ruled_serving_id end as caused_serving_id,
        coalesce(spans.serving_feature_id, causes.serving_feature_id) as serving_feature_id,
        case when causes.originating_feature_id is not null then 'link' else spans.attribution_rule end
            as attribution_rule,
        case
            when
                causes.originating_feature_id is not null
                or (spans.originating_feature_id is null and causes.ruled_feature_id is not null)
                then spans.depth + causes.hops
            else spans.hops
        end as hops,
        case
            when causes.caused_root_key is null then spans.team_path
            when causes.originating_feature_id is null and spans.originating_feature_id is not null
                then spans.team_path
            else {{ joined_paths('causes.team_path', 'spans.root_path') }}
        end as team_path,
        coalesce(spans.tenant_id, causes.tenant_id) as tenant_id,
        coalesce(spans.user_id, causes.user_id) as user_id,
        coalesce(causes.weight, 1) as weight
    from reported_calls as calls
    inner join spans
        on
            calls.trace_key = spans.trace_key
            and calls.span_key = spans.span_key
            -- Both sides are read for the same days only.
            and calls.started_on = spans.started_on
    left join {{ ref('int_trace_origins') }} as causes
        on spans.trace_key = causes.caused_trace_key and spans.root_span_key = causes.caused_root_key

),

attributed_calls as (

    select
        calls.call_key,
        calls.started_on,
        calls.is_split,
        calls.service_name,
        calls.route,
        calls.prompt_version,
        calls.is_root_orphan,
        calls.owner_team_id,
        calls.environment_purpose,
        coalesce(calls.stated_purpose, nullif(rules.purpose, 'production')) as stated_purpose,
        rules.purpose as ruled_purpose,
        -- Labels go before rules, and the rule of the request that caused the trace before that of the call.
        coalesce(calls.originating_feature_id, calls.caused_feature_id, rules.feature_id) as originating_feature_id,
        coalesce(
            calls.serving_feature_id,
            case when calls.originating_feature_id is null then coalesce(rules.feature_id, calls.caused_serving_id) end
        ) as serving_feature_id,
        case
            when
                calls.originating_feature_id is null
                and coalesce(calls.caused_feature_id, rules.feature_id) is not null
                then 'catalog_rule'
            else calls.attribution_rule
        end as attribution_rule,
        calls.hops,
        calls.team_path,
        calls.tenant_id,
        calls.user_id,
        calls.weight
    from labelled_calls as calls
    left join {{ ref('int_label_rules') }} as rules on {{ are_same('calls', 'rules', context) }}

    union all

    -- A call without spans has no path: its eval run says which feature it evaluated.
    select
        call_key,
        started_on,
        false as is_split,
        null as service_name,
        null as route,
        prompt_version,
        false as is_root_orphan,
        null as owner_team_id,
        null as environment_purpose,
        'evaluation' as stated_purpose,
        null as ruled_purpose,
        feature_id as originating_feature_id,
        feature_id as serving_feature_id,
        case when feature_id is null then 'none' else 'trace_tag' end as attribution_rule,
        0 as hops,
        '' as team_path,
        null as tenant_id,
        null as user_id,
        1 as weight
    from {{ ref('int_eval_calls') }}
    where {{ is_touched('started_on', 'touched_day', is_utc=true) }}

),

eval_references as (

    select * from {{ ref('int_evaluated_ids') }}
    where is_named

),

-- A call has several payable parts if its charges name several payers, or if a gateway bills a fee of its own.
payable_parts as (

    select
        call_key,
        part_no as bill_part_no,
        provider,
        account_id,
        payer_team_id,
        'billed' as basis,
        billed_usd as amount_usd,
        cutoff_month,
        cutoff_usd
    from {{ ref('int_call_cost_parts') }}
    where is_parted

    union all

    -- Only the fee of these calls is billed.
    select
        call_key,
        0 as bill_part_no,
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

attributed_origins as (

    select
        calls.{{ billing_of_call() | join(',\n        calls.') }},
        coalesce(calls.billed_usd + coalesce(calls.accrued_usd, 0), calls.accrued_usd) as attributed_usd,
        coalesce(parts.bill_part_no, 1) as bill_part_no,
        case
            when parts.call_key is not null then {{ whole_number('abs(parts.amount_usd) * 1000000000000 + 1') }}
            else 1
        end as part_weight,
        coalesce(parts.basis, calls.basis) as part_basis,
        coalesce(parts.provider, calls.provider) as payable_provider,
        case when parts.provider is not null then parts.account_id else calls.account_id end as payable_account_id,
        case
            when parts.call_key is not null then parts.amount_usd
            else coalesce(calls.billed_usd, calls.accrued_usd)
        end as part_usd,
        case when parts.call_key is not null then parts.cutoff_month else calls.cutoff_month end as cutoff_month,
        case when parts.call_key is not null then parts.cutoff_usd else calls.cutoff_usd end as cutoff_usd,
        -- UTC date; `started_on` is the date in the provider's billing time zone.
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
        coalesce(
            by_call.feature_id, by_trace.feature_id, origins.originating_feature_id, key_owners.feature_id
        ) as feature_id,
        coalesce(origins.serving_feature_id, by_call.feature_id, by_trace.feature_id, key_owners.feature_id)
            as serving_feature_id,
        case
            when coalesce(by_call.feature_id, by_trace.feature_id) is not null then 'trace_tag'
            when origins.originating_feature_id is not null then origins.attribution_rule
            when key_owners.feature_id is not null then 'api_key'
            else 'none'
        end as attribution_rule,
        -- An eval run that references the call overrides what the spans state.
        coalesce(
            case when coalesce(by_call.tie_key, by_trace.tie_key) is not null then 'evaluation' end,
            origins.stated_purpose,
            origins.environment_purpose,
            origins.ruled_purpose
        ) as known_purpose,
        coalesce(key_owners.owner_team_id, origins.owner_team_id, 'unattributed') as own_payer_team_id,
        -- The charge's key, tags or account decide who pays; without them the call's own key, then the calling service.
        coalesce(
            case when parts.call_key is not null then parts.payer_team_id else calls.payer_team_id end,
            key_owners.owner_team_id, origins.owner_team_id, 'unattributed'
        ) as payer_team_id
    from calls
    inner join attributed_calls as origins on calls.call_key = origins.call_key
    left join payable_parts as parts on calls.call_key = parts.call_key
    left join eval_references as by_trace on calls.trace_key = by_trace.tie_key and by_trace.kind = 'trace'
    left join eval_references as by_call on calls.call_key = by_call.tie_key and by_call.kind = 'call'
    left join {{ ref('int_api_key_owners') }} as key_owners
        on
            calls.provider = key_owners.provider
            and calls.account_id is not distinct from key_owners.account_id
            and calls.api_key is not distinct from key_owners.api_key
            and calls.started_on = key_owners.used_on

),

owned_origins as (

    select
        {{ all_but('origins', ['feature_id', 'serving_feature_id', 'known_purpose']) }},
        coalesce(origins.feature_id, 'unlabelled') as originating_feature_id,
        coalesce(origins.serving_feature_id, 'unlabelled') as serving_feature_id,
        coalesce(
            origins.known_purpose,
            case when origins.feature_id is not null then '{{ var("default_purpose") }}' else 'unknown' end
        ) as purpose,
        -- The owner of an evaluated feature bears its evals. A rule, key or run names a feature, but no calling team.
        case
            when origins.feature_id is null then null
            when
                origins.known_purpose = 'evaluation'
                or origins.attribution_rule in ('catalog_rule', 'api_key', 'trace_tag')
                then coalesce(catalog.owner_team_id, {{ first_step('origins.team_path') }})
            else coalesce({{ first_step('origins.team_path') }}, catalog.owner_team_id)
        end as known_team_id
    from attributed_origins as origins
    left join {{ ref('feature_catalog') }} as catalog
        on origins.feature_id = catalog.feature_id and {{ in_force('catalog', 'origins.started_on') }}

)

select
    {{ all_but('', ['known_team_id']) }},
    coalesce(known_team_id, payer_team_id) as origin_team_id,
    -- Without a feature or a known team, the cost of the call stays with its payer.
    known_team_id is null as is_origin_payer
from owned_origins
