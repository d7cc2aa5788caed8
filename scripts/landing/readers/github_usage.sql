-- GitHub's reports: of all metered products, and of premium requests by user and model. What is billed is the net amount,
-- behind what plans include. Older reports of premium requests state no money: what is within the quota costs nothing.
, reports as (

    select
        *,
        list_has_any(map_keys(cells), ['model', 'requests used']) as is_by_model,
        cell_at(cells, ['date', 'timestamp']) as used_on,
        cell_at(cells, ['quantity', 'requests used']) as quantity,
        lower(cell_at(cells, ['exceeds_quota', 'exceeds monthly quota'])) = 'false' as is_included,
        product_of(product_of(cells['quantity'], cells['price per unit ($)']), cells['multiplier']) as amount_before_2025
    from rows_of

)

select
    file_no,
    source_line,
    cast(json_object(
        'file_kind', case when is_by_model then 'copilot_usage' else 'github_usage' end,
        'provider', 'github',
        'account_id', cell_at(cells, ['organization', 'owner']),
        'start_time', used_on,
        'service', 'github ' || coalesce(lower(cells['product']), 'copilot'),
        'model', cells['model'],
        'meter', coalesce(cell_at(cells, ['unit_type', 'unit type']), 'requests'),
        'quantity', quantity,
        'amount', coalesce(
            cells['net_amount'],
            amount_before_2025,
            case when is_included and not list_contains(map_keys(cells), 'net_amount') then '0' end
        ),
        'list_amount', cells['gross_amount'],
        'currency', 'USD',
        'sku', cells['sku'],
        'description', cells['sku'],
        'api_key', cells['cost_center_name'],
        'user_id', cell_at(cells, ['username', 'user']),
        'resource', cell_at(cells, ['repository', 'repository slug'])
    ) as varchar) as document
from reports
