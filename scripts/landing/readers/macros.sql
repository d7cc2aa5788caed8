-- What several readers share.
-- Names and values of a JSON object at any depth, as dotted names. Items of lists that read `name:value` or
-- `name=value` (tags) are named so.
create macro json_of(stated) as case when json_valid(stated) then cast(stated as json) end;

-- The text of a JSON text, or of a list that holds one text alone.
create macro one_text_of(stated) as case
    when json_type(json_of(stated)) = 'VARCHAR' then json_of(stated) ->> '$'
    when json_array_length(json_of(stated)) = 1 and json_type(json_of(stated), '$[0]') = 'VARCHAR'
        then json_of(stated) ->> '$[0]'
end;

create macro pairs_of(object) as (
    select list(
        case
            when ends_with(fullkey, ']') and regexp_matches(atom, '^"[A-Za-z_][\w.-]*[:=][^:=]')
                then {
                    'key': ltrim(
                        regexp_replace(replace(fullkey, '"', ''), '\[[0-9]+\]$', '.') || regexp_extract(atom, '^"([^:=]+)', 1),
                        '$.'
                    ),
                    'value': regexp_extract(atom ->> '$', '^[^:=]+[:=](.*)$', 1)
                }
            else { 'key': ltrim(replace(fullkey, '"', ''), '$.'), 'value': atom ->> '$' }
        end
    )
    from json_tree(object)
    where atom is not null and type <> 'NULL'
);

create macro prefixed(pairs, prefix) as
    list_transform(pairs, lambda pair: { 'key': prefix || pair.key, 'value': pair.value });

create macro within(pairs, prefix) as list_transform(
    list_filter(pairs, lambda pair: starts_with(pair.key, prefix)),
    lambda pair: { 'key': substr(pair.key, length(prefix) + 1), 'value': pair.value }
);

-- Ids of a cell: a JSON list, or separated by blanks, commas, semicolons or bars.
create macro ids_of(stated) as case
    when json_valid(stated) and json_type(stated) = 'ARRAY' then json_extract_string(stated, '$[*]')
    else list_filter(regexp_split_to_array(stated, '[\s,;|]+'), lambda id: id <> '')
end;

-- OTLP attribute lists as names and texts; lists become JSON. An object stays JSON for now, its name marked by chr(2).
create macro otlp_names(attributes) as list_transform(
    attributes,
    lambda pair: case when pair.value.kvlistValue is null then pair.key else pair.key || chr(2) end
);

create macro otlp_list(list) as cast(to_json(json_extract_string(list, '$.values[*].*')) as varchar);

create macro otlp_texts(attributes) as list_transform(attributes, lambda pair: case
    when strlen(pair.value.stringValue) > label_bytes() and not is_carrier(pair.key) then chr(1)
    else coalesce(
        pair.value.stringValue,
        pair.value.intValue,
        pair.value.doubleValue,
        pair.value.boolValue,
        case when pair.value.arrayValue is not null then label_text(pair.key, otlp_list(pair.value.arrayValue)) end,
        cast(pair.value.kvlistValue as varchar)
    )
end);

-- The same where no value is a list or an object.
create macro plain_names(attributes) as list_transform(attributes, lambda pair: pair.key);

create macro plain_texts(attributes) as list_transform(attributes, lambda pair: case
    when strlen(pair.value.stringValue) > label_bytes() and not is_carrier(pair.key) then chr(1)
    else coalesce(pair.value.stringValue, pair.value.intValue, pair.value.doubleValue, pair.value.boolValue)
end);

-- The members of an object, named `<attribute>.<member>`; those that are objects stay marked, for the next round.
create macro otlp_members(name, object) as list_transform(
    json_transform(json_of(object), '{"values": [{attribute}]}').values,
    lambda pair: {
        'key': name || '.' || pair.key || case when pair.value.kvlistValue is null then '' else chr(2) end,
        'value': coalesce(
            label_text(name || '.' || pair.key, coalesce(
                pair.value.stringValue,
                pair.value.intValue,
                pair.value.doubleValue,
                pair.value.boolValue,
                otlp_list(pair.value.arrayValue)
            )),
            cast(pair.value.kvlistValue as varchar)
        )
    }
);

-- The Collector's processor `tail_sampling` notes its policy among the attributes of the scope, and where it had decided
-- before, that.
create macro is_tail_sampled(attributes) as
    len(list_filter(attributes, lambda pair: starts_with(pair.key, 'tailsampling.'))) > 0;

-- Events of a span, where their text speaks of usage at all: most hold prompts, and are not read.
create macro may_state_usage(events) as
    coalesce(contains(events, 'oken') or contains(events, 'OKEN') or contains(events, 'usage'), false);

