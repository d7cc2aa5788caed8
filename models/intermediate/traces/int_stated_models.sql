with stated_names as (

    select distinct model_name
    from {{ ref('int_spans_reopened') }}
    where is_billable and model_name is not null

),

spellings as (

    select
        model_name,
        {{ model_spelling('model_name') }} as spelling
    from stated_names

),

stated_models as (

    select
        model_name,
        {{ without_snapshot('spelling') }} as model,
        -- 2025-09-29 and 20250929 are the same snapshot.
        substr(replace(substr(spelling, length({{ without_snapshot('spelling') }}) + 1), '-', ''), 1, 8) as snapshot
    from spellings

),

aliases as (

    select distinct
        model,
        -- A pattern that ends in a date or suffix names a model; other wildcards only find the model in a bill's text.
        {{ without_pattern('pattern', '^%/|([-@]20__)?%$') }} as alias
    from {{ ref('model_aliases') }}

),

-- Providers spell a model differently, so a name may mean several models of their price books.
meanings as (

    select distinct
        {{ without_snapshot(model_spelling('alias')) }} as alias,
        {{ without_snapshot(model_spelling('model')) }} as model
    from aliases
    where position('%' in alias) = 0 and position(' ' in alias) = 0 and position('__' in alias) = 0

)

select
    stated_models.model_name,
    stated_models.snapshot,
    meanings.model
from stated_models
inner join meanings on stated_models.model = meanings.alias
