with landed as (

    select
        landed.*,
        files.landing_no
    from {{ source('landed', 'revenue') }} as landed
    inner join {{ source('landed', 'files') }} as files on landed.file_id = files.file_id

),

newest_file as (

    -- A later revenue file restates the accounts and months that it names, whole.
    select
        month,
        account_id,
        max(landing_no) as landing_no
    from landed
    group by month, account_id

)

select
    landed.file_id || ':' || cast(landed.source_line as string) as revenue_id,
    landed.month,
    landed.account_id,
    landed.plan,
    landed.feature_id,
    cast(landed.revenue_usd as decimal(38, 12)) as revenue_usd
from landed
inner join newest_file
    on
        landed.month = newest_file.month
        and coalesce(landed.account_id, '') = coalesce(newest_file.account_id, '')
        and landed.landing_no = newest_file.landing_no
