{{ replaces_touched("charged_on", by="touched_day") }}
{% set named = [
    'charged_on', 'provider', 'account_id', 'bill_account_id', 'api_key', 'model', 'meter', 'price_tier', 'kind_id',
    'invoice_id'
] %}
with billed_lines as (

    select
        origin_charge_id,
        {{ named | join(',\n        ') }}
    from {{ ref('int_itemised_charges') }}
    where {{ is_touched('charged_on', 'touched_day') }}
    group by origin_charge_id, {{ named | join(', ') }}

),

settlements as (

    select
        origin_charge_id,
        payer_team_id,
        tagged_feature_id,
        min(group_id) as group_id,
        -- The coarsest level at which any of its lines met calls.
        min(case when call_id is null and match_level != 'none' then match_level end) as match_level,
        count(*) as lines,
        count(call_id) as called_lines,
        -- Hours of own capacity are not what calls count.
        sum(case when treatment = 'own_capacity' then 0 else quantity end) as quantity,
        sum(case when call_id is not null then quantity else 0 end) as called_quantity,
        sum(case when call_id is not null then attributed_usd else 0 end) as called_usd,
        sum(case when call_id is null then attributed_usd else 0 end) as grouped_usd,
        sum(sampled_usd) as sampled_usd,
        sum(untraced_usd) as untraced_usd,
        sum(idle_usd) as idle_usd,
        sum(invoice_only_usd + rounding_usd) as invoice_only_usd,
        sum(prepaid_usd) as prepaid_usd
    from {{ ref('int_charge_settlements') }}
    where {{ is_touched('charged_on', 'touched_day') }}
    group by origin_charge_id, payer_team_id, tagged_feature_id

),

-- A billed charge has a book price if all the day's calls of its model and tier had the same one.
book_prices as (

    select
        provider,
        model,
        meter,
        service_tier,
        priced_on,
        min(list_price_usd) as list_price_usd,
        min(unit_price_usd) as unit_price_usd
    from {{ ref('int_unit_prices') }}
    group by provider, model, meter, service_tier, priced_on
    having
        count(*) = count(list_price_usd) and count(distinct list_price_usd) = 1 and count(distinct unit_price_usd) = 1

),

accruing_calls as (

    select
        calls.started_on as charged_on,
        calls.provider,
        calls.account_id,
        calls.model,
        meters.meter,
        meters.service_tier,
        meters.list_price_usd,
        meters.unit_price_usd,
        sum(meters.quantity) as quantity,
        sum(meters.priced_usd) as amount_usd
    from {{ ref('int_call_costs') }} as calls
    inner join {{ ref('int_usage_items') }} as meters on calls.call_key = meters.call_key
    where
        calls.accrued_usd is not null and not calls.is_represented
        and {{ is_touched('calls.started_on', 'touched_day') }}
    group by
        calls.started_on, calls.provider, calls.account_id, calls.model, meters.meter, meters.service_tier,
        meters.list_price_usd, meters.unit_price_usd

),

