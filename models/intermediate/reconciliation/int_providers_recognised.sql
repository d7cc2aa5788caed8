-- one row per provider, server and model as spans write them: who is meant, and who made the model
with said as (

    select distinct
        provider_name,
        server_address,
        model_name
    from {{ ref('int_calls_deduplicated') }}
    where {{ is_touched('started_on', 'read_day', is_utc=true) }}

)

-- The longest pattern is the most specific one.
select
    said.provider_name,
    said.server_address,
    said.model_name,
    max_by(aliases.provider, length(aliases.pattern)) filter (where aliases.kind = 'server') as server_provider,
    max_by(aliases.provider, length(aliases.pattern)) filter (where aliases.kind = 'name') as named_provider,
    max_by(aliases.provider, length(aliases.pattern)) filter (where aliases.kind = 'model') as vendor
from said
left join {{ ref('provider_aliases') }} as aliases
    on {{ is_like("lower(case aliases.kind
        when 'server' then said.server_address when 'name' then said.provider_name else said.model_name
    end)", 'aliases.pattern') }}
group by said.provider_name, said.server_address, said.model_name
