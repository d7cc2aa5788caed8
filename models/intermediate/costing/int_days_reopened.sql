with touched as (

    select * from {{ ref('int_traces_touched') }}
    where is_changed

),

ties as (

    select * from {{ ref('int_trace_ties') }}

),

charges as (

    select
        charged_on,
        response_key
    from {{ ref('int_charges') }}

),

bill_days as (

    select * from {{ ref('int_bill_days_totalled') }}

),

evaluated as (

    select * from {{ ref('int_eval_days_totalled') }}

),

{% if builds_on() %}
    changed as (

        select day from bill_days
        where is_changed

    ),

    called as (

        select day from touched

        union

        select day from evaluated
        where is_changed

        union

        -- The calls that changed lines name, and named.
        select day from ties
        where
            tie_key in (
                select response_key from charges
                where charged_on in (select changed.day from changed)
                union
                select call_key from {{ last_built('int_charge_settlements') }}
                where charged_on in (select changed.day from changed)
            )

    ),

    reopened as (

        select day from changed

        union

        {{ billing_days_of('called') }}

        union

        -- The lines that name calls of touched traces.
        select charged_on as day
        from charges
        where
            response_key in (
                select ties.tie_key
                from ties
                inner join touched on ties.trace_key = touched.trace_key
            )

    ),
{% endif %}

days as (

    {{ billing_days_of('ties') }}
    union
    {{ billing_days_of('evaluated') }}
    union
    select day from bill_days
    {% if builds_on() %}
        union
        select day from reopened
    {% endif %}

)

select
    cast(days.day as date) as day,
    {{ 'reopened.day is not null' if builds_on() else 'true' }} as is_reopened
from days
{% if builds_on() %}
    left join reopened on days.day = reopened.day
{% endif %}
where days.day is not null
