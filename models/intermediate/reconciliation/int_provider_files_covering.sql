-- one row per file, account, key and stretch of time that the file speaks for, with its rank among files
{{ config(materialized="kept", meta={"rebuilt_at_news_of": "bills"}) }}
{% set kind_places = {
    'focus': 1000, 'openai_costs': 2000, 'anthropic_costs': 2000, 'openrouter_activity': 3000, 'openrouter_daily': 4000,
    'github_usage': 2000, 'copilot_usage': 3000, 'cursor_usage': 3000, 'databricks_usage': 2000,
    'snowflake_currency': 2000, 'snowflake_metering': 2500, 'snowflake_cortex': 3000, 'charges': 9000
} %}
with stated as (

    select distinct
        file_role,
        provider,
        account_id,
        bill_account_id,
        is_account_unknown,
        file_kind,
        key_scope,
        file_id,
        covers_from,
        covers_to
    from {{ ref('int_provider_lines_unioned') }}
    where covers_from is not null

),

stretches as (

    select
        *,
        max(covers_to) over (partition by provider, account_id, file_id) as period_end
    from stated

),

files as (

    select
        file_id,
        landing_no,
        {{ exported_on('source_file') }} as exported_on
    from {{ source('landed', 'files') }}

),

bill_sources as (

    select * from {{ ref('bill_sources') }}

),

-- Which kind is the bill: what the company decided, else FOCUS, costs, a row per call, a row per day.
places as (

    select
        kinds.provider,
        kinds.account_id,
        kinds.file_kind,
        coalesce(min(bill_sources.priority), case kinds.file_kind
            {% for kind, place in kind_places.items() %}
                when '{{ kind }}' then {{ place }}
            {% endfor %}
        end) as place
    from (select distinct
        provider,
        account_id,
        file_kind
    from stretches) as kinds
    left join bill_sources
        on
            kinds.file_kind = bill_sources.file_kind
            and {{ matches('kinds.provider', 'bill_sources.provider') }}
            and {{ matches('kinds.account_id', 'bill_sources.account_id') }}
    group by kinds.provider, kinds.account_id, kinds.file_kind

)

select
    stretches.file_role,
    stretches.provider,
    stretches.account_id,
    stretches.bill_account_id,
    stretches.is_account_unknown,
    stretches.file_kind,
    stretches.key_scope,
    stretches.file_id,
    stretches.covers_from,
    stretches.covers_to,
    places.place,
    -- The newest file: latest period end, then the export date in its name, then landing, then content.
    dense_rank() over (
        partition by stretches.provider, stretches.account_id, stretches.file_kind
        order by {{ in_order('stretches.period_end, files.exported_on, files.landing_no, stretches.file_id') }}
    ) as newness
from stretches
inner join files on stretches.file_id = files.file_id
inner join places
    on
        stretches.provider = places.provider
        and stretches.account_id = places.account_id
        and stretches.file_kind = places.file_kind
