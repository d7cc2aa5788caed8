{% set line, usage = ['posted_month', 'team_id', 'feature_id'], ['meter_family', 'provider', 'model', 'meter'] %}
{% set steps = ['volume', 'tokens', 'cache', 'price', 'model_mix'] %}
{% set causes = steps + ['evaluation', 'waste', 'late', 'correction', 'other'] %}
{% set late_key = ['posted_month', 'incurred_on', 'provider', 'model'] %}
with entries as (

    select * from {{ ref('ledger_entries') }}
    where account = 'ai_cost'

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
posted_changes as (

    select
        cast(entries.posted_month + compared.is_previous * interval 1 month as date) as posted_month,
        entries.team_id,
        entries.feature_id,
        case compared.is_previous when 1 then -entries.amount_usd else entries.amount_usd end as change_usd,
        case
            when entries.corrects_month is not null and late.posted_month is not null then 'late'
            when entries.corrects_month is not null then 'correction'
            when entries.purpose = 'evaluation' then 'evaluation'
            else 'usage'
        end as kind
    from entries
    left join late_postings as late on {{ are_same('entries', 'late', late_key) }}
    cross join compared_months as compared

),

line_changes as (

    select
        posted_month,
        team_id,
        feature_id,
        sum(case when kind = 'late' then change_usd else 0 end) as late,
        sum(case when kind = 'correction' then change_usd else 0 end) as correction,
        sum(case when kind = 'evaluation' then change_usd else 0 end) as evaluation,
        sum(case when kind = 'usage' then change_usd else 0 end) as usage_usd
    from posted_changes
    group by posted_month, team_id, feature_id

),

monthly_usage as (

    select
        cast(usage.posted_month + compared.is_previous * interval 1 month as date) as posted_month,
        usage.bearer_team_id as team_id,
        usage.feature_id,
        usage.waste_kind is not null as is_waste,
        case
            when usage.meter in ('input', 'cache_read', 'cache_write_5m', 'cache_write_1h') then 'input'
            else usage.meter
        end as meter_family,
        usage.provider,
        usage.model,
        usage.meter,
        sum(case compared.is_previous when 0 then usage.amount_usd else 0 end) as amount_usd,
        sum(case compared.is_previous when 1 then usage.amount_usd else 0 end) as previous_usd,
        -- In thousandths, since a call that several share counts for each in part.
        {{ whole_number('sum(case compared.is_previous when 0 then usage.quantity else 0 end) * 1000') }} as quantity,
        {{ whole_number('sum(case compared.is_previous when 1 then usage.quantity else 0 end) * 1000') }}
            as previous_quantity
    from {{ ref('int_metered_costs_daily') }} as usage
    cross join compared_months as compared
    where usage.purpose != 'evaluation'
    group by
        cast(usage.posted_month + compared.is_previous * interval 1 month as date), usage.bearer_team_id,
        usage.feature_id, usage.waste_kind is not null, usage.provider, usage.model, usage.meter

),

comparable_usage as (

    select * from monthly_usage
    where
        posted_month not in (select retired.posted_month from retired_months as retired)
        and cast(posted_month - interval 1 month as date) not in (
            select retired.posted_month from retired_months as retired
        )

),

measured_usage as (

    select
        *,
        sum(case when meter = 'call' then quantity else 0 end) over line as line_quantity,
        sum(case when meter = 'call' then previous_quantity else 0 end) over line as line_previous_quantity,
        sum(quantity) over family as family_quantity,
        sum(previous_quantity) over family as family_previous_quantity,
        sum(quantity) over of_model as model_quantity,
        sum(previous_quantity) over of_model as model_previous_quantity
    from comparable_usage
    where not is_waste
    window
        line as (partition by {{ line | join(', ') }}),
        family as (partition by {{ (line + usage[:1]) | join(', ') }}),
        of_model as (partition by {{ (line + usage[:3]) | join(', ') }})

),

-- Revalue last month's cost with one measure after another at this month's level. A new feature is all volume, a new
-- meter family all tokens, a new model all mix.
revalued_usage as (

    select
        *,
        {{ floored_part('previous_usd', 'line_quantity', 'line_previous_quantity') }} as at_volume_usd,
        {{ floored_part('previous_usd', 'family_quantity', 'family_previous_quantity') }} as at_tokens_usd,
        {{ floored_part(
            floored_part('previous_usd', 'family_quantity', 'family_previous_quantity'), 'quantity', 'previous_quantity'
        ) }} as at_meter_usd,
        {{ floored_part(
            floored_part('amount_usd', 'model_previous_quantity', 'model_quantity'),
            'family_quantity', 'family_previous_quantity'
        ) }} as at_price_usd
    from measured_usage

),

valued_usage as (

    select
        *,
        case when line_previous_quantity = 0 then amount_usd else at_volume_usd end as volume_usd,
        case
            when line_previous_quantity = 0 or family_previous_quantity = 0 then amount_usd
            else at_tokens_usd
        end as tokens_usd,
        case
            when line_previous_quantity = 0 or family_previous_quantity = 0 then amount_usd
            when model_previous_quantity = 0 then 0
            when model_quantity = 0 then at_tokens_usd
            when previous_quantity = 0 then at_price_usd
            else {{ floored_part('at_meter_usd', 'model_previous_quantity', 'model_quantity') }}
        end as cache_usd,
        case
            when line_previous_quantity = 0 or family_previous_quantity = 0 then amount_usd
            when model_previous_quantity = 0 then 0
            when model_quantity = 0 then at_tokens_usd
            else at_price_usd
        end as price_usd,
        amount_usd as model_mix_usd
    from revalued_usage

),

usage_changes as (

    select
        {{ line | join(', ') }},
        {% for step in steps -%}
            sum({{ step }}_usd - {{ 'previous' if loop.first else steps[loop.index0 - 1] }}_usd) as {{ step }},
        {% endfor -%}
        sum(amount_usd - previous_usd) as usage_usd
    from valued_usage
    group by {{ line | join(', ') }}

),

waste_changes as (

    select
        {{ line | join(', ') }},
        sum(amount_usd - previous_usd) as waste
    from comparable_usage
    where is_waste
    group by {{ line | join(', ') }}

),

changes as (

    select
        lines.posted_month,
        lines.team_id,
        lines.feature_id,
        {% for step in steps -%}
            {{ money('round(coalesce(by_usage.' ~ step ~ ', 0), 9)') }} as {{ step }},
        {% endfor -%}
        coalesce(by_usage.usage_usd, 0) as usage_usd,
        lines.evaluation,
        coalesce(by_waste.waste, 0) as waste,
        lines.late,
        lines.correction,
        lines.usage_usd - coalesce(by_usage.usage_usd, 0) - coalesce(by_waste.waste, 0) as other
    from line_changes as lines
    left join usage_changes as by_usage on {{ are_same('lines', 'by_usage', line) }}
    left join waste_changes as by_waste on {{ are_same('lines', 'by_waste', line) }}
    cross join months
    where lines.posted_month > months.first_month and lines.posted_month <= months.last_month

),

-- Usage's causes are rounded to a billionth of a dollar; the largest takes what rounding leaves.
by_cause as (

    {% for cause in causes %}
        select
            {{ line | join(', ') }},
            '{{ cause }}' as cause,
            {{ loop.index }} as cause_no,
            {{ cause }} as change_usd,
            {% if cause in steps %}usage_usd - ({{ steps | join(' + ') }}){% else %}0{% endif %} as remainder_usd
        from changes
        {% if not loop.last %}
            union all
        {% endif %}
    {% endfor %}

),

rounded as (

    select
        *,
        row_number() over (
            partition by {{ line | join(', ') }}, cause_no <= {{ steps | length }}
            order by abs(change_usd) desc, cause_no
        ) as place
    from by_cause

),

explained as (

    select
        *,
        {{ money('change_usd + case when place = 1 then remainder_usd else 0 end') }} as explained_usd
    from rounded

)

select
    posted_month as month,
    feature_id,
    team_id,
    cause,
    cast(cause_no as bigint) as cause_no,
    explained_usd as change_usd
from explained
where explained_usd != 0
