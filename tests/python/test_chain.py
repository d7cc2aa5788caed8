"""The chain of closings: what was closed can't be edited, lost or made anew without a word."""

import csv
import fcntl
import json
import os
import shutil
import sys
from functools import partial
from hashlib import sha256
from pathlib import Path

import duckdb
import pytest

import chain
import close as close_script
import closed
import export
import state

KEY = "a key of the finance team"


@pytest.fixture(autouse=True)
def no_key(monkeypatch):
    monkeypatch.delenv(chain.KEY, raising=False)


def write_month(data: Path, month: str, usd: str) -> tuple[Path, dict]:
    """A month's folder, as `close.freeze` leaves it beside the closed ones; its manifest without what a chain adds."""
    part = data / "closed" / closed.PARTS / month
    (part / "exports" / "statements").mkdir(parents=True)
    entry = f"select date '{month}-01' as posted_month, 'web' as team_id, {usd} as amount_usd"
    duckdb.sql(entry).write_parquet(str(part / closed.ENTRIES))
    entries = {"rows": 1, "sha256": closed.hash_of(part / closed.ENTRIES), "totals": {"net_charge_usd": usd}}
    return part, {"month": month, "data_until": f"{month}-28", "flags": [], "overruled": [], "entries": entries}


def write_exports(part: Path, month: str, usd: str, **said) -> None:
    files = {"team_chargeback.csv": f"team_id,net_charge_usd\nweb,{usd}\n", "statements/web.csv": f"item\n{usd}\n"}
    for name, text in files.items():
        (part / "exports" / name).write_text(text)
    sums = {name: {"sha256": sha256(text.encode()).hexdigest()} for name, text in files.items()}
    (part / closed.EXPORTED).write_text(json.dumps({"month": month, "status": "closed", "files": sums, **said}))


def close(data: Path, month: str, usd: str = "1.00") -> dict:
    part, manifest = write_month(data, month, usd)
    closing = closed.next_closing(data, month, closed.trace_of(manifest))
    closings = chain.listed([*closed.links(data), closing])
    write_exports(part, month, usd, closings=closings, closing_hash=closing["closing_hash"])
    manifest |= {"exports_sha256": closed.hash_of(part / closed.EXPORTED), "closing_hash": closing["closing_hash"]}
    (part / closed.MANIFEST).write_text(json.dumps(manifest))
    return closed.trace(data, month, "closed", closed.trace_of(manifest), (part, data / "closed" / month))


def reopen(data: Path, month: str) -> dict:
    kept = f".reopened/{month}.{len(list((data / 'closed').glob(f'.reopened/{month}.*'))) + 1}"
    what = closed.trace_of(closed.manifest(data, month)) | {"flags": ["REOPEN"], "kept": kept}
    return closed.trace(data, month, "reopened", what, (data / "closed" / month, data / "closed" / what["kept"]))


def hand_out(data: Path, month: str) -> None:
    """What `make export` copies of a closed month."""
    shutil.copytree(data / "closed" / month / "exports", data / "exports" / month)


def lines(data: Path) -> list[str]:
    return (data / "closed" / closed.LOG).read_text().splitlines(keepends=True)


def put(data: Path, changed: list[str]) -> None:
    (data / "closed" / closed.LOG).write_text("".join(changed))


@pytest.fixture
def data(tmp_path):
    """Four months closed, the last of them reopened and closed again with another amount; one was exported."""
    folder = tmp_path / "data"
    for month, usd in (("2026-07", "1.00"), ("2026-08", "2.00"), ("2026-09", "3.00"), ("2026-10", "4.00")):
        close(folder, month, usd)
    reopen(folder, "2026-10")
    close(folder, "2026-10", "4.50")
    hand_out(folder, "2026-09")
    assert closed.complaints(folder) == []
    return folder


def edit_entries(data: Path) -> None:
    path = data / "closed" / "2026-08" / closed.ENTRIES
    duckdb.sql(f"select * replace (9.00 as amount_usd) from '{path}'").write_parquet(f"{path}.new")
    os.replace(f"{path}.new", path)


