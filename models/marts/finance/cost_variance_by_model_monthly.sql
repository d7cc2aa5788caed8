{% set line = ['posted_month', 'provider', 'account_id', 'model'] %}
{% set causes = ['volume', 'price', 'waste', 'late', 'correction', 'other'] %}
{% set late_key = ['posted_month', 'incurred_on', 'provider', 'model'] %}
with entries as (

    select
        {{ line | join(',\n        ') }},
        incurred_on,
        corrects_month is not null as is_correction,
        sum(amount_usd) as amount_usd
    from {{ ref('ledger_entries') }}
    where account = 'ai_cost'
    group by {{ line | join(', ') }}, incurred_on, corrects_month is not null

),

late_postings as (

    {{ late_postings() | indent }}

),

months as (

    select
        min(posted_month) as first_month,
        max(posted_month) as last_month
    from entries

),

-- Retired months have no calls, so usage can't explain their changes: they are `other`.
retired_months as (

    select distinct posted_month from {{ ref('stg_closed__entries') }}
    where is_retired

),

compared_months as (

    select places.is_previous from (values (0), (1)) as places (is_previous)

),

-- Each amount counts for its own month, and as last month's for the one after it.
entry_changes as (

    select
        cast(entries.posted_month + compared.is_previous * interval 1 month as date) as posted_month,
        entries.{{ line[1:] | join(',\n        entries.') }},
        case
            when not entries.is_correction then 'other'
            when late.posted_month is not null then 'late'
            else 'correction'
        end as cause,
        case compared.is_previous when 1 then -entries.amount_usd else entries.amount_usd end as change_usd
    from entries
    left join late_postings as late on {{ are_same('entries', 'late', late_key) }}
    cross join compared_months as compared

),

monthly_usage as (

    select
        cast(usage.posted_month + compared.is_previous * interval 1 month as date) as posted_month,
        usage.{{ line[1:] | join(',\n        usage.') }},
        usage.meter,
        usage.waste_kind is not null as is_waste,
        sum(case compared.is_previous when 0 then usage.amount_usd else 0 end) as amount_usd,
        sum(case compared.is_previous when 1 then usage.amount_usd else 0 end) as previous_usd,
        -- In thousandths, since a call that several share counts for each in part.
        {{ whole_number('sum(case compared.is_previous when 0 then usage.quantity else 0 end) * 1000') }} as quantity,
        {{ whole_number('sum(case compared.is_previous when 1 then usage.quantity else 0 end) * 1000') }}
            as previous_quantity
    from {{ ref('int_metered_costs_daily') }} as usage
    cross join compared_months as compared
    group by
        cast(usage.posted_month + compared.is_previous * interval 1 month as date),
        usage.{{ line[1:] | join(', usage.') }}, usage.meter, usage.waste_kind is not null

),

{% set of_model = 'over (partition by posted_month, provider, model, meter, is_waste)' %}
usage_of_models as (

    select
        *,
        sum(previous_usd) {{ of_model }} as model_previous_usd,
        sum(previous_quantity) {{ of_model }} as model_previous_quantity
    from monthly_usage

),

-- Revalue last month's cost at this month's quantities. An account that did not use the model last month counts at the
-- model's price of that month: before a bill comes, accruals may know no account. A meter that is new, or not used any
-- more, is all volume.
valued_usage as (

    select
        *,
        case
            when quantity = 0 or model_previous_quantity = 0 then amount_usd
            when previous_quantity = 0
                then {{ floored_part('model_previous_usd', 'quantity', 'model_previous_quantity') }}
            else {{ floored_part('previous_usd', 'quantity', 'previous_quantity') }}
        end as at_volume_usd
    from usage_of_models
    where
        posted_month not in (select retired.posted_month from retired_months as retired)
        and cast(posted_month - interval 1 month as date) not in (
            select retired.posted_month from retired_months as retired
        )

),

usage_changes as (

    {% for cause, change in [
        ('volume', 'at_volume_usd - previous_usd'), ('price', 'amount_usd - at_volume_usd'),
        ('waste', 'amount_usd - previous_usd')
    ] %}
        select
            {{ line | join(',\n            ') }},
            '{{ cause }}' as cause,
            {{ change }} as change_usd
        from valued_usage
        where {{ '' if cause == 'waste' else 'not ' }}is_waste
        {% if not loop.last %}
            union all
        {% endif %}
    {% endfor %}

),

-- A month's money that its calls' usage does not explain is `other`.
changes as (

    select * from entry_changes

    union all

    select * from usage_changes

    union all

    select
        {{ line | join(',\n        ') }},
        'other' as cause,
        -change_usd as change_usd
    from usage_changes

)

select
    changes.posted_month as month,
    {% for column in line[1:] -%}
        changes.{{ column }},
    {% endfor -%}
    changes.cause,
    cast(
        case changes.cause
            {% for cause in causes -%}
                when '{{ cause }}' then {{ loop.index }}
            {% endfor %}
        end as bigint
    ) as cause_no,
    {{ money('sum(changes.change_usd)') }} as change_usd
from changes
cross join months
where changes.posted_month > months.first_month and changes.posted_month <= months.last_month
group by changes.{{ line | join(', changes.') }}, changes.cause
having sum(changes.change_usd) != 0
