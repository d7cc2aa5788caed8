"""Records of spans of another shape than their format has: what a record holds is counted apart from what its reader
gives, and where that is less, the record is opened another way, or refused by its line.

A batch of OTLP may hold an object where a list is due, spans as JSON text, attributes as a plain object, or a name
twice; nothing of that may make a span vanish.
"""

import json
import re
from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple


class Mark(NamedTuple):
    """What each span of a format has once under one of some names, and how many of these a row of its reader accounts
    for; also within JSON text, where its quotes are escaped.
    """

    names: tuple[str, ...]
    told: str
    is_in_text: bool = False

    @property
    def pattern(self) -> str:
        named = "|".join(self.names)
        return rf'(?:{named})\\*"\s*:' if self.is_in_text else rf'"(?:{named})"\s*:'

    @property
    def most(self) -> str:
        """SQL for a number that is at least that of the marks in a document, and found sooner."""
        return " + ".join(f"len(string_split(document, '{name}')) - 1" for name in self.names)


HAS_ID = "case when span_id is null then 0 else 1 end"
LINKED = "len(list_filter(coalesce(links, []), lambda link: link.span_id is not null))"
OF_OTLP = (
    Mark(("spanId",), f"{HAS_ID} + {LINKED}", True),
    Mark(("startTimeUnixNano",), "case when started is null then 0 else 1 end", True),
)
MARKS: dict[str, tuple[Mark, ...]] = {
    **dict.fromkeys(("otlp_json", "otlp_span", "tempo"), OF_OTLP),
    "cloudwatch": (Mark(("startTimeUnixNano",), "1", True),),
    "jaeger": (Mark(("operationName",), "1"),),
    "langfuse": (Mark(("parentObservationId", "parent_observation_id"), "1"),),
    "zipkin": (Mark(("traceId",), "1"),),
}
# Marks that stand on spans alone: what no row accounts for is a span that was not read.
EXACT = {"cloudwatch", "jaeger"}
OTLP = {"otlp_json", "otlp_span", "tempo"}
# Rows whose attributes, or their resource's, are not all understood: a text is missing, which is found sooner than all
# texts are counted. And what then tells a shape that is not OTLP's: an object or a text where a list is due, or a plain
# value.
NO_RESOURCE = "len(resource_names) <= 2"
LACKS = (
    f"names is null or list_position(texts, null) is not null or {NO_RESOURCE}"
    " or (list_position(resource_texts, null) is not null"
    " and len(resource_names) > list_count(resource_texts) + 2)"
)
ODD_SHAPE = r'"attributes"\s*:\s*[{"]|"value"\s*:\s*[^{\s]|"resource"\s*:\s*(?:[\["]|\{\s*"[^"]*"\s*:\s*["\d])'
# Rows of a plain reader that another might understand: an attribute without text. The last two of a resource's are the
# scope's name and version, which may be missing.
UNSURE = (
    "names is null or list_position(texts, null) is not null"
    " or list_position(resource_texts, null) <= len(resource_texts) - 2"
)
# What stands beside spans, and is none.
BESIDE = {
    *("resource", "scope", "instrumentationLibrary", "attributes", "events", "links", "status", "traceState"),
    *("resourceLogs", "resourceMetrics", "body", "value"),
}
ANY_VALUES = {"stringValue", "intValue", "doubleValue", "boolValue", "arrayValue", "kvlistValue", "bytesValue"}
MOST_LEVELS = 12  # of containers around a span

