"""The door: what can't be read is named and rejected, the rest lands, twice is once, a kill loses nothing."""

import gzip
import json
import os
import shutil

import duckdb
import pyarrow as pa
import pytest
from conftest import GOLDEN
from exports import activity, batch, chat, span

import land
from landing import store


def landed(data, table="spans", what="*"):
    files = f"{data}/landed/{table}/*/*.parquet"
    return duckdb.sql(
        f"select {what} from read_parquet('{files}', union_by_name = true, hive_partitioning = true)"
    ).fetchall()


def reasons(data) -> dict[str, str]:
    return dict(landed(data, "rejects", "source_file, reason"))


@pytest.fixture
def inbox(tmp_path):
    folder = tmp_path / "in box"
    folder.mkdir()
    return folder


@pytest.fixture
def data(tmp_path):
    return tmp_path / "data"


GOOD = batch([chat(1, 1, response="good")])


def times(moment: str) -> dict:
    return {"startTimeUnixNano": moment, "endTimeUnixNano": moment}


BAD = {
    "empty.jsonl": (b"", "empty file"),
    "cut.jsonl": (GOOD.encode() + GOOD.encode()[:200] + b"\n", "not JSON, or cut off"),
    "cut_first.json": (GOOD.encode()[:200], "cut off"),
    "prose.json": (b"these are not spans", "neither JSON nor a CSV with a known header"),
    "other.json": (b'{"hello": 1}', "no known export format"),
    "header.csv": (b"generation_id,created_at,tokens_prompt,tokens_completion\n1,2,3,4\n", "without cost_total"),
    "binary.bin": (b"\x00\x01\x02" * 100, "a binary file of no known"),
    "focus.csv": (b"BilledCost,ChargePeriodStart\n1,2\n", "header of focus without ChargePeriodEnd"),
    "torn.gz": (gzip.compress(GOOD.encode())[:-20], "can't be read"),
    "old.jsonl": (batch([{**chat(9, 1), **times("1000000000")}]).encode(), "before 2015"),
    "far.jsonl": (batch([{**chat(9, 2), **times("32472144000000000000")}]).encode(), "far in the future"),
    "negative.jsonl": (batch([chat(9, 3, gen_ai__usage__input_tokens=-5)]).encode(), "negative"),
    "words.jsonl": (batch([chat(9, 4, gen_ai__usage__input_tokens="many")]).encode(), "is not a count"),
    "label.jsonl": (batch([chat(9, 5, app__feature="x" * 10_000_000)]).encode(), "characters of text"),
    "list.jsonl": (b'{"resourceSpans": 3}\n', "OTLP: no spans under resourceSpans"),
    "bill.csv": (b"", None),
}


@pytest.mark.parametrize("name", sorted(set(BAD) - {"bill.csv"}))
def test_bad_file_is_named_and_the_rest_lands(inbox, data, name):
    content, reason = BAD[name]
    (inbox / "good.jsonl").write_text(GOOD)
    (inbox / name).write_bytes(content)
    assert land.run(inbox, data) == 0
    assert reason in reasons(data)[name]
    assert ("good",) in landed(data, what="response_id")


def test_bad_lines_of_a_bill_name_line_and_cell(inbox, data):
    activity([("g1", "2026-10-05 10:00:00", "0.1"), ("g2", "yesterday", "0.1"), ("g3", "2026-10-05 10:00:00", "x")],
             inbox / "activity.csv")  # fmt: skip
    with (inbox / "activity.csv").open("a") as lines:
        lines.write("g4,2026-10-05 10:00:00,0.1\n")
    assert land.run(inbox, data) == 1
    found = landed(data, "rejects", "source_line, reason")
    assert sorted(line for line, _ in found) == [3, 4, 5]
    assert {reason.split(":")[0] for _, reason in found} == {
        "created_at", "cost_total", "3 cells where the header has 21; cut or misquoted"
    }  # fmt: skip
    assert landed(data, "openrouter_activity", "generation_id") == [("g1",)]


