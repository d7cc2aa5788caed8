"""Logs of eval tools as one small record each: of what a log holds, only what is named here is ever decoded.

An inspect_ai log is one JSON document, or a zip of many (`.eval`); promptfoo writes one document, or a result a line.
Their prompts, answers and explanations stay where they are: the structures below are the allow-list.
"""

import io
import json
import struct
import zipfile
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import msgspec
import pyarrow as pa

from landing import Unreadable
from landing.documents import (
    ALWAYS_ALLOWED_BYTES,
    BOM,
    BROKEN_ARCHIVE,
    MAX_EXPANSION,
    MAX_RECORD_BYTES,
    Record,
    concatenated,
    number_of,
    rows,
)

ZIP_MAGIC = b"PK\x03\x04"
STORED, DEFLATED, ZSTD = 0, 8, 93
LOCAL_HEADER = struct.Struct("<26xHH")  # lengths of name and extra field, at the end of a zip entry's own header
TEXTS_KEPT = 512  # longer ones are a case's own
OBJECTS = {"scores", "metrics", "metadata", "span_attributes"}  # which tables hold as JSON text
# What a torn or forged archive makes its readers raise.
BROKEN = (*BROKEN_ARCHIVE, OSError, LookupError)


class Log(msgspec.Struct, omit_defaults=True):
    """Fields that a log may lack; others are not read."""


class Metric(Log):
    name: Any = None
    value: Any = None


class Score(Log):
    name: Any = None
    value: Any = None
    metrics: dict[str, Metric] | None = None
    scored_samples: Any = None


class Request(Log):
    response: Any = None


class Output(Log):
    usage: dict[str, Any] | None = None


class Event(Log):
    event: Any = None
    type: Any = None
    model: Any = None
    cache: Any = None
    output: Output | None = None
    call: Request | None = None


class Call(Log):
    """A request to a model; after the scorers have begun it is theirs."""

    model: Any
    is_grading: bool
    response_id: Any = None
    usage: dict[str, Any] | None = None


class Sample(Log):
    id: Any = None
    epoch: Any = None
    error: Any = None
    scores: dict[str, Score] | None = None
    events: list[Event] | None = None
    model_usage: dict[str, dict[str, Any]] | None = None
    calls: list[Call] | None = None

    def __post_init__(self) -> None:
        self.error = True if self.error else None
        self.calls, is_grading = [], False
        for event in self.events or []:
            is_grading |= event.type in ("scorer", "scorers")
            if event.event == "model" and event.cache != "read":
                held = event.call.response if event.call else None
                response_id = held.get("id") if isinstance(held, dict) else None
                usage = event.output.usage if event.output else None
                self.calls.append(Call(event.model, is_grading, response_id, usage))
        self.events = None


class Results(Log):
    total_samples: Any = None
    completed_samples: Any = None
    scores: list[Score] | None = None


class Stats(Log):
    started_at: Any = None
    completed_at: Any = None
    model_usage: dict[str, dict[str, Any]] | None = None
    role_usage: dict[str, dict[str, Any]] | None = None


class Role(Log):
    model: Any = None


class Evaluated(Log):
    eval_id: Any = None
    run_id: Any = None
    task_id: Any = None
    task: Any = None
    created: Any = None
    model: Any = None
    model_roles: dict[str, Role] | None = None
    task_args: dict[str, Any] | None = None
    metadata: dict[str, Any] | None = None
    tags: list[Any] | None = None


class Inspect(Log):
    """An inspect_ai log, or a part of one."""

    status: Any = None
    eval: Evaluated | None = None
    results: Results | None = None
    stats: Stats | None = None
    samples: list[Sample] | None = None


class Graded(Log):
    tokensUsed: dict[str, Any] | None = None


class Answer(Log):
    cached: Any = None
    cost: Any = None
    tokenUsage: dict[str, Any] | None = None


class Provider(Log):
    id: Any = None


class Case(Log):
    """A promptfoo result, or an output of its table; `vars` and `metadata` are asked for the feature alone."""

    promptIdx: Any = None
    testIdx: Any = None
    success: Any = None
    passed: Any = msgspec.field(name="pass", default=None)
    error: Any = None
    failureReason: Any = None
    cost: Any = None
    provider: Any = None
    response: Answer | None = None
    tokenUsage: dict[str, Any] | None = None
    gradingResult: Graded | None = None
    vars: Any = None
    metadata: Any = None
    testCase: Any = None
    evalId: Any = None

    def __post_init__(self) -> None:
        self.error = True if self.error else None
        if isinstance(self.provider, dict):
            self.provider = self.provider.get("id")


class Prompt(Log):
    label: Any = None
    raw: Any = None
    provider: Any = None
    metrics: dict[str, Any] | None = None


class Row(Log):
    outputs: list[Case] | None = None


class Head(Log):
    prompts: list[Prompt] | None = None


class Table(Log):
    head: Head | None = None
    body: list[Row] | None = None


