"""Synthetic landed data for `make bench`: spans shaped like real ones, a bill that disagrees with them, a company.

Written by the engine straight into `DATA/landed`, as a landing would have left it: traces of 13 spans on average with
a tail of 300 and 5,000, chains 1,000 deep, fan-in links, 40 % billable, 10 % of traces unlabelled, 1 % of requests seen
twice, 0.5 % orphans; October 2026, 40 teams, 50 features. OpenAI's costs say 5 % more than the spans; OpenRouter's
activity has a line for 97 % of its calls, and lines that no span knows.
"""

from pathlib import Path

import duckdb

from landing.store import Store
from landing.tables import NO_DAY, TABLES, typed_columns
from paths import quoted

DAYS, TEAMS, FEATURES, SERVICES = 31, 40, 50, 120
MODELS = """(values ('openai', 'gpt-5-2025-08-07'), ('openai', 'gpt-5-mini-2025-08-07'),
    ('openai', 'gpt-4.1-2025-04-14'), ('openai', 'gpt-4.1-mini-2025-04-14'),
    ('openai', 'gpt-5-nano-2025-08-07'), ('openai', 'gpt-4o-mini-2024-07-18'),
    ('openai', 'gpt-5-2025-08-07'), ('openrouter', 'deepseek/deepseek-v3.2'),
    ('openrouter', 'anthropic/claude-sonnet-4'), ('openrouter', 'mistralai/mistral-small')
) as models (provider, model)"""

