{{ config(materialized="kept", meta={"rebuilt_at_news_of": "bills"}) }}
{% set amounts = ['billed_amount', 'effective_amount', 'billed_usd', 'cost_usd'] %}
{% set bill = ['provider', 'bill_account_id', 'currency'] %}
{% set subject = bill + ['account_id', 'service_name', 'invoice_id', 'month'] %}
{% set subject_of_line = subject | reject('eq', 'month') | list %}
{# A tax, fee or credit is for the nearest of these that has lines: the service, the account, the whole bill; of its
invoice, else of its month. #}
{% set of_account = 'lines.account_id = subjects.account_id' %}
{% set of_service = of_account ~ ' and lines.service_name = subjects.service_name' %}
{% set of_other = of_account ~ ' and subjects.account_id != subjects.bill_account_id' %}
{% set of_invoice, of_month = 'lines.invoice_id = subjects.invoice_id', 'lines.month = subjects.month' %}
{% set levels = [
    of_invoice ~ ' and ' ~ of_service, of_invoice ~ ' and ' ~ of_other, of_invoice,
    of_month ~ ' and ' ~ of_service, of_month ~ ' and ' ~ of_other, of_month
] %}
with types as (

    select * from {{ ref('int_charge_types') }}

),

lines_per_subject as (

    select
        lines.{{ subject_of_line | join(',\n        lines.') }},
        cast(date_trunc('month', lines.charged_on) as date) as month,
        types.is_following,
        types.treatment != 'out_of_scope' as is_in_scope,
        coalesce(lines.category, 'usage') in ('usage', 'purchase') as is_use,
        coalesce(lines.category, 'usage') = 'tax' as is_tax,
        sum(lines.billed_amount) as amount,
        count(*) as line_count
    from {{ ref('int_bill_lines') }} as lines
    inner join {{ ref('int_bill_line_status') }} as status on lines.line_id = status.line_id
    inner join types on lines.kind_id = types.kind_id
    where status.is_standing and lines.file_role = 'bill' and lines.category is distinct from 'bucket'
    group by
        lines.{{ subject_of_line | join(', lines.') }},
        cast(date_trunc('month', lines.charged_on) as date), types.is_following, types.treatment, lines.category

),

billed_services as (

    select
        {{ bill | join(',\n        ') }},
        service_name,
        bool_or(is_in_scope) as is_in_scope
    from lines_per_subject
    where is_use and service_name is not null
    group by {{ bill | join(', ') }}, service_name

),

-- The credit of a service that is out of scope is out of scope too: it lessens what that service costs.
followed_lines as (

    select
        {{ all_but('lines', ['is_following']) }},
        lines.is_following and not coalesce(not services.is_in_scope, false) as is_following
    from lines_per_subject as lines
    left join billed_services as services on {{ are_same('lines', 'services', bill + ['service_name']) }}

),

subjects as (

    select distinct {{ subject | join(', ') }}
    from followed_lines
    where is_following

),

lines_by_level as (

    select
        subjects.{{ subject | join(',\n        subjects.') }},
        case
            {%- for level in levels %}
            when {{ level }} then {{ loop.index }}
            {%- endfor %}
        end as level,
        lines.is_in_scope,
        lines.amount,
        lines.line_count
    from subjects
    left join followed_lines as lines
        on
            {{ are_same('subjects', 'lines', bill) }}
            and not lines.is_following and not lines.is_tax
            and (subjects.invoice_id = lines.invoice_id or subjects.month = lines.month)

),

-- Weights are whole millionths of the currency. Negative totals have no weight.
weights_by_level as (

    select
        {{ subject | join(',\n        ') }},
        level,
        {{ whole_number("greatest(sum(case when is_in_scope then amount else 0 end), 0) * 1000000") }} as scope_weight,
        {{ whole_number("greatest(sum(case when is_in_scope then 0 else amount end), 0) * 1000000") }} as other_weight,
        coalesce(sum(case when is_in_scope then line_count end), 0) as scope_lines,
        coalesce(sum(case when not is_in_scope then line_count end), 0) as other_lines
    from lines_by_level
    group by {{ subject | join(', ') }}, level

),

nearest_weights as (

    {% call first_rows(partition_by=subject | join(', '), order_by="level nulls last") %}
        select * from weights_by_level
    {% endcall %}

),

-- The part in scope of what a tax, fee or credit is for; by number of lines where a bill amounts to nothing.
scopes as (

    select
        {{ subject | join(',\n        ') }},
        level is null as is_alone,
        case when scope_weight + other_weight = 0 then {{ whole_number('scope_lines') }} else scope_weight end
            as scope_weight,
        case
            when scope_weight + other_weight = 0 then {{ whole_number('scope_lines + other_lines') }}
            else scope_weight + other_weight
        end as whole_weight
    from nearest_weights

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
    from {{ ref('int_bill_lines') }}) as charged
    inner join {{ ref('fx_rates') }} as fx_rates
        on upper(fx_rates.currency) = charged.currency and charged.ended_on >= fx_rates.rate_on
    group by charged.currency, charged.ended_on

),

