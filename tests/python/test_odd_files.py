"""One odd file is one file's problem: it is named, whatever it is, and everything beside it lands."""

import io
import itertools
import json
import os
import signal
import stat
import subprocess
import sys
from collections import deque
from pathlib import Path

import duckdb
import odd_files
import pytest
from odd_files import GOOD, LANDED, NAMED, make, span_file, twins

import check
import check_labels
import land
import terminal
from landing import Unreadable, documents, work
from landing.workers import Job, Workers

READING = work.Reading("secret", ("app.feature",), ("app.team",), False)


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    """(what was printed, rejects, response ids by file) of one landing of all odd entries at once."""
    folder = tmp_path_factory.mktemp("odd")
    inbox, data = folder / "inbox", folder / "data"
    inbox.mkdir()
    (inbox / "good.jsonl").write_text(GOOD)
    (inbox / "twins.zip").write_bytes(twins())
    for name, (content, _) in NAMED.items():
        make(inbox, name, content)
    for name, (content, _) in LANDED.items():
        make(inbox, name, content)
    said = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", said)
        patch.setattr(sys, "stderr", said)
        code = land.run(inbox, data)
    rejects = duckdb.sql(f"select source_file, reason from '{data}/landed/rejects/*/*.parquet'").fetchall()
    spans = duckdb.sql(f"select source_file, response_id from '{data}/landed/spans/*/*.parquet'").fetchall()
    return code, said.getvalue(), rejects, spans


def test_the_good_file_lands_beside_all_others(odd):
    code, said, _, spans = odd
    assert code == 0
    assert ("good.jsonl", "good") in spans
    assert "Traceback" not in said
    assert "Error:" not in said


@pytest.mark.parametrize("name", NAMED)
def test_odd_entry_is_named(odd, name):
    _, said, rejects, _ = odd
    reasons = [reason for file, reason in rejects if file == name or file.startswith(f"{name}/")]
    assert len(reasons) == 1
    assert NAMED[name][1] in reasons[0]
    assert name in said


@pytest.mark.parametrize("name", LANDED)
def test_odd_name_or_text_lands(odd, name):
    _, _, _, spans = odd
    trace = 101 + list(LANDED).index(name)
    assert (LANDED[name][1], f"r{trace}") in spans


def test_both_files_of_one_name_in_an_archive_land(odd):
    assert {("twins.zip/twin.jsonl", "r121"), ("twins.zip/twin.jsonl", "r122")} <= set(odd[3])


def test_nothing_that_steers_a_terminal_is_printed(odd):
    _, said, rejects, spans = odd
    assert terminal.HARMFUL_IN_LINES.search(said.replace("\r", "")) is None  # the bar's own
    assert not any(line.startswith("lines ERROR: forged") for line in said.splitlines())
    assert not any(terminal.HARMFUL.search(text) for row in [*rejects, *spans] for text in row if text)


def test_folders_are_nested_as_deeply_as_paths_are_long(tmp_path):
    """A thousand folders within each other, and a hundred more that no path reaches from here."""
    here, depth = os.open(tmp_path, os.O_RDONLY), 0
    while depth < 2200:
        os.mkdir("d", dir_fd=here)
        further = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here, depth = further, depth + 1
        if depth == 1500:
            deep = os.open("good.jsonl", os.O_WRONLY | os.O_CREAT, dir_fd=here)
            os.write(deep, GOOD.encode())
            os.close(deep)
    os.close(here)
    try:
        found, unread = land.files_in(tmp_path)
        assert [name.count("d/") for _, name in found] == [1500]
        assert [item["reason"] for item in unread] == ["can't be opened (File name too long); give read permission"]
    finally:
        subprocess.run(["rm", "-rf", tmp_path / "d"], check=True)  # Python's own is recursive


def test_device_is_named(tmp_path, monkeypatch):
    """Devices need rights to be made, so it is staged."""
    path = tmp_path / "device"
    path.write_bytes(b"")
    status = os.stat_result([stat.S_IFCHR | 0o600, *os.stat(path)[1:]])
    monkeypatch.setattr(Path, "stat", lambda *_, **__: status)
    monkeypatch.setattr(os.path, "islink", lambda _: False)
    assert "a device" in land.no_file(path, tmp_path)


def test_folder_that_may_not_be_searched_is_named(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "stat", refuse)
    monkeypatch.setattr(os.path, "islink", lambda _: False)
    assert "give read permission" in land.no_file(tmp_path / "file", tmp_path)


# What befalls a process at one of the files, by its name.
def dies(path, *_):
    if Path(path).name == "killer.jsonl":
        os.kill(os.getpid(), signal.SIGKILL)


