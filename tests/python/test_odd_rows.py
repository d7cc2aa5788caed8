"""One row is one row's problem: whatever stands in a cell, its neighbours land, and it is named or means nothing."""

import csv
import io
import json
import sys
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from exports import attributes, batch, chat

import check
from landing.spans import SEED, Aliases
from landing.tables import HEADERS, QUANTITIES, TABLES
from landing.work import Piece, Reading, Task, examine, perform

READING = Reading("00" * 32, ("app.feature",), ("app.team",), hash_identities=False)
DIGITS = 5000
HUGE = "1e400"  # written without quotes
ODD = {
    "NaN": float("nan"),
    "inf": float("inf"),
    "1e400": HUGE,
    "negative": -5,
    "digits": 10 ** (DIGITS - 1),
    "text": "some text",
    "empty": "",
    "true": True,
    "list": [1, "a"],
    "object": {"a": 1},
    "year 1": "0001-01-01T00:00:00Z",
    "year 9999": "9999-12-31T00:00:00Z",
    "year 10000": "10000-01-01T00:00:00Z",
    "infinity": "infinity",
    "-infinity": "-infinity",
    "epoch 0": 0,
    "half a surrogate pair": "\ud83d",
    "NUL": "a\0b",
}


@pytest.fixture(autouse=True)
def long_integers():
    before = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    yield
    sys.set_int_max_str_digits(before)


def honest(table: str) -> dict:
    """A row with a fair value in each column that a file may state."""
    row = {}
    for name, column in HEADERS[table].items():
        if name not in TABLES[table].names:
            continue
        kind, is_end = TABLES[table].field(name).type, "end" in name
        if pa.types.is_timestamp(kind):
            value = "2026-01-06T00:00:00Z" if is_end else "2026-01-05T00:00:00Z"
        elif pa.types.is_date(kind):
            value = "2026-01-06" if is_end else "2026-01-05"
        elif pa.types.is_decimal(kind):
            value = 1.5
        elif pa.types.is_integer(kind) and not name.endswith("_key"):
            value = 10
        elif pa.types.is_boolean(kind):
            value = True
        elif name == "usage":
            value = []
        else:
            value = "USD" if "currency" in name else f"{name}-1"
        row[column.names[0]] = value
    return row


def as_lines(rows: list[dict]) -> bytes:
    return "".join(json.dumps(row).replace(f'"{HUGE}"', HUGE) + "\n" for row in rows).encode()


