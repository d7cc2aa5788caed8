with charges as (

    select
        *,
        -- Lines in whose place a newer file of their kind stands.
        case when set_aside_by = 'newer_file' then source_file end as replaced_file
    from {{ ref('int_classified_charges') }}

),

files as (

    select
        file_id,
        source_file
    from {{ source('landed', 'files') }}

)

select
    cast(date_trunc('month', charges.charged_on) as date) as month,
    charges.provider,
    charges.account_id,
    charges.file_kind,
    charges.treatment,
    charges.replaced_file,
    files.source_file as replaced_by_file,
    -- A tax that is in scope in part is one line.
    cast(count(*) filter (where not charges.is_rest) as bigint) as lines,
    -- As billed, and as the ledger bears it over the time that it covers.
    {{ money('sum(charges.billed_usd)') }} as billed_usd,
    {{ money('sum(charges.cost_usd)') }} as cost_usd,
    cast(count(*) filter (where charges.billed_usd is null) as bigint) as lines_without_rate
from charges
left join files on charges.newer_file_id = files.file_id and charges.replaced_file is not null
group by
    cast(date_trunc('month', charges.charged_on) as date), charges.provider, charges.account_id, charges.file_kind,
    charges.treatment, charges.replaced_file, files.source_file
