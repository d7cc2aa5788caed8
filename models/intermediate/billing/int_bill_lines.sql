{{ config(materialized="kept", meta={"rebuilt_at_news_of": "bills"}) }}
{% set columns = [
    'file_kind', 'file_role', 'api_key', 'file_id', 'source_file', 'source_line', 'starts_at', 'ends_at',
    'covers_from', 'covers_to', 'response_id', 'model_name', 'meter_name', 'service_tier', 'quantity',
    'effective_amount', 'service_name', 'sku', 'description', 'category', 'invoice_id', 'resource', 'tags', 'project',
    'region', 'own_key_provider', 'own_key_usd', 'ai_sign', 'billed_units'
] %}
{% set deployable = ['file_kind', 'provider', 'account_id', 'model_name', 'resource', 'starts_at'] %}
{# A file's columns are those that it has; the union adds what the others have. It is read twice, and stands where it is
read: as one CTE all lines would be held in memory. #}
{% set lines = union_by_name([
    ref('stg_openai__costs'), ref('stg_openai__usage'), ref('stg_anthropic__costs'), ref('stg_anthropic__usage'),
    ref('stg_openrouter__activity'), ref('stg_focus__charges'), ref('stg_litellm__spend'), ref('stg_vendors__charges'),
    ref('stg_finance__charges')
]) %}
with stated_accounts as (

    select
        provider as stated_provider,
        file_id,
        account_id as stated_account_id,
        bool_and(file_kind = 'invoices') as is_invoice,
        -- Counts of buckets that are days of UTC, or of Pacific time.
        count(*) filter (where file_role = 'bill') as bill_lines,
        count(*) filter (
            where file_role = 'bill' and {{ is_pacific_day('starts_at', 'ends_at') }}
        ) as pacific_days,
        count(*) filter (
            where file_role = 'bill' and starts_at = date_trunc('day', starts_at)
            and ends_at = starts_at + interval 1 day - interval 1 microsecond
        ) as utc_days
    from ({{ lines }}) as lines
    group by provider, file_id, account_id

),

-- The longest pattern is the most specific one.
providers as (

    select
        stated.stated_provider,
        coalesce(max_by(aliases.provider, length(aliases.pattern)), stated.stated_provider, 'unknown') as provider
    from (select distinct stated_provider from stated_accounts) as stated
    left join {{ ref('provider_aliases') }} as aliases
        on aliases.kind = 'name' and {{ is_like('stated.stated_provider', 'aliases.pattern') }}
    group by stated.stated_provider

),

-- An alias is of the account that the company says it is.
keys as (

    {{ keys_of_accounts() | indent }}

),

keyed as (

    select distinct
        provider,
        account_id,
        true as is_keyed
    from keys
    where account_id is not null

),

aliased as (

    select
        stated.*,
        providers.provider,
        stated.is_invoice and aliases.account_id is null and keyed.is_keyed is null as is_payables_name,
        coalesce(aliases.account_id, stated.stated_account_id) as named_account_id
    from stated_accounts as stated
    inner join providers on {{ are_same('stated', 'providers', ['stated_provider']) }}
    left join {{ ref('account_aliases') }} as aliases
        on providers.provider = aliases.provider and stated.stated_account_id = aliases.alias
    left join keyed on providers.provider = keyed.provider and stated.stated_account_id = keyed.account_id

),

-- A row that names no account is of the only one that its file names, else of the only one that other files name.
-- An invoice names its account as accounts payable know it: where other files name an only one, it is of that.
{% set only = "case when min({0}) over ({1}) = max({0}) over ({1}) then min({0}) over ({1}) end" %}
{% set sole = only.format("case when not is_invoice then named_account_id end", 'partition by provider') %}
accounts as (

    select
        *,
        case
            when is_payables_name and {{ sole }} is not null then null
            else coalesce(named_account_id, {{ only.format('named_account_id', 'partition by provider, file_id') }})
        end as file_account_id,
        {{ sole }} as sole_account_id
    from aliased

),

-- A provider's bills that list days of Pacific time and no other days say that its day is that, if most of their lines
-- do; Google's is, unless they have other days alone.
clocks as (

    select
        provider,
        case
            when {{ is_pacific_biller('provider') }} then sum(pacific_days) > 0 or sum(utc_days) = 0
            else sum(pacific_days) > 0 and sum(utc_days) = 0 and 2 * sum(pacific_days) >= sum(bill_lines)
        end as is_pacific
    from accounts
    group by provider

),

named as (

    select
        lines.{{ columns | join(',\n        lines.') }},
        lines.row_no,
        lines.bill_account_id as stated_bill_account_id,
        coalesce(lines.billed_amount, cast(0 as decimal(38, 18))) as billed_amount,
        coalesce(lines.currency, 'USD') as currency,
        coalesce(lines.is_rounded, false) as is_rounded,
        accounts.provider,
        accounts.file_account_id,
        coalesce(accounts.file_account_id, accounts.sole_account_id, 'default') as account_id,
        -- Whole days, or a day that is written as its first moment.
        lines.starts_at = date_trunc('day', lines.starts_at) and (
            lines.ends_at = lines.starts_at
            or lines.ends_at + interval 1 microsecond = date_trunc('day', lines.ends_at + interval 1 microsecond)
        ) as is_of_days,
        clocks.is_pacific
    from ({{ lines }}) as lines
    left join accounts
        on
            lines.provider is not distinct from accounts.stated_provider
            and lines.file_id is not distinct from accounts.file_id
            and lines.account_id is not distinct from accounts.stated_account_id
    left join clocks on accounts.provider = clocks.provider

),

-- A line of a deployment, profile or endpoint is one of the model that the company says it is: its resource's id, or
-- the model's name itself, names the deployment.
deployed as (

    select
        said.{{ deployable | join(',\n        said.') }},
        max_by(
            lower(deployments.model),
            (length(deployments.deployment), deployments.account_id is not null, deployments.model)
        ) as deployed_model
    from (select distinct {{ deployable | join(', ') }} from named) as said
    inner join {{ ref('model_deployments') }} as deployments
        on
            coalesce(deployments.provider, said.provider) = said.provider
            and {{ fits_id('said.account_id', 'deployments.account_id') }}
            and {{ in_force('deployments', 'cast(said.starts_at as date)') }}
            and (
                {{ is_deployment("split_part(said.resource, ' | ', 1)", 'deployments.deployment') }}
                -- A cloud's text is a sentence, no name.
                or (
                    said.model_name not like '% | %'
                    and {{ is_deployment('said.model_name', 'deployments.deployment') }}
                )
            )
    group by said.{{ deployable | join(', said.') }}

),

modelled as (

    select
        {{ all_but('named', ['model_name']) }},
        coalesce(deployed.deployed_model, named.model_name) as model_name
    from named
    left join deployed on {{ are_same('named', 'deployed', deployable) }}

)

select
    named.file_kind || ':' || named.file_id || ':' || cast(named.row_no as string)
    || coalesce(':' || case when named.file_role = 'usage' then named.meter_name end, '') as line_id,
    named.provider,
    named.account_id,
    -- One bill may cover many accounts: those of an organisation in a cloud.
    coalesce(bill_aliases.account_id, named.stated_bill_account_id, named.account_id) as bill_account_id,
    named.file_account_id is null as is_account_unknown,
    -- A download of calls that is filtered by key says nothing of other keys.
    -- An invoice says nothing of other invoices.
    case
        when named.file_kind = 'invoices' then named.invoice_id
        when named.response_id is not null then coalesce(named.api_key, '')
        else ''
    end as key_scope,
    {{ entry_key([
        'named.file_kind', 'named.provider', 'named.service_name', 'named.sku', 'named.description', 'named.category',
        'named.model_name', 'named.meter_name'
    ]) }} as kind_id,
    -- The time for which another file may speak: a purchase reaches beyond its own file, a correction before it.
    case
        when named.starts_at between named.covers_from and named.covers_to then named.starts_at
        else coalesce(named.covers_from, named.starts_at)
    end as ranks_from,
    case
        when named.starts_at between named.covers_from and named.covers_to then least(named.ends_at, named.covers_to)
        else coalesce(named.covers_to, named.ends_at)
    end as ranks_to,
    -- A bucket of whole days is of the days that it names; a moment is of the day on the provider's clock.
    {% for moment, day in [('starts_at', 'charged_on'), ('ends_at', 'ended_on')] %}
        case
            when named.is_of_days then cast(named.{{ moment }} as date)
            else {{ billing_day('named.' ~ moment, 'named.provider',
                'named.is_pacific or ' ~ is_pacific_day('named.starts_at', 'named.ends_at')) }}
        end as {{ day }},
    {% endfor %}
    named.is_pacific,
    named.billed_amount,
    named.currency,
    named.is_rounded,
    named.{{ columns | join(',\n    named.') }}
from modelled as named
left join {{ ref('account_aliases') }} as bill_aliases
    on named.provider = bill_aliases.provider and named.stated_bill_account_id = bill_aliases.alias