def swap_entries(data: Path) -> None:
    shutil.copy(data / "closed" / "2026-07" / closed.ENTRIES, data / "closed" / "2026-08" / closed.ENTRIES)


def edit_json(path: Path, old: str, new: str) -> None:
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def edit_a_month_whole(data: Path) -> None:
    """Entries, exports and manifest agree with each other."""
    shutil.rmtree(data / "closed" / "2026-08")
    part, manifest = write_month(data, "2026-08", "9.00")
    write_exports(part, "2026-08", "9.00")
    manifest |= {"exports_sha256": closed.hash_of(part / closed.EXPORTED)}
    (part / closed.MANIFEST).write_text(json.dumps(manifest))
    part.rename(data / "closed" / "2026-08")


def edit_line(data: Path, rehash: bool = False) -> None:
    """An amount in the log; with its own hashes made anew, as somebody would who knows how they are made."""
    changed = lines(data)
    link = json.loads(changed[1])
    link["totals"]["net_charge_usd"] = "9.00"
    if rehash:
        before = json.loads(changed[0])
        link = chain.linked(before, {name: link[name] for name in link if name not in ("hash", "previous")})
    put(data, [changed[0], json.dumps(link) + "\n", *changed[2:]])


def make_anew(data: Path, *months: tuple[str, str]) -> None:
    shutil.rmtree(data / "closed")
    (data / chain.STAMP).unlink()
    for month, usd in months:
        close(data, month, usd)


def make_anew_with_old_stamp(data: Path) -> None:
    stamp = (data / chain.STAMP).read_text()
    make_anew(data, ("2026-07", "1.00"), ("2026-08", "9.00"), ("2026-09", "3.00"), ("2026-10", "4.00"))
    reopen(data, "2026-10")
    close(data, "2026-10", "4.50")
    (data / chain.STAMP).write_text(stamp)


def lose_all_but_exports(data: Path) -> None:
    shutil.rmtree(data / "closed")
    (data / chain.STAMP).unlink()


def bring_exports(data: Path) -> None:
    other = data.parent / "other"
    close(other, "2026-06", "7.00")
    hand_out(other, "2026-06")
    shutil.copytree(other / "exports" / "2026-06", data / "exports" / "2026-06")


