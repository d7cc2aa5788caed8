with stated_names as (

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

    -- The spelling in revenue files counts only for plans that no user has.
    select
        'plan' as kind,
        plan as stated,
        0 as user_rows
    from {{ ref('stg_product__revenue') }}
    where is_standing and plan is not null

),

spellings as (

    select
        kind,
        lower(trim(stated)) as spelled_alike,
        stated,
        sum(user_rows) as user_rows,
        count(*) as stated_rows
    from stated_names
    group by kind, lower(trim(stated)), stated

),

names as (

    select
        kind,
        spelled_alike,
        count(*) as spellings,
        {{ joined_texts('stated', ', ', 'stated') }} as stated_as
    from spellings
    group by kind, spelled_alike

),

most_frequent_spellings as (

    {% call first_rows(
        partition_by="kind, spelled_alike", order_by=["user_rows desc", "stated_rows desc", "stated desc"]
    ) %}
        select * from spellings
    {% endcall %}

)

select
    names.kind,
    names.spelled_alike,
    -- Names that the marts reserve for rows of their own can't be a customer's.
    case
        when names.spelled_alike not in {{ reserved_names('cohort') }} then most_frequent_spellings.stated
    end as name,
    names.spellings,
    names.stated_as
from names
inner join most_frequent_spellings
    on
        names.kind = most_frequent_spellings.kind
        and names.spelled_alike = most_frequent_spellings.spelled_alike
