-- Manifests that clouds write beside an export of bills, a row a file: Azure Cost Management's (blobs), AWS Cost and Usage
-- Reports' (reportKeys) and AWS Data Exports' (dataFiles). And notes of requests to a provider's API, `<page>.request.json`
-- beside `<page>`, a row a value by which the request was filtered: names as the APIs' own parameters.
with notes as (

    select
        file_no,
        source_line,
        cast(document as json) as note,
        -- OpenAI reports each kind of usage by an endpoint of its own: it says nothing of the others.
        nullif(regexp_extract(document ->> '$.endpoint', '/organization/usage/([a-z_]+)$', 1), '') as usage_kind,
        list_concat(
            json_keys(document, '$.filter'), case when usage_kind is not null then ['usage_kind'] else [] end
        ) as names,
        getvariable('source_files')[file_no + 1] as source_file
    from documents
    where json_exists(document, '$.endpoint')

),

named as (

    select
        *,
        coalesce(
            regexp_extract(source_file, '^(.*/)[^/]*$', 1) || (note ->> '$.file'),
            regexp_replace(source_file, '([.]request)?[.]json$', '')
        ) as file_name,
        unnest(case when len(names) > 0 then names else [null] end) as name
    from notes

),

opened as (

    select
        *,
        case
            when name = 'usage_kind' then to_json(usage_kind)
            else json_extract(note, '$.filter."' || name || '"')
        end as stated,
        regexp_replace(lower(name), '(_?ids?|s)?(\[\])?$', '') as kind
    from named

),

-- A filter without values is none.
filters as (

    select
        *,
        list_filter(
            case when json_type(stated) = 'ARRAY' then json_extract_string(stated, '$[*]') else [stated ->> '$'] end,
            lambda value: value <> ''
        ) as filter_values
    from opened

),

parted as (

    select
        *,
        unnest(case when len(filter_values) > 0 then filter_values else [null] end) as filter_value
    from filters

)

select
    file_no,
    source_line,
    cast(json_object(
        'endpoint', note ->> '$.endpoint',
        'exported_at', note ->> '$.requested_at',
        'file_name', file_name,
        'request_id', note ->> '$.request_id',
        'page_blake3', left(note ->> '$.blake3', 32),
        'page_sha256', left(note ->> '$.sha256', 32),
        -- A filter that no key of a bill's lines shows leaves out nobody knows what.
        'filter_key', case
            when filter_value is null then null
            when kind = 'api_key' then 'key_id'
            when kind in ('project', 'workspace') then 'project_id'
            when kind = 'model' then 'model'
            when name = 'usage_kind' then 'service'
            else 'filter'
        end,
        'filter_value', case
            when kind in ('api_key', 'project', 'workspace', 'model', 'usage_kind') then filter_value
            when filter_value is not null then name || ' ' || filter_value
        end
    ) as varchar) as document
from parted

union all

select
    file_no,
    source_line,
    cast(json_object(
        'export_id', coalesce(
            document ->> '$.runInfo.runId', document ->> '$.assemblyId', document ->> '$.executionId',
            md5(coalesce(document ->> '$.dataFiles', document ->> '$.reportKeys', document ->> '$.blobs'))
        ),
        'exported_at', coalesce(
            document ->> '$.runInfo.submittedTime', document ->> '$.executionTime', document ->> '$.createdAt'
        ),
        'file_name', unnest(coalesce(
            nullif(json_extract_string(document, '$.blobs[*].blobName'), []),
            nullif(json_extract_string(document, '$.reportKeys[*]'), []),
            json_extract_string(document, '$.dataFiles[*]')
        ))
    ) as varchar) as document
from documents
where not json_exists(document, '$.endpoint')
