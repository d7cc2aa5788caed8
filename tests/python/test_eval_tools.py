"""Results of DeepEval, Ragas, LangSmith, Braintrust and OpenAI's evals land as runs, judged by their scores."""

import csv
import io
import json
from datetime import datetime

import duckdb
import pytest
from exports import company
from test_evals import jsonl

import land

SECRET = "the prompt that nobody may read " * 40


def table(rows: list[dict]) -> str:
    text = io.StringIO()
    names = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.DictWriter(text, names, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def deepeval(success: bool | None, *scores: tuple, **values) -> dict:
    metrics = [
        {"name": f"m{number}", "score": score, "threshold": threshold, "success": score >= threshold, "error": None,
         "reason": SECRET, "evaluationModel": "gpt-4.1", "evaluationCost": 0.001}
        for number, (score, threshold) in enumerate(scores)
    ]  # fmt: skip
    return {
        "name": "case",
        "input": SECRET,
        "actualOutput": SECRET,
        "success": success,
        "metricsData": metrics,
        **values,
    }


TEST_RUN = {
    "testCases": [
        deepeval(True, (0.4, 0.3)),
        deepeval(None, (0.9, 0.5), (0.4, 0.5)),
        deepeval(False, (0.9, 0.5), metricsData=[{"name": "m", "error": "judge timed out", "success": False}]),
    ],
    "conversationalTestCases": [],
    "metricsScores": [{"metric": "m0", "scores": [0.4, 0.9], "passes": 2, "fails": 0, "errors": 0}],
    "identifier": "nightly",
    "hyperparameters": {"model": "openai/gpt-5", "prompt_version": "v3", "feature": "draft"},
    "testFile": "test_draft.py",
    "evaluationCost": 0.0125,
}
RAGAS = {"user_input": SECRET, "retrieved_contexts": f"['{SECRET}']", "response": SECRET, "reference": SECRET}
SAMPLES = [
    {"": 0, **RAGAS, "faithfulness": 0.9, "answer_relevancy": 0.8, "noise_sensitivity(mode=relevant)": 0.1},
    {"": 1, **RAGAS, "faithfulness": 0.9, "answer_relevancy": 0.2, "noise_sensitivity(mode=relevant)": 0.1},
    {"": 2, **RAGAS, "faithfulness": "", "answer_relevancy": "", "noise_sensitivity(mode=relevant)": 0.9},
]
IN_2026 = "01998765-4321-7abc-8def-0123456789ab"  # a run's id that begins with its time
PANDAS = [
    {"inputs.question": SECRET, "outputs.answer": SECRET, "error": "", "reference.answer": SECRET,
     "feedback.correctness": verdict, "feedback.tone": score, "execution_time": 1.5, "example_id": "e", "id": IN_2026}
    for verdict, score in (("True", 0.9), ("False", 0.9), ("", ""))
] + [{"inputs.question": SECRET, "error": "TimeoutError", "feedback.correctness": "", "id": IN_2026}]  # fmt: skip
EXAMPLES = [
    {"id": f"ex{number}", "dataset_id": "faq", "inputs": {"q": SECRET}, "outputs": {"a": SECRET}, "runs": [
        {"id": "r", "session_id": "exp-1", "trace_id": f"0192000000000000000000000000000{number}", "run_type": "chain",
         "start_time": f"2026-10-05T10:00:0{number}", "end_time": f"2026-10-05T10:00:1{number}", "error": None,
         "feedback_stats": {"correctness": {"n": 1, "avg": score}}, "prompt_tokens": 100, "completion_tokens": 10,
         "total_tokens": 110, "extra": {"metadata": {"ls_model_name": "gpt-5", "feature": "draft"}}}]}
    for number, score in ((1, 1.0), (2, 0.0))
]  # fmt: skip


def traced(number: int, kind: str, **values) -> dict:
    """A row of a Braintrust experiment; the root's span id is its trace's."""
    begin = 1_791_194_400 + number
    return {
        "id": f"row-{number}", "span_id": f"s{number}", "root_span_id": "s0", "experiment_id": "exp-7", "_xact_id": "1",
        "created": "2026-10-05T10:00:00.000Z", "project_name": "drafts", "input": SECRET, "output": SECRET,
        "error": None,
        "scores": None, "metadata": {}, "metrics": {"start": begin, "end": begin + 1},
        "span_attributes": {"type": kind, "name": "x"}, **values,
    }  # fmt: skip


def model_call(number: int, model: str, prompt: int, **attributes) -> dict:
    used = {"prompt_tokens": prompt, "prompt_cached_tokens": 4, "completion_tokens": 10, "tokens": prompt + 10}
    return traced(number, "llm", metadata={"model": model, "prompt": SECRET}, metrics=used,
                  span_attributes={"type": "llm", **attributes})  # fmt: skip


EXPERIMENT = [
    traced(
        0, "eval", scores={"Factuality": 0.6, "Length": None}, metadata={"feature": "draft", "prompt_version": "v2"}
    ),
    {**traced(5, "eval", scores={"Factuality": 0.6, "Tone": 0.1}), "root_span_id": "s5"},
    {**traced(6, "eval", error="Traceback"), "root_span_id": "s6"},
    model_call(1, "gpt-5", 100),
    model_call(2, "gpt-5", 50),
    model_call(3, "gpt-5-mini", 30, purpose="scorer"),
]
EVAL_RUN = {
    "object": "eval.run", "id": "evalrun_1", "eval_id": "eval_9", "status": "completed", "model": "gpt-5",
    "name": "nightly", "created_at": 1_791_194_400, "metadata": {"feature": "draft", "prompt_version": "v2"},
    "result_counts": {"total": 4, "errored": 1, "failed": 1, "passed": 2},
    "per_model_usage": [
        {"model_name": "gpt-5-2025-08-07", "invocation_count": 4, "prompt_tokens": 400, "completion_tokens": 40,
         "cached_tokens": 100, "total_tokens": 440},
        {"model_name": "o3-mini", "invocation_count": 4, "prompt_tokens": 80, "completion_tokens": 8,
         "cached_tokens": 0, "total_tokens": 88},
    ],
    "data_source": {"type": "completions", "source": {"content": [{"item": {"input": SECRET}}]}},
}  # fmt: skip


def output_item(number: int, status: str, run: str = "evalrun_2") -> dict:
    usage = {"prompt_tokens": 100, "completion_tokens": 10, "cached_tokens": 0, "total_tokens": 110}
    sample = {"model": "gpt-5", "usage": usage, "input": [{"content": SECRET}], "output": [{"content": SECRET}]}
    return {
        "object": "eval.run.output_item", "id": f"item_{number}", "run_id": run, "eval_id": "eval_9",
        "created_at": 1_791_194_400, "status": status, "sample": sample, "datasource_item": {"q": SECRET},
    }  # fmt: skip


SPEC = {"completion_fns": ["gpt-4o"], "eval_name": "draft-match.dev.v0", "base_eval": "draft-match",
        "run_config": {"feature": "draft"}, "run_id": "2610051000AB",
        "created_at": "2026-10-05 10:00:00.5"}  # fmt: skip
SAID = {"run_id": "2610051000AB", "created_by": "", "created_at": "2026-10-05 10:00:01+00:00"}
USED = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
LOG = [
    {"spec": SPEC},
    *({**SAID, "event_id": n, "sample_id": f"dev.{n}", "type": "sampling", "data": {"prompt": SECRET, "usage": USED}}
      for n in (0, 1)),
    {**SAID, "event_id": 2, "sample_id": "dev.2", "type": "sampling",
     "data": {"prompt": SECRET, "usage": USED, "model": "gpt-4.1"}},
    *({**SAID, "event_id": 3 + n, "sample_id": f"dev.{n}", "type": "match",
       "data": {"correct": n == 0, "expected": SECRET, "picked": SECRET}} for n in (0, 1)),
    {**SAID, "event_id": 5, "sample_id": "dev.2", "type": "metrics", "data": {"score": 0.7}},
    {"final_report": {"accuracy": 0.5}},
]  # fmt: skip
FILES = {
    "test_run_20261005_101500.json": json.dumps(TEST_RUN),
    ".latest_test_run.json": json.dumps({
        "testRunData": {**TEST_RUN, "testRunId": "tr-1", "createdAt": "2026-10-06T08:00:00Z"}, "testRunLink": None}),
    "20261005-101500-ragas.csv": table(SAMPLES),
    "ragas.json": json.dumps([{**one, "run_id": "rg-2", "started_at": "2026-10-05T09:00:00Z", "model": "openai/gpt-5",
                               "feature": "find", "suite": "rag", "faithfulness": one["faithfulness"] or None,
                               "answer_relevancy": None} for one in SAMPLES]),
    "langsmith.csv": table(PANDAS),
    "langsmith.json": json.dumps(EXAMPLES),
    "braintrust.jsonl": jsonl(EXPERIMENT),
    "braintrust.csv": table([{name: json.dumps(cell) if isinstance(cell, dict) else cell for name, cell in
                              {**row, "experiment_id": "exp-8"}.items()} for row in EXPERIMENT]),
    "braintrust_pages.jsonl": jsonl([
        {"events": [{**row, "experiment_id": "exp-9"} for row in EXPERIMENT[:2]], "cursor": "next"},
        {"events": [{**row, "experiment_id": "exp-9"} for row in EXPERIMENT[2:]], "cursor": None},
    ]),
    "run.json": json.dumps(EVAL_RUN, indent=2),
    "runs.json": json.dumps({"object": "list", "data": [{**EVAL_RUN, "id": "evalrun_3", "status": "failed",
                                                         "per_model_usage": None}], "has_more": False}),
    "items.json": json.dumps({"object": "list", "data": [output_item(n, status) for n, status in
                                                         enumerate(("pass", "fail", "error", "pass"))]}),
    "items.jsonl": jsonl([output_item(1, "pass", "evalrun_1")]),
    "oaieval.jsonl": jsonl(LOG),
    "report_alone.jsonl": jsonl([{"spec": {**SPEC, "run_id": "R2"}}, *(
        {**SAID, "run_id": "R2", "sample_id": f"dev.{n}", "type": "sampling", "data": {}} for n in range(4)
    ), {"final_report": {"accuracy": 0.75}}]),
}  # fmt: skip
REFUSED = {
    "ragas.csv": (table(SAMPLES[1:]), "started_at: 'none in the file or its name'"),
    "page.json": (
        json.dumps({"events": EXPERIMENT, "cursor": "more"}), "started_at: 'a page; put all pages into one file'"
    ),
    "tokens.json": (
        json.dumps({**EVAL_RUN, "id": "x", "per_model_usage": [{"model_name": "m", "prompt_tokens": "many"}]}),
        "input_tokens: text of 4 characters is not a count",
    ),
    "undated.json": (json.dumps({**EVAL_RUN, "id": "x", "created_at": None}), "started_at is blank"),
}  # fmt: skip


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    """rows(query): of one landing of all these files; {} stands for the table of runs."""
    folder = tmp_path_factory.mktemp("eval_tools")
    inbox, data = folder / "inbox", folder / "data"
    for name, text in FILES.items():
        (inbox / "good" / name).parent.mkdir(parents=True, exist_ok=True)
        (inbox / "good" / name).write_text(text)
    for name, (text, _) in REFUSED.items():
        (inbox / "bad" / name).parent.mkdir(parents=True, exist_ok=True)
        (inbox / "bad" / name).write_text(text)
    assert land.run(inbox, data) == 0

    def ask(query: str, table: str = "eval_runs") -> list[tuple]:
        files = f"read_parquet('{data}/landed/{table}/*/*.parquet', union_by_name = true, hive_partitioning = false)"
        return duckdb.sql(query.format(files)).fetchall()

    ask.data = data
    return ask


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # Three cases, of which DeepEval's own thresholds pass one, fail one, and one's judge failed.
        ("test_run_20261005_101500.json", [("deepeval", 3, 1, 1, 1)]),
        (".latest_test_run.json", [("deepeval", 3, 1, 1, 1)]),
        # The second fails by its relevancy, the third has no score; noise, of which less is better, judges nothing.
        ("20261005-101500-ragas.csv", [("ragas", 3, 1, 1, 0)]),
        ("ragas.json", [("ragas", 3, 2, 0, 0)]),
        ("langsmith.csv", [("langsmith", 4, 1, 1, 1)]),
        ("langsmith.json", [("langsmith", 2, 1, 1, 0)]),
        ("braintrust.jsonl", [("braintrust", 3, 1, 1, 1)]),
        ("braintrust.csv", [("braintrust", 3, 1, 1, 1)]),
        ("braintrust_pages.jsonl", [("braintrust", 3, 1, 1, 1)]),
        ("run.json", [("openai_evals", 4, 2, 1, 1)]),
        ("runs.json", [("openai_evals", 4, 2, 1, 1)]),
        ("items.json", [("openai_evals", 1, *counts) for counts in ((0, 0, 1), (0, 1, 0), (1, 0, 0), (1, 0, 0))]),
        ("oaieval.jsonl", [("oaieval", 3, 2, 1, 0)]),
        ("report_alone.jsonl", [("oaieval", 4, 3, 1, 0)]),
    ],
)
def test_cases_are_counted_by_their_scores(rows, name, expected):
    found = rows(
        f"select tool, cases, passed, failed, errored from {{}} where source_file = 'good/{name}' order by all"
    )
    assert found == expected


