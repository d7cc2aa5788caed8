{# A charge that the price book expects is known by all that sets its price, and its day and account. #}
{% macro accrual_key(calls=none, meters=none) -%}
    {%- set call, meter = (calls ~ '.' if calls else ''), (meters ~ '.' if meters else '') -%}
    {{ entry_key([
        "'accrued'", call ~ ('started_on' if calls else 'charged_on'), call ~ 'provider', call ~ 'account_id',
        call ~ 'model', meter ~ 'meter', meter ~ 'service_tier',
        decimal_text(meter ~ 'list_price_usd'), decimal_text(meter ~ 'unit_price_usd')
    ]) }}
{%- endmacro %}

{# The charge to expect of calls that a sampler dropped: one a day, account, model and payer. #}
{% macro sampled_accrual_key(calls, sampled) -%}
    {{ entry_key([
        "'sampled'", calls ~ '.started_on', calls ~ '.provider', calls ~ '.account_id', calls ~ '.model',
        sampled ~ '.payer_team_id'
    ]) }}
{%- endmacro %}
