-- one row per charge that stands: a superseded line of an older download is not billed twice
select
    charges.charge_id,
    charges.provider,
    charges.account_id,
    charges.api_key,
    charges.charged_at,
    charges.charged_on,
    charges.response_id,
    models.model,
    charges.meter,
    charges.quantity,
    charges.billed_usd,
    -- The exact level: the provider's own id of the answer stands on both sides.
    calls.call_id
from {{ ref('int_charges_unioned') }} as charges
left join {{ ref('int_models_resolved') }} as models
    on charges.provider = models.provider and charges.model_name = models.model_name
left join {{ ref('int_calls_provided') }} as calls on charges.response_id = calls.response_id
where charges.is_standing
