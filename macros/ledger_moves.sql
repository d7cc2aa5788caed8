{#
  What the ledger moves between teams beside a bill, and what it corrects of closed months, as rows of FOCUS: selects of
  `columns` of focus_cost_and_usage's charges. Charges stand in the months of their bills as is known today; what the
  ledger books later is taken from there and stands where it is booked.
#}
{% macro ledger_moves(columns) -%}
    {%- set keys = [
        'posted_month', 'corrects_month', 'incurred_on', 'provider', 'account_id', 'model', 'feature_id',
        'payer_team_id', 'purpose', 'basis', 'kind'
    ] -%}
    {%- set of_bills = "kind in ('bill', 'accrual', 'transfer', 'prepayment')" -%}
    {%- set moved = {
        'origin_charge_id': entry_key(["'moved'"] + keys), 'charged_on': 'incurred_on', 'method': 'kind',
        'is_correction': 'corrects_month is not null', 'description': "replace(kind, '_', ' ')",
        'bearer_team_id': 'team_id', 'charge_category':
            "case when kind = 'prepayment' then 'purchase' when " ~ of_bills ~ " then 'usage' else 'adjustment' end"
    } -%}
    {% for month, sign, is_moved in [
        ('posted_month', '', 'corrects_month is not null or not ' ~ of_bills),
        ('corrects_month', '-', 'corrects_month is not null and ' ~ of_bills)
    ] %}
        select
            {% for column in columns -%}
                {% if column == 'posted_month' %}
                    {{ month }}
                {%- elif column == 'billed_usd' %}
                    {{ sign }}sum(case when basis = 'billed' or not {{ of_bills }} then amount_usd else 0 end)
                {%- elif column.endswith('_usd') %}
                    {{ sign }}sum(case account when 'ai_cost' then amount_usd else 0 end)
                {%- else %}
                    {{ moved.get(column, column if column in keys else 'null') }}
                {%- endif %} as {{ column }}{{ ',' if not loop.last }}
            {% endfor %}
        from {{ ref('ledger_entries') }}
        where account in ('ai_cost', 'prepaid') and ({{ is_moved }})
        group by {{ keys | join(', ') }}, team_id
        having sum(amount_usd) != 0
        {% if not loop.last %}
            union all
        {% endif %}
    {% endfor %}
{%- endmacro %}