class Summary(Log):
    timestamp: Any = None
    prompts: list[Prompt] | None = None
    results: list[Case] | None = None
    table: Table | None = None


class Config(Log):
    description: Any = None
    tags: Any = None
    metadata: Any = None
    defaultTest: Any = None


class Written(Log):
    evaluationCreatedAt: Any = None


class Promptfoo(Log):
    """A promptfoo output: its summary stands under `results`, in old files at the top."""

    evalId: Any = None
    id: Any = None
    createdAt: Any = None
    timestamp: Any = None
    results: Summary | list[Case] | None = None
    table: Table | None = None
    config: Config | None = None
    metadata: Written | None = None


class Tokens(Log):
    """What Codex counts of an answer, or of a session so far; input contains cached tokens, output reasoning."""

    input_tokens: Any = None
    cached_input_tokens: Any = None
    output_tokens: Any = None
    reasoning_output_tokens: Any = None


class Counted(Log):
    total_token_usage: Tokens | None = None
    last_token_usage: Tokens | None = None


class Payload(Log):
    """Fields of several kinds of line: the session's, a turn's, a count's."""

    type: Any = None
    id: Any = None
    originator: Any = None
    cli_version: Any = None
    model_provider: Any = None
    model: Any = None
    info: Counted | None = None


class RolloutLine(Log):
    timestamp: Any = None
    type: Any = None
    payload: Payload | None = None


class Answered(Log):
    """An answer of a Codex session."""

    record_id: str
    timestamp: Any
    usage: Tokens
    session_id: Any = None
    service: Any = None
    version: Any = None
    provider: Any = None
    model: Any = None


def codex_rollout(stream) -> Iterator[Record]:
    """A record for each answer of a Codex session; each line of the file alone says neither model nor session."""
    session, model, before = Payload(), None, None
    for line_no, line in enumerate(iter(lambda: stream.readline(MAX_RECORD_BYTES), b""), 1):
        if not line.strip():
            continue
        try:
            read = msgspec.json.decode(line, type=RolloutLine)
        except msgspec.ValidationError:  # a kind of line that says nothing of tokens
            continue
        except (msgspec.DecodeError, RecursionError) as error:
            yield line_no, Unreadable(f"no line of a Codex session, or cut off: {error}")
            continue
        payload = read.payload or Payload()
        if read.type == "session_meta":
            session = payload
        elif read.type == "turn_context":
            model = payload.model or model
        elif payload.type == "token_count" and payload.info:
            total, last = payload.info.total_token_usage, payload.info.last_token_usage
            # Codex repeats a count, with new rate limits or for nothing; then no total has grown.
            if total is not None and total == before:
                continue
            used = last or _growth(total, before)
            before = total or before
            if used is not None:
                # A forked session's copy of the same answer is the same span.
                name = sha256(msgspec.json.encode([read.timestamp, total, used])).hexdigest()[:32]
                told = (session.id, session.originator, session.cli_version, session.model_provider, model)
                yield line_no, msgspec.json.encode(Answered(name, read.timestamp, used, *told))


def _growth(total: Tokens | None, before: Tokens | None) -> Tokens | None:
    """What was used since the count before; a total that has fallen began anew."""
    if total is None or before is None:
        return total
    names = total.__struct_fields__
    grown = {name: (getattr(total, name) or 0) - (getattr(before, name) or 0) for name in names}
    return Tokens(**grown) if min(grown.values()) >= 0 else total


def inspect_log(stream) -> Iterator[Record]:
    """The one record of an inspect_ai log, as JSON or as a zip of JSON."""
    head = stream.peek(4)[:4]
    try:
        log = _zipped(stream) if head == ZIP_MAGIC else _decoded(_all_of(stream), Inspect)
    except BROKEN as error:
        yield 1, _named("inspect_ai log", error)
        return
    if log.eval is None:
        yield 1, Unreadable("inspect_ai log without its `eval` part; export it again")
        return
    yield 1, msgspec.json.encode(log)


def promptfoo(stream) -> Iterator[Record]:
    """The one record of a promptfoo output file."""
    try:
        log = _decoded(_all_of(stream), Promptfoo)
    except ValueError as error:
        yield (
            1,
            error if isinstance(error, Unreadable) else Unreadable(f"promptfoo results that can't be read: {error}"),
        )
        return
    if isinstance(log.results, list):
        log.results = Summary(results=log.results)
    summary = log.results or Summary()
    if not (summary.prompts or summary.results or summary.table or log.table):
        yield 1, Unreadable("promptfoo results without a prompt or a result: nothing was run")
        return
    yield 1, msgspec.json.encode(log)


