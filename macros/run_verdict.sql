{#
  How a run of the configuration comes out against a requirement; NULL where it decides nothing. A run whose status says
  that it failed, while enough of its cases passed, broke for another reason.
#}
{% macro run_verdict(runs, requirement) -%}
    case
        when {{ runs }}.misfit is not null then null
        when {{ runs }}.pass_rate < coalesce({{ requirement }}.min_pass_rate, 0) then 'failed'
        when not {{ runs }}.is_finished then null
        when {{ runs }}.judged < {{ requirement }}.min_cases then 'too_few_cases'
        when {{ wilson_bound(runs ~ '.passed', runs ~ '.judged', -1) }} < {{ requirement }}.min_low_bound
            then 'too_uncertain'
        else 'passed'
    end
{%- endmacro %}
