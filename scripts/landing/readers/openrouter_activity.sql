-- Pages of OpenRouter's activity API, or their records alone: what a model cost on a day, at one endpoint.
select
    file_no,
    source_line,
    cast(unnest(case
        when json_type(document, '$.data') = 'ARRAY' then json_extract(document, '$.data[*]')
        else [cast(document as json)]
    end) as varchar) as document
from documents
