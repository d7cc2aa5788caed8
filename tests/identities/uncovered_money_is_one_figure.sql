-- Of a feature's month the same money ran uncovered by day, by configuration and against its target.
{% set marts = {
    'eval_coverage_daily': "case when is_covered then 0 else greatest(coalesce(production_usd, 0), 0) end",
    'eval_budget_monthly': 'uncovered_usd',
    'coverage_targets_monthly': 'uncovered_usd'
} %}
with uncovered as (

    {% for mart, uncovered_usd in marts.items() %}
        select
            '{{ mart }}' as mart,
            {{ "cast(date_trunc('month', covered_on) as date)" if mart.endswith('daily') else 'month' }} as month,
            feature_id,
            {{ money('sum(' ~ uncovered_usd ~ ')') }} as uncovered_usd
        from {{ ref(mart) }}
        group by 2, 3
        {% if not loop.last %}
            union all
        {% endif %}
    {% endfor %}

)

select
    month,
    feature_id,
    min(uncovered_usd) as least_usd,
    max(uncovered_usd) as most_usd,
    count(case when mart != 'coverage_targets_monthly' then 1 end) as marts
from uncovered
group by month, feature_id
having min(uncovered_usd) != max(uncovered_usd) or count(case when mart != 'coverage_targets_monthly' then 1 end) != 2
