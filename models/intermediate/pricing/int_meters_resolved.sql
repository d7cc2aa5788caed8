-- one row per provider and meter as a bill writes it: the billed meter, and the service tier where the text tells it
{{ config(materialized="kept", meta={"rebuilt_at_news_of": "bills"}) }}
with names as (

    select distinct
        provider,
        meter_name
    from {{ ref('int_provider_lines_unioned') }}
    where meter_name is not null

),

aliases as (

    select * from {{ ref('meter_aliases') }}

)

select
    names.provider,
    names.meter_name,
    -- A meter that nobody knows stays as it is where it is a name, and is none where it is a text.
    coalesce(
        min_by(aliases.meter, aliases.priority) filter (where aliases.meter is not null),
        case when names.meter_name not like '% | %' then names.meter_name end
    ) as meter,
    min_by(aliases.service_tier, aliases.priority) filter (where aliases.service_tier is not null) as service_tier
from names
left join aliases
    on
        coalesce(aliases.provider, names.provider) = names.provider
        and {{ is_like('names.meter_name', 'aliases.pattern') }}
group by names.provider, names.meter_name
