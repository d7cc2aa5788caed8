-- one row per call: who bills for it and who made its model, told from the bill before the span's own word
{% set deployable = ['sure_provider', 'named_provider', 'model_provider', 'account_id', 'model_key', 'called_on'] %}
{% set told = 'coalesce(said.sure_provider, said.named_provider, said.model_provider)' %}
{% set day = "coalesce(" ~ billing_day(
    'provided.started_at', 'provided.provider',
    'coalesce(clocks.is_pacific, ' ~ is_pacific_biller('provided.provider') ~ ')'
) ~ ", date '1970-01-01')" %}
{# The longest pattern of the call's own provider, else of any. #}
{% set fit = "(coalesce(deployments.provider = " ~ told ~ ", deployments.provider is null), "
    ~ "length(deployments.deployment), deployments.account_id is not null, deployments.model)" %}
with called as (

    select * from {{ ref('int_calls_deduplicated') }}
    where {{ is_touched('started_on', 'read_day', is_utc=true) }}

),

charges_by_response as (

    select
        response_key,
        min(case when own_key_provider is null then provider end) as provider,
        min(case when own_key_provider is null then account_id end) as account_id,
        min(case when own_key_provider is null then api_key end) as api_key,
        min(own_key_provider) as own_key_provider,
        sum(own_key_usd) as own_key_usd
    from {{ ref('int_charges_standing') }}
    where response_key is not null and {{ is_wanted('response_key', 'called', 'call_key') }}
    group by response_key

),

-- A gateway's row of a call with one's own key names who bills the call.
own_keys as (

    select
        charges.own_key_provider,
        coalesce(max_by(aliases.provider, length(aliases.pattern)), charges.own_key_provider) as provider
    from (
        select distinct own_key_provider
        from charges_by_response
    ) as charges
    left join {{ ref('provider_aliases') }} as aliases
        on aliases.kind = 'name' and {{ is_like('charges.own_key_provider', 'aliases.pattern') }}
    where charges.own_key_provider is not null
    group by charges.own_key_provider

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
        calls.is_answered,
        calls.trace_key,
        calls.started_at,
        calls.started_on as called_on,
        calls.model_name,
        lower(calls.model_name) as model_key,
        calls.service_tier,
        -- OpenAI computes in a region for whoever asks at that region's address, and says so nowhere else.
        coalesce(
            calls.inference_geo, case when lower(calls.server_address) like '%.api.openai.com%' then 'regional' end
        ) as inference_geo,
        -- The gateway states what the call cost on the customer's own key: that is a stated price, not a charge.
        coalesce(charges_by_response.own_key_usd, calls.stated_usd) as stated_usd,
        calls.has_usage,
        calls.is_residual or calls.spans = 0 as is_summed,
        calls.usage_fault,
        calls.is_cache_write_timed,
        calls.tool_meter,
        {{ meter_columns('calls.') }},
        coalesce(charges_by_response.account_id, calls.account_id) as account_id,
        coalesce(charges_by_response.api_key, calls.api_key) as api_key,
        charges_by_response.provider is not null as is_on_bill,
        coalesce(
            charges_by_response.provider,
            own_keys.provider,
            case when calls.tool_meter is not null then lower(calls.provider_name) end,
            keys.provider,
            recognised.server_provider,
            habits.provider
        ) as sure_provider,
        recognised.named_provider,
        -- A text that nobody knows is no provider's: then the model's name tells, as it is written, else by its vendor.
        coalesce(recognised.serving_provider, recognised.vendor) as model_provider,
        lower(calls.provider_name) as stated_provider,
        case
            when calls.model_name like '%/%' and lower(calls.model_name) not like 'arn:%'
                then lower(split_part(calls.model_name, '/', 1))
            else coalesce(
                recognised.vendor, recognised.named_provider, recognised.server_provider, recognised.serving_provider,
                lower(calls.provider_name)
            )
        end as vendor
    from called as calls
    left join charges_by_response on calls.call_key = charges_by_response.response_key
    left join own_keys on charges_by_response.own_key_provider = own_keys.own_key_provider
    left join keys on calls.api_key = keys.api_key
    left join {{ ref('int_providers_recognised') }} as recognised
        on
            calls.provider_name is not distinct from recognised.provider_name
            and calls.server_address is not distinct from recognised.server_address
            and calls.model_name is not distinct from recognised.model_name
    -- What bills this service's and model's other calls of the month bills for this one too.
    left join {{ ref('int_billers_by_habit') }} as habits
        on
            calls.service_name is not distinct from habits.service_name
            and lower(calls.model_name) = habits.model_key
            and date_trunc('month', calls.started_on) = habits.month

),

-- Deployments, profiles and aliases mean a model only within the company. A row of whoever serves the call counts;
-- where only the span's own word tells that, and the book does not know the name there, any row does: a gateway's.
deployed as (

    select
        said.{{ deployable | join(',\n        said.') }},
        nullif(max_by(coalesce(deployments.provider, ''), {{ fit }}), '') as deployed_provider,
        max_by(lower(deployments.model), {{ fit }}) as deployed_model
    from (select distinct {{ deployable | join(', ') }} from provided) as said
    inner join {{ ref('model_deployments') }} as deployments
        on
            {{ is_deployment('said.model_key', 'deployments.deployment') }}
            -- Most spans name no account.
            and (said.account_id is null or {{ matches('said.account_id', 'deployments.account_id') }})
            and {{ in_force('deployments', 'said.called_on') }}
    where
        deployments.provider is null
        or deployments.provider = {{ told }}
        or (said.sure_provider is null and not exists (
            select 1 from {{ ref('model_aliases') }} as aliases
            where aliases.provider = said.named_provider and {{ is_like('said.model_key', 'aliases.pattern') }}
        ))
    group by said.{{ deployable | join(', said.') }}

),

-- A row that names no provider leaves that to the model's name.
deployed_models as (

    select
        deployed.deployed_model,
        coalesce(
            max_by(aliases.provider, length(aliases.pattern)) filter (where aliases.kind = 'serving'),
            max_by(aliases.provider, length(aliases.pattern)) filter (where aliases.kind = 'model')
        ) as provider
    from (select distinct deployed_model from deployed) as deployed
    inner join {{ ref('provider_aliases') }} as aliases
        on aliases.kind in ('serving', 'model') and {{ is_like('deployed.deployed_model', 'aliases.pattern') }}
    group by deployed.deployed_model

),

-- Spans call a model by a profile, a deployment or an endpoint that a bill names too: the bill tells its model.
resourced as (

    select
        said.{{ deployable | join(',\n        said.') }},
        min(resources.provider) as provider,
        min(resources.account_id) as resource_account_id,
        min(resources.resource) as resource,
        min(resources.model) as resource_model
    from (select distinct {{ deployable | join(', ') }} from provided) as said
    inner join {{ ref('int_resources_billed') }} as resources
        on
            said.model_key = resources.resource_key
            -- The last part of a name is one only at whom it is said to be.
            or (
                {{ told }} = resources.provider
                and {{ model_stem('said.model_key') }} = resources.resource_stem
                and coalesce(said.account_id, resources.account_id) = resources.account_id
            )
    group by said.{{ deployable | join(', said.') }}
    having count(distinct resources.resource) = 1

),

served as (

    select
        {{ all_but('provided', deployable + ['stated_provider', 'model_name', 'api_key']) }},
        coalesce(resourced.resource_account_id, provided.account_id) as account_id,
        coalesce(provided.api_key, resourced.resource) as api_key,
        provided.called_on,
        coalesce(deployed.deployed_model, resourced.resource_model, provided.model_key) as model_key,
        coalesce(
            provided.sure_provider, deployed.deployed_provider, resourced.provider, provided.named_provider,
            deployed_models.provider, provided.model_provider
        ) as known_provider,
        provided.stated_provider
    from provided
    left join deployed on {{ are_same('provided', 'deployed', deployable) }}
    left join deployed_models on deployed.deployed_model = deployed_models.deployed_model
    left join resourced on {{ are_same('provided', 'resourced', deployable) }}

),

told as (

    select
        {{ all_but('served', ['known_provider', 'stated_provider', 'account_id']) }},
        coalesce(served.known_provider, served.stated_provider, 'unknown') as provider,
        served.known_provider is not null as is_provider_known,
        coalesce(aliases.account_id, served.account_id) as account_id
    from served
    left join {{ ref('account_aliases') }} as aliases
        on
            coalesce(served.known_provider, served.stated_provider) = aliases.provider
            and served.account_id = aliases.alias

)

select
    {{ all_but('provided', ['account_id', 'called_on']) }},
    -- Resource detectors name the account of any cloud: it counts where the provider's bills, seed api_keys or the
    -- shape of the provider's ids say so; else the only account that is known.
    coalesce(case
        when provided.is_on_bill or own.account_id is not null or (
            (provided.provider = 'aws' and {{ has_pattern('provided.account_id', '^[0-9]{12}$') }})
            or (provided.provider = 'azure' and {{ has_pattern('provided.account_id', '^[0-9a-f-]{36}$') }})
            or (provided.provider = 'google' and {{ has_pattern('provided.account_id', '^[a-z][a-z0-9-]{5,29}$') }})
        ) then provided.account_id
    end, sole.account_id) as account_id,
    -- Calls without a time stand under a day of their own.
    {{ day }} as started_on
from told as provided
left join {{ ref('int_accounts_known') }} as own
    on provided.provider = own.provider and provided.account_id = own.account_id
left join {{ ref('int_accounts_known') }} as sole on provided.provider = sole.provider and sole.is_only
left join {{ ref('int_billing_clocks') }} as clocks on provided.provider = clocks.provider
where {{ is_touched(day, 'read_day') }}
