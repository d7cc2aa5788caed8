{{ config(materialized="kept", meta={"rebuilt_at_news_of": "bills"}) }}
with covered_times as (

    select
        lines.provider,
        lines.account_id,
        lines.bill_account_id,
        lines.covers_from,
        lines.covers_to,
        bool_or(coalesce(lines.category, 'usage') in ('usage', 'bucket')) as is_use,
        max(case when lines.response_id is null and lines.ends_at <= lines.covers_to then lines.starts_at end)
            as newest_bucket_at
    from {{ ref('int_bill_lines') }} as lines
    inner join {{ ref('int_bill_line_status') }} as status on lines.line_id = status.line_id
    where lines.file_role = 'bill' and status.is_standing
    group by lines.provider, lines.account_id, lines.bill_account_id, lines.covers_from, lines.covers_to

),

billed_times as (

    select distinct
        provider,
        bill_account_id,
        covers_from,
        covers_to
    from covered_times
    where is_use and covers_from is not null

),

-- Buckets end a microsecond before the next begins.
period_starts as (

    select
        *,
        coalesce(
            covers_from > max(covers_to) over (
                partition by provider, bill_account_id
                order by {{ in_order('covers_from, covers_to') }}
                rows between unbounded preceding and 1 preceding
            ) + interval 1 microsecond,
            true
        ) as is_start
    from billed_times

),

numbered_periods as (

    select
        *,
        sum(case when is_start then 1 else 0 end) over (
            partition by provider, bill_account_id
            order by {{ in_order('covers_from, covers_to') }}
            rows between unbounded preceding and current row
        ) as period_no
    from period_starts

),

periods as (

    select
        provider,
        bill_account_id,
        min(covers_from) as covers_from,
        max(covers_to) as covers_to
    from numbered_periods
    group by provider, bill_account_id, period_no

),

-- The latest bucket of an export is provisional until a later export covers it.
provisional_buckets as (

    select
        provider,
        bill_account_id,
        max(newest_bucket_at) as provisional_from
    from covered_times
    group by provider, bill_account_id

),

-- An organization's bill covers all its accounts, including those with no usage that month.
accounts as (

    select distinct
        provider,
        account_id,
        bill_account_id
    from covered_times

)

select distinct
    accounts.provider,
    accounts.account_id,
    periods.covers_from,
    periods.covers_to,
    provisional_buckets.provisional_from
from accounts
inner join periods
    on accounts.provider = periods.provider and accounts.bill_account_id = periods.bill_account_id
left join provisional_buckets
    on
        accounts.provider = provisional_buckets.provider
        and accounts.bill_account_id = provisional_buckets.bill_account_id
