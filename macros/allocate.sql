{#
  Splits an amount of each group of rows among them in proportion to whole-number weights: a select of the relation
  `items` with the parts beside its columns. `amounts` maps the name of each part to its amount, which all rows of a
  group share; a part of the amount's own name replaces it. Parts are cut off at a picodollar, and the row with the largest
  weight takes what is left, so that they add up exactly. `tie_breaker` decides between equal weights, lowest first and
  NULL last, and must tell the rows of a group apart. `total_weight` is the sum of the weights unless it is given.

  The rate is computed once per group, and what is left over is one aggregate per group: no window over the items.
#}
{% macro allocate(items, amounts, weight, within, tie_breaker, total_weight=none) -%}
    {%- set weight, group = whole_number(weight), within | join(', ') -%}
    {%- set helpers, same_group = ['split_weight', 'split_largest', 'split_key'], [] -%}
    {%- for key in within -%}
        {%- do same_group.append('items.' ~ key ~ ' is not distinct from groups.' ~ key) -%}
    {%- endfor -%}
    {%- for part, amount in amounts.items() -%}
        {%- do helpers.extend(['split_amount_' ~ loop.index, 'split_part_' ~ loop.index]) -%}
        {%- if part == amount -%}
            {%- do helpers.append(part) -%}
        {%- endif -%}
    {%- endfor -%}
    with split_totals as (

        select
            {{ group }},
            {{ whole_number(total_weight or 'sum(' ~ weight ~ ')') }} as split_total,
            max({{ weight }}) as split_largest,
            greatest(max({{ weight }}), -min({{ weight }})) as split_reach
            {%- for amount in amounts.values() %},
                min({{ whole_number('(' ~ amount ~ ') * 1000000000000') }}) as split_amount_{{ loop.index }}
            {%- endfor %}
        from {{ items }}
        group by {{ group }}

    ),

    split_rates as (

        select
            *
            {%- for amount in amounts %}{{ picodollar_rates(loop.index) }}{% endfor %}
        from split_totals

    ),

    split_parts as (

        select
            items.*,
            {{ weight }} as split_weight,
            groups.split_largest,
            {{ split_key(tie_breaker) }} as split_key
            {%- for amount in amounts %},
                groups.split_amount_{{ loop.index }},
                {{ picodollar_part(loop.index, weight) }} as split_part_{{ loop.index }}
            {%- endfor %}
        from {{ items }} as items
        inner join split_rates as groups on {{ same_group | join(' and ') }}

    ),

    split_rests as (

        select
            {{ group }},
            min(case when split_weight = split_largest then split_key end) as split_first_key
            {%- for amount in amounts %},
                min(split_amount_{{ loop.index }}) - sum(split_part_{{ loop.index }}) as split_rest_{{ loop.index }}
            {%- endfor %}
        from split_parts
        group by {{ group }}

    )

    select
        {{ all_but('items', helpers) }}
        {%- for part in amounts %},
            {{ picodollars('items.split_part_' ~ loop.index ~ ' + case when items.split_weight = items.split_largest and '
                ~ 'items.split_key is not distinct from groups.split_first_key then groups.split_rest_' ~ loop.index
                ~ ' else 0 end') }} as {{ part }}
        {%- endfor %}
    from split_parts as items
    inner join split_rests as groups on {{ same_group | join(' and ') }}
{%- endmacro %}

{# Texts of several columns as one value that sorts as they do. #}
{% macro split_key(columns) -%}
    {%- if columns | length == 1 -%}
        {{ columns[0] }}
    {%- else -%}
        {%- set fields = {} -%}
        {%- for column in columns -%}
            {%- do fields.update({'is_null_' ~ loop.index: column ~ ' is null', 'key_' ~ loop.index: column}) -%}
        {%- endfor -%}
        {{ record_of(fields) }}
    {%- endif -%}
{%- endmacro %}
