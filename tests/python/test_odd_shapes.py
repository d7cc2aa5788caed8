"""No span vanishes between the doors: whatever shape a record has, its spans land or are refused by line, and the same
becomes of it alone, among others, in a group of small files, and in a range of a large one."""

import json
from copy import deepcopy
from pathlib import Path

import duckdb
import pytest
from exports import attributes, batch, chat

from landing import odd_shapes
from landing.work import Piece, Reading, Task, examine, perform

READING = Reading("00" * 32, ("app.feature",), ("app.team",), hash_identities=False)
COLUMNS = "trace_id, span_id, started_at, ended_at, service_name, model, feature_id, input_tokens, output_tokens"
SPANS = [{**chat(1, number), "attributes": chat(1, number)["attributes"] + attributes({"app.feature": "draft"})}
         for number in (1, 2)]  # fmt: skip
PLAIN = json.loads(batch(SPANS))


def changed(change) -> str:
    record = deepcopy(PLAIN)
    resource = record["resourceSpans"][0]
    return json.dumps(change(record, resource, resource["scopeSpans"][0]) or record)


def with_attributes(alter):
    def change(record, resource, scope):
        for span in scope["spans"]:
            span["attributes"] = alter(span["attributes"])

    return change


def value_of(pair: dict) -> object:
    ((_, value),) = pair["value"].items()
    return value


def doubled(name: str, first: str) -> str:
    """The record with a name twice in the first object that has it."""
    return json.dumps(PLAIN).replace(f'"{name}": ', f'"{name}": {first}, "{name}": ', 1)


# Records that hold the same two spans in another way; each must land as the plain one does.
SAME = {
    "resourceSpans is an object": changed(lambda record, resource, _: {"resourceSpans": resource}),
    "scopeSpans is an object": changed(lambda _, resource, scope: resource.update(scopeSpans=scope)),
    "instrumentationLibrarySpans": changed(
        lambda _, resource, scope: resource.update(instrumentationLibrarySpans=[scope], scopeSpans=[])
    ),
    "spans are JSON text": changed(lambda _, resource, scope: scope.update(spans=json.dumps(scope["spans"]))),
    "all is JSON text": changed(lambda record, *_: {"resourceSpans": json.dumps(record["resourceSpans"])}),
    "attributes are an object": changed(with_attributes(lambda held: {pair["key"]: value_of(pair) for pair in held})),
    "values are plain": changed(with_attributes(lambda held: [{**pair, "value": value_of(pair)} for pair in held])),
    "attributes are JSON text": changed(with_attributes(json.dumps)),
    "a resource is plain": changed(
        lambda _, resource, scope: resource.update(
            resource={pair["key"]: value_of(pair) for pair in resource["resource"]["attributes"]}
        )
    ),
    "a level is missing": changed(lambda _, resource, scope: resource.update(spans=scope["spans"], scopeSpans=None)),
    "lists in lists": changed(lambda record, resource, _: {"resourceSpans": [[resource], None]}),
    "null lists": changed(lambda record, resource, _: {"resourceSpans": [None, {"scopeSpans": None}, resource]}),
    "a list of spans twice": json.dumps({**PLAIN, "other": 0}).replace(
        '"other": 0', '"resourceSpans": ' + json.dumps(json.loads(batch([SPANS[1]]))["resourceSpans"])
    ).replace(json.dumps(PLAIN["resourceSpans"]), json.dumps(json.loads(batch([SPANS[0]]))["resourceSpans"])),
}  # fmt: skip


def landed_as(folder: Path, files: dict[str, bytes], spans: dict[str, tuple] | None = None) -> tuple[list, list, dict]:
    """(rows, rejects, counts) of files read by one task each kind; `spans`: the range of a file that is read."""
    pieces, whats = [], set()
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        examined = examine(path, None)
        assert examined.what.table == "spans", (name, examined.what.complaint)
        assert not examined.what.complaint
        whats.add(examined.what)
        pieces.append(Piece(path, examined.file_id, name, (spans or {}).get(name)))
    (what,) = whats
    found = perform(Task(what, "t", 0, tuple(pieces)), READING, folder / "staging")

    def rows_of(table: str, columns: str) -> list[tuple]:
        if not list((folder / "staging" / table).glob("*/*.parquet")):
            return []
        files = f"read_parquet('{folder}/staging/{table}/*/*.parquet', hive_partitioning = false)"
        return duckdb.sql(f"select source_file, source_line, {columns} from {files} order by all").fetchall()

    counts = {piece.source_file: found[piece.file_id] for piece in pieces}
    return rows_of("spans", COLUMNS), rows_of("rejects", "kind, reason"), counts


