{{ replaces_touched("covered_on", by="touched_day") }}
select
    started_on as covered_on,
    serving_feature_id as feature_id,
    provider,
    coalesce(model, 'unknown') as model,
    prompt_version,
    count(distinct call_key) as production_calls,
    sum(borne_usd) as production_usd
from {{ ref('int_current_feature_shares') }}
where purpose = 'production' and serving_feature_id != 'unlabelled' and {{ is_touched('started_on', 'touched_day') }}
group by started_on, serving_feature_id, provider, coalesce(model, 'unknown'), prompt_version
