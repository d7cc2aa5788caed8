-- Azure Application Insights (`dependencies`, `requests`) and Log Analytics (`AppDependencies`, `AppRequests`): CSV of
-- the portal, JSON of the command line and of diagnostic settings, and the API's tables of columns and rows.
with tables as (

    select
        file_no,
        source_line,
        document,
        unnest(case
            when json_type(document, '$.tables') = 'ARRAY' then json_extract(document, '$.tables[*]') else [null]
        end) as held
    from documents

),

records as (

    select
        file_no,
        source_line,
        unnest(case
            when json_type(document, '$.tables') = 'ARRAY' then list_transform(
                json_extract(held, '$.rows[*]'),
                lambda row: to_json(map(json_extract_string(held, '$.columns[*].name'), json_extract(row, '$[*]')))
            )
            else [cast(document as json)]
        end) as span
    from tables

),

spans as (

    select
        *,
        -- The portal writes times for the reader's eyes, in American order.
        replace(coalesce(
            span ->> '$."timestamp [UTC]"', span ->> '$."TimeGenerated [UTC]"', span ->> '$.timestamp',
            span ->> '$.TimeGenerated', span ->> '$.time'
        ), chr(8239), ' ') as shown_at,
        coalesce(span ->> '$.operation_Id', span ->> '$.OperationId') as trace_id,
        coalesce(span ->> '$.id', span ->> '$.Id') as span_id,
        coalesce(span ->> '$.operation_ParentId', span ->> '$.ParentId', span ->> '$.OperationParentId') as parent_id,
        coalesce(span ->> '$.duration', span ->> '$.DurationMs') as milliseconds
    from records

),

timed as (

    select
        *,
        coalesce(
            cast(try_strptime(
                shown_at, ['%m/%d/%Y, %I:%M:%S.%f %p', '%m/%d/%Y, %I:%M:%S %p']
            ) as varchar),
            shown_at
        ) as started
    from spans
    where span_id <> '' and milliseconds is not null

)

select
    file_no,
    source_line,
    'azure_monitor' as format,
    trace_id,
    span_id,
    nullif(parent_id, trace_id) as parent_span_id,  -- a root names the operation as its parent
    coalesce(span ->> '$.name', span ->> '$.Name') as name,
    case when lower(coalesce(span ->> '$.success', span ->> '$.Success')) = 'false' then 'ERROR' end as status,
    started,
    time_after(started, null, try_cast(milliseconds as decimal(38, 6)) * 1000) as ended,
    cast(null as varchar) as unit,
    cast(null as struct(trace_id varchar, span_id varchar)[]) as links,
    list_concat(
        pairs_of(json_of(coalesce(span ->> '$.customDimensions', span ->> '$.Properties'))),
        [{ 'key': 'azure.itemCount', 'value': coalesce(span ->> '$.itemCount', span ->> '$.ItemCount') }]
    ) as attributes,
    [{ 'key': 'service.name', 'value': coalesce(span ->> '$.cloud_RoleName', span ->> '$.AppRoleName') }] as resource
from timed
