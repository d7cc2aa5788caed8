"""Kills commands at every file event and runs them again: what is there must be what an undisturbed run leaves.

Usage: kill.py events WORK [--seed 0] [--most 1000]    land, export, bi, close and reopen, killed at each file event
       kill.py builds WORK [--seed 0] [--most 100]     builds, increments, corrections, killed at random moments
       kill.py watches WORK [--seed 0] [--most 50]     a watch at work: it alone, or with all that it started
       kill.py flips WORK [--seed 0] [--most 200]      one bit of a landed Parquet file is another: noticed or harmless
WORK is a folder to work in. It keeps the first build and a line for each kill in WORK/<action>.jsonl, so that a run
that was stopped goes on where it stopped; the checkout has to stay as it is meanwhile, since builds depend on it.
Exit 1 where a kill left something else; it says which.

The commands run in a forked copy of this process, which ends without a word at its n-th event: a file opened for
writing, renamed, removed, synced or made. Reading processes become function calls, so that their events count too.
"""

import argparse
import contextlib
import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[1]
PROJECT = SCRIPTS.parent
sys.path.insert(0, str(SCRIPTS))

import duckdb  # noqa: E402

import bi  # noqa: E402
import build  # noqa: E402
import check  # noqa: E402
import close  # noqa: E402
import closed  # noqa: E402
import company  # noqa: E402
import ending  # noqa: E402
import export  # noqa: E402
import land  # noqa: E402
import state  # noqa: E402
from landing import tables, workers  # noqa: E402

COMPANY, INBOX, MONTH = PROJECT / "tests" / "golden" / "company", PROJECT / "tests" / "golden" / "inbox", "2026-10"
EVENTS = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.chmod"}
KILLED, FAILED = 99, 98
CLOSED_AT = "2026-11-03T00:00:00Z"
STARTED = 8.0  # seconds that a watch loads modules
MARTS = "select table_name from information_schema.tables where table_schema = 'marts' order by table_name"
BUT_TIMES = "lambda name: name not in ('landed_at', 'built_at')"  # which differ between any two runs


class Here:
    """A pool of processes that is this process."""

    def __init__(self, *_, **__):
        pass

    def shutdown(self, **_) -> None:
        pass

    def submit(self, call: Callable, *arguments) -> Future:
        future: Future[object] = Future()
        try:
            future.set_result(call(*arguments))
        except Exception as error:
            future.set_exception(error)
        return future


class Dying:
    """Ends this process at its n-th file event below a folder."""

    def __init__(self, folder: Path, at: int):
        self.folder, self.left = str(folder), at
        sys.addaudithook(self.heard)
        fsync, exchanged = os.fsync, state._exchanged

        def synced(fd) -> None:
            self.count()
            fsync(fd)

        def exchanges(one: Path, other: Path) -> bool:
            self.count()
            done = exchanged(one, other)
            self.count()
            return done

        os.fsync, state._exchanged = synced, exchanges

    def heard(self, event: str, words: tuple) -> None:
        if event == "open":
            path, mode, flags = words
            if (mode and set(str(mode)) & set("wax+")) or flags & (os.O_WRONLY | os.O_RDWR):
                self.below(path)
        elif event in EVENTS:
            is_within = words[-1] != -1 and isinstance(words[0], str) and not os.path.isabs(words[0])
            self.count() if is_within else self.below(words[0])  # shutil.rmtree names files within their folder

    def below(self, path) -> None:
        if not isinstance(path, int) and os.fsdecode(path).startswith(self.folder):
            self.count()

    def count(self) -> None:
        self.left -= 1
        if self.left == 0:
            os._exit(KILLED)


