with providers as (

    select
        stated.provider as stated_provider,
        max_by(aliases.provider, length(aliases.pattern)) as provider
    from (select distinct provider from {{ source('landed', 'invoices') }}) as stated
    inner join {{ ref('provider_aliases') }} as aliases
        on aliases.kind = 'name' and {{ is_like('lower(stated.provider)', 'aliases.pattern') }}
    group by stated.provider

)

-- An invoice that was sent again stands once, as it last came.
{% call first_rows(
    partition_by="coalesce(providers.provider, lower(invoices.provider)), invoices.invoice_id",
    order_by="invoices.issued_on desc nulls last, files.landing_no desc, invoices.row_no desc"
) %}
    select
        invoices.file_id,
        invoices.source_file,
        invoices.source_line,
        invoices.row_no,
        invoices.invoice_id,
        coalesce(providers.provider, lower(invoices.provider)) as provider,
        coalesce(account_aliases.account_id, invoices.account_id) as account_id,
        invoices.period_start,
        -- Some providers end a month with its last day, some with the first of the next.
        case
            when
                day(invoices.period_end) = 1 and day(invoices.period_start) = 1
                and invoices.period_end > invoices.period_start
                then invoices.period_end - 1
            else invoices.period_end
        end as period_end,
        coalesce(invoices.issued_on, invoices.period_end) as issued_on,
        cast(invoices.amount as decimal(38, 12)) as amount,
        cast(coalesce(invoices.tax, 0) as decimal(38, 12)) as tax,
        upper(coalesce(invoices.currency, 'USD')) as currency,
        invoices.credit_of
    from {{ source('landed', 'invoices') }} as invoices
    left join {{ source('landed', 'files') }} as files on invoices.file_id = files.file_id
    left join providers on invoices.provider = providers.stated_provider
    left join {{ ref('account_aliases') }} as account_aliases
        on
            coalesce(providers.provider, lower(invoices.provider)) = account_aliases.provider
            and invoices.account_id = account_aliases.alias
{% endcall %}
