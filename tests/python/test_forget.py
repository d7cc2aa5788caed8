"""`make forget`: a file's rows, or a person's id, leave the ledger; nothing else does, and nothing brings them back."""

import json
import shutil
import sys
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
from exports import batch, chat
from landings import inline, killed_after
from test_close import TOTALS, World, draft, money

import build
import forget
import land
from landing import removal, store
from landing.store import Store

EVENTS = "event_id,occurred_at,feature_id,user_id,account_id\n"


@pytest.fixture
def inbox(tmp_path):
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


@pytest.fixture
def data(tmp_path):
    return tmp_path / "data"


def call(data: Path, *words: str) -> int:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["forget.py", str(data), *words])
        return forget.main()


def landed(data: Path, table: str, what: str = "count(*)") -> list[tuple]:
    files = f"read_parquet('{data}/landed/{table}/*/*.parquet', union_by_name = true, hive_partitioning = false)"
    return sorted(duckdb.sql(f"select {what} from {files}").fetchall(), key=str)


def world(inbox: Path) -> None:
    """Three small files of spans that land in one task, one of which reports a span of another once more."""
    (inbox / "a.jsonl").write_text(batch([chat(1, 1, response="a"), chat(2, 2, response="copy")]))
    (inbox / "b.jsonl").write_text(batch([chat(3, 3, response="b"), chat(2, 2, response="copy", more="x")]))
    (inbox / "c.jsonl").write_text(batch([chat(4, 4, response="c")]) + "{broken}\n")


def log_of(data: Path) -> list[dict]:
    return [json.loads(line) for line in (data / store.FORGOTTEN).read_text().splitlines()]


def test_a_file_is_taken_out_and_does_not_come_back_until_it_may(inbox, data, capsys, monkeypatch):
    inline(monkeypatch)
    world(inbox)
    assert land.run(inbox, data) == 0
    built_of = build.fingerprint(data)
    assert landed(data, "spans", "response_id, source_file")[1:] == [
        ("b", "b.jsonl"),
        ("c", "c.jsonl"),
        ("copy", "b.jsonl"),
    ]
    assert call(data, "--file=b.jsonl") == 0
    said = capsys.readouterr().out
    assert "took out b.jsonl: 2 rows of spans" in said
    assert "the next landing reads a.jsonl again" in said
    assert build.fingerprint(data) != built_of
    assert landed(data, "spans", "response_id") == [("a",), ("c",)]
    assert [(act["act"], act["files"][0]["source_file"], act["rows"]) for act in log_of(data)] == [
        ("file", "b.jsonl", {"spans": 2})
    ]
    (inbox / "renamed.jsonl").write_bytes((inbox / "b.jsonl").read_bytes())
    for _ in range(2):
        assert land.run(inbox, data) == 0
        said = capsys.readouterr().out
        assert "not read b.jsonl: forgotten on " in said
        assert "not read renamed.jsonl: forgotten on " in said
        assert "WARNING" not in said
        # The copy that had given way came back from the inbox.
        assert landed(data, "spans", "response_id, source_file") == [
            ("a", "a.jsonl"), ("c", "c.jsonl"), ("copy", "a.jsonl"),
        ]  # fmt: skip
    with (inbox / "b.jsonl").open("a") as more:
        more.write(batch([chat(5, 5)]))
    assert land.run(inbox, data) == 0
    assert "not read b.jsonl: forgotten on " in capsys.readouterr().out
    (inbox / "b.jsonl").unlink()
    assert call(data, "--file=b.jsonl") == 0
    assert "forgotten already" in capsys.readouterr().out
    assert call(data, "--file=b.jsonl", "--undo") == 0
    assert land.run(inbox, data) == 0
    assert landed(data, "spans", "response_id") == [("a",), ("b",), ("c",), ("copy",)]
    assert [act["act"] for act in log_of(data)] == ["file", "undo"]
    numbers = [entry["landing_no"] for entry in Store(data).files.values()]
    assert len(set(numbers)) == len(numbers)


def test_the_same_bytes_land_beside_those_they_landed_with(inbox, data, monkeypatch):
    """Files of one task share what is written: the first of them, landed anew, must not replace the others."""
    inline(monkeypatch)
    world(inbox)
    assert land.run(inbox, data) == 0
    before = landed(data, "spans", "response_id"), landed(data, "rejects", "line")
    for name in ("a.jsonl", "c.jsonl"):
        assert call(data, f"--file={name}") == 0
        assert call(data, f"--file={name}", "--undo") == 0
        assert land.run(inbox, data) == 0
    assert (landed(data, "spans", "response_id"), landed(data, "rejects", "line")) == before


