{#
  Spans' parents and the walk's steps are held in memory. A build that reads more spans than the environment's
  SPANS_PER_WALK takes slices, one after the other: the model the first, its post-hook the rest. A slice is the traces
  that lie in a stretch of days, so that each day is read once; then come the traces that lie in several stretches. What is
  still too large is parted by the trace's key, which may be negative.
  `traces` and `days` are conditions on `trace_key` and `started_on`, `number` tells slices apart.
#}
{% macro first_slice() -%}
    {{ return(_slices()[0]) }}
{%- endmacro %}

{% macro walk_further_slices() -%}
    {%- set slices = _slices() -%}
    {%- for slice in slices[1:] -%}
        {%- set code = namespace(text=model.compiled_code) -%}
        {%- for part in ['traces', 'days', 'number'] -%}
            {%- set code.text = code.text | replace(slices[0][part], slice[part]) -%}
        {%- endfor -%}
        {%- do run_query('insert into ' ~ this ~ ' by name ' ~ code.text) -%}
    {%- endfor -%}
{%- endmacro %}

{% macro _slices() -%}
    {%- set whole = {'traces': 'true', 'days': 'true', 'number': '0'} -%}
    {%- if not execute or model.config.materialized == 'unit' or target.name == 'lint' -%}
        {{ return([whole]) }}
    {%- endif -%}
    {%- set spans = this.incorporate(path={'identifier': 'int_spans_reopened'}) -%}
    {%- set ties = this.incorporate(path={'identifier': 'int_trace_ties'}) -%}
    {%- set most = env_var('SPANS_PER_WALK', '10000000') | int -%}
    {%- set days = run_query('select started_on, count(*) from ' ~ spans ~ ' group by started_on order by started_on').rows -%}
    {%- set stretches = [] -%}
    {%- for day, count in days -%}
        {%- if stretches and stretches[-1].spans + count <= most -%}
            {%- do stretches[-1].update(until=day, spans=stretches[-1].spans + count) -%}
        {%- else -%}
            {%- do stretches.append({'since': day, 'until': day, 'spans': count}) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if stretches | sum(attribute='spans') <= most -%}
        {{ return([whole]) }}
    {%- endif -%}
    {%- set spread -%}
        select trace_key from {{ ties }} where kind = 'trace' group by trace_key having count(distinct case
        {%- for stretch in stretches %} when day <= date '{{ stretch.until }}' then {{ loop.index }}{% endfor %} end) > 1
    {%- endset -%}
    {%- set spread_spans = run_query('select count(*) from ' ~ spans ~ ' where trace_key in (' ~ spread ~ ')').rows[0][0] -%}
    {%- set slices = [] -%}
    {%- for stretch in stretches + [{'spans': spread_spans}] -%}
        {%- set days = "started_on between date '" ~ stretch.since ~ "' and date '" ~ stretch.until ~ "'"
            if stretch.since else 'started_on is not null' -%}
        {%- set parts = stretch.spans // most + 1 -%}
        {%- for part in range(parts) -%}
            {%- do slices.append({
                'days': days,
                'traces': days ~ ' and trace_key ' ~ ('not in (' if stretch.since else 'in (') ~ spread ~ ')'
                    ~ (' and abs(trace_key % ' ~ parts ~ ') = ' ~ part if parts > 1 else ''),
                'number': '/* slice */ ' ~ slices | length,
            }) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(slices) }}
{%- endmacro %}
