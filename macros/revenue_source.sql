{#
  The source that a revenue file is of, where no column says it: its folder and name without extensions, digits, dates and
  version marks, so that the next month's file, or a corrected one, is of the same source. Each word stands between blanks
  of its own.
#}
{% macro revenue_source(source_file) -%}
    {%- set extensions = '\\.(csv|tsv|txt|parquet|xlsx|json|jsonl|ndjson|zip|gz|zst|snappy)' -%}
    {%- set ids = '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}' -%}
    {%- set times = '[0-9]t[0-9][0-9:_.-]*z?' -%}
    {%- set months = 'january|february|march|april|june|july|august|september|october|november|december'
        ~ '|jan|feb|mar|apr|may|jun|jul|aug|sep|sept|oct|nov|dec' -%}
    {%- set versions = 'v|ver|version|r|rev|revision|final|copy|of|draft|latest|updated|corrected|revised|fixed' -%}
    {%- set marks = ' (' ~ months ~ '|q|h|w|kw|fy|' ~ versions ~ ') ' -%}
    {%- set bare = without_pattern(without_pattern(without_pattern('lower(' ~ source_file ~ ')', extensions), ids), times) -%}
    {%- set words = "' ' || replace(" ~ without_pattern(bare, '[^\\p{L}/]+', '  ') ~ ", '/', ' / ') || ' '" -%}
    {%- set named = without_pattern(without_pattern(words, marks), ' +', ' ') -%}
    coalesce(nullif({{ without_pattern(without_pattern(named, '( ?/ ?)+', '/'), '^[ /]+|[ /]+$') }}, ''), 'unnamed')
{%- endmacro %}
