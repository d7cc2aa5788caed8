-- one row per line of a provider's file: bills, usage counts and gateways' own accounts, superseded lines included
{{ config(materialized="kept", meta={"rebuilt_at_news_of": "bills"}) }}
{% set kinds = [
    'openai__charges', 'openai__usage', 'anthropic__charges', 'anthropic__usage', 'openrouter__charges',
    'focus__charges', 'litellm__usage'
] %}
{% set columns = [
    'file_kind', 'file_role', 'api_key', 'file_id', 'source_file', 'source_line', 'starts_at', 'ends_at',
    'covers_from', 'covers_to', 'response_id', 'model_name', 'meter_name', 'service_tier', 'quantity', 'billed_amount',
    'effective_amount', 'currency', 'service_name', 'sku', 'description', 'category', 'is_rounded', 'invoice_id',
    'resource'
] %}
with lines as (

    {% for kind in kinds %}
        select
            provider as stated_provider,
            account_id as stated_account_id,
            bill_account_id as stated_bill_account_id,
            row_no,
            {{ columns | join(', ') }}
        from {{ ref('stg_' ~ kind) }}
        {% if not loop.last %}
            union all
        {% endif %}
    {% endfor %}

),

-- The longest pattern is the most specific one.
providers as (

    select
        lines.stated_provider,
        max_by(aliases.provider, length(aliases.pattern)) as provider
    from (select distinct stated_provider from lines) as lines
    inner join {{ ref('provider_aliases') }} as aliases
        on aliases.kind = 'name' and {{ is_like('lines.stated_provider', 'aliases.pattern') }}
    group by lines.stated_provider

),

named as (

    select
        lines.*,
        coalesce(providers.provider, lines.stated_provider, 'unknown') as provider,
        lines.starts_at = date_trunc('day', lines.starts_at)
        and lines.ends_at + interval 1 microsecond = date_trunc('day', lines.ends_at + interval 1 microsecond)
            as is_of_days
    from lines
    left join providers on lines.stated_provider = providers.stated_provider

),

-- A row that names no account is of the only one that its file names, else of the only one that other files name.
file_accounts as (

    select
        provider,
        file_id,
        min(stated_account_id) as account_id
    from named
    group by provider, file_id
    having count(distinct stated_account_id) = 1

),

accounts as (

    select
        provider,
        min(stated_account_id) as account_id
    from named
    group by provider
    having count(distinct stated_account_id) = 1

)

select
    named.file_kind || ':' || named.file_id || ':' || cast(named.row_no as string)
    || coalesce(':' || case when named.file_role = 'usage' then named.meter_name end, '') as line_id,
    named.provider,
    coalesce(named.stated_account_id, file_accounts.account_id, accounts.account_id, 'default') as account_id,
    -- One bill may cover many accounts: those of an organisation in a cloud.
    coalesce(
        named.stated_bill_account_id, named.stated_account_id, file_accounts.account_id, accounts.account_id, 'default'
    ) as bill_account_id,
    coalesce(named.stated_account_id, file_accounts.account_id) is null as is_account_unknown,
    -- A download of calls that is filtered by key says nothing of other keys.
    case when named.response_id is not null then coalesce(named.api_key, '') else '' end as key_scope,
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
            else {{ billing_day('named.' ~ moment, 'named.provider') }}
        end as {{ day }},
    {% endfor %}
    named.{{ columns | join(',\n    named.') }}
from named
left join file_accounts on named.provider = file_accounts.provider and named.file_id = file_accounts.file_id
left join accounts on named.provider = accounts.provider
