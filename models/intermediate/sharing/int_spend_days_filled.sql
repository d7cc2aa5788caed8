-- one row per day and team or feature, from the month of its first spend or budget to the newest day in the data
with spend as (

    {% for scope, scope_id in [('team', 'bearer_team_id'), ('feature', 'originating_feature_id')] %}
        select
            '{{ scope }}' as scope,
            {{ scope_id }} as scope_id,
            spent_on,
            coalesce(sum(borne_usd), 0) as borne_usd
        from {{ ref('spend_daily') }}
        -- Calls without a time stand under 1970.
        where spent_on > date '1970-01-01'
        group by {{ scope_id }}, spent_on
        {% if not loop.last %}
            union all
        {% endif %}
    {% endfor %}

),

-- A purchase is borne over days to come: they are no days in the data.
newest as (

    select
        coalesce(max(spent_on) filter (where scope = 'feature' and scope_id != 'invoice_only'), max(spent_on)) as day,
        cast(date_trunc('month', min(spent_on)) as date) as first_month
    from spend

),

known as (

    select
        scope,
        scope_id,
        spent_on as first_on,
        cast(date_trunc('month', spent_on) as date) as begins_on
    from spend

    union all

    select
        budgets.scope,
        budgets.scope_id,
        cast(null as date) as first_on,
        greatest(cast(date_trunc('month', budgets.month) as date), newest.first_month) as begins_on
    from {{ ref('budgets') }} as budgets
    cross join newest

),

begun as (

    select
        known.scope,
        known.scope_id,
        min(known.first_on) as first_on,
        min(known.begins_on) as begins_on,
        newest.day as newest_on
    from known
    cross join newest
    group by known.scope, known.scope_id, newest.day

),

scopes as (

    select
        *,
        {{ each_day('begins_on', 'newest_on') }} as day
    from begun

)

select
    scopes.scope,
    scopes.scope_id,
    scopes.day,
    scopes.newest_on,
    cast(date_trunc('month', scopes.day) as date) as month,
    {{ days_between("date '1970-01-01'", 'scopes.day') }} % 7 as weekday,
    coalesce(scopes.day >= scopes.first_on, false) as has_begun,
    {{ money('coalesce(spend.borne_usd, 0)') }} as borne_usd
from scopes
left join spend
    on scopes.scope = spend.scope and scopes.scope_id = spend.scope_id and scopes.day = spend.spent_on
