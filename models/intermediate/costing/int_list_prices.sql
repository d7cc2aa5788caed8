with book as (

    {% call list_prices() %}
        select
            *,
            date '9999-12-31' as known_on
        from {{ ref('model_prices') }}
        {% if var('prices_known_on') %}
            where known_from is null or known_from <= cast('{{ var("prices_known_on") }}' as date)
        {% endif %}
    {% endcall %}

)

select {{ all_but('', ['known_on']) }}
from book
