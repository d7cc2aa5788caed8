-- Manifests that clouds write beside an export of bills, a row a file: Azure Cost Management's (blobs), AWS Cost and Usage
-- Reports' (reportKeys) and AWS Data Exports' (dataFiles).
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
            json_extract_string(document, '$.blobs[*].blobName'),
            nullif(json_extract_string(document, '$.reportKeys[*]'), []),
            json_extract_string(document, '$.dataFiles[*]')
        ))
    ) as varchar) as document
from documents
