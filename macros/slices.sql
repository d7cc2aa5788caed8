{#
  Spans' parents, the walk's steps and the calls' shares are held in memory. A build that reads more spans than the
  environment's SPANS_PER_WALK (spans_at_once) takes slices, one after the other: the model the first, its post-hook the
  rest. A slice is the traces that lie in a stretch of days, so that each day is read once; then come the traces that lie
  in several stretches. What is still too large is parted by the trace's key, which may be negative.
  `traces` and `days` are conditions on `trace_key` and `started_on`, `number` tells slices apart. A model of calls takes
  stretches of days, from `after` up to `until`, which leave no day out (`day_slices=true`, `lies_in`).
#}
{% macro first_slice(day_slices=false) -%}
    {{ return((_day_slices() if day_slices else _slices())[0]) }}
{%- endmacro %}

{% macro walk_further_slices(day_slices=false) -%}
    {%- set slices = _day_slices() if day_slices else _slices() -%}
    {%- for slice in slices[1:] -%}
        {%- set code = namespace(text=model.compiled_code) -%}
        {%- for part in slice -%}
            {%- set code.text = code.text | replace(slices[0][part], slice[part]) -%}
        {%- endfor -%}
        {%- do run_query('insert into ' ~ this ~ ' by name ' ~ code.text) -%}
    {%- endfor -%}
{%- endmacro %}

{# A condition that a day lies in a slice of days, or so many days beside it. #}
{% macro lies_in(slice, day, beside=0) -%}
    {%- if slice.until -%}
        {{ day }} > {{ slice.after }} - {{ beside }} and {{ day }} <= {{ slice.until }} + {{ beside }}
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}

{% macro _day_slices() -%}
    {%- set slices, stretches = [], _stretches() -%}
    {%- for stretch in stretches -%}
        {%- do slices.append({
            'after': "/* after */ date '" ~ (stretches[loop.index0 - 1].until if not loop.first else '0001-01-02') ~ "'",
            'until': "/* until */ date '" ~ (stretch.until if not loop.last else '9999-12-30') ~ "'",
        }) -%}
    {%- endfor -%}
    {{ return(slices or [{}]) }}
{%- endmacro %}

{# Days beside each other with no more spans than a build takes at once, each but a single day; none where all fit. #}
{% macro _stretches() -%}
    {%- set most = spans_at_once() -%}
    {%- if not is_building() or not most or _spans_landed() <= most -%}
        {{ return([]) }}
    {%- endif -%}
    {%- set spans = this.incorporate(path={'identifier': 'int_spans_reopened'}) -%}
    {%- set days = run_query('select started_on, count(*) from ' ~ spans ~ ' group by started_on order by started_on').rows -%}
    {%- set stretches = [] -%}
    {%- for day, count in days -%}
        {%- if stretches and stretches[-1].spans + count <= most -%}
            {%- do stretches[-1].update(until=day, spans=stretches[-1].spans + count) -%}
        {%- else -%}
            {%- do stretches.append({'since': day, 'until': day, 'spans': count}) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(stretches if stretches | sum(attribute='spans') > most else []) }}
{%- endmacro %}

{% macro _spans_landed() -%}
    {%- set query = "select coalesce(sum(rows_read), 0) from " ~ source('landed', 'files') ~ " where kind = 'spans'" -%}
    {{ return(run_query(query).rows[0][0] | int) }}
{%- endmacro %}

{% macro _slices() -%}
    {%- set stretches, most = _stretches(), spans_at_once() -%}
    {%- if not stretches -%}
        {{ return([{'traces': 'true', 'days': 'true', 'number': '0'}]) }}
    {%- endif -%}
    {%- set spans = this.incorporate(path={'identifier': 'int_spans_reopened'}) -%}
    {%- set ties = this.incorporate(path={'identifier': 'int_trace_ties'}) -%}
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
                'traces': days ~ ' and trace_key ' ~ ('not in (' if stretch.since else 'in (') ~ spread ~ ')'
                    ~ (' and abs(trace_key % ' ~ parts ~ ') = ' ~ part if parts > 1 else ''),
                'days': days,
                'number': '/* slice */ ' ~ slices | length,
            }) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(slices) }}
{%- endmacro %}
