with keys_in_use as (

    select
        provider,
        account_id,
        api_key,
        started_on as used_on
    from {{ ref('int_call_billing_coverage') }}
    where {{ is_touched('started_on', 'touched_day') }}

    union

    select
        provider,
        account_id,
        api_key,
        usage_on as used_on
    from {{ ref('int_usage_counts') }}
    where is_unbilled and {{ is_touched('usage_on', 'touched_day') }}

),

key_owners as (

    {{ keys_of_accounts() | indent }}

)

-- Prefer the longest (most specific) key pattern, then the longest account pattern.
{% call first_rows(
    partition_by="used.provider, used.account_id, used.api_key, used.used_on",
    order_by="length(owners.api_key) desc nulls last, length(owners.account_id) desc nulls last, owners.owner_team_id"
) %}
    select
        used.provider,
        used.account_id,
        used.api_key,
        used.used_on,
        owners.owner_team_id,
        owners.feature_id
    from keys_in_use as used
    inner join key_owners as owners
        on
            used.provider = owners.provider
            and {{ matches('used.account_id', 'owners.account_id') }}
            and {{ matches('used.api_key', 'owners.api_key') }}
            and {{ in_force('owners', 'used.used_on') }}
{% endcall %}
