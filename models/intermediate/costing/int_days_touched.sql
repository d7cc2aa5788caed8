{{ config(materialized=table_that_asks_itself()) }}
with groups as (

    select
        usage_on as day,
        sum(cast({{ row_key('line') }} as decimal(38, 0))) as total
    from (
        select
            usage_on,
            {{ entry_key([
                'group_id', 'taken_usd', 'given_usd', 'cutoff_usd', 'shifted_quantity', 'sampled_usd'
            ]) }} as line
        from {{ ref('int_cutoff_matches') }}
    ) as said
    group by usage_on

),

days as (

    select
        read.day,
        read.is_changed,
        groups.total as groups_total
    from {{ ref('int_days_read') }} as read
    left join groups on read.day = groups.day

)

select
    days.day,
    days.groups_total,
    {% if builds_on() %}
        days.is_changed
        or days.groups_total is distinct from before.groups_total
        -- The charges of adjacent days decide who pays for what a day's calls took from them.
        or days.day in (
            select groups.usage_on
            from {{ ref('int_cutoff_matches') }} as groups
            inner join days as beside
                on beside.is_changed and beside.day between groups.usage_on - 1 and groups.usage_on + 1
            where groups.shifted_quantity > 0
        ) as is_touched
    from days
    left join {{ this }} as before on days.day = before.day
    {% else %}
        true as is_touched
    from days
    {% endif %}
