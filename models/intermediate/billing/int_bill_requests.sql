{{ config(materialized="kept", meta={"rebuilt_at_news_of": "bills"}) }}
with landed as (

    select
        file_id,
        source_file,
        kind,
        landing_no
    from {{ source('landed', 'files') }}

),

notes as (

    select distinct
        manifests.file_id,
        manifests.file_name,
        manifests.exported_at,
        manifests.page_blake3,
        manifests.page_sha256,
        landed.landing_no
    from {{ source('landed', 'manifests') }} as manifests
    inner join landed on manifests.file_id = landed.file_id
    where manifests.endpoint is not null

),

-- A page is written anew under its name, and so is its note: a note speaks of the page that landed just before it.
-- A note that states its page's content speaks of that content, which may have landed earlier, from another request.
near as (

    select
        notes.file_id as note_id,
        notes.landing_no,
        notes.exported_at,
        pages.file_id,
        pages.kind,
        row_number() over (
            partition by notes.file_id
            order by
                case when pages.landing_no < notes.landing_no then 0 else 1 end,
                abs(notes.landing_no - pages.landing_no)
        ) as place
    from notes
    inner join landed as pages
        on
            case
                when notes.page_blake3 is null then notes.file_name = pages.source_file
                else pages.file_id in (notes.page_blake3, notes.page_sha256)
            end

),

newest as (

    select
        file_id,
        kind,
        max_by(note_id, (exported_at, landing_no)) as note_id
    from near
    where place = 1
    group by file_id, kind

)

select distinct
    newest.file_id,
    notes.exported_at as requested_at,
    notes.request_id,
    -- A page without a line lands as usage. That nothing was charged says nothing of usage, whichever model's it is.
    case when newest.kind like '%usage' and notes.endpoint like '%cost%' then 'model' else notes.filter_key end
        as filter_key,
    case when newest.kind like '%usage' and notes.endpoint like '%cost%' then 'none' else notes.filter_value end
        as filter_value
from newest
inner join {{ source('landed', 'manifests') }} as notes on newest.note_id = notes.file_id
