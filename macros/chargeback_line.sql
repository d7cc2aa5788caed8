{# The line of a team's chargeback that a ledger entry of account `ai_cost` counts for. #}
{% macro chargeback_line() -%}
    case
        when kind = 'pool_credit' then 'pool_credit'
        -- The team that gives by a sharing rule keeps less; the team that takes sees its part on a line of its own.
        when kind = 'share' and side = 'debit' then 'shared'
        -- What teams agreed to move comes by a decision, as what a rule shares does.
        when kind = 'adjustment' then 'shared'
        when feature_id in ('untraced', 'unlabelled', 'invoice_only') then 'unattributed'
        when purpose in ('production', 'evaluation', 'development') then purpose
        else 'unattributed'
    end
{%- endmacro %}