def test_runs_know_what_ran(rows):
    found = rows(
        "select run_id, feature_id, suite, started_at, model, prompt_version, status, cost_usd::double from {}"
        " where item_id is null and source_file like 'good/%'"
    )
    at = datetime(2026, 10, 5, 10)
    runs = {row[0]: row[1:] for row in found}
    assert len(runs) == len(found) == 13
    assert runs["tr-1"] == (
        "draft", "test_draft.py", datetime(2026, 10, 6, 8), "openai/gpt-5", "v3", "success", 0.0125,
    )  # fmt: skip
    [named] = [runs[run] for run in runs if run.startswith("deepeval:")]
    assert named[2] == datetime(2026, 10, 5, 10, 15)
    [named] = [runs[run] for run in runs if run.startswith("ragas:")]
    assert named == (None, "ragas", datetime(2026, 10, 5, 10, 15), None, None, "success", None)
    assert runs["rg-2"] == ("find", "rag", datetime(2026, 10, 5, 9), "openai/gpt-5", None, "success", None)
    [pandas] = [runs[run] for run in runs if run.startswith("langsmith:")]
    assert pandas[2].date() == datetime(2025, 9, 26).date()
    assert runs["exp-1"][:4] == ("draft", "faq", datetime(2026, 10, 5, 10, 0, 1), "gpt-5")
    for run in ("exp-7", "exp-8", "exp-9"):
        assert runs[run] == ("draft", "drafts", at, "gpt-5", "v2", "success", None)
    assert runs["evalrun_1"] == ("draft", "eval_9", at, "gpt-5", "v2", "completed", None)
    assert runs["evalrun_3"][5] == "failed"
    assert runs["2610051000AB"][:4] == (
        "draft",
        "draft-match.dev.v0",
        datetime(2026, 10, 5, 10, 0, 0, 500000),
        "gpt-4o",
    )


