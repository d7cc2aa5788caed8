-- Cells of vendors' usage reports, whose names each console and warehouse capitalises in its own way.

-- A record's cells by their names in lower case; words for "nothing" are no value. Names that differ in case alone refuse
-- the record.
create or replace macro stated_cell(cell) as case when not is_no_count(cell) then cell end;

create or replace macro cells_of(document) as map_from_entries(list_filter(
    list_transform(map_entries(cast(cast(document as json) as map(varchar, varchar))), lambda cell: {
        'key': lower(trim(cell.key)), 'value': stated_cell(text_of(cell.value))
    }),
    lambda cell: cell.key <> ''
));

-- The first of several names that a row fills.
create or replace macro cell_at(cells, names) as list_filter(
    list_transform(names, lambda name: cells[name]), lambda cell: cell is not null
)[1];

-- A quantity at a price, exact; what is no number, or too large, comes out as it stands, to be refused by name.
create or replace macro product_of(quantity, price) as case
    when quantity is null or price is null then null
    when try_cast(plain_number(quantity, 'point') as decimal(38, 18)) is null then quantity
    when try_cast(plain_number(price, 'point') as decimal(38, 18)) is null then price
    else coalesce(
        cast(try(
            try_cast(plain_number(quantity, 'point') as decimal(26, 18)) * try_cast(plain_number(price, 'point') as decimal(12, 10))
        ) as varchar),
        cast(try(
            try_cast(plain_number(quantity, 'point') as decimal(22, 10)) * try_cast(plain_number(price, 'point') as decimal(16, 8))
        ) as varchar),
        quantity || ' at ' || price
    )
end;

-- "2026-10-05 00:00:00.000 -0700", as Snowflake writes a time with its zone.
create or replace macro zoned(stated) as regexp_replace(stated, ' ([+-]\d\d):?(\d\d)$', '\1:\2');

-- The cost of an OpenCost allocation, in a type that leaves room for sums of several.
create or replace macro allocation_cost(stated) as cast(try_cast(stated as decimal(33, 18)) as decimal(38, 18));

create or replace macro allocation_cost_fault(stated, name, may_be_negative) as case
    when may_be_negative then money_fault(stated, allocation_cost(stated), name)
    else cost_fault(stated, case when allocation_cost(stated) >= 0 then allocation_cost(stated) end, name)
end;

-- The larger of two averages; what is no number comes out as it stands, to be refused by name.
create or replace macro larger_of(one, other) as case
    when one is null then other
    when other is null then one
    when try_cast(one as decimal(38, 12)) is null then one
    when try_cast(other as decimal(38, 12)) is null then other
    when try_cast(one as decimal(38, 12)) >= try_cast(other as decimal(38, 12)) then one
    else other
end;

-- Hours that OpenCost could not compute are null, and not stated.
create or replace macro allocation_hours_fault(stated, name) as case
    when stated is null or lower(stated) = 'null' then null
    when try_cast(stated as decimal(32, 6)) is null then name || ': ' || told(stated) || ' is not a number'
    when try_cast(stated as decimal(32, 6)) < 0
        then name || ': ' || told(stated) || ' is negative; a quantity can''t be'
end;

-- Bytes as GiB: a power of two, by which a float is divided exactly.
create or replace macro allocation_hours(stated, times, is_bytes) as case
    when is_bytes then cast(try_cast(stated as double) * times / 1073741824 as varchar)
    else cast(try_cast(stated as decimal(32, 18)) * times as varchar)
end;