def promptfoo_lines(stream) -> Iterator[Record]:
    """The runs of a promptfoo JSONL export, a result a line, as one record for each eval."""
    runs: dict[str, tuple[int, list[Case]]] = {}
    for line_no, line in enumerate(iter(lambda: stream.readline(MAX_RECORD_BYTES), b""), 1):
        line = line.removeprefix(BOM) if line_no == 1 else line
        if not line.strip():
            continue
        try:
            case = _decoded(line, Case)
        except ValueError as error:
            yield line_no, Unreadable(f"not a promptfoo result, or cut off: {error}")
            continue
        runs.setdefault(str(case.evalId or ""), (line_no, []))[1].append(case)
    for eval_id, (line_no, cases) in runs.items():
        yield line_no, msgspec.json.encode(Promptfoo(evalId=eval_id or None, results=Summary(results=cases)))


def eval_rows(stream) -> Iterator[Record]:
    """The rows of an eval tool's results as one record, without their long texts; of pages, each page is a row."""
    read = concatenated if stream.peek(64).lstrip(b" \t\r\n" + BOM)[:1] in (b"[", b"{") else rows
    held, begin, size = [], 0, 0
    for line_no, record in read(stream):
        if isinstance(record, Unreadable):
            yield line_no, record
            continue
        row = json.loads(record, parse_constant=lambda _: None, parse_int=number_of)
        if isinstance(row, dict):
            held.append(json.dumps(_without_texts(row)))
            begin, size = begin or line_no, size + len(held[-1])
        if size > MAX_RECORD_BYTES:
            yield 1, Unreadable(f"eval results of more than {MAX_RECORD_BYTES >> 20} MB; export them in parts")
            return
    if held:
        yield begin, f'{{"rows": [{", ".join(held)}]}}'


def _without_texts(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _without_texts(member, key) for key, member in value.items()}
    if isinstance(value, list):
        return [_without_texts(member, name) for member in value]
    return (
        None
        if isinstance(value, str) and len(value) > (TEXTS_KEPT if name not in OBJECTS else MAX_RECORD_BYTES)
        else value
    )


def _named(what: str, error: Exception) -> Unreadable:
    return error if isinstance(error, Unreadable) else Unreadable(f"{what} that can't be read: {error}")


def _all_of(stream) -> bytes:
    text = stream.read(ALWAYS_ALLOWED_BYTES + 1)
    if len(text) > ALWAYS_ALLOWED_BYTES:
        raise Unreadable(f"a log of more than {ALWAYS_ALLOWED_BYTES >> 30} GB; write it as .eval, or in parts")
    return text.removeprefix(BOM)


def _decoded(text: bytes, kind: type):
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.ValidationError:
        raise
    except (msgspec.DecodeError, RecursionError):
        # Python writes NaN and Infinity where nothing was measured, which JSON does not know.
        try:
            plain = json.loads(text.decode("utf-8", "replace"), parse_constant=lambda _: None, parse_int=number_of)
        except RecursionError:
            raise Unreadable("nested too deeply") from None
        return msgspec.convert(plain, kind, strict=False)


def _zipped(stream) -> Inspect:
    """The parts of an `.eval` file put together; of a part that was written twice the last stands."""
    packed = _all_of(stream)
    budget = [max(ALWAYS_ALLOWED_BYTES, MAX_EXPANSION * len(packed))]
    with zipfile.ZipFile(io.BytesIO(packed)) as parts:
        entries = {entry.filename: entry for entry in parts.infolist()}

        def read(name: str) -> bytes:
            return _unpacked(parts, packed, entries[name], budget)

        log = Inspect()
        # In the order in which a run writes them: what comes later knows more. A run that goes on has a journal alone.
        for name in ("_journal/start.json", "start.json", "results.json", "header.json"):
            if name in entries:
                part = _decoded(read(name), Inspect)
                for field in ("status", "eval", "results", "stats"):
                    setattr(log, field, getattr(part, field) or getattr(log, field))
        log.status = log.status or "started"
        names = sorted(name for name in entries if name.startswith("samples/") and name.endswith(".json"))
        log.samples = [_decoded(read(name), Sample) for name in names]
        for name in ("summaries.json", "summary.json"):
            if not log.samples and name in entries:
                log.samples = _decoded(read(name), list[Sample])
    return log


def _unpacked(parts: zipfile.ZipFile, packed: bytes, entry: zipfile.ZipInfo, budget: list[int]) -> bytes:
    """An entry's bytes; newer logs are packed with zstd, which the standard library doesn't know."""
    if entry.compress_type in (STORED, DEFLATED):
        source = parts.open(entry)
    elif entry.compress_type == ZSTD:
        begin = entry.header_offset + 30
        begin += sum(LOCAL_HEADER.unpack_from(packed, entry.header_offset))
        source = pa.CompressedInputStream(pa.BufferReader(packed[begin : begin + entry.compress_size]), "zstd")
    else:
        raise Unreadable(f"packed in a way ({entry.compress_type}) that is not read; unpack it, or convert it to .json")
    with source:
        text = source.read(min(MAX_RECORD_BYTES, budget[0]) + 1)
    budget[0] -= len(text)
    if budget[0] < 0 or len(text) > MAX_RECORD_BYTES:
        raise Unreadable(f"it unpacks to more than {MAX_EXPANSION} times its size, or a part to more than 256 MB")
    return text
