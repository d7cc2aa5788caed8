-- Lines of an AWS cost and usage report. CUR 2.0 keeps the product's name and the tags in maps, older reports have a
-- column per tag; both become one text of JSON. A map of another spelling would lose no money: it is left as it stands.
with cells_read as (

    select
        file_no,
        source_line,
        document,
        from_json(document, '"MAP(VARCHAR, VARCHAR)"') as cells
    from documents

),

tagged as (

    select
        file_no,
        source_line,
        document,
        coalesce(cells['product'], cells['PRODUCT']) as product,
        coalesce(cells['resource_tags'], cells['RESOURCE_TAGS']) as tag_map,
        list_filter(
            map_entries(cells),
            lambda cell: regexp_matches(cell.key, '^resource_?tags[/_].', 'i') and nullif(trim(cell.value), '') is not null
        ) as tag_cells
    from cells_read

)

select
    file_no,
    source_line,
    cast(json_merge_patch(document, json_object(
        'product_product_name', coalesce(
            document ->> '$.product_product_name',
            document ->> '$."product/ProductName"',
            case when json_valid(product) then product ->> '$.product_name' end
        ),
        'product_region_code', coalesce(
            document ->> '$.product_region_code',
            document ->> '$."product/regionCode"',
            document ->> '$."product/region"',
            case when json_valid(product) then product ->> '$.region' end
        ),
        'tags', case
            when tag_map is not null then nullif(tag_map, '{}')
            when len(tag_cells) > 0 then '{' || array_to_string(list_transform(
                tag_cells,
                lambda cell: cast(to_json(regexp_replace(cell.key, '^resource_?tags[/_]', '', 'i')) as varchar) || ':'
                    || cast(to_json(cell.value) as varchar)
            ), ',') || '}'
        end
    )) as varchar) as document
from tagged
