{{ replaces_touched("started_on", by="touched_day") }}
{{ config(post_hook="{{ walk_further_slices(day_slices=true) }}") }}
{% set slice = first_slice(day_slices=true) %}
{# A provider's day is the call's, or the one beside it. #}
{% set in_slice = lies_in(slice, 'seen_on') ~ ' and ' ~ lies_in(slice, 'started_on', beside=1) %}
{% set origin = billing_of_call() + [
    'attributed_usd', 'service_name', 'part_basis', 'payable_provider', 'payable_account_id', 'part_usd',
    'cutoff_month', 'cutoff_usd', 'own_payer_team_id', 'originating_feature_id', 'serving_feature_id',
    'origin_team_id', 'payer_team_id', 'team_path', 'purpose', 'tenant_id', 'user_id', 'is_origin_payer'
] %}
{% set of_origin = ['attribution_rule', 'hops', 'route', 'prompt_version', 'is_root_orphan'] %}
with split_origins as (

    select * from {{ ref('int_call_origins') }}
    where is_split and {{ in_slice }}

),

payable_parts as (

    select distinct
        call_key,
        bill_part_no,
        part_weight
    from split_origins

),

part_shares as (

    {{ allocate('payable_parts', {'part_share': '1'}, weight='part_weight', within=['call_key'],
        tie_breaker=['bill_part_no']) | indent }}

),

numbered_parts as (

    select
        *,
        row_number() over (partition by call_key order by part_weight desc, bill_part_no) as part_no
    from part_shares

),

originators as (

    select
        origins.{{ origin | join(',\n        origins.') }},
        parts.part_no,
        parts.part_share,
        min(origins.attribution_rule) as attribution_rule,
        min(origins.hops) as hops,
        min(origins.route) as route,
        min(origins.prompt_version) as prompt_version,
        bool_or(origins.is_root_orphan) as is_root_orphan,
        {{ whole_quotient('sum(origins.weight) + ' ~ whole_quotient(finer(), 2), finer()) }} as origin_weight
    from split_origins as origins
    inner join numbered_parts as parts
        on origins.call_key = parts.call_key and origins.bill_part_no = parts.bill_part_no
    group by origins.{{ origin | join(', origins.') }}, parts.part_no, parts.part_share

),

{% set tie_breaker = [
    'originating_feature_id', 'team_path', "coalesce(tenant_id, '')", "coalesce(user_id, '')", 'serving_feature_id',
    'origin_team_id', 'purpose', 'payer_team_id', 'own_payer_team_id', 'tenant_id', 'user_id'
] %}
originator_shares as (

    {{ allocate('originators', {
        'origin_share': '1', 'share': 'part_share', 'borne_usd': 'part_usd', 'borne_cutoff_usd': 'cutoff_usd'
    }, weight='origin_weight', within=['call_key', 'part_no'], tie_breaker=tie_breaker, total_weight=whole_weight())
        | indent }}

),

shares as (

    -- Most calls have one originator and one payer.
    select
        {{ (origin + of_origin) | join(',\n        ') }},
        1 as part_no,
        {{ money('1') }} as origin_share,
        {{ money('1') }} as share,
        part_usd as borne_usd,
        cutoff_usd as borne_cutoff_usd,
        1 as place
    from {{ ref('int_call_origins') }}
    where not is_split and {{ in_slice }}

    union all

    select
        {{ (origin + of_origin) | join(',\n        ') }},
        part_no,
        origin_share,
        share,
        borne_usd,
        borne_cutoff_usd,
        row_number() over (
            partition by call_key order by part_no, origin_weight desc, {{ in_order(tie_breaker) }}
        ) as place
    from originator_shares

),

calls as (

    select * from {{ ref('int_calls') }}
    where {{ is_touched('started_on', 'touched_day', is_utc=true) }} and {{ lies_in(slice, 'started_on') }}

),

-- Reports that the bill has no room for repeat another call, and count as its spans.
repeated_calls as (

    select
        copied_call_key as call_key,
        cast(sum(spans) as bigint) as spans
    from {{ ref('int_copied_calls') }}
    group by copied_call_key

)

select
    {{ all_but('shares', ['stated_usd', 'part_usd', 'cutoff_usd']) }},
    {{ money('shares.stated_usd') }} as stated_usd,
    calls.call_id,
    calls.trace_id,
    calls.span_id,
    calls.spans + coalesce(repeated_calls.spans, 0) as spans,
    calls.started_at,
    calls.input_tokens + calls.cache_read_tokens + calls.cache_write_5m_tokens + calls.cache_write_1h_tokens
    + calls.audio_input_tokens + calls.image_input_tokens as input_tokens,
    calls.cache_read_tokens,
    calls.cache_write_5m_tokens + calls.cache_write_1h_tokens as cache_write_tokens,
    calls.output_tokens + calls.reasoning_tokens + calls.audio_output_tokens + calls.image_output_tokens
        as output_tokens,
    calls.reasoning_tokens,
    calls.cached_input_rule,
    calls.is_failed,
    calls.is_residual,
    calls.is_suspected_copy and repeated_calls.call_key is null as is_suspected_copy,
    calls.is_ambiguous_usage
from shares
inner join calls on shares.call_key = calls.call_key
left join repeated_calls on shares.call_key = repeated_calls.call_key
