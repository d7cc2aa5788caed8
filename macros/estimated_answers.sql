{#
  The answers of `part`'s requests: those that events state, and of requests that no event joins as many as the joined
  requests of `whole`, the feature's month, give on average; a whole number. Where no event of the feature states any,
  each request is an answer; a feature that only batches of several requests serve has their traces instead.
#}
{% macro estimated_answers(part, whole) -%}
    case
        when {{ whole }}.known_answers > 0
            then {{ whole_quotient(
                '2 * (' ~ whole_number(part ~ '.known_answers') ~ ' * ' ~ whole ~ '.answered_requests + ('
                ~ part ~ '.requests - ' ~ part ~ '.answered_requests) * ' ~ whole_number(whole ~ '.known_answers')
                ~ ') + ' ~ whole ~ '.answered_requests',
                '2 * ' ~ whole ~ '.answered_requests'
            ) }}
        when {{ whole }}.requests > 0 then {{ part }}.requests
        else {{ part }}.traces
    end
{%- endmacro %}
