"""Row files (CSV, tab-separated): provider activity, eval runs, product telemetry. A table is known by its header."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from datetime import date
from typing import NamedTuple

from landing import Unreadable
from landing.values import key_of, normalise_id, parse_money, parse_quantity, parse_text, parse_time


def _day(value, column: str) -> date | None:
    moment = parse_time(value, column)
    return moment.date() if moment else None


def _month(value, column: str) -> date | None:
    text = str(value or "").strip()
    day = _day(f"{text}-01" if re.fullmatch(r"\d{4}-\d{2}", text) else text, column)
    return day.replace(day=1) if day else None


def _usd(value, column: str) -> str | None:
    text = str(value or "").strip().lower()
    if text not in ("", "usd"):
        raise Unreadable(f"{column}: {text!r}; bills in other currencies than USD are not yet read")
    return text or None


class Column(NamedTuple):
    read: Callable
    must_fill: bool = False
    must_exist: bool = True


TEXT, MONEY, COUNT = Column(parse_text), Column(parse_money), Column(parse_quantity)
KEY, AMOUNT = Column(parse_text, must_fill=True), Column(parse_money, must_fill=True)
TIME, MONTH = Column(parse_time, must_fill=True), Column(_month, must_fill=True)
NUMBER = Column(parse_quantity, must_fill=True)


def _optional(column: Column) -> Column:
    return column._replace(must_exist=False)


# Columns an export may lack came with later versions of it, or are optional by contract.
HEADERS: dict[str, dict[str, Column]] = {
    "openrouter_activity": {
        "generation_id": KEY,
        "created_at": TIME,
        "cost_total": AMOUNT,
        "cost_web_search": _optional(MONEY),
        "cost_cache": _optional(MONEY),
        "cost_file_processing": _optional(MONEY),
        "byok_usage_inference": _optional(MONEY),
        "tokens_prompt": COUNT,
        "tokens_completion": COUNT,
        "tokens_reasoning": _optional(COUNT),
        "tokens_cached": _optional(COUNT),
        "model_permaslug": KEY,
        "provider_name": _optional(TEXT),
        "variant": _optional(TEXT),
        "cancelled": _optional(TEXT),
        "finish_reason_normalized": _optional(TEXT),
        "app_name": _optional(TEXT),
        "api_key_name": _optional(TEXT),
        "user": _optional(TEXT),
    },
    "openai_costs": {
        "start_time": TIME,
        "end_time": TIME,
        # Buckets without use are rows with blanks: they say that the bill covers them.
        "amount_value": MONEY,
        "amount_currency": Column(_usd),
        "line_item": TEXT,
        "project_id": TEXT,
        "organization_id": _optional(TEXT),
        "quantity": _optional(MONEY),
        "api_key_id": _optional(TEXT),
    },
    "eval_runs": {
        "run_id": KEY,
        "feature_id": KEY,
        "suite": KEY,
        "started_at": TIME,
        "model": TEXT,
        "prompt_version": TEXT,
        "cases": COUNT,
        "passed": NUMBER,
        "failed": NUMBER,
        "errored": NUMBER,
        "cost_usd": _optional(MONEY),
        "trace_ids": _optional(Column(lambda value, column: str(value or "").strip() or None)),
        "status": _optional(TEXT),
    },
    "usage_events": {
        "event_id": KEY,
        "occurred_at": TIME,
        "feature_id": KEY,
        "user_id": TEXT,
        "account_id": TEXT,
        "trace_id": _optional(TEXT),
        "request_id": _optional(TEXT),
        "answers": _optional(COUNT),
    },
    "users": {
        "user_id": KEY,
        "account_id": TEXT,
        "plan": TEXT,
        "segment": TEXT,
        "signed_up_on": Column(_day),
        "valid_from": _optional(Column(_day)),
    },
    "revenue": {
        "month": MONTH,
        "account_id": TEXT,
        "plan": TEXT,
        "revenue_usd": AMOUNT,
        "feature_id": _optional(TEXT),
    },
}


def recognise(header: list[str]) -> tuple[str | None, str | None]:
    """(table, complaint) of a header: a known table, or the nearest one and what its header lacks."""
    names = set(header)
    nearest, share = None, 0.0
    for table, columns in HEADERS.items():
        required = {name for name, column in columns.items() if column.must_exist}
        if required <= names:
            return table, None
        overlap = len(required & names) / len(required)
        if overlap > share:
            nearest, share = table, overlap
    if nearest and share >= 0.5:
        lacking = [name for name, column in HEADERS[nearest].items() if column.must_exist and name not in names]
        return nearest, f"header of {nearest} without {', '.join(lacking)}; export it again with all columns"
    return None, None


def header_of(first_line: str) -> tuple[list[str], str]:
    """(column names, delimiter) of a header line."""
    delimiter = "\t" if first_line.count("\t") > first_line.count(",") else ","
    names = next(csv.reader([first_line], delimiter=delimiter), [])
    return [name.strip() for name in names], delimiter


def read(stream, table: str, origin: dict) -> Iterator[tuple[int, dict | Unreadable]]:
    """(line, row of the landed `table`) per record of a file."""
    text = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="replace", newline="")
    header, delimiter = header_of(text.readline().rstrip("\r\n"))
    records = csv.reader(text, delimiter=delimiter)
    columns = HEADERS[table]
    while True:
        line_no = records.line_num + 2
        try:
            record = next(records)
        except StopIteration:
            return
        except csv.Error as error:
            yield line_no, Unreadable(f"not CSV: {error}")
            continue
        if not any(cell.strip() for cell in record):
            continue
        try:
            if len(record) != len(header):
                raise Unreadable(f"{len(record)} cells where the header has {len(header)}; cut or misquoted")
            yield line_no, _row(dict(zip(header, record, strict=True)), columns, {**origin, "source_line": line_no})
        except Unreadable as reason:
            yield line_no, reason


def _row(record: dict, columns: dict[str, Column], origin: dict) -> dict:
    row = dict(origin)
    for name, column in columns.items():
        row[name] = column.read(record.get(name), name)
        if column.must_fill and row[name] is None:
            raise Unreadable(f"{name} is blank")
    if "trace_ids" in columns:
        row["trace_keys"] = [key_of(normalise_id(trace, 16)) for trace in _trace_ids(row["trace_ids"])]
    if "trace_id" in columns:
        row["trace_key"] = key_of(normalise_id(row["trace_id"], 16))
    return row


def _trace_ids(value: str | None) -> list[str]:
    """Ids of a cell: a JSON list, or separated by blanks, commas, semicolons or bars."""
    if not value:
        return []
    if value.startswith("["):
        try:
            return [str(item) for item in json.loads(value)]
        except json.JSONDecodeError:
            raise Unreadable("trace_ids: neither a JSON list nor separated ids") from None
    return [part for part in re.split(r"[\s,;|]+", value) if part]