rated_lines as (

    select
        {{ all_but('lines', ['service_tier', 'ai_sign']) }},
        status.is_standing,
        status.set_aside_by,
        status.newer_file_id,
        -- Superseded lines are kept and totalled, but are no money.
        case
            when status.is_standing and scopes.scope_weight > 0 then 'invoice_only'
            when status.is_standing then types.treatment
            when lines.file_role = 'gateway' then 'gateway'
            else 'superseded'
        end as treatment,
        status.is_standing and case when types.is_following then scopes.is_alone else types.is_like_ai end
            as is_left_out,
        case
            when status.is_standing and scopes.scope_weight < scopes.whole_weight then nullif(scopes.scope_weight, 0)
        end as scope_weight,
        scopes.whole_weight,
        types.driver_id,
        types.capacity_per_unit,
        types.model,
        types.meter,
        coalesce(types.service_tier, lines.service_tier, types.silent_tier) as price_tier,
        types.context_side,
        types.context_limit,
        types.inference_geo,
        case lines.currency when 'USD' then 1 else rates.usd_per_unit end as usd_per_unit
    from {{ ref('int_bill_lines') }} as lines
    inner join {{ ref('int_bill_line_status') }} as status on lines.line_id = status.line_id
    inner join types on lines.kind_id = types.kind_id
    left join rates on lines.currency = rates.currency and lines.ended_on = rates.ended_on
    left join scopes
        on
            types.is_following
            and {{ are_same('lines', 'scopes', subject_of_line) }}
            and cast(date_trunc('month', lines.charged_on) as date) = scopes.month
    where lines.file_role in ('bill', 'gateway') and lines.category is distinct from 'bucket'

),

valued_lines as (

    select
        *,
        {{ money('billed_amount * cast(usd_per_unit as decimal(18, 9))') }} as billed_usd,
        -- The ledger books what the use was worth where the bill states it, whenever it was paid.
        {{ money('coalesce(effective_amount, billed_amount) * cast(usd_per_unit as decimal(18, 9))') }} as cost_usd
    from rated_lines

),

-- A tax on AI and on other services is split in two: the part in scope, and the rest.
split_lines as (

    select
        {% for amount in amounts %}
        {{ floored_part('valued_lines.' ~ amount, 'valued_lines.scope_weight', 'valued_lines.whole_weight') }}
            as scope_{{ amount }},
        {% endfor %}
        valued_lines.*,
        rest.is_rest
    from valued_lines
    inner join (values (false), (true)) as rest (is_rest) on not rest.is_rest or valued_lines.scope_weight is not null

)

select
    {{ all_but('', ['line_id', 'treatment', 'scope_weight', 'whole_weight'] + amounts
        + ['scope_billed_amount', 'scope_effective_amount', 'scope_billed_usd', 'scope_cost_usd']) }},
    {% for amount in amounts %}
    cast(case
        when is_rest then {{ amount }} - scope_{{ amount }}
        when scope_weight is not null then scope_{{ amount }}
        else {{ amount }}
    end as decimal(38, {{ 12 if 'usd' in amount else 18 }})) as {{ amount }},
    {% endfor %}
    case when is_rest then line_id || ':rest' else line_id end as line_id,
    case when is_rest then 'out_of_scope' else treatment end as treatment
from split_lines
