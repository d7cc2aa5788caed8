-- one row per call: who bills for it and who made its model, told from the bill before the span's own word
with charges_by_response as (

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
    from {{ ref('int_calls_deduplicated') }}

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
    from {{ ref('int_calls_deduplicated') }} as calls
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
    provided.* replace (
        -- Resource detectors name the account of any cloud: it counts where the provider's bills, seed api_keys or the
        -- shape of the provider's ids say so; else the only account that is known.
        coalesce(case
            when provided.is_on_bill or own.account_id is not null or (
                (provided.provider = 'aws' and regexp_matches(provided.account_id, '^[0-9]{12}$'))
                or (provided.provider = 'azure' and regexp_matches(provided.account_id, '^[0-9a-f-]{36}$'))
                or (provided.provider = 'google' and regexp_matches(provided.account_id, '^[a-z][a-z0-9-]{5,29}$'))
            ) then provided.account_id
        end, sole.account_id) as account_id
    )
from provided
left join {{ ref('int_accounts_known') }} as own
    on provided.provider = own.provider and provided.account_id = own.account_id
left join {{ ref('int_accounts_known') }} as sole on provided.provider = sole.provider and sole.is_only
