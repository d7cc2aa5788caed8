"""The performance table: each number a ratio of two measurements of one run, on this machine.

Usage: bench.py TARGET [--rows N]. Prints a Markdown table and writes it to TARGET. What it measures:

- the build, the walk and the price of a call on synthetic spans (bench_ledger.py);
- landing OTLP JSON: bytes a second per core of landing (recognising, hashing, reading, checking copies, writing typed
  Parquet, committing), beyond its start-up, against `orjson.loads` of the same bytes on one core. Spans as agents write
  them (13 a trace, 40 % billable), with prompts and answers of 12 KB a call, of 1 KB a call, and without any text.
"""

import argparse
import gc
import os
import platform
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec
import orjson

import bench_ledger
import bench_spark
import ending

SCRIPTS = Path(__file__).resolve().parent
LANDED_ROWS = 1_000_000
SPANS_PER_TRACE, BILLABLE, SPANS_PER_BATCH = 13, 0.4, 200


def otlp_spans(rows: int, text_bytes: int, seed: int = 1):
    """OTLP JSON batches, a line each, of `rows` spans; billable ones carry `text_bytes` of prompt and answer."""
    rng = random.Random(seed)
    words = [f"word{number}" for number in range(2000)]
    batch, trace, root = [], 0, ""
    for number in range(rows):
        if number % SPANS_PER_TRACE == 0:
            trace, root = rng.getrandbits(128), ""
        begin = 1_790_000_000_000_000_000 + number * 1_000_000
        values = {"app.feature": f"feature-{trace % 50}", "http.route": "/chat", "user.id": f"u{trace % 1000}",
                  "session.id": f"s{rng.getrandbits(32)}", "thread.id": rng.randrange(10**9),
                  "code.function": "run"}  # fmt: skip
        is_call = rng.random() < BILLABLE
        if is_call:
            values |= {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai",
                       "gen_ai.request.model": "gpt-5", "gen_ai.response.model": "gpt-5-2025-08-07",
                       "gen_ai.response.id": f"chatcmpl-{rng.getrandbits(96):x}",
                       "gen_ai.usage.input_tokens": rng.randrange(5000), "gen_ai.request.temperature": 0.7,
                       "gen_ai.usage.output_tokens": rng.randrange(900),
                       "gen_ai.usage.cache_read.input_tokens": 10}  # fmt: skip
            if text_bytes:
                text = " ".join(rng.choices(words, k=text_bytes // 8))
                cut = len(text) * 2 // 3
                values |= {"gen_ai.input.messages": text[:cut], "gen_ai.output.messages": text[cut:]}
        span = f"{rng.getrandbits(64):016x}"
        batch.append(
            {
                "traceId": f"{trace:032x}",
                "spanId": span,
                "parentSpanId": root,
                "flags": 256,
                "name": "chat gpt-5" if is_call else "step",
                "kind": 1,
                "startTimeUnixNano": str(begin),
                "endTimeUnixNano": str(begin + 10**9),
                "attributes": [{"key": name, "value": _value(value)} for name, value in values.items()],
                "status": {},
            }
        )
        root = root or span
        if len(batch) == SPANS_PER_BATCH or number == rows - 1:
            resource_attributes = [{"key": "service.name", "value": {"stringValue": "assistant"}}]
            scopes = [{"scope": {"name": "assistant"}, "spans": batch}]
            yield (
                msgspec.json.encode(
                    {"resourceSpans": [{"resource": {"attributes": resource_attributes}, "scopeSpans": scopes}]}
                )
                + b"\n"
            )
            batch = []


def _value(value) -> dict:
    if isinstance(value, str):
        return {"stringValue": value}
    return {"intValue": str(value)} if isinstance(value, int) else {"doubleValue": value}


def seconds_of_orjson(path: Path) -> float:
    """CPU seconds to parse the file's lines on one core, as a reader would: line by line, results dropped."""
    gc.collect()
    with path.open("rb") as lines:
        begin = time.perf_counter()
        for line in lines:
            orjson.loads(line)
        return time.perf_counter() - begin


def seconds_of_landing(inbox: Path, data: Path) -> tuple[float, float]:
    """(seconds, peak memory in MB of the largest process) of one landing as a person starts it."""
    shutil.rmtree(data, ignore_errors=True)
    begin = time.perf_counter()
    subprocess.run([sys.executable, str(SCRIPTS / "land.py"), str(inbox), str(data)], check=True, capture_output=True)
    return time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def landing_rows(folder: Path, rows: int) -> list[str]:
    lines, cores = [], os.cpu_count() or 1
    for text_bytes, share in ((12_000, 4), (1_000, 1), (0, 1)):
        inbox, data = folder / "inbox", folder / "data"
        shutil.rmtree(inbox, ignore_errors=True)
        (inbox / "small").mkdir(parents=True)
        with (inbox / "small" / "spans.jsonl").open("wb") as target:
            target.writelines(otlp_spans(100, text_bytes))
        start_up = min(seconds_of_landing(inbox / "small", data)[0] for _ in range(2))
        (inbox / "large").mkdir()
        path = inbox / "large" / "spans.jsonl"
        with path.open("wb") as target:
            target.writelines(otlp_spans(rows // share, text_bytes))
        size = path.stat().st_size / 1e6
        parsing = min(seconds_of_orjson(path) for _ in range(2))
        whole, memory = min(seconds_of_landing(inbox / "large", data) for _ in range(2))
        landing = whole - start_up
        ratio = (size / landing / cores) / (size / parsing)
        lines.append(
            f"| landing OTLP JSON, {text_bytes / 1000:g} KB of text a call: {rows // share:,} spans, {size:,.0f} MB "
            f"| `orjson.loads` on one core: {size / parsing:,.0f} MB/s "
            f"| {size / landing:,.0f} MB/s on {cores} cores, {rows / share / landing:,.0f} spans/s "
            f"| {ratio:.2f} x per core | {whole:.1f} s, of it {start_up:.1f} s start-up; {memory:,.0f} MB peak |"
        )
        print(lines[-1], flush=True)
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", type=Path)
    parser.add_argument("--rows", type=int, default=1_000_000, help="spans built; at most a million are landed")
    parser.add_argument("--spark", action="store_true", help="the models on Spark instead, beside DuckDB, at two sizes")
    choice = parser.parse_args()
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    with tempfile.TemporaryDirectory() as folder:
        if choice.spark:
            lines = bench_spark.rows(Path(folder))
        else:
            # Landing first: its memory is that of the largest process so far.
            lines = landing_rows(Path(folder), min(choice.rows, LANDED_ROWS))
            lines += bench_ledger.rows(Path(folder), choice.rows)
    table = "\n".join(
        ["| what | measured against | ours | ratio | beside |", "| --- | --- | --- | --- | --- |", *lines]
    )
    choice.target.parent.mkdir(parents=True, exist_ok=True)
    choice.target.write_text(f"Measured on {machine}{'' if choice.spark else f', {choice.rows:,} rows'}.\n\n{table}\n")
    print(f"\n{machine}; table in {choice.target}")
    return 0


if __name__ == "__main__":
    sys.exit(ending.of(main))
