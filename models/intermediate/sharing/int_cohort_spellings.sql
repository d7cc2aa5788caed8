-- one row per plan or segment (`kind`), matched without case: the spelling that most rows of the files have
{{ config(materialized="view") }}
with stated as (

    {% for kind, relation in [
        ('plan', 'stg_product__users'), ('segment', 'stg_product__users'), ('plan', 'stg_product__revenue')
    ] %}
        select
            '{{ kind }}' as kind,
            {{ kind }} as stated,
            lower(trim({{ kind }})) as spelled_alike,
            -- What revenue files write counts where no user has the plan.
            {{ 1 if relation == 'stg_product__users' else 0 }} as user_rows
        from {{ ref(relation) }}
        where {{ kind }} is not null
        {% if not loop.last %}
            union all
        {% endif %}
    {% endfor %}

),

counted as (

    select
        kind,
        spelled_alike,
        stated,
        sum(user_rows) as user_rows,
        count(*) as stated_rows
    from stated
    group by kind, spelled_alike, stated

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
        when named.spelled_alike not in ('unknown', 'quality_pool') then first_spelling.stated
    end as name,
    named.spellings,
    named.stated_as
from named
inner join first_spelling on named.kind = first_spelling.kind and named.spelled_alike = first_spelling.spelled_alike