def everywhere(folder: Path, record: str) -> dict[str, tuple[list, list]]:
    """What becomes of a record in any company, without its place."""
    good = batch([chat(2, 9)])
    before, record = good.encode(), record.strip().encode() + b"\n"
    ways = {
        "alone": ({"a.jsonl": record}, None, "a.jsonl", 1),
        "among others": ({"a.jsonl": before + record + before}, None, "a.jsonl", 2),
        "in a group": ({"x.jsonl": before, "a.jsonl": record, "z.jsonl": before}, None, "a.jsonl", 1),
        "in a range": ({"a.jsonl": before + record + before},
                       {"a.jsonl": (len(before), len(record) + len(before), 2)}, "a.jsonl", 2),
    }  # fmt: skip
    found = {}
    for number, (way, (files, spans, name, line)) in enumerate(ways.items()):
        rows, rejects, counts = landed_as(folder / f"w{number}", files, spans)
        held = counts[name]
        assert held.rows_read == len([row for row in rows if row[0] == name]) + held.rows_rejected, way
        found[way] = tuple([row[2:] for row in part if row[:2] == (name, line)] for part in (rows, rejects))
    return found


@pytest.mark.parametrize("shape", SAME)
def test_a_batch_of_another_shape_lands_as_it_should(tmp_path, shape):
    plain, rejects, _ = landed_as(tmp_path / "plain", {"a.jsonl": (json.dumps(PLAIN) + "\n").encode()})
    assert len(plain) == 2
    assert not rejects
    for way, found in everywhere(tmp_path, SAME[shape]).items():
        assert found == ([row[2:] for row in plain], []), way


