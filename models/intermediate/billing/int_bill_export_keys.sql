{{ config(materialized="kept", meta={"rebuilt_at_news_of": "bills"}) }}
{% set export = ['provider', 'file_kind', 'export_id'] %}
with key_sets as (

    select
        {{ (export + bill_keys()) | join(',\n        ') }},
        bool_or(file_role = 'bill') as is_billed
    from {{ ref('int_bill_line_keys') }}
    group by {{ (export + bill_keys()) | join(', ') }}

),

listed_keys as (

    {% for key in bill_keys() %}
        select
            {{ export | join(',\n            ') }},
            '{{ key }}' as key,
            {{ key }} as value,
            bool_or(is_billed) as is_billed
        from key_sets
        where {{ key }} is not null
        group by {{ (export + [key]) | join(', ') }}
        {% if not loop.last %}
            union all
        {% endif %}
    {% endfor %}

),

filters as (

    select
        files.provider,
        files.file_kind,
        files.export_id,
        requests.filter_key as key,
        requests.filter_value as value,
        bool_or(files.file_role = 'bill' and files.covers_use) as is_billed
    from {{ ref('int_bill_files') }} as files
    inner join {{ ref('int_bill_requests') }} as requests on files.file_id = requests.file_id
    where files.stated_scope = 'filter' and requests.filter_key is not null
    group by files.provider, files.file_kind, files.export_id, requests.filter_key, requests.filter_value

),

exports_with_filter as (

    select distinct {{ export | join(', ') }}
    from filters

),

known_models as (

    select distinct
        provider,
        model_name,
        stated_model as model
    from {{ ref('int_charge_types') }}
    where is_model_known

),

-- A request may name a model by an alias, or by a dated name.
models_in_filters as (

    select distinct
        filters.provider,
        filters.file_kind,
        filters.export_id,
        filters.key,
        coalesce(models.model, {{ without_pattern(
            without_pattern('lower(filters.value)', '[^a-z0-9]'), '([0-9]{8}|latest)$'
        ) }}) as value,
        filters.is_billed
    from filters
    left join known_models as models on filters.provider = models.provider and filters.value = models.model_name
    where filters.key = 'model'

),

-- The filters that an export's requests state are its scope, whatever its lines list.
export_keys as (

    select
        listed_keys.*,
        false as is_filter
    from listed_keys
    left join exports_with_filter on {{ are_same('listed_keys', 'exports_with_filter', export) }}
    where exports_with_filter.export_id is null

    union all

    select
        *,
        true as is_filter
    from filters

    union all

    select
        models.*,
        true as is_filter
    from models_in_filters as models
    left join filters on {{ are_same('models', 'filters', export + ['key', 'value']) }}
    where filters.key is null

),

-- Most exports list the same keys: exports with equal lists share an id.
listings as (

    select
        {{ export | join(',\n        ') }},
        case when bool_or(is_filter) then 'filter ' else '' end
        || md5({{ joined_texts("key || '=' || value", '|', 'key, value') }}) as listing_id
    from export_keys
    group by {{ export | join(', ') }}

)

select
    export_keys.provider,
    export_keys.file_kind,
    export_keys.export_id,
    export_keys.key,
    export_keys.value,
    export_keys.is_filter,
    export_keys.is_billed,
    listings.listing_id
from export_keys
inner join listings on {{ are_same('export_keys', 'listings', export) }}
