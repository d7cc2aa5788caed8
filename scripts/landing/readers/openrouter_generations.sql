-- Generations as OpenRouter's API describes them, in lists or one by one, under the names of the activity CSV. Tokens are
-- the model's own, which are billed; `tokens_prompt` counts by a tokenizer that all models share.
with generations as (

    select
        file_no,
        source_line,
        unnest(case json_type(document, '$.data')
            when 'ARRAY' then json_extract(document, '$.data[*]')
            when 'OBJECT' then [json_extract(document, '$.data')]
            else [cast(document as json)]
        end) as generation
    from documents

)

select
    file_no,
    source_line,
    cast(json_object(
        'generation_id', generation ->> '$.id',
        'created_at', generation ->> '$.created_at',
        'cost_total', coalesce(generation ->> '$.total_cost', generation ->> '$.usage'),
        -- Without a key of one's own, what the provider charged is OpenRouter's affair.
        'byok_usage_inference', case when (generation ->> '$.is_byok') = 'true' then
            generation ->> '$.upstream_inference_cost'
        end,
        'tokens_prompt', coalesce(generation ->> '$.native_tokens_prompt', generation ->> '$.tokens_prompt'),
        'tokens_completion',
        coalesce(generation ->> '$.native_tokens_completion', generation ->> '$.tokens_completion'),
        'tokens_reasoning', generation ->> '$.native_tokens_reasoning',
        'tokens_cached', generation ->> '$.native_tokens_cached',
        'model_permaslug', generation ->> '$.model',
        'provider_name', generation ->> '$.provider_name',
        'cancelled', generation ->> '$.cancelled',
        'finish_reason_normalized', generation ->> '$.finish_reason',
        'user', generation ->> '$.external_user'
    ) as varchar) as document
from generations
