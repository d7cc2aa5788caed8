select
    entries.entry_id,
    entries.journal_id,
    entries.posted_month,
    entries.incurred_on,
    entries.account,
    entries.side,
    entries.team_id,
    entries.counterparty_team_id,
    entries.feature_id,
    entries.provider,
    entries.account_id,
    entries.model,
    entries.team_path,
    entries.payer_team_id,
    entries.bearer_team_id,
    entries.purpose,
    entries.kind,
    entries.basis,
    coalesce(entries.is_sampled, false) as is_sampled,
    entries.amount_usd,
    entries.corrects_entry_id,
    entries.corrects_month,
    coalesce(entries.corrects_month, entries.posted_month) as first_posted_month,
    -- Entries that were closed when their month was retired stand in for its spans. What is booked later for such a
    -- month is a difference of its bills, which is computed in every build.
    coalesce(entries.posted_month <= retirements.closed_through, false) as is_retired
from {{ source('closed', 'entries') }} as entries
left join {{ source('landed', 'retirements') }} as retirements
    on
        coalesce(entries.corrects_month, entries.posted_month) >= retirements.retired_from
        and coalesce(entries.corrects_month, entries.posted_month) < retirements.retired_before
