-- Cells of text as spreadsheets and exporters write them: money, counts and days. A macro that can't read a cell gives
-- null. Which of two readings holds in a file is decided by all its rows (rows.py); `decimal` and `date_order` say it.

set variable blanks = ' ' || chr(9) || chr(10) || chr(13) || chr(160) || chr(8199) || chr(8201) || chr(8203) || chr(8239)
    || chr(65279);
-- Marks that numbers are written with, beside those of a keyboard: three blanks, two apostrophes, a minus.
set variable number_marks = chr(160) || chr(8239) || chr(8201) || '’`−';

-- Words that mean that nothing is there; blanks of all widths, and marks of a byte order, are none of a cell's text.
create or replace macro cell_of(stated) as case
    when lower(trim(stated, getvariable('blanks')))
        in ('', 'null', 'none', 'n/a', '#n/a', 'nan', 'nil', '-', '–', '—', '(null)', '<null>', '\n')
        then null
    else trim(stated, getvariable('blanks'))
end;

-- A number's sign and currency apart from its digits: "($1,234.50)" becomes "()|1,234.50"; other text stays.
create or replace macro number_parts(stated) as regexp_replace(
    translate(stated, getvariable('number_marks'), '   ''''-'),
    '^(\(?) *([-+]?) *(?:US\$|USD|EUR|GBP|[$€£])? *([-+]?) *'
    || '([0-9., '']*[0-9.,](?:[eE][-+]?[0-9]+)?)'
    || ' *(?:US\$|USD|EUR|GBP|[$€£])? *(-?) *(\)?)$',
    '\1\2\3\5\6|\4'
);

-- Digits with a decimal point, and in groups of three or in none; "0,125" groups nothing.
create or replace macro digits_of(core) as case
    when regexp_full_match(
        core,
        '\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?'
        || '|[1-9]\d{0,2}(?:,\d{3})+(?:\.\d*)?|[1-9]\d{0,2}(?: \d{3})+(?:\.\d*)?|[1-9]\d{0,2}(?:''\d{3})+(?:\.\d*)?'
    )
        then regexp_replace(core, '[, '']', '', 'g')
end;

create or replace macro signed_digits(parts, decimal) as
    case
        when split_part(parts, '|', 1) in ('', '+') then ''
        when split_part(parts, '|', 1) in ('-', '()') then '-'
    end
    || digits_of(case
        when decimal = 'comma' then translate(split_part(parts, '|', 2), '.,', ',.') else split_part(parts, '|', 2)
    end);

-- Plain text of a number, by a decimal point or comma. Most cells are plain already. It is exact where only the
-- point is possible. Lists of one give a name to what is used several times.
create or replace macro plain_number(stated, decimal) as case
    when not regexp_full_match(stated, '-?(?:\d+\.?\d*|\.\d+)')
        then list_transform([number_parts(stated)], lambda parts: signed_digits(parts, decimal))[1]
    when decimal != 'comma' or not contains(stated, '.') then stated
    when regexp_full_match(stated, '-?[1-9]\d{0,2}(?:\.\d{3})+') then replace(stated, '.', '')
end;

create or replace macro exact_number(stated) as
    case when not contains(stated, ',') or plain_number(stated, 'comma') is null then plain_number(stated, 'point') end;

create or replace macro plain_count(stated, decimal) as list_transform(
    [plain_number(stated, decimal)], lambda plain: case when count_of(plain) is not null then plain end
)[1];

-- A sign of another currency than the row's.
create or replace macro currency_fault(stated, currency, name) as case
    when (regexp_matches(stated, '€|EUR') and upper(coalesce(currency, 'USD')) != 'EUR')
        or (regexp_matches(stated, '£|GBP') and upper(coalesce(currency, 'USD')) != 'GBP')
        then name || ': ' || told(stated) || ' is in another currency than ' || coalesce(currency, 'USD')
end;

-- "0,15" without quotes puts the 15 where the currency is expected.
create or replace macro no_currency_fault(stated, name) as
    case when regexp_matches(stated, '\d') then name || ': ' || told(stated) || ' is no currency' end;

create or replace macro day_text(year, month, day) as cast(
    try(make_date(cast(case when length(year) = 2 then '20' else '' end || year as integer), month, cast(day as integer)))
    as varchar
);

-- An offset from UTC as ISO 8601 writes it: " +0200" becomes "+02:00".
create or replace macro zoned(stated) as regexp_replace(stated, '(:\d\d(?:\.\d+)?) ?([-+]\d\d):?(\d\d)$', '\1\2:\3');

-- "10:30 PM" by 24 hours.
create or replace macro clock_text(stated) as case
    when stated = '' then ''
    when regexp_matches(stated, '(?i)[ap]\.?m\.?$')
        then strftime(try_strptime(upper(regexp_replace(
            regexp_replace(stated, '(?i) *([ap])\.?m\.?$', ' \1M'), '^(\d+:\d+)(:\d+)?(?:\.\d+)?', '\1\2'
        )), ['%I:%M %p', '%I:%M:%S %p']), ' %H:%M:%S')
    else ' ' || zoned(stated)
end;

-- "5/10/26 10:30" as "5|10|26|/|10:30": whether day or month comes first, the file says.
create or replace macro day_parts(stated) as case
    when regexp_matches(stated, '^\d{1,2}[/.-]\d')
        then regexp_replace(
            stated, '^(\d{1,2})([/.-])(\d{1,2})[/.-](\d{4}|\d\d)(?:(?:,? +|T)(\d{1,2}:.*))?$', '\1|\3|\4|\2|\5'
        )
end;

create or replace macro day_of_parts(parts, month, day) as case
    when regexp_matches(parts, '^\d+\|\d+\|\d+\|[/.-]\|')
        then day_text(split_part(parts, '|', 3), cast(split_part(parts, '|', month) as integer), split_part(parts, '|', day))
end;

create or replace macro day_first(stated) as
    list_transform([day_parts(stated)], lambda parts: day_of_parts(parts, 2, 1))[1];

-- Nobody writes the month first before points.
create or replace macro month_first(stated) as list_transform(
    [day_parts(stated)],
    lambda parts: case
        when split_part(parts, '|', 4) != '.' or day_of_parts(parts, 2, 1) is null then day_of_parts(parts, 1, 2)
    end
)[1];

-- "5-Oct-2026" and "Oct 5, 2026" as "2026|oct|5|": year, month, day, clock.
create or replace macro named_month_parts(stated) as regexp_replace(regexp_replace(
    lower(stated),
    '^(?:[a-z]{3,9},? +)?([a-z]{3,9})\.?[ -]+(\d{1,2})(?:st|nd|rd|th)?(?:, *| +|-)(\d{4})(?:,? +(\d.*))?$', '\3|\1|\2|\4'
), '^(?:[a-z]{3,9},? +)?(\d{1,2})(?:st|nd|rd|th|\.)?[ -]*([a-z]{3,9})\.?,?[ -]*(\d{4}|\d\d)(?:,? +(\d.*))?$', '\3|\2|\1|\4');

create or replace macro named_month_time(parts) as day_text(
    split_part(parts, '|', 1),
    case
        when regexp_full_match(
            split_part(parts, '|', 2),
            'jan(uary)?|feb(ruary)?|mar(ch)?|apr(il)?|may|june?|july?|aug(ust)?|sept?(ember)?|oct(ober)?|nov(ember)?|dec(ember)?'
        )
            then list_position(
                ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'],
                left(split_part(parts, '|', 2), 3)
            )
    end,
    split_part(parts, '|', 3)
) || clock_text(split_part(parts, '|', 4));

-- Days since the end of 1899, as spreadsheets count them: 46300 is in October 2026. A whole number is a day.
create or replace macro serial_time(stated) as case
    when regexp_full_match(stated, '\d{5}(?:[.,]0*)?')
        then cast(date '1899-12-30' + cast(left(stated, 5) as integer) as varchar)
    else strftime(
        timestamp '1899-12-30'
        + to_seconds(cast(round(cast(replace(stated, ',', '.') as decimal(38, 9)) * 86400) as bigint)),
        '%Y-%m-%d %H:%M:%S'
    )
end;

-- A time as ISO 8601 writes it, or as an epoch's number; text that is no time stays, and is refused. A day stays a day,
-- without an hour. An exponent has lost the digits of the day.
create or replace macro iso_time(stated, date_order) as case
    when regexp_full_match(stated, '\d{4}-\d\d-\d\d') then stated
    when regexp_matches(stated, '^\d{4}-\d\d-\d\d[T ]') then zoned(stated)
    when regexp_full_match(stated, '20\d{6}')
        then coalesce(cast(cast(try_strptime(stated, '%Y%m%d') as date) as varchar), stated)
    when regexp_full_match(stated, '(?:4[2-9]|[56]\d|7[0-2])\d{3}(?:[.,]\d+)?') then serial_time(stated)
    when regexp_full_match(stated, '\d+,\d+') then replace(stated, ',', '.')
    when regexp_full_match(stated, '[\d.,]+[eE][-+]?\d+') then stated || ' (digits are lost)'
    when regexp_matches(stated, '^\d{4}[/.]\d{1,2}[/.]\d')
        then zoned(regexp_replace(stated, '^(\d{4})[/.](\d{1,2})[/.](\d{1,2})', '\1-\2-\3'))
    when regexp_matches(stated, '^\d{1,2}[/.-]\d{1,2}[/.-]\d')
        then coalesce(
            case when date_order = 'dmy' then day_first(stated) else month_first(stated) end
            || clock_text(split_part(day_parts(stated), '|', 5)),
            stated
        )
    when regexp_matches(stated, '[A-Za-z]{3}') then coalesce(
            list_transform([named_month_parts(stated)], lambda parts: named_month_time(parts))[1], stated
        )
    else stated
end;
