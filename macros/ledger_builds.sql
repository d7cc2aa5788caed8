{#
  What the ledger was built of, in the one row of the table `ledger_builds`, which the hooks of a build keep. Nothing
  else is remembered between builds, so that no variable and no file can make a run skip what it has to read.

  - `landing_no`: files up to it were read. `basis`: the files up to it are those that the build goes on from; empty
    where all is read anew.
  - `has_other_clocks`: whether a build that goes on may read calls on another day than that of their time in UTC.
  - `fingerprint`: of the project, the seeds, --vars and the landing's last change of rows that had landed before.
  - `closed`: the closed months. `build_id`: `make close` notes it in the month that it freezes, since the ledger holds
    that month's entries already (closed.py).
  - `is_good`: every seed, model and test was built and nothing failed. What isn't good is followed by a build anew.
  - `is_whole`: no view is restricted to what an increment reads.
  - `parts`: ids of the nodes that were built so far, where a build that goes on was made of some nodes and nothing
    failed. Another one may build the others: it goes on from the same basis, and with the last of them the ledger is
    good. Behind a `-` while a build runs, so that one that is killed is no part.
#}
{% macro begin_build() -%}
    {%- if not execute or flags.WHICH not in ('build', 'run', 'seed') -%}
        {{ return('') }}
    {%- endif -%}
    {%- set last = last_build() -%}
    {%- set now = build_inputs(last) -%}
    {%- set fits = last.is_good and last.fingerprint == now.fingerprint and last.closed == now.closed -%}
    {%- if flags.WHICH == 'seed' -%}
        {%- if (last.is_good and not fits) or last.parts -%}
            {%- do _write_build(dict(last, is_good=last.is_good and fits, parts='')) -%}
        {%- endif -%}
        {{ return('') }}
    {%- endif -%}
    {%- set parts = _parts_before(last, now) -%}
    {%- set goes_on = (fits and not flags.FULL_REFRESH and not flags.EMPTY) or parts != [] -%}
    {%- if not goes_on and not last.is_whole -%}
        {%- do _refuse_restricted_parents() -%}
    {%- endif -%}
    {%- set basis = last.basis if parts else last.landing_no if goes_on else none -%}
    {# The ledger stays good if nothing has landed and nothing changed: every model would come out the same. #}
    {%- set stays = fits and last.landing_no == now.landing_no and not flags.EMPTY -%}
    {%- do _write_build({
        'build_id': last.build_id if stays else invocation_id,
        'landing_no': now.landing_no,
        'basis': basis,
        'has_other_clocks': has_other_clocks_since(basis),
        'fingerprint': now.fingerprint,
        'closed': now.closed if stays else now.all_closed,
        'is_good': stays,
        'is_whole': last.is_whole and not goes_on,
        'parts': '-' ~ parts | join(' '),
    }) -%}
{%- endmacro %}

{# Returns the ids that earlier parts of this build have built; none where the selection can't be the rest of it. Inputs have
   to be the same, and each model has to follow those that it reads, unless they stay as they are. No model may come twice:
   the lists of what is touched compare what landed with what was built before. Seeds are those of the last good build. #}
{% macro _parts_before(last, now) -%}
    {%- set parts = (last.parts or '').split() -%}
    {%- set is_same = last.landing_no == now.landing_no and last.fingerprint == now.fingerprint and last.closed == now.all_closed -%}
    {%- if not parts or parts[0].startswith('-') or not is_same or flags.FULL_REFRESH or flags.EMPTY -%}
        {{ return([]) }}
    {%- endif -%}
    {%- for id in selected_resources if id.startswith('model.') or id.startswith('test.') -%}
        {%- if id in parts and id.startswith('model.') -%}
            {{ return([]) }}
        {%- endif -%}
        {%- for parent in graph.nodes[id].depends_on.nodes or [] if parent.startswith('model.') -%}
            {%- if parent not in parts and parent not in selected_resources -%}
                {{ return([]) }}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- for id in parts if id.startswith('model.') -%}
        {%- for parent in graph.nodes[id].depends_on.nodes or [] if parent.startswith('model.') and parent not in parts -%}
            {%- if not _stays_as_built(graph.nodes[parent], last.basis, parts) -%}
                {{ return([]) }}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(parts) }}
{%- endmacro %}

