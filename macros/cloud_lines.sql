{# The kinds of bill that hold a cloud's or a vendor's whole charges, AI or not, and name models in sentences. #}
{% macro cloud_bills() -%}
    ('focus', 'aws_cur', 'azure_actual', 'azure_amortized', 'google_billing')
{%- endmacro %}

{# Columns of a FOCUS file as they are landed, with those that are no text. #}
{% macro focus_columns() -%}
    {%- set types = {} -%}
    {%- for name in 'charge_period_start charge_period_end billing_period_start billing_period_end'.split() -%}
        {%- do types.update({name: 'timestamp'}) -%}
    {%- endfor -%}
    {%- for name in ('billed_cost effective_cost list_cost contracted_cost consumed_quantity pricing_quantity '
        ~ 'list_unit_price contracted_unit_price').split() -%}
        {%- do types.update({name: 'decimal(38, 18)'}) -%}
    {%- endfor -%}
    {%- for name in ('billing_currency pricing_currency billing_account_id billing_account_type sub_account_id '
        ~ 'sub_account_name charge_category charge_class charge_description charge_frequency commitment_discount_id '
        ~ 'commitment_discount_status consumed_unit pricing_unit provider_name publisher_name service_provider_name '
        ~ 'host_provider_name invoice_issuer_name invoice_id region_id resource_id resource_name service_category '
        ~ 'service_name service_subcategory sku_id sku_meter sku_price_id sku_price_details tags usage_type '
        ~ 'sku_description').split() -%}
        {%- do types.update({name: 'string'}) -%}
    {%- endfor -%}
    {{ return(types) }}
{%- endmacro %}

{# A cloud's own columns as a FOCUS file has them: `stated` says which hold what, the others are NULL. #}
{% macro as_focus(stated) -%}
    file_id,
    source_file,
    source_line,
    row_no,
    {%- for name, type in focus_columns().items() %}
    cast({{ stated.get(name, 'null') }} as {{ type }}) as {{ name }}{{ ',' if not loop.last }}
    {%- endfor %}
{%- endmacro %}
