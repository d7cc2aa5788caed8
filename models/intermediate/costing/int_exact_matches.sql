{% set stated = ['provider', 'account_id', 'bill_account_id', 'api_key', 'tags', 'charged_on'] %}
with charges as (

    select * from {{ ref('int_itemised_charges') }}
    where {{ is_touched('charged_on', 'read_day') }}

),

calls as (

    select call_key
    from {{ ref('int_calls') }}
    where is_answered and {{ is_wanted('call_key', 'charges', 'response_key') }}

),

-- Many charges name the same accounts, key and tags, so each combination is resolved once.
statements as (

    select distinct
        {{ stated | join(',\n        ') }}
    from charges

),

account_keys as (

    {{ keys_of_accounts() | indent }}

),

tag_texts as (

    select
        provider,
        tags,
        {{ each_tag('tags') }} as tag
    from (select distinct
        provider,
        tags
    from statements
    where tags is not null) as lists

),

tags as (

    select
        *,
        split_part(tag, ' = ', 1) as tag_key,
        substr(tag, length(split_part(tag, ' = ', 1)) + 4) as tag_value
    from tag_texts
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
possible_payers as (

    select
        statements.{{ stated | join(',\n        statements.') }},
        2 as place,
        rules.owner_team_id,
        rules.value_length as fit,
        rules.key_length as other_fit
    from statements
    inner join tag_rules as rules
        on
            statements.provider = rules.provider
            and statements.tags = rules.tags
            and {{ in_force('rules', 'statements.charged_on') }}
    where rules.owner_team_id is not null

    {% for place, account_id, fits in [
        (1, 'account_id', 'keys.api_key is not null and ' ~ is_id('statements.api_key', 'keys.api_key')),
        (3, 'account_id', 'keys.api_key is null'), (4, 'bill_account_id', 'keys.api_key is null')
    ] %}
    union all

    select
        statements.{{ stated | join(',\n        statements.') }},
        {{ place }} as place,
        keys.owner_team_id,
        length(keys.api_key) as fit,
        length(keys.account_id) as other_fit
    from statements
    inner join account_keys as keys
        on
            statements.provider = keys.provider
            and {{ fits_id('statements.' ~ account_id, 'keys.account_id') }}
            and {{ in_force('keys', 'statements.charged_on') }}
    where keys.owner_team_id is not null and {{ fits }}
    {% endfor %}

),

payers as (

    {% call first_rows(
        partition_by=stated, order_by="place, fit desc nulls last, other_fit desc nulls last, owner_team_id"
    ) %}
        select * from possible_payers
    {% endcall %}

),

features as (

    {% call first_rows(
        partition_by="statements.provider, statements.tags, statements.charged_on",
        order_by="rules.value_length desc, rules.key_length desc, rules.feature_id"
    ) %}
        select
            statements.provider,
            statements.tags,
            statements.charged_on,
            rules.feature_id
        from (select distinct
            provider,
            tags,
            charged_on
        from statements) as statements
        inner join tag_rules as rules
            on
                statements.provider = rules.provider
                and statements.tags = rules.tags
                and {{ in_force('rules', 'statements.charged_on') }}
        where rules.feature_id is not null
    {% endcall %}

)

select
    {{ all_but('charges', ['response_key']) }},
    calls.call_key,
    payers.owner_team_id as payer_team_id,
    features.feature_id as tagged_feature_id,
    case when calls.call_key is not null then charges.response_id end as call_id
from charges
left join calls on charges.response_key = calls.call_key
left join payers on {{ are_same('charges', 'payers', stated) }}
left join features on {{ are_same('charges', 'features', ['provider', 'tags', 'charged_on']) }}
