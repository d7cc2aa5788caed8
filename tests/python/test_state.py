"""State that a kill, a fault of the disk or a hand has spoilt: made anew, mended from the inbox, or named."""

import contextlib
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path
from threading import Event, Thread

import duckdb
import pytest
from conftest import GOLDEN, PROJECT, run_build

import build as build_script
import ending
import land
import state
from landing.store import _numbers, _ranges


@pytest.fixture
def inbox(tmp_path):
    shutil.copytree(GOLDEN / "inbox", tmp_path / "inbox")
    return tmp_path / "inbox"


@pytest.fixture
def data(tmp_path, inbox):
    assert land.run(inbox, tmp_path / "data") == 0
    return tmp_path / "data"


def parquet(data: Path, table: str = "spans") -> Path:
    return next(path for path in (data / "landed" / table).glob("*/*.parquet") if path.name != "empty.parquet")


def rows(data: Path, table: str = "spans") -> list[tuple]:
    files = f"{data}/landed/{table}/*/*.parquet"
    return duckdb.sql(f"from read_parquet('{files}', union_by_name = true) order by all").fetchall()


def flip(path: Path, seed: int = 0) -> None:
    content, rng = bytearray(path.read_bytes()), random.Random(seed)
    content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    path.write_bytes(content)


def test_numbers_of_landings_are_kept_as_ranges():
    numbers = {*range(1, 257), 300, 302, 303}
    assert _ranges(numbers) == "1-256 300 302-303"
    assert set(_numbers("1-256 300 302-303")) == numbers


@pytest.mark.parametrize("spoil", [flip, Path.unlink, lambda path: path.write_bytes(b"")])
def test_a_damaged_file_is_landed_again_from_the_inbox(inbox, data, capsys, spoil):
    before, built_of = rows(data), build_script.fingerprint(data)
    spoil(parquet(data))
    assert land.run(inbox, data) == 0
    said = capsys.readouterr().out
    assert "it has rows of spans.jsonl" in said
    assert "mended: 1 damaged" in said
    assert rows(data) == before
    assert build_script.fingerprint(data) != built_of, "what was built on the rows before can't be built on"
    assert land.run(inbox, data) == 0
    assert "it has rows of" not in capsys.readouterr().out


def test_lists_of_what_landed_are_written_anew(inbox, data):
    """They hold no rows of a file that could be read again."""
    wanted = rows(data, "files")
    flip(parquet(data, "files"))
    assert land.run(inbox, data) == 0
    assert rows(data, "files") == wanted


def test_a_damaged_file_whose_source_is_gone_is_named_until_it_is_back(inbox, data, tmp_path, capsys):
    before = rows(data, "openrouter_activity")
    bill = next(inbox.glob("openrouter*"))
    bill.rename(tmp_path / bill.name)
    flip(parquet(data, "openrouter_activity"))
    for _ in range(2):
        assert land.run(inbox, data) == 1
        assert f"rows of {bill.name} in {data}/landed are damaged" in capsys.readouterr().out
    (tmp_path / bill.name).rename(inbox / "other name.csv")
    assert land.run(inbox, data) == 0
    assert rows(data, "openrouter_activity") == before


def test_a_file_that_no_landing_wrote_is_named(inbox, data, capsys):
    shutil.copyfile(parquet(data), parquet(data).with_name("copy.parquet"))
    assert ending.of(lambda: land.run(inbox, data)) == 1
    assert "copy.parquet is in no landing's manifest" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "spoil", "says"),
    [
        ("manifest.json", Path.unlink, "manifest.json is missing beside"),
        ("manifest.json", lambda path: path.write_bytes(path.read_bytes()[:-20]), "manifest.json can't be read"),
        ("manifest.json", lambda path: path.write_text("[]"), "manifest.json is not what a landing wrote"),
        ("manifest.json", lambda path: path.write_text(path.read_text().replace("17", "18")), "is not what a landing"),
        (".commit.json", lambda path: path.write_bytes(b"\0\0"), ".commit.json can't be read"),
        (".commit.json", lambda path: path.write_text("{}"), ".commit.json is not what a landing wrote"),
        (".hash_key", Path.unlink, "is not the key that landed rows were hashed with"),
        (".hash_key", lambda path: path.write_bytes(b"k" * 32), "is not the key that landed rows were hashed with"),
    ],
)
def test_state_that_can_not_be_made_anew_is_named_with_what_to_do(inbox, data, capsys, name, spoil, says):
    spoil(data / "landed" / name)
    before = sorted(path for path in (data / "landed").rglob("*.parquet"))
    assert ending.of(lambda: land.run(inbox, data)) == 1
    said = capsys.readouterr().err
    assert says in said
    assert "move" in said
    assert sorted(path for path in (data / "landed").rglob("*.parquet")) == before


