"""Small writers of eval tools' files, as the tools write them, with texts that must not land."""

import io
import json
import struct
import zipfile
import zlib
from pathlib import Path

import pyarrow as pa
from exports import attributes, batch, nanoseconds

SECRET = "SECRETPROMPT"
AT = "2026-10-05T09:00:00+02:00"


def sample(number: int, value, epoch: int = 1, usage=None, events=(), **others) -> dict:
    return {
        "id": number,
        "epoch": epoch,
        "input": f"{SECRET} {number}",
        "target": SECRET,
        "messages": [{"role": "user", "content": SECRET}],
        "scores": {"match": {"value": value, "answer": SECRET, "explanation": SECRET}} if value is not None else None,
        "model_usage": usage or {},
        "events": list(events),
        **others,
    }


def inspect(samples: list[dict], status: str = "success", usage=None, results=None, stats=None, **evaluated) -> dict:
    return {
        "version": 2,
        "status": status,
        "eval": {
            "eval_id": "e1",
            "run_id": "r1",
            "created": AT,
            "task": "faithfulness",
            "task_id": "t1",
            "dataset": {"name": SECRET, "sample_ids": [1, 2]},
            "model": "openai/gpt-5",
            **evaluated,
        },
        "plan": {"steps": [{"solver": "system_message", "params": {"template": SECRET}}]},
        "results": results or {"total_samples": len(samples), "completed_samples": len(samples)},
        "stats": {
            "started_at": AT,
            "completed_at": "2026-10-05T09:05:00+02:00",
            "model_usage": usage or {},
            **(stats or {}),
        },
        "samples": samples,
    }


def eval_file(log: dict, path: Path, packing: str = "deflate", is_going: bool = False) -> None:
    """The zip that inspect_ai writes; newer versions pack its parts with zstd."""
    header = {name: log[name] for name in ("version", "status", "eval", "plan", "results", "stats")}
    start = {name: log[name] for name in ("version", "eval", "plan")}
    parts = {"_journal/start.json": start}
    parts |= {f"samples/{one['id']}_epoch_{one['epoch']}.json": one for one in log["samples"]}
    parts |= (
        {} if is_going else {"summaries.json": [{**one, "events": []} for one in log["samples"]], "header.json": header}
    )
    texts = {name: json.dumps(part).encode() for name, part in parts.items()}
    if packing == "deflate":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, text in texts.items():
                archive.writestr(name, text)
    else:
        path.write_bytes(zstd_zip(texts))


def zstd_zip(texts: dict[str, bytes]) -> bytes:
    """A zip whose entries are packed by method 93, which the standard library does not write."""
    body, directory = io.BytesIO(), b""
    for name, text in texts.items():
        packed = pa.compress(text, "zstd", asbytes=True)
        numbers = (zlib.crc32(text), len(packed), len(text), len(name), 0)
        offset = body.tell()
        body.write(struct.pack("<4sHHHHHIIIHH", b"PK\x03\x04", 63, 0, 93, 0, 0, *numbers) + name.encode() + packed)
        fixed = struct.pack("<4sHHHHHHIIIHH", b"PK\x01\x02", 63, 63, 0, 93, 0, 0, *numbers)
        directory += fixed + struct.pack("<HHHII", 0, 0, 0, 0, offset) + name.encode()
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, len(texts), len(texts), len(directory), body.tell(), 0)
    return body.getvalue() + directory + end


def tokens(prompt: int, completion: int, cached: int = 0, **details) -> dict:
    counted = {"total": prompt + completion + cached, "prompt": prompt, "completion": completion, "cached": cached}
    return {**counted, "numRequests": 1, "completionDetails": {"reasoning": 0, **details}}


def case(prompt_no: int, is_passed: bool, used: dict, is_cached: bool = False, graded=None, **others) -> dict:
    return {
        "promptIdx": prompt_no,
        "testIdx": others.pop("test", 0),
        "testCase": {"vars": {"question": SECRET}, "assert": [{"type": "llm-rubric", "value": SECRET}]},
        "promptId": "0" * 64,
        "provider": {"id": others.pop("provider", "openai:chat:gpt-5"), "label": ""},
        "prompt": {"raw": SECRET, "label": SECRET},
        "vars": {"question": SECRET, **others.pop("vars", {})},
        "response": {"output": SECRET, "tokenUsage": used, "cached": is_cached, "cost": 0.5},
        "success": is_passed,
        "failureReason": others.pop("reason", 0 if is_passed else 1),
        "error": None if is_passed else SECRET,
        "score": 1.0 if is_passed else 0.0,
        "latencyMs": 800,
        "cost": others.pop("cost", 0.5),
        "gradingResult": {"pass": is_passed, "reason": SECRET, "tokensUsed": graded or tokens(0, 0)},
        "namedScores": {},
        **others,
    }


