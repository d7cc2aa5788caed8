{# The line of a team's chargeback that a ledger entry of account `ai_cost` counts for. #}
{% macro chargeback_line() -%}
    case
        when kind = 'pool_credit' then 'pool_credit'
        -- The team that gives by a sharing rule keeps less; the team that takes sees its part on a line of its own.
        when kind = 'share' and side = 'debit' then 'shared'
        -- An adjustment reaches a team by a decision, as a shared cost does, and not by its calls.
        when kind = 'adjustment' then 'shared'
        when feature_id in ('untraced', 'unlabelled', 'idle', 'invoice_only') then 'unattributed'
        when purpose in ('production', 'evaluation', 'development') then purpose
        else 'unattributed'
    end
{%- endmacro %}

{# Section of a team's statement. Corrections and adjustments have sections of their own, whatever their chargeback
  line. #}
{% macro statement_section() -%}
    case
        when kind = 'adjustment' then '7 adjustments'
        when corrects_month is not null then '6 corrections'
        else case {{ chargeback_line() | indent }}
            when 'production' then '1 production'
            when 'evaluation' then '2 evaluation'
            when 'pool_credit' then '3 quality pool'
            when 'development' then '4 development'
            when 'shared' then '5 shared'
            else '5 unattributed'
        end
    end
{%- endmacro %}
