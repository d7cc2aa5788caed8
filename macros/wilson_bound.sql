{# A bound of Wilson's 95 % interval of a share (side -1: low, 1: high): how far chance alone may move a pass rate. #}
{% macro wilson_bound(passed, judged, side) -%}
    {%- set z = 1.96 -%}
    (
        ({{ passed }} + {{ z * z / 2 }})
        + {{ side }} * {{ z }} * sqrt(cast({{ passed }} as double) * ({{ judged }} - {{ passed }}) / nullif({{ judged }}, 0) + {{ z * z / 4 }})
    ) / nullif({{ judged }} + {{ z * z }}, {{ z * z }})
{%- endmacro %}
