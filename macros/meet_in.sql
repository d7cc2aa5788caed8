{# True where a charge, call or count (int_match_members) is of a group of charges that meets calls. #}
{% macro meet_in(members, groups) -%}
    {{ members }}.provider = {{ groups }}.provider
    and {{ members }}.match_account_id is not distinct from {{ groups }}.match_account_id
    and {{ members }}.match_key is not distinct from {{ groups }}.match_key
    and {{ members }}.match_rate is not distinct from {{ groups }}.match_rate
    and {{ members }}.usage_on = {{ groups }}.usage_on
    and {{ members }}.model is not distinct from {{ groups }}.model
    and {{ members }}.meter = {{ groups }}.meter
{%- endmacro %}
