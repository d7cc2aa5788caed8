"""Lands and builds as files arrive, until it is stopped: `make watch`.

Usage: watch.py [--every S] [--settle S] [--pull MINUTES] [--alerts WORDS] INBOX DATA COMPANY
       watch.py --healthy DATA
It looks at the inbox and the company's folder every few seconds, and at the inbox's buckets every five. It builds when
something has changed and, in a folder, then stayed as it is for a moment: what arrives together, or while a build runs,
is built together. One build runs at a time. With --pull it asks the providers that often. With TO in the environment
each good build is published there (publish.py), and with ALERTS people are told what it shows (alerts.py, of which
WORDS are, such as '--quiet 22-7').

A build or publication that fails is tried again after a while that doubles, up to half an hour, and at once where files
change. SIGTERM and SIGINT stop the watch when the step that runs is done, a second one stops that step as well; every
step stands being killed.

DATA/watch.log is for people, DATA/watch.json for machines: state (waiting, building, pulling, publishing, alerting,
stopped), since, beat_at, failures (in a row), next_try_at, last_exit, last_good_at, pid; times are UTC. With --healthy
exit 0 where a watch runs whose last build was good, else 1, with what is wrong. Otherwise exit 0 when stopped, 2 for a
wrong call.
"""

import argparse
import fcntl
import json
import logging
import multiprocessing
import os
import re
import runpy
import shlex
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import blake2b
from logging.handlers import RotatingFileHandler
from multiprocessing import forkserver
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import ending
import state
from landing import arrivals, buckets
from paths import PULLING
from terminal import plain, print

# What a step loads anew in each process; loaded once, a small build takes half the time.
PRELOADED = ["own_group", "build", "land", "bi", "check", "dbt.adapters.duckdb", "great_expectations", "warm"]
LOG_BYTES, LOGS_KEPT = 1 << 20, 5
FIRST_WAIT, LONGEST_WAIT = 5.0, 1800.0  # seconds until what failed is tried again
LONGEST_WAIT_FOR_OTHERS = 20.0  # until another command lets go of the folder
PATIENCE = 60.0  # seconds without a beat, after which a watch is none
ASK_SECONDS = 5.0  # between two questions whether a bucket holds something new
WHOLE_SECONDS = 600.0  # between two looks at all of a bucket's folders, not only at the newest
ALERT_SECONDS = 1800.0  # between two times of telling what waited for quiet hours, or was not taken
LONGEST_SETTLING = 30.0  # of an inbox that never stands still
BAR = re.compile(r"\s*\w+:\s+\d+%\|")  # a bar of progress, which is for a terminal


class Step(NamedTuple):
    """What a watch runs: how it is called in its log, the module that is the program, and its words."""

    doing: str
    module: str
    words: tuple[str, ...]
    waits: bool = False  # for the first build, and runs after each good one


def run(step: Step, log: int) -> None:
    """In a process of its own: the step, with what it prints written to the log."""
    os.setpgid(0, 0)  # an interrupt at the terminal is the watch's to pass on
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's `make watch &` has it ignored
    multiprocessing.set_start_method("fork", force=True)  # as where it is called by itself: workers load nothing anew
    os.dup2(log, 1)
    os.dup2(log, 2)
    logging.getLogger().handlers.clear()  # of libraries that were loaded: they tell of their temporary folders
    sys.argv = [f"{step.module}.py", *step.words]
    runpy.run_module(step.module, run_name="__main__", alter_sys=True)


def found_in(folders: list[Path]) -> tuple[str, float]:
    """What files there are, as one value that differs where a name, size or time does; and when the newest changed."""
    digest, newest = blake2b(digest_size=16), 0.0
    for folder in folders:
        for path, names, files in os.walk(folder):
            names[:] = sorted(name for name in names if name != PULLING)
            for name in sorted(files):
                try:
                    seen = os.stat(os.path.join(path, name))
                except OSError:  # it went between the list and the look
                    continue
                digest.update(f"{path}/{name}\0{seen.st_size}\0{seen.st_mtime_ns}\0".encode("utf-8", "surrogateescape"))
                newest = max(newest, seen.st_mtime, seen.st_ctime)
    return digest.hexdigest(), newest


