"""Span exports in JSON: OTLP (OpenTelemetry Collector file exporter) and OpenInference, line-wise or concatenated."""

import json
from collections.abc import Iterator

import msgspec

from landing import Unreadable
from landing.canonical import Aliases, flatten, links_of, span_row
from landing.values import normalise_id, parse_text, parse_time

ERROR_CODES = {2, "2", "STATUS_CODE_ERROR", "ERROR", "error"}
OK_CODES = {1, "1", "STATUS_CODE_OK", "OK", "ok"}


class Scope(msgspec.Struct):
    spans: list[msgspec.Raw] = []


class Resource(msgspec.Struct):
    attributes: list = []


class ResourceSpans(msgspec.Struct, rename="camel"):
    resource: Resource | None = None
    scope_spans: list[Scope] = []
    instrumentation_library_spans: list[Scope] = []


class Batch(msgspec.Struct, rename="camel"):
    resource_spans: list[ResourceSpans] = []


BOM = b"\xef\xbb\xbf"
BATCH = msgspec.json.Decoder(Batch)
ANY = msgspec.json.Decoder()


def documents(stream) -> Iterator[tuple[int, bytes | Unreadable]]:
    """(line, JSON text) of each document in a stream: one per line, or pretty-printed and concatenated."""
    lines = ((line_no, line.strip()) for line_no, line in enumerate(stream, 1))
    line_no, first = next(
        ((number, line.removeprefix(BOM)) for number, line in lines if line != BOM and line), (0, b"")
    )
    if not first:
        return
    try:
        ANY.decode(first)
        whole = first.startswith(b"[")
    except msgspec.DecodeError:
        whole = True
    if not whole:
        yield line_no, first
        yield from ((number, line) for number, line in lines if line)
        return
    yield from _concatenated((first + b"\n" + stream.read()).decode("utf-8", "replace"), line_no)


def _concatenated(text: str, line_no: int) -> Iterator[tuple[int, bytes | Unreadable]]:
    decoder, position, counted = json.JSONDecoder(), 0, 0
    while True:
        while position < len(text) and text[position] in " \t\r\n,":
            position += 1
        if position >= len(text):
            return
        line_no, counted = line_no + text.count("\n", counted, position), position
        try:
            value, position = decoder.raw_decode(text, position)
        except (json.JSONDecodeError, RecursionError) as error:
            why = getattr(error, "msg", "nested too deeply")
            yield line_no, Unreadable(f"not JSON, or cut off: {why}; export the file again")
            return
        for item in value if isinstance(value, list) else [value]:
            yield line_no, json.dumps(item).encode("utf-8", "surrogatepass")


def read(document: bytes, aliases: Aliases, origin: dict) -> Iterator[dict | Unreadable]:
    """Rows of landed `spans` in one JSON document; `origin` has source_file, source_line, file_id."""
    try:
        record = ANY.decode(document)
    except (msgspec.DecodeError, RecursionError) as error:
        yield Unreadable(f"not JSON, or cut off: {error}")
        return
    if not isinstance(record, dict):
        yield Unreadable("a JSON value that is no object; a span or a batch of spans is expected")
    elif "resourceSpans" in record:
        try:
            batch = BATCH.decode(document)
        except msgspec.ValidationError as error:
            yield Unreadable(f"OTLP: {error}")
            return
        for resource_spans in batch.resource_spans:
            base: dict = {}
            if resource_spans.resource:
                aliases.resolve(_attributes(resource_spans.resource.attributes), base, penalty=1000)
            for scope in resource_spans.scope_spans + resource_spans.instrumentation_library_spans:
                for position, raw in enumerate(scope.spans):
                    yield _row(_otlp, ANY.decode(raw), aliases, origin, base, position)
    elif isinstance(record.get("attributes"), list):
        yield _row(_otlp, record, aliases, origin, {}, 0)
    else:
        yield _row(_openinference, record, aliases, origin, {}, 0)


