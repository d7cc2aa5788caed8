-- Grafana Tempo: API v1 says `batches` for `resourceSpans`, API v2 wraps them in `trace`. The rest is OTLP JSON, with
-- ids in base64; otlp_json.sql reads on.
select
    file_no,
    source_line,
    '{"resourceSpans":' || coalesce(
        document ->> '$.batches', document ->> '$.trace.resourceSpans', document ->> '$.trace.batches', '[]'
    ) || '}' as document
from documents
