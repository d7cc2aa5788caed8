{#
  Whether a span of this operation is a request to a model (`call`) or stands around requests (`wrapper`). Every other
  word is unknown (NULL): usage and the spans beneath decide what it is. Words are in lower case, as staging has them.
  A word belongs here only where its convention documents it; a framework's own word is better left unknown.
#}
{% macro operation_kind(operation) -%}
    {%- set calls = {
        'OpenTelemetry GenAI': ['chat', 'text_completion', 'generate_content', 'embeddings'],
        'OpenInference, Langfuse, LangSmith, MLflow, Braintrust, LangWatch, Datadog': [
            'llm', 'embedding', 'reranker', 'generation', 'chat_model'
        ],
        'Traceloop': ['completion', 'rerank'],
        'Vercel AI SDK': [
            'ai.generatetext.dogenerate', 'ai.streamtext.dostream', 'ai.embed.doembed', 'ai.embedmany.doembed',
            'ai.generateobject.dogenerate', 'ai.streamobject.dostream', 'ai.rerank.dorerank'
        ],
        'LiteLLM': [
            'acompletion', 'aembedding', 'atext_completion', 'responses', 'aresponses', 'anthropic_messages',
            'agenerate_content', 'generate_content_stream', 'agenerate_content_stream', 'arerank', 'image_generation',
            'aimage_generation', 'image_edit', 'aimage_edit', 'transcription', 'atranscription', 'speech', 'aspeech'
        ],
        'OpenAI Agents SDK': ['response'],
        'Semantic Kernel': [
            'chat.completions', 'chat.streaming_completions', 'text.completions', 'text.streaming_completions'
        ],
        'Sentry': ['gen_ai.chat', 'gen_ai.text_completion', 'gen_ai.generate_content', 'gen_ai.embeddings'],
        'Claude Code': ['claude_code.llm_request'],
        'Codex, by the event of an answer on its span': ['codex.response']
    } -%}
    {%- set wrappers = {
        'OpenTelemetry GenAI': [
            'invoke_agent', 'create_agent', 'invoke_workflow', 'execute_tool', 'retrieval', 'plan', 'search_memory',
            'create_memory', 'update_memory', 'upsert_memory', 'delete_memory', 'create_memory_store',
            'delete_memory_store'
        ],
        'OpenInference, Langfuse, LangSmith, MLflow, LangWatch, Datadog': [
            'agent', 'chain', 'tool', 'retriever', 'evaluator', 'guardrail', 'prompt', 'parser', 'memory', 'span',
            'event', 'workflow', 'task', 'rag', 'evaluation'
        ],
        'Braintrust': ['function', 'score', 'eval'],
        'Traceloop, AgentOps': ['session'],
        'Vercel AI SDK': [
            'ai.generatetext', 'ai.streamtext', 'ai.generateobject', 'ai.streamobject', 'ai.embed', 'ai.embedmany',
            'ai.rerank', 'ai.toolcall'
        ],
        'OpenAI Agents SDK': ['handoff', 'mcp_tools', 'speech_group', 'turn'],
        'Genkit': ['flow', 'flowstep'],
        'Sentry': ['gen_ai.invoke_agent', 'gen_ai.create_agent', 'gen_ai.execute_tool', 'gen_ai.handoff'],
        'Claude Code': ['claude_code.interaction', 'claude_code.tool'],
        'Gateways': ['gateway_cache_hit', 'gateway_health_check', 'gateway_housekeeping'],
        'Points of a metric, which int_derived_calls reads': ['usage_metric']
    } -%}
    {%- set words = {} -%}
    {%- for kind, conventions in [('call', calls), ('wrapper', wrappers)] -%}
        {%- for word in conventions.values() | sum(start=[]) -%}
            {%- do words.setdefault(word | length, {}).setdefault(kind, []).append(word) -%}
        {%- endfor -%}
    {%- endfor -%}
    {#- A text is compared with those of its length only: eight times as fast as one long list. -#}
    case length({{ operation }})
        {%- for length, kinds in words | dictsort %}
        when {{ length }} then case
            {%- for kind, alike in kinds | dictsort %}
            when {{ operation }} in ('{{ alike | join("', '") }}') then '{{ kind }}'
            {%- endfor %}
        end
        {%- endfor %}
    end
{%- endmacro %}
