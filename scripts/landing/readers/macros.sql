-- What several readers share.
-- Names and values of a JSON object at any depth, as dotted names. Items of lists that read `name:value` or
-- `name=value` (tags) are named so.
create macro json_of(stated) as case when json_valid(stated) then cast(stated as json) end;

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

-- The members of an object, named `<attribute>.<member>`; those that are objects stay marked, for the next round.
create macro otlp_members(name, object) as list_transform(
    json_transform(object, '{"values": [{attribute}]}').values,
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

-- Searches among the items of an OpenAI response. Opening a page that a search found is one of its items, and costs nothing.
create macro web_search_calls(answer) as cast(nullif(len(list_filter(
    json_extract(answer, '$.output[*]'),
    lambda item: item ->> '$.type' = 'web_search_call' and coalesce(item ->> '$.action.type', 'search') = 'search'
        and coalesce(item ->> '$.status', 'completed') <> 'failed'
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