class World:
    """A folder of states to begin from, and commands that change them."""

    def __init__(self, work: Path):
        self.work, self.data = work, work / "data"  # every run in one folder: settings are kept by its name
        work.mkdir(parents=True, exist_ok=True)
        company.complete(COMPANY, str(self.data))
        self.commands: dict[str, tuple[str, Callable[[], int]]] = {
            "land": ("landless", lambda: land.run(INBOX, self.data)),
            "land_more": ("landed", lambda: land.run(self.more(), self.data)),
            "land_damaged": ("damaged", lambda: land.run(INBOX, self.data)),
            "export": ("exported", lambda: export.export(MONTH, self.data)),
            "bi": ("copied", lambda: bi.main(self.data)),
            "close": ("built", lambda: self.close("--force")),
            "export_closed": ("closed", lambda: export.export(MONTH, self.data)),
            "reopen": ("closed", lambda: self.close("--reopen")),
        }

    def more(self) -> Path:
        """The inbox with a copy of its spans that is longer, and a later bill."""
        inbox = self.work / "more"
        if not inbox.exists():
            shutil.copytree(INBOX, inbox)
            with (inbox / "spans.jsonl").open("r+b") as spans:
                later = spans.readline().replace(b"00000011", b"000000e1")
                spans.seek(0, os.SEEK_END)
                spans.write(later)
            bill = next(inbox.glob("openrouter*.csv"))
            lines = bill.read_text().splitlines(keepends=True)
            bill.with_name("later.csv").write_text("".join(lines[:3]))
        return inbox

    def close(self, option: str) -> int:
        sys.argv = ["close.py", MONTH, str(self.data), str(COMPANY), option]
        return close.main()

    def begin(self, built: Path) -> None:
        """Makes the states to begin from, out of a data folder that was built of INBOX and COMPANY."""
        for name, make in {
            "landless": lambda: shutil.rmtree(self.data),
            "landed": lambda: (self.data / "ledger.duckdb").unlink(),
            "damaged": self.damage,
            "built": lambda: None,
            "exported": lambda: self.older("exports/" + MONTH, "team_chargeback.csv"),
            "copied": self.older_copies,
            "closed": lambda: self.alone(lambda: self.close("--force")),
        }.items():
            kept = self.work / "states" / name
            if not kept.exists():
                self.put(built)
                for folder in ("exports", "bi", "report", "closed/.empty"):
                    shutil.rmtree(self.data / folder, ignore_errors=True)
                make()
                (self.data / "landed").mkdir(parents=True, exist_ok=True)
                key = built / "landed" / ".hash_key"
                shutil.copyfile(key, self.data / "landed" / ".hash_key")
                shutil.copytree(self.data, kept.with_name(f"{name}.part"), dirs_exist_ok=True)
                os.replace(kept.with_name(f"{name}.part"), kept)

    def put(self, kept: Path) -> None:
        shutil.rmtree(self.data, ignore_errors=True)
        left_out = shutil.ignore_patterns("target", "logs")
        shutil.copytree(kept, self.data, ignore=left_out, copy_function=copied)

    def damage(self) -> None:
        (self.data / "ledger.duckdb").unlink()
        path = next(self.data.glob("landed/spans/*/*-*.parquet"))
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 4
        path.write_bytes(content)

    def older(self, folder: str, name: str) -> None:
        """Files of an earlier run, which nothing of a later one resembles."""
        (self.data / folder).mkdir(parents=True)
        (self.data / folder / name).write_text("old\n")
        (self.data / folder / "gone.csv").write_text("old\n")

    def older_copies(self) -> None:
        for kind in ("csv", "parquet"):
            self.older(f"bi/{kind}", f"spend_daily.{kind}")

    def alone(self, command: Callable[[], int], at: int = 0) -> tuple[int, str]:
        """Runs in a forked copy, which dies at its event `at` if that is given; exit code and output."""
        said = self.work / "said"
        child = os.fork()
        if child == 0:
            code = FAILED
            with said.open("w") as out, contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
                # Checks that only read are left out, and take longer than all the rest.
                vars(workers).update(ProcessPoolExecutor=Here)
                for name in ("door", "exit_door", "great_expectations"):
                    vars(check)[name] = lambda *_: []
                closed.now = lambda: CLOSED_AT  # else the log's links differ by it
                try:
                    if at:
                        Dying(self.data, at)
                    code = ending.of(command)
                except BaseException:
                    traceback.print_exc()
            os._exit(code)
        _, status = os.waitpid(child, 0)
        return os.waitstatus_to_exitcode(status), said.read_text(errors="replace")

    def seen(self) -> dict[str, str]:
        """What people and later runs read: landed rows, exports, copies and closed months by their bytes."""
        found = {}
        with duckdb.connect() as engine:
            engine.execute("set TimeZone = 'UTC'")
            for table in tables.TABLES:
                files = f"read_parquet('{self.data}/landed/{table}/*/*.parquet', union_by_name = true)"
                if list(self.data.glob(f"landed/{table}/*/*.parquet")):
                    rows = engine.execute(f"select columns({BUT_TIMES}) from {files} order by all").fetchall()
                    found[f"landed {table}"] = hashlib.sha256(repr(rows).encode()).hexdigest()
        for folder in ("exports", "bi", "closed"):
            for path in sorted((self.data / folder).rglob("*")):
                name = str(path.relative_to(self.data))
                if path.is_file() and path.suffix != ".duckdb" and "/." not in name and path.name != closed.LOG:
                    found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
        copies = self.data / "bi" / "ledger.duckdb"
        if copies.exists():
            found |= marts(copies)
        if (self.data / "closed").exists():
            present = closed.months(self.data)
            last = {line["month"]: line["action"] for line in closed.log(self.data)}
            found["closed"] = f"{present} {last} {closed.complaints(self.data)}"
        if (self.data / "ledger.duckdb").exists():
            found["needs a build"] = str(build.files_built(self.data) != build.files_landed(self.data))
        return found

    def mixed(self, new: dict[str, str]) -> list[str]:
        """Folders that hold neither all of the old files nor all of the new ones."""
        wrong = []
        for folder in (f"exports/{MONTH}", "bi/csv", "bi/parquet"):
            if not (self.data / folder).exists():
                continue
            paths = [path for path in (self.data / folder).rglob("*") if path.is_file()]
            now = {str(path.relative_to(self.data)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}
            after = {name: content for name, content in new.items() if name.startswith(f"{folder}/")}
            is_old = all(path.read_bytes() == b"old\n" for path in paths) and len(paths) in (0, 2)
            if not is_old and now != after:
                wrong.append(folder)
        return wrong

    def kill(self, name: str, at: int, wanted: dict[str, str]) -> str | None:
        """One kill at an event and the same command again: "" where all is well, None where there is no such event."""
        base, command = self.commands[name]
        self.put(self.work / "states" / base)
        code, said = self.alone(command, at)
        if code != KILLED:
            return None if code == 0 else f"ended with {code} before event {at}: {said[-1000:]}"
        mixed = self.mixed(wanted)
        code, said = self.alone(command)
        if mixed:
            return f"a mixture of old and new files in {', '.join(mixed)}"
        if "Traceback" in said or code not in (0, 1):
            return f"the run after it ended with {code}: {said[-1000:]}"
        return differences(wanted, self.seen())

    def undisturbed(self, name: str) -> dict[str, str]:
        base, command = self.commands[name]
        self.put(self.work / "states" / base)
        code, said = self.alone(command)
        if code:
            raise SystemExit(f"{name} fails without a kill: {said}")
        return self.seen()

    def events(self, name: str) -> int:
        """How many events a command has."""
        base, command = self.commands[name]
        self.put(self.work / "states" / base)
        counted = self.work / "counted"

        def counting() -> int:
            dying = Dying(self.data, 1 << 30)
            code = command()
            counted.write_text(str((1 << 30) - dying.left))
            return code

        self.alone(counting)
        return int(counted.read_text())


def copied(source: str, target: str) -> None:
    """No command here writes into the database, which is most of the bytes."""
    if Path(source).name == "ledger.duckdb":
        os.link(source, target)
    else:
        shutil.copy2(source, target)


def marts(database: Path) -> dict[str, str]:
    with duckdb.connect(str(database), read_only=True) as engine:
        names = [name for (name,) in engine.execute(MARTS).fetchall()]
        rows = {
            name: engine.execute(f"select columns({BUT_TIMES}) from marts.{name} order by all").fetchall()
            for name in names
        }
    return {f"mart {name}": hashlib.sha256(repr(found).encode()).hexdigest() for name, found in rows.items()}


def differences(wanted: dict[str, str], found: dict[str, str]) -> str:
    names = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
    said = [f"{name} ({wanted.get(name, 'absent')[:60]} / {found.get(name, 'absent')[:60]})" for name in names[:5]]
    return f"other than undisturbed: {', '.join(said)}" if names else ""


def built(work: Path, inbox: Path = INBOX, name: str = "built") -> Path:
    """A data folder built of an inbox, once."""
    data = work / name
    if build.files_built(data) is None and run_build(inbox, data).wait():
        raise SystemExit(f"the build without kills fails: {data}.log")
    return data


def run_build(inbox: Path, data: Path) -> subprocess.Popen:
    environment = {**os.environ, "DBT_PROFILES_DIR": str(PROJECT)}
    data.parent.mkdir(parents=True, exist_ok=True)
    with Path(f"{data}.log").open("w") as log:
        words = [sys.executable, str(SCRIPTS / "build.py"), str(inbox), str(data), str(COMPANY)]
        return subprocess.Popen(words, stdout=log, stderr=log, start_new_session=True, env=environment)


def corrected(work: Path, first: Path, more: Path) -> tuple[Path, Path]:
    """A build whose month was closed, and one of more files on top of it, which correct that month."""
    begun, data = work / "closed", work / "closed_more"
    if not data.exists():
        shutil.rmtree(begun, ignore_errors=True)
        shutil.copytree(first, begun)
        if close.close(MONTH, begun, force=True):
            raise SystemExit(f"{MONTH} can't be closed in {begun}")
        shutil.copytree(begun, data)
    if run_build(more, data).wait():
        raise SystemExit(f"the build without kills fails: {data}.log")
    return begun, data


def kill_events(work: Path, seed: int, most: int) -> int:
    world = World(work)
    world.begin(built(work))
    kept = Kept(work / "events.jsonl")
    wanted = {name: world.undisturbed(name) for name in world.commands}
    kills = [(name, at) for name in world.commands for at in range(1, world.events(name) + 1)]
    random.Random(seed).shuffle(kills)
    print(f"{len(kills):,} file events in {', '.join(world.commands)}", flush=True)
    for name, at in kills[:most]:
        if not kept.has(name, at):
            kept.add(name, at, world.kill(name, at, wanted[name]) or "")
    return kept.summary()


def kill_builds(work: Path, seed: int, most: int) -> int:
    """From nothing, and with more files on top of a good build or a closed month: killed once or twice, then let
    through."""
    world, kept = World(work), Kept(work / "builds.jsonl")
    first = built(work)
    more = built(work, world.more(), "built_more")
    begun, corrections = corrected(work, first, world.more())
    wanted = {"build": marts(first / "ledger.duckdb"), "increment": marts(more / "ledger.duckdb")}
    wanted["correction"] = marts(corrections / "ledger.duckdb")
    seconds = int(re.findall(r"in (\d+) s;", Path(f"{more}.log").read_text())[0])
    rng = random.Random(seed)
    for number in range(most):
        name, moments = rng.choice(sorted(wanted)), [rng.random() for _ in range(rng.choice([1, 1, 2]))]
        if kept.has(name, number):
            continue
        shutil.rmtree(world.data, ignore_errors=True)
        inbox = INBOX
        if name != "build":
            inbox = world.more()
            shutil.copytree(begun if name == "correction" else first, world.data)
        for moment in moments:
            running = run_build(inbox, world.data)
            with contextlib.suppress(subprocess.TimeoutExpired):
                running.wait(moment * max(seconds, 5))
            with contextlib.suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)
            running.wait()
        code = run_build(inbox, world.data).wait()
        said = Path(f"{world.data}.log").read_text(errors="replace")
        wrong = f"ended with {code}: {said[-1000:]}" if code or "Traceback" in said else ""
        kept.add(name, number, wrong or differences(wanted[name], marts(world.data / "ledger.duckdb")))
    return kept.summary()


