{#
  What writing a prompt cache that nobody read cost beyond plain input: that part of `usd`, the cost of a call or of a
  part of it. NULL where writing cost no more. The relation `call` has cache_write_premium_usd and priced_usd.
#}
{% macro unread_write_part(usd, call) -%}
    case
        when {{ call }}.cache_write_premium_usd > 0
            then {{ floored_part(
                usd, whole_number(call ~ '.cache_write_premium_usd * 1000000000000'),
                whole_number(call ~ '.priced_usd * 1000000000000')
            ) }}
    end
{%- endmacro %}
