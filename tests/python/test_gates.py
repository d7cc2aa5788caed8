"""A refusal holds on every run until it is mended: shares of rejects, files that break off, times of a wrong clock."""

import gzip
import io

import duckdb
import pytest
from exports import DAY, batch, chat
from landings import inline

import land
from landing import Unreadable, documents, work
from landing.gates import errors, first_too_far

HEAD = "event_id,occurred_at,feature_id,user_id,account_id"


@pytest.fixture
def inbox(tmp_path):
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


@pytest.fixture
def data(tmp_path):
    return tmp_path / "data"


@pytest.fixture(autouse=True)
def share(monkeypatch):
    """The project's variables, and a share that is asked from ten rows on."""
    inline(monkeypatch)
    stated = {**land.project_variables(), "max_reject_share_min_rows": 10}
    monkeypatch.setattr(land, "project_variables", lambda: stated)
    return stated


def events(path, count: int, bad: int = 0, first: int = 0) -> None:
    rows = [
        f"e{number},{'never' if number < first + bad else f'2026-10-05T10:00:{number % 60:02d}Z'},draft,u,a"
        for number in range(first, first + count)
    ]
    path.write_text("\n".join([HEAD, *rows]) + "\n")


def landed(data, table: str, what: str = "count(*)") -> list[tuple]:
    files = f"read_parquet('{data}/landed/{table}/*/*.parquet', union_by_name = true, hive_partitioning = false)"
    return duckdb.sql(f"select {what} from {files}").fetchall()


def said(capsys) -> str:
    return capsys.readouterr().out


def test_a_refusal_is_an_error_on_every_run_until_the_file_is_replaced(inbox, data, capsys):
    events(inbox / "good.csv", 1000)
    assert land.run(inbox, data) == 0
    events(inbox / "bad.csv", 20, bad=5, first=2000)
    said(capsys)
    for _ in range(3):  # also once the rows are no news, and however many good ones there are
        assert land.run(inbox, data) == 1
        assert (
            "ERROR: 5 of 20 rows of usage_events rejected in bad.csv, over max_reject_share (20%): occurred_at: "
            "text of 5 characters is not a time; correct the rows and land the file under the same name, take it out "
            "with `make forget FILE=`, or raise max_reject_share in dbt_project.yml"
        ) in said(capsys)
    (inbox / "bad.csv").unlink()  # its other rows stand in the ledger
    assert land.run(inbox, data) == 1
    events(inbox / "bad.csv", 20, first=2000)
    said(capsys)
    assert land.run(inbox, data) == 0
    assert "WARNING" not in said(capsys)
    assert land.run(inbox, data) == 0


def test_the_share_can_be_raised(inbox, data, share):
    events(inbox / "bad.csv", 20, bad=5)
    assert land.run(inbox, data) == 1
    share["max_reject_share"] = 0.3
    assert land.run(inbox, data) == 0


def test_neighbours_of_the_same_landing_do_not_thin_out_rejects(inbox, data, capsys):
    """One landing says what two say."""
    events(inbox / "good.csv", 1000)
    events(inbox / "bad.csv", 20, bad=5, first=2000)
    assert land.run(inbox, data) == 1
    assert "rejected in bad.csv, over" in said(capsys)


def test_small_files_of_one_landing_are_asked_together(inbox, data, capsys):
    for number in range(4):
        events(inbox / f"small{number}.csv", 5, bad=2 * (number % 2), first=100 * number)
    assert land.run(inbox, data) == 0  # 4 of 20
    for number in range(4, 8):
        events(inbox / f"small{number}.csv", 5, bad=3 * (number % 2), first=100 * number)
    for _ in range(2):
        assert land.run(inbox, data) == 1
        assert (
            "ERROR: 6 of 20 rows of usage_events rejected in small5.csv 3 of 5, small7.csv 3 of 5 (4 files of one "
            "landing), over"
        ) in said(capsys)
    events(inbox / "small5.csv", 5, first=500)
    assert land.run(inbox, data) == 0


def test_a_newer_file_of_other_days_mends_the_error_and_not_the_loss(inbox, data, capsys):
    events(inbox / "events.csv", 20, bad=5)
    assert land.run(inbox, data) == 1
    events(inbox / "events.csv", 12, first=100)
    for _ in range(2):
        assert land.run(inbox, data) == 0
        assert "WARNING: 5 of 20 rows of an older events.csv were rejected, and the newer file" in said(capsys)


def test_a_newer_file_that_is_refused_itself_replaces_nothing(inbox, data, capsys):
    events(inbox / "events.csv", 20, bad=5)
    assert land.run(inbox, data) == 1
    events(inbox / "events.csv", 21, bad=21)
    assert land.run(inbox, data) == 1
    assert said(capsys).count("ERROR: ") == 3


def test_a_file_that_grows_stays_refused(inbox, data):
    """Rows that come behind the refused ones bring none of them."""
    lines = [batch([chat(number, number)]) for number in range(1, 30)]
    bad = "{broken}\n" * 6
    (inbox / "spans.jsonl").write_text("".join(lines[:10]) + bad)
    assert land.run(inbox, data) == 1
    (inbox / "spans.jsonl").write_text("".join(lines[:10]) + bad + "".join(lines[10:]))
    assert land.run(inbox, data) == 1
    assert landed(data, "spans") == [(29,)]
    (inbox / "spans.jsonl").write_text("".join(lines))
    assert land.run(inbox, data) == 0