EDITS = {
    "an amount in the entries": (edit_entries, "2026-08/entries.parquet is not what was closed"),
    "another month's entries": (swap_entries, "2026-08/entries.parquet is not what was closed"),
    "an exported file": (
        lambda data: (data / "closed/2026-08/exports/statements/web.csv").write_text("item\n9.00\n"),
        "2026-08/exports/statements/web.csv is not what was closed",
    ),
    "an exported file is gone": (
        lambda data: (data / "closed/2026-08/exports/statements/web.csv").unlink(),
        "2026-08/exports/statements/web.csv is gone",
    ),
    "an exported file more": (
        lambda data: (data / "closed/2026-08/exports/statements/mail.csv").write_text("item\n"),
        "2026-08/exports/statements/mail.csv is not among the files that were closed",
    ),
    "the exports' manifest": (
        lambda data: edit_json(data / "closed/2026-08/exports/manifest.json", '"closed"', '"open"'),
        "2026-08/exports/manifest.json is not what was closed",
    ),
    "totals in the manifest": (
        lambda data: edit_json(data / "closed/2026-08/manifest.json", '"2.00"', '"9.00"'),
        "2026-08/manifest.json is not what was closed",
    ),
    "a month whole": (edit_a_month_whole, "2026-08/entries.parquet is not what was closed"),
    "a line of the log": (edit_line, "line 2 of {}/closed/log.jsonl (2026-08 closed) was edited"),
    "a line with its hash": (
        lambda data: edit_line(data, rehash=True), "line 3 of {}/closed/log.jsonl (2026-09 closed) does not follow",
    ),
    "a line's time": (
        lambda data: put(data, [lines(data)[0].replace('"at": "2', '"at": "1'), *lines(data)[1:]]),
        "line 1 of {}/closed/log.jsonl (2026-07 closed) was edited",
    ),
    "a line with a member twice": (
        lambda data: put(data, [lines(data)[0].replace('"rows": 1', '"rows": 9, "rows": 1'), *lines(data)[1:]]),
        "line 1 of {}/closed/log.jsonl (2026-07 closed) was edited",
    ),
    "a line without its hash": (
        lambda data: put(data, [*lines(data)[:5], lines(data)[5].replace('"hash"', '"hashed"')]),
        "line 6 of {}/closed/log.jsonl (2026-10 closed) has no hash",
    ),
    "a line deleted": (
        lambda data: put(data, lines(data)[:1] + lines(data)[2:]),
        "line 2 of {}/closed/log.jsonl (2026-09 closed) does not follow the line before it: a line before it is miss",
    ),
    "the first line deleted": (
        lambda data: put(data, lines(data)[1:]),
        "line 1 of {}/closed/log.jsonl (2026-08 closed) does not follow",
    ),
    "the end cut": (lambda data: put(data, lines(data)[:-1]), "log.jsonl has 5 links and {}/.chain names 6"),
    "the end cut, with its month": (
        lambda data: (put(data, lines(data)[:-1]), shutil.rmtree(data / "closed/2026-10")),
        "log.jsonl has 5 links and {}/.chain names 6, the last of them 2026-10 closed",
    ),
    "a line cut": (
        lambda data: put(data, [*lines(data)[:-1], lines(data)[-1][:99]]),
        "the last line of {}/closed/log.jsonl is cut short",
    ),
    "a line that can't be read": (
        lambda data: put(data, [lines(data)[0], "{\n", *lines(data)[2:]]),
        "line 2 of {}/closed/log.jsonl can't be read",
    ),
    "lines in another order": (
        lambda data: put(data, [lines(data)[number] for number in (0, 2, 1, 3, 4, 5)]),
        "(2026-09 closed) does not follow the line before it: the lines are in another order",
    ),
    "a line twice": (
        lambda data: put(data, [*lines(data), lines(data)[-1]]),
        "line 7 of {}/closed/log.jsonl (2026-10 closed) does not follow",
    ),
    "a line before all": (
        lambda data: put(data, ['{"month": "2026-06", "action": "closed"}\n', *lines(data)]),
        "log.jsonl has other lines before line 2 than it had",
    ),
    "the log is gone": (lambda data: (data / "closed/log.jsonl").unlink(), "log.jsonl is gone, and {}/.chain names 6"),
    "the log and the stamp are gone": (
        lambda data: ((data / "closed/log.jsonl").unlink(), (data / ".chain").unlink()),
        "log.jsonl is gone, and {}/closed/2026-07/manifest.json states a closing hash",
    ),
    "a month is gone": (lambda data: shutil.rmtree(data / "closed/2026-08"), "closed/2026-08 is gone"),
    "a month that nobody closed": (
        lambda data: shutil.copytree(data / "closed/2026-08", data / "closed/2026-11"),
        "closed/2026-11 is there, and {}/closed/log.jsonl has no line of its closing",
    ),
    "a month that was reopened": (
        lambda data: (
            reopen(data, "2026-10"), shutil.copytree(data / "closed/.reopened/2026-10.2", data / "closed/2026-10")
        ),
        "closed/2026-10 is there, and {}/closed/log.jsonl says that it was reopened",
    ),
    "entries of no month": (
        lambda data: shutil.copytree(data / "closed/2026-08", data / "closed/2026-08 (copy)"),
        "closed/2026-08 (copy)/entries.parquet belongs to no month that was closed",
    ),
    "entries where none are": (
        lambda data: shutil.copytree(data / "closed/2026-08", data / "closed/.empty"),
        "closed/.empty/entries.parquet belongs to no month that was closed",
    ),
    "folder and log are gone": (
        lambda data: shutil.rmtree(data / "closed"), "{}/.chain names 6, the last of them 2026-10 closed",
    ),
    "folder, log and stamp are gone": (
        lose_all_but_exports,
        "exports/2026-09/manifest.json lists other closings than {}/closed/log.jsonl (they part from 2026-07 on",
    ),
    "all made anew under the old stamp": (
        make_anew_with_old_stamp, "log.jsonl was made anew: {}/.chain names another link 6",
    ),
    "all made anew with the stamp": (
        lambda data: make_anew(data, ("2026-07", "1.00"), ("2026-08", "9.00"), ("2026-09", "3.00")),
        "exports/2026-09/manifest.json lists other closings than {}/closed/log.jsonl (they part from 2026-08 on",
    ),
    "a closing more under the old stamp": (
        lambda data: (
            shutil.copy(data / ".chain", data / "stamp"),
            close(data, "2026-11"),
            os.replace(data / "stamp", data / ".chain"),
        ),
        "log.jsonl has 1 links after the one that {}/.chain names as the last",
    ),
    "a reopened month's files are gone": (
        lambda data: shutil.rmtree(data / "closed/.reopened/2026-10.1"),
        "closed/.reopened/2026-10.1 is gone, which 2026-10 was before it was reopened",
    ),
    "a reopened month's entries": (
        lambda data: (data / "closed/.reopened/2026-10.1/entries.parquet").write_bytes(b"mine"),
        ".reopened/2026-10.1/entries.parquet is not what was closed",
    ),
    "exports of another data folder": (
        bring_exports,
        "exports/2026-06/manifest.json lists other closings than {}/closed/log.jsonl (they part from 2026-06 on",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("edit", "complaint"), EDITS.values(), ids=EDITS)
def test_each_edit_is_named(data, edit, complaint):
    log = data / "closed" / closed.LOG
    edit(data)
    before = log.read_bytes() if log.exists() else None
    found = closed.complaints(data)
    assert any(complaint.format(data) in said for said in found), found
    assert all("; put" in said or "; take it away" in said for said in found), found
    assert (log.read_bytes() if log.exists() else None) == before
    assert closed.complaints(data) == found  # an error stays one until it is mended


def test_the_same_closings_have_the_same_hashes_whenever_they_were_made(data, monkeypatch):
    other = data.parent / "later"
    monkeypatch.setattr(closed, "now", lambda: "2031-01-01T00:00:00Z")
    monkeypatch.setenv(chain.KEY, KEY)
    for month, usd in (("2026-07", "1.00"), ("2026-08", "2.00"), ("2026-09", "3.00"), ("2026-10", "4.00")):
        close(other, month, usd)
    reopen(other, "2026-10")
    close(other, "2026-10", "4.50")
    assert chain.listed(closed.links(other)) == chain.listed(closed.links(data))
    assert closed.links(other)[0]["hash"] != closed.links(data)[0]["hash"]
    for path in (data / "closed").glob("2*/**/*"):
        if path.is_file():
            assert path.read_bytes() == (other / path.relative_to(data)).read_bytes(), path


def test_a_folder_that_was_brought_here_says_what_it_is_once(data, tmp_path, capsys):
    """`DATA/closed` is what a backup has."""
    shutil.copytree(data / "closed", tmp_path / "anew" / "closed")
    assert closed.complaints(tmp_path / "anew") == []
    head = closed.links(data)[-1]["closing_hash"]
    assert f".chain was not there; it names the last closing of {tmp_path}/anew/closed" in (
        out := capsys.readouterr().out
    )
    assert f"2026-10 closed, closing hash {head}" in out
    assert closed.complaints(tmp_path / "anew") == []
    assert capsys.readouterr().out == ""
    assert chain.stamp(tmp_path / "anew") == chain.stamp(data)


# Kills


class Killed(BaseException):
    """Nothing catches it, as nothing does a signal 9."""


def killed_after(events: int, monkeypatch, run, place=os, names=("replace", "fsync")) -> bool:
    """Runs until a file was moved or synced so many times; whether it was stopped."""
    left = iter(range(events))

    def counted(event):
        def call(*words):
            if next(left, None) is None:
                raise Killed
            return event(*words)

        return call

    with monkeypatch.context() as patch:
        for name in names:
            patch.setattr(place, name, counted(getattr(place, name)))
        try:
            run()
        except Killed:
            return True
    return False


def contents(data: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(data)): path.read_bytes()
        for path in data.rglob("*")
        if path.is_file() and path.name != ".lock"
    }


