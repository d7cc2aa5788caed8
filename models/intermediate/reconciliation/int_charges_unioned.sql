-- one row per line of a provider's bill, superseded lines included
with charges as (

    select * from {{ ref('stg_openrouter__charges') }}

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
