-- Quantities in vendors' usage reports that no bill covers and whose unit (credits, DBUs, requests) has no agreed
-- price: they cost something, and the ledger does not know how much.
{{ config(severity="warn", meta={"figure": "kinds of usage without a price"}) }}
with usage as (

    select lines.*
    from {{ ref('int_bill_lines') }} as lines
    inner join {{ ref('int_bill_line_status') }} as status on lines.line_id = status.line_id
    where
        lines.file_role = 'usage' and status.is_standing and lines.quantity != 0
        and lines.file_kind in (
            'charges', 'copilot_usage', 'cursor_usage', 'databricks_usage', 'github_usage', 'snowflake_cortex',
            'snowflake_currency', 'snowflake_metering'
        )

),

ai_usage as (

    select * from usage
    where
        file_kind in ('charges', 'copilot_usage', 'cursor_usage', 'snowflake_cortex')
        or exists (
            select 1 from {{ ref('provider_aliases') }} as services
            where services.kind = 'service' and {{ is_like('lower(usage.service_name)', 'services.pattern') }}
        )

),

billed_usage as (

    select distinct ai_usage.line_id
    from ai_usage
    inner join {{ ref('int_billing_periods') }} as windows
        on
            ai_usage.provider = windows.provider
            and (ai_usage.account_id = windows.account_id or ai_usage.is_account_unknown)
            and ai_usage.charged_on between cast(windows.covers_from as date) and cast(windows.covers_to as date)

)

select
    cast(date_trunc('month', ai_usage.charged_on) as date) as month,
    ai_usage.provider,
    ai_usage.account_id,
    ai_usage.service_name,
    ai_usage.meter_name as meter,
    sum(ai_usage.quantity) as quantity,
    min(ai_usage.source_file) as source_file,
    'add a price of this meter to negotiated_prices, or the bill as a charges file' as what_to_do
from ai_usage
left join billed_usage on ai_usage.line_id = billed_usage.line_id
where billed_usage.line_id is null
group by
    cast(date_trunc('month', ai_usage.charged_on) as date), ai_usage.provider, ai_usage.account_id,
    ai_usage.service_name, ai_usage.meter_name
