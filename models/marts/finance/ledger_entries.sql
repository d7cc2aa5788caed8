{{ replaces_touched("incurred_on", by="posted_day") }}
{% set of_journal = [
    'incurred_on', 'provider', 'account_id', 'model', 'feature_id', 'team_path', 'payer_team_id', 'bearer_team_id',
    'purpose', 'basis', 'is_sampled'
] %}
{% set of_leg = ['account', 'side', 'team_id', 'counterparty_team_id', 'kind'] %}
{% set leg = of_journal + of_leg %}
{# Only entries of sampled calls have the mark in their ids, so that all others keep theirs. #}
{% set key_of_journal = (of_journal | reject('in', ['basis', 'is_sampled']) | list) + [
    "basis || case when is_sampled then ':sampled' else '' end"
] %}
with closed as (

    select * from {{ ref('stg_closed__entries') }}

),

months as (

    select
        max(posted_month) as last_closed,
        cast(max(posted_month) + interval 1 month as date) as first_open
    from closed

),

recomputed as (

    select
        legs.*,
        months.first_open,
        coalesce(legs.posted_month <= months.last_closed, false) as is_closed
    from {{ ref('int_ledger_postings') }} as legs
    cross join months

),

-- Closed months hold a leg's first booking and what earlier corrections made of it: neither is booked again.
compared as (

    select
        posted_month as corrects_month,
        {{ leg | join(',\n        ') }},
        amount_usd,
        cast(null as string) as closed_entry_id
    from recomputed
    where is_closed

    union all

    select
        coalesce(corrects_month, posted_month) as corrects_month,
        {{ leg | join(',\n        ') }},
        -amount_usd as amount_usd,
        case when corrects_month is null then '1' else '2' end || entry_id as closed_entry_id
    from closed
    -- No correction reverses a retired month, of which nothing but adjustments is computed again.
    where (not is_retired or kind = 'adjustment') and {{ is_touched('incurred_on', 'posted_day') }}

),

changed as (

    select
        corrects_month,
        {{ leg | join(',\n        ') }},
        sum(amount_usd) as amount_usd,
        substr(min(closed_entry_id), 2) as closed_entry_id
    from compared
    group by corrects_month, {{ leg | join(', ') }}
    having sum(amount_usd) != 0

),

corrections as (

    select
        changed.*,
        months.first_open,
        -- A leg that the closed month lacks takes the place of the one that changed most beside it.
        first_value(changed.closed_entry_id) over (
            partition by
                changed.corrects_month, changed.incurred_on, changed.provider, changed.model, changed.side
            order by
                case when changed.closed_entry_id is null then 1 else 0 end,
                abs(changed.amount_usd) desc, changed.closed_entry_id
        ) as neighbour_entry_id
    from changed
    cross join months

)

{% set columns = ['entry_id', 'journal_id', 'posted_month', 'incurred_on'] + of_leg[:4] + [
    'feature_id', 'provider', 'account_id', 'model', 'team_path', 'payer_team_id', 'bearer_team_id', 'purpose', 'kind',
    'basis', 'is_sampled', 'amount_usd'
] %}
select
    {{ columns | join(',\n    ') }},
    cast(null as string) as corrects_entry_id,
    cast(null as date) as corrects_month
from recomputed
where not is_closed

union all

select
    {{ entry_key(['corrects_month'] + key_of_journal + of_leg + ['first_open']) }} as entry_id,
    {{ entry_key(['corrects_month'] + key_of_journal) }} || ':' || kind || ':' || cast(first_open as string)
        as journal_id,
    first_open as posted_month,
    {{ columns[3:-1] | join(',\n    ') }},
    {{ money('amount_usd') }} as amount_usd,
    coalesce(closed_entry_id, neighbour_entry_id) as corrects_entry_id,
    corrects_month
from corrections

union all

select
    {{ columns | join(',\n    ') }},
    corrects_entry_id,
    corrects_month
from closed
where {{ is_touched('incurred_on', 'posted_day') }}