class Watch:
    """Runs `steps` when files have changed, and those of `timed` whenever as many seconds have passed."""

    def __init__(self, data: Path, steps: list[Step], timed: dict[Step, float]):
        self.data, self.steps, self.timed = data, steps, timed
        self.due = dict.fromkeys(timed, 0.0)
        self.stopping, self.is_in_haste, self.beat_at = threading.Event(), False, 0.0
        self.process: multiprocessing.process.BaseProcess | None = None
        self.failures, self.next_try_at = 0, 0.0
        self.next_ask_at, self.next_whole_at = 0.0, 0.0
        self.health: dict = {"state": "waiting", "pid": os.getpid(), "last_exit": None, "last_good_at": None}
        self.processes = multiprocessing.get_context("forkserver")
        self.processes.set_forkserver_preload(PRELOADED)
        # Modules that it does not find, it leaves out without a word.
        folder = {"LEDGER_DATA": os.path.abspath(data), "LEDGER_COMPANY": ""}  # as a build sets them for dbt
        with mock.patch.dict(os.environ, folder, PYTHONPATH=str(Path(__file__).parent)):
            forkserver.ensure_running()
        self.log = logging.getLogger("watch")
        self.log.setLevel(logging.INFO)
        self.log.propagate = False
        lines = logging.Formatter("%(asctime)s %(message)s", "%Y-%m-%dT%H:%M:%SZ")
        lines.converter = time.gmtime
        kept = RotatingFileHandler(data / "watch.log", maxBytes=LOG_BYTES, backupCount=LOGS_KEPT, encoding="utf-8")
        for handler in (kept, logging.StreamHandler(sys.stdout)):
            handler.setFormatter(lines)
            self.log.addHandler(handler)

    def stop(self, *_) -> None:
        self.is_in_haste = self.stopping.is_set()
        self.stopping.set()

    def say(self, text: str) -> None:
        self.log.info("%s", plain(text))

    def beat(self, doing: str) -> None:
        """Write down what the watch does, for whoever asks whether it is well; where nothing changed, now and then."""
        if doing == self.health["state"] and time.time() - self.beat_at < PATIENCE / 6:
            return
        self.beat_at = time.time()
        if doing != self.health["state"]:
            self.health |= {"state": doing, "since": _utc(time.time())}
        self.health |= {
            "beat_at": _utc(time.time()),
            "failures": self.failures,
            "next_try_at": _utc(self.next_try_at) if self.failures else None,
        }
        state.write(self.data / "watch.json", json.dumps(self.health, indent=1))

    def take(self, step: Step) -> int:
        """Run one step to its end, and write down how it ended."""
        self.beat(step.doing)
        began, (out, log) = time.monotonic(), os.pipe()
        reader = threading.Thread(target=self._copy, args=(out,), daemon=True)
        reader.start()
        self.process = self.processes.Process(target=_passed, args=(step, multiprocessing.reduction.DupFd(log)))
        self.process.start()
        os.close(log)
        while self.process.is_alive():
            self.process.join(0.5)
            self.beat(step.doing)
            if self.is_in_haste and self.process.pid:
                _interrupt(self.process.pid)
        code = self.process.exitcode
        code = 128 - code if code is not None and code < 0 else code or 0
        self.process = None
        reader.join(PATIENCE / 6)
        self.health |= {"last_exit": code}
        if code == 0 and step is self.steps[0]:
            self.health["last_good_at"] = _utc(time.time())
        self.beat_at = 0.0
        self.say(f"{step.doing} took {time.monotonic() - began:.1f} s and ended with {code}")
        return code

    def _copy(self, out: int) -> None:
        with os.fdopen(out, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if not BAR.match(line) and line.strip():
                    self.say(line.rstrip())

    def round(self) -> bool:
        """Every step after the other, until one fails."""
        for step in self.steps:
            if self.take(step):
                self.failures += 1
                is_held = state.is_held(self.data)
                wait = min(FIRST_WAIT * 2 ** (self.failures - 1), LONGEST_WAIT_FOR_OTHERS if is_held else LONGEST_WAIT)
                self.next_try_at = time.time() + wait
                why = "another command is at work on this data" if is_held else "see above"
                self.beat("waiting")
                self.say(f"{step.doing} failed ({why}); again in {wait:.0f} s, or when a file changes")
                return False
        self.failures = 0
        self.due |= {step: 0.0 for step in self.timed if step.waits}
        self.beat("waiting")
        return True

    def asks(self, has_news: Callable[[bool], bool]) -> bool:
        """Whether there is something new in a bucket, of which nobody tells: mostly in its newest folders alone."""
        now = time.time()
        if now < self.next_ask_at:
            return False
        self.next_ask_at, is_quick = now + ASK_SECONDS, now < self.next_whole_at
        self.next_whole_at = self.next_whole_at if is_quick else now + WHOLE_SECONDS
        try:
            found, trouble = has_news(is_quick), None
        except buckets.Trouble as error:
            found, trouble = False, str(error)
        if trouble != self.health.get("trouble"):
            self.say(f"ERROR: {trouble}" if trouble else "the bucket can be listed again")
            self.health["trouble"], self.beat_at = trouble, 0.0
        return found

    def go(
        self, look: Callable[[], tuple[str, float]], has_news: Callable[[bool], bool], every: float, settle: float
    ) -> None:
        """Until it is stopped. `look` tells what there is to build in folders, and when that last changed; `has_news`
        whether a bucket holds something new.
        """
        built, changed, changed_at = None, None, 0.0
        self.say(f"watching, every {every:g} s")
        while not self.stopping.is_set():
            for step, seconds in self.timed.items():
                if time.time() >= self.due[step] and (built is not None or not step.waits):
                    self.due[step] = time.time() + seconds
                    self.take(step)
            seen, newest = look()
            if seen != changed:
                changed, changed_at = seen, changed_at if changed != built and changed else time.time()
            is_settled = time.time() - newest >= settle or time.time() - changed_at >= LONGEST_SETTLING
            is_due = self.failures > 0 and time.time() >= self.next_try_at
            is_new = (seen != built and is_settled) or (not self.failures and self.asks(has_news))
            if is_due or is_new:
                built = seen
                self.round()
                continue
            self.beat("waiting")
            settling = newest + settle - time.time() if seen != built else every
            self.stopping.wait(min(every, max(settling, 0.01)))
        self.beat("stopped")
        self.say("stopped; what was built stands")


def _interrupt(pid: int) -> None:
    """What a step started goes with it, once it leads a group of its own."""
    try:
        os.killpg(pid, signal.SIGINT)
    except ProcessLookupError:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGINT)


