-- one row per call
{{ replaces_touched("started_on", by="touched_day") }}
with calls as (

    select * from {{ ref('int_calls_billed') }}

),

said as (

    select * from {{ ref('int_calls_deduplicated') }}
    where {{ is_touched('started_on', 'touched_day', is_utc=true) }}

),

shares as (

    select * from {{ ref('int_call_shares') }}
    where {{ is_touched('started_on', 'touched_day') }}

),

{% set of_origin = ['originating_feature_id', 'serving_feature_id', 'team_path', 'tenant_id', 'user_id'] %}
{% set of_call = ['attribution_rule', 'hops', 'payer_team_id', 'purpose', 'prompt_version'] %}
origins as (

    select
        call_key,
        {{ (of_origin + of_call) | join(',\n        ') }},
        1 as originators
    from shares
    where share = 1

    union all

    select
        call_key,
        {% for column in of_origin %}
            case when count(distinct {{ column }}) > 1 then 'multiple' else min({{ column }}) end as {{ column }},
        {% endfor %}
        {% for column in of_call %}
            min({{ column }}) as {{ column }},
        {% endfor %}
        count(*) as originators
    from shares
    where share != 1
    group by call_key

)

select
    calls.call_id,
    said.trace_id,
    said.span_id,
    said.spans,
    said.started_at,
    calls.started_on,
    calls.provider,
    calls.vendor,
    calls.account_id,
    calls.model,
    said.service_name,
    origins.originating_feature_id,
    origins.serving_feature_id,
    origins.attribution_rule,
    origins.hops,
    origins.team_path,
    origins.payer_team_id,
    origins.purpose,
    origins.tenant_id,
    origins.user_id,
    origins.prompt_version,
    said.input_tokens + said.cache_read_tokens + said.cache_write_5m_tokens + said.cache_write_1h_tokens
    + said.audio_input_tokens as input_tokens,
    said.cache_read_tokens,
    said.cache_write_5m_tokens + said.cache_write_1h_tokens as cache_write_tokens,
    said.output_tokens + said.reasoning_tokens + said.audio_output_tokens as output_tokens,
    said.reasoning_tokens,
    said.cached_input_rule,
    said.is_failed,
    said.is_residual,
    calls.priced_usd,
    calls.cache_write_premium_usd,
    calls.unpriced_reason,
    {{ money('said.stated_usd') }} as stated_usd,
    calls.billed_usd,
    case calls.basis
        when 'billed' then calls.billed_usd
        when 'accrued' then calls.priced_usd
    end as attributed_usd,
    calls.basis,
    calls.match_level
from calls
inner join said on calls.call_key = said.call_key
inner join origins on calls.call_key = origins.call_key
