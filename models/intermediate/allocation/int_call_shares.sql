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

sampled_costs as (

    select * from {{ ref('int_sampled_costs') }}
    where {{ is_touched('started_on', 'touched_day') }} and {{ lies_in(slice, 'started_on', beside=1) }}

),

sampled_calls as (

    select
        call_key,
        sum(sampled_usd) as sampled_usd
    from sampled_costs
    group by call_key

),

-- A kept call stands for dropped ones of the same originators. Their payer is the charge's, else the call's.
sampled_weights as (

    select
        {{ all_but('shares', [
            'part_basis', 'payable_provider', 'payable_account_id', 'cutoff_month', 'payer_team_id'
        ]) }},
        sampled_costs.basis as part_basis,
        coalesce(sampled_costs.provider, shares.provider) as payable_provider,
        case when sampled_costs.provider is null then shares.account_id else sampled_costs.account_id end
            as payable_account_id,
        cast(null as date) as cutoff_month,
        coalesce(sampled_costs.payer_team_id, shares.own_payer_team_id) as payer_team_id,
        sampled_costs.payer_no,
        sampled_costs.sampled_usd
    from shares
    inner join sampled_costs on shares.call_key = sampled_costs.call_key
    where shares.part_no = 1

),

sampled_shares as (

    {{ allocate('sampled_weights', {'sampled_part_usd': 'sampled_usd'}, weight='origin_share * 1000000000000',
        within=['call_key', 'payer_no'], tie_breaker=['place']) | indent }}

),

-- These shares are of no call that was seen. Readers count a call where `place` is 1: places below 0 count none, and
-- tell the call's own shares and up to a thousand payers apart.
all_shares as (

    select
        *,
        share as usage_share,
        false as is_sampled
    from shares

    union all

    select
        {% for column in origin + of_origin -%}
            {% if column == 'origin_team_id' -%}
                case when is_origin_payer then payer_team_id else origin_team_id end as origin_team_id,
            {% else -%}
                {{ column }},
            {% endif -%}
        {% endfor -%}
        part_no,
        {{ money('0') }} as origin_share,
        {{ money('0') }} as share,
        sampled_part_usd as borne_usd,
        null as borne_cutoff_usd,
        -1000 * place - payer_no as place,
        coalesce({{ floored_part('sampled_part_usd', 1000000000000, 'attributed_usd * 1000000000000') }}, 0)
            as usage_share,
        true as is_sampled
    from sampled_shares

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
    -- A bill that names the call lists those that a sampler dropped, too.
    case when shares.match_level = 'response_id' then 1 else coalesce(counts.adjusted_count, 1) end as adjusted_count,
    coalesce(sampled_calls.sampled_usd, 0) as sampled_usd,
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
from all_shares as shares
inner join calls on shares.call_key = calls.call_key
left join {{ ref('int_sampled_calls') }} as counts on shares.call_key = counts.call_key
left join sampled_calls on shares.call_key = sampled_calls.call_key
left join repeated_calls on shares.call_key = repeated_calls.call_key
