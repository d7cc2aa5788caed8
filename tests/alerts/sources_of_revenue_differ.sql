-- Two sources of revenue that state the same amount for an account and month: both count, and may be one sum.
{{ config(severity="warn", meta={"figure": "amounts that two sources of revenue state"}) }}
with lines as (

    select
        revenue_source,
        account_id,
        month,
        source_file,
        revenue_usd
    from {{ ref('stg_product__revenue') }}
    where is_standing and revenue_usd != 0 and account_id is not null

),

amounts as (

    select
        revenue_source,
        account_id,
        month,
        revenue_usd,
        min(source_file) as source_file
    from lines
    group by revenue_source, account_id, month, revenue_usd

    union

    select
        revenue_source,
        account_id,
        month,
        sum(revenue_usd) as revenue_usd,
        min(source_file) as source_file
    from lines
    group by revenue_source, account_id, month

),

equal_amounts as (

    select
        one.revenue_source,
        other.revenue_source as other_source,
        one.account_id,
        one.month,
        max(one.revenue_usd) as revenue_usd,
        min(one.source_file) as source_file,
        min(other.source_file) as other_file
    from amounts as one
    inner join amounts as other
        on
            one.account_id = other.account_id
            and one.month = other.month
            and one.revenue_usd = other.revenue_usd
            and one.revenue_source < other.revenue_source
    group by one.revenue_source, other.revenue_source, one.account_id, one.month

)

select
    revenue_source,
    other_source,
    min(source_file) as source_file,
    min(other_file) as other_file,
    count(*) as account_months,
    sum(revenue_usd) as revenue_usd,
    min(account_id) as such_as_account_id,
    min(month) as first_month,
    'both count; if they state the same revenue, give them one source (column source), or leave one out' as what_to_do
from equal_amounts
group by revenue_source, other_source