def test_huge_attribute_that_may_not_land_costs_nothing(tmp_path):
    """What lands is as large as what lands of the same span with a short text."""
    sizes = []
    for length in (10, 10_000_000):
        inbox, data = tmp_path / f"inbox-{length}", tmp_path / f"data-{length}"
        inbox.mkdir()
        (inbox / "spans.jsonl").write_text(batch([chat(1, 1, response="r", input__value="y" * length)]))
        assert land.run(inbox, data) == 0
        assert landed(data, what="response_id") == [("r",)]
        sizes.append(sum(path.stat().st_size for path in data.rglob("*.parquet")))
    assert abs(sizes[1] - sizes[0]) < 500


def test_folder_without_permission_is_named(inbox, data, monkeypatch):
    """Root may read any folder, so the refusal is staged."""
    (inbox / "locked").mkdir()
    (inbox / "good.jsonl").write_text(GOOD)
    scandir = os.scandir

    def refuse(path):
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert land.run(inbox, data) == 0
    assert "give read permission" in reasons(data)["locked"]
    assert len(landed(data)) == 1


def test_link_out_of_the_inbox_is_not_followed(inbox, data, tmp_path):
    (tmp_path / "outside.jsonl").write_text(GOOD)
    (inbox / "link.jsonl").symlink_to(tmp_path / "outside.jsonl")
    assert land.run(inbox, data) == 0
    assert "leaves the inbox" in reasons(data)["link.jsonl"]
    assert landed(data) == []


def test_inbox_that_is_no_folder_is_an_error(tmp_path, capsys):
    assert land.run(tmp_path / "none", tmp_path / "data") == 2
    assert "is no folder" in capsys.readouterr().err


def test_same_content_under_any_name_and_compression_lands_once(inbox, data):
    (inbox / "a.jsonl").write_text(GOOD)
    (inbox / "b.jsonl").write_text(GOOD)
    (inbox / "c.jsonl.gz").write_bytes(gzip.compress(GOOD.encode()))
    with pa.CompressedOutputStream(str(inbox / "d.jsonl.zst"), "zstd") as target:
        target.write(GOOD.encode())
    assert land.run(inbox, data) == 0
    assert len(landed(data)) == 1
    files = sorted(str(path.relative_to(data)) for path in data.rglob("*.parquet"))
    before = landed(data, "files")
    assert land.run(inbox, data) == 0
    assert landed(data, "files") == before
    assert sorted(str(path.relative_to(data)) for path in data.rglob("*.parquet")) == files


def test_zstd_lines_are_read(inbox, data):
    with pa.CompressedOutputStream(str(inbox / "d.jsonl.zst"), "zstd") as target:
        target.write((GOOD + batch([chat(2, 2, response="second")])).encode())
    assert land.run(inbox, data) == 0
    assert sorted(landed(data, what="response_id")) == [("good",), ("second",)]


def test_layouts_of_otlp_json(inbox, data):
    """A batch a line, pretty and concatenated, an older name of scopes, BOM and CRLF, bare spans, base64 ids."""
    other = json.loads(batch([chat(2, 2, response="older")]))
    other["resourceSpans"][0]["instrumentationLibrarySpans"] = other["resourceSpans"][0].pop("scopeSpans")
    based = chat(3, 3, response="base64")
    based["traceId"], based["spanId"] = "AAAAAAAAAAAAAAAAAAAAAw==", "AAAAAAAAAAM="
    pretty = json.dumps(json.loads(GOOD), indent=2) + "\n" + json.dumps(other, indent=2)
    (inbox / "pretty.jsonl").write_text(pretty)
    (inbox / "bom.jsonl").write_bytes(b"\xef\xbb\xbf" + batch([based]).replace("\n", "\r\n").encode())
    bare = {key: value for key, value in chat(4, 4, response="bare").items() if not key.endswith("Id")}
    (inbox / "bare.json").write_text(json.dumps({**bare, "startTimeUnixNano": None}, indent=1))
    assert land.run(inbox, data) == 0
    found = {row[0]: row[1:] for row in landed(data, what="response_id, trace_id, span_id, cast(day as varchar)")}
    assert found["good"] == (f"{1:032x}", f"{1:016x}", "2026-10-05")
    assert found["older"][0] == f"{2:032x}"
    assert found["base64"] == (f"{3:032x}", f"{3:016x}", "2026-10-05")
    assert found["bare"][2] == "2026-10-05"  # as its end says


