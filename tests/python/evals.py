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
