{#
  CTEs and the select that resolve `names` (provider, model_name) by seed model_aliases: one row per provider and name,
  with the model that prices and bills know it by.
#}
{% macro resolved_models(names, aliases) -%}
-- Bills that name no model name it in a text: the text, and each word of it, may be what an alias knows.
candidates as (

    select
        provider,
        model_name,
        model_name as candidate
    from {{ names }}

    union

    select
        provider,
        model_name,
        {{ each_word('model_name') }} as candidate
    from {{ names }}
    where model_name like '% %'

),

aliases as (

    select * from {{ aliases }}

),

known as (

    select
        spelled.provider,
        spelled.candidate,
        max_by(aliases.model, case when spelled.candidate = aliases.pattern then 1000 else length(aliases.pattern) end)
            as model,
        max(case when spelled.candidate = aliases.pattern then 1000 else length(aliases.pattern) end) as fit
    from (select distinct
        provider,
        candidate
    from candidates) as spelled
    inner join aliases
        on spelled.provider = aliases.provider and {{ is_like('spelled.candidate', 'aliases.pattern') }}
    group by spelled.provider, spelled.candidate

)

select
    candidates.provider,
    candidates.model_name,
    -- A name that no alias knows stays as it is: it groups, but nothing prices it. An exact name goes before a pattern,
    -- then the longest pattern.
    coalesce(max_by(known.model, known.fit), candidates.model_name) as model,
    count(known.model) > 0 as is_known
from candidates
left join known on candidates.provider = known.provider and candidates.candidate = known.candidate
where candidates.model_name is not null
group by candidates.provider, candidates.model_name
{%- endmacro %}
