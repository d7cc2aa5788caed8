with used as (

    select
        {{ all_but('runs', ['usage']) }},
        {{ each_of('runs.usage') }} as used
    from {{ ref('stg_evals__runs') }} as runs

    union all

    -- Items of a run that no file states as a whole.
    select
        {{ all_but('runs', ['usage']) }},
        {{ each_of('scores.usage') }} as used
    from {{ ref('stg_evals__runs') }} as runs
    inner join {{ ref('stg_evals__scores') }} as scores on runs.run_id = scores.run_id and runs.suite = scores.suite
    where runs.is_scores

),

reported as (

    select
        runs.tool,
        runs.run_id,
        runs.suite,
        runs.feature_id,
        runs.started_at,
        runs.started_on,
        runs.ended_at,
        runs.is_finished,
        runs.used.role,
        lower(runs.used.provider) as provider,
        {{ bare_model('runs.used.model', 'runs.used.provider') }} as model_name,
        runs.used.requests,
        runs.used.cost_usd,
        -- Tools that know a total alone write zeros beside it.
        nullif(
            runs.used.input_tokens,
            case when runs.used.total_tokens > 0 and coalesce(runs.used.output_tokens, 0) = 0 then 0 end
        ) as input_tokens,
        nullif(
            runs.used.output_tokens,
            case when runs.used.total_tokens > 0 and coalesce(runs.used.input_tokens, 0) = 0 then 0 end
        ) as output_tokens,
        runs.used.total_tokens,
        runs.used.cache_read_tokens,
        runs.used.cache_write_tokens,
        runs.used.reasoning_tokens,
        cast(null as bigint) as cache_write_5m_tokens,
        cast(null as bigint) as cache_write_1h_tokens,
        cast(null as bigint) as tool_use_tokens,
        cast(null as bigint) as audio_input_tokens,
        cast(null as bigint) as audio_output_tokens,
        cast(null as bigint) as image_input_tokens,
        cast(null as bigint) as image_output_tokens,
        case
            when runs.tool = 'inspect_ai' and runs.started_on < date '2026-02-26' then 'inspect_ai_earlier'
            else runs.tool
        end as convention
    from used as runs

),

-- Many runs share few conventions: one of each tool and provider, whose counts the tool hands on.
contexts as (

    select distinct
        convention,
        provider
    from reported

),

applicable_conventions as (

    {% call first_rows(
        partition_by="contexts.convention, contexts.provider", order_by="conventions.priority"
    ) %}
        select
            contexts.convention,
            contexts.provider,
            conventions.cached = 'inside' as input_includes_cached,
            conventions.reasoning = 'inside' as output_includes_reasoning,
            conventions.tool_use = 'inside' as input_includes_tool_use,
            conventions.media = 'inside' as includes_media,
            conventions.total as total_kind,
            conventions.excess as total_excess
        from contexts
        inner join {{ ref('usage_conventions') }} as conventions
            on
                coalesce(conventions.convention, contexts.convention) = contexts.convention
                and conventions.scope_name is null
                and (
                    conventions.provider is null
                    or {{ is_like("coalesce(contexts.provider, '')", 'conventions.provider') }}
                )
    {% endcall %}

),

stated as (

    select
        {{ all_but('reported', ['convention', 'provider']) }},
        reported.provider,
        conventions.input_includes_cached,
        conventions.output_includes_reasoning,
        conventions.input_includes_tool_use,
        conventions.includes_media,
        conventions.total_kind,
        conventions.total_excess
    from reported
    left join applicable_conventions as conventions
        on
            reported.convention = conventions.convention
            and reported.provider is not distinct from conventions.provider

),

{{ usage_solver('stated') }}

select
    run_id,
    suite,
    feature_id,
    started_at,
    started_on,
    ended_at,
    is_finished,
    role,
    provider,
    model_name,
    cast(sum(requests) as bigint) as requests,
    cast(sum(plain_input) as bigint) as input_tokens,
    cast(sum(cache_read) as bigint) as cache_read_tokens,
    cast(sum(cache_write) as bigint) as cache_write_5m_tokens,
    cast(sum(text_output) as bigint) as output_tokens,
    cast(sum(reasoning) as bigint) as reasoning_tokens,
    cast(sum(all_input) as bigint) as all_input_tokens,
    cast(sum(all_output) as bigint) as all_output_tokens,
    cast(sum(total_tokens) as bigint) as total_tokens,
    cast(sum(unexplained) as bigint) as unexplained_tokens,
    min(usage_rule) as cached_input_rule,
    cast(sum(cost_usd) as decimal(38, 12)) as stated_usd
from solved_usage
where all_input + all_output > 0
group by run_id, suite, feature_id, started_at, started_on, ended_at, is_finished, role, provider, model_name
