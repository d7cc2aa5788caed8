-- Cursor's usage events: one is an agent's or a tab's request. What the plan includes has a value, and is no money; input
-- with and without a cache write are beside each other, which the total proves.
, events as (

    select
        *,
        lower(cells['kind']) as kind,
        cell_at(cells, ['cost', 'cost ($)', 'cost (usd)']) as cost,
        cell_at(cells, ['total tokens', 'tokens']) as total,
        cell_at(cells, ['requests', 'requests (cost)']) as requests
    from rows_of

),

told as (

    select
        *,
        lower(cost) in ('included', 'free')
        or regexp_matches(kind, 'includ|free|no charge|not charged|errored|aborted|user api key') as is_unbilled,
        coalesce(total, cast(
            number_of(plain_count(cells['input (w/ cache write)'], 'point')) + number_of(plain_count(cells['input (w/o cache write)'], 'point'))
            + number_of(plain_count(cells['cache read'], 'point')) + number_of(plain_count(cells['output tokens'], 'point')) as varchar
        )) as tokens
    from events

)

select
    file_no,
    source_line,
    cast(json_object(
        'file_kind', 'cursor_usage',
        'provider', 'cursor',
        -- The events name no account; what the plan itself costs stands under another.
        'account_id', 'usage events',
        'start_time', cells['date'],
        'service', 'cursor',
        'model', cells['model'],
        'meter', case when tokens is null then 'requests' else 'tokens' end,
        'quantity', coalesce(tokens, requests),
        'amount', case when is_unbilled then '0' else cost end,
        'list_amount', case when is_unbilled and money_of(plain_number(cost, 'point')) is not null then cost end,
        'currency', 'USD',
        'user_id', cells['user'],
        'description', cells['kind']
    ) as varchar) as document
from told
