-- Anomalies, burn and unlabelled spend are spend_daily's money, day by day.
with spend as (

    select
        spent_on,
        originating_feature_id as feature_id,
        coalesce(sum(borne_usd), 0) as borne_usd
    from {{ ref('spend_daily') }}
    group by spent_on, originating_feature_id

),

unlabelled as (

    select * from spend
    where feature_id = 'unlabelled'

),

said_unlabelled as (

    select
        spent_on,
        coalesce(sum(borne_usd), 0) as borne_usd
    from {{ ref('unlabelled_spend_daily') }}
    group by spent_on

),

said_anomalies as (

    select
        spent_on,
        feature_id,
        sum(borne_usd) as borne_usd
    from {{ ref('spend_anomalies_daily') }}
    group by spent_on, feature_id

),

newest as (

    select max(spent_on) as day
    from {{ ref('spend_anomalies_daily') }}

),

said as (

    select
        'spend_anomalies_daily' as mart,
        coalesce(spend.spent_on, said.spent_on) as day,
        coalesce(spend.feature_id, said.feature_id) as subject,
        spend.borne_usd as spent_usd,
        said.borne_usd as said_usd
    from spend
    full outer join said_anomalies as said
        on spend.spent_on = said.spent_on and spend.feature_id = said.feature_id
    where coalesce(spend.borne_usd, 0) != coalesce(said.borne_usd, 0)

    union all

    select
        'unlabelled_spend_daily' as mart,
        coalesce(spend.spent_on, said.spent_on) as day,
        'unlabelled' as subject,
        spend.borne_usd as spent_usd,
        said.borne_usd as said_usd
    from unlabelled as spend
    full outer join said_unlabelled as said on spend.spent_on = said.spent_on
    where coalesce(spend.borne_usd, 0) != coalesce(said.borne_usd, 0)

    union all

    {% for scope, scope_id in [('team_id', 'bearer_team_id'), ('feature_id', 'originating_feature_id')] %}
        select
            'budget_burn_daily' as mart,
            burn.burned_on as day,
            burn.{{ scope }} as subject,
            coalesce(sum(spend.borne_usd), 0) as spent_usd,
            burn.month_to_date_usd as said_usd
        from {{ ref('budget_burn_daily') }} as burn
        left join {{ ref('spend_daily') }} as spend
            on
                burn.{{ scope }} = spend.{{ scope_id }}
                and spend.spent_on between date_trunc('month', burn.burned_on) and burn.burned_on
        where burn.{{ scope }} is not null
        group by burn.burned_on, burn.{{ scope }}, burn.month_to_date_usd
        having coalesce(sum(spend.borne_usd), 0) != burn.month_to_date_usd

        {% if not loop.last %}
            union all
        {% endif %}
    {% endfor %}

)

-- Days to come, of purchases, and calls without a time are in no calendar.
select said.*
from said
cross join newest
where said.day between date '1970-01-02' and newest.day