def kill_watches(work: Path, seed: int, most: int) -> int:
    """A watch on more files than were built: killed once or twice, alone or with what it started, then let through."""
    world, kept = World(work), Kept(work / "watches.jsonl")
    first = built(work)
    more = built(work, world.more(), "built_more")
    wanted = marts(more / "ledger.duckdb")
    seconds = int(re.findall(r"in (\d+) s;", Path(f"{more}.log").read_text())[0])
    rng = random.Random(seed)
    for number in range(most):
        moments = [(rng.random(), rng.random() < 0.5) for _ in range(rng.choice([1, 1, 2]))]
        if kept.has("watch", number):
            continue
        shutil.rmtree(world.data, ignore_errors=True)
        shutil.copytree(first, world.data)
        for moment, is_alone in moments:
            watching = run_watch(world.more(), world.data)
            time.sleep(STARTED + moment * seconds)
            for pid in [watching.pid] if is_alone else [*started_by(watching.pid), watching.pid]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            watching.wait()
        watching, until = run_watch(world.more(), world.data), time.monotonic() + 20 * max(seconds, 30)
        while watching.poll() is None and time.monotonic() < until and not is_done(world.data, watching.pid):
            time.sleep(1)
        watching.terminate()
        code = watching.wait()
        said = Path(f"{world.data}.log").read_text(errors="replace")
        wrong = f"ended with {code}: {said[-1000:]}" if code or "Traceback" in said else ""
        if not is_done(world.data, watching.pid):
            wrong = wrong or f"the watch had no good build: {said[-1000:]}"
        kept.add("watch", number, wrong or differences(wanted, marts(world.data / "ledger.duckdb")))
    return kept.summary()


