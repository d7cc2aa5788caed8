{#
  The tier that a price depends on, by the word for it in whatever a tool wrote (`flex`, `ON_DEMAND_PRIORITY`, `Fast mode`,
  `Flex · Large context (>272K)`): NULL where nobody said anything, `standard` where no word is a tier's.
#}
{% macro price_tier(said, speed) -%}
    case
        when lower({{ speed }}) = 'fast' then 'fast'
        when {{ said }} is not null or {{ speed }} is not null
            then coalesce(
                nullif(regexp_extract(lower({{ said }}), '(?:^|[^a-z])(batch|flex|priority|fast)(?:[^a-z]|$)', 1), ''),
                'standard'
            )
    end
{%- endmacro %}