@pytest.mark.parametrize("action", ["close", "reopen", "close again"])
def test_a_kill_neither_loses_nor_forges(tmp_path, monkeypatch, action):
    """At each event: the next run finds it not done, as if never begun, or completes it as if never stopped."""
    monkeypatch.setattr(closed, "now", lambda: "2026-11-03T00:00:00Z")

    def begun(name: str) -> Path:
        close(tmp_path / name, "2026-09")
        close(tmp_path / name, "2026-10", "2.00")
        return tmp_path / name

    def run(data: Path) -> None:
        if action == "close":
            close(data, "2026-11")
        elif action == "reopen":
            reopen(data, "2026-10")
        else:
            what = closed.trace_of(closed.manifest(data, "2026-10")) | {"flags": ["FORCE"]}
            closed.trace(data, "2026-10", "closed", what, (data / "closed" / "2026-10",) * 2)

    before, undisturbed = contents(begun("before")), begun("undisturbed")
    run(undisturbed)
    after, outcomes = contents(undisturbed), []
    assert before != after
    for events in range(99):
        data = begun(f"killed-{events}")
        stopped = killed_after(events, monkeypatch, lambda data=data: run(data))
        assert closed.complaints(data) == []
        with state.holding(data):
            assert closed.complaints(data) == []
        found = {name: text for name, text in contents(data).items() if not name.endswith(".part")}
        assert found in (before, after), events
        outcomes.append(found == after)
        if not stopped:
            break
    assert outcomes == sorted(outcomes)  # once it is done, it stays done
    assert outcomes[0] is False
    assert outcomes[-2:] == [True, True]


