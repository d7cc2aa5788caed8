"""Rows of the performance table about the build: model time against a floor, the walk, the price of a call.

The data are `make_spans.py`'s, landed as a landing leaves them. Model time is what dbt's run results say, one model at
a time; dbt's start-up and the data tests are rows of their own.
"""

import json
import os
import resource
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import duckdb

import build
import company
import make_spans

PROJECT = Path(__file__).resolve().parent.parent
WALK = ["int_spans", "int_span_links", "int_span_attribution"]
PRICING = ["int_unit_prices", "int_usage_items"]
PRICED_CALLS = 2_000
# Columns of attributed_calls that the floor takes from the spans; the rest are constants.
SPOKEN = {"call_id": "coalesce(response_id, spans.trace_id || ':' || span_id)", "trace_id": "spans.trace_id",
          "span_id": "span_id", "spans": "traces.members", "started_at": "started_at", "provider": "provider",
          "started_on": "cast(started_at as date)", "model": "model", "service_name": "service_name",
          "originating_feature_id": "traces.feature_id", "serving_feature_id": "traces.feature_id",
          "prompt_version": "prompt_version", "input_tokens": "input_tokens", "output_tokens": "output_tokens",
          "cache_read_tokens": "cache_read_tokens", "priced_usd": "input_tokens * 0.000001",
          "billed_usd": "input_tokens * 0.000001", "attributed_usd": "input_tokens * 0.000001"}  # fmt: skip
TRACES = """
    select trace_key, count(*) as members, min(started_at) as began_at, max(span_key) as span_key,
        max(parent_span_key) as parent_span_key, max(len(links)) as links, min(feature_id) as feature_id
    from landed group by trace_key
"""
TEXTBOOK = """
with recursive climbed as (
    select trace_id || ':' || span_id as call_id, trace_id, parent_span_id, feature_id as nearest,
        feature_id as outermost,
        service_name as path, environment as purpose, 0 as depth
    from spans where operation = 'chat'
    union all
    select climbed.call_id, climbed.trace_id, spans.parent_span_id, coalesce(climbed.nearest, spans.feature_id),
        coalesce(spans.feature_id, climbed.outermost),
        case when spans.service_name = split_part(climbed.path, ' > ', 1) then climbed.path
            else spans.service_name || ' > ' || climbed.path end,
        coalesce(climbed.purpose, spans.environment), climbed.depth + 1
    from climbed join spans on climbed.trace_id = spans.trace_id and climbed.parent_span_id = spans.span_id
)
select call_id, max_by(nearest, depth) as nearest, max_by(outermost, depth) as outermost, max_by(path, depth) as path,
    max_by(purpose, depth) as purpose, max(depth) as hops
from climbed group by call_id
"""


def dbt(data: Path, *words: str) -> tuple[float, dict[str, float]]:
    """(seconds of the command, seconds of each node)."""
    environment = {**os.environ, "LEDGER_DATA": str(data), "LEDGER_COMPANY": "", "DBT_PROFILES_DIR": str(PROJECT)}
    command = [str(Path(sys.executable).with_name("dbt")), "--quiet", *words, "--threads", "1",
               "--target-path", str(data / "target"), "--log-path", str(data / "logs")]  # fmt: skip
    begin = time.perf_counter()
    done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stdout[-2000:])
    whole = time.perf_counter() - begin
    results = json.loads((data / "target" / "run_results.json").read_text())["results"]
    return whole, {result["unique_id"].split(".")[2]: result["execution_time"] for result in results}


def engine(data: Path) -> duckdb.DuckDBPyConnection:
    """An empty database beside the ledger, with the landed spans in a view."""
    path = data / "bench.duckdb"
    path.unlink(missing_ok=True)
    opened = duckdb.connect(config={"preserve_insertion_order": False, "temp_directory": str(data / "spill")})
    opened.execute(f"attach '{path}' as bench (storage_version 'v1.4.0')")
    opened.execute("use bench")
    landed = f"read_parquet('{data}/landed/spans/*/*.parquet', hive_partitioning = false)"
    opened.execute(f"create view landed as from {landed}")
    return opened


def seconds_of(opened: duckdb.DuckDBPyConnection, query: str) -> float:
    begin = time.perf_counter()
    opened.execute(f"create or replace table result as {query}")
    return time.perf_counter() - begin


def seconds_of_floor(data: Path) -> float:
    """Scan what the build reads, one aggregate per trace, write every call with the columns of attributed_calls."""
    with duckdb.connect(str(data / "ledger.duckdb"), read_only=True) as ledger:
        columns = ledger.execute("describe marts.attributed_calls").fetchall()
    constants = {"VARCHAR": "'constant'", "BOOLEAN": "false"}
    selected = ", ".join(
        f"cast({SPOKEN.get(name, constants.get(kind, '0'))} as {kind}) as {name}" for name, kind, *_ in columns
    )
    opened = engine(data)
    return seconds_of(
        opened,
        f"with traces as ({TRACES}) select {selected} from landed as spans join traces using (trace_key)"
        " where operation = 'chat'",
    )


def seconds_of_textbook(data: Path) -> float:
    """A recursive query climbing from each call to its root on string ids."""
    opened = engine(data)
    opened.execute(
        "create table spans as select trace_id, span_id, parent_span_id, operation, feature_id, service_name,"
        " environment from landed"
    )
    return seconds_of(opened, TEXTBOOK)


