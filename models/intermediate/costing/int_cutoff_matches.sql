{{ replaces_touched("usage_on", by="matched_day") }}
{% set same = 'partition by provider, match_account_id, match_key, match_rate, model, meter order by usage_on' %}
{% set tomorrow = 'lead(usage_on) over (' ~ same ~ ') = usage_on + 1' %}
{% set yesterday = 'lag(usage_on) over (' ~ same ~ ') = usage_on - 1' %}
{% set columns = [
    'group_id', 'provider', 'match_account_id', 'match_key', 'match_rate', 'match_level', 'account_id', 'usage_on',
    'model', 'meter', 'charges', 'billed_quantity', 'billed_usd', 'traced_quantity', 'priced_usd',
    'excluded_quantity', 'excluded_usd', 'charged_quantity', 'matched_quantity', 'is_matched', 'is_provisional',
    'rounding_usd', 'attributed_usd', 'is_bought_at_book', 'explained_usd', 'unseen_quantity'
] %}
with members as (

    select
        members.*,
        {{ unseen_quantity('members.quantity', 'sampled.adjusted_count') }} as unseen_quantity
    from {{ ref('int_match_members') }} as members
    left join {{ ref('int_sampled_calls') }} as sampled
        on members.side = 'call' and members.call_key = sampled.call_key

),

match_groups as (

    select
        provider,
        match_account_id,
        match_key,
        match_rate,
        usage_on,
        model,
        meter,
        min(match_level) as match_level,
        case when count(distinct account_id) filter (where side = 'charge') > 1 then 'multiple' else coalesce(
            min(account_id) filter (where side = 'charge'), min(account_id)
        ) end as account_id,
        count(*) filter (where side = 'charge') as charges,
        count(*) filter (where side = 'charge' and is_rounded) as rounded_charges,
        coalesce(bool_or(is_provisional), false) as is_provisional,
        -- Usage that a usage file counts was billed only if there is a charge.
        cast(case when count(*) filter (where side = 'charge') > 0 then coalesce(
            nullif(sum(quantity) filter (where side = 'charge'), 0), sum(quantity) filter (where side = 'usage'), 0
        ) else 0 end as bigint) as billed_quantity,
        {{ money("coalesce(sum(amount_usd) filter (where side = 'charge'), 0)") }} as billed_usd,
        {{ money("coalesce(sum(amount_usd) filter (where side = 'charge' and amount_usd > 0), 0)") }} as positive_usd,
        {{ money("coalesce(sum(amount_usd) filter (where side = 'charge' and amount_usd > 0 and quantity > 0), 0)") }}
            as counted_usd,
        cast(coalesce(sum(quantity) filter (where side = 'call' and not is_excluded), 0) as bigint) as traced_quantity,
        {{ sum_of_unseen('case when not is_excluded then unseen_quantity end') }} as unseen_quantity,
        {{ money("sum(amount_usd) filter (where side = 'call' and not is_excluded)") }} as priced_usd,
        -- Calls whose response ids are missing on a bill that lists response ids.
        cast(coalesce(sum(quantity) filter (where is_excluded), 0) as bigint) as excluded_quantity,
        {{ money('sum(amount_usd) filter (where is_excluded)') }} as excluded_usd
    from members
    group by provider, match_account_id, match_key, match_rate, usage_on, model, meter
    having count(*) filter (where side != 'usage') > 0

),

-- If neither the charge nor a usage file states a quantity, derive it from the money at book prices.
charged_groups as (

    select
        *,
        case
            when charges = 0 then 0
            -- If only some charges state a quantity, assume the same unit price for the others.
            when billed_quantity > 0 and counted_usd > 0 and counted_usd < positive_usd
                then {{ whole_ratio('positive_usd', 'billed_quantity', 'counted_usd') }}
            when billed_quantity > 0 then billed_quantity
            -- A total below the book's prices of its calls scales them down.
            when meter = 'total' and billed_usd <= coalesce(priced_usd, 0) then traced_quantity
            when billed_usd > 0 and priced_usd > 0
                then {{ whole_ratio('billed_usd', 'traced_quantity', 'priced_usd') }}
            else traced_quantity
        end as charged_quantity
    from match_groups

),

-- Money that buys all calls and no whole unit more is their price but for rounding, up to half a cent. More than that
-- is another price.
bought_groups as (

    select
        *,
        charges > 0 and billed_quantity = 0 and billed_usd > 0 and coalesce(priced_usd, 0) > 0
        and (charged_quantity != traced_quantity or billed_usd - priced_usd <= 0.005)
        and not (meter = 'total' and billed_usd < priced_usd) as is_bought_at_book
    from charged_groups

),

-- If the provider rounds each line to cents, the book's price of the quantity is closer to the truth than the line.
explained_groups as (

    select
        *,
        least(charged_quantity, traced_quantity) as matched_quantity,
        case
            when
                rounded_charges > 0
                and abs(billed_usd - {{ floored_part('priced_usd', 'billed_quantity', 'traced_quantity') }})
                <= 0.005 * rounded_charges
                and billed_quantity > 0
                then {{ floored_part('priced_usd', 'billed_quantity', 'traced_quantity') }}
            when is_bought_at_book and charged_quantity = traced_quantity then priced_usd
            else billed_usd
        end as explained_usd
    from bought_groups

),

