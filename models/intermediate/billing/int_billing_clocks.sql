{{ config(materialized="kept", meta={"rebuilt_at_news_of": "bills"}) }}
select
    provider,
    bool_or(is_pacific) as is_pacific
from {{ ref('int_bill_lines') }}
group by provider
