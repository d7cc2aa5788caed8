with activity as (

    select * from {{ source('landed', 'openrouter_activity') }}

),

files as (

    select
        file_id,
        landing_no,
        {{ exported_on('source_file') }} as exported_on
    from {{ source('landed', 'files') }}
    where kind = 'openrouter_activity'

),

file_windows as (

    -- An activity file says no period: it covers the time from its first to its last row, per key.
    select
        activity.file_id,
        coalesce(activity.api_key_name, '') as api_key,
        min(activity.created_at) as covers_from,
        max(activity.created_at) as covers_to,
        min(files.exported_on) as exported_on,
        min(files.landing_no) as landing_no
    from activity
    inner join files on activity.file_id = files.file_id
    group by activity.file_id, coalesce(activity.api_key_name, '')

),

ranked as (

    select
        activity.*,
        file_windows.covers_from,
        file_windows.covers_to,
        coalesce(activity.api_key_name, '') as api_key,
        file_windows.exported_on,
        file_windows.landing_no,
        -- The newest file stands: latest period end, then export date in its name, then landing.
        row_number() over (
            partition by activity.generation_id
            order by
                file_windows.covers_to desc,
                file_windows.exported_on desc,
                file_windows.landing_no desc,
                activity.source_line
        ) as place
    from activity
    inner join file_windows
        on activity.file_id = file_windows.file_id and coalesce(activity.api_key_name, '') = file_windows.api_key

),

superseded as (

    -- Downloads overlap: inside a newer file's window an older row that the newer one lacks was taken back.
    select distinct
        ranked.file_id,
        ranked.source_line
    from ranked
    inner join file_windows
        on
            ranked.api_key = file_windows.api_key
            and ranked.file_id != file_windows.file_id
            and ranked.created_at between file_windows.covers_from and file_windows.covers_to
            and (file_windows.covers_to, file_windows.exported_on, file_windows.landing_no)
            > (ranked.covers_to, ranked.exported_on, ranked.landing_no)

)

select
    'openrouter:' || ranked.generation_id || case
        when ranked.place > 1 or superseded.file_id is not null
            then ':' || ranked.file_id || ':' || cast(ranked.source_line as varchar)
        else ''
    end as charge_id,
    'openrouter' as provider,
    'openrouter_activity' as file_kind,
    'default' as account_id,
    nullif(ranked.api_key, '') as api_key,
    ranked.file_id,
    ranked.source_file,
    ranked.source_line,
    ranked.created_at as charged_at,
    ranked.covers_from,
    ranked.covers_to,
    ranked.generation_id as response_id,
    lower(ranked.model_permaslug)
    || case when ranked.variant not in ('standard', '') then ':' || lower(ranked.variant) else '' end as model_name,
    'tokens' as meter,
    coalesce(ranked.tokens_prompt, 0) + coalesce(ranked.tokens_completion, 0) as quantity,
    ranked.cost_total as billed_amount,
    ranked.place = 1 and superseded.file_id is null as is_standing
from ranked
left join superseded on ranked.file_id = superseded.file_id and ranked.source_line = superseded.source_line
