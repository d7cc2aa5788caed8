{% set kind = ['service_name', 'provider', 'model', 'started_on'] %}
with calls as (

    select
        call_key,
        provider,
        account_id,
        api_key,
        started_at,
        started_on,
        model,
        is_on_bill
    from {{ ref('int_call_providers') }}
    where call_key not in (select copies.call_key from {{ ref('int_copied_calls') }} as copies)

),

billing_periods as (

    select * from {{ ref('int_billing_periods') }}

),

billed_accounts as (

    select
        provider,
        count(distinct account_id) as accounts
    from billing_periods
    group by provider

),

covering_periods as (

    select
        calls.call_key,
        count(distinct periods.account_id) as covering_accounts,
        min(periods.account_id) as account_id,
        bool_or(calls.started_at >= periods.provisional_from) as is_provisional
    from calls
    inner join billing_periods as periods
        on
            calls.provider = periods.provider
            and coalesce(calls.account_id, periods.account_id) = periods.account_id
            and calls.started_at between periods.covers_from and periods.covers_to
    group by calls.call_key

),

-- Days whose use a bill states as one total: none of it is on another bill yet to come.
totals as (

    select distinct
        provider,
        account_id,
        api_key,
        charged_on
    from {{ ref('int_charges') }}
    where meter = 'total' and {{ is_touched('charged_on', 'read_day') }}

),

calls_in_totals as (

    select distinct calls.call_key
    from calls
    inner join totals
        on
            calls.provider = totals.provider
            and calls.started_on = totals.charged_on
            and coalesce(calls.account_id = totals.account_id, true)
            and coalesce(calls.api_key = totals.api_key, true)

),

sampled_calls as (

    select
        calls.call_key,
        sampled.service_name,
        calls.{{ kind[1:] | join(',\n        calls.') }},
        calls.is_on_bill,
        sampled.adjusted_count,
        sampled.is_orphan,
        coalesce(by_call.tie_key, by_trace.tie_key) is not null as is_evaluation
    from calls
    inner join {{ ref('int_sampled_calls') }} as sampled on calls.call_key = sampled.call_key
    left join {{ ref('int_evaluated_ids') }} as by_call
        on calls.call_key = by_call.tie_key and by_call.kind = 'call' and by_call.is_named
    left join {{ ref('int_evaluated_ids') }} as by_trace
        on sampled.trace_key = by_trace.tie_key and by_trace.kind = 'trace' and by_trace.is_named

),

whole_traces as (

    select
        {{ kind | join(',\n        ') }},
        max(adjusted_count) as adjusted_count
    from sampled_calls
    where not is_orphan and not is_on_bill
    group by {{ kind | join(', ') }}

),

-- Services that keep more of the traces than those that call them show calls whose callers were dropped. The calls of
-- whole traces stand for them, each for as many as its rarest service says.
represented_calls as (

    select orphans.call_key
    from sampled_calls as orphans
    inner join whole_traces as whole on {{ are_same('orphans', 'whole', kind) }}
    where
        orphans.is_orphan and not orphans.is_on_bill and not orphans.is_evaluation
        and orphans.adjusted_count < whole.adjusted_count

),

keys_in_use as (

    select distinct
        provider,
        account_id,
        api_key,
        started_on as day
    from calls

),

unbilled_keys as (

    {{ beyond_bills('keys_in_use') | indent }}

)

select
    calls.call_key,
    calls.provider,
    calls.api_key,
    calls.started_on,
    -- If the account is unknown, require every billed account of the provider to be covered at that time. A key that
    -- the day's bills leave out has not been billed yet.
    calls.is_on_bill
    or (
        unbilled_keys.api_key is null
        and (
            (calls.account_id is not null and periods.call_key is not null)
            or coalesce(periods.covering_accounts = accounts.accounts, false)
        )
    ) as is_in_bill,
    -- The latest bucket of an export is provisional: usage that it does not list yet accrues.
    coalesce(periods.is_provisional, false) and calls_in_totals.call_key is null as is_provisional,
    represented_calls.call_key is not null as is_represented,
    coalesce(calls.account_id, case when periods.covering_accounts = 1 then periods.account_id end) as account_id
from calls
left join covering_periods as periods on calls.call_key = periods.call_key
left join billed_accounts as accounts on calls.provider = accounts.provider
left join calls_in_totals on calls.call_key = calls_in_totals.call_key
left join represented_calls on calls.call_key = represented_calls.call_key
left join unbilled_keys
    on
        {{ are_same('calls', 'unbilled_keys', ['provider', 'account_id', 'api_key']) }}
        and calls.started_on = unbilled_keys.day
