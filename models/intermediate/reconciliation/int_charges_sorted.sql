-- one row per line of a bill or a gateway: in USD, what it was for, and whether the ledger takes it in
{{ config(materialized="kept", meta={"rebuilt_at_news_of": "bills"}) }}
{% set amounts = ['billed_amount', 'effective_amount', 'billed_usd', 'cost_usd'] %}
with lines as (

    select * from {{ ref('int_provider_lines_ranked') }}
    where file_role in ('bill', 'gateway') and category is distinct from 'bucket'

),

kinds as (

    select * from {{ ref('int_charge_kinds_ruled') }}

),

-- The rate of the charge's last day, or the last one known before it.
rates as (

    select
        charged.currency,
        charged.ended_on,
        max_by(fx_rates.usd_per_unit, fx_rates.rate_on) as usd_per_unit
    from (select distinct
        currency,
        ended_on
    from lines) as charged
    inner join {{ ref('fx_rates') }} as fx_rates
        on upper(fx_rates.currency) = charged.currency and charged.ended_on >= fx_rates.rate_on
    group by charged.currency, charged.ended_on

),

rated as (

    select
        {{ all_but('lines', ['service_tier', 'ai_sign']) }},
        -- What another file says better is kept and totalled, and is no money.
        case
            when lines.is_standing and followed.scope_weight > 0 then 'invoice_only'
            when lines.is_standing then kinds.treatment
            when lines.file_role = 'gateway' then 'gateway'
            else 'superseded'
        end as treatment,
        lines.is_standing and case when kinds.is_following then followed.is_alone else kinds.is_like_ai end
            as is_left_out,
        case
            when lines.is_standing and followed.scope_weight < followed.whole_weight
                then nullif(followed.scope_weight, 0)
        end as scope_weight,
        followed.whole_weight,
        kinds.model,
        kinds.meter,
        coalesce(kinds.service_tier, lines.service_tier, kinds.silent_tier) as price_tier,
        kinds.context_side,
        kinds.context_limit,
        kinds.inference_geo,
        case lines.currency when 'USD' then 1 else rates.usd_per_unit end as usd_per_unit
    from lines
    inner join kinds on lines.kind_id = kinds.kind_id
    left join rates on lines.currency = rates.currency and lines.ended_on = rates.ended_on
    left join {{ ref('int_scopes_followed') }} as followed
        on
            kinds.is_following
            and {{ are_same('lines', 'followed', [
                'provider', 'bill_account_id', 'currency', 'account_id', 'service_name', 'invoice_id'
            ]) }}
            and cast(date_trunc('month', lines.charged_on) as date) = followed.month

),

valued as (

    select
        *,
        {{ money('billed_amount * cast(usd_per_unit as decimal(18, 9))') }} as billed_usd,
        -- Ledger cost is what the use was worth, where the bill says so, whenever it was paid.
        {{ money('coalesce(effective_amount, billed_amount) * cast(usd_per_unit as decimal(18, 9))') }} as cost_usd
    from rated

),

-- A tax on AI and on other things is two: the part in scope, and the rest.
parted as (

    select
        valued.*,
        rest.is_rest,
        {% for amount in amounts %}
            {{ floored_part('valued.' ~ amount, 'valued.scope_weight', 'valued.whole_weight') }}
                as scope_{{ amount }}{% if not loop.last %},{% endif %}
        {% endfor %}
    from valued
    inner join (values (false), (true)) as rest (is_rest) on not rest.is_rest or valued.scope_weight is not null

)

select
    {{ all_but('', ['line_id', 'treatment', 'scope_weight', 'whole_weight'] + amounts
        + ['scope_billed_amount', 'scope_effective_amount', 'scope_billed_usd', 'scope_cost_usd']) }},
    case when is_rest then line_id || ':rest' else line_id end as line_id,
    case when is_rest then 'out_of_scope' else treatment end as treatment,
    {% for amount in amounts %}
        cast(case
            when is_rest then {{ amount }} - scope_{{ amount }}
            when scope_weight is not null then scope_{{ amount }}
            else {{ amount }}
        end as decimal(38, {{ 12 if 'usd' in amount else 18 }})) as {{ amount }}{% if not loop.last %},{% endif %}
    {% endfor %}
from parted