def fails(path, *_):
    if Path(path).name == "killer.jsonl":
        raise type("Panic", (BaseException,), {})("a text of the file")


def vanishes(path, *_):
    if Path(path).name == "killer.jsonl":
        os.unlink(path)


@pytest.mark.parametrize("place", ["examined", "read"])
@pytest.mark.parametrize(("befalls", "reason"), [
    (dies, "was killed"), (fails, "its reader failed (Panic"), (vanishes, "it was taken away while files landed"),
])  # fmt: skip
def test_file_that_ends_its_process_is_named_and_costs_no_other(tmp_path, monkeypatch, place, befalls, reason):
    inbox, data = tmp_path / "inbox", tmp_path / "data"
    inbox.mkdir()
    for trace in range(1, 7):
        (inbox / f"{trace}.jsonl").write_bytes(span_file(trace))
    (inbox / "killer.jsonl").write_bytes(span_file(50))
    module, name = (work, "recognise") if place == "examined" else (work, "_batches")
    as_it_is = getattr(module, name)

    def with_trouble(first, *more):
        befalls(first.path if place == "read" else first)
        return as_it_is(first, *more)

    monkeypatch.setattr(module, name, with_trouble)
    monkeypatch.setattr(check, "door", lambda *_: [])
    assert land.run(inbox, data) == 0
    rows = duckdb.sql(f"select source_file, count(*) from '{data}/landed/spans/*/*.parquet' group by all").fetchall()
    assert sorted(rows) == [(f"{trace}.jsonl", 1) for trace in range(1, 7)]
    [(file, said)] = duckdb.sql(f"select source_file, reason from '{data}/landed/rejects/*/*.parquet'").fetchall()
    assert file == "killer.jsonl"
    assert reason in said
    assert "a text of the file" not in said


def examined(path, trace):
    path.write_bytes(span_file(trace) * 3)
    found = work.examine(path, None)
    return found.what, work.Piece(path, found.file_id, path.name, found.ranges[0], found.stamp)


def test_engine_of_this_process_harms_no_worker(tmp_path, monkeypatch):
    """An engine held before the fork, as by whoever reads a file in the landing's own process. Workers that clear an
    inherited one never end, so an alarm ends the test.
    """
    what, piece = examined(tmp_path / "held.jsonl", 1)
    work.perform(work.Task(what, "held", 0, (piece,)), READING, tmp_path / "staging")
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (inbox / "killer.jsonl").write_bytes(span_file(50))
    monkeypatch.setattr(work, "_batches", lambda *_: fails("killer.jsonl"))
    monkeypatch.setattr(check, "door", lambda *_: [])
    former = signal.signal(signal.SIGALRM, lambda *_: pytest.fail("the workers never ended"))
    signal.alarm(120)
    try:
        land.run(inbox, tmp_path / "data")
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, former)
    [[reason]] = duckdb.sql(f"select reason from '{tmp_path}/data/landed/rejects/*/*.parquet'").fetchall()
    assert "its reader failed (Panic" in reason


def test_rows_of_a_file_that_fails_midway_land_under_no_neighbor(tmp_path, monkeypatch):
    """The rows that a reader holds, and those that it has staged, are gone when the task fails."""
    (what, first), (_, second) = (examined(tmp_path / f"{trace}.jsonl", trace) for trace in (1, 2))
    lines = documents.lines
    monkeypatch.setattr(work, "PORTION_BYTES", 1)

    def torn(stream, *more):
        yield from lines(stream, *more)
        if trouble:
            raise Unreadable("it breaks off")

    monkeypatch.setattr(documents, "lines", torn)
    for most in (1, 1 << 18):  # each row is staged at once, or all are held
        monkeypatch.setattr(work, "MOST_ROWS", most)
        trouble, staging = True, tmp_path / f"staging-{most}"
        with pytest.raises(Unreadable, match="breaks off"):
            work.perform(work.Task(what, "first", 0, (first,)), READING, staging)
        assert not list(staging.glob("*/*/*"))
        trouble = False
        work.perform(work.Task(what, "second", 0, (second,)), READING, staging)
        names = duckdb.sql(f"select distinct source_file from '{staging}/*/*/*.parquet'").fetchall()
        assert names == [("2.jsonl",)]


def test_file_that_is_written_anew_while_it_is_read_is_named(tmp_path):
    path = tmp_path / "spans.csv"
    path.write_text(odd_files.HEADER + "\ng1,2026-10-05,1,2,3,m\n")
    examined = work.examine(path, None)
    piece = work.Piece(path, examined.file_id, path.name, None, examined.stamp)
    path.write_text(odd_files.HEADER + "\n")
    with pytest.raises(Unreadable, match="changed while files landed"):
        work.perform(work.Task(examined.what, "task", 0, (piece,)), READING, tmp_path / "staging")


