select
    invoice_id,
    lower(provider) as provider,
    account_id,
    period_start,
    -- Some providers end a month with its last day, some with the first of the next.
    case
        when day(period_end) = 1 and day(period_start) = 1 and period_end > period_start then period_end - 1
        else period_end
    end as period_end,
    coalesce(issued_on, period_end) as issued_on,
    cast(amount as decimal(38, 12)) as amount,
    cast(coalesce(tax, 0) as decimal(38, 12)) as tax,
    upper(coalesce(currency, 'USD')) as currency,
    credit_of
from {{ source('landed', 'invoices') }}
-- An invoice that was sent again stands once, as it last came.
qualify row_number() over (
    partition by lower(provider), invoice_id order by issued_on desc nulls last, file_id desc
) = 1