charges as (

    select
        'billed' as basis,
        lines.origin_charge_id,
        lines.{{ named | join(',\n        lines.') }},
        prices.list_price_usd,
        prices.unit_price_usd,
        settlements.payer_team_id,
        settlements.tagged_feature_id,
        settlements.group_id,
        settlements.match_level,
        settlements.lines,
        settlements.called_lines,
        settlements.quantity,
        settlements.called_quantity,
        settlements.called_usd,
        settlements.grouped_usd,
        settlements.sampled_usd,
        settlements.untraced_usd,
        settlements.idle_usd,
        settlements.invoice_only_usd,
        settlements.prepaid_usd
    from billed_lines as lines
    inner join settlements on lines.origin_charge_id = settlements.origin_charge_id
    left join book_prices as prices
        on
            lines.provider = prices.provider
            and lines.model = prices.model
            and lines.meter = prices.meter
            and coalesce(lines.price_tier, 'standard') = prices.service_tier
            and lines.charged_on = prices.priced_on

    union all

    -- Calls that no bill covers yet: the day's usage of a meter at one price is the charge to expect.
    select
        'accrued' as basis,
        {{ accrual_key() }} as origin_charge_id,
        charged_on,
        provider,
        account_id,
        account_id as bill_account_id,
        null as api_key,
        model,
        meter,
        service_tier as price_tier,
        null as kind_id,
        null as invoice_id,
        list_price_usd,
        unit_price_usd,
        null as payer_team_id,
        null as tagged_feature_id,
        null as group_id,
        null as match_level,
        1 as lines,
        1 as called_lines,
        quantity,
        quantity as called_quantity,
        amount_usd as called_usd,
        0 as grouped_usd,
        0 as sampled_usd,
        0 as untraced_usd,
        0 as idle_usd,
        0 as invoice_only_usd,
        -amount_usd as prepaid_usd
    from accruing_calls

    union all

    -- The same for calls that a sampler dropped.
    select
        'accrued' as basis,
        {{ sampled_accrual_key('calls', 'sampled') }} as origin_charge_id,
        calls.started_on as charged_on,
        calls.provider,
        calls.account_id,
        calls.account_id as bill_account_id,
        null as api_key,
        calls.model,
        'total' as meter,
        null as price_tier,
        null as kind_id,
        null as invoice_id,
        null as list_price_usd,
        null as unit_price_usd,
        sampled.payer_team_id,
        null as tagged_feature_id,
        null as group_id,
        null as match_level,
        1 as lines,
        1 as called_lines,
        0 as quantity,
        0 as called_quantity,
        sum(sampled.sampled_usd) as called_usd,
        0 as grouped_usd,
        0 as sampled_usd,
        0 as untraced_usd,
        0 as idle_usd,
        0 as invoice_only_usd,
        -sum(sampled.sampled_usd) as prepaid_usd
    from {{ ref('int_sampled_costs') }} as sampled
    inner join {{ ref('int_call_costs') }} as calls on sampled.call_key = calls.call_key
    where sampled.basis = 'accrued' and {{ is_touched('sampled.started_on', 'touched_day') }}
    group by calls.started_on, calls.provider, calls.account_id, calls.model, sampled.payer_team_id

    union all

    -- Usage that a usage file counts beyond the calls, on days that no bill covers yet.
    select
        'accrued' as basis,
        usage_group_id as origin_charge_id,
        usage_on as charged_on,
        provider,
        account_id,
        account_id as bill_account_id,
        api_key,
        model,
        meter,
        price_tier,
        null as kind_id,
        null as invoice_id,
        list_price_usd,
        unit_price_usd,
        payer_team_id,
        null as tagged_feature_id,
        null as group_id,
        null as match_level,
        1 as lines,
        0 as called_lines,
        untraced_quantity as quantity,
        0 as called_quantity,
        0 as called_usd,
        0 as grouped_usd,
        0 as sampled_usd,
        untraced_usd,
        0 as idle_usd,
        0 as invoice_only_usd,
        -untraced_usd as prepaid_usd
    from {{ ref('int_accrued_usage') }}
    where is_unbilled and untraced_usd != 0 and {{ is_touched('usage_on', 'touched_day') }}

)

select
    {{ all_but('', [
        'quantity', 'called_quantity', 'called_usd', 'grouped_usd', 'sampled_usd', 'untraced_usd', 'idle_usd',
        'invoice_only_usd', 'prepaid_usd'
    ]) }},
    cast(quantity as bigint) as quantity,
    cast(called_quantity as bigint) as called_quantity,
    {{ money('called_usd') }} as called_usd,
    {{ money('grouped_usd') }} as grouped_usd,
    {{ money('sampled_usd') }} as sampled_usd,
    {{ money('untraced_usd') }} as untraced_usd,
    {{ money('idle_usd') }} as idle_usd,
    {{ money('invoice_only_usd') }} as invoice_only_usd,
    {{ money('prepaid_usd') }} as prepaid_usd
from charges