# Whether some line may be of those that `LACKING` finds. Nearly always none is, and this takes half the time.
MAY_LACK = """
select 1
from (select file_no, source_line, count(*) as records, {marks} from documents group by all) as held
left join (
    select file_no, source_line, count(*) as spans, {told}, bool_or({lacks}) as are_not_understood
    from raw
    where rowid >= {before}
    group by all
) as gave on held.file_no = gave.file_no and held.source_line = gave.source_line
where gave.spans is null or held.records > gave.spans or gave.are_not_understood or {is_less}
limit 1
"""
# Lines whose records hold more than their reader gave: more spans, as their bytes show, or attributes of another shape
# (`is_lacking`); and lines of more records than spans.
LACKING = """
with held as (
    select file_no, source_line, count(*) as records, {marks}
    from documents
    group by file_no, source_line
),
gave as (
    select file_no, source_line, count(*) as spans, {told}, bool_or({lacks}) as are_not_understood,
        bool_or({unsure}) as are_unsure
    from raw
    where rowid >= {before}
    group by file_no, source_line
),
odd as (
    select file_no, source_line, bool_or(regexp_matches(document, '{odd}')) as is_odd
    from documents
    where (file_no, source_line) in (select (file_no, source_line) from gave where are_not_understood)
    group by file_no, source_line
)
select held.file_no, held.source_line, coalesce(gave.spans, 0), coalesce(odd.is_odd, false),
    greatest(held.marks_0 - coalesce(gave.told_0, 0), 0),
    {is_less} or coalesce(odd.is_odd or gave.are_unsure, false) as is_lacking
from held
left join gave on held.file_no = gave.file_no and held.source_line = gave.source_line
left join odd on held.file_no = odd.file_no and held.source_line = odd.source_line
where is_lacking or held.records > coalesce(gave.spans, 0)
order by held.file_no, held.source_line
"""
# Their records, asked for apart: a join with all records would copy the text of each.
RECORDS = """
select file_no, source_line, document
from documents
inner join lacking using (file_no, source_line)
order by file_no, source_line
"""
# Lines that hold several records, of which fewer came out.
SHORT = """
select held.file_no, held.source_line
from (select file_no, source_line, count(*) as records from documents group by all having count(*) > 1) as held
inner join (
    select file_no, source_line, count(*) as spans from raw where rowid >= {before} group by all
) as gave on held.file_no = gave.file_no and held.source_line = gave.source_line
where held.records > gave.spans
order by all
"""


def lacking_sql(form: str, before: int, is_plain: bool = False) -> str:
    """The query for the lines of `documents` that hold more than the rows of `raw` from `before` on, which a plain
    reader may have given, or more records than these.
    """
    return LACKING.format(
        marks=_summed("marks", [f"len(regexp_extract_all(document, '{one.pattern}'))" for one in MARKS[form]]),
        told=_summed("told", [one.told for one in MARKS[form]]),
        is_less=_is_less(form),
        lacks=LACKS if form in OTLP else "false",
        unsure=UNSURE if is_plain else "false",
        odd=ODD_SHAPE,
        before=before,
    )


def may_lack_sql(form: str, before: int, is_plain: bool = False) -> str:
    """The query that gives a row where `lacking_sql` may find a line."""
    return MAY_LACK.format(
        marks=_summed("marks", [one.most for one in MARKS[form]]),
        told=_summed("told", [one.told for one in MARKS[form]]),
        is_less=_is_less(form),
        # A plain reader's doubts hold all but one of those of the other.
        lacks=f"{UNSURE} or {NO_RESOURCE}" if is_plain else LACKS if form in OTLP else "false",
        before=before,
    )


def _summed(name: str, counts: list[str]) -> str:
    return ", ".join(f"sum({count}) as {name}_{number}" for number, count in enumerate(counts))


def _is_less(form: str) -> str:
    return " or ".join(f"held.marks_{no} > coalesce(gave.told_{no}, 0)" for no in range(len(MARKS[form])))


class Opened(NamedTuple):
    """A record in its format's own shape, how many spans it holds, and the names that it has twice."""

    document: str
    spans: int
    doubled: tuple[str, ...]


class _Object(dict):
    """A JSON object; of a name that stands twice the first counts, and lists of spans under one name are all read."""

    doubled: tuple[str, ...] = ()


def _object(pairs: list[tuple[str, object]]) -> _Object:
    held, doubled = _Object(), []
    for name, value in pairs:
        if name not in held:
            held[name] = value
            continue
        doubled.append(name)
        both = [_unpacked(held[name]), _unpacked(value)]
        if name not in BESIDE and all(isinstance(one, dict | list) for one in both):
            held[name] = [item for one in both for item in (one if isinstance(one, list) else [one])]
    held.doubled = tuple(doubled)
    return held


