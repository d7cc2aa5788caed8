-- Ids, times, counts and money as exports write them, made uniform. A `_fault` says why a stated value can't be
-- taken; it is null where the value is fine or absent.

-- What a value that can't be taken is: its own text where that is a number, a day or a word for none; of any other text,
-- which may be a person's, only what kind it is.
create macro told(stated) as case
    when length(stated) <= 40
        and regexp_full_match(stated, '(?i)[-(]?[$€£]? ?\d[\d.,:/eTZ+-]*\)?|\d{4}-\d\d-\d\d [\d:.+Z-]+|[-+]?(nan|inf|infinity)|true|false|<?nil>?|none|null|n/a|undefined')
        then '''' || stated || ''''
    -- Words of the readers themselves, where a value should be.
    when regexp_full_match(stated, 'none in the file or its name|a page; put all pages into one file|(usage|cost) of [\d.]+|[\d.]+ at [\d.]+|organization\.[a-z_.]+|[\d.eE+-]+ \(digits are lost\)')
        then '''' || stated || ''''
    when starts_with(stated, 'credits ') then 'a list of credits that can''t be read'
    when regexp_full_match(stated, '(?s)\s*\{.*\}\s*') then 'an object'
    when regexp_full_match(stated, '(?s)\s*\[.*\]\s*') then 'a list'
    when regexp_full_match(stated, '[-+]?[\d.,]+') then 'a number of ' || length(stated) || ' digits'
    else 'text of ' || length(stated) || ' character' || if(length(stated) = 1, '', 's')
end;

-- Blank text is no text.
create macro text_of(stated) as nullif(trim(stated), '');

-- 16 hex digits as a number. The engine's own casts would pass over a low line among the digits.
create macro word_of(digits) as case when not contains(digits, '_') then try_cast('0x' || digits as ubigint) end;

-- The same 64 bits as a signed number.
create macro signed(word) as
    cast(cast(xor(word, 9223372036854775808::ubigint) as hugeint) - 9223372036854775808 as bigint);

