{# True where an amount is what was stated, at the statement's own precision: its last decimal, cents at least. #}
{% macro rounds_to(amount, stated) -%}
    case
        {% for decimals in range(2, 12) -%}
            when {{ stated }} = round({{ stated }}, {{ decimals }}) then round({{ amount }}, {{ decimals }}) = {{ stated }}
        {% endfor -%}
        -- Floating point leaves digits behind the twelfth decimal.
        else abs({{ amount }} - {{ stated }}) < 0.000000001
    end
{%- endmacro %}
