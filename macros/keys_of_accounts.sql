{# The select of seed api_keys' rows, each of the account that its alias names. #}
{% macro keys_of_accounts() -%}
    select
        keys.provider,
        keys.api_key,
        keys.owner_team_id,
        keys.feature_id,
        keys.valid_from,
        keys.valid_to,
        coalesce(aliases.account_id, keys.account_id) as account_id
    from {{ ref('api_keys') }} as keys
    left join {{ ref('account_aliases') }} as aliases
        on keys.provider = aliases.provider and keys.account_id = aliases.alias
{%- endmacro %}
