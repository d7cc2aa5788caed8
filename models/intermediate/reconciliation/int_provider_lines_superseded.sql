-- one row per line of a provider's file that a newer file of its kind speaks for
{{ config(materialized="kept", meta={"rebuilt_at_news_of": "bills"}) }}
with lines as (

    select
        *,
        -- What a line is, to be found again in another download: a cloud's row by all that it names, a call by its id.
        case
            when response_id is not null then response_id
            when file_kind = 'focus'
                then {{ entry_key(['kind_id', 'starts_at', 'ends_at', 'quantity', 'resource', 'invoice_id']) }}
        end as row_id,
        -- A display name, a dated id and an alias are one.
        {{ without_pattern(
            without_pattern('lower(coalesce(model_name, description))', '[^a-z0-9]'), '([0-9]{8}|latest)$'
        ) }} as bare_model,
        {{ has_pattern('api_key', '^(apikey|key|proj|sk|wrkspc)[-_]') }} as is_key_id
    from {{ ref('int_provider_lines_unioned') }}
    where category is distinct from 'bucket'

),

files as (

    select distinct
        provider,
        account_id,
        file_id,
        newness
    from {{ ref('int_provider_files_covering') }}

),

overlapped as (

    select distinct
        lines.line_id,
        lines.file_id,
        covering.file_id as newer_file_id,
        lines.provider,
        lines.account_id,
        lines.charged_on,
        lines.row_id,
        lines.bare_model,
        lines.service_name,
        lines.api_key,
        lines.is_key_id
    from lines
    inner join files
        on lines.provider = files.provider and lines.account_id = files.account_id and lines.file_id = files.file_id
    inner join {{ ref('int_provider_files_covering') }} as covering
        on
            lines.provider = covering.provider
            and lines.account_id = covering.account_id
            and lines.file_kind = covering.file_kind
            and lines.key_scope = covering.key_scope
            and lines.ranks_from <= covering.covers_to
            and lines.ranks_to >= covering.covers_from
            and files.newness < covering.newness

),

{% set keys = 'overlapped.newer_file_id = newer.file_id and overlapped.provider = newer.provider'
    ~ ' and overlapped.account_id = newer.account_id' %}
-- Said again: the same row; of a day's buckets the same model, service and key, where both sides name them (a total
-- names none), and alike (a key's name is no id).
said_again as (

    select
        overlapped.line_id,
        overlapped.newer_file_id
    from overlapped
    inner join lines as newer on {{ keys }} and overlapped.row_id = newer.row_id

    union

    select
        overlapped.line_id,
        overlapped.newer_file_id
    from overlapped
    inner join lines as newer
        on
            {{ keys }}
            and overlapped.charged_on = newer.charged_on
            and coalesce(overlapped.bare_model = newer.bare_model, true)
            and coalesce(overlapped.service_name = newer.service_name, true)
            and coalesce(overlapped.api_key = newer.api_key or overlapped.is_key_id != newer.is_key_id, true)
    where overlapped.row_id is null and newer.row_id is null

),

-- A download that says most of an older one again is a revision of it, also where it took a line back. One that says
-- other things is another part of the bill: of a large export, of other projects, of another endpoint.
revised as (

    select
        overlapped.file_id,
        overlapped.account_id,
        overlapped.newer_file_id
    from overlapped
    left join said_again
        on overlapped.line_id = said_again.line_id and overlapped.newer_file_id = said_again.newer_file_id
    group by overlapped.file_id, overlapped.account_id, overlapped.newer_file_id
    having 2 * count(said_again.line_id) >= count(*)

)

select distinct overlapped.line_id
from overlapped
left join revised
    on
        overlapped.file_id = revised.file_id
        and overlapped.account_id = revised.account_id
        and overlapped.newer_file_id = revised.newer_file_id
left join said_again
    on overlapped.line_id = said_again.line_id and overlapped.newer_file_id = said_again.newer_file_id
where revised.file_id is not null or said_again.line_id is not null
