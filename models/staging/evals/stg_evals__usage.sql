with used as (

    select
        *,
        {{ each_of('usage') }} as used
    from {{ ref('stg_evals__runs') }}

),

-- A tool that counts a total alone leaves it as input: what it was made of is not known.
stated as (

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
        runs.used.total_tokens,
        runs.used.cost_usd,
        case
            when coalesce(runs.used.input_tokens, 0) + coalesce(runs.used.output_tokens, 0) = 0
                then coalesce(runs.used.total_tokens, 0)
            else coalesce(runs.used.input_tokens, 0)
        end as stated_input,
        coalesce(runs.used.output_tokens, 0) as stated_output,
        coalesce(runs.used.reasoning_tokens, 0) as reasoning,
        coalesce(runs.used.cache_read_tokens, 0) as cache_read,
        coalesce(runs.used.cache_write_tokens, 0) as cache_write
    from used as runs

),

-- inspect_ai's input contained cached tokens for some providers until 2026-02-26, and for none since; promptfoo hands
-- on what the provider counts, and Anthropic counts them apart. Where the total adds up in one way alone, it decides.
ruled as (

    select
        *,
        cache_read + cache_write as cached,
        case
            when cache_read + cache_write > stated_input then 'arithmetic'
            when cache_read + cache_write = 0 then 'none_cached'
            when total_tokens in (
                stated_input + cache_read + cache_write + stated_output,
                stated_input + cache_read + cache_write + stated_output + reasoning
            ) then 'total_apart'
            when coalesce(provider, '') in ('anthropic', 'bedrock') then 'provider'
            when total_tokens in (stated_input + stated_output, stated_input + stated_output + reasoning)
                then 'total_within'
            when tool = 'inspect_ai' and started_on >= date '2026-02-26' then 'version_apart'
            else 'version_within'
        end as cached_input_rule
    from stated

),

disjoint as (

    select
        *,
        stated_input
        - case when cached_input_rule in ('total_within', 'version_within') then cached else 0 end as uncached_input,
        case
            when reasoning > stated_output then 0
            when reasoning > 0 and total_tokens in (
                stated_input + stated_output + reasoning, stated_input + cached + stated_output + reasoning
            ) then 0
            else reasoning
        end as reasoning_in_output
    from ruled
    where stated_input + cached + stated_output + reasoning > 0

),

-- A total above its parts shows tokens that the tool lost: thinking tokens, billed as output.
complete as (

    select
        *,
        stated_output - reasoning_in_output as plain_output,
        reasoning + greatest(
            coalesce(total_tokens, 0) - uncached_input - cached - stated_output - (reasoning - reasoning_in_output), 0
        ) as all_reasoning
    from disjoint

)

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
    cast(sum(uncached_input) as bigint) as input_tokens,
    cast(sum(cache_read) as bigint) as cache_read_tokens,
    cast(sum(cache_write) as bigint) as cache_write_5m_tokens,
    cast(sum(plain_output) as bigint) as output_tokens,
    cast(sum(all_reasoning) as bigint) as reasoning_tokens,
    cast(sum(uncached_input + cached) as bigint) as all_input_tokens,
    cast(sum(plain_output + all_reasoning) as bigint) as all_output_tokens,
    cast(sum(total_tokens) as bigint) as total_tokens,
    min(cached_input_rule) as cached_input_rule,
    cast(sum(cost_usd) as decimal(38, 12)) as stated_usd
from complete
group by run_id, suite, feature_id, started_at, started_on, ended_at, is_finished, role, provider, model_name
