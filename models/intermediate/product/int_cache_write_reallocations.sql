{{ config(enabled=var('spread_cache_writes') or target.name == 'lint') }}
{{ replaces_touched("started_on", by="touched_day") }}
{% set cache = "started_on, service_name, provider, account_id, api_key, model" %}
with shares as (

    select * from {{ ref('int_call_shares') }}
    where {{ is_touched('started_on', 'touched_day') }}

),

-- A call that reads nothing from the cache starts a prompt prefix. A call that reads a part and writes more extends the
-- prefix of its own conversation.
cache_calls as (

    select
        shares.{{ cache.replace('api_key, ', '').replace(', ', ',\n        shares.') }},
        shares.call_key,
        costs.api_key,
        usage.started_at,
        usage.cache_read_tokens > 0 as is_read,
        usage.cache_write_1h_tokens > 0 as is_long_lived,
        case
            when usage.cache_read_tokens > 0 then usage.cache_read_tokens
            else usage.cache_write_5m_tokens + usage.cache_write_1h_tokens
        end as tokens,
        {{ floored_part(
            'shares.attributed_usd', whole_number('costs.cache_write_premium_usd * 1000000000000'),
            whole_number('costs.priced_usd * 1000000000000')
        ) }} as premium_usd,
        row_number() over (partition by shares.started_on order by usage.started_at, shares.call_key) as call_no
    from shares
    inner join {{ ref('int_call_costs') }} as costs on shares.call_key = costs.call_key
    inner join {{ ref('int_calls') }} as usage on shares.call_key = usage.call_key
    where
        shares.place = 1
        and {{ is_touched('usage.started_on', 'touched_day', is_utc=true) }}
        and shares.attributed_usd is not null
        and shares.call_key not in (
            select other.call_key from shares as other
            where other.purpose != 'production'
        )
        and usage.started_at is not null
        and (usage.cache_read_tokens > 0 or usage.cache_write_5m_tokens > 0 or usage.cache_write_1h_tokens > 0)

),

{% set newest = "max(case when not is_read and {} then call_no end) over (partition by {} order by started_at "
    ~ "range between interval {} preceding and interval 1 microsecond preceding)" %}
-- A read is of the newest write of the same length within the cache's lifetime, else of the newest write of any length.
reads_and_writes as (

    select
        *,
        coalesce(
            {% for key in [cache ~ ', tokens', cache] %}
                greatest(
                    {{ newest.format('not is_long_lived', key, '300 second') }},
                    {{ newest.format('is_long_lived', key, '3600 second') }}
                ){{ ',' if not loop.last }}
            {% endfor %}
        ) as write_no
    from cache_calls

),

{% set weight = 'least(users.tokens, writes.tokens)' %}
-- The premium of a write is split over the write itself and its reads, by the cached tokens that each uses.
premium_parts as (

    select
        writes.call_key as write_key,
        users.call_key,
        users.is_read,
        writes.premium_usd,
        {{ weight }} as weight,
        {{ floored_part(
            'writes.premium_usd', weight, 'sum(' ~ weight ~ ') over (partition by writes.call_key)'
        ) }} as premium_part
    from reads_and_writes as users
    inner join reads_and_writes as writes
        on
            users.started_on = writes.started_on
            and case when users.is_read then users.write_no else users.call_no end = writes.call_no
    where writes.premium_usd > 0

),

moved_premiums as (

    select
        call_key,
        {{ part_with_residue('premium_usd', 'premium_part', 'weight', 'write_key', 'is_read, call_key') }}
        - case when is_read then 0 else premium_usd end as moved_usd
    from premium_parts

),

share_parts as (

    select
        shares.started_on,
        shares.call_key,
        shares.place,
        shares.share,
        moved_premiums.moved_usd,
        {{ floored_part('moved_premiums.moved_usd', 'shares.share * 1000000000000', '1000000000000') }} as moved_part
    from moved_premiums
    inner join shares on moved_premiums.call_key = shares.call_key
    where moved_premiums.moved_usd != 0

)

select
    started_on,
    call_key,
    place,
    {{ part_with_residue('moved_usd', 'moved_part', 'share', 'call_key', 'place') }} as moved_usd
from share_parts
