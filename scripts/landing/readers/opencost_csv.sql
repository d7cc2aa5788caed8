-- Rows of the CSV that OpenCost's own exporter writes (EXPORT_CSV_FILE), an allocation and day each. Its averages are
-- of the time that an allocation ran, which the file does not state: over a whole day they are the most that it can
-- have used.
with named as (

    select
        file_no,
        source_line,
        list_filter(
            list_transform(map_entries(cast(cast(document as json) as map(varchar, varchar))), lambda cell: {
                'key': trim(cell.key), 'value': text_of(cell.value)
            }),
            lambda cell: cell.value is not null
        ) as pairs
    from documents

),

-- Cells by their names in lower case; only the names of labels keep theirs.
celled as (

    select
        file_no,
        source_line,
        map_from_entries(list_transform(
            list_filter(pairs, lambda cell: lower(cell.key[:6]) != 'label_'),
            lambda cell: { 'key': lower(cell.key), 'value': cell.value }
        )) as cells,
        map_from_entries(list_transform(
            list_filter(pairs, lambda cell: lower(cell.key[:6]) = 'label_'),
            lambda cell: { 'key': cell.key[7:], 'value': cell.value }
        )) as labels
    from named

),

allocations as (

    select
        file_no,
        source_line,
        '' as entry,
        case
            when cells['date'] is null then 'Date is blank; export that day again'
            when time_fault(cells['date'], time_of(cells['date'], null), 'Date') is not null
                then time_fault(cells['date'], time_of(cells['date'], null), 'Date') || '; export that day again'
        end as refusal,
        false as is_page_refused,
        cells['date'] as start_time,
        null as end_time,
        null as cluster,
        cells['namespace'] as namespace,
        cells['controllerkind'] as controller_kind,
        cells['controllername'] as controller,
        cells['pod'] as pod,
        cells['container'] as container,
        null as name,
        case
            when cardinality(labels) = 0 then nullif(cells['labels'], '{}')
            when json_valid(cells['labels'])
                then cast(json_merge_patch(cast(cells['labels'] as json), to_json(labels)) as varchar)
            else cast(to_json(labels) as varchar)
        end as tags,
        'TotalCost' as total_name,
        cells['totalcost'] as total,
        [
            {
                'resource': 'gpu', 'meter': 'gpu_hours', 'names': ['GPUCost'], 'stated': [cells['gpucost']],
                'quantity_name': 'GPUs', 'quantity': cells['gpus'], 'times': 24, 'gib': false
            },
            {
                'resource': 'cpu', 'meter': 'cpu_core_hours', 'names': ['CPUCost'], 'stated': [cells['cpucost']],
                'quantity_name': 'CPUCoreUsageAverage or CPUCoreRequestAverage',
                'quantity': larger_of(cells['cpucoreusageaverage'], cells['cpucorerequestaverage']),
                'times': 24, 'gib': false
            },
            {
                'resource': 'ram', 'meter': 'ram_gib_hours', 'names': ['RAMCost'], 'stated': [cells['ramcost']],
                'quantity_name': 'RAMBytesUsageAverage or RAMBytesRequestAverage',
                'quantity': larger_of(cells['rambytesusageaverage'], cells['rambytesrequestaverage']),
                'times': 24, 'gib': true
            },
            {
                'resource': 'pv', 'meter': 'pv_gib_hours', 'names': ['PVCost'], 'stated': [cells['pvcost']],
                'quantity_name': 'PVBytes', 'quantity': cells['pvbytes'], 'times': 24, 'gib': true
            },
            {
                'resource': 'network', 'meter': 'network', 'names': ['NetworkCost'], 'stated': [cells['networkcost']],
                'quantity_name': null, 'quantity': null, 'times': 24, 'gib': false
            }
        ] as parts
    from celled

)
