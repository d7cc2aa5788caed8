{# The select of models that have charges of their own on a day of `totals`: they are no part of the total beside them. #}
{% macro models_named(charges, totals) -%}
    select distinct
        provider,
        account_id,
        charged_on,
        model,
        true as is_named
    from {{ charges }}
    where
        model is not null and response_id is null
        and charged_on in (select totals.charged_on from {{ totals }} as totals)
{%- endmacro %}
