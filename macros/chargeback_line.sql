{# The line of a team's chargeback that a ledger entry of account `ai_cost` counts for. #}
{% macro chargeback_line() -%}
    case
        when kind = 'pool_credit' then 'pool_credit'
        -- The team that gives by a sharing rule keeps less; the team that takes sees its part on a line of its own.
        when kind = 'share' and side = 'debit' then 'shared'
        -- An adjustment reaches a team by a decision, as a shared cost does, and not by its calls.
        when kind = 'adjustment' then 'shared'
        when feature_id in ('untraced', 'unlabelled', 'invoice_only') then 'unattributed'
        when purpose in ('production', 'evaluation', 'development') then purpose
        else 'unattributed'
    end
{%- endmacro %}

{# The part of a team's statement that a line of its chargeback stands in; corrections of closed months, and
  adjustments that teams agreed, are parts of their own. #}
{% macro statement_section(line) -%}
    case
        when kind = 'adjustment' then '7 adjustments'
        when corrects_month is not null then '6 corrections'
        when {{ line }} = 'production' then '1 production'
        when {{ line }} = 'evaluation' then '2 evaluation'
        when {{ line }} = 'pool_credit' then '3 quality pool'
        when {{ line }} = 'development' then '4 development'
        else '5 ' || {{ line }}
    end
{%- endmacro %}