ODD = {
    "half a surrogate pair": (batch([{**SPANS[0], "name": "\ud83d"}, SPANS[1]]), 2, ""),
    "an infinite start": (batch([{**SPANS[0], "startTimeUnixNano": "infinity"}, SPANS[1]]), 2, "start time: 'inf"),
    "an infinite end": (batch([{**SPANS[0], "endTimeUnixNano": "-infinity"}, SPANS[1]]), 2, "end time: '-inf"),
    "ids as numbers": (batch([{**SPANS[0], "spanId": 10**30}, {**SPANS[1], "spanId": 7}]), 2, ""),
    "an id twice": (doubled("spanId", '"00000000000000aa"'), 2, ""),
    "a span that is null": (batch([*SPANS, None]), 2, "a span that is no object"),
    "a span that is text": (batch([*SPANS, "span"]), 2, "a span that is no object"),
    "neither spans nor a list": ('{"resourceSpans": [{"scopeSpans": [{"spans": [{"x": 1}]}]}]}', 0, ""),
    "a cost below zero": (
        batch([{**SPANS[0], "attributes": attributes({"gen_ai.usage.cost": -1.5})}, SPANS[1]]), 2, "a cost can't be"
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", [kind for kind in ODD if kind != "neither spans nor a list"])
def test_an_odd_record_fares_the_same_in_any_company(tmp_path, kind):
    record, spans, said = ODD[kind]
    found = everywhere(tmp_path, record)
    rows, rejects = found["alone"]
    assert len(rows) == spans
    assert said in str(rejects)
    assert bool(rejects) == bool(said)
    assert [way for way in found if found[way] != found["alone"]] == []


def test_a_name_twice_is_said(tmp_path):
    record = doubled("spanId", '"00000000000000aa"') + "\n"
    rows, _, counts = landed_as(tmp_path, {"a.jsonl": record.encode()})
    assert [row[3] for row in rows] == ["0000000000000002", "00000000000000aa"]
    assert "line 1 has 'spanId' twice in one object: the first counts" in counts["a.jsonl"].warnings[0]


def test_a_record_beside_others_of_its_line_is_refused_by_name(tmp_path):
    """An array in one line: a member that is no span isn't hidden by its neighbours."""
    span = {"traceId": "a" * 32, "id": "b" * 16, "name": "x", "timestamp": 1791158400000000, "duration": 5, "tags": {}}
    listed = [span, {"foo": 1}, {**span, "id": "c" * 16}]
    rows, rejects, counts = landed_as(tmp_path, {"a.json": json.dumps(listed).encode()})
    assert len(rows) == 2
    assert [reason[:7] for *_, reason in rejects] == ["Zipkin:"]
    assert counts["a.json"].rows_read == 3


def test_spans_under_a_name_twice_are_all_read(tmp_path):
    span = {"traceID": "a" * 32, "spanID": "b" * 16, "operationName": "x", "startTime": 1791158400000000, "tags": []}
    other = {**span, "spanID": "c" * 16}
    trace = f'{{"traceID": "t", "spans": [{json.dumps(span)}], "spans": [{json.dumps(other)}], "processes": {{}}}}'
    rows, _, counts = landed_as(tmp_path, {"a.json": f'{{"data": [{trace}]}}'.encode()})
    assert len(rows) == 2
    assert "'spans' twice" in counts["a.json"].warnings[0]


TIME = 1791158400000000
JAEGER = {"traceID": "a" * 32, "spanID": "b" * 16, "operationName": "x", "startTime": TIME, "tags": []}
CLOUDWATCH = {"traceId": "a" * 32, "spanId": "b" * 16, "name": "x", "startTimeUnixNano": TIME * 1000, "attributes": {}}
UNREACHED = {
    "jaeger": (
        {"data": [{"traceID": "t", "spans": [JAEGER], "processes": {}}]},
        {"data": [{"traceID": "t", "spans": {"x": JAEGER}, "processes": {}}]},
    ),
    "cloudwatch": (
        {"events": [{"message": json.dumps(CLOUDWATCH)}]},
        {"events": [{"message": json.dumps(CLOUDWATCH)}, {"message": [json.dumps(CLOUDWATCH)]}]},
    ),
    "xray": (
        {"Traces": [{"Id": "t", "Segments": [{"Id": "b", "Document": json.dumps(
            {"id": "b" * 16, "trace_id": f"1-{'a' * 8}-{'a' * 24}", "name": "x", "start_time": TIME / 10**6}
        )}]}]},
        {"Traces": [json.dumps({"Segments": [{"Id": "b", "Document": json.dumps({"start_time": TIME / 10**6})}]})]},
    ),
}  # fmt: skip


@pytest.mark.parametrize("form", UNREACHED)
def test_a_span_where_no_reader_looks_is_refused_by_its_line(tmp_path, form):
    fair, odd = UNREACHED[form]
    content = "".join(json.dumps(record) + "\n" for record in (fair, odd, fair)).encode()
    rows, rejects, counts = landed_as(tmp_path, {"a.jsonl": content})
    assert {row[1] for row in rows} >= {1, 3}
    assert [line for _, line, *_ in rejects] == [2]
    assert counts["a.jsonl"].rows_read == len(rows) + 1


def nested(key: str, **held) -> dict:
    return {"key": key, "value": {"kvlistValue": {"values": attributes(held)}}}


# What the plain reader of OTLP leaves out, and the column that tells whether it landed.
NESTED = {
    "a list": ("finish_reason", "spans", lambda span: span["attributes"].append(
        {"key": "gen_ai.response.finish_reasons", "value": {"arrayValue": {"values": [{"stringValue": "stop"}]}}}
    )),
    "an object": ("output_tokens", "spans", lambda span: span.update(
        attributes=[nested("gen_ai.usage", input_tokens=7, output_tokens=5)]
    )),
    "a link": ("links", "spans", lambda span: span.update(links=[{"traceId": "c" * 32, "spanId": "d" * 16}])),
    "an object of the resource": ("service_name", "resource", lambda resource: resource.update(
        attributes=[nested("service", name="nested")]
    )),
}  # fmt: skip


@pytest.mark.parametrize("kind", NESTED)
def test_what_only_a_late_record_holds_lands(tmp_path, kind):
    column, place, change = NESTED[kind]
    plain, late = batch([chat(2, 9)]), json.loads(batch([chat(3, 8, feature="x")]))
    (resource,) = late["resourceSpans"]
    change(resource["resource"] if place == "resource" else resource["scopeSpans"][0]["spans"][0])
    said = {}
    for name, lines in (("alone", [json.dumps(late) + "\n"]), ("late", [plain] * 100 + [json.dumps(late) + "\n"])):
        rows, rejects, _ = landed_as(tmp_path / name, {"a.jsonl": "".join(lines).encode()})
        assert (len(rows), rejects) == (len(lines), [])
        files = f"read_parquet('{tmp_path / name}/staging/spans/*/*.parquet', hive_partitioning = false)"
        said[name] = duckdb.sql(
            f"select {column}, input_tokens from {files} where source_line = {len(lines)}"
        ).fetchall()
    assert said["late"] == said["alone"]
    assert said["late"][0][0] not in (None, 10, "svc")


@pytest.mark.parametrize("form", odd_shapes.MARKS)
def test_the_quick_count_of_marks_is_never_below_the_exact_one(form):
    """Else a line that lacks spans would not be looked at."""
    for mark in odd_shapes.MARKS[form]:
        exact, texts = f"len(regexp_extract_all(document, '{mark.pattern}'))", []
        for name in mark.names:
            texts += [f'{{"{name}":1, "{name}" : 2}}', f'{{"{name}"\n:1}}', f'{{"a": "{name}"}}', f'{{"b{name}":1}}']
            texts += [f'"{{\\"{name}\\":1}}"', f'"{{\\\\\\"{name}\\\\\\" : 1}}"', f"{name}{name}", ""]
        documents = "select unnest($texts) as document"
        counted = duckdb.execute(f"select {exact}, {mark.most} from ({documents})", {"texts": texts}).fetchall()
        assert all(exactly <= at_most for exactly, at_most in counted), counted
        assert sum(exactly for exactly, _ in counted) >= 3 * len(mark.names)
