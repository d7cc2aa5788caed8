{{ config(materialized=table_that_asks_itself()) }}
with touched_traces as (

    select * from {{ ref('int_traces_touched') }}
    where is_changed

),

ties as (

    select * from {{ ref('int_trace_ties') }}

),

charges as (

    select
        charged_on,
        response_key
    from {{ ref('int_charges') }}

),

eval_totals as (

    select
        started_on as day,
        sum(cast({{ row_key(entry_key([
            'call_id', 'feature_id', 'prompt_version', 'started_at', 'stated_usd', 'has_usage', 'input_tokens',
            'cache_read_tokens', 'cache_write_5m_tokens', 'output_tokens', 'reasoning_tokens'
        ])) }} as decimal(38, 0))) as total
    from {{ ref('int_eval_calls') }}
    group by started_on

),

{% if has_news('bills') %}
    covered_days as (

        select
            *,
            {{ each_day("cast(covers_from - interval 1 day as date)", "cast(covers_to + interval 1 day as date)") }}
                as day
        from (
            select
                *,
                {{ distinct_over('account_id', 'provider') }} as accounts
            from {{ ref('int_billing_periods') }}
        ) as periods

    ),

    listed_keys as (

        select
            covers_from,
            covers_to,
            {{ entry_key(['provider', 'account_id', joined_texts(
                "coalesce(key_kind || ' ' || api_key, '')", '|', 'key_kind, api_key'
            )]) }} as listing
        from {{ ref('int_bill_scopes') }}
        group by provider, account_id, file_id, covers_from, covers_to

    ),

    bill_statements as (

        select
            charged_on as day,
            {{ entry_key([
                'charge_id', 'account_id', 'api_key', 'treatment', 'response_id', 'model', 'meter', 'price_tier',
                'context_side', 'inference_geo', 'is_rounded', 'quantity', 'billed_usd', 'prepaid_usd', 'tags',
                'own_key_provider', 'own_key_usd', 'driver_group_id', 'driver_capacity'
            ]) }} as statement
        from {{ ref('int_charges') }}

        union all

        -- How a call ended is on its bill too.
        select distinct
            charges.charged_on as day,
            {{ entry_key(['lines.response_id', 'lines.is_cancelled', 'lines.is_failed']) }} as statement
        from {{ ref('stg_openrouter__activity') }} as lines
        inner join {{ ref('int_charges') }} as charges on lines.response_id = charges.response_id
        where lines.is_cancelled or lines.is_failed

        union all

        select
            usage_on as day,
            {{ entry_key([
                'provider', 'account_id', 'api_key', 'model', 'meter', 'price_tier', 'context_side', 'inference_geo',
                'quantity', 'is_unbilled'
            ]) }} as statement
        from {{ ref('int_usage_counts') }}

        union all

        -- Usage that a covering bill does not list costs nothing, so a change of the covered hours of a day or of its
        -- neighbors reopens the day.
        select
            day,
            {{ entry_key([
                'provider', 'account_id', 'accounts', 'greatest(covers_from, day - interval 1 day)',
                'least(covers_to, day + interval 2 day)',
                'greatest(least(provisional_from, day + interval 2 day), day - interval 1 day)'
            ]) }} as statement
        from covered_days

        union all

        -- A change of what its files leave out counts too; another file that lists the same keys changes nothing.
        select distinct
            {{ each_day('covers_from', 'covers_to') }} as day,
            listing as statement
        from listed_keys

    ),

    bill_totals as (

        select
            day,
            sum(cast({{ row_key('statement') }} as decimal(38, 0))) as total
        from bill_statements
        group by day

    ),

    -- Another account of a provider: calls that name none may be of either, on any day. Another clock moves calls of
    -- all days, and a profile's model is known on all its days.
    account_total as (

        select coalesce(sum(cast({{ row_key('name') }} as decimal(38, 0))), 0) as total
        from (
            select {{ entry_key(['provider', 'account_id', 'is_pacific']) }} as name
            from {{ ref('int_billing_accounts') }}

            union all

            select {{ entry_key(['provider', 'account_id', 'resource', 'model']) }} as name
            from {{ ref('int_billed_resources') }}
        ) as names

    ),
{% else %}
    bill_totals as (

        select
            day,
            bill_total as total
        from {{ this }}

    ),

    account_total as (

        select max(account_total) as total from {{ this }}

    ),
{% endif %}

known_days as (

    {{ billing_days_of('ties') }}
    union
    {{ billing_days_of('eval_totals') }}
    union
    select cast(day as date) as day from bill_totals
    {% if builds_on() %}
        union
        select day from {{ this }}
    {% endif %}

),

days as (

    select
        known_days.day,
        bill_totals.total as bill_total,
        account_total.total as account_total,
        eval_totals.total as eval_total
    from known_days
    cross join account_total
    left join bill_totals on known_days.day = bill_totals.day
    left join eval_totals on known_days.day = eval_totals.day
    where known_days.day is not null

)

{% if builds_on() %}
    ,

    compared_days as (

        select
            days.day,
            coalesce(days.bill_total, 0) != coalesce(before.bill_total, 0)
            or days.account_total is distinct from (select max(built.account_total) from {{ this }} as built)
                as is_bill_changed,
            coalesce(days.eval_total, 0) != coalesce(before.eval_total, 0) as is_eval_changed
        from days
        left join {{ this }} as before on days.day = before.day

    ),

    changed_bill_days as (

        select day from compared_days
        where is_bill_changed

    ),

    call_days as (

        select day from touched_traces

        union

        select day from compared_days
        where is_eval_changed

        union

        -- The calls that changed lines name, and named.
        select day from ties
        where
            tie_key in (
                select response_key from charges
                where charged_on in (select changed.day from changed_bill_days as changed)
                union
                select call_key from {{ last_built('int_charge_settlements') }}
                where charged_on in (select changed.day from changed_bill_days as changed)
            )

    ),

    reopened_days as (

        select day from changed_bill_days

        union

        {{ billing_days_of('call_days') }}

        union

        -- The lines that name calls of touched traces.
        select charged_on as day
        from charges
        where
            response_key in (
                select ties.tie_key
                from ties
                inner join touched_traces as touched on ties.trace_key = touched.trace_key
            )

    )

    select
        coalesce(days.day, cast(reopened_days.day as date)) as day,
        days.bill_total,
        days.account_total,
        days.eval_total,
        reopened_days.day is not null as is_reopened
    from days
    full outer join reopened_days on days.day = reopened_days.day
    where coalesce(days.day, reopened_days.day) is not null
{% else %}
    select
        *,
        true as is_reopened
    from days
{% endif %}
