-- What eval results mean, whichever tool wrote them. The threshold, and the names of a feature, are the project's variables.

-- Passed, failed, or NULL: not judged. A word decides before a number; a number beyond 0..1 has a scale nobody stated.
create or replace macro verdict_of(stated) as case
    when lower(stated) in (
        'c', 'true', 'pass', 'passed', 'correct', 'yes', 'y', 'success', 'ok', 'good', 'relevant', 'factual', 'faithful',
        'grounded', 'helpful', 'safe', 'compliant', 'acceptable'
    ) then true
    when lower(stated) in (
        'i', 'p', 'n', 'false', 'fail', 'failed', 'incorrect', 'wrong', 'no', 'partial', 'error', 'bad', 'irrelevant',
        'unrelated', 'hallucinated', 'unfaithful', 'ungrounded', 'unhelpful', 'unsafe', 'non_compliant', 'unacceptable'
    ) then false
    when try_cast(stated as double) between 0 and 1 then try_cast(stated as double) >= getvariable('score_threshold')
end;

-- The feature that an object names, or a tag (`feature:draft-email`).
create or replace macro feature_of(object) as list_filter(
    list_transform(
        getvariable('feature_names'), lambda name: text_of(json_extract_string(object, '$."' || name || '"'))
    ),
    lambda feature: feature is not null
)[1];

create or replace macro feature_of_tags(tags) as list_filter(
    list_transform(tags, lambda tag: text_of(regexp_extract(
        tag, '^(?:' || array_to_string(getvariable('feature_names'), '|') || ')[:=](.+)$', 1
    ))),
    lambda feature: feature is not null
)[1];

-- A sum of what files state as text; what is no number comes out as it stands, and is refused by name.
create or replace macro summed(stated) as coalesce(
    min(stated) filter (where stated is not null and try_cast(stated as decimal(38, 18)) is null),
    cast(sum(try_cast(stated as decimal(38, 18))) as varchar)
);

create or replace macro number_of(stated) as try_cast(stated as decimal(38, 18));

create or replace macro uses_of(stated) as json_transform(json_of(stated), '[{
    "role": "VARCHAR", "provider": "VARCHAR", "model": "VARCHAR", "requests": "VARCHAR", "input_tokens": "VARCHAR",
    "cache_read_tokens": "VARCHAR", "cache_write_tokens": "VARCHAR", "output_tokens": "VARCHAR",
    "reasoning_tokens": "VARCHAR", "total_tokens": "VARCHAR", "cost_usd": "VARCHAR"
}]');

create or replace macro usage_of(stated) as list_transform(uses_of(stated), lambda used: {
    'role': used.role,
    'provider': used.provider,
    'model': text_of(used.model),
    'requests': count_of(used.requests),
    'input_tokens': count_of(used.input_tokens),
    'cache_read_tokens': count_of(used.cache_read_tokens),
    'cache_write_tokens': count_of(used.cache_write_tokens),
    'output_tokens': count_of(used.output_tokens),
    'reasoning_tokens': count_of(used.reasoning_tokens),
    'total_tokens': count_of(used.total_tokens),
    'cost_usd': money_of(used.cost_usd)
});

create or replace macro usage_fault(stated) as coalesce(case
    when stated is not null and coalesce(json_type(json_of(stated)), '') <> 'ARRAY'
        then 'usage: ' || told(stated) || ' is no list of tokens by model'
end, list_filter(
    list_transform(uses_of(stated), lambda used: coalesce(
        count_fault(used.requests, count_of(used.requests), 'requests'),
        count_fault(used.input_tokens, count_of(used.input_tokens), 'input_tokens'),
        count_fault(used.cache_read_tokens, count_of(used.cache_read_tokens), 'cache_read_tokens'),
        count_fault(used.cache_write_tokens, count_of(used.cache_write_tokens), 'cache_write_tokens'),
        count_fault(used.output_tokens, count_of(used.output_tokens), 'output_tokens'),
        count_fault(used.reasoning_tokens, count_of(used.reasoning_tokens), 'reasoning_tokens'),
        count_fault(used.total_tokens, count_of(used.total_tokens), 'total_tokens')
    )),
    lambda fault: fault is not null
)[1]);

