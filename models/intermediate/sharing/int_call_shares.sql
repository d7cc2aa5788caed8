-- one row per call, part that one payer pays, originator, tenant and user: its share of the call and of its money
{{ replaces_touched("started_on", by="touched_day") }}
{{ config(post_hook="{{ walk_further_slices(day_slices=true) }}") }}
{% set slice = first_slice(day_slices=true) %}
{# A provider's day is the call's, or the one beside it. #}
{% set in_slice = lies_in(slice, 'seen_on') ~ ' and ' ~ lies_in(slice, 'started_on', beside=1) %}
{% set keys = [
    'originating_feature_id', 'serving_feature_id', 'origin_team_id', 'payer_team_id', 'team_path', 'purpose',
    'tenant_id', 'user_id'
] %}
{% set of_part = [
    'part_no', 'part_share', 'part_basis', 'payable_provider', 'payable_account_id', 'part_usd', 'cutoff_month',
    'cutoff_usd', 'own_payer_team_id', 'is_origin_payer'
] %}
{% set of_call = billing_of_call() + ['attributed_usd', 'service_name'] + of_part %}
{% set of_origin = ['attribution_rule', 'hops', 'route', 'prompt_version', 'is_root_orphan'] %}
{% set tie_breaker = "originating_feature_id, team_path, coalesce(tenant_id, ''), coalesce(user_id, ''), " %}
{% set tie_breaker = tie_breaker ~ "serving_feature_id, origin_team_id, purpose" %}
{% set part = 'call_key, part_no' %}
-- Split calls with several originators or payers; other calls have one originator.
with weighed as (

    select
        {{ (of_call + keys) | join(',\n        ') }},
        min(attribution_rule) as attribution_rule,
        min(hops) as hops,
        min(route) as route,
        min(prompt_version) as prompt_version,
        bool_or(is_root_orphan) as is_root_orphan,
        {{ whole_quotient('sum(weight) + ' ~ whole_quotient(finer(), 2), finer()) }} as weight
    from {{ ref('int_call_origins_borne') }}
    where is_split and {{ in_slice }}
    group by {{ (of_call + keys) | join(', ') }}

),

floored as (

    select
        *,
        {{ money('1') }} as whole,
        {{ floored_part('1', 'weight', whole_weight()) }} as origin_part,
        {{ floored_part('part_share', 'weight', whole_weight()) }} as share_part,
        {{ floored_part('part_usd', 'weight', whole_weight()) }} as borne_part,
        {{ floored_part('cutoff_usd', 'weight', whole_weight()) }} as cutoff_part
    from weighed

),

shares as (

    select
        {{ (of_call + keys + of_origin) | join(',\n        ') }},
        {{ money('1') }} as origin_share,
        {{ money('1') }} as share,
        part_usd as borne_usd,
        cutoff_usd as borne_cutoff_usd,
        1 as place
    from {{ ref('int_call_origins_borne') }}
    where not is_split and {{ in_slice }}

    union all

    select
        {{ (of_call + keys + of_origin) | join(',\n        ') }},
        {{ part_with_residue('whole', 'origin_part', 'weight', part, tie_breaker) }} as origin_share,
        {{ part_with_residue('part_share', 'share_part', 'weight', part, tie_breaker) }} as share,
        {{ part_with_residue('part_usd', 'borne_part', 'weight', part, tie_breaker) }} as borne_usd,
        {{ part_with_residue('cutoff_usd', 'cutoff_part', 'weight', part, tie_breaker) }} as borne_cutoff_usd,
        row_number() over (partition by call_key order by part_no, weight desc, {{ in_order(tie_breaker) }}) as place
    from floored

),

said as (

    select * from {{ ref('int_calls_deduplicated') }}
    where {{ is_touched('started_on', 'touched_day', is_utc=true) }} and {{ lies_in(slice, 'started_on') }}

),

-- Reports that the bill has no room for as calls are reports of the call that they repeat.
copies as (

    select
        copied_call_key as call_key,
        cast(sum(spans) as bigint) as spans
    from {{ ref('int_copies_recognised') }}
    group by copied_call_key

)

select
    {{ all_but('shares', ['stated_usd']) }},
    {{ money('shares.stated_usd') }} as stated_usd,
    said.call_id,
    said.trace_id,
    said.span_id,
    said.spans + coalesce(copies.spans, 0) as spans,
    said.started_at,
    said.input_tokens + said.cache_read_tokens + said.cache_write_5m_tokens + said.cache_write_1h_tokens
    + said.audio_input_tokens + said.image_input_tokens as input_tokens,
    said.cache_read_tokens,
    said.cache_write_5m_tokens + said.cache_write_1h_tokens as cache_write_tokens,
    said.output_tokens + said.reasoning_tokens + said.audio_output_tokens + said.image_output_tokens as output_tokens,
    said.reasoning_tokens,
    said.cached_input_rule,
    said.is_failed,
    said.is_residual,
    said.is_suspected_copy and copies.call_key is null as is_suspected_copy,
    said.is_ambiguous_usage
from shares
inner join said on shares.call_key = said.call_key
left join copies on shares.call_key = copies.call_key