def promptfoo(cases: list[dict], prompts: list[dict], **config) -> dict:
    return {
        "evalId": config.pop("eval_id", "eval-abc-2026-10-05T09:00:00"),
        "results": {
            "version": 3,
            "timestamp": "2026-10-05T09:00:00.000Z",
            "prompts": prompts,
            "results": cases,
            "stats": {"successes": 1, "failures": 1, "errors": 0},
        },
        "config": {"description": "faithfulness", "prompts": [SECRET], "tests": [{"vars": {"q": SECRET}}], **config},
        "shareableUrl": None,
        "metadata": {"promptfooVersion": "0.118.0", "exportedAt": "2026-10-05T09:10:00.000Z"},
    }


def prompt(
    passed: int, failed: int, errored: int = 0, provider: str = "openai:chat:gpt-5", label=SECRET, **others
) -> dict:
    metrics = {"testPassCount": passed, "testFailCount": failed, "testErrorCount": errored, **others}
    return {"id": "f" * 64, "raw": SECRET, "label": label, "provider": provider, "metrics": metrics}


def evaluation(name: str, at: float = 0, **values) -> dict:
    """An event on an evaluated span."""
    named = {"gen_ai.evaluation.name": name, "gen_ai.evaluation.explanation": SECRET}
    held = {f"gen_ai.{key.replace('__', '.')}": value for key, value in values.items()}
    return {"name": "gen_ai.evaluation.result", "timeUnixNano": nanoseconds(at), "attributes": attributes(named | held)}


def scored_batch(spans_and_events: list[tuple[dict, list[dict]]]) -> str:
    return batch([{**spanned, "events": events} for spanned, events in spans_and_events])


def log_batch(records: list[dict]) -> str:
    resource = {"attributes": attributes({"deployment.environment.name": "production"})}
    return json.dumps({"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": records}]}]}) + "\n"


def score(number: int, name: str, value, trace: int | None = 1, **others) -> dict:
    return {
        "id": f"score-{number}",
        "traceId": f"{trace:032x}" if trace else None,
        "observationId": None,
        "timestamp": "2026-10-05T10:00:00.000Z",
        "environment": "production",
        "name": name,
        "value": value,
        "source": "EVAL",
        "dataType": "NUMERIC",
        "comment": SECRET,
        **others,
    }


def model_event(model="openai/gpt-5", response="resp-1", tokens_in=10, **others) -> dict:
    usage = {"input_tokens": tokens_in, "output_tokens": 5, "total_tokens": tokens_in + 5}
    call = {"request": {"messages": [SECRET]}, "response": {"id": response, "choices": [SECRET]}}
    return {"event": "model", "model": model, "input": [SECRET], "output": {"usage": usage}, "call": call, **others}


