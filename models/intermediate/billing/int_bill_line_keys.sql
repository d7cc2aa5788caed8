{{ config(materialized="kept", meta={"rebuilt_at_news_of": "bills"}) }}
{% set id_shape = '^(apikey|key|proj|sk|wrkspc)[-_]' %}
with lines as (

    select
        *,
        -- Without a key of its own a line goes by its project, or by the resource that calls name.
        coalesce(api_key, '') not in (coalesce(project, ''), coalesce(split_part(resource, ' | ', 1), '')) as is_key
    from {{ ref('int_bill_lines') }}
    where category is distinct from 'bucket'

),

types as (

    select
        kind_id,
        case when is_model_known then stated_model end as known_model
    from {{ ref('int_charge_types') }}

),

files as (

    select distinct
        provider,
        file_kind,
        file_id,
        export_id
    from {{ ref('int_bill_files') }}

),

-- A key's name is no id: files that list names, and files that list ids, are not compared by them.
keyed as (

    select
        lines.line_id,
        lines.provider,
        lines.account_id,
        lines.bill_account_id,
        lines.file_role,
        lines.file_kind,
        lines.key_scope,
        lines.file_id,
        lines.ranks_from,
        lines.ranks_to,
        files.export_id,
        case when lines.is_key and {{ has_pattern('lines.api_key', id_shape) }} then lines.api_key end as key_id,
        case when lines.is_key and not {{ has_pattern('lines.api_key', id_shape) }} then lines.api_key end as key_name,
        case when {{ has_pattern('lines.project', id_shape) }} then lines.project end as project_id,
        case when not {{ has_pattern('lines.project', id_shape) }} then lines.project end as project_name,
        -- A display name, a dated id and an alias are one model; a cloud's line names one in a text, or none.
        coalesce(
            types.known_model,
            case
                when lines.file_kind not in {{ cloud_bills() }} then coalesce(
                    {{ without_pattern(
                        without_pattern('lower(lines.model_name)', '[^a-z0-9]'), '([0-9]{8}|latest)$'
                    ) }},
                    lower(lines.description)
                )
            end
        ) as model,
        lines.service_name as service,
        lines.region,
        -- A list of purchases says nothing of use.
        case
            when lines.file_kind in {{ cloud_bills() }}
                then case when lines.category = 'purchase' then 'purchase' else 'use' end
        end as category
    from lines
    inner join files
        on lines.provider = files.provider and lines.file_kind = files.file_kind and lines.file_id = files.file_id
    left join types on lines.kind_id = types.kind_id

),

-- A blank is a key of its own in an export that lists such keys, and no key in one that does not.
used as (

    select
        {% for key in bill_keys() %}
            count({{ key }}) > 0 as lists_{{ key }},
        {% endfor %}
        provider,
        file_kind,
        export_id
    from keyed
    group by provider, file_kind, export_id

),

-- The only key, or project, that a noted request asked for is that of its lines, where they do not say it.
asked_for as (

    {% for key in ['key_id', 'project_id'] %}
        select
            file_id,
            '{{ key }}' as key,
            min(filter_value) as value
        from {{ ref('int_bill_requests') }}
        where filter_key = '{{ key }}'
        group by file_id
        having count(*) = 1
        {% if not loop.last %}
            union all
        {% endif %}
    {% endfor %}

),

completed as (

    select
        {% for key in bill_keys() %}
            {% if key in ['key_id', 'project_id'] %}
                case when used.lists_{{ key }} then coalesce(keyed.{{ key }}, '') else asked_{{ key }}.value end
                    as {{ key }},
            {% else %}
                case when used.lists_{{ key }} then coalesce(keyed.{{ key }}, '') end as {{ key }},
            {% endif %}
        {% endfor %}
        {{ all_but('keyed', bill_keys()) }}
    from keyed
    inner join used
        on keyed.provider = used.provider and keyed.file_kind = used.file_kind and keyed.export_id = used.export_id
    {% for key in ['key_id', 'project_id'] %}
        left join asked_for as asked_{{ key }}
            on keyed.file_id = asked_{{ key }}.file_id and asked_{{ key }}.key = '{{ key }}'
    {% endfor %}

)

select
    *,
    {{ entry_key(bill_keys()) }} as keys_id
from completed