def test_copies_of_a_refused_file_give_way_to_its_successors(inbox, data):
    """Although they have more attributes."""
    lines = [batch([chat(number, number, response="old", more="x")]) for number in range(1, 12)]
    (inbox / "spans.jsonl").write_text("".join(lines) + "{broken}\n" * 6)
    assert land.run(inbox, data) == 1
    lines = [batch([chat(number, number, response="new")]) for number in range(1, 12)]
    (inbox / "spans.jsonl").write_text("".join(lines))
    assert land.run(inbox, data) == 0
    assert sorted(landed(data, "spans", "distinct response_id")) == [("new",)]


def test_a_file_that_breaks_off_is_a_warning_until_it_is_whole(inbox, data, capsys):
    text = "".join(batch([chat(number, number)]) for number in range(1, 4))
    path = inbox / "spans.json"
    path.write_text(text[:-200])
    for _ in range(2):
        assert land.run(inbox, data) == 0
        assert "WARNING: spans.json (spans) breaks off within its last record" in said(capsys)
    path.write_text(text)
    assert land.run(inbox, data) == 0
    assert "WARNING" not in said(capsys)
    assert landed(data, "spans") == [(3,)]


def test_a_log_that_was_rotated_away_while_a_line_was_written_is_whole_under_its_next_name(inbox, data, capsys):
    """Its successor under the old name has neither its spans nor the line that was cut."""
    lines = [batch([chat(number, number, at=number * 60)]) for number in range(1, 7)]
    (inbox / "spans.jsonl").write_text("".join(lines[:3])[:-100])
    assert land.run(inbox, data) == 0
    (inbox / "spans.jsonl").write_text("".join(lines[4:]))
    said(capsys)
    assert land.run(inbox, data) == 0
    assert "WARNING: 1 of 3 rows of an older spans.jsonl were rejected" in said(capsys)
    (inbox / "spans.jsonl.1").write_text("".join(lines[:4]))
    for _ in range(2):
        assert land.run(inbox, data) == 0
        assert "WARNING" not in said(capsys)
    assert landed(data, "spans") == [(6,)]


def test_an_array_that_ends_within_a_record_is_told_from_one_with_a_broken_record():
    for text, is_torn in ((b'[{"a": 1},\n{"b": 2', True), (b'[{"a": 1},\n{"b": 2, x},\n{"c": 3}]', False)):
        faults = [fault for _, fault in documents.concatenated(io.BytesIO(text)) if isinstance(fault, Unreadable)]
        assert [fault.is_growing for fault in faults] == [is_torn]


def test_a_packed_file_that_is_cut_off_is_read_once_it_is_whole(inbox, data, capsys):
    packed = gzip.compress("".join(batch([chat(number, number)]) for number in range(1, 400)).encode())
    path = inbox / "spans.jsonl.gz"
    path.write_bytes(packed[:-40])
    for _ in range(2):
        assert land.run(inbox, data) == 0
        assert "WARNING: spans.jsonl.gz is not read: spans that can't be read to its end" in said(capsys)
    path.write_bytes(packed)
    assert land.run(inbox, data) == 0
    assert "WARNING" not in said(capsys)


def test_what_a_wrong_clock_refused_is_read_again_when_the_clock_is_right(inbox, data, capsys, monkeypatch):
    """Rows and values; nothing is read again while the clock says no more than it said."""
    events(inbox / "events.csv", 20)
    (inbox / "spans.jsonl").write_text(batch([chat(1, 1)]))
    right = work.engine_for

    def slow(*options):
        engine = right(*options)
        engine.execute("set variable latest_time = timestamp '2025-01-01'")
        return engine

    work.release()
    with monkeypatch.context() as patch:
        patch.setattr(work, "engine_for", slow)
        patch.setattr("landing.gates.is_reached", lambda _: False)
        for _ in range(2):
            assert land.run(inbox, data) == 1
            assert "20 of 20 rows of usage_events rejected in events.csv" in said(capsys)
    work.release()
    assert land.run(inbox, data) == 0
    assert "a clock moved on" in said(capsys)
    assert landed(data, "usage_events") == [(20,)]
    assert landed(data, "spans", "started_at, count(*) over ()") == [(DAY.replace(tzinfo=None), 1)]
    assert landed(data, "rejects") == [(0,)]
    assert land.run(inbox, data) == 0
    assert "read again" not in said(capsys)


def test_a_far_future_is_not_asked_for_again_and_again(inbox, data, capsys):
    (inbox / "events.csv").write_text(f"{HEAD}\ne1,2099-10-05T10:00:00Z,draft,u,a\ne2,1999-10-05,draft,u,a\n")
    for _ in range(2):
        assert land.run(inbox, data) == 0
    assert "read again" not in said(capsys)
    for day in ("1999-10-05", "0000-01-01", "12026-10-05"):
        assert first_too_far([f"x: {day} is before 2015 or far in the future; correct the clock or unit"]) is None
    reasons = ["x: 2099-10-05 is before 2015 or far in the future; y: 2031-01-01 is before 2015 or far in the future"]
    assert first_too_far(reasons) == "2031-01-01"


def test_what_landed_before_files_had_landings_is_asked_too():
    """Stores of older versions: large files alone, small ones together."""
    entry = {"kind": "spans", "rows_read": 40, "rows_rejected": 30, "continues": None}
    files = [{**entry, "file_id": f"f{place}", "source_file": f"f{place}", "landing_no": place} for place in range(3)]
    assert len(errors(files, 0.2, 10)) == 3
    assert len(errors(files, 0.2, 100)) == 1
    assert errors(files, 0.2, 1000) == []
