with reported_names as (

    select distinct
        provider_name,
        server_address,
        model_name
    from {{ ref('int_calls') }}
    where {{ is_touched('started_on', 'read_day', is_utc=true) }}

),

-- Names in the price book, the bills or the company's seeds are providers; other names are frameworks or gateways.
providers as (

    select lower(provider) as provider
    from {{ ref('int_list_prices') }}

    union

    select lower(provider) as provider
    from {{ ref('provider_aliases') }}

    union

    select lower(provider) as provider
    from {{ ref('int_billing_accounts') }}

    union

    select lower(provider) as provider
    from {{ ref('negotiated_prices') }}

    union

    select lower(provider) as provider
    from {{ ref('model_deployments') }}

),

-- Prefer the most specific (longest) pattern. A framework's name may begin like a provider's (google_adk): its row
-- names no provider.
matched_names as (

    select
        names.provider_name,
        names.server_address,
        names.model_name,
        max_by(aliases.provider, length(aliases.pattern)) filter (where aliases.kind = 'server') as server_provider,
        max_by(
            case when aliases.kind in ('name', 'framework') then coalesce(aliases.provider, '') end,
            length(aliases.pattern)
        ) as named_provider,
        max_by(aliases.provider, length(aliases.pattern)) filter (where aliases.kind = 'serving') as serving_provider,
        max_by(aliases.provider, length(aliases.pattern)) filter (where aliases.kind = 'model') as vendor
    from reported_names as names
    left join {{ ref('provider_aliases') }} as aliases
        on
            (aliases.kind = 'server' and {{ is_like('lower(names.server_address)', 'aliases.pattern') }})
            or (
                aliases.kind in ('name', 'framework')
                and {{ is_like('lower(names.provider_name)', 'aliases.pattern') }}
            )
            or (aliases.kind in ('serving', 'model') and {{ is_like('lower(names.model_name)', 'aliases.pattern') }})
    group by names.provider_name, names.server_address, names.model_name

)

select
    matched_names.provider_name,
    matched_names.server_address,
    matched_names.model_name,
    matched_names.server_provider,
    coalesce(nullif(matched_names.named_provider, ''), case
        when matched_names.named_provider is null then providers.provider
    end) as named_provider,
    matched_names.serving_provider,
    matched_names.vendor
from matched_names
left join providers on lower(matched_names.provider_name) = providers.provider
