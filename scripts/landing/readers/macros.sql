-- What several readers share. OTLP attribute lists as names and texts; lists become JSON, objects dotted names.
create macro otlp_text(held) as coalesce(
    held.stringValue,
    held.intValue,
    held.doubleValue,
    held.boolValue,
    case
        when held.arrayValue is not null
            then cast(to_json(json_extract_string(held.arrayValue, '$.values[*].*')) as varchar)
    end
);

create macro otlp_pairs(attributes) as case
    when list_position(list_transform(attributes, lambda pair: pair.value.kvlistValue is not null), true) is null
        then list_transform(attributes, lambda pair: { 'key': pair.key, 'value': otlp_text(pair.value) })
    else flatten(list_transform(attributes, lambda pair: case
        when pair.value.kvlistValue is null then [{ 'key': pair.key, 'value': otlp_text(pair.value) }]
        else list_transform(
            json_transform(pair.value.kvlistValue, '{"values": [{attribute}]}').values,
            lambda inner_pair: { 'key': pair.key || '.' || inner_pair.key, 'value': otlp_text(inner_pair.value) }
        )
    end))
end;

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

create macro link_keys(links) as list_distinct(list_filter(
    list_transform(links, lambda link: {
        'trace_key': key_of(id_of(link.trace_id, 16)), 'span_key': key_of(id_of(link.span_id, 8))
    }),
    lambda link: link.trace_key is not null and link.span_key is not null
));
