-- one row per kind of bill line (what it names): its model and meter, and what the ledger does with it
{{ config(materialized="kept", meta={"rebuilt_at_news_of": "bills"}) }}
{# Words of a service that may sell models: which of them are in scope, only the company can say. #}
{% set ai_words = '(^|[^a-z])(gpt|chatgpt|claude|gemini|llama|mistral|cohere|deepseek|qwen|llms?|tokens?|inference'
    ~ '|embeddings?|openai|anthropic|bedrock|vertex|sagemaker|copilot|generative ai|genai)([^a-z]|$)' %}
{# Kinds of vendors' files that bill more than AI. #}
{% set broad_kinds = "('github_usage', 'databricks_usage', 'snowflake_currency', 'snowflake_metering')" %}
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
        -- One file's version may know categories that another's did not.
        max(ai_sign) as ai_sign
    from {{ ref('int_provider_lines_unioned') }}
    where file_role in ('bill', 'gateway') and category is distinct from 'bucket'
    group by kind_id, file_kind, provider, service_name, sku, description, category, model_name, meter_name

),

models as (

    select * from {{ ref('int_models_billed') }}

),

meters as (

    select * from {{ ref('int_meters_resolved') }}

),

services as (

    select * from {{ ref('provider_aliases') }}
    where kind = 'service'

),

rules as (

    select * from {{ ref('charge_rules') }}

),

known as (

    select
        kinds.*,
        models.is_known as is_model_known,
        case
            when models.is_known or kinds.file_kind not in {{ cloud_bills() }} then models.model
            -- A model that nobody knows is listed by what the bill calls it.
            else coalesce(nullif(kinds.sku, ''), kinds.description)
        end as model,
        meters.meter,
        meters.service_tier,
        -- What is not AI is out of scope: a cloud's whole bill does not make its disks part of the AI bill.
        (kinds.file_kind not in {{ cloud_bills() }} and kinds.file_kind not in {{ broad_kinds }})
        or (models.is_known and meters.meter is not null)
        or coalesce(kinds.ai_sign = 'stated', false)
        or exists (
            select 1 from services
            where {{ is_like('lower(kinds.service_name)', 'services.pattern') }}
        ) as is_ai
    from kinds
    left join models on kinds.provider = models.provider and kinds.model_name = models.model_name
    left join meters on kinds.provider = meters.provider and kinds.meter_name = meters.meter_name

),

ruled as (

    {% call first_rows(partition_by="known.kind_id", order_by="rules.priority nulls last") %}
        select
            known.*,
            rules.model as ruled_model,
            rules.meter as ruled_meter,
            coalesce(rules.treatment, case
                when not known.is_ai then 'out_of_scope'
                when known.category in ('tax', 'purchase') then 'invoice_only'
                when known.meter is not null and coalesce(known.category, 'usage') = 'usage' then 'call'
                -- A credit that names a model corrects its calls; any other is the invoice's, like hours of throughput.
                when known.is_model_known and coalesce(known.category, '') != 'usage' then 'call'
                else 'invoice_only'
            end) as treatment,
            rules.treatment is not null as is_ruled
        from known
        left join rules
            on
                {{ matches('known.provider', 'rules.provider') }}
                and {{ matches('known.service_name', 'rules.service_name') }}
                and {{ matches('known.sku', 'rules.sku') }}
                and {{ matches('known.description', 'rules.description') }}
    {% endcall %}

)

select
    kind_id,
    service_name,
    sku,
    description,
    category,
    treatment,
    case when treatment = 'call' then coalesce(ruled_model, model) end as model,
    case when treatment = 'call' then coalesce(ruled_meter, meter) end as meter,
    service_tier,
    -- Nobody ruled on it, and the bill's words are those of models.
    treatment = 'out_of_scope' and not is_ruled
    and (
        ai_sign is not null
        or {{ has_pattern("lower(concat_ws(' | ', service_name, sku, description, model_name))", ai_words) }}
    ) as is_like_ai,
    -- What the lines are that it taxes or credits says whether it is in scope.
    treatment = 'out_of_scope' and not is_ruled
    and coalesce(category in ('tax', 'credit', 'adjustment', 'fee', 'refund', 'discount'), false) as is_following
from ruled
