-- A journal's leg has one GL account and one cost center: of the rows that fit, that with most of purpose and team
-- filled gives it, and two that fill as many are an error. So are rows that no leg fits, and rows that state nothing.
with rules as (

    select * from {{ ref('gl_accounts') }}

),

stated as (

    {% for code in ['gl_account', 'cost_center'] %}
        select
            '{{ code }}' as code,
            account,
            purpose,
            team_id
        from rules
        where {{ code }} is not null
        {% if not loop.last %}
            union all
        {% endif %}
    {% endfor %}

),

repeated as (

    select
        code,
        account,
        purpose,
        team_id
    from stated
    group by code, account, purpose, team_id
    having count(*) > 1

),

-- A row of a purpose and one of a team both fit the team's legs of that purpose.
crossing as (

    select distinct
        of_purpose.code,
        of_purpose.account,
        of_purpose.purpose,
        of_team.team_id
    from stated as of_purpose
    inner join stated as of_team on of_purpose.code = of_team.code and of_purpose.account = of_team.account
    left join stated as of_both
        on
            of_purpose.code = of_both.code
            and of_purpose.account = of_both.account
            and of_purpose.purpose = of_both.purpose
            and of_team.team_id = of_both.team_id
    where
        of_purpose.purpose is not null and of_purpose.team_id is null
        and of_team.purpose is null and of_team.team_id is not null
        and of_both.account is null

),

unfit as (

    select
        rules.*,
        case
            when
                rules.account is null
                or rules.account not in ('ai_cost', 'provider_payable', 'accrued_payable', 'prepaid', 'rounding')
                then 'account is ai_cost, provider_payable, accrued_payable, prepaid or rounding'
            when coalesce(rules.purpose, 'unknown') not in ('production', 'evaluation', 'development', 'unknown')
                then 'purpose is production, evaluation, development or unknown; empty matches all'
            when rules.gl_account is null and rules.cost_center is null
                then 'the row states neither gl_account nor cost_center'
            when
                rules.team_id is not null and teams.team_id is null
                and rules.team_id not in {{ reserved_names('team') }}
                and (select count(*) from {{ ref('teams') }}) > 0
                then 'team_id is not in teams.csv'
        end as problem
    from rules
    left join {{ ref('teams') }} as teams on rules.team_id = teams.team_id

)

select
    problem,
    account,
    purpose,
    team_id,
    purpose as other_purpose,
    team_id as other_team_id
from unfit
where problem is not null

union all

select
    code || ' stands more than once for the same account, purpose and team' as problem,
    account,
    purpose,
    team_id,
    purpose as other_purpose,
    team_id as other_team_id
from repeated

union all

select
    'these rows fit the same legs equally: add a row of ' || account || ', ' || purpose || ', ' || team_id
    || ' that states ' || code as problem,
    account,
    purpose,
    cast(null as string) as team_id,
    cast(null as string) as other_purpose,
    team_id as other_team_id
from crossing
