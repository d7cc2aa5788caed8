-- one row per service, model and month with calls on a bill: the provider that bills them
with calls as (

    select
        calls.service_name,
        lower(calls.model_name) as model_key,
        date_trunc('month', calls.started_at) as month,
        charges.provider
    from {{ ref('int_calls_deduplicated') }} as calls
    inner join {{ ref('int_provider_lines_ranked') }} as charges on calls.response_id = charges.response_id
    where charges.is_standing

)

select
    service_name,
    model_key,
    month,
    provider
from calls
group by service_name, model_key, month, provider
qualify row_number() over (
    partition by service_name, model_key, month
    order by count(*) desc, provider
) = 1
