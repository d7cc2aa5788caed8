{% set charges = ref('int_charges') %}
{% set first %}
    select
        trace_key,
        true as is_changed
    from {{ ref('stg_telemetry__span_times') }}
    where {{ is_new_file('file_id') }}

    union

    -- What eval runs name, or no longer name, changes its purpose.
    select
        ties.trace_key,
        true as is_changed
    from {{ ref('int_evaluated_ids') }} as evaluated
    inner join {{ ref('int_trace_ties') }} as ties
        on evaluated.kind = ties.kind and evaluated.tie_key = ties.tie_key
    where evaluated.is_changed

    {% if builds_on() %}
        union

        -- A bill that lists a reused id once makes its spans one call; so that they part again when the line is gone.
        select
            grouped.trace_key,
            true as is_changed
        from {{ last_built('int_span_calls') }} as grouped
        left join (
            select distinct response_key
            from {{ charges }}
        ) as charged on grouped.reused_key = charged.response_key
        where grouped.reused_key is not null and grouped.is_on_bill != (charged.response_key is not null)
    {% endif %}
{% endset %}
with recursive ties as (

    select * from {{ ref('int_trace_ties') }}

),

reached as (

    {% if builds_on() %}
        {% call(reached) reached_from('reached', first) %}
            -- A changed trace changes those that it caused. Of what caused it, it reads the labels only.
            select
                others.trace_key,
                reached.is_changed and ties.kind != 'cause' as is_changed
            from {{ reached }}
            inner join {{ ref('int_trace_ties') }} as ties on reached.trace_key = ties.trace_key
            inner join {{ ref('int_trace_ties') }} as others on ties.tie_key = others.tie_key
            where
                (ties.kind = 'call' and others.kind = 'call')
                or (ties.kind in ('claim', 'conversation') and others.kind = 'claim')
                or (ties.kind = 'claim' and others.kind = 'conversation')
                or (ties.kind = 'cause' and others.kind = 'trace')
                or (ties.kind = 'trace' and others.kind = 'cause' and reached.is_changed)
        {% endcall %}
    {% else %}
        -- Where all is built anew, nobody asks.
        select
            trace_key,
            true as is_changed
        from ties
        where false
    {% endif %}

)

select
    ties.trace_key,
    ties.day,
    bool_or(reached.is_changed) as is_changed
from reached
inner join ties on reached.trace_key = ties.trace_key
where ties.day is not null
group by ties.trace_key, ties.day