-- Of OTLP the names are asked, which are short; and of spans that have events alone, which are few.
create macro otlp_events(events) as case
    when len(events) > 0 then case
        when len(list_filter(events, lambda event: len(list_filter(
            event.attributes, lambda pair: contains(pair.key, 'oken') or contains(pair.key, 'OKEN') or contains(pair.key, 'usage')
        )) > 0)) > 0
            then list_transform(events, lambda event: {
                'name': event.name, 'names': otlp_names(event.attributes), 'texts': otlp_texts(event.attributes)
            })
    end
end;

create macro event_of(name, attributes) as {
    'name': name,
    'names': json_keys(attributes),
    'texts': list_transform(
        json_keys(attributes),
        lambda key: label_text(key, json_extract_string(attributes, '$."' || key || '"'))
    )
};

create macro events_of(events) as case when may_state_usage(events) then list_transform(
    json_extract(events, '$[*]'), lambda event: event_of(event ->> '$.name', event -> '$.attributes')
) end;

-- Jaeger keeps an event's name among its fields; Zipkin writes `"name": {attributes}` as one text.
create macro jaeger_events(logs) as case when may_state_usage(logs) then list_transform(
    list_transform(json_extract(logs, '$[*]'), lambda log: jaeger_pairs(log -> '$.fields')),
    lambda fields: {
        'name': list_filter(fields, lambda field: field.key in ('event', 'name'))[1].value,
        'names': list_transform(fields, lambda field: field.key),
        'texts': list_transform(fields, lambda field: label_text(field.key, field.value))
    }
) end;

create macro zipkin_events(annotations) as case when may_state_usage(annotations) then list_transform(
    json_extract_string(annotations, '$[*].value'),
    lambda said: event_of(
        regexp_extract(said, '^"([^"]*)"', 1), json_of(nullif(regexp_extract(said, '^"[^"]*":\s*(\{.*\})$', 1, 's'), ''))
    )
) end;

-- Searches among the items of an OpenAI response. Opening a page that a search found is one of its items, and costs nothing.
create macro openai_searches(answer) as len(list_filter(
    json_extract(answer, '$.output[*]'),
    lambda item: item ->> '$.type' = 'web_search_call' and coalesce(item ->> '$.action.type', 'search') = 'search'
        and coalesce(item ->> '$.status', 'completed') <> 'failed'
));

-- Searches in a vector store among them: $2.50 per thousand calls, however many queries each makes.
create macro file_search_calls(answer) as cast(nullif(len(list_filter(
    json_extract(answer, '$.output[*]'),
    lambda item: item ->> '$.type' = 'file_search_call' and coalesce(item ->> '$.status', 'completed') <> 'failed'
)), 0) as varchar);

-- Pieces of code among them that the provider ran: it bills the time of the container, which several calls share.
create macro code_interpreter_calls(answer) as cast(nullif(len(list_filter(
    json_extract(answer, '$.output[*]'), lambda item: item ->> '$.type' = 'code_interpreter_call'
)), 0) as varchar);

-- Google bills a grounded prompt once up to Gemini 2.5, and each query since (ai.google.dev, pricing).
create macro is_billed_by_prompt(model) as regexp_matches(coalesce(model, ''), '(^|/)gemini-[12]');

create macro google_searches(answer) as list_sum(list_transform(
    json_extract(answer, '$.candidates[*]'),
    lambda candidate: coalesce(
        json_array_length(candidate, '$.groundingMetadata.webSearchQueries'),
        json_array_length(candidate, '$.grounding_metadata.web_search_queries'), 0
    )
));

create macro web_search_calls(answer) as cast(nullif(
    coalesce(openai_searches(answer), 0) + coalesce(case
        when is_billed_by_prompt(coalesce(answer ->> '$.modelVersion', answer ->> '$.model_version'))
            then least(google_searches(answer), 1)
        else google_searches(answer)
    end, 0), 0
) as varchar);

-- The AI SDK hands on the grounding of Google's answer, and where it continued an answer by itself, that of each request.
create macro grounded_requests(metadata) as case
    when len(json_extract(metadata, '$.*.groundingMetadataPerRequest')) > 0
        then json_extract(metadata, '$.*.groundingMetadataPerRequest[*]')
    else json_extract(metadata, '$.*.groundingMetadata')
end;

create macro grounded_searches(metadata, model) as cast(nullif(list_sum(list_transform(
    grounded_requests(metadata),
    lambda one: case when is_billed_by_prompt(model)
        then least(coalesce(json_array_length(one, '$.webSearchQueries'), 0), 1)
        else coalesce(json_array_length(one, '$.webSearchQueries'), 0) end
)), 0) as varchar);

