{#
  CTEs that turn stated token counts into disjoint meters; the last one is `solved_usage`: the columns of `relation`, and
  those named below. Spans, eval logs and gateways' rows all go through it.

  `relation` has, as stated (null: not stated): input_tokens, output_tokens, total_tokens, cache_read_tokens,
  cache_write_tokens (of any lifetime), cache_write_5m_tokens, cache_write_1h_tokens, reasoning_tokens, tool_use_tokens,
  audio_input_tokens, audio_output_tokens, image_input_tokens, image_output_tokens; and what the convention says (null: it
  says nothing): input_includes_cached, output_includes_reasoning, input_includes_tool_use, includes_media, total_kind
  (provider, all_parts, input_output, unknown; seed usage_conventions), total_excess (tool_use, where the provider
  documents that its total counts these beside the prompt).

  Rules, first that decides: counts that only one reading allows (more cached than input, more reasoning than output); a
  total above input and output that exactly one combination of the other parts makes up; a total of exactly input and
  output, unless the writer adds it up from these two; else the convention.
#}
{% macro usage_solver(relation) -%}
{# The parts that may stand inside or outside of input and output, each with its bit in a combination. #}
{% set parts = ['cache_read', 'cache_write', 'reasoning', 'tool_use'] %}
usage_parts as (

    select
        *,
        coalesce(cache_read_tokens, 0) as cache_read,
        coalesce(cache_write_1h_tokens, 0) as cache_write_1h,
        -- Exports that split cache writes by lifetime may state their sum as well.
        greatest(
            coalesce(cache_write_tokens, 0), coalesce(cache_write_5m_tokens, 0) + coalesce(cache_write_1h_tokens, 0)
        ) as cache_write,
        coalesce(reasoning_tokens, 0) as reasoning,
        coalesce(tool_use_tokens, 0) as tool_use,
        coalesce(audio_input_tokens, 0) + coalesce(image_input_tokens, 0) as media_input,
        coalesce(audio_output_tokens, 0) + coalesce(image_output_tokens, 0) as media_output,
        coalesce(input_includes_cached, true) as is_cached_inside,
        coalesce(output_includes_reasoning, true) as is_reasoning_inside,
        coalesce(input_includes_tool_use, false) as is_tool_use_inside,
        coalesce(includes_media, true) as is_media_inside,
        coalesce(total_kind, 'unknown') as kind_of_total
    from {{ relation }}

),

-- A total gives back the count that is missing beside it.
usage_restored as (

    select
        *,
        case
            when kind_of_total = 'input_output' then 0
            else
                case when is_cached_inside then 0 else cache_read + cache_write end
                + case when is_reasoning_inside then 0 else reasoning end
                + case when is_tool_use_inside then 0 else tool_use end
                + case when is_media_inside then 0 else media_input + media_output end
        end as parts_beside,
        total_tokens is not null and (input_tokens is null or output_tokens is null) as is_restored
    from usage_parts

),

usage_counts as (

    select
        *,
        case
            when input_tokens is not null then input_tokens
            when not is_restored then 0
            -- Exports of embeddings may state nothing but a total; what it holds beside the prompt is no prompt.
            when output_tokens is null
                then greatest(total_tokens - parts_beside - case when is_reasoning_inside then reasoning else 0 end, 0)
            else greatest(total_tokens - output_tokens - parts_beside, 0)
        end as stated_input,
        case
            when output_tokens is not null then output_tokens
            when not is_restored or input_tokens is null then 0
            else greatest(total_tokens - input_tokens - parts_beside, 0)
        end as stated_output
    from usage_restored

),

usage_limits as (

    select
        *,
        cache_read + cache_write > stated_input as must_cached_be_outside,
        reasoning > stated_output as must_reasoning_be_outside,
        case
            when is_restored then null
            else total_tokens - stated_input - stated_output
                - case when is_media_inside then 0 else media_input + media_output end
        end as excess
    from usage_counts

),

-- The combinations of parts that make up the excess: 1000 for each, and the sum of their bits.
usage_fits as (

    select
        *,
        case
            when excess > 0 and cache_read + cache_write + reasoning + tool_use > 0 then
                {% for combination in range(1, 16) %}
                    {% set inside, terms = [], [] %}
                    {% for part in parts %}
                        {% if combination // 2 ** loop.index0 % 2 %}
                            {% do terms.append(part) %}
                            {% do inside.append(part ~ ' > 0') %}
                        {% elif part == 'reasoning' %}
                            {% do inside.append('not must_reasoning_be_outside') %}
                        {% elif part != 'tool_use' %}
                            {% do inside.append('(' ~ part ~ ' = 0 or not must_cached_be_outside)') %}
                        {% endif %}
                    {% endfor %}
                    case
                        when excess = {{ terms | join(' + ') }} and {{ inside | join(' and ') }}
                            then {{ 1000 + combination }}
                        else 0
                    end{{ ' +' if not loop.last }}
                {% endfor %}
            else 0
        end as fits,
        {% for part in parts %}
            case when {{ part }} > 0 then {{ 2 ** loop.index0 }} else 0 end{{ ' +' if not loop.last }}
        {% endfor %} as all_stated
    from usage_limits

),

usage_proofs as (

    select
        *,
        case
            -- A writer that adds every part makes such a total whatever the parts are within.
            when fits between 1000 and 1999 and not (kind_of_total = 'all_parts' and fits - 1000 = all_stated)
                then fits - 1000
            when
                total_tokens = stated_input + stated_output and not is_restored and all_stated > 0
                and kind_of_total in ('provider', 'all_parts')
                and not must_cached_be_outside and not must_reasoning_be_outside
                then 0
        end as proven_outside
    from usage_fits

),

usage_readings as (

    select
        *,
        {% for part, bit, must in [
            ('cache_read', 1, 'must_cached_be_outside'), ('cache_write', 2, 'must_cached_be_outside'),
            ('reasoning', 4, 'must_reasoning_be_outside'), ('tool_use', 8, 'false')
        ] %}
            {% set family = 'cached' if part.startswith('cache') else part %}
            case
                when {{ must }} then false
                when proven_outside is not null and {{ part }} > 0 then floor(proven_outside / {{ bit }}) % 2 = 0
                else is_{{ family }}_inside
            end as is_{{ part }}_within,
        {% endfor %}
        -- A total of input and output alone holds audio and images too.
        is_media_inside or (
            total_tokens = stated_input + stated_output and kind_of_total in ('provider', 'all_parts') and not is_restored
        ) as is_media_within
    from usage_proofs

),

usage_sums as (

    select
        *,
        stated_input
        - case when is_cache_read_within then cache_read else 0 end
        - case when is_cache_write_within then cache_write else 0 end
        + case when is_tool_use_within then 0 else tool_use end as uncached_input,
        stated_output - case when is_reasoning_within then reasoning else 0 end as plain_output,
        case when is_media_within then 0 else media_input end as media_input_beside,
        case when is_media_within then 0 else media_output end as media_output_beside
    from usage_readings

),

usage_totals as (

    select
        *,
        -- A total above the reading that holds, which no combination of stated parts makes up.
        case
            when fits > 0 or is_restored then 0
            else greatest(
                total_tokens - uncached_input - cache_read - cache_write - media_input_beside - plain_output - reasoning
                - media_output_beside, 0
            )
        end as beyond
    from usage_sums

),

-- Google's total counts prompt, tool use, candidates and thoughts: where thoughts are stated, tool use is what is left.
usage_beyond as (

    select
        *,
        case
            when total_excess = 'tool_use' and reasoning_tokens is not null and tool_use_tokens is null then coalesce(beyond, 0)
            else 0
        end as found_tool_use
    from usage_totals

),

solved_usage as (

    select
        *,
        greatest(uncached_input + found_tool_use
            - case when is_media_within then media_input else 0 end, 0) as plain_input,
        least(coalesce(audio_input_tokens, 0), case when is_media_within then uncached_input else audio_input_tokens end)
            as audio_input,
        greatest(
            case
                when is_media_within
                    then least(
                        coalesce(image_input_tokens, 0), uncached_input - least(coalesce(audio_input_tokens, 0), uncached_input)
                    )
                else coalesce(image_input_tokens, 0)
            end, 0
        ) as image_input,
        greatest(plain_output - case when is_media_within then media_output else 0 end, 0) as text_output,
        least(coalesce(audio_output_tokens, 0), case when is_media_within then plain_output else audio_output_tokens end)
            as audio_output,
        greatest(
            case
                when is_media_within
                    then least(
                        coalesce(image_output_tokens, 0), plain_output - least(coalesce(audio_output_tokens, 0), plain_output)
                    )
                else coalesce(image_output_tokens, 0)
            end, 0
        ) as image_output,
        uncached_input + found_tool_use + cache_read + cache_write + media_input_beside as all_input,
        plain_output + reasoning + media_output_beside as all_output,
        coalesce(beyond, 0) - found_tool_use as unexplained,
        case
            when cache_read + cache_write > 0 and must_cached_be_outside then 'arithmetic'
            when reasoning > 0 and must_reasoning_be_outside then 'arithmetic'
            when proven_outside is not null then 'total'
            when is_restored and (input_tokens is not null or output_tokens is not null) then 'restored_from_total'
            when is_restored then 'total_alone'
            when fits >= 2000 then 'ambiguous'
            when cache_read + cache_write > 0 and input_includes_cached is null then 'default'
            when reasoning > 0 and output_includes_reasoning is null then 'default'
            when cache_read + cache_write + reasoning + tool_use > 0 then 'convention'
            else 'nothing_within'
        end as usage_rule
    from usage_beyond

)
{%- endmacro %}
