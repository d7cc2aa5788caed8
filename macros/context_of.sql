{# Which side of a long prompt's limit a bill's or usage file's words mean (`0-200k`, `> 200k`): NULL where they say none. #}
{% macro context_side(said) -%}
    case
        when {{ has_pattern("lower(" ~ said ~ ")", '(>|over|above) *=? *[0-9]+ *k|[0-9]+ *k *- *[0-9]+ *m|(long|large)[- ](context|ctx|input|output|prompt)|(input|output|predictions)[- ]+long') }}
            then 'long'
        when {{ has_pattern("lower(" ~ said ~ ")", '(^|[^0-9])0 *- *[0-9]+ *k|(≤|<|up to|under|below) *=? *[0-9]+ *k|short[- ](context|ctx|input|output|prompt)') }}
            then 'short'
    end
{%- endmacro %}

{# The limit itself in tokens, where the words name it. #}
{% macro context_limit(said) -%}
    cast(nullif(regexp_extract(lower({{ said }}), '([0-9]+) *k', 1), '') as bigint) * 1000
{%- endmacro %}