# A random number below n for a row, always the same: hash of what identifies the row and a salt.
RANDOM = "create macro dice(salt, row, n) as cast(hash(row, salt) % cast(n as ubigint) as bigint)"
TRACES = """
create or replace temp table traces as
select number as trace_no,
    case
        when dice('kind', number, 100000) < 10 then 5000
        when dice('kind', number, 100000) < 30 then 1000
        when dice('kind', number, 100000) < 300 then 300
        else 2 + dice('size', number, 10) + dice('more', number, 11)
    end as size,
    dice('kind', number, 100000) between 10 and 29 as is_chain,
    timestamp '{begin}' + to_seconds((number - {first}) * {seconds} / ({last} - {first})) as began_at,
    dice('unlabelled', number, 10) = 0 as is_unlabelled,
    dice('feature', number, {features}) as feature_no
from range({first}, {last}) as numbers (number)
"""
SPANS = """
create or replace temp view placed as
select *, trace_no * 8192 + span_no as row_id,
    case when is_chain then span_no - 1 when span_no > 0 then dice('parent', trace_no * 8192 + span_no, span_no) end
        as parent_no,
    span_no > 0 and dice('billable', trace_no * 8192 + span_no, 100) < 43 as is_call,
    dice('orphan', trace_no * 8192 + span_no, 200) = 0 as is_orphan,
    dice('twin', (trace_no * 8192 + span_no) // 2, 100) < 2 as is_twin
from (select *, unnest(range(size)) as span_no from traces where began_at::date = date '{day}');
create or replace temp view attributed as
select placed.*, models.*, dice('input', row_id, 5000) + 20 as input, dice('output', row_id, 900) + 1 as output
from placed
left join models on is_call and dice('model', row_id, 10) = models.model_no;
copy (
    select {columns}
    from (
        select * from empty_spans
        union all by name
        select
            cast(hash(trace_no, 'trace') >> 1 as bigint) as trace_key,
            cast(hash(row_id, 'span') >> 1 as bigint) as span_key,
            case
                when span_no = 0 then null
                when is_orphan then cast(hash(row_id, 'lost') >> 1 as bigint)
                else cast(hash(trace_no * 8192 + parent_no, 'span') >> 1 as bigint)
            end as parent_span_key,
            md5(trace_no::varchar) as trace_id,
            left(md5(row_id::varchar), 16) as span_id,
            case when span_no > 0 then left(md5((trace_no * 8192 + parent_no)::varchar), 16) end as parent_span_id,
            '{name}.parquet' as source_file, '{name}' as file_id, row_id as source_line, row_id as row_no,
            'otlp_json' as format, case when is_call then 'chat ' || model else 'step' end as name, 'ok' as status,
            began_at + to_microseconds(span_no * 1000) as started_at,
            began_at + to_microseconds(span_no * 1000 + 500000) as ended_at,
            case when is_call then 'chat' end as operation, provider, model,
            -- A gateway and an SDK report the same request.
            case when is_call and (provider = 'openrouter' or is_twin)
                then 'gen-' || md5(case when is_twin then row_id // 2 else -row_id end::varchar) end as response_id,
            case when span_no = 0 then 'u' || dice('user', trace_no, 100000) end as user_id,
            case when span_no = 0 then 't' || dice('tenant', trace_no, 2000) end as tenant_id,
            case when is_call then 'v' || dice('prompt', trace_no, 4) end as prompt_version,
            -- A feature's agents stand in layers, a service each; who calls whom is by chance.
            'service-' || (feature_no * 3 + least(span_no // 4, 4) * 7) % {services} as service_name,
            'production' as environment, case when span_no = 0 then '/route-' || feature_no end as route,
            case when span_no = 0 and not is_unlabelled then 'feature-' || feature_no
                when not is_unlabelled and dice('label', row_id, 50) = 0
                then 'feature-' || dice('inner', row_id, {features}) end as feature_id,
            case when is_call then input end as input_tokens,
            case when is_call and dice('cache', row_id, 3) = 0 then input // 2 end as cache_read_tokens,
            case when is_call then output end as output_tokens,
            case when is_call then 'provider' end as usage_convention, is_call as input_includes_cached,
            case when span_no = 0 and dice('linked', trace_no, 200) = 0
                then list_transform(range(1 + dice('causes', trace_no, 8)), lambda i: {{
                    'trace_key': cast(hash(greatest(trace_no - 1 - i, 0), 'trace') >> 1 as bigint),
                    'span_key': cast(hash(greatest(trace_no - 1 - i, 0) * 8192 + 1, 'span') >> 1 as bigint)
                }}) end as links,
            12 as filled
        from attributed
    )
) to '{target}' (format parquet, compression zstd);
"""
BILLS = {
    "openai_costs": """
        select 'bill.parquet' as source_file, 'bill' as file_id, row_number() over () as source_line,
            row_number() over () as row_no, day as start_time, day + interval 1 day as end_time,
            cast(quantity * price * 1.05 as decimal(38, 18)) as amount_value, quantity as quantity,
            'usd' as amount_currency, model || ', ' || meter as line_item
        from (
            select date_trunc('day', started_at) as day, model, meter, price, sum(case meter
                when 'input' then input_tokens - coalesce(cache_read_tokens, 0)
                when 'cached input' then cache_read_tokens else output_tokens end) as quantity
            from {spans}
            cross join (values ('input', 1.25e-6), ('cached input', 1.25e-7), ('output', 1e-5)) as meters (meter, price)
            where provider = 'openai'
            group by all
        )""",
    "openrouter_activity": """
        select 'activity.parquet' as source_file, 'activity' as file_id, row_number() over () as source_line,
            row_number() over () as row_no, response_id as generation_id,
            started_at as created_at, cast(cost as decimal(38, 18)) as cost_total, input as tokens_prompt,
            output as tokens_completion, 0 as tokens_reasoning, 0 as tokens_cached,
            model as model_permaslug, 'Provider' as provider_name, 'app-key' as api_key_name
        from (
            select case when number % 33 = 0 then response_id || 'x' else response_id end as response_id, started_at,
                model, input, output, (input * 1e-6 + output * 5e-6) * 1.02 as cost
            from (
                select *, row_number() over () as number from (
                    select response_id, min(started_at) as started_at, min(model) as model,
                        min(input_tokens) as input, min(output_tokens) as output
                    from {spans} where provider = 'openrouter' group by response_id
                )
            )
        )""",
}


