with costs as (

    select
        *,
        coalesce(organization_id, 'default') as account_id,
        -- The model stands before the last comma, the meter after it: "gpt-5-nano, input_tokens".
        lower(regexp_extract(line_item, '^(.*), *([^,]+)$', 1)) as model_name,
        replace(lower(regexp_extract(line_item, '^(.*), *([^,]+)$', 2)), ' ', '_') as stated_meter
    from {{ source('landed', 'openai_costs') }}

),

files as (

    select
        file_id,
        landing_no,
        {{ exported_on('source_file') }} as exported_on
    from {{ source('landed', 'files') }}
    where kind = 'openai_costs'

),

periods as (

    select
        file_id,
        max(end_time) as covers_to
    from costs
    group by file_id

),

ranked as (

    select
        costs.*,
        -- The newest file that has a bucket stands for all of it: amounts are revised for weeks.
        dense_rank() over (
            partition by costs.account_id, costs.start_time
            order by periods.covers_to desc, files.exported_on desc, files.landing_no desc
        ) as place
    from costs
    inner join periods on costs.file_id = periods.file_id
    inner join files on costs.file_id = files.file_id

)

select
    'openai:' || file_id || ':' || cast(source_line as varchar) as charge_id,
    'openai' as provider,
    'openai_costs' as file_kind,
    account_id,
    api_key_id as api_key,
    file_id,
    source_file,
    source_line,
    start_time as charged_at,
    start_time as covers_from,
    end_time - interval 1 microsecond as covers_to,
    cast(null as varchar) as response_id,
    nullif(model_name, '') as model_name,
    -- A line without a meter names no use: fees, credits, taxes.
    nullif(regexp_replace(stated_meter, '_tokens$', ''), '') as meter,
    cast(round(coalesce(quantity, 0)) as bigint) as quantity,
    coalesce(amount_value, 0) as billed_amount,
    place = 1 as is_standing
from ranked