def test_copy_that_ended_stands_whichever_came_first(inbox, data):
    begun = chat(1, 1, response="r")
    begun.update(endTimeUnixNano="0", attributes=begun["attributes"][:1])
    ended = chat(1, 1, response="r")
    (inbox / "1.jsonl").write_text(batch([ended, begun]))
    (inbox / "2.jsonl").write_text(batch([span(2, 2, at=86_400), {**ended, "name": "again"}]))
    assert land.run(inbox, data) == 0
    assert [row[0] for row in landed(data, what="input_tokens") if row[0]] == [100]
    (inbox / "3.jsonl").write_text(batch([{**begun, "startTimeUnixNano": "0"}, {**chat(1, 9), "endTimeUnixNano": "0"}]))
    assert land.run(inbox, data) == 0
    read, superseded = landed(data, "files", "sum(rows_read), sum(rows_superseded)")[0]
    assert (read, superseded, len(landed(data))) == (6, 3, 3)
    (inbox / "4.jsonl").write_text(batch([chat(1, 9)]))
    assert land.run(inbox, data) == 0
    assert landed(data, what="count(*), count(ended_at)") == [(3, 3)]


@pytest.mark.parametrize("steps", range(0, 12, 2))
def test_kill_while_committing_then_rerun_is_one_clean_run(inbox, data, monkeypatch, steps, tmp_path):
    for source in (GOLDEN / "inbox").iterdir():
        shutil.copy(source, inbox)
    done = 0
    replace = os.replace

    def dies(source, target):
        nonlocal done
        done += 1
        if done > steps:
            raise KeyboardInterrupt
        replace(source, target)

    (data / "landed").mkdir(parents=True)
    (data / "landed" / ".hash_key").write_bytes(b"k" * 32)
    shutil.copytree(data, tmp_path / "clean")
    monkeypatch.setattr(store.os, "replace", dies)
    with pytest.raises(KeyboardInterrupt):
        land.run(inbox, data)
    monkeypatch.undo()
    assert land.run(inbox, data) == 0
    assert land.run(inbox, tmp_path / "clean") == 0
    for table, order in (("spans", "trace_id, span_id"), ("openrouter_activity", "1, 3"), ("files", "1")):
        assert landed(data, table, "* ") is not None
        query = (
            "select * from read_parquet('{}/landed/" + table + "/*/*.parquet', union_by_name = true) order by " + order
        )
        assert duckdb.sql(query.format(data)).fetchall() == duckdb.sql(query.format(tmp_path / "clean")).fetchall()


def test_no_prompt_or_completion_text_reaches_the_disk(inbox, data):
    secret = "the patient said so"
    answer = {"id": "gen-1", "object": "chat.completion", "choices": [{"message": {"content": secret}}],
              "usage": {"prompt_tokens": 5, "completion_tokens": 6}}  # fmt: skip
    wrapped = json.dumps({"text": secret, "raw": answer})
    (inbox / "otlp.jsonl").write_text(
        batch([chat(1, 1, input__value=secret, output__value=json.dumps(answer), gen_ai__input__messages=secret)])
    )
    (inbox / "phoenix.jsonl").write_text(
        json.dumps({"name": "n", "span_kind": "LLM", "parent_id": None, "start_time": "2026-10-05T10:00:00Z",
                    "end_time": "2026-10-05T10:00:01Z", "context.trace_id": "ab" * 16, "context.span_id": "cd" * 8,
                    "attributes.input.value": secret, "attributes.output.value": wrapped,
                    "attributes.llm.model_name": "m", "status_message": secret, "events": [{"body": secret}]}) + "\n"
    )  # fmt: skip
    (inbox / "broken.jsonl").write_text(GOOD + '{"resourceSpans": "' + secret + "\n")
    assert land.run(inbox, data) == 0
    assert sorted(landed(data, what="response_id, input_tokens, output_tokens"))[0] == ("gen-1", 5, 6)
    for table in ("spans", "rejects", "files"):
        assert secret not in str(landed(data, table))
    assert all(secret.encode() not in path.read_bytes() for path in data.rglob("*") if path.is_file())


def test_share_of_rejects_over_the_variable_fails_the_landing(inbox, data, capsys):
    rows = [(f"g{number}", "2026-10-05 10:00:00", "0.1" if number % 2 else "?") for number in range(2000)]
    activity(rows, inbox / "activity.csv")
    assert land.run(inbox, data) == 1
    assert "1,000 of 2,000 rows of openrouter_activity" in capsys.readouterr().out