SCORER = {"event": "span_begin", "type": "scorer", "name": "model_graded_qa"}
USED = {"input_tokens": 100, "output_tokens": 20, "total_tokens": 120}
LOGS = {
    # Values of every kind: C, I, P, N, a number, a bool, an error, and two that nobody can judge.
    "values.json": inspect(
        [
            sample(1, "C"),
            sample(2, "I"),
            sample(3, "P"),
            sample(4, "N"),
            sample(5, 0.7),
            sample(6, True),
            sample(7, 3.5),
            sample(8, {"depth": 1}),
            sample(9, None, error={"message": SECRET, "traceback": SECRET}),
            sample(1, 0.2, epoch=2),
        ],
        usage={"openai/gpt-5": USED},
        metadata={"feature": "draft-email", "prompt_version": "v3"},
    ),
    "graded.json": inspect(
        [
            sample(
                1,
                "C",
                events=[model_event(), model_event(cache="read"), SCORER, model_event(response="resp-2", tokens_in=40)],
            )
        ],
        usage={
            "openai/gpt-5": {"input_tokens": 50, "output_tokens": 10, "total_tokens": 60},
            "anthropic/claude-5": USED,
        },
        eval_id="e2",
        tags=["nightly", "feature:smart-reply"],
    ),
    "roles.json": inspect(
        [sample(1, "C")],
        usage={"openai/gpt-5": USED},
        stats={"role_usage": {"grader": {"input_tokens": 30, "output_tokens": 4}}},
        model_roles={"grader": {"model": "openai/gpt-5"}},
        eval_id="e3",
        task_args={"feature": "smart-reply"},
    ),
    # A retry carries samples of the run before, whose graders it did not pay.
    "retried.json": inspect(
        [sample(1, "C", events=[model_event(), SCORER, model_event(tokens_in=400)])],
        usage={"openai/gpt-5": {"input_tokens": 12, "output_tokens": 3, "total_tokens": 15}},
        eval_id="e4",
    ),
    "header.json": inspect(
        [],
        usage={"openai/gpt-5": USED},
        eval_id="e5",
        results={
            "total_samples": 40,
            "completed_samples": 40,
            "scores": [{"name": "match", "metrics": {"accuracy": {"value": 0.9}}}],
        },
    ),
    "broke.json": inspect([sample(1, None, usage={"openai/gpt-5": USED})], status="error", eval_id="e6"),
}
RUBRIC = tokens(70, 7)
TWO = promptfoo(
    [
        case(0, True, tokens(100, 10), graded=RUBRIC, test=0),
        case(0, False, tokens(110, 11, cacheReadInputTokens=60), graded=RUBRIC, test=1),
        # A cached answer may still state a cost and a grader's tokens may be cached too.
        case(0, True, tokens(0, 0, cached=99), is_cached=True, graded=tokens(0, 0, cached=50), test=2),
        case(1, False, tokens(5, 5), provider="anthropic:messages:claude-5", reason=2, test=0),
    ],
    [
        prompt(2, 1, tokenUsage=tokens(210, 21, 99), cost=1.5),
        prompt(0, 0, 1, "anthropic:messages:claude-5", "v7", tokenUsage=tokens(5, 5), cost=0.5),
    ],
    tags={"feature": "draft-email"},
)
TABLE = {
    "version": 3,
    "createdAt": "2026-10-04T08:00:00.000Z",
    "results": {
        "version": 2,
        "timestamp": "2026-10-04T08:00:00.000Z",
        "results": [{"success": True, "prompt": {"raw": SECRET}, "provider": {"id": "openai:gpt-4o-mini"}}],
        "table": {
            "head": {"prompts": [prompt(1, 1, provider="openai:gpt-4o-mini", label="v1", cost=0.25)], "vars": ["q"]},
            "body": [
                {
                    "outputs": [{"pass": True, "cost": 0.2, "tokenUsage": tokens(40, 4), "text": SECRET}],
                    "vars": [SECRET],
                },
                {
                    "outputs": [{"pass": False, "cost": 0.05, "tokenUsage": tokens(20, 2), "text": SECRET}],
                    "vars": [SECRET],
                },
            ],
        },
    },
    "config": {"description": "recall"},
}
# Some providers state the tokens of a cached answer as if it had been asked for.
CACHED = promptfoo(
    [case(0, True, tokens(70, 10), is_cached=True)], [prompt(1, 0, tokenUsage=tokens(0, 0, 80), cost=0.9)],
    eval_id="eval-cached",
)  # fmt: skip
TOTALS = promptfoo(
    [],
    [prompt(8, 2, tokenUsage={**tokens(500, 50), "assertions": tokens(300, 30)}, cost="0.125")],
    eval_id="eval-totals",
    defaultTest={"options": {"provider": "openai:gpt-4.1"}},
)
SPLIT = promptfoo(
    [case(0, True, tokens(10, 1), vars={"feature": "a"}), case(0, False, tokens(20, 2), vars={"feature": "b"}, test=1)],
    [prompt(1, 1, tokenUsage=tokens(30, 3), cost=1)], eval_id="eval-split",
)  # fmt: skip
SCORES = [
    score(1, "tone", 1), score(2, "tone", "0.2", trace=2), score(3, "tone", 7, trace=3),
    score(4, "tone", 0, dataType="CATEGORICAL", stringValue="pass"),
    score(5, "tone", 0, dataType="BOOLEAN", stringValue="False", environment="staging"),
    score(6, "note", None, dataType="TEXT", stringValue=SECRET),
    score(7, "tone", 1, datasetRunId="experiment-1", executionTraceId=f"{99:032x}"),
]  # fmt: skip
