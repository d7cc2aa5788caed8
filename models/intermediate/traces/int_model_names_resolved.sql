-- one row per model name that billable spans state and seed model_aliases knows, and model that it may mean
with names as (

    select distinct model_name
    from {{ ref('int_spans_reopened') }}
    where is_billable and model_name is not null

),

spelled as (

    select
        model_name,
        {{ model_spelling('model_name') }} as spelling
    from names

),

stated as (

    select
        model_name,
        {{ without_snapshot('spelling') }} as model,
        -- 2025-09-29 and 20250929 are one day.
        substr(replace(substr(spelling, length({{ without_snapshot('spelling') }}) + 1), '-', ''), 1, 8) as snapshot
    from spelled

),

aliases as (

    select distinct
        model,
        -- A pattern that ends in a date or suffix names a model; one with other wildcards finds it in a bill's text.
        {{ without_pattern('pattern', '^%/|([-@]20__)?%$') }} as alias
    from {{ ref('model_aliases') }}

),

-- Providers write one model in their own ways, so each name may mean several of their books' models.
meanings as (

    select distinct
        {{ without_snapshot(model_spelling('alias')) }} as alias,
        {{ without_snapshot(model_spelling('model')) }} as model
    from aliases
    where position('%' in alias) = 0 and position(' ' in alias) = 0 and position('__' in alias) = 0

)

select
    stated.model_name,
    stated.snapshot,
    meanings.model
from stated
inner join meanings on stated.model = meanings.alias
