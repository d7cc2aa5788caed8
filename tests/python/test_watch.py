"""`make watch`: what arrives is built, once, one build at a time; what fails is tried again; it stops cleanly."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

import watch

# Stands for a build: writes down when it began and ended, what it saw, and takes as long, and ends, as it is told.
STEP = """
import json, os, sys, time
from pathlib import Path

def main():
    inbox, data, _ = (Path(word.split(";")[0]) for word in sys.argv[-3:])
    told = json.loads((data / "told.json").read_text())
    seen = sorted(path.name for path in inbox.iterdir())
    began = time.time()
    print("sees", *seen)
    print("dbt:  30%|##        | 170/567 [00:42<01:40,  3.95node/s]", file=sys.stderr)
    (data / "running").touch()
    time.sleep(told.get("seconds", 0))
    with (data / "runs").open("a") as runs:
        runs.write(json.dumps([began, time.time(), seen]) + chr(10))
    (data / "running").unlink()
    if told.get("signal"):
        os.kill(os.getpid(), told["signal"])
    return told.get("exit", 0)

if __name__ == "__main__":
    import ending
    sys.exit(ending.of(main))
"""
DRIVER = """
import signal, sys
import watch
watch.PRELOADED, watch.FIRST_WAIT, watch.LONGEST_WAIT_FOR_OTHERS = watch.PRELOADED[:1], 0.2, 0.5
watch.ASK_SECONDS, watch.WHOLE_SECONDS = 0.05, 0.5


def news(inbox, data, is_quick):
    # What a bucket would say: `bucket` in the data folder stands for it, `late` for what only a whole look finds.
    if (data / "trouble").exists():
        raise watch.buckets.Trouble("network", "no answer from s3://b")
    looked = [data / "bucket"] if is_quick else [data / "bucket", data / "late"]
    found = [path for path in looked if path.exists()]
    for path in found:
        path.unlink()
    return bool(found)


watch.arrivals.is_anything_new = news
sys.argv[1:1] = ["--every", "0.05", "--settle", "0.1"]
made = watch.Watch.__init__
stands = lambda step: step._replace(module="stands_for_" + step.module)
watch.Watch.__init__ = lambda self, data, steps, timed: made(
    self, data, [*map(stands, steps)], {stands(step): seconds / 600 for step, seconds in timed.items()}
)
if __name__ == "__main__":
    sys.exit(watch.main())
