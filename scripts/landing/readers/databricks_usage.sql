-- Rows of Databricks' system.billing.usage. A DBU is no money: without a column of costs, or of prices as list_prices has
-- them, a row is usage of an unknown price.
, priced as (

    select
        *,
        json_of(cells['usage_metadata']) as metadata,
        json_of(cells['pricing']) as pricing,
        lower(coalesce(cells['billing_origin_product'], cells['sku_name'])) as product
    from rows_of

),

told as (

    select
        *,
        coalesce(
            cell_at(cells, ['usage_metadata.endpoint_name', 'endpoint_name']), text_of(metadata ->> '$.endpoint_name')
        ) as endpoint,
        coalesce(
            cell_at(cells, [
                'effective_cost', 'cost', 'cost_usd', 'usage_cost', 'total_cost', 'list_cost', 'total_list_cost',
                'usage_usd', 'dollars', 'amount'
            ]),
            product_of(cells['usage_quantity'], coalesce(
                cell_at(cells, [
                    'effective_price', 'price', 'unit_price', 'price_per_dbu', 'list_price', 'pricing.effective_list.default',
                    'effective_list', 'effective_list_price', 'pricing.default', 'default_price'
                ]),
                text_of(pricing ->> '$.effective_list.default'),
                text_of(pricing ->> '$.default')
            ))
        ) as amount
    from priced

)

select
    file_no,
    source_line,
    cast(json_object(
        'file_kind', 'databricks_usage',
        'provider', 'databricks',
        'account_id', cells['account_id'],
        'start_time', zoned(coalesce(cells['usage_start_time'], cells['usage_date'])),
        'end_time', zoned(cells['usage_end_time']),
        'service', 'databricks ' || product,
        -- An endpoint of another product is no model.
        'model', case when regexp_matches(product, 'model_serving|inference|ai_gateway|ai_functions') then endpoint end,
        'meter', lower(cells['usage_unit']),
        'quantity', cells['usage_quantity'],
        'amount', amount,
        'currency', cell_at(cells, ['currency_code', 'currency']),
        'sku', cells['sku_name'],
        'description', concat_ws(' ', cells['sku_name'], lower(nullif(upper(cells['record_type']), 'ORIGINAL'))),
        'api_key', cells['workspace_id'],
        'resource', endpoint,
        'tags', cells['custom_tags']
    ) as varchar) as document
from told
