{#
  The select of keys of `keyed` (provider, account_id, api_key, day) that every bill of their account and day leaves out:
  it lists keys of their kind, and not them. Texts that neither a bill, nor seed api_keys, nor their shape shows to be
  the provider's keys count as not stated.
#}
{% macro beyond_bills(keyed) -%}
with named as (

    select distinct
        provider,
        account_id,
        api_key,
        day,
        case
            when {{ has_pattern('api_key', '^(proj|wrkspc)[-_]') }} then 'project_id'
            when {{ has_pattern('api_key', '^(apikey|key|sk)[-_]') }} then 'key_id'
            else 'key_name'
        end as key_kind
    from {{ keyed }}
    where api_key is not null

),

known as (

    select
        provider,
        api_key
    from {{ ref('int_bill_scopes') }}
    where api_key is not null

    union

    select
        provider,
        api_key
    from {{ ref('api_keys') }}
    where api_key is not null

),

-- Per file that covers the day: whether it lists keys of this kind, and this one.
compared as (

    select
        named.provider,
        named.account_id,
        named.api_key,
        named.day,
        scopes.file_id,
        scopes.account_id as file_account_id,
        bool_or(coalesce(scopes.key_kind = named.key_kind, false)) as lists_keys,
        bool_or(coalesce(scopes.api_key = named.api_key, false)) as lists_key
    from named
    inner join {{ ref('int_bill_scopes') }} as scopes
        on
            named.provider = scopes.provider
            and coalesce(named.account_id, scopes.account_id) = scopes.account_id
            and named.day between scopes.covers_from and scopes.covers_to
    left join known on named.provider = known.provider and named.api_key = known.api_key
    where named.key_kind != 'key_name' or known.api_key is not null
    group by
        named.provider, named.account_id, named.api_key, named.day, scopes.file_id, scopes.account_id

)

select
    provider,
    account_id,
    api_key,
    day
from compared
group by provider, account_id, api_key, day
having bool_and(lists_keys and not lists_key)
{%- endmacro %}
