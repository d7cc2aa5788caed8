-- one row per call: who bills for it and who made its model, told from the bill before the span's own word
with calls as (

    select * from {{ ref('int_calls_deduplicated') }}

),

charges_by_response as (

    select
        response_id,
        min(provider) as provider,
        min(account_id) as account_id,
        min(api_key) as api_key
    from {{ ref('int_provider_lines_ranked') }}
    where is_standing and response_id is not null
    group by response_id

),

said as (

    select distinct
        provider_name,
        server_address,
        model_name
    from calls

),

-- The longest pattern is the most specific one.
recognised as (

    select
        said.provider_name,
        said.server_address,
        said.model_name,
        max_by(aliases.provider, length(aliases.pattern)) filter (where aliases.kind = 'server') as server_provider,
        max_by(aliases.provider, length(aliases.pattern)) filter (where aliases.kind = 'name') as named_provider,
        max_by(aliases.provider, length(aliases.pattern)) filter (where aliases.kind = 'model') as vendor
    from said
    left join {{ ref('provider_aliases') }} as aliases
        on lower(case aliases.kind
            when 'server' then said.server_address when 'name' then said.provider_name else said.model_name
        end) like aliases.pattern escape '\'
    group by said.provider_name, said.server_address, said.model_name

),

keys as (

    select
        api_key,
        min(provider) as provider
    from {{ ref('api_keys') }}
    where api_key is not null
    group by api_key

),

provided as (

    select
        calls.call_key,
        calls.call_id,
        calls.response_id,
        calls.trace_key,
        calls.started_at,
        lower(calls.model_name) as model_key,
        calls.service_tier,
        calls.has_usage,
        {% for meter in call_meters() %}
            calls.{{ meter }}_tokens,
        {% endfor %}
        coalesce(charges_by_response.account_id, calls.account_id) as account_id,
        coalesce(charges_by_response.api_key, calls.api_key) as api_key,
        charges_by_response.response_id is not null as is_on_bill,
        coalesce(
            charges_by_response.provider,
            keys.provider,
            recognised.server_provider,
            habits.provider,
            recognised.named_provider,
            lower(calls.provider_name),
            recognised.vendor,
            'unknown'
        ) as provider,
        case
            when calls.model_name like '%/%' then lower(split_part(calls.model_name, '/', 1))
            else coalesce(recognised.vendor, recognised.named_provider, lower(calls.provider_name))
        end as vendor
    from calls
    left join charges_by_response on calls.response_id = charges_by_response.response_id
    left join keys on calls.api_key = keys.api_key
    left join recognised
        on
            calls.provider_name is not distinct from recognised.provider_name
            and calls.server_address is not distinct from recognised.server_address
            and calls.model_name is not distinct from recognised.model_name
    -- What bills this service's and model's other calls of the month bills for this one too.
    left join {{ ref('int_billers_by_habit') }} as habits
        on
            calls.service_name is not distinct from habits.service_name
            and lower(calls.model_name) = habits.model_key
            and date_trunc('month', calls.started_at) = habits.month

)

select
    * replace (
        -- Resource detectors name the cloud's account: a model's vendor bills another, unless seed api_keys says so.
        case
            when is_on_bill or provider in ('aws', 'azure', 'google') or account_id in (
                select own.account_id from {{ ref('api_keys') }} as own
            ) then account_id
        end as account_id
    )
from provided