def test_copies_that_can_not_be_read_again_are_named(inbox, data, capsys, monkeypatch):
    inline(monkeypatch)
    world(inbox)
    assert land.run(inbox, data) == 0
    assert call(data, "--file=b.jsonl") == 0
    (inbox / "a.jsonl").rename(inbox.parent / "a.jsonl")
    for _ in range(2):
        capsys.readouterr()
        assert land.run(inbox, data) == 0
        assert (
            "WARNING: a.jsonl lacks copies of spans that gave way to b.jsonl, which was forgotten; put it back into "
            "the inbox"
        ) in capsys.readouterr().out
    (inbox.parent / "a.jsonl").rename(inbox / "a.jsonl")
    assert land.run(inbox, data) == 0
    assert "WARNING" not in capsys.readouterr().out
    assert landed(data, "spans", "response_id") == [("a",), ("c",), ("copy",)]


def test_a_file_that_grew_is_taken_out_whole(inbox, data, monkeypatch):
    inline(monkeypatch)
    path = inbox / "log.jsonl"
    for number in range(1, 4):
        with path.open("a") as more:
            more.write(batch([chat(number, number)]))
        assert land.run(inbox, data) == 0
    last = [*Store(data).files][-1]
    assert call(data, f"--file={last[:12]}") == 0  # by the beginning of its id
    assert landed(data, "spans") == [(0,)]
    assert land.run(inbox, data) == 0
    assert landed(data, "spans") == [(0,)]


def test_an_unknown_name_names_the_nearest(inbox, data, capsys, monkeypatch):
    inline(monkeypatch)
    for name in ("2026-10/events.csv", "event%.csv", "event1.csv"):
        path = inbox / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(EVENTS + f"{name},2026-10-05T10:00:00Z,draft,u,a\n")
    assert call(data, "--file=x") == 2
    assert "nothing has landed" in capsys.readouterr().err
    assert land.run(inbox, data) == 0
    assert call(data, "--file=events.csv") == 2
    assert "no file named 'events.csv' is landed; nearest: 2026-10/events.csv, " in capsys.readouterr().err
    assert call(data, "--file=event%.csv") == 0  # no pattern
    assert landed(data, "usage_events", "source_file") == [("2026-10/events.csv",), ("event1.csv",)]
    assert call(data, "--file=event1.csv", "--undo") == 2
    assert "'event1.csv' is forgotten; nearest: event%.csv" in capsys.readouterr().err
    assert call(data) == 2
    assert call(data, "--file=event1.csv", "--user=u") == 2


@pytest.mark.parametrize("act", [("--file=b.jsonl",), ("--user=ann",)])
def test_a_kill_between_any_two_steps_leaves_all_or_nothing(inbox, data, monkeypatch, act):
    """Each rename and each removal in turn is the last; the next call ends what was begun."""
    inline(monkeypatch)
    world(inbox)
    users = batch([chat(number, number, user__id="ann") for number in (6, 7)])
    (inbox / "b.jsonl").write_text((inbox / "b.jsonl").read_text() + users)
    outcomes = set()

    def state(folder: Path) -> tuple:
        users = sorted({str(user).split("-")[0] for (user,) in landed(folder, "spans", "user_id")})
        return landed(folder, "spans", "response_id"), tuple(users), (folder / store.FORGOTTEN).exists()

    assert land.run(inbox, data / "landed_once") == 0
    built_of = build.fingerprint(data / "landed_once")
    for steps in range(99):
        folder = data / str(steps)
        shutil.copytree(data / "landed_once", folder)
        try:
            with killed_after(monkeypatch, steps):
                code = call(folder, *act)
        except KeyboardInterrupt:
            code = None
        Store(folder)  # which any next step begins with
        found = state(folder)
        assert found[2] == (build.fingerprint(folder) != built_of)
        if found[2]:
            assert len(log_of(folder)) == 1
        outcomes.add(str(found))
        if code == 0:
            break
    assert code == 0
    assert steps > 3
    assert len(outcomes) == 2


def test_an_id_gives_way_to_one_name_everywhere_and_is_not_brought_back(inbox, data, capsys, monkeypatch):
    inline(monkeypatch)
    asked = {"user__id": "ann@example.com", "session__id": "s1"}
    (inbox / "spans.jsonl").write_text(batch([chat(1, 1, **asked), chat(2, 2, user__id="ANN@example.com")]))
    (inbox / "events.csv").write_text(EVENTS + "e1,2026-10-05T10:00:00Z,draft,ann@example.com,acme\n")
    (inbox / "users.csv").write_text(
        "user_id,account_id,plan,segment,signed_up_on\nann@example.com,ann@example.com,pro,,2026-01-01\n"
    )
    assert land.run(inbox, data) == 0
    (data / "ledger.duckdb").write_text("")
    assert call(data, "--user=ann@example.com") == 0
    assert "ann" not in capsys.readouterr().out
    assert not (data / "ledger.duckdb").exists()
    [(other,)] = landed(data, "usage_events", "user_id")
    assert other.startswith("forgotten-")
    assert landed(data, "users", "user_id, account_id") == [(other, other)]
    assert landed(data, "spans", "user_id, session_id") == [("ANN@example.com", None), (other, "s1")]
    assert call(data, "--user=ann@example.com") == 0
    assert f"forgotten already, as {other}" in capsys.readouterr().out
    # Other files with the id, and the same ones where they are read again.
    (inbox / "later.jsonl").write_text(batch([chat(3, 3, **asked)]))
    (inbox / "later.csv").write_text(EVENTS + "e2,2026-10-06T10:00:00Z,draft,ann@example.com,acme\n")
    kept = Store(data)
    for entry in kept.files.values():
        entry["reading"] = ""
    kept.seal([], [])
    assert land.run(inbox, data) == 0
    assert landed(data, "usage_events", "user_id") == [(other,), (other,)]
    assert landed(data, "spans", "user_id") == [("ANN@example.com",), (other,), (other,)]
    assert landed(data, "users", "user_id") == [(other,)]
    held = [path for path in data.rglob("*") if path.is_file() and b"ann@example" in whole(path)]
    assert held == []
    assert [(act["act"], act["replacement"]) for act in log_of(data)] == [("user", other)]
    assert call(data, "--user=bob") == 2
    assert "no landed row has that user id" in capsys.readouterr().err


