{#
  Half the width of the confidence interval of a difference of two means, from the variances of the means and the sizes of
  their samples: Welch's degrees of freedom, and Student's quantile of them from the normal one (Cornish and Fisher).
#}
{% macro welch_half_width(variance, sample, other_variance, other_sample) -%}
    {%- set z = var('confidence_quantile') -%}
    {%- set freedom = '(power(' ~ variance ~ ' + ' ~ other_variance ~ ', 2) / nullif(power(' ~ variance ~ ', 2) / ('
        ~ sample ~ ' - 1) + power(' ~ other_variance ~ ', 2) / (' ~ other_sample ~ ' - 1), 0))' -%}
    sqrt({{ variance }} + {{ other_variance }}) * (
        {{ z }}
        + coalesce({{ (z ** 3 + z) / 4 }} / {{ freedom }}, 0)
        + coalesce({{ (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96 }} / power({{ freedom }}, 2), 0)
    )
{%- endmacro %}
