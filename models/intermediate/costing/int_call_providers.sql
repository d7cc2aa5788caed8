{% set identity = [
    'sure_provider', 'named_provider', 'model_provider', 'stated_provider', 'account_id', 'model_key', 'called_on',
    'is_on_bill'
] %}
{% set known_before_deployments = 'coalesce(sure_provider, named_provider, model_provider)' %}
{# The longest pattern of the call's own provider, else of any. #}
{% set fit = "(coalesce(deployments.provider = " ~ known_before_deployments ~ ", deployments.provider is null), "
    ~ "length(deployments.deployment), deployments.account_id is not null, deployments.model)" %}
{% set billing_day = "coalesce(" ~ billing_day('reported.started_at', 'identities.provider', 'identities.is_pacific')
    ~ ", date '1970-01-01')" %}
with calls as (

    select * from {{ ref('int_calls') }}
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
    from {{ ref('int_charges') }}
    where response_key is not null and {{ is_wanted('response_key', 'calls', 'call_key') }}
    group by response_key

),

-- If a gateway used the customer's own key, its row names the provider that bills the call.
own_key_providers as (

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

api_key_providers as (

    select
        api_key,
        min(provider) as provider
    from {{ ref('api_keys') }}
    where api_key is not null
    group by api_key

),

-- Bills, keys and server addresses are certain; names that spans write are not.
reported as (

    select
        calls.call_key,
        calls.call_id,
        calls.is_answered,
        calls.trace_key,
        calls.started_at,
        calls.started_on as called_on,
        lower(calls.model_name) as model_key,
        calls.service_tier,
        -- OpenAI computes in a region for requests to that region's address, and states it nowhere else.
        coalesce(
            calls.inference_geo, case when lower(calls.server_address) like '%.api.openai.com%' then 'regional' end
        ) as inference_geo,
        -- The gateway states what the call cost on the customer's own key: that is a stated price, not a charge.
        coalesce(charges.own_key_usd, calls.stated_usd) as stated_usd,
        calls.has_usage,
        calls.is_residual or calls.spans = 0 as is_summed,
        calls.usage_fault,
        calls.is_cache_write_timed,
        calls.tool_meter,
        {{ meter_columns('calls.') }},
        calls.input_tokens + calls.cache_read_tokens + calls.cache_write_5m_tokens + calls.cache_write_1h_tokens
        + calls.audio_input_tokens + calls.image_input_tokens as context_tokens,
        coalesce(charges.account_id, calls.account_id) as account_id,
        coalesce(charges.api_key, calls.api_key) as api_key,
        charges.provider is not null as is_on_bill,
        coalesce(
            charges.provider,
            own_key_providers.provider,
            case when calls.tool_meter is not null then lower(calls.provider_name) end,
            api_key_providers.provider,
            recognised.server_provider,
            inferred.provider
        ) as sure_provider,
        recognised.named_provider,
        -- If the span names no known provider, the spelling of the model's name identifies one, else its vendor.
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
    from calls
    left join charges_by_response as charges on calls.call_key = charges.response_key
    left join own_key_providers on charges.own_key_provider = own_key_providers.own_key_provider
    left join api_key_providers on calls.api_key = api_key_providers.api_key
    left join {{ ref('int_recognised_providers') }} as recognised
        on
            calls.provider_name is not distinct from recognised.provider_name
            and calls.server_address is not distinct from recognised.server_address
            and calls.model_name is not distinct from recognised.model_name
    -- Infer the provider from the service's other calls to this model in the same month that were matched to a bill.
    left join {{ ref('int_inferred_providers') }} as inferred
        on
            calls.service_name is not distinct from inferred.service_name
            and lower(calls.model_name) = inferred.model_key
            and date_trunc('month', calls.started_on) = inferred.month

),

-- Millions of calls share a few thousand combinations of names, each of which is resolved once.
reported_identities as (

    select
        {{ identity | join(',\n        ') }},
        {{ known_before_deployments }} as provider_without_deployments,
        row_number() over (order by {{ in_order(identity) }}) as identity_no
    from (select distinct {{ identity | join(', ') }} from reported) as names

),

-- Deployments, profiles and aliases name a model only within the company. Rows of the provider that serves the call
-- apply; any row does (a gateway's) if only the span's own text names the provider, and the price book does not list
-- the model's name there.
deployed_models as (

    select
        names.identity_no,
        nullif(max_by(coalesce(deployments.provider, ''), {{ fit }}), '') as provider,
        max_by(lower(deployments.model), {{ fit }}) as model
    from reported_identities as names
    inner join {{ ref('model_deployments') }} as deployments
        on
            {{ is_deployment('names.model_key', 'deployments.deployment') }}
            -- Most spans name no account.
            and (names.account_id is null or {{ matches('names.account_id', 'deployments.account_id') }})
            and {{ in_force('deployments', 'names.called_on') }}
    where
        deployments.provider is null
        or deployments.provider = names.provider_without_deployments
        or (names.sure_provider is null and not exists (
            select 1 from {{ ref('model_aliases') }} as aliases
            where aliases.provider = names.named_provider and {{ is_like('names.model_key', 'aliases.pattern') }}
        ))
    group by names.identity_no

),

-- A deployment that names no provider leaves it to the model's name.
deployed_model_providers as (

    select
        deployed_models.model,
        coalesce(
            max_by(aliases.provider, length(aliases.pattern)) filter (where aliases.kind = 'serving'),
            max_by(aliases.provider, length(aliases.pattern)) filter (where aliases.kind = 'model')
        ) as provider
    from deployed_models
    inner join {{ ref('provider_aliases') }} as aliases
        on aliases.kind in ('serving', 'model') and {{ is_like('deployed_models.model', 'aliases.pattern') }}
    group by deployed_models.model

),

-- If a bill names the profile, deployment or endpoint that spans write, the model of its lines is the call's.
billed_resources as (

    select
        names.identity_no,
        min(resources.provider) as provider,
        min(resources.account_id) as account_id,
        min(resources.resource) as resource,
        min(resources.model) as model
    from reported_identities as names
    inner join {{ ref('int_billed_resources') }} as resources
        on
            names.model_key = resources.resource_key
            -- The last part of a name identifies a resource only within its provider.
            or (
                names.provider_without_deployments = resources.provider
                and {{ model_stem('names.model_key') }} = resources.resource_stem
                and coalesce(names.account_id, resources.account_id) = resources.account_id
            )
    group by names.identity_no
    having count(distinct resources.resource) = 1

),

{% set known_provider %}
coalesce(
            names.sure_provider, deployed_models.provider, billed_resources.provider, names.named_provider,
            deployed_model_providers.provider, names.model_provider
        )
{%- endset %}
named_providers as (

    select
        names.identity_no,
        names.is_on_bill,
        coalesce({{ known_provider | trim }}, names.stated_provider, 'unknown') as provider,
        {{ known_provider | trim }} is not null as is_provider_known,
        coalesce(billed_resources.account_id, names.account_id) as account_id,
        billed_resources.resource,
        coalesce(deployed_models.model, billed_resources.model, names.model_key) as model_key
    from reported_identities as names
    left join deployed_models on names.identity_no = deployed_models.identity_no
    left join deployed_model_providers on deployed_models.model = deployed_model_providers.model
    left join billed_resources on names.identity_no = billed_resources.identity_no

),

model_names as (

    select distinct
        provider,
        model_key as model_name
    from named_providers

),

models as (

    with {{ resolved_models('model_names', ref('model_aliases')) | indent }}

),

billers as (

    select
        provider,
        min(case when is_only then account_id end) as sole_account_id,
        bool_or(is_pacific) as is_pacific
    from {{ ref('int_billing_accounts') }}
    group by provider

),

{% set account_id = 'coalesce(aliases.account_id, names.account_id)' %}
identities as (

    select
        names.identity_no,
        names.provider,
        names.is_provider_known,
        names.resource,
        names.model_key,
        models.model,
        -- Resource detectors report the account of any cloud. Accept it if a bill, seed api_keys or the shape of the
        -- provider's ids confirms it; otherwise assume the provider's only known account.
        coalesce(case
            when names.is_on_bill or own.account_id is not null or (
                (names.provider = 'aws' and {{ has_pattern(account_id, '^[0-9]{12}$') }})
                or (names.provider = 'azure' and {{ has_pattern(account_id, '^[0-9a-f-]{36}$') }})
                or (names.provider = 'google' and {{ has_pattern(account_id, '^[a-z][a-z0-9-]{5,29}$') }})
            ) then {{ account_id }}
        end, billers.sole_account_id) as account_id,
        coalesce(billers.is_pacific, {{ is_pacific_biller('names.provider') }}) as is_pacific
    from named_providers as names
    left join models on names.provider = models.provider and names.model_key = models.model_name
    left join {{ ref('account_aliases') }} as aliases
        on names.provider = aliases.provider and names.account_id = aliases.alias
    left join {{ ref('int_billing_accounts') }} as own
        on names.provider = own.provider and coalesce(aliases.account_id, names.account_id) = own.account_id
    left join billers on names.provider = billers.provider

),

-- Few models have a price that depends on the prompt's length or on the hour.
price_conditions as (

    select
        provider,
        model,
        min(case when context_over_tokens > 0 then context_over_tokens end) as least_context_over_tokens,
        max(case when daily_from is not null then 1 else 0 end) = 1 as is_hourly,
        min(coalesce(valid_from, date '0001-01-01')) as priced_from
    from {{ ref('int_list_prices') }}
    group by provider, model

),

-- Few providers have prices that depend on the region.
priced_regions as (

    select distinct
        provider,
        inference_geo
    from {{ ref('price_multipliers') }}

),

daily_calls as (

    select
        {{ all_but('reported', [
            'service_tier', 'inference_geo', 'account_id', 'api_key', 'model_key', 'sure_provider', 'named_provider',
            'model_provider', 'stated_provider', 'called_on'
        ]) }},
        identities.provider,
        identities.is_provider_known,
        identities.account_id,
        coalesce(reported.api_key, identities.resource) as api_key,
        identities.model_key,
        identities.model,
        -- Calls without a time get a day of their own.
        {{ billing_day }} as started_on,
        lower(reported.service_tier) as stated_tier,
        reported.inference_geo as stated_geo
    from reported
    inner join reported_identities as names on {{ are_same('reported', 'names', identity) }}
    inner join identities on names.identity_no = identities.identity_no
    -- On the provider's clock, a month's first hours may be of the month before.
    where {{ is_touched(billing_day, 'read_day') }} and {{ is_kept(billing_day) }}

),

rated_calls as (

    select
        {{ all_but('calls', ['stated_tier', 'stated_geo']) }},
        case
            when calls.stated_tier in ('batch', 'flex', 'priority', 'fast') then calls.stated_tier else 'standard'
        end as service_tier,
        regions.inference_geo,
        -- Bills are matched with the tier and region that the call itself states, not with those it is priced as.
        case
            when calls.stated_tier in ('batch', 'flex', 'priority', 'fast', 'standard') then calls.stated_tier
        end as stated_tier,
        case
            when calls.provider = 'aws' and {{ has_pattern('calls.model_key', '(^|/)global[.]') }} then 'global'
            when
                calls.provider = 'aws'
                and {{ has_pattern('calls.model_key', '(^|/)(us|eu|apac|jp|au|ca|us-gov)[.]') }}
                then 'regional'
            when calls.provider != 'aws' then replace(lower(calls.stated_geo), 'not_available', 'global')
        end as stated_geo,
        case when calls.started_at is not null then calls.started_on end as priced_on,
        case
            when calls.context_tokens > conditions.least_context_over_tokens then calls.context_tokens else 0
        end as long_context_tokens,
        case when conditions.is_hourly then {{ minute_of_day('calls.started_at') }} end as priced_time,
        coalesce(conditions.priced_from <= calls.started_on, false) as is_in_book
    from daily_calls as calls
    left join price_conditions as conditions
        on calls.provider = conditions.provider and calls.model = conditions.model
    left join priced_regions as regions
        on calls.provider = regions.provider and calls.stated_geo = regions.inference_geo

)

select
    *,
    {{ rate_key() }} as rate_key
from rated_calls
