-- Azure writes two reports with one header. The actual one bills a commitment when it is bought, and its use at
-- nothing; the amortized one knows no purchase, and bills what was used of it and what lay idle.
with rows_read as (

    select
        *,
        coalesce(billing_account_id, subscription_id, 'default') as billing_account,
        nullif(coalesce(nullif(reservation_id, ''), nullif(benefit_id, '')), '') as commitment_id,
        lower(coalesce(charge_type, 'usage')) as type_name,
        {{ without_pattern("lower(coalesce(pricing_model, ''))", '[^a-z]') }} in ('reservation', 'savingsplan')
            as is_committed,
        -- Installments recur; older headers say nothing of them.
        coalesce(lower(charge_type) = 'purchase' and lower(coalesce(frequency, 'onetime')) = 'onetime', false)
            as is_bought_once,
        -- A purchase may name its product alone.
        coalesce(nullif(concat_ws(
            ' - ', nullif(meter_category, 'Unassigned'), nullif(meter_sub_category, 'Unassigned')
        ), ''), product_name) as service,
        -- Parts of one export have names that are equal but for the last number.
        {{ without_pattern('source_file', '[-_ ]?[0-9]+([.][A-Za-z0-9.]+)?$') }} as export_name
    from {{ source('landed', 'azure_costs') }}

),

told as (

    select
        file_id,
        billing_account,
        max(export_name) as export_name,
        min(charge_period_start) as period_from,
        max(charge_period_start) as period_to,
        case
            when max(case
                when type_name like 'unused%' then 1
                when is_committed and type_name = 'usage' and cost != 0 then 1
                else 0
            end) = 1 then 'azure_amortized'
            when max(case
                when type_name in ('purchase', 'refund') and (is_committed or commitment_id is not null) then 1
                when is_committed and type_name = 'usage' then 1
                else 0
            end) = 1 then 'azure_actual'
        end as content_kind,
        max(case
            when lower(source_file) like '%amorti%' then 'azure_amortized'
            when lower(source_file) like '%actual%' then 'azure_actual'
        end) as name_kind
    from rows_read
    group by file_id, billing_account

),

-- A file without a commitment says the same in either report. It is what other parts of its export are, what its name
-- says, or what the account's other files are.
{% set only = "case when min({0}) over ({1}) = max({0}) over ({1}) then min({0}) over ({1}) end" %}
files as (

    select
        file_id,
        billing_account,
        period_from,
        period_to,
        coalesce(
            content_kind,
            {{ only.format('content_kind', 'partition by export_name, billing_account') }},
            name_kind,
            {{ only.format('content_kind', 'partition by billing_account') }},
            'azure_actual'
        ) as file_kind
    from told

),

lines as (

    select
        rows_read.*,
        files.file_kind,
        files.period_from,
        files.period_to
    from rows_read
    inner join files on rows_read.file_id = files.file_id and rows_read.billing_account = files.billing_account

),

-- A report covers the subscriptions that it lists, from its first to its last day, and the commitments that it lists,
-- in each month of its days.
scopes as (

    select distinct
        file_kind,
        billing_account,
        period_from,
        period_to,
        subscription_id as listed_id,
        false as is_bought_once
    from lines
    where subscription_id is not null

    union

    select distinct
        file_kind,
        billing_account,
        date_trunc('month', period_from) as period_from,
        date_trunc('month', period_to) + interval 1 month - interval 1 day as period_to,
        commitment_id as listed_id,
        is_bought_once
    from lines
    where commitment_id is not null

),

-- If the company ranks one report above the other, that one alone is the bill.
ranks as (

    select
        accounts.subscription_id,
        min(case when sources.file_kind = 'azure_actual' then sources.priority end) as actual_priority,
        min(case when sources.file_kind = 'azure_amortized' then sources.priority end) as amortized_priority
    from (select distinct subscription_id from lines) as accounts
    inner join {{ ref('bill_sources') }} as sources
        on
            {{ matches("'azure'", 'sources.provider') }}
            and {{ fits_id('accounts.subscription_id', 'sources.account_id') }}
    group by accounts.subscription_id

),

