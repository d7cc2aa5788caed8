-- Calls that events found, and those that none did, are a feature's production; an event stands under one method. Of
-- unlabelled calls the P&L has the money as unattributed, whatever they were for.
with calls as (

    select
        month,
        feature_id,
        sum(production_usd) as found_usd
    from {{ ref('telemetry_join_rates_monthly') }}
    group by month, feature_id

),

compared as (

    select
        coalesce(calls.month, pnl.month) as month,
        coalesce(calls.feature_id, pnl.feature_id) as feature_id,
        coalesce(calls.found_usd, 0) as found,
        case
            when calls.feature_id = 'unlabelled' then calls.found_usd
            else coalesce(pnl.production_usd, 0)
        end as stated
    from calls
    full outer join {{ ref('feature_pnl_monthly') }} as pnl
        on calls.month = pnl.month and calls.feature_id = pnl.feature_id

    union all

    select
        null as month,
        'events' as feature_id,
        sum(events) as found,
        (select count(*) from {{ ref('stg_product__usage_events') }}) as stated -- noqa: ST05
    from {{ ref('telemetry_join_rates_monthly') }}

)

select * from compared
where coalesce(found, 0) != stated
