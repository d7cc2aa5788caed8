{#
  Spans' parents and the walk's steps are held in memory. A build that reads more spans than the environment's
  SPANS_PER_WALK takes slices of traces, one after the other: the model the first, its post-hook the rest.
#}
{% macro is_in_slice(trace_key) -%}
    {%- set slices = _slices() -%}
    {{ trace_key ~ ' % ' ~ slices ~ ' = 0 /* slice */' if slices > 1 else 'true' }}
{%- endmacro %}

{% macro walk_further_slices() -%}
    {%- for slice in range(1, _slices()) -%}
        {%- do run_query(
            'insert into ' ~ this ~ ' by name ' ~ model.compiled_code | replace('= 0 /* slice */', '= ' ~ slice)
        ) -%}
    {%- endfor -%}
{%- endmacro %}

{% macro _slices() -%}
    {%- set spans = this.incorporate(path={'identifier': 'int_spans_reopened'}) -%}
    {%- if not execute or model.config.materialized == 'unit' or target.name == 'lint' -%}
        {{ return(1) }}
    {%- endif -%}
    {%- set most = env_var('SPANS_PER_WALK', '10000000') | int -%}
    {{ return(run_query('select count(*) from ' ~ spans).columns[0].values()[0] // most + 1) }}
{%- endmacro %}