def _passed(step: Step, log) -> None:
    run(step, log.detach())


def _utc(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%FT%TZ}"


def healthy(data: Path) -> int:
    """Exit code: whether a watch runs, beats, and had its last step end well."""
    path = data / "watch.json"
    if not path.exists():
        print(f"no watch has run on {data}", file=sys.stderr)
        return 1
    told = state.read(path, "start `make watch` anew")
    beat = datetime.fromisoformat(told["beat_at"])
    if told["state"] == "stopped":
        print("the watch was stopped", file=sys.stderr)
    elif (datetime.now(UTC) - beat).total_seconds() > PATIENCE:
        print(f"the watch has given no sign since {told['beat_at']}", file=sys.stderr)
    elif told.get("trouble"):
        print(told["trouble"], file=sys.stderr)
    elif told["failures"]:
        print(f"failed {told['failures']} times in a row; {data}/watch.log says why", file=sys.stderr)
    else:
        print(f"{told['state']} since {told['since']}; last good build at {told['last_good_at']}")
        return 0
    return 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("paths", nargs="+", metavar="INBOX DATA COMPANY")
    parser.add_argument("--healthy", action="store_true")
    parser.add_argument("--every", type=float, default=1, help="seconds between two looks")
    parser.add_argument("--settle", type=float, default=1, help="seconds that files must have stood as they are")
    parser.add_argument("--pull", type=float, metavar="MINUTES")
    parser.add_argument("--alerts", metavar="WORDS", default="", help="more words for alerts.py")
    given = parser.parse_args()
    if given.healthy and len(given.paths) == 1:
        return healthy(Path(given.paths[0]))
    if given.healthy or len(given.paths) != 3:
        parser.error("INBOX DATA COMPANY, or --healthy DATA")
    if given.every <= 0 or given.settle < 0 or (given.pull is not None and given.pull <= 0):
        parser.error("seconds and minutes are numbers above 0")
    inbox, data, company = given.paths[0], Path(given.paths[1]), Path(given.paths[2])
    try:
        folders = buckets.inboxes_of(inbox).folders
    except buckets.Trouble as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return error.code
    data.mkdir(parents=True, exist_ok=True)
    steps = [Step("building", "build", ("--first", "spend_daily", inbox, str(data), str(company)))]
    if os.environ.get("TO"):
        steps.append(Step("publishing", "publish", (str(data),)))
    if given.pull and not folders:
        parser.error("--pull puts pages into a folder: name one in INBOX, beside the buckets")
    timed = {Step("pulling", "pull", (str(folders[0]), str(data))): given.pull * 60} if given.pull else {}
    if os.environ.get("ALERTS"):
        timed[Step("alerting", "alerts", (*shlex.split(given.alerts), str(data)), waits=True)] = ALERT_SECONDS
    with (data / ".watch.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"ERROR: another watch is at work on {data}; stop it first", file=sys.stderr)
            return 2
        watch = Watch(data, steps, timed)
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, watch.stop)
        watch.go(
            lambda: found_in([*folders, company]),
            lambda is_quick: arrivals.is_anything_new(inbox, data, is_quick),
            given.every,
            given.settle,
        )
    return 0


if __name__ == "__main__":
    sys.exit(ending.of(main))
