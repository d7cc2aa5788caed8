-- Rows of Google's billing export, nested as BigQuery has them or flattened. `cost` is before credits: each credit of a
-- row becomes a row of its own, with the row's time, project and SKU, and without its quantity. Credits that can't be
-- read are refused by name, since a row without them costs more than was billed.
with listed as (

    select
        file_no,
        source_line,
        cast(document as json) as document,
        case
            when json_type(document, '$.credits') = 'ARRAY' then json_extract(document, '$.credits')
            when json_valid(document ->> '$.credits') then cast(document ->> '$.credits' as json)
            when nullif(trim(document ->> '$.credits'), '') is not null
                then cast(json_array(json_object('amount', 'credits ' || (document ->> '$.credits'))) as json)
            when coalesce(
                document ->> '$."credits.amount"', document ->> '$.credits_amount', document ->> '$.credits__amount'
            ) is not null
                then cast(json_array(json_object(
                    'amount', coalesce(
                        document ->> '$."credits.amount"', document ->> '$.credits_amount', document ->> '$.credits__amount'
                    ),
                    'name', coalesce(
                        document ->> '$."credits.name"', document ->> '$.credits_name', document ->> '$.credits__name'
                    ),
                    'type', coalesce(
                        document ->> '$."credits.type"', document ->> '$.credits_type', document ->> '$.credits__type'
                    )
                )) as json)
        end as credits,
        case
            when json_type(document, '$.labels') = 'ARRAY' then json_extract(document, '$.labels')
            when json_valid(document ->> '$.labels') then cast(document ->> '$.labels' as json)
        end as labels
    from documents

),

flattened as (

    select
        file_no,
        source_line,
        credits,
        json_merge_patch(document, json_object(
            -- A key whose value is null is taken out: what a nested column held is not read a second time.
            'service', case when json_type(document, '$.service') != 'OBJECT' then document ->> '$.service' end,
            'sku', case when json_type(document, '$.sku') != 'OBJECT' then document ->> '$.sku' end,
            'service.description', coalesce(document ->> '$."service.description"', document ->> '$.service.description'),
            'service.id', coalesce(document ->> '$."service.id"', document ->> '$.service.id'),
            'sku.description', coalesce(document ->> '$."sku.description"', document ->> '$.sku.description'),
            'sku.id', coalesce(document ->> '$."sku.id"', document ->> '$.sku.id'),
            'project.id', coalesce(document ->> '$."project.id"', document ->> '$.project.id'),
            'project.name', coalesce(document ->> '$."project.name"', document ->> '$.project.name'),
            'location.region', coalesce(
                document ->> '$."location.region"', document ->> '$.location.region', document ->> '$.location.location'
            ),
            'resource.global_name', coalesce(
                document ->> '$."resource.global_name"', document ->> '$.resource.global_name',
                document ->> '$.resource.name'
            ),
            'usage.amount', coalesce(document ->> '$."usage.amount"', document ->> '$.usage.amount'),
            'usage.unit', coalesce(document ->> '$."usage.unit"', document ->> '$.usage.unit'),
            'usage.amount_in_pricing_units', coalesce(
                document ->> '$."usage.amount_in_pricing_units"', document ->> '$.usage.amount_in_pricing_units'
            ),
            'usage.pricing_unit', coalesce(document ->> '$."usage.pricing_unit"', document ->> '$.usage.pricing_unit'),
            'invoice.month', coalesce(document ->> '$."invoice.month"', document ->> '$.invoice.month'),
            'tags', case
                when json_type(labels) = 'ARRAY' and json_array_length(labels) > 0
                    then '{' || array_to_string(list_transform(
                        json_extract(labels, '$[*]'),
                        lambda label: cast(to_json(label ->> '$.key') as varchar) || ':'
                            || cast(to_json(label ->> '$.value') as varchar)
                    ), ',') || '}'
                when json_type(labels) = 'OBJECT' then nullif(cast(labels as varchar), '{}')
            end
        )) as document
    from listed

)

select
    file_no,
    source_line,
    cast(document as varchar) as document
from flattened

union all

select
    file_no,
    source_line,
    cast(json_merge_patch(document, json_object(
        'cost', coalesce(credit ->> '$.amount', 'a credit without amount'),
        'credit_id', credit ->> '$.id',
        'credit_name', coalesce(credit ->> '$.full_name', credit ->> '$.name'),
        'credit_type', coalesce(credit ->> '$.type', 'CREDIT'),
        -- The quantity is the row's own.
        'usage.amount', null, 'usage_amount', null, 'usage__amount', null,
        'usage.amount_in_pricing_units', null, 'usage_amount_in_pricing_units', null,
        'usage__amount_in_pricing_units', null
    )) as varchar) as document
from (
    select
        file_no,
        source_line,
        document,
        unnest(case
            when json_type(credits) = 'ARRAY' then json_extract(credits, '$[*]')
            when json_type(credits) = 'OBJECT' then [credits]
            when json_type(credits) != 'NULL' then [json_object('amount', 'credits ' || cast(credits as varchar))]
        end) as credit
    from flattened
) as credits_listed
