{% set said = ['provider', 'account_id', 'bill_account_id', 'api_key', 'tags', 'charged_on'] %}
with used as (

    select distinct
        {{ said | join(',\n        ') }}
    from {{ ref('int_itemised_charges') }}
    where {{ is_touched('charged_on', 'read_day') }}

),

keys as (

    {{ keys_of_accounts() | indent }}

),

tagged as (

    select
        provider,
        tags,
        {{ each_tag('tags') }} as tag
    from (select distinct
        provider,
        tags
    from used
    where tags is not null) as stated

),

tags as (

    select
        *,
        split_part(tag, ' = ', 1) as tag_key,
        substr(tag, length(split_part(tag, ' = ', 1)) + 4) as tag_value
    from tagged
    where tag like '% = %'

),

-- Clouds write a tag's key in the case that they like.
tag_rules as (

    select
        tags.provider,
        tags.tags,
        rules.owner_team_id,
        rules.feature_id,
        rules.valid_from,
        rules.valid_to,
        length(coalesce(rules.tag_value, '')) as value_length,
        length(coalesce(rules.tag_key, '')) as key_length
    from tags
    inner join {{ ref('charge_tags') }} as rules
        on
            coalesce(rules.provider, tags.provider) = tags.provider
            and {{ matches('lower(tags.tag_key)', 'lower(rules.tag_key)') }}
            and {{ matches('lower(tags.tag_value)', 'lower(rules.tag_value)') }}

),

-- The key goes before the tags, these before the account, and that before the account that is invoiced. Among rows of
-- one kind the longest pattern is the most specific.
owners as (

    select
        used.{{ said | join(',\n        used.') }},
        2 as place,
        rules.owner_team_id,
        rules.value_length as fit,
        rules.key_length as other_fit
    from used
    inner join tag_rules as rules
        on
            used.provider = rules.provider
            and used.tags = rules.tags
            and {{ in_force('rules', 'used.charged_on') }}
    where rules.owner_team_id is not null

    {% for place, account_id, fits in [
        (1, 'account_id', 'keys.api_key is not null and ' ~ is_id('used.api_key', 'keys.api_key')),
        (3, 'account_id', 'keys.api_key is null'), (4, 'bill_account_id', 'keys.api_key is null')
    ] %}
    union all

    select
        used.{{ said | join(',\n        used.') }},
        {{ place }} as place,
        keys.owner_team_id,
        length(keys.api_key) as fit,
        length(keys.account_id) as other_fit
    from used
    inner join keys
        on
            used.provider = keys.provider
            and {{ fits_id('used.' ~ account_id, 'keys.account_id') }}
            and {{ in_force('keys', 'used.charged_on') }}
    where keys.owner_team_id is not null and {{ fits }}
    {% endfor %}

),

payers as (

    {% call first_rows(
        partition_by=said, order_by="place, fit desc nulls last, other_fit desc nulls last, owner_team_id"
    ) %}
        select * from owners
    {% endcall %}

),

features as (

    {% call first_rows(
        partition_by="used.provider, used.tags, used.charged_on",
        order_by="rules.value_length desc, rules.key_length desc, rules.feature_id"
    ) %}
        select
            used.provider,
            used.tags,
            used.charged_on,
            rules.feature_id
        from (select distinct
            provider,
            tags,
            charged_on
        from used) as used
        inner join tag_rules as rules
            on
                used.provider = rules.provider
                and used.tags = rules.tags
                and {{ in_force('rules', 'used.charged_on') }}
        where rules.feature_id is not null
    {% endcall %}

)

select
    used.{{ said | join(',\n    used.') }},
    payers.owner_team_id as payer_team_id,
    features.feature_id as tagged_feature_id
from used
left join payers on {{ are_same('used', 'payers', said) }}
left join features
    on used.provider = features.provider and used.tags = features.tags and used.charged_on = features.charged_on