def whole(path: Path) -> bytes:
    """A file's bytes, and the texts of its columns, which Parquet packs."""
    return path.read_bytes() + (str(pq.read_table(path).to_pylist()).encode() if path.suffix == ".parquet" else b"")


def test_an_id_that_lands_as_a_hash_is_forgotten_by_either(inbox, data, capsys, monkeypatch):
    inline(monkeypatch)
    stated = {**land.project_variables(), "hash_identities": True}
    monkeypatch.setattr(land, "project_variables", lambda: stated)
    (inbox / "events.csv").write_text(
        EVENTS + "e1,2026-10-05T10:00:00Z,draft,ann,acme\ne2,2026-10-05T10:00:00Z,draft,bob,acme\n"
    )
    (inbox / "spans.jsonl").write_text(batch([chat(1, 1, user__id="ann"), chat(2, 2, user__id="bob")]))
    assert land.run(inbox, data) == 0
    hashed = removal.keyed(land.hash_key(data), "bob")
    assert hashed in {user for (user,) in landed(data, "spans", "user_id")}
    assert call(data, "--user=ann") == 0
    assert call(data, f"--user={hashed}") == 0
    assert {user[:10] for (user,) in landed(data, "spans", "user_id")} == {"forgotten-"}
    assert landed(data, "spans", "user_id") == landed(data, "usage_events", "user_id")
    before = landed(data, "usage_events", "user_id")
    (inbox / "events.csv").write_text((inbox / "events.csv").read_text().replace(",acme", ",other"))
    assert land.run(inbox, data) == 0
    assert set(landed(data, "usage_events", "user_id")) == set(before)


def test_the_same_text_that_decides_who_is_charged_stays_and_is_named(inbox, data, capsys, monkeypatch):
    inline(monkeypatch)
    (inbox / "spans.jsonl").write_text(batch([chat(1, 1, user__id="ann", gen_ai__agent__name="ann")]))
    assert land.run(inbox, data) == 0
    assert call(data, "--user=ann") == 0
    assert "WARNING: 1 rows have the same text in spans.agent_name" in capsys.readouterr().out


def test_money_is_what_it_was_and_closed_months_answer_with_corrections(tmp_path):
    """A person is forgotten, then a file whose calls are in a closed month, which comes back in the end."""
    world = World(tmp_path)
    (world.inbox / "late.jsonl").write_text(batch(draft(6, 21, "gen-9", enduser__id="ann"), "web-api"))
    (world.inbox / "events.csv").write_text(EVENTS + "e1,2026-10-21T12:00:02Z,draft,ann,acme\n")
    built = world.build("anew")
    names = ("team_chargeback_monthly", "ledger_entries", "spend_daily", "unit_economics_monthly")
    tables = [
        *(f"marts.{name}" for name in names),
        "(select event_id, method from intermediate.int_usage_event_traces)",
    ]
    before = [built.rows(f"from {table} order by all") for table in tables]
    assert all(before)
    assert call(world.data, "--user=ann") == 0
    built = world.build("anew")
    assert [built.rows(f"from {table} order by all") for table in tables] == before
    [(other,)] = built.rows("select distinct user_id from marts.attributed_calls where user_id is not null")
    assert other.startswith("forgotten-")
    assert world.close("2026-10", "--force") == 0
    frozen = world.frozen()
    assert not any(other.encode() in text for text in frozen.values())
    totals = dict(built.rows(TOTALS.format("2026-10-01")))
    assert call(world.data, "--file=late.jsonl") == 0
    built = world.build("anew")
    assert dict(built.rows(TOTALS.format("2026-10-01"))) == totals
    # gen-9 is mail's no more but untraced, whose bearer is the key's owner.
    assert dict(built.rows(TOTALS.format("2026-11-01"))) == money(mail="-0.05", search="0.20")
    assert call(world.data, "--file=late.jsonl", "--undo") == 0
    built = world.build()
    assert dict(built.rows(TOTALS.format("2026-11-01"))) == money(search="0.15")
    assert world.frozen() == frozen