def company(folder: Path) -> None:
    """The seeds of the synthetic company."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = {
        "teams": ["team_id,name,cost_center", *(f"team-{team},Team {team},CC-{team}" for team in range(TEAMS))],
        "services": ["service_name,owner_team_id,valid_from,valid_to",
                     *(f"service-{service},team-{service % TEAMS},," for service in range(SERVICES))],
        "feature_catalog": ["feature_id,name,owner_team_id,launched_on,valid_from,valid_to",
                            *(f"feature-{feature},Feature {feature},team-{feature % TEAMS},2026-01-01,,"
                              for feature in range(FEATURES))],
        "api_keys": ["provider,account_id,api_key,owner_team_id,feature_id,valid_from,valid_to",
                     "openai,,,team-1,,,", "openrouter,,,team-2,,,"],
    }  # fmt: skip
    for name, lines in rows.items():
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n")


def spans(engine: duckdb.DuckDBPyConnection, root: Path, traces: range, begin: str, days: float, name: str) -> int:
    """Land the spans of `traces`, one after the other over so many days; returns how many there are."""
    sizes = {"name": name, "services": SERVICES, "features": FEATURES}
    when = {"begin": begin, "seconds": int(days * 86400)}
    engine.execute(TRACES.format(first=traces.start, last=traces.stop, **when, **sizes))
    for (day,) in engine.execute("select distinct began_at::date::varchar from traces order by 1").fetchall():
        target = root / "spans" / f"day={day}" / f"{name}.parquet"
        target.parent.mkdir(parents=True, exist_ok=True)
        engine.execute(SPANS.format(day=day, target=quoted(target), columns=typed_columns("spans"), **sizes))
    [(size,)] = engine.execute("select sum(size) from traces").fetchall()
    return size


def bills(engine: duckdb.DuckDBPyConnection, root: Path) -> dict[str, int]:
    """OpenAI's costs by day, model and meter; OpenRouter's activity, a row per call; returns rows per table."""
    landed, counts = f"read_parquet('{quoted(root)}/spans/*/*.parquet', hive_partitioning = false)", {}
    for table, query in BILLS.items():
        target = root / table / f"day={NO_DAY}" / "synthetic.parquet"
        target.parent.mkdir(parents=True, exist_ok=True)
        [(counts[table],)] = engine.execute(
            f"copy (select {typed_columns(table)} from (select * from empty_{table} union all by name "
            f"{query.format(spans=landed)})) to '{quoted(target)}' (format parquet, compression zstd)"
        ).fetchall()
    return counts


def engine_for(folder: Path) -> duckdb.DuckDBPyConnection:
    engine = duckdb.connect(config={"preserve_insertion_order": False, "temp_directory": str(folder / "spill")})
    engine.execute(RANDOM)
    engine.execute(f"create temp table models as select *, row_number() over () - 1 as model_no from {MODELS}")
    for table in ("spans", *BILLS):
        engine.register(f"empty_{table}", TABLES[table].empty_table())
    return engine


def make(data: Path, traces: int) -> int:
    """A month of landed spans and bills in `data`, and the company's seeds; returns the number of spans."""
    store = Store(data)
    engine = engine_for(data)
    rows = spans(engine, store.staging, range(traces), "2026-10-01", DAYS, "synthetic")
    counts = {"synthetic": ("spans", rows)}
    for table, lines in bills(engine, store.staging).items():
        counts["bill" if table == "openai_costs" else "activity"] = (table, lines)
    _commit(store, counts)
    company(data / "company")
    return rows


def add(data: Path, traces: range) -> int:
    """More spans of the month's last day, landed after `make`; returns how many."""
    store = Store(data)
    rows = spans(engine_for(data), store.staging, traces, "2026-10-31 12:00:00", 0.5, "late")
    _commit(store, {"late": ("spans", rows)})
    return rows


def _commit(store: Store, counts: dict[str, tuple[str, int]]) -> None:
    entry = {"rows_rejected": 0, "first_reasons": {}, "is_growing": False, "end": None, "continues": None}
    store.commit(
        [{**entry, "file_id": name, "source_file": f"{name}.parquet", "kind": kind, "rows_read": rows}
         for name, (kind, rows) in counts.items()], [],
    )  # fmt: skip