-- One spelling per id: lower-case hex without 0x; base64 of so many octets becomes hex; other text stays.
-- All-zero ids mean "none" in OpenTelemetry.
create macro bare_id(stated, octets) as case
    when length(stated) = 4 * ((octets + 2) // 3) and try(octet_length(from_base64(stated))) = octets
        then hex(from_base64(stated))
    when starts_with(stated, '0x') or starts_with(stated, '0X') then substr(stated, 3)
    else stated
end;

create macro clean_id(bare, octets) as case
    when length(bare) = 32 and (word_of(substr(bare, 1, 16)) | word_of(substr(bare, 17))) > 0 then lower(bare)
    when length(bare) = 16 and octets = 8 and word_of(bare) > 0 then lower(bare)
    when ltrim(bare, '0') = '' then null
    when regexp_full_match(bare, '[0-9a-fA-F]+') then lower(bare)
    else bare
end;

-- Nearly every id is plain hex of as many digits as OpenTelemetry gives it: that costs one cast. Zero means "none".
create macro plain_span(stated) as case
    when strlen(stated) = 16 and not contains(stated, '_') then try_cast('0x' || stated as ubigint)
end;

-- 32 characters are a uuid to the engine only if all are hex digits.
create macro plain_trace(stated) as case
    when strlen(stated) = 32 then cast(try_cast(stated as uuid) as uhugeint)
end;

-- The two halves of a trace id as one key. The high half is multiplied and shifted first (a multiplicative hash), so that
-- ids whose halves are equal, swapped or small counters have keys of their own. An id padded with zeros keeps the key of
-- its 64 bits.
create macro multiplied(word) as
    cast((word::uhugeint * 11400714819323198485::uhugeint) & 18446744073709551615::uhugeint as ubigint);

create macro shifted(word) as xor(word, word >> 32);

create macro folded_words(high, low) as signed(xor(low, shifted(multiplied(high))));

create macro plain_trace_key(digits) as
    folded_words(cast(digits >> 64 as ubigint), cast(digits & 18446744073709551615 as ubigint));

create macro id_of(stated, octets) as clean_id(bare_id(trim(stated), octets), octets);

-- A stable 64-bit key of an id: hex of 8 or 16 octets folds, anything else is hashed.
create macro folded(digits) as folded_words(word_of(substr(digits, 1, 16)), word_of(substr(digits, 17)));

create macro key_of(id) as coalesce(
    case
        when length(id) = 32 then folded(id)
        when length(id) = 16 then signed(word_of(id))
        when length(id) = 36 and try_cast(id as uuid) is not null then folded(replace(id, '-', ''))
    end,
    signed(md5_number_lower(id))
);

-- Text that must not land itself leaves a hash under the data folder's own key.
create macro keyed(stated) as sha256(getvariable('hash_key') || stated);

-- UTC time of an epoch number (its unit: ns, us, ms, s, or told by its size) or of ISO 8601; zero means "none".
create macro epoch_of(number, unit) as make_timestamp(cast(case
    when unit = 'ns' or (unit is null and abs(number) >= 1e17) then cast(floor(number) as hugeint) // 1000
    when unit = 'us' or (unit is null and abs(number) >= 1e14) then cast(floor(number) as hugeint)
    when unit = 'ms' or (unit is null and abs(number) >= 1e11) then cast(floor(number * 1000) as hugeint)
    else cast(floor(number * 1000000) as hugeint)
end as bigint));

create macro time_of(stated, unit) as case
    when stated is null or stated in ('', '0', '0.0') then null
    when unit = 'ns' and try_cast(stated as bigint) is not null
        then make_timestamp(try_cast(stated as bigint) // 1000)
    when try_cast(stated as decimal(38, 9)) is not null
        then try(epoch_of(try_cast(stated as decimal(38, 9)), unit))
    -- `infinity` is a time to engines alone: no file keeps it.
    when contains(lower(stated), 'infinity') then null
    else try_cast(stated as timestamptz) at time zone 'UTC'
end;

create macro time_fault(stated, moment, name) as case
    when stated is null or stated in ('', '0', '0.0') then null
    when moment is null then name || ': ' || told(stated) || ' is not a time'
    when moment < timestamp '2015-01-01' or moment > getvariable('latest_time')
        then name || ': ' || strftime(moment, '%Y-%m-%d')
            || ' is before 2015 or far in the future; correct the clock or unit'
end;

-- A time before 2015 or far in the future is no time; `time_fault` names it.
create macro plausible(moment) as
    case when moment between timestamp '2015-01-01' and getvariable('latest_time') then moment end;

-- Words that exporters write for a count that nobody took.
create macro is_no_count(stated) as
    lower(stated) in ('nan', 'none', 'null', 'nil', 'undefined', 'n/a', 'na', '-', '<nil>');

-- A version's numbers, which compare in order: 4.10.0 is above 4.9.
create macro version_of(stated) as
    cast(string_split(nullif(regexp_extract(stated, '[0-9]+(\.[0-9]+)*'), ''), '.') as integer[]);

create macro is_time(moment, stated) as coalesce(
    moment between timestamp '2015-01-01' and getvariable('latest_time'), stated is null or stated in ('', '0', '0.0')
);

-- Whole counts, also where floats or exponents state them.
create macro count_of(stated) as case
    when stated is null then null
    when length(stated) < 16 and not contains(stated, '.') and not contains(stated, 'e')
        then case when try_cast(stated as bigint) >= 0 then try_cast(stated as bigint) end
    when try_cast(stated as decimal(38, 10)) between 0 and 1000000000000000
        and try_cast(stated as decimal(38, 10)) = trunc(try_cast(stated as decimal(38, 10)))
        then cast(try_cast(stated as decimal(38, 10)) as bigint)
end;

create macro count_fault(stated, count, name) as case
    when stated is null or count is not null then null
    when try_cast(stated as decimal(38, 10)) is null
        then name || ': ' || told(stated) || ' is not a count'
    when try_cast(stated as decimal(38, 10)) < 0 then name || ': ' || left(stated, 40) || ' is negative; a count can''t be'
    when try_cast(stated as decimal(38, 10)) > 1000000000000000
        then name || ': ' || left(stated, 40) || ' is not a plausible count'
    else name || ': ' || told(stated) || ' is not a whole count'
end;

-- Exact to 18 decimals; what stands behind them is rounded.
create macro money_of(stated) as try_cast(stated as decimal(38, 18));

create macro money_fault(stated, amount, name) as case
    when stated is null or amount is not null then null
    else name || ': ' || told(stated) || ' is not an amount of money'
end;

-- What a request cost; a bill's amounts may be credits, but no request costs less than nothing.
create macro cost_of(stated) as case when money_of(stated) >= 0 then money_of(stated) end;

create macro cost_fault(stated, amount, name) as case
    when amount is null and money_of(stated) < 0 then name || ': ' || told(stated) || ' is negative; a cost can''t be'
    else money_fault(stated, amount, name)
end;

create macro flag_fault(stated, name) as case
    when stated is not null and try_cast(stated as boolean) is null then name || ': ' || told(stated) || ' is no yes or no'
end;

-- Text longer than a label is cut to this mark while it is read; a label that carries it is refused by name.
create macro label_fault(stated, name) as
    case when stated = chr(1) then name || ': more than 1,024 characters of text; a label is no document' end;

-- How many spans a sampled span stands for: at least one, and exact to six decimals (scripts/landing/sampling.py). A
-- million and more is no count: nobody keeps so few, and one such span would book millions.
create macro millionths(number) as cast(try_cast(
    try_cast(number as decimal(31, 0)) * cast(0.000001 as decimal(7, 6)) as decimal(12, 6)
) as decimal(18, 6));

-- How often a number goes into the half of another, rounded; null where it is 0. The engine writes an argument out
-- wherever a macro uses it, so each is used once.
create macro inverse(twice, number) as (twice // number + 1) // 2;

-- A probability above 0 and at most 1. Its 18 decimals are read as a whole number, so that its inverse is exact.
create macro probability_of(stated) as case
    when try_cast(stated as decimal(38, 18)) > 0 and try_cast(stated as decimal(38, 18)) <= 1
        then cast(try_cast(stated as decimal(38, 18)) as decimal(19, 18))
end;

create macro percent_of(stated) as case
    when try_cast(stated as decimal(30, 16)) > 0 and try_cast(stated as decimal(30, 16)) <= 100
        then cast(try_cast(stated as decimal(30, 16)) * cast(0.01 as decimal(3, 2)) as decimal(19, 18))
end;

-- Two samplers one after the other multiply; NULL is a sampler that says nothing.
create macro both_of(one, other) as case
    when one is null then other
    when other is null then one
    else cast(one * other as decimal(19, 18))
end;

create macro adjusted_of(probability) as millionths(
    inverse(2000000000000000000000000::hugeint, cast(replace(cast(probability as varchar), '.', '') as hugeint))
);

-- One of so many spans was kept.
create macro adjusted_of_rate(stated) as case
    when try_cast(stated as decimal(38, 6)) >= 1
        then cast(try_cast(try_cast(stated as decimal(38, 6)) as decimal(12, 6)) as decimal(18, 6))
end;

-- OpenTelemetry's rejection threshold: up to 14 hex digits of a fraction of 2^56, zeros at the end left out.
create macro threshold_of(digits) as case
    when strlen(digits) between 1 and 14 and not contains(digits, '_')
        then try_cast('0x' || rpad(digits, 14, '0') as ubigint)
end;

create macro adjusted_of_threshold(digits) as
    millionths(inverse(144115188075855872000000::hugeint, 72057594037927936::hugeint - threshold_of(digits)));

-- A member of OpenTelemetry's part of a trace state (`ot=th:c;rv:..`), `<name>:<value>`, among other vendors' parts, as
-- W3C writes them, or as Python and JSON show a list or an object of them.
create macro state_member(state, name) as nullif(regexp_extract(
    state,
    '(?i)(?:^|[,\[{''"])\s*(?:\{?key=)?ot[''"]?\s*(?:=|:|,\s*value=)\s*[''"]?(?:[^,''"\]}]*;)?\s*('
    || name || '\s*:[^;,''"\]}]*)',
    1
), '');

create macro state_value(state, name) as
    trim(substr(state_member(state, name), strpos(state_member(state, name), ':') + 1));

-- A regular expression takes four times as long, and nearly all states can be read without it.
create macro state_threshold(state) as case
    when starts_with(state, 'ot=th:') and not contains(state, ',') then trim(string_split(substr(state, 7), ';')[1])
    else state_value(state, 'th')
end;

-- Of 2^p spans one was kept, by an earlier specification; 63 says that it was not kept by a sampler that counts.
create macro exponent_of(stated) as case
    when regexp_full_match(stated, '[0-9]{1,2}') and try_cast(stated as integer) <= 63 then try_cast(stated as integer)
end;

create macro adjusted_of_exponent(stated) as
    case when exponent_of(stated) <= 39 then millionths((1::hugeint << exponent_of(stated)) * 1000000) end;

create macro too_many(stated, name) as
    name || ': ' || told(stated) || ' says that a span stands for a million or more; correct the sampler';

create macro threshold_fault(stated, name) as case
    when stated is null or adjusted_of_threshold(stated) is not null then null
    when threshold_of(stated) is not null then too_many(stated, name)
    else name || ': ' || told(stated) || ' is no threshold; it has 1 to 14 hex digits'
end;

create macro exponent_fault(stated, name) as case
    when stated is null or exponent_of(stated) = 63 or adjusted_of_exponent(stated) is not null then null
    when exponent_of(stated) is not null then too_many(stated, name)
    else name || ': ' || told(stated) || ' is not 0 to 63'
end;

create macro number_fault(stated, name) as case
    when stated is not null and try_cast(stated as decimal(38, 6)) is null
        then name || ': ' || told(stated) || ' is not a number'
end;

create macro rate_fault(stated, name) as case
    when stated is null or adjusted_of_rate(stated) is not null then null
    when number_fault(stated, name) is not null then number_fault(stated, name)
    when try_cast(stated as decimal(38, 6)) >= 1 then too_many(stated, name)
    else name || ': ' || told(stated) || ' is below 1, but a span stands for itself at least'
end;

create macro sound_fault(stated, name) as
    name || ': ' || told(stated) || ' may be a rate of sound; a sampler''s rate can be stated in the trace state';

create macro probability_fault(stated, name) as case
    when stated is null or adjusted_of(probability_of(stated)) is not null then null
    when number_fault(stated, name) is not null then number_fault(stated, name)
    when probability_of(stated) is not null then too_many(stated, name)
    else name || ': ' || told(stated) || ' is not above 0 and at most 1, as a probability is'
end;

create macro percent_fault(stated, name) as case
    when stated is null or adjusted_of(percent_of(stated)) is not null then null
    when number_fault(stated, name) is not null then number_fault(stated, name)
    when percent_of(stated) is not null then too_many(stated, name)
    else name || ': ' || told(stated) || ' is not above 0 and at most 100, as a percentage is'
end;

-- Jaeger's clients name the sampler of a root. That of a rate per second, or of the least rate, knows no probability.
create macro adjusted_of_jaeger(kind, param) as case
    when lower(kind) = 'probabilistic' then adjusted_of(probability_of(param))
    when lower(kind) = 'const' and lower(param) in ('true', '1', '1.0') then cast(1 as decimal(18, 6))
end;

create macro jaeger_fault(kind, param) as
    case when lower(kind) = 'probabilistic' then probability_fault(param, 'sampler.param') end;
