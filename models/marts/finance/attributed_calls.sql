{{ config(materialized="view") }}
{% set columns = [
    'call_id', 'trace_id', 'span_id', 'spans', 'started_at', 'started_on', 'provider', 'vendor', 'account_id',
    'model', 'service_name', 'originating_feature_id', 'serving_feature_id', 'attribution_rule', 'hops', 'team_path',
    'payer_team_id', 'purpose', 'tenant_id', 'user_id', 'prompt_version', 'input_tokens', 'cache_read_tokens',
    'cache_write_tokens', 'output_tokens', 'reasoning_tokens', 'cached_input_rule', 'is_failed', 'is_residual',
    'is_suspected_copy', 'is_ambiguous_usage', 'list_usd', 'priced_usd', 'cache_write_premium_usd', 'cache_write_rule',
    'is_price_assumed', 'unpriced_reason', 'stated_usd', 'billed_usd', 'attributed_usd', 'basis', 'match_level',
    'adjusted_count', 'sampled_usd'
] %}
{% set of_origin = ['originating_feature_id', 'serving_feature_id', 'team_path', 'tenant_id', 'user_id'] %}
select
    {{ columns | join(',\n    ') }}
from {{ ref('int_call_shares') }}
where share = 1

union all

-- Where several caused a call, `multiple` stands for what differs; where several pay for it, who pays most is named.
select
    {% for column in columns -%}
        {% if column in of_origin -%}
            case when count(distinct {{ column }}) > 1 then 'multiple' else min({{ column }}) end as {{ column }}
        {%- elif column == 'payer_team_id' -%}
            min(case when place = 1 then {{ column }} end) as {{ column }}
        {%- else -%}
            min({{ column }}) as {{ column }}
        {%- endif %}{% if not loop.last %},{% endif %}
    {% endfor %}
from {{ ref('int_call_shares') }}
where share != 1 and not is_sampled
group by call_key
