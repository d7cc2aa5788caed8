-- Rows of an eval tool's results, all of a file in one record (logs.py). A reader of one tool's rows follows.
with files as (

    select
        file_no,
        source_line,
        json_extract(document, '$.rows[*]') as held,
        getvariable('source_files')[file_no + 1] as source_file,
        left(getvariable('file_ids')[file_no + 1], 16) as file_id
    from documents

)
