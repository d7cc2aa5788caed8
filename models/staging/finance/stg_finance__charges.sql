-- These providers sell more than models, so their invoices are no sums of calls.
{% set broad = ['aws', 'azure', 'google', 'databricks', 'snowflake', 'cloudflare', 'ovhcloud', 'modal'] %}
{% set parts = [
    ('0', "case when credit_of is not null or amount < 0 then 'credit' else 'usage' end", 'amount - tax', 'true'),
    ('1', "'tax'", 'tax', 'tax != 0')
] %}
with invoices as (

    select *
    from {{ ref('stg_finance__invoices') }}
    where
        provider in (select prices.provider from {{ ref('model_prices') }} as prices)
        and provider not in ('{{ broad | join("', '") }}')
        and provider not like 'github%' and provider not like 'huggingface%'
        and period_start <= period_end

)

{% for part_no, category, amount, is_there in parts %}
    select
        provider,
        'invoices' as file_kind,
        'bill' as file_role,
        file_id,
        source_file,
        source_line,
        row_no * 2 + {{ part_no }} as row_no,
        account_id,
        cast(period_start as timestamp) as starts_at,
        cast(period_end as timestamp) + interval 1 day - interval 1 microsecond as ends_at,
        cast(period_start as timestamp) as covers_from,
        cast(period_end as timestamp) + interval 1 day - interval 1 microsecond as covers_to,
        cast({{ amount }} as decimal(38, 18)) as billed_amount,
        currency,
        {{ category }} as category,
        invoice_id
    from invoices
    where {{ is_there }}
    {% if not loop.last %}
        union all
    {% endif %}
{% endfor %}
