-- one row per what taxes, fees and credits without words of AI name: how much of what they are for is in scope
{{ config(materialized="kept", meta={"rebuilt_at_news_of": "bills"}) }}
{% set bill = ['provider', 'bill_account_id', 'currency'] %}
{% set named = bill + ['account_id', 'service_name', 'invoice_id', 'month'] %}
{# The nearest that has lines: the service, the account, the whole bill; of the invoice, else of the month. #}
{% set of_account = 'lines.account_id = named.account_id' %}
{% set of_service = of_account ~ ' and lines.service_name = named.service_name' %}
{% set of_other = of_account ~ ' and named.account_id != named.bill_account_id' %}
{% set of_invoice, of_month = 'lines.invoice_id = named.invoice_id', 'lines.month = named.month' %}
{% set levels = [
    of_invoice ~ ' and ' ~ of_service, of_invoice ~ ' and ' ~ of_other, of_invoice,
    of_month ~ ' and ' ~ of_service, of_month ~ ' and ' ~ of_other, of_month
] %}
with kinds as (

    select * from {{ ref('int_charge_kinds_ruled') }}

),

lines as (

    select
        lines.{{ (named | reject('eq', 'month')) | join(',\n        lines.') }},
        cast(date_trunc('month', lines.charged_on) as date) as month,
        kinds.is_following,
        kinds.treatment != 'out_of_scope' as is_in_scope,
        coalesce(lines.category, 'usage') in ('usage', 'purchase') as is_use,
        coalesce(lines.category, 'usage') = 'tax' as is_tax,
        sum(lines.billed_amount) as amount,
        count(*) as line_count
    from {{ ref('int_provider_lines_ranked') }} as lines
    inner join kinds on lines.kind_id = kinds.kind_id
    where lines.is_standing and lines.file_role = 'bill' and lines.category is distinct from 'bucket'
    group by
        lines.{{ (named | reject('eq', 'month')) | join(', lines.') }},
        cast(date_trunc('month', lines.charged_on) as date), kinds.is_following, kinds.treatment, lines.category

),

-- A service's credit is out of scope as the service is: it follows nothing, and lessens what its bill comes to.
services as (

    select
        {{ bill | join(',\n        ') }},
        service_name,
        bool_or(is_in_scope) as is_in_scope
    from lines
    where is_use and service_name is not null
    group by {{ bill | join(', ') }}, service_name

),

followed as (

    select
        {{ all_but('lines', ['is_following']) }},
        lines.is_following and not coalesce(not services.is_in_scope, false) as is_following
    from lines
    left join services on {{ are_same('lines', 'services', bill + ['service_name']) }}

),

named as (

    select distinct {{ named | join(', ') }}
    from followed
    where is_following

),

weighed as (

    select
        named.{{ named | join(',\n        named.') }},
        case
            {%- for level in levels %}
            when {{ level }} then {{ loop.index }}
            {%- endfor %}
        end as level,
        lines.is_in_scope,
        lines.amount,
        lines.line_count
    from named
    left join followed as lines
        on
            {{ are_same('named', 'lines', bill) }}
            and not lines.is_following and not lines.is_tax
            and (named.invoice_id = lines.invoice_id or named.month = lines.month)

),

-- In millionths, as whole numbers; what credits outweigh weighs nothing.
summed as (

    select
        {{ named | join(',\n        ') }},
        level,
        {{ whole_number("greatest(sum(case when is_in_scope then amount else 0 end), 0) * 1000000") }} as scope_weight,
        {{ whole_number("greatest(sum(case when is_in_scope then 0 else amount end), 0) * 1000000") }} as other_weight,
        coalesce(sum(case when is_in_scope then line_count end), 0) as scope_lines,
        coalesce(sum(case when not is_in_scope then line_count end), 0) as other_lines
    from weighed
    group by {{ named | join(', ') }}, level

),

nearest as (

    {% call first_rows(partition_by=named | join(', '), order_by="level nulls last") %}
        select * from summed
    {% endcall %}

)

select
    {{ named | join(',\n    ') }},
    -- Nothing says what it is for.
    level is null as is_alone,
    -- A bill of nothing, or of credits alone, by its lines.
    case when scope_weight + other_weight = 0 then {{ whole_number('scope_lines') }} else scope_weight end
        as scope_weight,
    case
        when scope_weight + other_weight = 0 then {{ whole_number('scope_lines + other_lines') }}
        else scope_weight + other_weight
    end as whole_weight
from nearest
