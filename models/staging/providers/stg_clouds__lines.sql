-- Lines of FOCUS files and of clouds' own detail, in FOCUS's columns.
{% set columns = ['file_id', 'source_file', 'source_line', 'row_no'] + focus_columns().keys() | list %}
select
    {{ columns | join(',\n    ') }},
    'focus' as file_kind,
    lower(coalesce(nullif(trim(charge_category), ''), 'usage')) = 'usage' as is_use
from {{ source('landed', 'focus') }}

union all

select
    {{ columns | join(',\n    ') }},
    file_kind,
    is_use
from {{ ref('stg_aws__lines') }}

union all

select
    {{ columns | join(',\n    ') }},
    file_kind,
    is_use
from {{ ref('stg_azure__lines') }}

union all

select
    {{ columns | join(',\n    ') }},
    file_kind,
    is_use
from {{ ref('stg_google__lines') }}