def _row(reader, span, aliases: Aliases, origin: dict, base: dict, position: int) -> dict | Unreadable:
    try:
        if not isinstance(span, dict):
            raise Unreadable("a span that is no object")
        fields, attributes = reader(span)
        where = f"{origin['file_id'][:16]}:{origin['source_line']}:{position}"
        fields["trace_id"] = fields["trace_id"] or f"content:{where}"
        fields["span_id"] = fields["span_id"] or f"content:{where}"
        return span_row(aliases, {**origin, **fields}, attributes, base)
    except Unreadable as reason:
        return Unreadable(f"span {str(span.get('name', '?') if isinstance(span, dict) else '?')[:60]!r}: {reason}")


def _otlp(span: dict) -> tuple[dict, dict]:
    status = span.get("status") or {}
    fields = {
        "format": "otlp_json",
        "trace_id": normalise_id(span.get("traceId"), 16),
        "span_id": normalise_id(span.get("spanId"), 8),
        "parent_span_id": normalise_id(span.get("parentSpanId"), 8),
        "name": parse_text(str(span.get("name", ""))[:200], "name"),
        "status": _status(status.get("code") if isinstance(status, dict) else None),
        "started_at": parse_time(span.get("startTimeUnixNano"), "startTimeUnixNano", "ns"),
        "ended_at": parse_time(span.get("endTimeUnixNano"), "endTimeUnixNano", "ns"),
        "links": links_of(
            (normalise_id(link.get("traceId"), 16), normalise_id(link.get("spanId"), 8))
            for link in span.get("links") or []
            if isinstance(link, dict)
        ),
    }
    return fields, _attributes(span.get("attributes") or [])


def _attributes(pairs) -> dict:
    """OTLP key-value pairs as a flat dict; lists are left out (no alias names them)."""
    flat = {}
    for pair in pairs if isinstance(pairs, list) else []:
        value = pair.get("value") if isinstance(pair, dict) else None
        if not isinstance(value, dict) or not value:
            continue
        kind, inner = next(iter(value.items()))
        if kind == "kvlistValue":
            nested = _attributes((inner or {}).get("values"))
            flat.update({f"{pair.get('key')}.{name}": deep for name, deep in nested.items()})
        elif kind not in ("arrayValue", "bytesValue"):
            flat[pair.get("key")] = inner
    return flat


def _openinference(span: dict) -> tuple[dict, dict]:
    context = span.get("context") if isinstance(span.get("context"), dict) else {}
    flat = flatten(span.get("attributes") if isinstance(span.get("attributes"), dict) else {})
    flat.update({name[11:]: span[name] for name in span if name.startswith("attributes.") and span[name] is not None})
    flat = flatten(flat)
    if span.get("span_kind") not in (None, "", "UNKNOWN") and "openinference.span.kind" not in flat:
        flat["openinference.span.kind"] = span["span_kind"]
    resource = span.get("resource")
    if isinstance(resource, dict):
        flat = {**flatten(resource.get("attributes") or resource), **flat}
    status = span.get("status")
    fields = {
        "format": "openinference",
        "trace_id": normalise_id(span.get("trace_id") or span.get("context.trace_id") or context.get("trace_id"), 16),
        "span_id": normalise_id(span.get("span_id") or span.get("context.span_id") or context.get("span_id"), 8),
        "parent_span_id": normalise_id(span.get("parent_id"), 8),
        "name": parse_text(str(span.get("name", ""))[:200], "name"),
        "status": _status(status.get("status_code") if isinstance(status, dict) else span.get("status_code")),
        "started_at": parse_time(span.get("start_time"), "start_time"),
        "ended_at": parse_time(span.get("end_time"), "end_time"),
        "links": links_of(_context_ids(link) for link in span.get("links") or [] if isinstance(link, dict)),
    }
    if not fields["trace_id"] or not fields["span_id"]:
        raise Unreadable("an OpenInference span without trace_id or span_id")
    return fields, flat


def _context_ids(link: dict) -> tuple[str | None, str | None]:
    context = link.get("context") if isinstance(link.get("context"), dict) else link
    return normalise_id(context.get("trace_id"), 16), normalise_id(context.get("span_id"), 8)


def _status(code) -> str:
    return "error" if code in ERROR_CODES else "ok" if code in OK_CODES else "unset"
