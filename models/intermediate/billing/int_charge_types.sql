{{ config(materialized="kept", meta={"rebuilt_at_news_of": "bills"}) }}
{# Words of a service that may sell models: which of them are in scope, only the company can say. #}
{% set ai_words = '(^|[^a-z])(gpt|chatgpt|claude|gemini|llama|mistral|cohere|deepseek|qwen|llms?|tokens?|inference'
    ~ '|embeddings?|openai|anthropic|bedrock|vertex|sagemaker|copilot|generative ai|genai)([^a-z]|$)' %}
{# Kinds of vendors' files that bill more than AI. #}
{% set broad_kinds = "('github_usage', 'databricks_usage', 'snowflake_currency', 'snowflake_metering'"
    ~ ", 'opencost_allocations')" %}
with kinds as (

    select
        kind_id,
        file_kind,
        provider,
        service_name,
        sku,
        description,
        category,
        model_name,
        meter_name,
        -- One version of a file may state categories that another does not.
        max(ai_sign) as ai_sign,
        bool_or(file_role in ('bill', 'gateway') and category is distinct from 'bucket') as is_charge
    from {{ ref('int_bill_lines') }}
    group by kind_id, file_kind, provider, service_name, sku, description, category, model_name, meter_name

),

models as (

    with names as (

        select distinct
            provider,
            model_name
        from kinds

    ),

    {{ resolved_models('names', ref('model_aliases')) | indent }}

),

meter_aliases as (

    select * from {{ ref('meter_aliases') }}

),

-- An unknown meter stays as it is if it is a name, and is none if it is a text.
meters as (

    select
        names.provider,
        names.meter_name,
        coalesce(
            min_by(aliases.meter, aliases.priority) filter (where aliases.meter is not null),
            case when names.meter_name not like '% | %' then names.meter_name end
        ) as meter,
        min_by(aliases.service_tier, aliases.priority) filter (where aliases.service_tier is not null) as service_tier
    from (select distinct
        provider,
        meter_name
    from kinds
    where meter_name is not null) as names
    left join meter_aliases as aliases
        on
            coalesce(aliases.provider, names.provider) = names.provider
            and {{ is_like('names.meter_name', 'aliases.pattern') }}
    group by names.provider, names.meter_name

),

services as (

    select * from {{ ref('provider_aliases') }}
    where kind = 'service'

),

rules as (

    select * from {{ ref('charge_rules') }}

),

sold as (

    select
        *,
        case
            -- A namespace's name is anybody's choice, so it does not say that the service sells AI.
            when file_kind != 'opencost_allocations' and exists (
                select 1 from services
                where {{ is_like('lower(kinds.service_name)', 'services.pattern') }}
            ) then true else false
        end as is_model_service
    from kinds

),

known as (

    select
        {{ all_but('kinds', ['is_model_service']) }},
        models.model as stated_model,
        models.is_known as is_model_known,
        meters.meter as stated_meter,
        meters.service_tier as stated_tier,
        case
            when models.is_known or kinds.file_kind not in {{ cloud_bills() }} then models.model
            -- A model that nobody knows is listed by what the bill calls it.
            else coalesce(nullif(kinds.sku, ''), kinds.description)
        end as model,
        -- A line that names nothing is the total of its time. One that names a service which sells no models buys that.
        case
            when
                meters.meter is not null or coalesce(models.is_known, false)
                or coalesce(kinds.category, 'usage') != 'usage'
                then meters.meter
            when
                coalesce(nullif(kinds.sku, ''), kinds.description, '') = ''
                and (
                    kinds.is_model_service or kinds.ai_sign = 'stated'
                    or coalesce(lower(kinds.service_name), '') in ('', kinds.provider)
                )
                or {{ has_pattern(
                    'lower(kinds.description)', '^((daily |day |api )*(total|usage)( cost| costs| usage)?|tokens)$'
                ) }}
                then 'total'
        end as meter,
        coalesce(
            meters.service_tier,
            case when kinds.file_kind = 'openai_costs' then nullif(
                regexp_extract(lower(kinds.description), '(?:^|[^a-z])(batch|flex|priority|fast)(?:[^a-z]|$)', 1), ''
            ) end
        ) as service_tier,
        lower(concat_ws(' | ', kinds.sku, kinds.description)) as said,
        -- What is not AI is out of scope: a cloud's whole bill does not make its disks part of the AI bill.
        (kinds.file_kind not in {{ cloud_bills() }} and kinds.file_kind not in {{ broad_kinds }})
        or (models.is_known and meters.meter is not null)
        or coalesce(kinds.ai_sign = 'stated', false)
        or kinds.is_model_service as is_ai
    from sold as kinds
    left join models on kinds.provider = models.provider and kinds.model_name = models.model_name
    left join meters on kinds.provider = meters.provider and kinds.meter_name = meters.meter_name

),

-- Tiers, long prompts and regions that the lines of a kind of file and model distinguish.
told as (

    select
        *,
        {{ context_side('said') }} as named_side,
        provider = 'aws' and {{ has_pattern('said', 'global') }} as is_global,
        bool_or(is_charge and service_tier != 'standard') over of_kind as tells_tiers,
        bool_or(is_charge and {{ context_side('said') }} = 'long') over of_model as tells_long,
        bool_or(is_charge and provider = 'aws' and {{ has_pattern('said', 'global') }}) over of_model as tells_global
    from known
    window
        of_kind as (partition by file_kind, provider),
        of_model as (partition by file_kind, provider, model)

),

-- If some lines name a tier, a long prompt or a region, the others are standard, short or regional.
scoped as (

    select
        {{ all_but('', ['named_side', 'is_global', 'tells_tiers', 'tells_long', 'tells_global']) }},
        case
            when tells_tiers and {{ has_pattern('meter', 'input|output|cache|tokens|reasoning') }} then 'standard'
        end as silent_tier,
        -- A bill that names short prompts alone parts nothing.
        case when tells_long then coalesce(named_side, 'short') end as context_side,
        {{ context_limit('said') }} as context_limit,
        case
            when provider = 'anthropic' then {{ geo_named('said') }}
            when is_global then 'global'
            when tells_global then 'regional'
        end as inference_geo
    from told

),

ruled as (

    {% call first_rows(partition_by="scoped.kind_id", order_by="rules.priority nulls last") %}
        select
            scoped.*,
            rules.model as ruled_model,
            rules.meter as ruled_meter,
            coalesce(rules.treatment, case
                when not scoped.is_ai then 'out_of_scope'
                when scoped.category in ('tax', 'purchase') then 'invoice_only'
                when scoped.meter is not null and coalesce(scoped.category, 'usage') = 'usage' then 'call'
                -- A credit that names a model corrects its calls; any other is the invoice's, like hours of throughput.
                when scoped.is_model_known and coalesce(scoped.category, '') != 'usage' then 'call'
                else 'invoice_only'
            end) as treatment,
            rules.treatment is not null as is_ruled
        from scoped
        left join rules
            on
                {{ matches('scoped.provider', 'rules.provider') }}
                and {{ matches('scoped.service_name', 'rules.service_name') }}
                and {{ matches('scoped.sku', 'rules.sku') }}
                and {{ matches('scoped.description', 'rules.description') }}
    {% endcall %}

)

,

-- Seed cost_drivers goes before rules and before what a line itself names.
driven as (

    select
        ruled.kind_id,
        min(drivers.driver_id) as driver_id,
        min_by(drivers.capacity_per_unit, drivers.driver_id) as capacity_per_unit
    from ruled
    inner join {{ ref('stg_catalog__cost_drivers') }} as drivers on {{ takes_line('ruled', 'drivers') }}
    where ruled.is_charge
    group by ruled.kind_id

),

treated as (

    select
        {{ all_but('ruled', ['treatment']) }},
        driven.driver_id,
        driven.capacity_per_unit,
        case when driven.driver_id is not null then 'own_capacity' else ruled.treatment end as treatment
    from ruled
    left join driven on ruled.kind_id = driven.kind_id

)

select
    kind_id,
    driver_id,
    capacity_per_unit,
    provider,
    model_name,
    service_name,
    sku,
    description,
    category,
    stated_model,
    is_model_known,
    stated_meter,
    stated_tier,
    treatment,
    case
        when treatment = 'own_capacity' then coalesce(nullif(sku, ''), nullif(description, ''), service_name)
        when treatment = 'call' and coalesce(ruled_meter, meter, '') != 'total' then coalesce(ruled_model, model)
    end as model,
    case treatment when 'own_capacity' then 'capacity' when 'call' then coalesce(ruled_meter, meter) end as meter,
    service_tier,
    silent_tier,
    context_side,
    context_limit,
    inference_geo,
    -- Nobody ruled on it, and the bill's words are those of models.
    treatment = 'out_of_scope' and not is_ruled
    and (
        ai_sign is not null
        or {{ has_pattern("lower(concat_ws(' | ', service_name, sku, description, model_name))", ai_words) }}
    ) as is_like_ai,
    -- Taxes and credits are in scope if the lines that they are for are.
    treatment = 'out_of_scope' and not is_ruled
    and coalesce(category in ('tax', 'credit', 'adjustment', 'fee', 'refund', 'discount'), false) as is_following
from treated
