-- one row per call
with calls as (

    select * from {{ ref('int_calls_billed') }}

),

origins as (

    select
        call_id,
        case when count(distinct originating_feature_id) > 1 then 'multiple' else min(originating_feature_id) end
            as originating_feature_id,
        case when count(distinct serving_feature_id) > 1 then 'multiple' else min(serving_feature_id) end
            as serving_feature_id,
        min(attribution_rule) as attribution_rule,
        min(hops) as hops,
        case when count(distinct team_path) > 1 then 'multiple' else min(team_path) end as team_path,
        min(payer_team_id) as payer_team_id,
        min(purpose) as purpose,
        case when count(distinct tenant_id) > 1 then 'multiple' else min(tenant_id) end as tenant_id,
        case when count(distinct user_id) > 1 then 'multiple' else min(user_id) end as user_id,
        min(prompt_version) as prompt_version
    from {{ ref('int_call_origins_borne') }}
    group by call_id

)

select
    calls.call_id,
    calls.trace_id,
    calls.span_id,
    calls.spans,
    calls.started_at,
    calls.started_on,
    calls.provider,
    calls.vendor,
    calls.account_id,
    calls.model,
    calls.service_name,
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
    calls.input_tokens + calls.cache_read_tokens + calls.cache_write_5m_tokens + calls.cache_write_1h_tokens
    + calls.audio_input_tokens as input_tokens,
    calls.cache_read_tokens,
    calls.cache_write_5m_tokens + calls.cache_write_1h_tokens as cache_write_tokens,
    calls.output_tokens + calls.reasoning_tokens + calls.audio_output_tokens as output_tokens,
    calls.reasoning_tokens,
    calls.cached_input_rule,
    calls.is_failed,
    calls.priced_usd,
    calls.unpriced_reason,
    {{ money('calls.stated_usd') }} as stated_usd,
    calls.billed_usd,
    case calls.basis
        when 'billed' then calls.billed_usd
        when 'accrued' then calls.priced_usd
    end as attributed_usd,
    calls.basis,
    calls.match_level
from calls
inner join origins on calls.call_id = origins.call_id
