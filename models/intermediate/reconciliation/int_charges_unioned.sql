-- one row per line of a provider's bill, superseded lines included
{% set providers = ['openai', 'openrouter'] %}
with charges as (

    {% for provider in providers %}
        select
            charge_id,
            provider,
            file_kind,
            account_id,
            api_key,
            file_id,
            source_file,
            source_line,
            charged_at,
            covers_from,
            covers_to,
            response_id,
            model_name,
            meter,
            quantity,
            billed_amount,
            is_standing
        from {{ ref('stg_' ~ provider ~ '__charges') }}
        {% if not loop.last %}
            union all
        {% endif %}
    {% endfor %}

)

select
    charge_id,
    provider,
    file_kind,
    account_id,
    api_key,
    file_id,
    source_file,
    source_line,
    charged_at,
    {{ billing_day('charged_at', 'provider') }} as charged_on,
    covers_from,
    covers_to,
    response_id,
    model_name,
    meter,
    quantity,
    {{ money('billed_amount') }} as billed_usd,
    is_standing
from charges
