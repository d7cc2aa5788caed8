{% set same = 'partition by provider, match_account_id, match_key, match_rate, model, meter order by usage_on' %}
{% set tomorrow = 'lead(usage_on) over (' ~ same ~ ') = usage_on + 1' %}
{% set yesterday = 'lag(usage_on) over (' ~ same ~ ') = usage_on - 1' %}
with groups as (

    select
        *,
        case when is_provisional and charges = 0 then 0 else traced_quantity - matched_quantity end as over_quantity,
        case when explained_usd > attributed_usd then charged_quantity - matched_quantity else 0 end as under_quantity,
        explained_usd - attributed_usd as under_usd
    from {{ ref('int_match_groups') }}

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

exchanged_amounts as (

    select
        *,
        case when {{ tomorrow }} then lead(backward_quantity) over ({{ same }}) else 0 end as given_ahead_quantity,
        case when forward_quantity > 0 then {{ floored_part(
            'lead(under_usd) over (' ~ same ~ ')', 'forward_quantity', 'lead(under_quantity) over (' ~ same ~ ')'
        ) }} else 0 end as forward_usd,
        case when backward_quantity > 0 then {{ floored_part(
            'lag(under_usd) over (' ~ same ~ ')', 'backward_quantity', 'lag(under_quantity) over (' ~ same ~ ')'
        ) }} else 0 end as backward_usd,
        case
            when given_back_quantity > 0
                then {{ floored_part('under_usd', 'given_back_quantity', 'under_quantity') }}
            else 0
        end as given_back_usd,
        case
            when {{ tomorrow }} and lead(backward_quantity) over ({{ same }}) > 0
                then {{ floored_part('under_usd', 'lead(backward_quantity) over (' ~ same ~ ')', 'under_quantity') }}
            else 0
        end as given_ahead_usd,
        -- The groups of the adjacent days with usage.
        lag(group_id) over ({{ same }}) as group_before,
        lead(group_id) over ({{ same }}) as group_after
    from shifted_backward

)

select
    *,
    {{ money('attributed_usd + forward_usd + backward_usd') }} as taken_usd,
    -- Amounts that calls take across a month's end are on the other month's bill.
    {{ money("""case
        when usage_on = last_day(usage_on) then forward_usd when day(usage_on) = 1 then backward_usd else 0
    end""") }} as cutoff_usd,
    {{ money('attributed_usd + given_back_usd + given_ahead_usd') }} as given_usd,
    forward_quantity + backward_quantity as shifted_quantity
from exchanged_amounts
