{#
  Days, providers and models whose first booking is of a later month: what corrects a closed month there is money that
  came late, and no change of what had been booked. Money that names no model is late where nothing at all had been booked
  of its day and provider. Accounts are left out, since many accruals know none until their bill comes; and so are retired
  months, whose bills are compared with what had been closed by the day and not by the model.
#}
{% macro late_postings() -%}
    select
        incurred_on,
        provider,
        model,
        posted_month
    from (
        select
            incurred_on,
            provider,
            model,
            min(posted_month) as posted_month,
            min(min(posted_month)) over (partition by incurred_on, provider) as first_month
        from {{ ref('ledger_entries') }}
        where account = 'ai_cost'
        group by incurred_on, provider, model
    ) as booked
    where
        case when model is null then first_month else posted_month end > cast(date_trunc('month', incurred_on) as date)
        and cast(date_trunc('month', incurred_on) as date) not in (
            select closed.posted_month from {{ ref('stg_closed__entries') }} as closed
            where closed.is_retired
        )
{%- endmacro %}
