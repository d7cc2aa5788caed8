with landed as (

    select
        file_id,
        source_file,
        landing_no
    from {{ source('landed', 'files') }}

),

notes as (

    select distinct
        manifests.file_id,
        manifests.file_name,
        landed.landing_no
    from {{ source('landed', 'manifests') }} as manifests
    inner join landed on manifests.file_id = landed.file_id
    where manifests.endpoint is not null

),

-- A page is written anew under its name, and so is its note: a note speaks of the page that landed just before it.
near as (

    select
        notes.file_id as note_id,
        notes.landing_no,
        pages.file_id,
        row_number() over (
            partition by notes.file_id
            order by
                case when pages.landing_no < notes.landing_no then 0 else 1 end,
                abs(notes.landing_no - pages.landing_no)
        ) as place
    from notes
    inner join landed as pages on notes.file_name = pages.source_file

),

newest as (

    select
        file_id,
        max_by(note_id, landing_no) as note_id
    from near
    where place = 1
    group by file_id

)

select distinct
    newest.file_id,
    notes.exported_at as requested_at,
    notes.filter_key,
    notes.filter_value
from newest
inner join {{ source('landed', 'manifests') }} as notes on newest.note_id = notes.file_id
