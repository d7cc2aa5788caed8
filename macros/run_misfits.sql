{# Why a run does not cover a configuration, from the least that keeps them apart to the most. #}
{% macro run_misfits() -%}
    {{ return([
        'no_prompt_version', 'other_prompt_version', 'run_without_prompt_version', 'no_model', 'other_model',
        'run_without_model'
    ]) }}
{%- endmacro %}