-- Of eval results that name no run: what was scored in one environment on one day is a run.
create or replace macro online_run(environment, moment) as
    'online:' || coalesce(text_of(environment), 'default') || ':' || coalesce(strftime(moment, '%Y-%m-%d'), 'undated');

-- Who serves a model named `openai/gpt-5`, or `anthropic/bedrock/claude-5`.
create or replace macro provider_of(model) as case
    when split_part(model, '/', 3) <> '' and split_part(model, '/', 2) in ('azure', 'bedrock', 'vertex')
        then split_part(model, '/', 2)
    when contains(model, '/') then split_part(model, '/', 1)
end;

-- promptfoo's `openai:chat:gpt-5` as `openai/gpt-5`; a script or an address is no model.
create or replace macro model_of(provider) as case
    when regexp_matches(provider, '^(file|exec|python|golang|ruby|package|https?|wss?|webhook|promptfoo|browser|mcp):')
        or provider in ('echo', 'promptfoo', 'websocket', 'http') then null
    else nullif(regexp_replace(
        provider,
        '^([a-z][a-z0-9_-]*):(?:(?:chat|completions?|responses|messages|embeddings?|realtime|assistant|agents?):)?(.+)$',
        '\1/\2'
    ), '')
end;

-- OTLP attributes as names and texts; what evals are told by stands in plain values.
create or replace macro otlp_pairs(attributes) as list_transform(attributes, lambda pair: {
    'key': pair.key,
    'value': coalesce(pair.value.stringValue, pair.value.intValue, pair.value.doubleValue, pair.value.boolValue)
});

create or replace macro value_in(pairs, name) as text_of(list_filter(pairs, lambda pair: pair.key = name)[1].value);

-- A case passes where no score that judges it says otherwise.
create or replace macro result_of(verdicts, is_errored) as case
    when is_errored then 'errored'
    when list_contains(verdicts, false) then 'failed'
    when list_contains(verdicts, true) then 'passed'
end;

-- The time that a file's name ends with or begins with, as tools write it; of a file that states none.
create or replace macro time_in_name(name) as coalesce(
    nullif(regexp_replace(
        regexp_extract(name, '(?:^|[^0-9])(20\d\d-?[01]\d-?[0-3]\d[T_ -]?[0-2]\d[_:-]?[0-5]\d[_:-]?[0-5]\d)(?:[^0-9]|$)', 1),
        '^(\d{4})-?(\d\d)-?(\d\d)[T_ -]?(\d\d)[_:-]?(\d\d)[_:-]?(\d\d)$', '\1-\2-\3 \4:\5:\6'
    ), ''),
    nullif(regexp_replace(
        regexp_extract(name, '(?:^|[^0-9])(20\d\d-?[01]\d-?[0-3]\d)(?:[^0-9]|$)', 1),
        '^(\d{4})-?(\d\d)-?(\d\d)$', '\1-\2-\3'
    ), ''),
    'none in the file or its name'
);

-- An id that begins with its time (UUID version 7).
create or replace macro time_in_id(id) as case
    when regexp_full_match(lower(id), '[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}')
        then cast(make_timestamp(1000 * cast('0x' || substr(replace(id, '-', ''), 1, 12) as bigint)) as varchar)
end;

-- Metrics of Ragas from 0 to 1 of which more is better.
create or replace macro ragas_metrics() as '^(faithfulness(_with_hhem)?|(answer|response)_relevanc[ey]|(llm_|non_llm_|id_based_)?context_'
    || '(precision|recall|relevanc[ey]|utilization|entity_recall)(_with(out)?_reference)?|(answer|factual)_correctness'
    || '|(answer|semantic)_similarity|tool_call_(accuracy|f1)|agent_goal_accuracy(_with(out)?_reference)?'
    || '|topic_adherence|(bleu|rouge|chrf|summary)_score|exact_match|string_present|nv_\w+)( *\(.*\))?$';