def opened(form: str, text: str) -> Opened | None:
    """A record with its spans where the reader looks for them; None of what is no JSON."""
    try:
        record = _parsed(text)
        doubled = tuple(dict.fromkeys(_doubled(record)))
        if form not in OTLP:
            return Opened(_text(record) if doubled else text, 0, doubled)
        found = list(_spans(record, None, None))
        batches = [
            {
                "resource": {"attributes": _attributes(of_one[0][0])},
                "scopeSpans": [{"scope": _scope(of_one[0][1]), "spans": [_span(span) for _, _, span in of_one]}],
            }
            for of_one in (list(group) for _, group in groupby(found, lambda one: (id(one[0]), id(one[1]))))
        ]
    except (ValueError, RecursionError):
        return None
    if form == "otlp_span":
        return Opened(_text(_span(found[0][2])) if len(found) == 1 else text, len(found), doubled)
    return Opened(_text({"batches" if form == "tempo" else "resourceSpans": batches}), len(found), doubled)


def holds_span(record: object) -> bool:
    """Whether a record holds a span of OTLP, wherever it stands in it."""
    return next(_spans(record, None, None), None) is not None


def _parsed(text: str) -> object:
    return json.loads(text, object_pairs_hook=_object, parse_float=_Number, parse_int=_Number, parse_constant=_Number)


class _Number(float):
    """A number with its own digits: none is rounded on its way through."""

    digits: str

    def __new__(cls, digits: str):
        number = super().__new__(cls, 0.0)
        number.digits = digits
        return number

    def __repr__(self) -> str:
        return self.digits


def _text(value: object) -> str:
    """JSON text; numbers keep their digits."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{_text(name)}:{_text(held)}" for name, held in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_text, value)) + "]"
    if isinstance(value, str):  # halves of surrogate pairs become a mark, as elsewhere
        return json.dumps(value.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
    return value.digits if isinstance(value, _Number) else json.dumps(value)


def _doubled(value: object) -> Iterator[str]:
    if isinstance(value, _Object):
        yield from value.doubled
    for held in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _doubled(held)


def _unpacked(value: object) -> object:
    """What a JSON text holds; anything else as it is."""
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            return _parsed(value)
        except (ValueError, RecursionError):
            return value
    return value


def _is_span(value: dict) -> bool:
    is_log = {"logRecords", "observedTimeUnixNano", "severityNumber"} & value.keys()
    return bool({"spanId", "startTimeUnixNano"} & value.keys()) and not is_log


def _spans(value: object, resource: object, scope: object, level: int = 0) -> Iterator[tuple]:
    """(attributes of the resource, scope, span) of all spans of a record, in whatever containers they stand."""
    value = _unpacked(value)
    if isinstance(value, list):
        for held in value:
            yield from _spans(held, resource, scope, level)
    elif isinstance(value, dict):
        if _is_span(value):
            yield resource, scope, value
            return
        own = _unpacked(value.get("resource"))
        resource = own.get("attributes", own) if isinstance(own, dict) else resource
        own = _unpacked(value.get("scope") or value.get("instrumentationLibrary"))
        scope = own if isinstance(own, dict) else scope
        for name, held in value.items() if level < MOST_LEVELS else ():
            listed = _unpacked(held)
            if name == "spans" and isinstance(listed, list):
                for one in listed:
                    # What is no span keeps its place, where it is refused by its line.
                    yield from list(_spans(one, resource, scope, level + 1)) or [(resource, scope, one)]
            elif name not in BESIDE:
                yield from _spans(listed, resource, scope, level + 1)


def _span(span: object) -> object:
    return {**span, "attributes": _attributes(span.get("attributes"))} if isinstance(span, dict) else span


def _scope(scope: object) -> object:
    if isinstance(scope, dict) and "attributes" in scope:
        return {**scope, "attributes": _attributes(scope["attributes"])}
    return scope


def _attributes(held: object) -> list:
    """OTLP's list of keys and values, of a plain object or of a list with plain values."""
    held = _unpacked(held)
    if isinstance(held, dict):
        return [{"key": name, "value": _any_value(value)} for name, value in held.items()]
    pairs = held if isinstance(held, list) else []
    return [{**pair, "value": _any_value(pair.get("value"))} for pair in pairs if isinstance(pair, dict)]


def _any_value(value: object) -> object:
    if isinstance(value, dict):
        if value.keys() <= ANY_VALUES:
            return value
        pairs = [{"key": name, "value": _any_value(held)} for name, held in value.items()]
        return {"kvlistValue": {"values": pairs}}
    if isinstance(value, list):
        return {"arrayValue": {"values": [_any_value(held) for held in value]}}
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, _Number):
        return {"doubleValue" if re.search("[.eEnNfF]", value.digits) else "intValue": value.digits}
    return {} if value is None else {"stringValue": value}
