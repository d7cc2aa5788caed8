-- one row per call, or usage that no bill covers, and meter with a quantity: disjoint classes, and what prices them
{% set meters = call_meters() %}
{% set quantities = [('tool_meter', 'case when tool_meter is not null then 1 end')] %}
{% for meter in meters %}
    {% do quantities.append(("'" ~ meter ~ "'", meter ~ '_tokens')) %}
{% endfor %}
with calls as (

    select
        call_key,
        provider,
        account_id,
        model_key,
        case
            when lower(service_tier) in ('batch', 'flex', 'priority', 'fast') then lower(service_tier) else 'standard'
        end as service_tier,
        case when started_at is not null then started_on end as started_on,
        started_at,
        input_tokens + cache_read_tokens + cache_write_5m_tokens + cache_write_1h_tokens + audio_input_tokens
            as context_tokens,
        tool_meter,
        {{ meters | join('_tokens, ') }}_tokens
    from {{ ref('int_calls_provided') }}

),

-- Few models have a price that depends on the prompt's length or on the hour.
conditions as (

    select
        provider,
        model,
        min(case when context_over_tokens > 0 then context_over_tokens end) as least_context_over_tokens,
        max(case when daily_from is not null then 1 else 0 end) = 1 as is_hourly
    from {{ ref('int_prices_known') }}
    group by provider, model

),

priced_calls as (

    select
        calls.*,
        models.model,
        case
            when calls.context_tokens > conditions.least_context_over_tokens then calls.context_tokens else 0
        end as long_context_tokens,
        case when conditions.is_hourly then {{ minute_of_day('calls.started_at') }} end as priced_time
    from calls
    left join {{ ref('int_models_resolved') }} as models
        on calls.provider = models.provider and calls.model_key = models.model_name
    left join conditions
        on calls.provider = conditions.provider and models.model = conditions.model

)

{% for name, quantity in quantities %}
    select
        call_key,
        provider,
        account_id,
        model,
        {{ name }} as meter,
        service_tier,
        started_on,
        long_context_tokens,
        priced_time,
        {{ quantity }} as quantity
    from priced_calls
    where {{ quantity }} > 0
    {% if not loop.last %}
        union all
    {% endif %}
{% endfor %}

union all

-- Usage that no call explains accrues at the same prices.
select
    {{ row_key('usage_group_id') }} as call_key,
    provider,
    account_id,
    model,
    call_meter as meter,
    coalesce(price_tier, 'standard') as service_tier,
    usage_on as started_on,
    0 as long_context_tokens,
    cast(null as string) as priced_time,
    quantity
from {{ ref('int_usage_unbilled') }}
where {{ is_touched('usage_on', 'read_day') }}