matched_groups as (

    select
        *,
        {{ entry_key([
            'provider', 'match_account_id', 'match_key', 'match_rate', 'usage_on', 'model', 'meter'
        ]) }} as group_id,
        charges > 0 and traced_quantity > 0 as is_matched,
        billed_usd - explained_usd as rounding_usd,
        case
            when traced_quantity = 0 or charges = 0 then {{ money('0') }}
            -- Traced usage covers the whole charge: attribute all of it, including model-level credits.
            when charged_quantity <= traced_quantity then explained_usd
            when meter = 'total' then priced_usd
            else {{ floored_part('explained_usd', 'traced_quantity', 'charged_quantity') }}
        end as attributed_usd
    from explained_groups

),

-- Keep the rows of days that this build does not match again, because matched days exchange usage with them: with two
-- days to either side.
all_groups as (

    select
        {{ columns | join(',\n        ') }}
    from matched_groups
    where {{ is_touched('usage_on', 'matched_day') }}

    {% if builds_on() %}
        union all

        select
            {{ columns | join(',\n            ') }}
        from {{ this }}
        where
            not ({{ is_touched('usage_on', 'matched_day') }})
            and usage_on in (
                select cast(read.day + steps.days * interval 1 day as date)
                from {{ ref('int_days_read') }} as read
                cross join (values (-2), (-1), (1), (2)) as steps (days)
                where read.is_matched
            )
    {% endif %}

),

groups as (

    select
        *,
        case when is_provisional and charges = 0 then 0 else traced_quantity - matched_quantity end as over_quantity,
        case when explained_usd > attributed_usd then charged_quantity - matched_quantity else 0 end as under_quantity,
        explained_usd - attributed_usd as under_usd
    from all_groups

),

-- A call before midnight may be billed on the next day, so over-traced usage takes what is untraced there.
shifted_forward as (

    select
        *,
        case
            when {{ tomorrow }}
                then least(over_quantity, lead(under_quantity) over ({{ same }}))
            else 0
        end as forward_quantity
    from groups

),

-- Calls that are still over-traced then use the untraced charges of the previous day.
shifted_backward as (

    select
        *,
        case when {{ yesterday }} then lag(forward_quantity) over ({{ same }}) else 0 end as given_back_quantity,
        case when {{ yesterday }} then least(
            over_quantity - forward_quantity,
            lag(under_quantity) over ({{ same }})
            - case
                when lag(usage_on, 2) over ({{ same }}) = usage_on - 2
                    then lag(forward_quantity, 2) over ({{ same }})
                else 0
            end
        ) else 0 end as backward_quantity
    from shifted_forward

),

exchanged_quantities as (

    select
        *,
        case when {{ tomorrow }} then lead(backward_quantity) over ({{ same }}) else 0 end as given_ahead_quantity
    from shifted_backward

),

exchanged_amounts as (

    select
        *,
        case when forward_quantity > 0 then {{ floored_part(
            'lead(under_usd) over (' ~ same ~ ')', 'forward_quantity', 'lead(under_quantity) over (' ~ same ~ ')'
        ) }} else 0 end as forward_usd,
        case when backward_quantity > 0 then {{ floored_part(
            'lag(under_usd) over (' ~ same ~ ')', 'backward_quantity', 'lag(under_quantity) over (' ~ same ~ ')'
        ) }} else 0 end as backward_usd,
        {% for given in ['given_back', 'given_ahead'] %}
            case
                when {{ given }}_quantity > 0
                    then {{ floored_part('under_usd', given ~ '_quantity', 'under_quantity') }}
                else 0
            end as {{ given }}_usd,
        {% endfor %}
        case when given_back_quantity > 0 then lag(group_id) over ({{ same }}) end as group_before,
        case when given_ahead_quantity > 0 then lead(group_id) over ({{ same }}) end as group_after
    from exchanged_quantities

),

-- The rest of the charges pays for calls that a sampler dropped, up to the quantity that kept calls stand for.
sampled_quantities as (

    select
        *,
        case when is_matched then least(
            unseen_quantity, greatest(under_quantity - given_back_quantity - given_ahead_quantity, 0)
        ) else 0 end as sampled_quantity
    from exchanged_amounts

)

select
    {{ all_but('', ['forward_quantity', 'backward_quantity', 'forward_usd', 'backward_usd', 'under_usd']) }},
    {{ money('attributed_usd + forward_usd + backward_usd') }} as taken_usd,
    -- Amounts that calls take across a month's end are on the other month's bill.
    {{ money("""case
        when usage_on = last_day(usage_on) then forward_usd when day(usage_on) = 1 then backward_usd else 0
    end""") }} as cutoff_usd,
    {{ money('attributed_usd + given_back_usd + given_ahead_usd') }} as given_usd,
    forward_quantity + backward_quantity as shifted_quantity,
    case when sampled_quantity > 0 then {{ floored_part(
        '(under_usd - given_back_usd - given_ahead_usd)', 'sampled_quantity',
        'under_quantity - given_back_quantity - given_ahead_quantity'
    ) }} else {{ money('0') }} end as sampled_usd
from sampled_quantities
where {{ is_touched('usage_on', 'matched_day') }}