"""


class Watched:
    """A watch in a process of its own, over steps that stand for the real ones."""

    def __init__(self, folder):
        self.inbox, self.data, self.company = (folder / name for name in ("inbox", "data", "company"))
        for path in (self.inbox, self.data, self.company):
            path.mkdir()
        (folder / "stands_for_build.py").write_text(STEP)
        (folder / "driver.py").write_text(DRIVER)
        self.folder, self.process = folder, None
        self.tell()

    @property
    def is_running(self):
        return (self.data / "running").exists()

    def tell(self, **what):
        (self.data / "told.json").write_text(json.dumps(what))

    def start(self, *words, also=""):
        scripts, kept = os.path.dirname(watch.__file__), (self.data, self.company)
        self.process = subprocess.Popen(
            [sys.executable, str(self.folder / "driver.py"), *words, f"{self.inbox}{also}", *map(str, kept)],
            env={**os.environ, "PYTHONPATH": f"{self.folder}:{scripts}"}, stdout=subprocess.PIPE, text=True,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        return self

    @property
    def runs(self):
        path = self.data / "runs"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    @property
    def health(self):
        path = self.data / "watch.json"
        return json.loads(path.read_text()) if path.exists() else {}

    def wait(self, condition, seconds=30):
        until = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < until, (self.runs, self.health)
            time.sleep(0.02)

    def end(self, name=signal.SIGTERM):
        os.killpg(self.process.pid, name)  # as a terminal or `timeout` does
        out, _ = self.process.communicate(timeout=30)
        return self.process.returncode, out


@pytest.fixture
def watched(tmp_path):
    one = Watched(tmp_path)
    yield one
    if one.process and one.process.poll() is None:
        one.process.kill()
        one.process.communicate()


def test_what_arrives_together_or_meanwhile_is_built_once_and_one_at_a_time(watched):
    watched.start()
    watched.wait(lambda: len(watched.runs) == 1)  # also where nothing is new: it may have arrived while nobody watched
    watched.tell(seconds=1)
    for name in "abc":
        (watched.inbox / name).write_text(name)
    watched.wait(lambda: watched.is_running)
    for name in "de":
        (watched.inbox / name).write_text(name)
        time.sleep(0.2)
    watched.wait(lambda: len(watched.runs) == 3)
    (watched.company / "teams.csv").write_text("team_id\n")
    watched.wait(lambda: len(watched.runs) == 4)
    time.sleep(0.5)  # and nothing more
    runs = watched.runs
    assert [seen for *_, seen in runs] == [[], ["a", "b", "c"], ["a", "b", "c", "d", "e"], ["a", "b", "c", "d", "e"]]
    assert all(one[1] <= other[0] for one, other in pairwise(runs))
    code, out = watched.end()
    assert code == 0
    assert "sees a b c d e" in out
    assert "30%" not in out
    assert "sees a b c d e" in (watched.data / "watch.log").read_text()
    assert watched.health["state"] == "stopped"


def test_files_that_still_grow_are_waited_for(watched):
    watched.start()
    watched.wait(lambda: len(watched.runs) == 1)
    for size in range(1, 11):  # each look finds another size
        (watched.inbox / "growing").write_text("x" * size)
        time.sleep(0.06)
    watched.wait(lambda: len(watched.runs) == 2)
    time.sleep(0.3)
    assert len(watched.runs) == 2


@pytest.mark.parametrize(("told", "code"), [({"exit": 1}, 1), ({"signal": int(signal.SIGKILL)}, 137)])
def test_what_fails_is_tried_again_and_said(watched, capsys, told, code):
    watched.tell(**told)
    watched.start()
    watched.wait(lambda: watched.health.get("failures", 0) >= 3)
    assert watched.health["last_exit"] == code
    assert watched.health["last_good_at"] is None
    assert watch.healthy(watched.data) == 1
    assert "times in a row" in capsys.readouterr().err
    waits = [two[0] - one[1] for one, two in pairwise(watched.runs)]
    assert waits[0] >= 0.2
    assert waits[1] >= 0.4
    watched.tell()
    (watched.inbox / "mended").write_text("")  # at once, not after 0.8 seconds
    watched.wait(lambda: watched.health["failures"] == 0)
    assert watch.healthy(watched.data) == 0


def test_another_command_is_not_waited_for_ever_longer(watched):
    """A build that a killed watch had begun holds the folder until it ends, and the next watch goes on soon after."""
    watched.tell(exit=2)
    with (watched.data / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        watched.start()
        watched.wait(lambda: len(watched.runs) >= 6)
    waits = [two[0] - one[1] for one, two in pairwise(watched.runs)]
    assert max(waits) < 2  # 3.2 seconds stood before the fifth try, were it not for who holds the folder
    watched.tell()
    watched.wait(lambda: watched.health["failures"] == 0)
    assert "another command is at work on this data" in watched.end()[1]


def test_people_are_told_after_each_good_build_and_pulls_have_their_own_pace(watched, monkeypatch):
    """The stand-ins' seconds are a six-hundredth: a pull each 0.2 s, alerts each 3 s and after builds."""
    for name in ("pull", "alerts"):
        (watched.folder / f"stands_for_{name}.py").write_text(
            "import sys\n"
            f"with open({str(watched.data / name)!r}, 'a') as told:\n    told.write(f'{{sys.argv[1:]}}\\n')\n"
            f"sys.exit({int(name == 'pull')})\n"
        )
    monkeypatch.setenv("ALERTS", "addresses")
    watched.tell(exit=1)
    watched.start("--pull", "2", "--alerts", "--quiet 22-7")
    watched.wait(lambda: watched.health.get("failures"))
    assert not (watched.data / "alerts").exists()
    watched.tell()
    (watched.inbox / "a").write_text("")
    watched.wait(lambda: (watched.data / "alerts").exists())
    assert (watched.data / "alerts").read_text() == f"{['--quiet', '22-7', str(watched.data)]}\n"
    pulls = len((watched.data / "pull").read_text().splitlines())
    watched.wait(lambda: len((watched.data / "pull").read_text().splitlines()) > pulls)
    assert watched.health["failures"] == 0  # a pull that fails is no build that failed
    code, out = watched.end()
    assert code == 0
    assert "pulling" in out
    assert "ended with 1" in out


