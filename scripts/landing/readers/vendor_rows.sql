-- Rows of a vendor's usage report, by their names in lower case. A reader of one vendor's reports follows.
with rows_of as (

    select
        file_no,
        source_line,
        cells_of(document) as cells
    from documents

)
