-- Lines of an older revenue file that still count, though a newer file of its source states the same account and month
-- under other plans or features: they add up, and may be what the newer file corrects.
{{ config(severity="warn") }}
with lines as (

    select * from {{ ref('stg_product__revenue') }}
    where is_standing and not is_refund

),

newest as (

    select
        revenue_source,
        account_id,
        month,
        max(landing_no) as landing_no
    from lines
    group by revenue_source, account_id, month

)

select
    lines.revenue_source,
    lines.source_file,
    files.source_file as newer_file,
    count(*) as lines,
    sum(lines.revenue_usd) as revenue_usd,
    min(lines.account_id) as such_as_account_id,
    min(lines.month) as first_month,
    'both count; if the newer file corrects them, have it state the same plan and feature with 0' as what_to_do
from lines
inner join newest
    on
        lines.revenue_source = newest.revenue_source
        and lines.account_id = newest.account_id
        and lines.month = newest.month
        and lines.landing_no < newest.landing_no
inner join {{ source('landed', 'files') }} as files on newest.landing_no = files.landing_no
group by lines.revenue_source, lines.source_file, files.source_file
