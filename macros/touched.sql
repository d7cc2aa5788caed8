{#
  Building on: a build reads what files that landed since the last good build touch, whole traces and whole days
  (ledger_builds.sql). Whatever is not a build (`dbt show`, `dbt compile`, `dbt test`) reads everything.
#}
{% macro builds_on() -%}
    {{ return(_goes_on_from() is not none) }}
{%- endmacro %}

{# The last number of a file that had been read before; none where all is read. #}
{% macro _goes_on_from() -%}
    {{ return(basis() if is_building() and not flags.FULL_REFRESH else none) }}
{%- endmacro %}

{# A condition that a row comes from a file that landed since the last build. #}
{% macro is_new_file(file_id) -%}
    {%- set files, number = source('landed', 'files'), _goes_on_from() -%}
    {{ 'true' if number is none else is_file_since(files, number, file_id) }}
{%- endmacro %}

{% macro is_file_since(files, number, file_id) -%}
    {%- set news = _first_column("file_id from " ~ files ~ " where landing_no > " ~ number) -%}
    {{ file_id }} in ('{{ news | join("', '") }}')
{%- endmacro %}

{# Whether files of a subject (bills, product) have landed since the last build. What seeds alone make has no news:
   a build after a change of them is whole. #}
{% macro has_news(subject) -%}
    {%- set number = _goes_on_from() -%}
    {{ return(number is none or has_news_since(number, subject)) }}
{%- endmacro %}

{% macro has_news_since(number, subject) -%}
    {%- set kinds = {
        'bills': "kind not in ('spans', 'eval_runs', 'usage_events', 'users', 'revenue')",
        'product': "kind in ('usage_events', 'users', 'revenue')",
        'eval_runs': "kind = 'eval_runs'",
        'seeds': 'false'
    } -%}
    {%- set files = source('landed', 'files') -%}
    {{ return(_first_column("kind from " ~ files ~ " where landing_no > " ~ number ~ " and " ~ kinds[subject]) | length > 0) }}
{%- endmacro %}

{#
  Whether a call may be on another day than that of its time in UTC. A build that goes on from files up to `basis` asks
  as it begins what could have made it one of a provider on Pacific time: bills and calls of the last build, seeds, and the
  words of new spans. New files of bills or eval runs always count as if they had.
#}
{% macro has_other_clocks() -%}
    {%- if not builds_on() -%}
        {{ return(true) }}
    {%- endif -%}
    {{ return(run_query('select has_other_clocks from ' ~ _ledger_builds()).rows[0][0]) }}
{%- endmacro %}

{% macro has_other_clocks_since(basis) -%}
    {%- if basis is none or var('billing_time_zones') or has_news_since(basis, 'bills') or has_news_since(basis, 'eval_runs') -%}
        {{ return(true) }}
    {%- endif -%}
    {%- set seeds = api.Relation.create(database=target.database, schema='seeds', identifier='api_keys') -%}
    {%- set built = api.Relation.create(database=target.database, schema='intermediate', identifier='int_call_costs') -%}
    {%- set found -%}
        select is_pacific from {{ built.incorporate(path={'identifier': 'int_billing_accounts'}) }}

        union

        select {{ is_pacific_biller('provider') }} from {{ built }}

        union

        select {{ is_pacific_biller('provider') }} from {{ seeds }}

        union

        select provider is null or {{ is_pacific_biller('provider') }}
        from {{ seeds.incorporate(path={'identifier': 'model_deployments'}) }}

        union

        select true
        from (
            select lower(provider) as provider, lower(server_address) as server, lower(model) as model
            from {{ source('landed', 'spans') }}
            where {{ is_file_since(source('landed', 'files'), basis, 'file_id') }}
            union
            select lower(provider_name), null, lower(model_name)
            from {{ built.incorporate(path={'identifier': 'int_eval_calls'}) }}
        ) as said
        inner join {{ seeds.incorporate(path={'identifier': 'provider_aliases'}) }} as aliases
            on {{ is_pacific_biller('aliases.provider') }} and (
                {{ is_pacific_biller('said.provider') }}
                or {{ is_like('said.provider', 'aliases.pattern') }}
                or {{ is_like('said.server', 'aliases.pattern') }}
                or {{ is_like('said.model', 'aliases.pattern') }}
            )
    {%- endset -%}
    {{ return(_first_column('is_pacific from (' ~ found ~ ') as clocks where is_pacific') | length > 0) }}
{%- endmacro %}

{# The table of this name as the last build left it: for models that run before it. #}
{% macro last_built(name) -%}
    {{ this.incorporate(path={'identifier': name}) }}
{%- endmacro %}

{#
  A condition that a trace or day is among those that this build reads anew, by one of these lists:
  `trace`: int_traces_touched. `span_day`: the days of these traces' spans. `reopened_day`: days of which new spans or
  bills change what is known. `matched_day`: also days whose calls and charges must be matched again. `read_day`: also the
  days beside them, whose charges decide the rates of calls. `touched_day`: days
  on which something came out otherwise. `spilled_day`: also the days before them, whose caches may be read at
  night, and whose calls repeated. `nearby_day`: also those after them. `posted_day`: also days with evals in their
  months, whose pool credit moves, or with money that is shared by what the month's production weighs; and of a retired
  month all days, since its late bills take the place of accruals on any of them.
  `month`: months of touched days, or all when `rebuilt_at_news_of` says so.
  Days are a list of literals, so that files and row groups of other days are not opened.
#}
{% macro is_touched(column, by, rebuilt_at_news_of=none, is_utc=false) -%}
    {%- set traces, reopened = _list_of('int_traces_touched', by), _list_of('int_days_reopened', by) -%}
    {%- set read, touched = _list_of('int_days_read', by), _list_of('int_days_touched', by) -%}
    {%- set costs, entries = _list_of('int_daily_costs', by), _list_of('stg_closed__entries', by) -%}
    {%- set charges = _list_of('int_charges_retired', by) -%}
    {%- set months = "cast(date_trunc('month', day) as date) from " ~ touched ~ " where is_touched" -%}
    {%- if not builds_on() or (rebuilt_at_news_of and has_news(rebuilt_at_news_of)) -%}
        true
    {%- elif by == 'trace' -%}
        {{ column }} in (select touched.trace_key from {{ traces }} as touched)
    {%- else -%}
        {%- set days = _first_column({
            'span_day': "day from " ~ traces,
            'reopened_day': "day from " ~ reopened ~ " where is_reopened",
            'read_day': "day from " ~ read ~ " where is_read",
            'matched_day': "day from " ~ read ~ " where is_matched",
            'touched_day': "day from " ~ touched ~ " where is_touched",
            'spilled_day': "day from " ~ touched ~ " where is_touched union select cast(day - interval 1 day as date) from "
                ~ touched ~ " where is_touched",
            'nearby_day': "cast(day + beside.days * interval 1 day as date) from " ~ touched
                ~ " cross join (values (-1), (0), (1)) as beside (days) where is_touched",
            'posted_day': "day from " ~ touched ~ " where is_touched union select incurred_on from " ~ costs
                ~ " where date_trunc('month', incurred_on) in (select " ~ months ~ ") and (purpose = 'evaluation' or pool in ("
                ~ "select pool from " ~ api.Relation.create(database=target.database, schema='seeds', identifier='sharing_rules')
                ~ " where method = 'weighted' and weight is null)) union select incurred_on from " ~ entries
                ~ " where is_retired and date_trunc('month', incurred_on) in (select " ~ months ~ ") union select charged_on from "
                ~ charges ~ " where date_trunc('month', charged_on) in (select " ~ months ~ ")",
            'month': months
        }[by]) -%}
        {{ _is_one_of(column, _days_around(days) if is_utc and has_other_clocks() else days) }}
    {%- endif -%}
{%- endmacro %}

{# Of a large table, the rows that the few of a build that goes on can meet; a build from nothing meets all. #}
{% macro is_wanted(key, relation, column) -%}
    {{ key ~ ' in (select ' ~ relation ~ '.' ~ column ~ ' from ' ~ relation ~ ')' if builds_on() else 'true' }}
{%- endmacro %}

{% macro _first_column(query) -%}
    {{ return(run_query("select distinct " ~ query ~ " order by 1").columns[0].values() | map('string') | list) }}
{%- endmacro %}

{% macro _is_one_of(column, days) -%}
    {{ column ~ " in (date '" ~ days | join("', date '") ~ "')" if days else 'false' }}
{%- endmacro %}

{# A day on a provider's clock reaches into the days beside it; one of Pacific time, into the next. #}
{% macro _days_around(days) -%}
    {%- set around = [] -%}
    {%- for day in days -%}
        {%- for step in ((-1, 0, 1) if var('billing_time_zones') else (0, 1)) -%}
            {%- do around.append((modules.datetime.date.fromisoformat(day) + modules.datetime.timedelta(step)) | string) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(around | unique | list) }}
{%- endmacro %}

{# Models depend on the lists that they ask; a test runs after the model that it tests, which does. #}
{% macro _list_of(name, by) -%}
    {%- set asked_by = {
        'int_traces_touched': ['trace', 'span_day'], 'int_days_reopened': ['reopened_day'], 'int_days_read': ['read_day', 'matched_day'],
        'int_days_touched': ['touched_day', 'spilled_day', 'nearby_day', 'posted_day', 'month'],
        'int_daily_costs': ['posted_day'], 'stg_closed__entries': ['posted_day'], 'int_charges_retired': ['posted_day']
    } -%}
    {%- if by in asked_by[name] and model.resource_type == 'model' -%}
        {{ return(ref(name)) }}
    {%- endif -%}
    {%- set schema = 'staging' if name.startswith('stg_') else 'intermediate' -%}
    {{ return(api.Relation.create(database=target.database, schema=schema, identifier=name)) }}
{%- endmacro %}
