{# What a line of a team's statement is for, in words. #}
{% macro statement_why() -%}
    case
        when section = '1 production' then 'calls that the feature caused in production'
        when section = '2 evaluation' then 'evals of the feature'
        when section = '3 quality pool' then 'what the quality pool pays of evals'
        when section = '4 development' then 'calls from development and staging'
        when section = '5 shared' then 'your part of it by a sharing rule'
        when section = '6 corrections'
            then 'what came after ' || substr(cast(corrects_month as string), 1, 7) || ' was closed'
        when section = '7 rounding' then 'cents between these lines and the booked net'
        when item = 'untraced' then 'billed on your keys, seen in no span'
        when item = 'unlabelled' then 'calls on your keys that no feature label explains'
        when item = 'invoice_only' then 'fees and credits of your accounts'
        else 'calls whose purpose nobody stated'
    end
    || case
        when section = '6 corrections' and accrued_usd < 0
            then ': the bill for ' || cast(cast(-accrued_usd as decimal(38, 2)) as string) || ' that had accrued'
        when section = '6 corrections' and accrued_usd > 0 then ': calls that are not yet billed'
        when section = '6 corrections' then ': bills, spans or owners known later'
        when accrued_usd != 0 then ' (not yet billed in part or whole)'
        else ''
    end
{%- endmacro %}