create macro jaeger_id(stated) as case
    when length(stated) < 16 then lpad(stated, 16, '0') when length(stated) between 17 and 31 then lpad(stated, 32, '0')
    else stated
end;

create macro jaeger_pairs(tags) as json_transform(tags, '[{"key": "VARCHAR", "value": "VARCHAR"}]');

-- [seconds, nanoseconds] as a number of seconds.
create macro seconds_of(pair) as case
    when json_array_length(pair) = 2
        then (pair ->> '$[0]') || '.' || lpad(pair ->> '$[1]', 9, '0')
    when pair is not null then pair ->> '$'
end;

-- Step by step: a macro writes its argument out wherever it uses it.
create macro link_keys(links) as list_distinct(list_filter(
    list_transform(
        list_transform(
            list_transform(links, lambda link: {
                'trace': bare_id(link.trace_id, 16), 'span': bare_id(link.span_id, 8)
            }),
            lambda link: { 'trace': clean_id(link.trace, 16), 'span': clean_id(link.span, 8) }
        ),
        lambda link: { 'trace_key': key_of(link.trace), 'span_key': key_of(link.span) }
    ),
    lambda link: link.trace_key is not null and link.span_key is not null
));

-- A time so many microseconds after another, as text; null where either is not understood.
create macro time_after(started, unit, microseconds) as
    cast(try(time_of(started, unit) + to_microseconds(cast(try_cast(microseconds as decimal(38, 3)) as bigint))) as varchar);