def run_watch(inbox: Path, data: Path) -> subprocess.Popen:
    environment = {**os.environ, "DBT_PROFILES_DIR": str(PROJECT)}
    with Path(f"{data}.log").open("w") as log:
        words = [sys.executable, str(SCRIPTS / "watch.py"), str(inbox), str(data), str(COMPANY)]
        return subprocess.Popen(words, stdout=log, stderr=log, start_new_session=True, env=environment)


def is_done(data: Path, pid: int) -> bool:
    """Whether this watch had a good build, and waits for more."""
    path = data / "watch.json"
    told = json.loads(path.read_text()) if path.exists() else {}
    return told.get("pid") == pid and bool(told.get("last_good_at")) and told["state"] in ("waiting", "stopped")


def started_by(pid: int) -> list[int]:
    """The processes that one started, and those that they did, the last first."""
    listed = subprocess.run(["ps", "-e", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    parents = {int(child): int(parent) for child, parent in (line.split() for line in listed.splitlines())}
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found[:0:-1]


class Kept:
    """A line for each kill that was done."""

    def __init__(self, path: Path):
        self.path = path
        lines = path.read_text().splitlines() if path.exists() else []
        self.lines = [json.loads(line) for line in lines if line.endswith("}")]

    def has(self, name: str, at: int) -> bool:
        return any((line["name"], line["at"]) == (name, at) for line in self.lines)

    def add(self, name: str, at: int, wrong: str) -> None:
        line = {"name": name, "at": at, "wrong": wrong}
        self.lines.append(line)
        with self.path.open("a") as target:
            target.write(json.dumps(line) + "\n")
        if wrong:
            print(f"{name} {at}: {wrong}", flush=True)

    def summary(self) -> int:
        wrong = sum(bool(line["wrong"]) for line in self.lines)
        names = {line["name"]: 0 for line in self.lines}
        for line in self.lines:
            names[line["name"]] += 1
        told = ", ".join(f"{name} {count:,}" for name, count in sorted(names.items()))
        print(f"{len(self.lines):,} kills ({told}): {wrong:,} left something else")
        return 1 if wrong else 0


def flip_bits(work: Path, seed: int, most: int) -> int:
    """One bit of one landed file at a time, and the landing that each build begins with."""
    world, kept, first = World(work), Kept(work / "flips.jsonl"), built(work)
    world.put(first)
    wanted = world.seen()
    rng, noticed = random.Random(seed), 0
    for number in range(most):
        world.put(first)
        path = rng.choice(sorted((world.data / "landed").glob("*/*/*.parquet")))
        content = bytearray(path.read_bytes())
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        if kept.has("flip", number):
            continue
        path.write_bytes(content)
        code, said = world.alone(lambda: land.run(INBOX, world.data))
        is_noticed = f"damaged: {path}" in said
        noticed += is_noticed
        found = {**world.seen(), "needs a build": wanted["needs a build"]}  # a mended store is built anew
        wrong = f"{path} ended with {code}: {said[-500:]}" if code else differences(wanted, found)
        kept.add("flip", number, wrong)
    print(f"{noticed:,} of them in this run were noticed and mended; the rest are in files without rows, made anew")
    return kept.summary()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("action", choices=["events", "builds", "watches", "flips"])
    parser.add_argument("work", type=lambda stated: Path(stated).resolve())
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--most", type=int, default=1000)
    asked = parser.parse_args()
    actions = {"events": kill_events, "builds": kill_builds, "watches": kill_watches, "flips": flip_bits}
    return actions[asked.action](asked.work, asked.seed, asked.most)


if __name__ == "__main__":
    sys.exit(main())
