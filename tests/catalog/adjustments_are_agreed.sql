-- An adjustment moves cost from one team to another, in a month, with a reason and somebody who approved it: a row that
-- says less, or moves nothing, is an error.
with adjustments as (

    select * from {{ ref('adjustments') }}

),

teams as (

    select team_id from {{ ref('teams') }}

    {% for team in var('reserved_names')['team'] %}
        union all

        select '{{ team }}' as team_id
    {% endfor %}

),

judged as (

    select
        *,
        case
            when month is null or month != date_trunc('month', month)
                then 'month is the first day of the month, 2026-10-01'
            when coalesce(amount_usd, 0) <= 0 then 'amount_usd is more than 0; the other way round, change the teams'
            when from_team is null or to_team is null or from_team = to_team
                then 'from_team bears less and to_team more: two teams, both filled'
            when from_team not in (select teams.team_id from teams) then 'from_team is not in teams.csv'
            when to_team not in (select teams.team_id from teams) then 'to_team is not in teams.csv'
            when reason is null then 'reason is empty: say what was settled'
            when approved_by is null then 'approved_by is empty: say who approved it'
        end as problem
    from adjustments

)

select
    problem,
    month,
    from_team,
    to_team,
    amount_usd,
    reason,
    approved_by
from judged
where problem is not null
