-- No user is on a plan of the variable free_plans, in any case of letters: free_tier_monthly is empty, or the plan has
-- another name.
{{ config(severity='warn') }}
with plans as (

    select
        count(*) as users,
        sum(case when {{ is_free_plan('plan') }} then 1 else 0 end) as free_users,
        min(plan) as first_plan,
        max(plan) as last_plan
    from {{ ref('stg_product__users') }}

)

select
    users,
    first_plan,
    last_plan,
    'name the plans that cost nothing in variable free_plans of dbt_project.yml' as what_to_do
from plans
where users > 0 and free_users = 0