@pytest.mark.parametrize(
    ("run", "used"),
    [
        ("exp-1", [("target", "gpt-5", None, 200, 20, None)]),
        ("exp-7", [("target", "gpt-5", 2, 150, 20, 8), ("grader", "gpt-5-mini", 1, 30, 10, 4)]),
        ("exp-8", [("target", "gpt-5", 2, 150, 20, 8), ("grader", "gpt-5-mini", 1, 30, 10, 4)]),
        ("evalrun_1", [("target", "gpt-5-2025-08-07", 4, 400, 40, 100), ("grader", "o3-mini", 4, 80, 8, 0)]),
        ("2610051000AB", [("target", "gpt-4o", 2, 200, 20, None), ("grader", "gpt-4.1", 1, 100, 10, None)]),
    ],
)
def test_judges_are_apart_from_what_they_judge(rows, run, used):
    assert (
        rows(
            "select used.role, used.model, used.requests, used.input_tokens, used.output_tokens, used.cache_read_tokens"
            f" from (select unnest(usage) as used from {{}} where run_id = '{run}' and item_id is null)"
        )
        == used
    )


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_is_named(rows, name):
    [(reason,)] = rows(f"select reason from {{}} where source_file = 'bad/{name}'", "rejects")
    assert reason.startswith(REFUSED[name][1])


def test_good_files_are_read_whole(rows):
    assert rows("select source_file, reason from {} where source_file like 'good/%'", "rejects") == []
    assert rows("select count(*) from {} where source_file like 'good/%' and kind = 'eval_runs'", "files") == [
        (len(FILES),)
    ]


def test_no_text_of_a_case_lands(rows):
    for path in rows.data.rglob("*.parquet"):
        assert b"nobody may read" not in path.read_bytes()
        assert not [row for row in duckdb.sql(f"from read_parquet('{path}')").fetchall() if "nobody may" in str(row)]


def test_a_run_is_paid_once_whether_as_a_whole_or_by_its_items(build, tmp_path):
    """evalrun_1 is there whole and by an item, evalrun_2 by its items alone: both cost their tokens once."""
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    for name in ("run.json", "items.json", "items.jsonl"):
        (inbox / name).write_text(FILES[name])
    built = build(inbox, company(tmp_path))
    assert built.code == 0, built.output
    assert built.rows(
        "select split_part(call_id, ':', 2), sum(input_tokens), sum(output_tokens) from marts.attributed_calls"
        " group by all order by all"
    ) == [("evalrun_1", 480, 48), ("evalrun_2", 400, 40)]
