-- one row per provider, server and model as spans write them: who is meant, who serves such a name, who made the model
with said as (

    select distinct
        provider_name,
        server_address,
        model_name
    from {{ ref('int_calls_deduplicated') }}
    where {{ is_touched('started_on', 'read_day', is_utc=true) }}

),

-- Whom the price book, the bills or the company's seeds name. Any other text is a framework's or a gateway's name.
providers as (

    {% for model in ['int_prices_known', 'provider_aliases', 'int_accounts_known', 'negotiated_prices',
        'model_deployments'] %}
        select lower(provider) as provider
        from {{ ref(model) }}
        where provider is not null
        {{ 'union' if not loop.last }}
    {% endfor %}

),

-- The longest pattern is the most specific one. A framework's name may begin like a provider's (google_adk): its row
-- names nobody.
recognised as (

    select
        said.provider_name,
        said.server_address,
        said.model_name,
        max_by(aliases.provider, length(aliases.pattern)) filter (where aliases.kind = 'server') as server_provider,
        max_by(coalesce(aliases.provider, ''), length(aliases.pattern))
            filter (where aliases.kind in ('name', 'framework')) as named_provider,
        max_by(aliases.provider, length(aliases.pattern)) filter (where aliases.kind = 'serving') as serving_provider,
        max_by(aliases.provider, length(aliases.pattern)) filter (where aliases.kind = 'model') as vendor
    from said
    left join {{ ref('provider_aliases') }} as aliases
        on {{ is_like("lower(case aliases.kind
            when 'server' then said.server_address
            when 'name' then said.provider_name
            when 'framework' then said.provider_name
            when 'serving' then said.model_name
            when 'model' then said.model_name
        end)", 'aliases.pattern') }}
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