def as_table(rows: list[dict]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(rows[0])
    for row in rows:
        said = [json.dumps(cell) if isinstance(cell, bool | list | dict) else cell for cell in row.values()]
        writer.writerow(said)
    return text.getvalue().encode("utf-8", "surrogatepass")


def read_files(folder: Path, paths: list[Path]) -> tuple[dict, dict]:
    """What files of one kind land as: rows and rejects by (file, line)."""
    tasks: dict = {}
    for path in paths:
        examined = examine(path, None)
        assert not examined.what.complaint, (path.name, examined.what.complaint)
        tasks.setdefault(examined.what, []).append(Piece(path, examined.file_id, path.name, None))
    for number, (what, pieces) in enumerate(tasks.items()):
        perform(Task(what, f"t{number}", number << 40, tuple(pieces)), READING, folder)

    def rows_of(table: str, columns: str) -> list[tuple]:
        if not list((folder / table).glob("*/*.parquet")):
            return []
        files = f"read_parquet('{folder}/{table}/*/*.parquet', hive_partitioning = false, union_by_name = true)"
        return duckdb.sql(f"select source_file, source_line, {columns} from {files}").fetchall()

    (table,) = {what.table for what in tasks}
    names = TABLES[table].names
    landed = {(row[0], row[1]): dict(zip(names, row[2:], strict=True)) for row in rows_of(table, ", ".join(names))}
    return landed, {(name, line): reason for name, line, reason in rows_of("rejects", "reason")}


def may_land(name: str, kind: pa.DataType, odd: str, value) -> bool:
    """Whether a column of this type may take an odd value: as a fair one, or as nothing where it says nothing."""
    if odd in ("empty", "epoch 0", "NaN") and (not value or name in ("end_time", "is_rounded")):  # as made up
        return True
    if pa.types.is_decimal(kind):
        return odd == "negative" and value == -5
    if pa.types.is_boolean(kind):
        return odd == "true" and value is True
    return pa.types.is_string(kind)


@pytest.mark.parametrize("write", [as_lines, as_table], ids=["json", "csv"])
@pytest.mark.parametrize("table", [table for table in HEADERS if table in TABLES])
def test_an_odd_value_costs_its_row_alone(tmp_path, table, write):
    """Each column x each odd value, in one file per column, among honest rows."""
    row, paths, odd_lines = honest(table), [], {}
    first = 1 if write is as_lines else 2
    for name, column in HEADERS[table].items():
        if name not in TABLES[table].names:
            continue
        rows = [row]
        path = tmp_path / f"{name}.{write.__name__}"
        for odd, value in ODD.items():
            odd_lines[path.name, len(rows) + first] = (name, odd)
            rows += [{**row, column.names[0]: value}, row]
        path.write_bytes(write(rows))
        paths.append(path)
    landed, rejected = read_files(tmp_path / "staging", paths)
    lost = [
        (path.name, line)
        for path in paths
        for line in range(first, first + 2 * len(ODD) + 1)
        if (path.name, line) not in odd_lines and (path.name, line) not in landed
    ]
    assert not lost, [(place, rejected.get(place)) for place in lost[:5]]
    wrong = []
    for place, (name, odd) in odd_lines.items():
        kind, reason = TABLES[table].field(name).type, rejected.get(place)
        if place in landed:
            is_key = name.endswith("_key") or name == "usage"
            if not is_key and not may_land(name, kind, odd, landed[place][name]):
                wrong.append((name, odd, landed[place][name]))
        elif reason is None or name not in reason or "some text" in reason:
            wrong.append((name, odd, reason))
    assert not wrong


def test_an_odd_value_of_a_span_is_left_out_and_named(tmp_path):
    """Each count, cost and time x each odd value: the span, its place and its label stay."""
    aliases = Aliases(SEED, READING.features, READING.teams)
    own = {
        name: [alias.attribute for alias in aliases.of[name] if not alias.attribute.startswith("output.value:")]
        for name in [*QUANTITIES, "stated_usd"]
    }
    columns = {name: stated[0] for name, stated in own.items()}
    lines, asked = [], []
    for name in [*columns, "started_at", "ended_at"]:
        for odd, value in ODD.items():
            span = {**chat(1, len(lines) + 1), "attributes": attributes({"app.feature": "draft"})}
            if name in columns:
                kind = "stringValue" if isinstance(value, str) and value != HUGE else "doubleValue"
                span["attributes"].append({"key": columns[name], "value": {kind: value}})
            else:
                span["startTimeUnixNano" if name == "started_at" else "endTimeUnixNano"] = value
            lines.append(batch([span]).replace(f'"{HUGE}"', HUGE))
            asked.append((name, odd))
    path = tmp_path / "spans.jsonl"
    path.write_text("".join(lines))
    landed, rejected = read_files(tmp_path / "staging", [path])
    assert len(landed) == len(lines), [(asked[line - 1], rejected[name, line]) for name, line in rejected][:5]
    assert {row["feature_id"] for row in landed.values()} == {"draft"}
    wrong = []
    for line, (name, odd) in enumerate(asked, 1):
        value, reason = landed[path.name, line][name], rejected.get((path.name, line))
        said = {"started_at": "start time", "ended_at": "end time"}.get(name, name)
        if odd in ("empty", "epoch 0"):
            is_fine = not value if name != "started_at" else reason is None
        elif name == "started_at":  # the end tells the day
            is_fine = value == landed[path.name, line]["ended_at"] and said in reason
        else:
            is_fine = value is None and reason is not None and said in reason and "some text" not in reason
        if not is_fine:
            wrong.append((name, odd, value, reason))
    assert not wrong


def staged(folder: Path, table: str, name: str, rows: list[dict]) -> None:
    target = folder / table / "day=2026-01-05" / f"{name}.parquet"
    target.parent.mkdir(parents=True, exist_ok=True)
    origin = {"source_file": name, "file_id": name}
    rows = [{**origin, "source_line": line, **row} for line, row in enumerate(rows, 1)]
    pq.write_table(pa.Table.from_pylist(rows, TABLES[table]), target)


def test_what_great_expectations_finds_costs_rows_of_the_file_that_holds_them(tmp_path):
    """What must hold rejects the row by file and line; what may be true lands with a warning; other files are none the
    wiser.
    """
    day, next_day, amount = datetime(2026, 1, 5), datetime(2026, 1, 6), Decimal("2.5")
    fair = {"start_time": day, "end_time": next_day, "amount_value": amount, "amount_currency": "EUR"}
    staged(tmp_path, "openai_costs", "good.csv", [fair, fair])
    staged(tmp_path, "openai_costs", "bad.csv", [fair, {**fair, "end_time": day}, {**fair, "amount_value": 10**9}])
    staged(tmp_path, "openai_costs", "worse.csv", [{**fair, "end_time": day}])
    found = check.door(tmp_path, "n")
    assert [(one.file_id, one.rows, one.line, one.is_rejected) for one in found] == [
        ("bad.csv", 1, 2, True),
        ("worse.csv", 1, 1, True),
        ("bad.csv", 1, 3, False),
    ]
    assert [one.said for one in found] == [
        "end_time is not after start_time",
        "end_time is not after start_time",
        "bad.csv: line 3 has amount_value 1,000,000,000 (openai_costs), above 10,000,000: it lands, since it may be "
        "true; look whether its unit and column are right",
    ]
    rows = "select source_file, source_line from read_parquet('{}/{}/*/*.parquet') order by all"
    assert duckdb.sql(rows.format(tmp_path, "openai_costs")).fetchall() == [
        ("bad.csv", 1), ("bad.csv", 3), ("good.csv", 1), ("good.csv", 2)
    ]  # fmt: skip
    columns = "source_file, line, kind, stated_on, amount, currency"
    rejects = duckdb.sql(f"select {columns} from read_parquet('{tmp_path}/rejects/*/*.parquet') order by all")
    assert rejects.fetchall() == [
        ("bad.csv", 2, "openai_costs", day.date(), amount, "EUR"),
        ("worse.csv", 1, "openai_costs", day.date(), amount, "EUR"),
    ]


def test_names_that_the_reader_makes_itself_are_nobody_elses(tmp_path):
    path = tmp_path / "spans.jsonl"
    stated = {"output.value:usage.prompt_tokens": 5, "output.value:id": "r", "app.feature": "draft", "x\2": "no JSON"}
    path.write_text(batch([{**chat(1, 1), "attributes": attributes(stated)}]))
    landed, rejected = read_files(tmp_path / "staging", [path])
    assert [(row["input_tokens"], row["response_id"], row["feature_id"]) for row in landed.values()] == [
        (None, None, "draft")
    ]
    assert rejected == {}
