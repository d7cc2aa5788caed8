-- An alias leads to an account, and the other seeds name the account: a row of an alias would never be applied.
with named as (

    {% for seed in ['account_aliases', 'bill_sources', 'negotiated_prices', 'model_deployments'] %}
        select distinct
            '{{ seed }}' as seed,
            provider,
            account_id
        from {{ ref(seed) }}
        {% if not loop.last %}
            union all
        {% endif %}
    {% endfor %}

)

select
    'names an alias; name the account ' || aliases.account_id as problem,
    named.seed,
    named.provider,
    named.account_id
from named
inner join {{ ref('account_aliases') }} as aliases
    on coalesce(named.provider, aliases.provider) = aliases.provider and named.account_id = aliases.alias
