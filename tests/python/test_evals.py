"""Eval tools' files as runs: what each says lands, apart from what its graders used, and none of its texts does."""

import csv
import gzip
import json

import duckdb
import pytest
from conftest import REAL
from evals import (
    CACHED,
    LOGS,
    SCORES,
    SECRET,
    SPLIT,
    TABLE,
    TOTALS,
    TWO,
    USED,
    case,
    eval_file,
    evaluation,
    inspect,
    log_batch,
    prompt,
    promptfoo,
    sample,
    score,
    scored_batch,
    tokens,
    zstd_zip,
)
from exports import attributes, chat, nanoseconds, span

import land
from landing import logs

pytestmark = pytest.mark.xdist_group("evals")


def jsonl(records: list[dict]) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


BAD = {
    "cut.json": (json.dumps(LOGS["values.json"])[:-400], "inspect_ai log that can't be read"),
    "types.json": (json.dumps({**LOGS["values.json"], "samples": "none"}), "Expected `array | null`, got `str`"),
    "count.json": (
        json.dumps(inspect([], usage={"openai/gpt-5": {"input_tokens": "many"}})),
        "text of 4 characters is not a count",
    ),
    "below.json": (json.dumps(inspect([], usage={"openai/gpt-5": {"input_tokens": -4}})), "is negative"),
    "undated.json": (json.dumps(inspect([], created="yesterday")), "text of 9 characters is not a time"),
    "torn.eval": (b"PK\x03\x04" + b"\x00" * 26 + b"header.json{}", "inspect_ai log that can't be read"),
    "headless.eval": (zstd_zip({"samples/1_epoch_1.json": b"{}"}), "without its `eval` part"),
    "bomb.eval": (None, "it unpacks to more than"),
    "foo_cut.json": (json.dumps(TWO)[:-300], "promptfoo results that can't be read"),
    "foo_empty.json": (json.dumps(promptfoo([], [])), "nothing was run"),
    "foo_types.json": (json.dumps(promptfoo([], [prompt("eight", 2)])), "text of 5 characters is not a count"),
    "foo_cost.json": (json.dumps(promptfoo([], [prompt(8, 2, cost="cheap")])), "text of 5 characters is not an amount"),
    "scores_bad.jsonl": (
        jsonl([score(20, "tone", 1, timestamp="soon"), score(21, "ok", 1)]),
        "text of 4 characters is not a time",
    ),
}


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    """rows(query): of one landing of all these files; {} stands for the table of runs."""
    folder = tmp_path_factory.mktemp("evals")
    inbox, data = folder / "inbox", folder / "data"
    inbox.mkdir()
    for name, log in LOGS.items():
        (inbox / name).write_bytes(b"\xef\xbb\xbf" + json.dumps(log, indent=1).encode())
    eval_file({**LOGS["values.json"], "eval": {**LOGS["values.json"]["eval"], "eval_id": "e7"}}, inbox / "old.eval")
    eval_file(
        {**LOGS["graded.json"], "eval": {**LOGS["graded.json"]["eval"], "eval_id": "e8"}}, inbox / "new.eval", "zstd"
    )
    eval_file(
        inspect([sample(1, "C", usage={"openai/gpt-5": USED})], eval_id="e9"), inbox / "going.eval", is_going=True
    )
    unscored = json.dumps(inspect([sample(1, 1), sample(2, 2)], eval_id="e10")).replace('"value": 2', '"value": NaN')
    (inbox / "nan.json.gz").write_bytes(gzip.compress(unscored.encode()))
    # Longer than what is looked at to tell what a file is.
    long = inspect([sample(1, "C", input=SECRET * 40_000), sample(2, "I")], eval_id="e11")
    (inbox / "long.json").write_text(json.dumps(long))
    asked = case(0, True, tokens(9, 1), prompt={"raw": SECRET * 40_000})
    (inbox / "long_foo.json").write_text(json.dumps(promptfoo([asked], [], eval_id="eval-long"), indent=2))
    for name, output in {"two": TWO, "table": TABLE, "cached": CACHED, "totals": TOTALS, "split": SPLIT}.items():
        (inbox / f"{name}.json").write_text(json.dumps(output, indent=2))
    lines = [{**one, "evalId": "eval-lines-2026-10-06T09:00:00"} for one in TWO["results"]["results"]]
    (inbox / "lines.jsonl").write_text(jsonl(lines) + '{"promptIdx": 0, "testI\n')
    (inbox / "scores.json").write_text(json.dumps({"data": SCORES[:4], "meta": {"page": 1}}))
    (inbox / "scores.jsonl").write_text(jsonl([SCORES[0], *SCORES[4:]]))  # exports overlap
    snake = {"traceId": "trace_id", "observationId": "observation_id", "dataType": "data_type"}
    with (inbox / "scores.csv").open("w", newline="") as cells:
        renamed = [{snake.get(name, name): value for name, value in one.items()} for one in [score(8, "csv", 1)]]
        writer = csv.DictWriter(cells, renamed[0])
        writer.writeheader()
        writer.writerows(renamed)
    observation = {
        "id": "o1",
        "traceId": "t1",
        "type": "GENERATION",
        "startTime": "2026-10-05T10:00:00Z",
        "model": "gpt-5",
    }
    download = {"trace": {"id": "t1"}, "observations": [observation], "scores": [score(9, "trace", 1)]}
    (inbox / "trace.json").write_text(json.dumps(download))
    seen = {"id": "o2", "trace_id": "t2", "parent_observation_id": None, "type": "GENERATION", "name": "n"}
    seen |= {"start_time": "2026-10-05 10:00:00", "input": {"scores": [SECRET]}}
    (inbox / "observations.jsonl").write_text(jsonl([seen]))
    passes = evaluation("Relevance", evaluation__score__label="pass", evaluation__score__value=0.1)
    fails = evaluation("Relevance", 5, evaluation__score__value=0.2)
    (inbox / "events.jsonl").write_text(
        scored_batch([(chat(7, 1, response="gen-7"), [passes]), (span(7, 2, 1), [fails, {"name": "exception"}]),
                      (chat(8, 1), []), (chat(7, 1, response="gen-7"), [passes])])
    )  # fmt: skip
    named = {"gen_ai.evaluation.name": "Judge", "gen_ai.evaluation.score.value": 0.9, "gen_ai.response.id": "gen-8"}
    record = {"timeUnixNano": nanoseconds(9), "body": {"stringValue": SECRET}, "attributes": attributes(named)}
    other = {"timeUnixNano": nanoseconds(9), "body": {"stringValue": SECRET}, "eventName": "gen_ai.client.inference"}
    (inbox / "logs.jsonl").write_text(log_batch([{**record, "eventName": "gen_ai.evaluation.result"}, other]))
    for name, (content, _) in BAD.items():
        if name == "bomb.eval":
            header = json.dumps({"eval": {"task": "x"}, "pad": " " * (3 << 20)}).encode()
            content = zstd_zip({"header.json": header})
        (inbox / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    if REAL.exists():
        for path in (REAL / "inspect_ai").glob("*.json"):
            (inbox / path.name).write_bytes(path.read_bytes())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(logs, "MAX_RECORD_BYTES", 1 << 20)
        assert land.run(inbox, data) == 0

    def ask(query: str, table: str = "eval_runs") -> list[tuple]:
        files = f"read_parquet('{data}/landed/{table}/*/*.parquet', union_by_name = true, hive_partitioning = false)"
        return duckdb.sql(query.format(files)).fetchall()

    ask.data = data
    return ask


COUNTS = "select cases, passed, failed, errored from {{}} where source_file = '{}' order by run_id"
USE = (
    "select used.role, used.model, used.input_tokens, used.output_tokens, used.requests from (select run_id, "
    "unnest(usage) as used from {{}} where source_file = '{}') order by run_id, used.role desc, used.model"
)


@pytest.mark.skipif(not REAL.exists(), reason="the real files lie beside the project")
def test_real_logs_count_what_they_hold(rows):
    for path in (REAL / "inspect_ai").glob("*.json"):
        log = json.loads(path.read_text())
        values = [next(iter(one["scores"].values()))["value"] for one in log["samples"]]
        assert rows(COUNTS.format(path.name)) == [(len(values), values.count("C"), values.count("I"), 0)]
        used = rows(USE.format(path.name))
        (whole,) = log["stats"]["model_usage"].values()
        assert sum(row[2] for row in used) == whole["input_tokens"]
        first = [one["output"]["usage"]["input_tokens"] for one in log["samples"]]
        assert used[0][0] == "target"
        assert used[0][2] == sum(first)
        ((task, model, status, started, ids),) = rows(
            f"select suite, model, status, started_at, response_ids from {{}} where source_file = '{path.name}'"
        )
        assert (task, model, status) == (log["eval"]["task"], log["eval"]["model"], log["status"])
        assert started.isoformat() != log["eval"]["created"][:19]
        assert len(ids.split()) == path.read_text().count('"event": "model"')


@pytest.mark.parametrize("name", ["values.json", "old.eval"])
def test_samples_are_judged_by_their_scores(rows, name):
    # C, 0.7 and true pass; I, P, N and 0.2 fail; 3.5 and an object have no scale; one sample broke.
    assert rows(COUNTS.format(name)) == [(10, 3, 4, 1)]
    found = rows(
        f"select feature_id, prompt_version, model, provider, ended_at::text from {{}} where source_file = '{name}'"
    )
    assert found == [("draft-email", "v3", "openai/gpt-5", "openai", "2026-10-05 07:05:00")]


@pytest.mark.parametrize(
    ("name", "used"),
    [
        ("values.json", [("target", "openai/gpt-5", 100, 20, None)]),
        # The same model graded: what it used after scoring began is the grader's. Another model is a grader.
        (
            "graded.json",
            [
                ("target", "openai/gpt-5", 10, 5, 1),
                ("grader", "anthropic/claude-5", 100, 20, None),
                ("grader", "openai/gpt-5", 40, 5, 1),
            ],
        ),
        (
            "new.eval",
            [
                ("target", "openai/gpt-5", 10, 5, 1),
                ("grader", "anthropic/claude-5", 100, 20, None),
                ("grader", "openai/gpt-5", 40, 5, 1),
            ],
        ),
        ("roles.json", [("target", "openai/gpt-5", 70, 16, None), ("grader", "openai/gpt-5", 30, 4, None)]),
        ("retried.json", [("target", "openai/gpt-5", 12, 3, 1)]),
        ("broke.json", [("target", "openai/gpt-5", 100, 20, None)]),
        ("going.eval", [("target", "openai/gpt-5", 100, 20, None)]),
        ("cached.json", []),
        ("totals.json", [("target", "openai/gpt-5", 500, 50, 1), ("grader", "openai/gpt-4.1", 300, 30, 1)]),
        # The cached answer's tokens are nobody's; graders are apart, their model is not said.
        (
            "two.json",
            [
                ("target", "openai/gpt-5", 210, 21, 2),
                ("grader", None, 140, 14, 3),
                ("target", "anthropic/claude-5", 5, 5, 1),
                ("grader", None, 0, 0, 1),
            ],
        ),
        (
            "lines.jsonl",
            [
                ("target", "openai/gpt-5", 210, 21, 2),
                ("grader", None, 140, 14, 3),
                ("target", "anthropic/claude-5", 5, 5, 1),
                ("grader", None, 0, 0, 1),
            ],
        ),
        ("table.json", [("target", "openai/gpt-4o-mini", 60, 6, 2)]),
        (
            "split.json",
            [
                ("target", "openai/gpt-5", 10, 1, 1),
                ("grader", None, 0, 0, 1),
                ("target", "openai/gpt-5", 20, 2, 1),
                ("grader", None, 0, 0, 1),
            ],
        ),
    ],
)
def test_what_graders_used_is_apart_from_the_system_under_test(rows, name, used):
    assert [row for row in rows(USE.format(name)) if row[2]] == [row for row in used if row[2]]


@pytest.mark.parametrize(
    ("name", "counts", "money"),
    [
        ("header.json", [(40, 36, 4, 0)], [None]),
        ("long.json", [(2, 1, 1, 0)], [None]),
        ("long_foo.json", [(1, 1, 0, 0)], ["0.5"]),
        ("observations.jsonl", [], []),
        ("broke.json", [(1, 0, 0, 0)], [None]),
        ("nan.json.gz", [(2, 1, 0, 0)], [None]),
        ("two.json", [(3, 2, 1, 0), (1, 0, 0, 1)], ["1.0", "0.5"]),
        ("lines.jsonl", [(3, 2, 1, 0), (1, 0, 0, 1)], ["1.0", "0.5"]),
        ("table.json", [(2, 1, 1, 0)], ["0.25"]),
        ("cached.json", [(1, 1, 0, 0)], ["0"]),
        ("totals.json", [(10, 8, 2, 0)], ["0.125"]),
        ("split.json", [(1, 1, 0, 0), (1, 0, 1, 0)], ["0.5", "0.5"]),
    ],
)
def test_runs_count_cases_and_cached_answers_cost_nothing(rows, name, counts, money):
    assert rows(COUNTS.format(name)) == counts
    stated = rows(f"select cost_usd from {{}} where source_file = '{name}' order by run_id")
    assert [None if usd is None else float(usd) for (usd,) in stated] == [
        None if usd is None else float(usd) for usd in money
    ]


def test_runs_know_feature_suite_prompt_and_status(rows):
    found = rows(
        "select source_file, feature_id, suite, prompt_version, status from {} where item_id is null and source_file "
        "in ('two.json', "
        "'table.json', 'split.json', 'graded.json', 'roles.json', 'going.eval', 'broke.json') order by all"
    )
    assert found == [
        ("broke.json", None, "faithfulness", None, "error"),
        ("going.eval", None, "faithfulness", None, "started"),
        ("graded.json", "smart-reply", "faithfulness", None, "success"),
        ("roles.json", "smart-reply", "faithfulness", None, "success"),
        ("split.json", "a", "faithfulness", None, "success"),
        ("split.json", "b", "faithfulness", None, "success"),
        ("table.json", None, "recall", "v1", "success"),
        ("two.json", "draft-email", "faithfulness", "v7", "success"),
        ("two.json", "draft-email", "faithfulness", None, "success"),
    ]


def test_scores_of_langfuse_say_what_was_scored_and_how(rows):
    found = rows(
        "select item_id, run_id, suite, passed, failed, is_online, trace_id[-2:], len(trace_keys) from {} "
        "where tool = 'langfuse' and item_id in ('score-1', 'score-2', 'score-3', 'score-4', 'score-5', 'score-6', "
        "'score-7', 'score-8', 'score-9') order by all"
    )
    online = "online:production:2026-10-05"
    assert found == [
        ("score-1", online, "tone", 1, 0, True, "01", None),
        ("score-1", online, "tone", 1, 0, True, "01", None),
        ("score-2", online, "tone", 0, 1, True, "02", None),
        ("score-3", online, "tone", 0, 0, True, "03", None),
        ("score-4", online, "tone", 1, 0, True, "01", None),
        ("score-5", "online:staging:2026-10-05", "tone", 0, 1, True, "01", None),
        ("score-6", online, "note", 0, 0, True, "01", None),
        ("score-7", "experiment-1", "tone", 1, 0, False, "01", 2),
        ("score-8", online, "csv", 1, 0, True, "01", None),
        ("score-9", online, "trace", 1, 0, True, "01", None),
    ]


def test_evaluation_events_name_span_and_response(rows):
    found = rows(
        "select source_file, suite, passed, failed, trace_id[-1:], span_key, response_ids, count(distinct item_id) "
        "from {} where tool = 'otel' group by all order by all"
    )
    assert found == [
        (
            "events.jsonl",
            "Relevance",
            0,
            1,
            "7",
            rows("select span_key from {} where span_id like '%2'", "spans")[0][0],
            None,
            1,
        ),
        (
            "events.jsonl",
            "Relevance",
            1,
            0,
            "7",
            rows("select span_key from {} where span_id like '%1'", "spans")[0][0],
            None,
            1,
        ),
        ("logs.jsonl", "Judge", 1, 0, None, None, "gen-8", 1),
    ]
    # The spans themselves land as ever, and are counted without their events.
    assert rows("select rows_read, rows_rejected from {} where source_file = 'events.jsonl'", "files") == [(4, 0)]


@pytest.mark.parametrize("name", sorted(BAD))
def test_bad_file_is_named_with_line_and_reason(rows, name):
    found = rows(f"select line, reason from {{}} where source_file = '{name}'", "rejects")
    assert len(found) == 1, found
    assert found[0][0] == 1, found
    assert BAD[name][1] in found[0][1]


def test_bad_line_leaves_the_rest(rows):
    ((line, reason),) = rows("select line, reason from {} where source_file = 'lines.jsonl'", "rejects")
    assert line == 5
    assert "not a promptfoo result" in reason
    assert rows("select suite, item_id from {} where source_file = 'scores_bad.jsonl'") == [("ok", "score-21")]


def test_no_text_of_an_eval_reaches_the_disk(rows):
    texts = rows("select {}::text from {{}}".format("columns(*)"))
    assert texts
    assert not any(SECRET in str(cell) for row in texts for cell in row)
    assert not any(
        SECRET in str(row) for row in rows("select * from {}", "rejects") + rows("select * from {}", "spans")
    )
