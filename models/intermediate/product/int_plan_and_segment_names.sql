-- one row per plan or segment (`kind`), matched without case: the spelling that most rows of the files have
{{ config(materialized="view") }}
with stated as (

    select
        'plan' as kind,
        plan as stated,
        1 as user_rows
    from {{ ref('stg_product__users') }}
    where plan is not null

    union all

    select
        'segment' as kind,
        segment as stated,
        1 as user_rows
    from {{ ref('stg_product__users') }}
    where segment is not null

    union all

    -- The spelling of revenue files counts where no user has the plan.
    select
        'plan' as kind,
        plan as stated,
        0 as user_rows
    from {{ ref('stg_product__revenue') }}
    where plan is not null

),

counted as (

    select
        kind,
        lower(trim(stated)) as spelled_alike,
        stated,
        sum(user_rows) as user_rows,
        count(*) as stated_rows
    from stated
    group by kind, lower(trim(stated)), stated

),

named as (

    select
        kind,
        spelled_alike,
        count(*) as spellings,
        {{ joined_texts('stated', ', ', 'stated') }} as stated_as
    from counted
    group by kind, spelled_alike

),

first_spelling as (

    {% call first_rows(
        partition_by="kind, spelled_alike", order_by=["user_rows desc", "stated_rows desc", "stated desc"]
    ) %}
        select * from counted
    {% endcall %}

)

select
    named.kind,
    named.spelled_alike,
    -- A name that marks rows of the marts' own is no customer's.
    case
        when named.spelled_alike not in {{ reserved_names('cohort') }} then first_spelling.stated
    end as name,
    named.spellings,
    named.stated_as
from named
inner join first_spelling on named.kind = first_spelling.kind and named.spelled_alike = first_spelling.spelled_alike