def test_columns_of_parquet_may_have_any_name(tmp_path):
    names = ["batch", "row", "Row_", "record"]
    path = tmp_path / "table.parquet"
    path.write_bytes(odd_files.parquet(**{name: [place] for place, name in enumerate(names)}))
    assert [json.loads(text) for _, text in documents.parquet_rows(path)] == [dict(zip(names, range(4), strict=True))]


@pytest.mark.parametrize("end", ["", "\n"])
def test_last_line_that_is_nested_too_deeply_costs_no_other(tmp_path, end):
    deep = '{"other": ' + "[" * 100_000 + "]" * 100_000 + "}"
    path = tmp_path / "spans.jsonl"
    path.write_text(GOOD + deep + end)
    examined = work.examine(path, None)
    piece = work.Piece(path, examined.file_id, path.name, examined.ranges[0], examined.stamp)
    found = work.perform(work.Task(examined.what, "task", 0, (piece,)), READING, tmp_path / "staging")
    assert found[examined.file_id].rows_read == 2
    assert found[examined.file_id].rows_rejected == 1


def test_unknown_failure_says_where_and_never_what_the_file_holds(tmp_path, monkeypatch):
    path = tmp_path / "spans.jsonl"
    path.write_bytes(span_file(1))

    def fail(*_):
        raise KeyError("a prompt's text")

    monkeypatch.setattr(work, "recognise", fail)
    with pytest.raises(Unreadable) as raised:
        work.examine(path, None)
    assert str(raised.value).startswith("its reader failed (KeyError at work.py:")
    assert "prompt" not in str(raised.value)


def test_jobs_added_while_others_run_are_done():
    rounds = itertools.count()
    with Workers() as workers:
        queue = deque([Job(0, abs, (-5,))])
        found = {}
        for job, outcome in workers.run(queue):
            found[job.key] = outcome
            if next(rounds) < 5:
                queue.append(Job(job.key + 1, abs, (-job.key,)))
    assert found == {0: 5, 1: 0, 2: 1, 3: 2, 4: 3, 5: 4}


@pytest.mark.parametrize(("text", "shown"), [
    ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
    ("a\nb\tc\x7f\x85\u202e", "a\\x0ab\\x09c\\x7f\\u0085\\u202e"),
    (os.fsdecode(b"caf\xe9"), "caf\\xe9"),
    ("half \ud83d", "half \\ud83d"),
    ("caf\u00e9 \U0001f600 \u0627\u200c\u0628", "caf\u00e9 \U0001f600 \u0627\u200c\u0628"),
])  # fmt: skip
def test_plain_text_is_one_line_that_every_terminal_shows(text, shown):
    assert terminal.plain(text) == shown


def test_names_that_differ_are_written_differently():
    names = ["a\nb", "a\\x0ab", "a\\x5cx0ab", "a\\nb", os.fsdecode(b"a\x85b"), "a\x85b", "a\\u0085b"]
    assert len({terminal.name_of(name) for name in names}) == len(names)


def test_print_keeps_lines_and_writes_out_the_rest(capsys):
    terminal.print("one\ntwo\x1b[2J", 3, sep=", ")
    terminal.print("odd \ud83d", file=sys.stderr)
    assert capsys.readouterr() == ("one\ntwo\\x1b[2J, 3\n", "odd \\ud83d\n")


def test_print_to_a_terminal_without_unicode():
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii", newline="")
    terminal.print("caf\u00e9", file=stream)
    stream.flush()
    assert stream.buffer.getvalue() == b"caf\\xe9\n"


def test_labels_are_checked_beside_entries_that_are_no_files(tmp_path, capsys):
    """check_labels copies what it checks, also what links lead to."""
    spans = tmp_path / "spans"
    (spans / "deeper").mkdir(parents=True)
    (spans / "deeper" / "good.jsonl").write_text(GOOD)
    (tmp_path / "outside.jsonl").write_text(GOOD)
    (spans / "link.jsonl").symlink_to(tmp_path / "outside.jsonl")
    for name in ("pipe", "dangling", "loop"):
        make(spans, name, NAMED[name][0])
    assert check_labels.copied(spans, tmp_path / "inbox") == 3
    names = [str(path.relative_to(tmp_path / "inbox")) for path in (tmp_path / "inbox").rglob("*.jsonl")]
    assert sorted(names) == ["deeper/good.jsonl", "link.jsonl"]
    said = capsys.readouterr().out.splitlines()
    assert sorted(line.split(":")[0] for line in said) == [
        f"  not read {name}" for name in ("dangling", "loop", "pipe")
    ]
