-- one row per provider, account and stretch of time that bills cover without a gap, be they silent about parts of it
{{ config(materialized="kept", meta={"rebuilt_at_news_of": "bills"}) }}
with covered as (

    select distinct
        provider,
        bill_account_id,
        covers_from,
        covers_to
    from {{ ref('int_provider_lines_ranked') }}
    where
        file_role = 'bill' and is_standing and covers_from is not null
        and coalesce(category, 'usage') in ('usage', 'bucket')

),

marked as (

    select
        *,
        -- Buckets end a microsecond before the next begins.
        coalesce(
            covers_from > max(covers_to) over (
                partition by provider, bill_account_id
                order by {{ in_order('covers_from, covers_to') }}
                rows between unbounded preceding and 1 preceding
            ) + interval 1 microsecond,
            true
        ) as is_start
    from covered

),

numbered as (

    select
        *,
        sum(case when is_start then 1 else 0 end) over (
            partition by provider, bill_account_id
            order by {{ in_order('covers_from, covers_to') }}
            rows between unbounded preceding and current row
        ) as stretch
    from marked

),

stretches as (

    select
        provider,
        bill_account_id,
        min(covers_from) as covers_from,
        max(covers_to) as covers_to
    from numbered
    group by provider, bill_account_id, stretch

),

-- A file's newest bucket may still grow, until a later file covers it.
newest as (

    select
        provider,
        bill_account_id,
        max(starts_at) as provisional_from
    from {{ ref('int_provider_lines_ranked') }}
    where file_role = 'bill' and is_standing and response_id is null and ends_at <= covers_to
    group by provider, bill_account_id

),

-- A bill of many accounts covers each of them, also in a month in which one did nothing.
accounts as (

    select distinct
        provider,
        account_id,
        bill_account_id
    from {{ ref('int_provider_lines_ranked') }}
    where file_role = 'bill' and is_standing

)

select distinct
    accounts.provider,
    accounts.account_id,
    stretches.covers_from,
    stretches.covers_to,
    newest.provisional_from
from accounts
inner join stretches
    on accounts.provider = stretches.provider and accounts.bill_account_id = stretches.bill_account_id
left join newest
    on accounts.provider = newest.provider and accounts.bill_account_id = newest.bill_account_id
