{{ config(materialized="kept", meta={"rebuilt_at_news_of": "seeds"}) }}
{% set first %}
    select
        old_id,
        new_id
    from continued
{% endset %}
{% set given %}
    continued as (

        select distinct
            continues_feature_id as old_id,
            feature_id as new_id
        from {{ ref('feature_catalog') }}
        where continues_feature_id is not null

    ),
{% endset %}
with recursive {{ given }}

later as (

    {% call(later) reached_from('later', first, given) %}
        select
            later.old_id,
            continued.new_id
        from {{ later }}
        inner join continued on later.new_id = continued.old_id
    {% endcall %}

),

-- A chain that returns to itself has no newest id; the test features_continue_in_a_line names it.
rings as (

    select distinct old_id
    from later
    where old_id = new_id

),

chains as (

    select
        later.old_id,
        later.new_id,
        count(*) over (partition by later.old_id) as steps
    from later
    where later.old_id not in (
        select rings.old_id
        from rings
    )

)

{% call first_rows(partition_by="chains.old_id", order_by="chains.new_id") %}
    select
        chains.old_id as feature_id,
        chains.new_id as newest_feature_id,
        chains.steps
    from chains
    left join continued on chains.new_id = continued.old_id
    where continued.old_id is null
{% endcall %}