{# Whether a build that goes on from the files up to `basis` would make a model as it is, for readers among `parts`: a table
   that no news asks for, or has no rows because the seed that it follows has none, or a view that depends neither on what an
   increment reads nor on models still to be made. #}
{% macro _stays_as_built(node, basis, parts) -%}
    {%- if node.config.meta.get('follows_seed') and not _has_rows(node.config.meta['follows_seed']) -%}
        {{ return(true) }}
    {%- elif node.config.materialized == 'kept' -%}
        {{ return(not has_news_since(basis, node.config.meta['rebuilt_at_news_of'])) }}
    {%- elif node.config.materialized != 'view' or _is_restricted(node) -%}
        {{ return(false) }}
    {%- endif -%}
    {%- for parent in node.depends_on.nodes if parent.startswith('model.') and parent not in parts -%}
        {%- if not _stays_as_built(graph.nodes[parent], basis, parts) -%}
            {{ return(false) }}
        {%- endif -%}
    {%- endfor -%}
    {{ return(true) }}
{%- endmacro %}

{% macro _has_rows(seed) -%}
    {%- set table = api.Relation.create(database=target.database, schema='seeds', identifier=seed) -%}
    {{ return(run_query('select 1 from ' ~ table ~ ' limit 1').rows | length > 0) }}
{%- endmacro %}

{% macro _is_restricted(node) -%}
    {{ return('is_touched(' in node.raw_code or 'is_new_file(' in node.raw_code or 'is_wanted(' in node.raw_code) }}
{%- endmacro %}

{% macro end_build(results) -%}
    {%- if execute and flags.WHICH in ('build', 'run') -%}
        {%- set last, failed = _read_build(), [] -%}
        {%- set built = last.parts[1:].split() -%}
        {%- for result in results -%}
            {%- do (built if result.status | string in ('success', 'pass', 'warn', 'no-op') else failed).append(result.node.unique_id) -%}
        {%- endfor -%}
        {%- set missed = [] -%}
        {%- for id in graph.nodes if id.split('.')[0] in ('seed', 'model', 'test') and id not in built -%}
            {%- do missed.append(id) -%}
        {%- endfor -%}
        {%- set is_complete = not missed and not failed and not flags.EMPTY -%}
        {%- set is_good = not failed and (last.is_good or is_complete) -%}
        {%- set is_part = not is_good and not failed and not flags.EMPTY and last.basis is not none -%}
        {%- do _write_build(dict(
            last,
            is_good=is_good,
            is_whole=last.is_whole or (is_complete and last.basis is none),
            parts=built | join(' ') if is_part else '',
        )) -%}
    {%- endif -%}
{%- endmacro %}

{# The last number of a file that the last good build had read; none where this build reads all anew. #}
{% macro basis() -%}
    {%- set number = run_query('select basis from ' ~ _ledger_builds()).rows[0][0] -%}
    {{ return(number | int if number is not none else none) }}
{%- endmacro %}

{# Whether a model or test is being built, not only compiled or looked at. #}
{% macro is_building() -%}
    {{ return(execute and model.config.materialized != 'unit' and flags.WHICH in ('build', 'run')) }}
{%- endmacro %}

{% macro last_build() -%}
    {%- set table = _ledger_builds() -%}
    {%- set found = adapter.get_relation(table.database, table.schema, table.identifier) -%}
    {%- set list = adapter.get_relation(table.database, 'intermediate', 'int_traces_touched') if found is none -%}
    {{ return(
        _read_build() if found is not none else {'is_good': false, 'is_whole': list is none, 'landing_no': 0}
    ) }}
{%- endmacro %}

{% macro _read_build() -%}
    {%- set found = dict(run_query('select * from ' ~ _ledger_builds()).rows[0].dict()) -%}
    {{ return(dict(found, landing_no=found.landing_no | int, basis=found.basis | int if found.basis is not none else none)) }}
{%- endmacro %}

{# Reads what a build depends on: files landed, fingerprint, closed months. #}
{% macro build_inputs(last) -%}
    {%- set given = invocation_args_dict.get('vars') -%}
    {%- set found = adapter.dispatch('build_inputs')() -%}
    {%- set closed, all_closed = [], [] -%}
    {%- for month, digest, build_id in found.closed -%}
        {%- do all_closed.append(month ~ digest) -%}
        {%- if build_id is none or build_id != last.build_id -%}
            {%- do closed.append(month ~ digest) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set numbers = run_query('select coalesce(max(landing_no), 0) from ' ~ source('landed', 'files')) -%}
    {{ return({
        'landing_no': numbers.rows[0][0] | int,
        'fingerprint': found.fingerprint ~ (' ' ~ given | string if given else ''),
        'closed': closed | join(' '),
        'all_closed': all_closed | join(' '),
    }) }}
{%- endmacro %}

{# build.py's `inputs` says the same without dbt. #}
{% macro duckdb__build_inputs() -%}
    {%- set project = [
        'dbt_project.yml', 'profiles.yml', 'models/**/*.sql', 'models/**/*.yml', 'macros/**/*.sql', 'seeds/reference/*',
        'tests/alerts/*.sql', 'tests/catalog/*.sql', 'tests/generic/*.sql', 'tests/identities/*.sql'
    ] -%}
    {%- set data = _as_pattern(env_var('LEDGER_DATA', 'data')) -%}
    {%- set query -%}
        select
            {{ files_digest(project, 'filename') }} || ' ' || {{ files_digest([company_seeds() ~ '/*.csv']) }} || ' ' || coalesce((
                select json_extract_string(content, '$.rewritten') from read_text('{{ data }}/landed/manifest.json')
            ), '0')
    {%- endset -%}
    {%- set months -%}
        select
            json_extract_string(content, '$.month'),
            json_extract_string(content, '$.entries.sha256'),
            json_extract_string(content, '$.build_id')
        from read_text('{{ data }}/closed/*/manifest.json')
        order by 1
    {%- endset -%}
    {{ return({'fingerprint': run_query(query).rows[0][0], 'closed': run_query(months).rows}) }}
{%- endmacro %}

{# A cluster does not see the project's files: models, seeds and tests count by dbt's checksums. After a changed macro,
   or after `make forget`, a build on Spark takes --full-refresh. #}
{% macro spark__build_inputs() -%}
    {%- set sums = [] -%}
    {%- for node in graph.nodes.values() -%}
        {%- do sums.append(node.unique_id ~ node.get('checksum', {}).get('checksum', '')) -%}
    {%- endfor -%}
    {%- set months -%}
        select date_format(posted_month, 'yyyy-MM'), concat(count(*), ':', sum(amount_usd)), null
        from {{ source('closed', 'entries') }}
        group by posted_month
        order by posted_month
    {%- endset -%}
    {{ return({'fingerprint': local_md5(sums | sort | join), 'closed': run_query(months).rows}) }}
{%- endmacro %}

{# One number for the names and contents of files. #}
{% macro files_digest(patterns, name='parse_filename(filename)') -%}
    (
        select md5(coalesce(string_agg({{ name }} || md5(content), '' order by {{ name }}), ''))
        from read_blob(['{{ patterns | join("', '") }}'])
    )
{%- endmacro %}

{# The folder of the company's seeds that dbt_project.yml names, as a pattern. #}
{% macro company_seeds() -%}
    {%- set is_sample = env_var('LEDGER_COMPANY', 'seeds/company') == 'seeds/company' -%}
    {{ return('seeds/company' if is_sample else '.company/' ~ local_md5(env_var('LEDGER_DATA', 'data'))) }}
{%- endmacro %}

{#
  Before anything is built or tested: is there something that landed, and are the company's seeds those that `make build`
  completed? Only `make build` can do either.
#}
{% macro check_inputs() -%}
    {%- if execute and target.type == 'duckdb' and target.name != 'lint' -%}
        {%- set data, company = env_var('LEDGER_DATA', ''), env_var('LEDGER_COMPANY', 'seeds/company') -%}
        {%- set landed = run_query("from glob('" ~ _as_pattern(data) ~ "/landed/files/*/*.parquet')").rows -%}
        {%- if not data or not landed -%}
            {%- do exceptions.raise_compiler_error(
                "Nothing has landed in " ~ (data or "any folder that .env names as LEDGER_DATA") ~ ": run make build or make demo"
            ) -%}
        {%- elif company not in ('', 'seeds/company') -%}
            {%- set is_fresh -%}
                select {{ files_digest([_as_pattern(company) ~ '/*.csv']) }}
                    = (select max(content) from read_text('{{ company_seeds() }}/.made_of'))
            {%- endset -%}
            {%- if not run_query(is_fresh).rows[0][0] -%}
                {%- do exceptions.raise_compiler_error(
                    "The company's seeds are not those in " ~ company ~ " (LEDGER_COMPANY) any more: run make build COMPANY=" ~ company
                ) -%}
            {%- endif -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{% macro _as_pattern(path) -%}
    {{ return(path | replace('[', '[[]') | replace('*', '[*]') | replace('?', '[?]') | replace("'", "''")) }}
{%- endmacro %}

{#
  After an increment, views hold what it read. A model that is built whole needs those above it whole: a selection that
  leaves them out would lose rows.
#}
{% macro _refuse_restricted_parents() -%}
    {%- set lists = ['int_traces_touched', 'int_days_reopened', 'int_days_read', 'int_days_touched'] -%}
    {%- set seen, level, found = [], namespace(ids=[]), [] -%}
    {%- for id in selected_resources if id.split('.')[0] == 'model' -%}
        {%- do level.ids.extend(graph.nodes[id].depends_on.nodes) -%}
    {%- endfor -%}
    {%- for _ in range(100) if level.ids -%}
        {%- set above = [] -%}
        {%- for id in level.ids | unique if id.split('.')[0] == 'model' and id not in selected_resources and id not in seen -%}
            {%- do seen.append(id) -%}
            {%- set node = graph.nodes[id] -%}
            {%- if node.config.materialized in ('incremental', 'touched_partitions', 'kept') or node.name in lists -%}
            {%- elif _is_restricted(node) -%}
                {%- do found.append(node.name) -%}
            {%- else -%}
                {%- do above.extend(node.depends_on.nodes) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- set level.ids = above -%}
    {%- endfor -%}
    {%- if found -%}
        {%- do exceptions.raise_compiler_error(
            "All of the ledger is to be read anew, and " ~ found | join(', ') ~ " of this selection's parents hold only what "
            ~ "the last increment read. Select the parents too (dbt build --select +model), or run make build"
        ) -%}
    {%- endif -%}
{%- endmacro %}

{% macro _ledger_builds() -%}
    {{ return(api.Relation.create(database=target.database, schema=target.schema, identifier='ledger_builds')) }}
{%- endmacro %}

{% macro _write_build(row) -%}
    {%- set texts = [] -%}
    {%- for name in ('build_id', 'fingerprint', 'closed', 'parts') -%}
        {%- do texts.append("cast('" ~ (row[name] or '') | replace("'", "''") ~ "' as " ~ dbt.type_string() ~ ') as ' ~ name) -%}
    {%- endfor -%}
    {%- set columns -%}
        {{ texts | join(', ') }},
        cast({{ row.landing_no }} as bigint) as landing_no,
        cast({{ 'null' if row.basis is none else row.basis }} as bigint) as basis,
        {{ 'true' if row.has_other_clocks else 'false' }} as has_other_clocks,
        {{ 'true' if row.is_good else 'false' }} as is_good,
        {{ 'true' if row.is_whole else 'false' }} as is_whole
    {%- endset -%}
    {%- do adapter.dispatch('write_build')(columns) -%}
{%- endmacro %}

{# Committed at once: the connection of hooks rolls back what is open when models begin. #}
{% macro duckdb__write_build(columns) -%}
    {%- call statement('ledger_builds', auto_begin=true) -%}
        create or replace table {{ _ledger_builds() }} as select {{ columns }}
    {%- endcall -%}
    {%- do adapter.commit() -%}
{%- endmacro %}

{% macro spark__write_build(columns) -%}
    {%- do run_query('create schema if not exists ' ~ target.schema) -%}
    {%- do run_query('drop table if exists ' ~ _ledger_builds()) -%}
    {%- do run_query('create table ' ~ _ledger_builds() ~ ' using parquet as select ' ~ columns) -%}
{%- endmacro %}
