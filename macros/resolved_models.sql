{#
  CTEs and the select that resolve `names` (provider, model_name) by seed model_aliases: one row per provider and name,
  with the model that prices and bills know it by.
#}
{% macro resolved_models(names, aliases) -%}
-- The names of a family's models begin with the family's name: claude, gpt, gemini.
families as (

    select distinct
        provider,
        {{ first_letters(model_spelling('model')) }} as family
    from {{ aliases }}

),

-- Names of several words: "Claude Sonnet 4.5", "GPT-4o mini".
phrases as (

    select
        phrases.provider,
        phrases.model_name,
        phrases.candidate,
        families.family
    from (
        select
            provider,
            model_name,
            {{ each_phrase('model_name') }} as candidate
        from {{ names }}
        where model_name like '% %'
    ) as phrases
    inner join families
        on
            phrases.provider = families.provider
            and {{ first_letters('phrases.candidate') }} = families.family
            and families.family != ''

),

-- Bills that name no model name it in a text: the text, each word and each run of words may be what an alias knows.
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

    union

    select
        provider,
        model_name,
        candidate
    from phrases

    union

    -- Some names have no hyphen between the family and its number: llama3.1.
    select
        provider,
        model_name,
        family || substr(candidate, length(family) + 2) as candidate
    from phrases
    where {{ has_pattern('candidate', '^[a-z]+-[0-9]') }}

),

aliases as (

    select * from {{ aliases }}

),

known as (

    select
        spelled.provider,
        spelled.candidate,
        -- The most text that an alias names; an exact name goes before a pattern.
        max_by(
            aliases.model,
            2 * length(replace(aliases.pattern, '%', ''))
            + case when spelled.candidate = aliases.pattern then 1 else 0 end
        ) as model,
        max(
            2 * length(replace(aliases.pattern, '%', ''))
            + case when spelled.candidate = aliases.pattern then 1 else 0 end
        ) as fit
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
