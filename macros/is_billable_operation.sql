{# Kinds of span that are a request to a model: OpenTelemetry, OpenInference, Langfuse, Vercel AI SDK, LiteLLM names. #}
{% macro is_billable_operation(operation) -%}
    {{ operation }} in (
        'chat', 'text_completion', 'completion', 'generate_content', 'embeddings', 'embedding', 'llm', 'reranker',
        'rerank', 'generation', 'responses', 'image_generation', 'transcription', 'speech',
        'ai.generatetext.dogenerate', 'ai.streamtext.dostream', 'ai.embed.doembed', 'ai.embedmany.doembed',
        'ai.generateobject.dogenerate', 'ai.streamobject.dostream', 'ai.rerank.dorerank'
    )
{%- endmacro %}
