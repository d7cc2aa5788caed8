-- one row per provider, server and model as spans write them: who is meant, who serves such a name, who made the model
with said as (

    select distinct
        provider_name,
        server_address,
        model_name
    from {{ ref('int_calls_deduplicated') }}
    where {{ is_touched('started_on', 'read_day', is_utc=true) }}

),

-- Providers named by the price book, the bills or the company's seeds. Other texts name frameworks or gateways.
providers as (

    select lower(provider) as provider
    from {{ ref('int_list_prices') }}

    union

    select lower(provider) as provider
    from {{ ref('provider_aliases') }}

    union

    select lower(provider) as provider
    from {{ ref('int_accounts_known') }}

    union

    select lower(provider) as provider
    from {{ ref('negotiated_prices') }}

    union

    select lower(provider) as provider
    from {{ ref('model_deployments') }}

),

-- The longest pattern is the most specific one. A framework's name may begin like a provider's (google_adk): its row
-- names nobody.
recognised as (

    select
        said.provider_name,
        said.server_address,
        said.model_name,
        max_by(aliases.provider, length(aliases.pattern)) filter (where aliases.kind = 'server') as server_provider,
        max_by(
            case when aliases.kind in ('name', 'framework') then coalesce(aliases.provider, '') end,
            length(aliases.pattern)
        ) as named_provider,
        max_by(aliases.provider, length(aliases.pattern)) filter (where aliases.kind = 'serving') as serving_provider,
        max_by(aliases.provider, length(aliases.pattern)) filter (where aliases.kind = 'model') as vendor
    from said
    left join {{ ref('provider_aliases') }} as aliases
        on
            (aliases.kind = 'server' and {{ is_like('lower(said.server_address)', 'aliases.pattern') }})
            or (
                aliases.kind in ('name', 'framework')
                and {{ is_like('lower(said.provider_name)', 'aliases.pattern') }}
            )
            or (aliases.kind in ('serving', 'model') and {{ is_like('lower(said.model_name)', 'aliases.pattern') }})
    group by said.provider_name, said.server_address, said.model_name

)

select
    recognised.provider_name,
    recognised.server_address,
    recognised.model_name,
    recognised.server_provider,
    coalesce(nullif(recognised.named_provider, ''), case
        when recognised.named_provider is null then providers.provider
    end) as named_provider,
    recognised.serving_provider,
    recognised.vendor
from recognised
left join providers on lower(recognised.provider_name) = providers.provider
