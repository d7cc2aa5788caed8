with lines as (

    select
        keyed.*,
        sorted.charged_on,
        sorted.source_file,
        sorted.billed_usd
    from {{ ref('int_bill_line_keys') }} as keyed
    inner join {{ ref('int_classified_charges') }} as sorted on keyed.line_id = sorted.line_id
    where sorted.is_standing and sorted.file_role = 'bill'

),

-- The newer file spans the line's bucket, and lists its keys nowhere: nothing says whether it covers them.
compared as (

    select * from {{ ref('int_bill_file_overlaps') }}
    where not is_in_scope and not is_scope_stated

),

files as (

    select
        file_id,
        source_file
    from {{ source('landed', 'files') }}

),

unsettled as (

    select
        lines.line_id,
        lines.provider,
        lines.account_id,
        lines.file_kind,
        lines.charged_on,
        lines.source_file,
        files.source_file as newer_file,
        compared.unlisted_keys,
        lines.billed_usd
    from lines
    inner join compared
        on
            {{ are_same('lines', 'compared', [
                'provider', 'account_id', 'file_kind', 'key_scope', 'file_id', 'keys_id', 'ranks_from', 'ranks_to'
            ]) }}
    inner join files on compared.newer_file_id = files.file_id

),

named as (

    select
        provider,
        account_id,
        file_kind,
        source_file,
        newer_file,
        {{ joined_texts('unlisted_keys', '; ', 'unlisted_keys') }} as unlisted_keys
    from (select distinct
        provider,
        account_id,
        file_kind,
        source_file,
        newer_file,
        unlisted_keys
    from unsettled) as sets
    group by provider, account_id, file_kind, source_file, newer_file

)

select
    cast(date_trunc('month', unsettled.charged_on) as date) as month,
    unsettled.provider,
    unsettled.account_id,
    unsettled.file_kind,
    unsettled.source_file,
    unsettled.newer_file,
    named.unlisted_keys,
    min(unsettled.charged_on) as first_on,
    max(unsettled.charged_on) as last_on,
    cast(count(*) as bigint) as lines,
    {{ money('sum(unsettled.billed_usd)') }} as billed_usd
from unsettled
inner join named
    on
        {{ are_same('unsettled', 'named', ['provider', 'account_id', 'file_kind', 'source_file', 'newer_file']) }}
group by
    cast(date_trunc('month', unsettled.charged_on) as date), unsettled.provider, unsettled.account_id,
    unsettled.file_kind, unsettled.source_file, unsettled.newer_file, named.unlisted_keys
