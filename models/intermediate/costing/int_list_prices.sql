{{ config(materialized="kept", meta={"rebuilt_at_news_of": "seeds"}) }}
{% set known_on = "date '" ~ (var('prices_known_on') or '9999-12-31') ~ "'" %}
with book as (

    {% call list_prices() %}
        select
            *,
            {{ known_on }} as known_on
        from {{ ref('model_prices') }}
        where known_from is null or known_from <= {{ known_on }}
    {% endcall %}

)

select {{ all_but('', ['known_on']) }}
from book
