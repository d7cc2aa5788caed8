-- Every cause of a gap adds up to billed - priced, and what was billed is attributed or named.
select *
from {{ ref('invoice_reconciliation_daily') }}
where
    billed_usd - priced_usd
    != price_gap_usd + quantity_gap_usd + sampled_usd + untraced_usd + idle_usd + overtraced_usd + timing_gap_usd
    + invoice_only_usd + credit_usd + fx_gap_usd + rounding_usd
    or billed_usd
    != attributed_usd + sampled_usd + untraced_usd + idle_usd + invoice_only_usd + credit_usd + fx_gap_usd
    + rounding_usd
