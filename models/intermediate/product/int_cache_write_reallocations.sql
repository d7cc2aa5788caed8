-- one row per share of a call that wrote or read a shared cache: what it takes or gives of what writing cost extra
{% set is_on = var('spread_cache_writes') %}
{{ replaces_touched("started_on", by="touched_day") if is_on else config(materialized="view") }}
{% set cache = "started_on, service_name, provider, account_id, api_key, model" %}
with shares as (

    select * from {{ ref('int_call_shares') }}
    where {{ is_touched('started_on', 'touched_day') }}

),

-- Who found nothing began a prefix; who found some of it and wrote on wrote what is its own conversation's.
caching as (

    select
        shares.{{ cache.replace('api_key, ', '').replace(', ', ',\n        shares.') }},
        shares.call_key,
        calls.api_key,
        said.started_at,
        said.cache_read_tokens > 0 as is_read,
        said.cache_write_1h_tokens > 0 as is_long_lived,
        case
            when said.cache_read_tokens > 0 then said.cache_read_tokens
            else said.cache_write_5m_tokens + said.cache_write_1h_tokens
        end as tokens,
        {{ floored_part(
            'shares.attributed_usd', whole_number('calls.cache_write_premium_usd * 1000000000000'),
            whole_number('calls.priced_usd * 1000000000000')
        ) }} as premium_usd,
        row_number() over (partition by shares.started_on order by said.started_at, shares.call_key) as call_no
    from shares
    inner join {{ ref('int_calls_billed') }} as calls on shares.call_key = calls.call_key
    inner join {{ ref('int_calls_deduplicated') }} as said on shares.call_key = said.call_key
    where
        shares.place = 1
        and {{ is_touched('said.started_on', 'touched_day', is_utc=true) }}
        and shares.attributed_usd is not null
        and shares.call_key not in (
            select other.call_key from shares as other
            where other.purpose != 'production'
        )
        and said.started_at is not null
        and (said.cache_read_tokens > 0 or said.cache_write_5m_tokens > 0 or said.cache_write_1h_tokens > 0)

),

{% set newest = "max(case when not is_read and {} then call_no end) over (partition by {} order by started_at "
    ~ "range between interval {} preceding and interval 1 microsecond preceding)" %}
-- What is as long as what was written is that; else the newest that began is what was read. Each read is of one write.
found as (

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
    from caching

),

{% set weight = 'least(taking.tokens, written.tokens)' %}
weighed as (

    select
        written.call_key as write_key,
        taking.call_key,
        taking.is_read,
        written.premium_usd,
        {{ weight }} as weight,
        {{ floored_part(
            'written.premium_usd', weight, 'sum(' ~ weight ~ ') over (partition by written.call_key)'
        ) }} as premium_part
    from found as taking
    inner join found as written
        on
            taking.started_on = written.started_on
            and case when taking.is_read then taking.write_no else taking.call_no end = written.call_no
    where written.premium_usd > 0

),

moved as (

    select
        call_key,
        {{ part_with_residue('premium_usd', 'premium_part', 'weight', 'write_key', 'is_read, call_key') }}
        - case when is_read then 0 else premium_usd end as moved_usd
    from weighed

),

parted as (

    select
        shares.started_on,
        shares.call_key,
        shares.place,
        shares.share,
        moved.moved_usd,
        {{ floored_part('moved.moved_usd', 'shares.share * 1000000000000', '1000000000000') }} as moved_part
    from moved
    inner join shares on moved.call_key = shares.call_key
    where moved.moved_usd != 0

)

select
    started_on,
    call_key,
    place,
    {{ part_with_residue('moved_usd', 'moved_part', 'share', 'call_key', 'place') }} as moved_usd
from parted
