with monthly_calls as (

    select
        service_name,
        model_key,
        cast(date_trunc('month', called_on) as date) as month,
        provider,
        sum(calls) as calls
    from {{ ref('int_billed_calls_daily') }}
    group by service_name, model_key, cast(date_trunc('month', called_on) as date), provider

)

{% call first_rows(partition_by="service_name, model_key, month", order_by="calls desc, provider") %}
    select
        service_name,
        model_key,
        month,
        provider
    from monthly_calls
{% endcall %}
