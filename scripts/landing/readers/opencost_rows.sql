-- A row for each resource of an allocation that costs, after opencost_json.sql or opencost_csv.sql. What the resources
-- do not explain of the stated total is a row `other`, so that the rows add up to it.
, checked as (

    select
        *,
        coalesce(regexp_extract(name, '__(?:idle|unallocated|unmounted|shared|external)__'), '') as mark,
        concat_ws(' / ', nullif(concat_ws('/', controller_kind, controller), ''), pod, container) as told_by,
        coalesce(
            refusal,
            case
                when namespace is null and mark = ''
                    then 'an aggregate without a namespace, so that nobody knows its service; ask with '
                        || 'aggregate=namespace, or without aggregate'
            end,
            case when total is null then total_name || ' is blank; export that day again' end,
            list_filter(
                list_prepend(
                    allocation_cost_fault(total, total_name, false),
                    flatten(list_transform(parts, lambda part: list_append(
                        list_transform(
                            list_zip(part.names, part.stated),
                            lambda pair: allocation_cost_fault(pair[2], pair[1], ends_with(pair[1], 'Adjustment'))
                        ),
                        allocation_hours_fault(part.quantity, part.quantity_name)
                    )))
                ),
                lambda fault: fault is not null
            )[1] || '; export that day again, or correct the file'
        ) as fault
    from allocations

),

costed as (

    select
        *,
        coalesce(allocation_cost(total), cast(0 as decimal(38, 18))) as total_amount,
        list_transform(parts, lambda part: {
            'resource': part.resource,
            'meter': part.meter,
            'amount': list_sum(list_transform(
                part.stated, lambda stated: coalesce(allocation_cost(stated), cast(0 as decimal(38, 18)))
            )),
            'quantity': allocation_hours(part.quantity, part.times, part.gib)
        }) as costs
    from checked

),

explained as (

    select
        *,
        list_append(
            list_filter(costs, lambda cost: cost.amount != 0),
            {
                'resource': 'other',
                'meter': 'other',
                'amount': total_amount
                - cast(list_sum(list_transform(costs, lambda cost: cost.amount)) as decimal(38, 18)),
                'quantity': cast(null as varchar)
            }
        ) as rows_of_allocation
    from costed

),

-- An allocation that costs nothing keeps a row, which says that the file covers its days.
parted as (

    select
        *,
        unnest(case
            when fault is not null then rows_of_allocation[-1:]
            when len(rows_of_allocation) = 1 then rows_of_allocation
            else list_filter(rows_of_allocation, lambda cost: cost.amount != 0)
        end) as cost
    from explained

)

select
    file_no,
    source_line,
    cast(json_object(
        'refused_because', case when is_page_refused then fault else entry || fault end,
        'file_kind', 'opencost_allocations',
        'provider', 'opencost',
        'account_id', cluster,
        'start_time', start_time,
        'end_time', end_time,
        'service', coalesce(namespace, nullif(mark, '')),
        'sku', cost.resource,
        'meter', cost.meter,
        'quantity', case when fault is null then cost.quantity end,
        -- A refused allocation keeps its total, so that the missing money can be named.
        'amount', cast(case when fault is null then cost.amount else allocation_cost(total) end as varchar),
        'description', case
            when told_by = '' then name
            when mark != '' and not contains(told_by, mark) then told_by || ' / ' || name
            else told_by
        end,
        'tags', tags
    ) as varchar) as document
from parted