def test_a_folder_without_its_line_is_completed_only_where_a_close_had_begun_it(data):
    """Else whoever cuts the log and edits the month would have it closed anew by the next build."""
    put(data, lines(data)[:-1])
    stamp = data / chain.STAMP
    chain.write_stamp(data, closed.links(data))
    edit_json(data / "closed" / "2026-10" / "manifest.json", "4.50", "9.00")
    assert "2026-10 is there, and" in closed.complaints(data)[0]
    said = json.loads(stamp.read_text()) | {"pending": {"month": "2026-10", "action": "closed", "hash": "mine"}}
    stamp.write_text(json.dumps(said))
    assert "2026-10 is there, and" in closed.complaints(data)[0]


def test_nothing_is_written_while_another_run_holds_the_lock(data):
    link = closed.links(data)[-1]
    put(data, lines(data)[:-1])
    chain.write_stamp(data, closed.links(data), link)
    before = contents(data)
    with (data / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert closed.complaints(data) == []
        assert contents(data) == before
    assert closed.complaints(data) == []
    assert closed.links(data)[-1] == link


# Months that were closed before there was a chain


@pytest.fixture
def early(tmp_path):
    """Two months as earlier releases closed them, and what they logged."""
    data = tmp_path / "early"
    told = []
    for month in ("2026-09", "2026-10"):
        part, manifest = write_month(data, month, "1.00")
        write_exports(part, month, "1.00")
        manifest |= {"exports_sha256": closed.hash_of(part / closed.EXPORTED)}
        (part / closed.MANIFEST).write_text(json.dumps(manifest))
        part.rename(data / "closed" / month)
        told.append(json.dumps({"at": "2026-11-02T08:00:00Z", "month": month, "action": "closed"}) + "\n")
    put(data, told)
    return data


def test_months_closed_before_there_was_a_chain_become_its_first_links(early, capsys):
    told = lines(early)
    assert closed.complaints(early) == []
    said = capsys.readouterr().out
    assert "2 months that were closed before there was a chain of closings are its first links now" in said
    assert lines(early)[:2] == told
    assert [(link["month"], link["action"]) for link in closed.links(early)] == [
        ("2026-09", "adopted"), ("2026-10", "adopted"),
    ]  # fmt: skip
    assert closed.complaints(early) == []
    assert capsys.readouterr().out == ""
    close(early, "2026-11")
    assert closed.complaints(early) == []
    put(early, [lines(early)[0].replace("closed", "reopened"), *lines(early)[1:]])
    assert "has other lines before line 3 than it had" in closed.complaints(early)[0]


def test_what_changed_is_named_and_not_adopted(early):
    edit_entries_of = early / "closed" / "2026-09" / closed.ENTRIES
    whole, told = edit_entries_of.read_bytes(), lines(early)
    edit_entries_of.write_bytes(whole + b"mine")
    assert "2026-09/entries.parquet is not what was closed" in closed.complaints(early)[0]
    assert lines(early) == told
    edit_entries_of.write_bytes(whole)
    shutil.rmtree(early / "closed" / "2026-10")
    assert "2026-10 is gone" in closed.complaints(early)[0]
    assert lines(early) == told


def test_a_last_line_cut_short_is_left_out_where_its_folder_stands_for_it(early, capsys):
    put(early, [lines(early)[0], lines(early)[1][:60]])
    assert closed.complaints(early) == []
    assert "its last line was cut short and is left out" in capsys.readouterr().out
    assert [line["month"] for line in closed.log(early)] == ["2026-09", "2026-09", "2026-10"]
    assert closed.complaints(early) == []


def test_a_last_line_without_its_end_is_a_line(early, data):
    for folder in (early, data):
        (folder / "closed" / closed.LOG).write_text("".join(lines(folder)).rstrip("\n"))
        assert closed.complaints(folder) == []
        close(folder, "2026-11")
        assert closed.complaints(folder) == []
        assert closed.log(folder)[-1]["month"] == "2026-11"


def test_a_log_of_reopenings_alone_is_bound_by_the_first_closing(early):
    for month in ("2026-09", "2026-10"):
        shutil.rmtree(early / "closed" / month)
    put(early, [line.replace('"closed"', '"reopened"') for line in lines(early)])
    assert closed.complaints(early) == []
    close(early, "2026-09")
    assert closed.complaints(early) == []
    put(early, lines(early)[1:])
    assert "has other lines before" in closed.complaints(early)[0]


@pytest.mark.parametrize("events", range(4))
def test_an_adoption_that_was_killed_is_the_next_run_s(early, monkeypatch, events):
    assert killed_after(events, monkeypatch, lambda: closed.complaints(early))
    assert closed.complaints(early) == []
    assert len(closed.links(early)) == 2
    assert chain.stamp(early)["head"] == closed.links(early)[-1]["hash"]


# Keys


def test_signatures_are_checked_with_the_key_and_named_without(tmp_path, monkeypatch):
    data = tmp_path / "data"
    monkeypatch.setenv(chain.KEY, KEY)
    close(data, "2026-09")
    close(data, "2026-10")
    assert closed.complaints(data) == []
    assert chain.said_of_signatures(closed.links(data)) == "signed, and the signatures hold"
    assert KEY not in "".join(text.decode(errors="replace") for text in contents(data).values())
    monkeypatch.delenv(chain.KEY)
    assert closed.complaints(data) == []
    assert chain.said_of_signatures(closed.links(data)) == "signed; the key is needed to check the signatures"
    assert "is signed, and LEDGER_SIGNING_KEY is not set" in closed.unsigned(data)[0]
    monkeypatch.setenv(chain.KEY, "another key")
    assert f"LEDGER_SIGNING_KEY is not the key that signed {data}/closed/log.jsonl" in closed.complaints(data)[0]
    monkeypatch.setenv(chain.KEY, f"a newer key\n{KEY}\n")
    assert closed.complaints(data) == []
    close(data, "2026-11")
    assert closed.complaints(data) == []
    monkeypatch.setenv(chain.KEY, "a newer key")
    assert "line 1 of" in (said := closed.complaints(data))[0]
    assert "is not signed with LEDGER_SIGNING_KEY" in said[0]
    assert len(said) == 2


def test_a_link_made_without_the_key_is_named(tmp_path, monkeypatch):
    data = tmp_path / "data"
    monkeypatch.setenv(chain.KEY, KEY)
    close(data, "2026-09")
    monkeypatch.delenv(chain.KEY)
    assert closed.unsigned(tmp_path) == []
    close(data, "2026-10")
    assert closed.complaints(data) == []
    monkeypatch.setenv(chain.KEY, KEY)
    assert "(2026-10 closed) has no signature, and links before it have" in closed.complaints(data)[0]


def test_a_chain_made_anew_without_the_key_has_other_signatures(tmp_path, monkeypatch):
    """Somebody who can write all of DATA takes the signatures along."""
    data = tmp_path / "data"
    monkeypatch.setenv(chain.KEY, KEY)
    close(data, "2026-09", "1.00")
    signature = closed.links(data)[0]["signature"]
    monkeypatch.delenv(chain.KEY)
    make_anew(data, ("2026-09", "9.00"))
    put(data, [json.dumps(closed.links(data)[0] | {"signature": signature}) + "\n"])
    assert closed.complaints(data) == []
    monkeypatch.setenv(chain.KEY, KEY)
    assert "is not the key that signed" in closed.complaints(data)[0]


# What finance holds


def verify(data: Path, **held) -> int:
    return export.compare(data, held.get("manifest"), held.get("head", ""))


def test_a_manifest_that_finance_holds_says_from_which_month_on_two_chains_part(data, tmp_path, capsys):
    held = {}
    for month in ("2026-07", "2026-08", "2026-09", "2026-10"):
        held[month] = tmp_path / f"{month}.json"
        shutil.copy(data / "closed" / month / closed.EXPORTED, held[month])
        assert verify(data, manifest=held[month]) == 0
    said = capsys.readouterr().out
    assert "agree up to 2026-08 closed" in said
    assert "; since then: 2026-09 closed, 2026-10 closed, 2026-10 reopened, 2026-10 closed" in said
    shutil.rmtree(data / "exports")
    make_anew(data, ("2026-07", "1.00"), ("2026-08", "9.00"), ("2026-09", "3.00"), ("2026-10", "4.00"))
    assert closed.complaints(data) == []
    assert verify(data, manifest=held["2026-07"]) == 0
    for month in ("2026-08", "2026-09", "2026-10"):
        assert verify(data, manifest=held[month]) == 1
        assert "they part from 2026-08 on" in capsys.readouterr().err


def test_a_chain_that_ends_before_what_finance_holds(data, tmp_path, capsys):
    shutil.copy(data / "closed" / "2026-10" / closed.EXPORTED, tmp_path / "held.json")
    shutil.rmtree(data / "exports")
    make_anew(data, ("2026-07", "1.00"), ("2026-08", "2.00"))
    assert verify(data, manifest=tmp_path / "held.json") == 1
    assert "they part from 2026-09 on: 2026-09 closed" in capsys.readouterr().err
    assert "is not here" not in capsys.readouterr().err


def test_a_manifest_of_which_something_was_edited_is_named(data, tmp_path, capsys):
    held = tmp_path / "held.json"
    shutil.copy(data / "closed" / "2026-09" / closed.EXPORTED, held)
    edit_json(held, "team_chargeback.csv", "chargeback.csv")
    assert verify(data, manifest=held) == 1
    assert "part at 2026-09: the exports that were closed here have another manifest" in capsys.readouterr().err
    held.write_text("[]")
    assert verify(data, manifest=held) == 1
    assert "can't be read as the manifest of an export" in capsys.readouterr().err
    assert verify(data, manifest=tmp_path / "none.json") == 1
    other = tmp_path / "other"
    close(other, "2026-06")
    assert verify(data, manifest=other / "closed" / "2026-06" / closed.EXPORTED) == 1
    assert "they part from 2026-06 on" in capsys.readouterr().err


def test_a_closing_hash_that_finance_holds(data, capsys):
    heads = [link["closing_hash"] for link in closed.links(data)]
    assert verify(data, head=heads[1]) == 0
    assert f"{heads[1]} is the closing hash of 2026-08 closed, 2 of 6" in capsys.readouterr().out
    assert verify(data, head="0" * 64) == 1
    assert f"has the hash {'0' * 64}" in capsys.readouterr().err


def test_verify_takes_what_finance_holds_as_its_words(data, monkeypatch, capsys):
    head = closed.links(data)[-1]["closing_hash"]
    for words, code in (
        (["", str(data), f"--head={head}"], 0),
        (["", str(data), f"--head={head[:-1]}"], 1),
        (["", str(data), f"--manifest={data}/closed/2026-10/exports/manifest.json", f"--head={head}"], 0),
        (["", str(data), f"--manifest={data}/none.json"], 1),
        (["", str(data)], 2),
        (["2026-13", str(data), f"--head={head}"], 2),
    ):
        monkeypatch.setattr(sys, "argv", ["export.py", "verify", *words])
        assert export.main() == code, words
    assert "say which month" in capsys.readouterr().err


# make close


def test_reopening_and_closing_again_leave_links(data, capsys):
    assert close_script.close("2026-09", data, force=True) == 0
    assert closed.links(data)[-1]["closing_hash"] in capsys.readouterr().out
    assert close_script.reopen("2026-10", data, force=False) == 0
    assert closed.links(data)[-1]["closing_hash"] in capsys.readouterr().out
    done = [(link["month"], link["action"], link["flags"]) for link in closed.links(data)[-2:]]
    assert done == [("2026-09", "closed", ["FORCE"]), ("2026-10", "reopened", ["REOPEN"])]
    assert closed.complaints(data) == []


def test_a_signed_chain_asks_for_its_key(tmp_path, monkeypatch, capsys):
    data = tmp_path / "data"
    monkeypatch.setenv(chain.KEY, KEY)
    close(data, "2026-09")
    monkeypatch.delenv(chain.KEY)
    assert close_script.reopen("2026-09", data, force=False) == 1
    assert "is signed, and LEDGER_SIGNING_KEY is not set" in capsys.readouterr().err
    assert closed.months(data) == ["2026-09"]
    assert close_script.reopen("2026-09", data, force=True) == 0
    link = closed.links(data)[-1]
    assert link["flags"] == ["REOPEN", "FORCE"]
    assert "is signed, and LEDGER_SIGNING_KEY is not set" in link["overruled"][0]
    monkeypatch.setenv(chain.KEY, KEY)
    assert closed.complaints(data) == []
    assert chain.said_of_signatures(closed.links(data)) == "1 of 2 closings signed, and the signatures hold"


@pytest.mark.xdist_group("golden")
def test_a_month_is_closed_with_its_hash_on_each_statement(golden, tmp_path, monkeypatch, capsys):
    """By `make close` itself, from a ledger; also where it is killed."""
    monkeypatch.setattr(closed, "now", lambda: "2026-11-03T00:00:00Z")

    def begun(name: str) -> Path:
        data = tmp_path / name
        data.mkdir()
        os.link(golden.data / "ledger.duckdb", data / "ledger.duckdb")
        monkeypatch.setenv(chain.KEY, KEY)
        close(data, "2026-08")
        return data

    data = begun("data")
    monkeypatch.delenv(chain.KEY)
    assert close_script.close("2026-10", data, force=False) == 1
    assert "is signed, and LEDGER_SIGNING_KEY is not set" in capsys.readouterr().err
    assert closed.months(data) == ["2026-08"]
    monkeypatch.setenv(chain.KEY, KEY)
    assert close_script.close("2026-10", data, force=True) == 0
    head = closed.links(data)[-1]["closing_hash"]
    assert f"closing hash: {head} (signed, and the signatures hold)" in capsys.readouterr().out
    assert closed.manifest(data, "2026-10")["closing_hash"] == head
    exports = data / "closed" / "2026-10" / "exports"
    assert json.loads((exports / "manifest.json").read_text())["closings"] == chain.listed(closed.links(data))
    for path in exports.glob("statements/*.csv"):
        with path.open(newline="") as rows:
            assert {row["closing_hash"] for row in csv.DictReader(rows)} == {head}
    assert export.export("2026-10", data) == 0
    assert "signed, and the signatures hold" in capsys.readouterr().out
    shutil.rmtree(data / "exports")
    whole = contents(data)
    # Two manifests and the stamp are written; then the folder moves, and the log is written.
    for events, is_closed in ((3, False), (4, True), (5, True)):
        other = begun(f"killed-{events}")
        ends = partial(close_script.close, "2026-10", other, force=True)
        assert killed_after(events, monkeypatch, ends, state, ("move",))
        assert closed.complaints(other) == []
        assert closed.months(other) == ["2026-08", *(["2026-10"] if is_closed else [])]
        if is_closed:
            assert {name: text for name, text in contents(other).items() if not name.endswith(".part")} == whole
