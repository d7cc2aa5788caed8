{# Two ' > ' paths as one; a team that ends the first and begins the second stands once. #}
{% macro joined_paths(upper_path, lower_path) -%}
    case
        when coalesce({{ upper_path }}, '') = '' then coalesce({{ lower_path }}, '')
        when coalesce({{ lower_path }}, '') = '' then {{ upper_path }}
        when {{ step_from_end(upper_path, 1) }} = split_part({{ lower_path }}, ' > ', 1)
            then {{ upper_path }} || substr({{ lower_path }}, length(split_part({{ lower_path }}, ' > ', 1)) + 1)
        else {{ upper_path }} || ' > ' || {{ lower_path }}
    end
{%- endmacro %}
