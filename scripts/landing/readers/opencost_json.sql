-- Allocations of OpenCost's and Kubecost's API: pages (/allocation/compute, /model/allocation), their sets of a window
-- each, or allocations alone.
with pages as (

    select
        file_no,
        source_line,
        cast(document as json) as page
    from documents

),

paged as (

    select
        *,
        page ->> '$.code' as code,
        json_type(page, '$.data') as data_type,
        json_exists(page, '$.cpuCost') and json_exists(page, '$.ramCost') as is_allocation,
        -- A namespace may be called `data`, in a set of allocations by their names.
        coalesce(json_type(page, '$.code') in ('UBIGINT', 'BIGINT'), false)
        or (json_exists(page, '$.data') and not json_exists(page, '$.data.cpuCost')) as is_page
    from pages

),

-- An answer that states an error may lack allocations, whatever it holds.
judged as (

    select
        *,
        case
            when not is_page then null
            when code != '200'
                then 'the page states an error (code ' || left(code, 10) || '): its allocations may not be all; ask '
                    || 'again, and land what is answered then'
            when coalesce(data_type, 'NULL') not in ('ARRAY', 'OBJECT')
                then 'a page without data, which says nothing of any allocation; ask again, and land what is '
                    || 'answered then'
        end as page_fault
    from paged

),

sets as (

    select
        file_no,
        source_line,
        page_fault,
        is_page,
        is_allocation,
        unnest(list_zip(sets_of_page, range(len(sets_of_page)))) as one
    from (
        select
            *,
            case
                when page_fault is not null then [cast('{"page": {}}' as json)]
                when is_allocation then [page]
                when data_type = 'ARRAY' then json_extract(page, '$.data[*]')
                when is_page then [json_extract(page, '$.data')]
                else [page]
            end as sets_of_page
        from judged
    ) as listed

),

-- A step of which OpenCost knows nothing is null, and so is an allocation that it dropped.
entries as (

    select
        file_no,
        source_line,
        page_fault,
        case when is_page then 'data[' || one[2] || '], ' else '' end as step,
        unnest(case
            when is_allocation then [{ 'key': one[1] ->> '$.name', 'value': one[1] }]
            when json_type(one[1]) = 'OBJECT' then map_entries(cast(one[1] as map(varchar, json)))
            when json_type(one[1]) != 'NULL' then [{ 'key': 'none', 'value': one[1] }]
        end) as entry
    from sets

),

found as (

    select
        file_no,
        source_line,
        page_fault,
        step,
        entry.key as entry_name,
        entry.value as said,
        list_transform(
            json_extract(entry.value, [
                '$.gpuCost', '$.gpuCostAdjustment', '$.gpuHours', '$.cpuCost', '$.cpuCostAdjustment', '$.cpuCoreHours',
                '$.ramCost', '$.ramCostAdjustment', '$.ramByteHours', '$.pvCost', '$.pvCostAdjustment', '$.pvByteHours',
                '$.networkCost', '$.networkCostAdjustment', '$.loadBalancerCost', '$.loadBalancerCostAdjustment',
                '$.sharedCost', '$.externalCost', '$.totalCost'
            ]),
            -- A null stays a word here: OpenCost writes it for what is no number.
            lambda cell: trim(cast(cell as varchar), '"')
        ) as cells,
        json_extract_string(entry.value, [
            '$.window.start', '$.window.end', '$.properties.cluster', '$.properties.namespace',
            '$.properties.controllerKind', '$.properties.controller', '$.properties.pod', '$.properties.container',
            '$.name'
        ]) as words
    from entries
    where entry.value is not null and json_type(entry.value) != 'NULL'

),

allocations as (

    select
        file_no,
        source_line,
        step || 'allocation ''' || left(coalesce(entry_name, words[9], ''), 100) || ''': ' as entry,
        coalesce(
            page_fault,
            case when json_type(said) != 'OBJECT' then 'no allocation stands here; export that window again' end,
            case
                when nullif(text_of(words[1]), 'null') is null or nullif(text_of(words[2]), 'null') is null
                    then 'no window, so that nobody knows which days it is of; ask for it with a window that has a '
                        || 'begin and an end'
                when coalesce(
                    time_fault(words[1], time_of(words[1], null), 'window.start'),
                    time_fault(words[2], time_of(words[2], null), 'window.end')
                ) is not null
                    then coalesce(
                        time_fault(words[1], time_of(words[1], null), 'window.start'),
                        time_fault(words[2], time_of(words[2], null), 'window.end')
                    ) || '; export that window again'
                when time_of(words[2], null) <= time_of(words[1], null)
                    then 'window.end is not after window.start; export that window again'
            end
        ) as refusal,
        page_fault is not null as is_page_refused,
        words[1] as start_time,
        words[2] as end_time,
        text_of(words[3]) as cluster,
        text_of(words[4]) as namespace,
        text_of(words[5]) as controller_kind,
        text_of(words[6]) as controller,
        text_of(words[7]) as pod,
        text_of(words[8]) as container,
        coalesce(text_of(words[9]), text_of(entry_name)) as name,
        nullif(nullif(cast(said -> '$.properties.labels' as varchar), 'null'), '{}') as tags,
        'totalCost' as total_name,
        cells[19] as total,
        [
            {
                'resource': 'gpu', 'meter': 'gpu_hours', 'names': ['gpuCost', 'gpuCostAdjustment'],
                'stated': cells[1:2], 'quantity_name': 'gpuHours', 'quantity': cells[3], 'times': 1, 'gib': false
            },
            {
                'resource': 'cpu', 'meter': 'cpu_core_hours', 'names': ['cpuCost', 'cpuCostAdjustment'],
                'stated': cells[4:5], 'quantity_name': 'cpuCoreHours', 'quantity': cells[6], 'times': 1, 'gib': false
            },
            {
                'resource': 'ram', 'meter': 'ram_gib_hours', 'names': ['ramCost', 'ramCostAdjustment'],
                'stated': cells[7:8], 'quantity_name': 'ramByteHours', 'quantity': cells[9], 'times': 1, 'gib': true
            },
            {
                'resource': 'pv', 'meter': 'pv_gib_hours', 'names': ['pvCost', 'pvCostAdjustment'],
                'stated': cells[10:11], 'quantity_name': 'pvByteHours', 'quantity': cells[12], 'times': 1, 'gib': true
            },
            {
                'resource': 'network', 'meter': 'network', 'names': ['networkCost', 'networkCostAdjustment'],
                'stated': cells[13:14], 'quantity_name': null, 'quantity': null, 'times': 1, 'gib': false
            },
            {
                'resource': 'load_balancer', 'meter': 'load_balancer',
                'names': ['loadBalancerCost', 'loadBalancerCostAdjustment'],
                'stated': cells[15:16], 'quantity_name': null, 'quantity': null, 'times': 1, 'gib': false
            },
            {
                'resource': 'shared', 'meter': 'shared', 'names': ['sharedCost'],
                'stated': cells[17:17], 'quantity_name': null, 'quantity': null, 'times': 1, 'gib': false
            },
            {
                'resource': 'external', 'meter': 'external', 'names': ['externalCost'],
                'stated': cells[18:18], 'quantity_name': null, 'quantity': null, 'times': 1, 'gib': false
            }
        ] as parts
    from found

)
