-- A later file restates the periods that it names; what it leaves out stays as it was.
{% call first_rows(
    partition_by="landed.user_id, coalesce(landed.valid_from, landed.signed_up_on, date '1970-01-01')",
    order_by="files.landing_no desc, landed.source_line desc"
) %}
    select
        landed.user_id,
        landed.account_id,
        landed.plan,
        landed.segment,
        landed.signed_up_on,
        coalesce(landed.valid_from, landed.signed_up_on, date '1970-01-01') as valid_from
    from {{ source('landed', 'users') }} as landed
    inner join {{ source('landed', 'files') }} as files on landed.file_id = files.file_id
{% endcall %}
