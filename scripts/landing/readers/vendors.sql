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
