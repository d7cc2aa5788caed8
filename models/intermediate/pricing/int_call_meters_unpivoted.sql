-- one row per call and meter with a quantity: disjoint classes of what is billed
{% set meters = [
    'input', 'cache_read', 'cache_write_5m', 'cache_write_1h', 'audio_input', 'output', 'reasoning', 'audio_output'
] %}
with calls as (

    select * from {{ ref('int_calls_provided') }}

),

unpivoted as (

    {% for meter in meters %}
        select
            call_id,
            provider,
            account_id,
            model_key,
            service_tier,
            started_at,
            input_tokens + cache_read_tokens + cache_write_5m_tokens + cache_write_1h_tokens + audio_input_tokens
                as context_tokens,
            '{{ meter }}' as meter,
            {{ meter }}_tokens as quantity
        from calls
        where {{ meter }}_tokens > 0
        {% if not loop.last %}
            union all
        {% endif %}
    {% endfor %}

)

select
    unpivoted.call_id,
    unpivoted.provider,
    unpivoted.account_id,
    models.model,
    unpivoted.meter,
    case lower(unpivoted.service_tier)
        when 'batch' then 'batch'
        when 'flex' then 'flex'
        when 'priority' then 'priority'
        else 'standard'
    end as service_tier,
    {{ billing_day('unpivoted.started_at', 'unpivoted.provider') }} as started_on,
    strftime(unpivoted.started_at, '%H:%M') as started_time,
    unpivoted.context_tokens,
    unpivoted.quantity
from unpivoted
left join {{ ref('int_models_resolved') }} as models
    on unpivoted.provider = models.provider and unpivoted.model_key = models.model_name
