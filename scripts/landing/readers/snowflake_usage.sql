-- Snowflake's usage views: usage in currency, metering by service, and Cortex functions by model. A credit is no money:
-- the last two state it where a column of costs or of rates was joined to them, else the company's price of a credit does.
, views as (

    select
        *,
        case
            when list_contains(map_keys(cells), 'usage_in_currency') then 'snowflake_currency'
            when list_contains(map_keys(cells), 'function_name') then 'snowflake_cortex'
            else 'snowflake_metering'
        end as file_kind,
        cell_at(cells, ['token_credits', 'credits_billed', 'credits_used', 'credits']) as credits
    from rows_of

)

select
    file_no,
    source_line,
    cast(json_object(
        'file_kind', file_kind,
        'provider', 'snowflake',
        'account_id', cell_at(cells, ['account_locator', 'account_name', 'account_id']),
        'start_time', zoned(cell_at(cells, ['start_time', 'usage_time', 'usage_date', 'date'])),
        'end_time', zoned(cells['end_time']),
        'service', 'snowflake ' || case
            when file_kind = 'snowflake_cortex' then 'cortex ' || coalesce(lower(cells['function_name']), 'function')
            else coalesce(lower(cell_at(cells, ['service_type', 'rating_type', 'usage_type'])), 'usage')
        end,
        'model', cells['model_name'],
        'meter', case when file_kind = 'snowflake_currency' then lower(cells['usage_type']) else 'credits' end,
        'quantity', case when file_kind = 'snowflake_currency' then cells['usage'] else credits end,
        'tokens', cells['tokens'],
        'amount', coalesce(
            cells['usage_in_currency'],
            cell_at(cells, ['cost', 'cost_usd', 'cost_in_currency', 'dollars', 'amount']),
            product_of(credits, cell_at(cells, ['effective_rate', 'credit_price', 'price_per_credit']))
        ),
        'currency', cells['currency'],
        'description', concat_ws(' ', lower(cells['usage_type']), lower(cells['function_name']), cells['name']),
        'api_key', cell_at(cells, ['warehouse_name', 'warehouse_id']),
        'user_id', cell_at(cells, ['user_name', 'user_id'])
    ) as varchar) as document
from views
