{# Days, providers and models whose first booking is of a later month: what corrects a closed month there is money that
   came late, and no change of what had been booked. Accounts are left out, since many accruals know none until their bill
   comes. #}
{% macro late_postings() -%}
    select
        incurred_on,
        provider,
        model,
        min(posted_month) as posted_month
    from {{ ref('ledger_entries') }}
    where account = 'ai_cost'
    group by incurred_on, provider, model
    having min(posted_month) > cast(date_trunc('month', incurred_on) as date)
{%- endmacro %}
