-- one row per call but proven copies: whether a bill covers its time, so that the bill's silence about it counts
with calls as (

    select
        call_key,
        provider,
        account_id,
        api_key,
        started_at,
        started_on as day,
        is_on_bill
    from {{ ref('int_calls_priced') }}
    where call_key not in (select copies.call_key from {{ ref('int_copies_recognised') }} as copies)

),

windows as (

    select * from {{ ref('int_bill_windows') }}

),

accounts as (

    select
        provider,
        count(distinct account_id) as accounts
    from windows
    group by provider

),

covered as (

    select
        calls.call_key,
        count(distinct windows.account_id) as covering_accounts,
        min(windows.account_id) as account_id,
        -- What the newest bucket does not know accrues.
        bool_or(calls.started_at >= windows.provisional_from) as is_provisional
    from calls
    inner join windows
        on
            calls.provider = windows.provider
            and coalesce(calls.account_id, windows.account_id) = windows.account_id
            and calls.started_at between windows.covers_from and windows.covers_to
    group by calls.call_key

),

beyond as (

    {{ beyond_bills('calls') | indent }}

)

select
    calls.call_key,
    -- If the call's account is unknown, every account of the provider must be covered. A key that the day's bills leave
    -- out has not been billed yet.
    calls.is_on_bill
    or (
        beyond.api_key is null
        and (
            (calls.account_id is not null and covered.call_key is not null)
            or coalesce(covered.covering_accounts = accounts.accounts, false)
        )
    ) as is_in_bill,
    coalesce(covered.is_provisional, false) as is_provisional,
    coalesce(calls.account_id, case when covered.covering_accounts = 1 then covered.account_id end) as account_id
from calls
left join covered on calls.call_key = covered.call_key
left join accounts on calls.provider = accounts.provider
left join beyond on {{ are_same('calls', 'beyond', ['provider', 'account_id', 'api_key', 'day']) }}
