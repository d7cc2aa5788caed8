-- one row per kind of bill line (what it names): its model and meter, and what the ledger does with it
{{ config(materialized="kept", meta={"rebuilt_at_news_of": "bills"}) }}
{# Kinds of files that bill more than AI. #}
{% set broad_kinds = "('focus', 'github_usage', 'databricks_usage', 'snowflake_currency', 'snowflake_metering')" %}
with kinds as (

    select distinct
        kind_id,
        file_kind,
        provider,
        service_name,
        sku,
        description,
        category,
        model_name,
        meter_name
    from {{ ref('int_provider_lines_unioned') }}
    where file_role in ('bill', 'gateway') and category is distinct from 'bucket'

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
            when models.is_known or kinds.file_kind != 'focus' then models.model
            -- A model that nobody knows is listed by what the bill calls it.
            else coalesce(nullif(kinds.sku, ''), kinds.description)
        end as model,
        meters.meter,
        meters.service_tier,
        -- What is not AI is out of scope: a cloud's whole bill does not make its disks part of the AI bill.
        kinds.file_kind not in {{ broad_kinds }} or (models.is_known and meters.meter is not null) or exists (
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
            end) as treatment
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
    service_tier
from ruled