{% set bucket = [
    'billing_account', 'subscription_id', 'charge_period_start', 'type_name', 'meter_id', 'meter_name', 'resource_id'
] %}
buckets as (

    select distinct
        file_kind,
        {{ bucket | join(',\n        ') }},
        commitment_id,
        is_committed or commitment_id is not null as is_of_commitment,
        is_bought_once
    from lines

),

-- Lines in both reports: the actual one is the billed amount, the amortized one the cost of the usage. A line that
-- only one of them has counts for both; but of a commitment each has lines of its own.
paired as (

    select
        buckets.file_kind,
        buckets.{{ bucket | join(',\n        buckets.') }},
        buckets.commitment_id
    from buckets
    inner join buckets as others
        on buckets.file_kind != others.file_kind and {{ are_same('buckets', 'others', bucket) }}

    union

    select
        buckets.file_kind,
        buckets.{{ bucket | join(',\n        buckets.') }},
        buckets.commitment_id
    from buckets
    inner join scopes
        on
            buckets.is_of_commitment
            and buckets.billing_account = scopes.billing_account
            and buckets.file_kind != scopes.file_kind
            and (
                (
                    buckets.charge_period_start between scopes.period_from and scopes.period_to
                    and (
                        scopes.listed_id in (buckets.subscription_id, buckets.commitment_id)
                        or (buckets.subscription_id is null and buckets.commitment_id is null)
                    )
                )
                -- A one-time payment is used in other months.
                or (
                    buckets.commitment_id = scopes.listed_id and (scopes.is_bought_once or buckets.is_bought_once)
                )
            )

),

split as (

    select
        lines.*,
        coalesce(
            paired.file_kind is not null and ranks.actual_priority is not distinct from ranks.amortized_priority, false
        ) as is_paired
    from lines
    left join paired on {{ are_same('lines', 'paired', ['file_kind', 'commitment_id'] + bucket) }}
    left join ranks on {{ are_same('lines', 'ranks', ['subscription_id']) }}

)

select
    {{ as_focus({
        'charge_period_start': 'charge_period_start',
        'charge_period_end': 'charge_period_start + interval 1 day',
        'billing_period_start': 'billing_period_start',
        'billing_period_end': 'billing_period_end',
        'billed_cost': "case when is_paired and file_kind = 'azure_amortized' then 0 else cost end",
        'effective_cost': "case when is_paired and file_kind = 'azure_actual' then 0 else cost end",
        'consumed_quantity': "case when type_name = 'usage' and not (is_paired and file_kind = 'azure_actual')
            then quantity end",
        'consumed_unit': 'unit_of_measure',
        'billing_currency': 'currency',
        'billing_account_id': 'billing_account_id',
        'sub_account_id': 'subscription_id',
        'sub_account_name': 'subscription_name',
        'charge_category': "case
            when (is_paired and file_kind = 'azure_actual') or type_name = 'purchase' then 'Purchase'
            when type_name = 'usage' or type_name like 'unused%' then 'Usage'
            when type_name = 'refund' and commitment_id is not null then 'Purchase'
            when type_name in ('refund', 'credit') then 'Credit'
            when type_name = 'tax' then 'Tax'
            else 'Adjustment'
        end",
        'charge_frequency': 'frequency',
        'commitment_discount_id': 'commitment_id',
        'provider_name': "'Microsoft'",
        'publisher_name': 'publisher_name',
        'invoice_id': 'invoice_id',
        'region_id': 'resource_location',
        'resource_id': 'resource_id',
        'service_name': 'service',
        'sku_id': 'meter_id',
        'sku_description': "nullif(meter_name, 'Unassigned')",
        'sku_price_details': 'product_name',
        'tags': "case when tags like '{%' or tags is null then tags else '{' || tags || '}' end"
    }) }},
    file_kind,
    type_name = 'usage' as is_use
from split
