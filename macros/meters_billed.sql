{#
  The select that gives each provider, day, model and call meter of `used` the provider's meter that covers it: of several,
  one that the day's bill names in `billed` (the same columns, `meter`), else a specific one. A provider without rows
  of its own in seed meter_families has those of any.
#}
{% macro meters_billed(used, billed, day) -%}
    {%- set keys = ['provider', day, 'model'] -%}
    {% call first_rows(
        partition_by="used." ~ keys | join(", used.") ~ ", used.call_meter",
        order_by="(billed.meter is not null) desc, families.billed_meter = 'tokens', families.billed_meter"
    ) %}
        select
            used.{{ keys | join(',\n            used.') }},
            used.call_meter,
            families.billed_meter
        from (select distinct
            {{ keys | join(',\n            ') }},
            call_meter
        from {{ used }}) as used
        left join {{ ref('meter_families') }} as own
            on used.provider = own.provider and used.call_meter = own.call_meter
        inner join {{ ref('meter_families') }} as families
            on families.provider is not distinct from own.provider and used.call_meter = families.call_meter
        left join {{ billed }} as billed
            on {{ are_same('used', 'billed', keys) }} and families.billed_meter = billed.meter
    {% endcall %}
{%- endmacro %}
