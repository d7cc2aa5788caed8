{{ config(materialized=table_that_asks_itself()) }}
with windows as (

    select
        *,
        {{ distinct_over('account_id', 'provider') }} as accounts
    from {{ ref('int_billing_periods') }}

),

covered as (

    select
        *,
        {{ each_day("cast(covers_from - interval 1 day as date)", "cast(covers_to + interval 1 day as date)") }}
            as day
    from windows

),

said as (

    select
        charged_on as day,
        {{ entry_key([
            'charge_id', 'account_id', 'api_key', 'treatment', 'response_id', 'model', 'meter', 'price_tier',
            'context_side', 'inference_geo', 'is_rounded', 'quantity', 'billed_usd', 'prepaid_usd', 'tags',
            'own_key_provider', 'own_key_usd'
        ]) }} as line
    from {{ ref('int_charges') }}

    union all

    -- How a call ended is on its bill too.
    select distinct
        charges.charged_on as day,
        {{ entry_key(['lines.response_id', 'lines.is_cancelled', 'lines.is_failed']) }} as line
    from {{ ref('stg_openrouter__activity') }} as lines
    inner join {{ ref('int_charges') }} as charges on lines.response_id = charges.response_id
    where lines.is_cancelled or lines.is_failed

    union all

    {% for model, scope in [('int_usage_counts', ['context_side', 'inference_geo']), ('int_unbilled_usage', [])] %}
        select
            usage_on as day,
            {{ entry_key(
                ['provider', 'account_id', 'api_key', 'model', 'meter', 'price_tier', 'quantity'] + scope
            ) }} as line
        from {{ ref(model) }}

        union all

    {% endfor %}
    -- A bill's silence changes too: which part of a day, and of the days beside it, it covers for whom.
    select
        day,
        {{ entry_key([
            'provider', 'account_id', 'accounts', 'greatest(covers_from, day - interval 1 day)',
            'least(covers_to, day + interval 2 day)',
            'greatest(least(provisional_from, day + interval 2 day), day - interval 1 day)'
        ]) }} as line
    from covered

    union all

    -- A change of what its files leave out counts too; another file that lists the same keys changes nothing.
    select distinct
        {{ each_day('covers_from', 'covers_to') }} as day,
        listing as line
    from (
        select
            covers_from,
            covers_to,
            {{ entry_key(['provider', 'account_id', joined_texts(
                "coalesce(key_kind || ' ' || api_key, '')", '|', 'key_kind, api_key'
            )]) }} as listing
        from {{ ref('int_bill_scopes') }}
        group by provider, account_id, file_id, covers_from, covers_to
    ) as scopes

),

-- Another account of a provider: calls that name none may be of either, on any day. Another clock moves calls of all
-- days, and a profile's model is known on all its days.
accounts as (

    select coalesce(sum(cast({{ row_key('name') }} as decimal(38, 0))), 0) as total
    from (
        select provider || ':' || account_id as name
        from {{ ref('int_billing_accounts') }}

        union all

        select {{ entry_key(['provider', 'account_id', 'resource', 'model']) }} as name
        from {{ ref('int_billed_resources') }}

        union all

        select 'clock:' || provider as name
        from {{ ref('int_billing_clocks') }}
        where is_pacific != ({{ is_pacific_biller('provider') }})
    ) as names

),

days as (

    select day from said
    union
    {{ billing_days_of(ref('int_trace_ties')) }}
    union
    {{ billing_days_of(ref('int_eval_days_totalled')) }}

),

totals as (

    select
        days.day,
        accounts.total as accounts_total,
        coalesce(sum(cast({{ row_key('said.line') }} as decimal(38, 0))), 0) as total
    from days
    cross join accounts
    left join said on days.day = said.day
    group by days.day, accounts.total

)

{% if builds_on() and has_news('bills') %}
    select
        coalesce(totals.day, before.day) as day,
        totals.total,
        totals.accounts_total,
        coalesce(totals.total, 0) != coalesce(before.total, 0)
        or totals.accounts_total != (select max(known.accounts_total) from {{ this }} as known) as is_changed
    from totals
    full outer join {{ this }} as before on totals.day = before.day
{% elif builds_on() %}
    select
        day,
        total,
        accounts_total,
        false as is_changed
    from {{ this }}
{% else %}
    select
        day,
        total,
        accounts_total,
        true as is_changed
    from totals
{% endif %}