def test_a_folder_named_with_dots_is_landed_into(inbox, data, tmp_path):
    extra = (GOLDEN / "inbox" / "spans.jsonl").read_bytes()
    (inbox / "twice.jsonl").write_bytes(extra + b"\n\n")  # copies of spans, which rewrite what has landed
    (inbox / "spans.jsonl").unlink()
    assert land.run(inbox, tmp_path / "x" / ".." / "data") == 0
    keys = f"from read_parquet('{data}/landed/spans/*/*.parquet', union_by_name = true)"
    doubled = duckdb.sql(f"select count(*) - count(distinct (trace_key, span_key)), count(*) > 0 {keys}")
    assert doubled.fetchall() == [(0, True)]


def test_a_database_that_does_not_say_what_it_was_built_of_can_not_be_built_on(data):
    assert build_script.files_built(data) is None
    with duckdb.connect(str(data / "ledger.duckdb")) as engine:
        engine.execute("create table ledger_builds (is_good boolean)")
    assert build_script.files_built(data) is None


def test_a_damaged_database_goes_and_a_locked_one_stays(tmp_path, capsys):
    database = tmp_path / "ledger.duckdb"
    with duckdb.connect(str(database)) as engine:
        engine.execute("create table kept as select range as i from range(1000)")
    whole = database.read_bytes()
    for content in (whole[: len(whole) // 2], b"", b"garbage" * 9999):
        database.write_bytes(content)
        assert build_script.unusable(database) is None
        assert not database.exists()
        assert "make build builds it anew" in capsys.readouterr().out
    database.write_bytes(whole)
    stamp = database.stat().st_mtime_ns
    holder = subprocess.Popen(
        [sys.executable, "-c", f"import duckdb; held = duckdb.connect({str(database)!r}); print(flush=True); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    holder.stdout.readline()
    assert f"is open in another program (python3.{sys.version_info[1]}, process {holder.pid})" in (
        build_script.unusable(database)
    )
    holder.communicate(b"\n")
    assert build_script.unusable(database) is None
    assert database.stat().st_mtime_ns == stamp


def test_two_at_a_time_are_one_and_a_sentence(tmp_path, capsys):
    with state.holding(tmp_path) as is_held:
        assert is_held
        with state.holding(tmp_path / ".." / tmp_path.name) as again:
            assert again
        other = "import state, sys, pathlib\nwith state.holding(pathlib.Path(sys.argv[1])) as held: sys.exit(not held)"
        environment = {**os.environ, "PYTHONPATH": str(PROJECT / "scripts")}
        done = subprocess.run([sys.executable, "-c", other, str(tmp_path)], env=environment, capture_output=True)
        assert done.returncode == 1
        assert b"another landing or build is writing to" in done.stderr


def test_a_full_disk_is_no_fault_of_the_file(inbox, tmp_path, monkeypatch, capsys):
    def full(_performance):
        raise duckdb.IOException('IO Error: Could not write file "part.parquet": No space left on device')

    monkeypatch.setattr("landing.work.Performance.land", full)
    assert ending.of(lambda: land.run(inbox, tmp_path / "data")) == 1
    assert "the disk is full" in capsys.readouterr().err
    monkeypatch.undo()
    assert land.run(inbox, tmp_path / "data") == 0
    assert "6 new files" in capsys.readouterr().out


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    state.write(tmp_path / "a.json", "old")

    def full(_handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(state.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        state.write(tmp_path / "a.json", "new")
    assert (tmp_path / "a.json").read_text() == "old"


@pytest.mark.parametrize("is_exchanged", [True, False])
def test_a_folder_takes_the_place_of_another(tmp_path, monkeypatch, is_exchanged):
    if not is_exchanged:
        monkeypatch.setattr(state, "_exchanged", lambda *_: False)
    for number in range(3):
        (tmp_path / "part").mkdir()
        (tmp_path / "part" / f"{number}").write_text("")
        state.exchange(tmp_path / "part", tmp_path / "folder")
        assert [path.name for path in tmp_path.iterdir()] == ["folder"]
        assert [path.name for path in (tmp_path / "folder").iterdir()] == [str(number)]


def test_a_reader_finds_the_old_folder_or_the_new_one(tmp_path):
    for name in ("folder", "part"):
        (tmp_path / name).mkdir()
    seen, is_over = [], Event()

    def reads() -> None:
        while not is_over.is_set():
            folder, found = os.open(tmp_path / "folder", os.O_RDONLY), set()
            for name in os.listdir(folder):
                with contextlib.suppress(FileNotFoundError):
                    file = os.open(name, os.O_RDONLY, dir_fd=folder)
                    found.add(os.read(file, 9))
                    os.close(file)
            os.close(folder)
            seen.append(found)

    reader = Thread(target=reads)
    reader.start()
    for number in range(30):
        (tmp_path / "part").mkdir(exist_ok=True)
        for name in "abcdef":
            (tmp_path / "part" / name).write_text(f"{number}")
        state.exchange(tmp_path / "part", tmp_path / "folder")
    is_over.set()
    reader.join()
    assert seen
    assert max(map(len, seen)) == 1


def test_interrupted_or_unheard_is_a_sentence_or_nothing(tmp_path, capfd):
    def stops(error):
        raise error

    assert ending.of(lambda: stops(KeyboardInterrupt())) == 130
    assert "interrupted" in capfd.readouterr().err
    assert ending.of(lambda: stops(PermissionError(13, "Permission denied", "data/x"))) == 1
    assert capfd.readouterr().err == "ERROR: data/x: Permission denied\n"
    with pytest.raises(ZeroDivisionError):  # the program's own errors keep their traceback
        ending.of(lambda: 1 / 0)
    script = "import ending, sys\nsys.exit(ending.of(lambda: print('line\\n' * 99999)))"
    command = f'{sys.executable} -c "$SCRIPT"; echo $? > {tmp_path}/code'
    environment = {**os.environ, "PYTHONPATH": str(PROJECT / "scripts"), "SCRIPT": script}
    done = subprocess.run(["sh", "-c", f"({command}) | head -1"], env=environment, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("line\n", "")
    assert (tmp_path / "code").read_text() == "141\n"


def test_workers_end_with_their_landing(inbox, tmp_path):
    """Else a landing that was killed would hold the folder's lock for ever."""
    script = (
        "import land, os, pathlib, signal, sys\n"
        "def started(inbox, store, reading, pool):\n"
        "    pool.pool.submit(os.getpid).result()\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "land.survey = started\n"
        "land.run(*map(pathlib.Path, sys.argv[1:]))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(PROJECT / "scripts")}
    words = [sys.executable, "-c", script, str(inbox), str(tmp_path / "data")]
    assert subprocess.run(words, env=environment, capture_output=True).returncode == -9
    patience = time.monotonic() + 30
    with (tmp_path / "data" / ".lock").open("w") as lock:
        assert state.locked(lock, patience - time.monotonic())


def test_state_is_remade_by_a_build(golden, tmp_path, capsys):
    """A damaged database is built anew, and the build says so."""
    data = tmp_path / "data"
    built = run_build(GOLDEN / "inbox", data, GOLDEN / "company")
    assert built.code == 0, built.output
    database, wanted = data / "ledger.duckdb", built.rows("from marts.team_chargeback_monthly order by all")
    content = bytearray(database.read_bytes())
    for place in range(3 * 4096 + 1000, len(content), 4096):
        content[place] ^= 255
    database.write_bytes(content)
    again = run_build(GOLDEN / "inbox", data, GOLDEN / "company")
    assert again.code == 0, again.output
    assert "is damaged; make build builds it anew" in again.output
    assert again.rows("from marts.team_chargeback_monthly order by all") == wanted