def test_it_stops_when_the_build_is_done_and_a_second_signal_stops_the_build(watched):
    watched.tell(seconds=2)
    watched.start()
    watched.wait(lambda: watched.is_running)
    assert watched.health["state"] == "building"
    code, _ = watched.end()
    assert code == 0
    assert len(watched.runs) == 1
    watched.tell(seconds=60)
    kept = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as a shell's `make watch &` starts it
    watched.start()
    signal.signal(signal.SIGINT, kept)
    watched.wait(lambda: watched.is_running)
    watched.process.send_signal(signal.SIGTERM)
    time.sleep(0.2)
    code, out = watched.end(signal.SIGINT)
    assert code == 0
    assert "interrupted" in out
    assert len(watched.runs) == 1


def test_buckets_are_asked_and_their_trouble_is_told(watched, capsys):
    watched.start(also=";s3://b/p")
    for number, name in enumerate(("bucket", "bucket", "late"), start=1):
        watched.wait(lambda number=number: len(watched.runs) == number)
        (watched.data / name).touch()
    watched.wait(lambda: len(watched.runs) == 4)
    (watched.data / "trouble").touch()
    watched.wait(lambda: watched.health.get("trouble"))
    assert watch.healthy(watched.data) == 1
    assert "no answer from s3://b" in capsys.readouterr().err
    (watched.inbox / "a").write_text("")  # folders are built all the same
    watched.wait(lambda: len(watched.runs) == 5)
    (watched.data / "trouble").unlink()
    watched.wait(lambda: not watched.health["trouble"])
    assert watch.healthy(watched.data) == 0
    code, out = watched.end()
    assert code == 0
    assert out.count("no answer from s3://b") == 1


def test_another_watch_on_the_same_data_is_refused(watched, tmp_path):
    watched.start()
    watched.wait(lambda: len(watched.runs) == 1)
    first, other = watched.process, watched.start()
    out, _ = other.process.communicate(timeout=30)
    watched.process = first
    assert other is watched
    assert "another watch is at work" in out


def test_a_watch_that_gives_no_sign_is_not_well(tmp_path, capsys):
    assert watch.healthy(tmp_path) == 1
    told = {"state": "building", "since": "x", "failures": 0, "last_good_at": None}
    for ago, state, code in ((1, "building", 0), (300, "building", 1), (1, "stopped", 1)):
        beat = datetime.now(UTC) - timedelta(seconds=ago)
        (tmp_path / "watch.json").write_text(json.dumps({**told, "beat_at": f"{beat:%FT%TZ}", "state": state}))
        assert watch.healthy(tmp_path) == code
    assert "no watch has run" in capsys.readouterr().err


def test_a_file_that_goes_while_it_is_looked_at_does_no_harm(tmp_path):
    (tmp_path / "dangling").symlink_to(tmp_path / "nothing")
    stop = threading.Event()

    def churn():
        while not stop.is_set():
            (tmp_path / "comes").write_text("")
            (tmp_path / "comes").unlink()

    thread = threading.Thread(target=churn)
    thread.start()
    try:
        for _ in range(300):
            watch.found_in([tmp_path, tmp_path / "absent"])
    finally:
        stop.set()
        thread.join()


def test_pages_that_are_not_whole_and_links_to_folders_are_not_looked_at(tmp_path):
    """A pull under way would start builds of nothing; landing follows no links to folders, which may go in circles."""
    before = watch.found_in([tmp_path])
    (tmp_path / ".pulling").mkdir()
    (tmp_path / ".pulling" / "page.json").write_text("{")
    (tmp_path / "circle").symlink_to(tmp_path)
    assert watch.found_in([tmp_path]) == before


def test_a_change_of_content_name_or_place_is_one(tmp_path):
    (tmp_path / "one").write_text("1")
    states = [watch.found_in([tmp_path])[0]]
    for act in (
        lambda: (tmp_path / "one").write_text("2"),
        lambda: (tmp_path / "one").rename(tmp_path / "two"),
        lambda: (tmp_path / "folder").mkdir() or (tmp_path / "two").rename(tmp_path / "folder" / "two"),
        lambda: (tmp_path / "folder" / "two").unlink(),
    ):
        time.sleep(0.01)
        act()
        states.append(watch.found_in([tmp_path])[0])
    assert len(set(states)) == 5


@pytest.mark.parametrize(
    "words",
    [[], ["a"], ["a", "b", "c", "d"], ["--every", "0", ".", "b", "c"], ["--pull", "5", "s3://b/p", "b", "c"]],
)
def test_a_wrong_call_is_named(monkeypatch, capsys, words):
    monkeypatch.setattr(sys, "argv", ["watch.py", *words])
    with pytest.raises(SystemExit) as stop:
        watch.main()
    assert stop.value.code == 2
    assert "usage" in capsys.readouterr().err