def seconds_of_genai_prices(data: Path) -> float:
    """`genai_prices.calc_price`, per call."""
    from genai_prices import Usage, calc_price

    with duckdb.connect(str(data / "ledger.duckdb"), read_only=True) as ledger:
        calls = ledger.execute(
            "select model, input_tokens, cache_read_tokens, output_tokens from marts.attributed_calls"
            f" where provider = 'openai' limit {PRICED_CALLS}"
        ).fetchall()
    begin = time.perf_counter()
    for model, sent, cached, received in calls:
        usage = Usage(input_tokens=sent, cache_read_tokens=cached, output_tokens=received)
        calc_price(usage, model_ref=model, provider_id="openai")
    return (time.perf_counter() - begin) / len(calls)


def operators(data: Path, models: list[str]) -> dict[str, float]:
    """CPU seconds per operator of DuckDB, over what these models ran, written to a table as a build does."""
    opened, told = engine(data), data / "profile.json"
    opened.execute(f"attach '{data}/ledger.duckdb' as ledger (read_only)")
    spent: Counter[str] = Counter()
    for model in models:
        (compiled,) = (data / "target" / "compiled").rglob(f"{model}.sql")
        opened.execute(f"set enable_profiling = 'json'; set profiling_output = '{told}'")
        opened.execute(f"create or replace table result as {compiled.read_text()}")
        opened.execute("pragma disable_profiling")
        waiting = json.loads(told.read_text())["operator"]
        while waiting:
            operator = waiting.pop()
            spent[operator["type"]] += operator["timing"]
            waiting += operator.get("children", [])
    return dict(spent.most_common())


def seconds_of_nothing(data: Path) -> float:
    """`build.py` where nothing has landed since the last build."""
    build.declare_good(data)
    (data / "inbox").mkdir(exist_ok=True)
    command = [sys.executable, str(PROJECT / "scripts" / "build.py"), data / "inbox", data, data / "company"]
    begin = time.perf_counter()
    subprocess.run([str(word) for word in command], cwd=PROJECT, capture_output=True, check=True)
    return time.perf_counter() - begin


def rows(folder: Path, spans: int) -> list[str]:
    data, traces = folder / "ledger", max(spans // 13, 100)
    spans = make_spans.make(data, traces)
    company.complete(data / "company", str(data))
    dbt(data, "seed")
    whole, models = dbt(data, "run")
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6
    model_time = sum(models.values())
    slowest = sorted(models, key=models.get)[:-11:-1]
    spent = operators(data, slowest)
    _, tests = dbt(data, "test")
    with duckdb.connect(str(data / "ledger.duckdb"), read_only=True) as ledger:
        calls = ledger.execute("select count(*) from marts.attributed_calls").fetchone()[0]
    floor, textbook, priced = seconds_of_floor(data), seconds_of_textbook(data), seconds_of_genai_prices(data)
    build.declare_good(data)
    late = make_spans.add(data, range(traces, traces + traces // 100))
    _, later = dbt(data, "run")
    build.declare_good(data)
    _, idle = dbt(data, "run")
    later_time, idle_time = sum(later.values()), sum(idle.values())
    slow_later = ", ".join(f"{name} {later[name]:.1f} s" for name in sorted(later, key=later.get)[:-4:-1])
    nothing = seconds_of_nothing(data)
    walk = sum(models[name] for name in WALK)
    pricing = sum(models[name] for name in PRICING) / calls
    return [
        f"| full build, {spans:,} spans, {calls:,} calls | floor: {floor:.1f} s | {model_time:.1f} s in models, "
        f"{spans / model_time:,.0f} spans/s | {model_time / floor:.1f} x "
        f"| {memory:.1f} GB peak, {memory * 1e9 / spans:,.0f} bytes a span |",
        f"| its slowest models | - | {', '.join(f'{name} {models[name]:.1f} s' for name in slowest)} | | |",
        f"| their operators, CPU seconds | {sum(spent.values()):.0f} s | "
        f"{', '.join(f'{name} {spent[name]:.1f}' for name in list(spent)[:8])} | | |",
        f"| walking the graph | the textbook walk: {textbook:.1f} s | {walk:.1f} s | {textbook / walk:.1f} x faster "
        "| nearest and outermost tag, path, rule, purpose; rings cut |",
        f"| pricing | `genai-prices`: {priced * 1e6:.0f} µs a call | {pricing * 1e6:.2f} µs a call "
        f"| {priced / pricing:,.0f} x faster | negotiated prices, tiers, hours |",
        f"| incremental build, {late:,} late spans of the last day | full build: {model_time:.1f} s "
        f"| {later_time:.1f} s; with nothing to do the models take {idle_time:.1f} s "
        f"| {later_time / model_time:.0%}; beyond that {(later_time - idle_time) / (model_time - idle_time):.0%} "
        f"| {slow_later} |",
        f"| nothing new | dbt's start-up: {whole - model_time:.1f} s | {nothing:.1f} s, with a look at the inbox | | |",
        f"| dbt's start-up | - | {whole - model_time:.1f} s | | |",
        f"| data tests and unit tests | - | {sum(tests.values()):.1f} s | | {len(tests)} of them |",
    ]
