{#
  What the ledger moves between teams beside a bill, and what it corrects of closed months, as rows of FOCUS: a select of
  `columns` of focus_cost_and_usage's charges.
#}
{% macro ledger_moves(columns) -%}
    {%- set keys = [
        'posted_month', 'incurred_on', 'provider', 'account_id', 'model', 'feature_id', 'payer_team_id', 'purpose',
        'basis', 'kind'
    ] -%}
    {%- set moved = {
        'origin_charge_id': entry_key(["'moved'"] + keys), 'charged_on': 'incurred_on', 'method': 'kind',
        'charge_category': "'adjustment'", 'is_correction': 'corrects_entry_id is not null',
        'description': "replace(kind, '_', ' ')", 'bearer_team_id': 'team_id'
    } -%}
    select
        {% for column in columns -%}
            {{ moved.get(column, column if column in keys else 'sum(amount_usd)' if column.endswith('_usd') else 'null') }}
                as {{ column }}{{ ',' if not loop.last }}
        {% endfor %}
    from {{ ref('ledger_entries') }}
    where account = 'ai_cost' and (kind not in ('bill', 'accrual', 'transfer') or corrects_entry_id is not null)
    group by {{ keys | join(', ') }}, team_id, corrects_entry_id is not null
    having sum(amount_usd) != 0
{%- endmacro %}
