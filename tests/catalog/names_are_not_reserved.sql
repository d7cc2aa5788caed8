-- A team or feature of the company that has the name of one of the ledger's own rows (variable reserved_names) would be
-- mixed with that row; one with ' > ' in its name would be two teams on the path of a call.
{% set named = {
    'teams': {'team_id': 'team'}, 'services': {'owner_team_id': 'team'},
    'feature_catalog': {'feature_id': 'feature', 'owner_team_id': 'team'}, 'feature_rules': {'feature_id': 'feature'},
    'api_keys': {'owner_team_id': 'team', 'feature_id': 'feature'},
    'charge_tags': {'owner_team_id': 'team', 'feature_id': 'feature'},
    'chargeback_policies': {'bearer_team_id': 'team'}, 'sharing_rules': {'team_id': 'team'},
    'eval_requirements': {'feature_id': 'feature'}, 'coverage_targets': {'feature_id': 'feature'},
    'revenue_rules': {'feature_id': 'feature'}
} %}
{% for seed, columns in named.items() %}
    {% set last_seed = loop.last %}
    {% for column, kind in columns.items() %}
        select
            '{{ seed }}' as seed,
            '{{ column }}' as column_name,
            {{ column }} as stated,
            'it names a row of the ledger itself, or has the mark of a path: give the {{ kind }} another name'
                as what_to_do
        from {{ ref(seed) }}
        where {{ column }} is not null and {{ unreserved(column, kind) }} is null
        {% if not (last_seed and loop.last) %}
            union all
        {% endif %}
    {% endfor %}
{% endfor %}