-- Maps and lists of ClickHouse: JSON, or its own text (`{'k':'v'}`, `['v']`), in which a backslash escapes.
create macro unescaped(stated) as replace(replace(replace(stated, '\''', ''''), '\n', chr(10)), '\\', '\');

create macro clickhouse_found(stated, part) as regexp_extract_all(
    stated, '''((?:[^''\\]|\\.)*)'':(?:''((?:[^''\\]|\\.)*)''|([^,''}]+))', part
);

create macro clickhouse_pairs(stated) as case
    when json_valid(stated) then pairs_of(json_of(stated))
    when starts_with(stated, '{') then list_transform(
        list_zip(clickhouse_found(stated, 1), clickhouse_found(stated, 2), clickhouse_found(stated, 3)),
        lambda found: { 'key': unescaped(found[1]), 'value': unescaped(coalesce(found[2], found[3])) }
    )
end;

create macro clickhouse_list(stated) as case
    when json_valid(stated) then json_extract_string(stated, '$[*]')
    else regexp_extract_all(stated, '''([^'']*)''', 1)
end;

-- The attribute that an annotation of X-Ray is named after, where its dots became low lines.
create macro dotted_annotation(name) as coalesce(
    list_filter(
        list_concat(getvariable('feature_names'), [
            'app.team', 'service.name', 'gen_ai.operation.name', 'gen_ai.provider.name', 'gen_ai.system',
            'gen_ai.request.model', 'gen_ai.response.model', 'gen_ai.response.id', 'gen_ai.usage.input_tokens',
            'gen_ai.usage.output_tokens', 'gen_ai.usage.prompt_tokens', 'gen_ai.usage.completion_tokens',
            'gen_ai.usage.total_tokens', 'gen_ai.usage.cache_read.input_tokens',
            'gen_ai.usage.cache_creation.input_tokens', 'gen_ai.usage.cache_write.input_tokens',
            'gen_ai.usage.cache_read_input_tokens', 'gen_ai.usage.cache_creation_input_tokens',
            'gen_ai.usage.cache_write_input_tokens', 'gen_ai.usage.reasoning.output_tokens', 'gen_ai.agent.name',
            'gen_ai.tool.name', 'gen_ai.conversation.id', 'session.id', 'user.id', 'tenant.id'
        ]),
        lambda known: replace(known, '.', '_') = name
    )[1],
    name
);

-- An attribute's text, of names and texts beside each other.
create macro text_at(names, texts, name) as text_of(texts[list_position(names, name)]);

-- Attributes that count tokens, by any of the names that tools give them.
create macro is_token_name(name) as regexp_matches(
    name,
    '(?i)(^|[._])(input|output|prompt|completion|total|cached|cache_?read|cache_?creation|reasoning|thoughts)'
    || '(_?content)?_?tokens?(_?count)?$'
);

create macro token_texts(names, texts) as list_transform(
    list_filter(list_zip(names, texts), lambda pair: is_token_name(pair[1])), lambda pair: pair[2]
);

create macro states_tokens(names, texts) as
    len(list_filter(token_texts(names, texts), lambda text: try_cast(text as double) > 0)) > 0;

-- Coding agents name their own account `organization.id`, which elsewhere is the customer that was served.
create macro agent_names(names) as
    list_transform(names, lambda name: case when name = 'organization.id' then 'agent.organization.id' else name end);

-- Claude Code's names have no prefix: given one, they mean this wherever it wrote them, and nowhere else.
create macro claude_code_names(names) as list_transform(names, lambda name: case
    when name in (
        'model', 'request_id', 'speed', 'cost_usd', 'input_tokens', 'output_tokens', 'cache_read_tokens',
        'cache_creation_tokens'
    ) then 'claude_code.' || name
    when name = 'organization.id' then 'agent.organization.id'
    else name
end);

-- Claude Code does not state its provider; each cloud writes the model's name in its own way.
create macro claude_code_provider(model) as case
    when contains(model, 'anthropic.claude') or starts_with(model, 'arn:aws') then 'aws.bedrock'
    when contains(model, '@') then 'gcp.vertex_ai'
    else 'anthropic'
end;

-- The team and user of a coding agent, as its documentation has an administrator set them for all its telemetry.
create macro agent_pairs(names, texts, resource_names, resource_texts) as [
    {
        'key': 'coding_agent.team',
        'value': coalesce(
            text_at(resource_names, resource_texts, 'team.id'), text_at(resource_names, resource_texts, 'team'),
            text_at(names, texts, 'team.id'), text_at(names, texts, 'team')
        )
    },
    {
        'key': 'enduser.id',
        'value': coalesce(
            text_at(names, texts, 'user.account_uuid'), text_at(names, texts, 'user.account_id'),
            text_at(names, texts, 'user.email')
        )
    }
];

-- Claude Code leaves its operation and provider out of spans and log records. A failed attempt has no tokens.
create macro claude_code_pairs(names, texts, resource_names, resource_texts) as list_concat(
    [
        {
            'key': 'gen_ai.operation.name',
            'value': case when text_at(names, texts, 'output_tokens') is not null then 'chat' end
        },
        { 'key': 'gen_ai.provider.name', 'value': claude_code_provider(text_at(names, texts, 'model')) }
    ],
    agent_pairs(names, texts, resource_names, resource_texts)
);

-- Codex tells of an answer in a log record, and in an event of the span around it.
create macro is_codex_answer(name, names, texts) as
    name = 'codex.sse_event' and coalesce(text_at(names, texts, 'event.kind') = 'response.completed', false);

create macro codex_pairs(names, texts, operation) as [
    { 'key': 'gen_ai.operation.name', 'value': operation },
    { 'key': 'gen_ai.provider.name', 'value': 'openai' },
    { 'key': 'gen_ai.request.model', 'value': text_at(names, texts, 'model') },
    { 'key': 'gen_ai.conversation.id', 'value': text_at(names, texts, 'conversation.id') },
    -- As the Responses API counts: cached tokens within input, reasoning within output.
    { 'key': 'gen_ai.usage.input_tokens', 'value': text_at(names, texts, 'input_token_count') },
    { 'key': 'gen_ai.usage.output_tokens', 'value': text_at(names, texts, 'output_token_count') },
    { 'key': 'gen_ai.usage.cache_read.input_tokens', 'value': text_at(names, texts, 'cached_token_count') },
    { 'key': 'gen_ai.usage.cache_creation.input_tokens', 'value': text_at(names, texts, 'cache_write_token_count') },
    { 'key': 'gen_ai.usage.reasoning.output_tokens', 'value': text_at(names, texts, 'reasoning_token_count') }
];

create macro javascript_resource(document) as coalesce(
    document -> '$.resource.attributes', document -> '$.resource._attributes',
    document -> '$.resource._memoizedAttributes',
    to_json(map_from_entries(list_transform(
        cast(document -> '$.resource._rawAttributes[*]' as json[]),
        lambda pair: { 'key': pair ->> '$[0]', 'value': pair ->> '$[1]' }
    )))
);

-- A log record of OpenTelemetry's JavaScript SDK as a batch of OTLP.
create macro javascript_attributes(object) as
    list_transform(pairs_of(object), lambda pair: { 'key': pair.key, 'value': { 'stringValue': pair.value } });

create macro javascript_log(document) as cast({ 'resourceLogs': [{
    'resource': { 'attributes': javascript_attributes(javascript_resource(document)) },
    'scopeLogs': [{
        'scope': {
            'name': document ->> '$.instrumentationScope.name',
            'version': document ->> '$.instrumentationScope.version'
        },
        'logRecords': [{
            'timeUnixNano': replace(seconds_of(document -> '$.hrTime'), '.', ''),
            'eventName': document ->> '$.eventName',
            'traceId': document ->> '$.spanContext.traceId',
            'spanId': document ->> '$.spanContext.spanId',
            'attributes': javascript_attributes(document -> '$.attributes')
        }]
    }]
}] }::json as varchar);
