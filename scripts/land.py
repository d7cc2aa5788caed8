"""Land what lies in the inbox: recognise each file by content, read it once, write typed Parquet.

Usage: land.py INBOX DATA. Rows of seed bill_sources that settle how files write numbers and days are those of the last
build of DATA. Exit 0 also when files or lines were rejected (they are named, and what is missing from a
bill is a WARNING); 1 when the share of rejected rows of a kind, or of a bill, passes `max_reject_share`, and with
STRICT=1 where there is a WARNING; 2 when the call itself is wrong.
"""

import fcntl
import os
import re
import secrets
import sys
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from pathlib import Path
from threading import Thread
from typing import NamedTuple, TextIO

import pandas  # noqa: F401 - the engine asks for it; loaded once, before the processes fork
import yaml
from tqdm import tqdm

import check
import company
from landing import documents, missing, reserved, settled, span_marks, uncounted
from landing.recognise import NOTHING
from landing.spans import LEFT_OUT
from landing.store import Store
from landing.tables import BILLS
from landing.work import Examined, Piece, Progress, Reading, Resume, Task, examine, perform

PROJECT = Path(__file__).resolve().parent.parent
SHOWN = 10  # files that a warning names
RULES_CHANGED = (
    "feature_attributes, team_attributes, hash_identities, the seed attribute_aliases, DECIMAL or DATE_ORDER (or such "
    "a row of seed bill_sources) changed"
)
GROUP_FILES, SMALL_BYTES = 256, 1 << 22  # small files of one format are read by one task


def pace() -> float:
    """Seconds between progress lines: often to a person, seldom into a log."""
    return 0.2 if sys.stderr.isatty() else 10


def hash_key(data: Path) -> str:
    """The key of text hashes: made once per data folder, so that hashes can't be looked up elsewhere."""
    path = data / "landed" / ".hash_key"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        part.write_bytes(secrets.token_bytes(32))
        part.chmod(0o600)
        os.replace(part, path)
    return path.read_bytes().hex()


def project_variables() -> dict:
    return yaml.safe_load((PROJECT / "dbt_project.yml").read_text()).get("vars", {})


def files_in(inbox: Path) -> tuple[list[tuple[Path | documents.Member, str]], list[dict]]:
    """((path, name as shown), ...) of the inbox's files, also within archives; what can't be entered or followed."""
    found, unread = [], []

    def on_error(error: OSError) -> None:
        name = os.path.relpath(error.filename, inbox)
        unread.append(complaint(name, f"can't be opened ({error.strerror}); give read permission"))

    for folder, folders, names in os.walk(inbox, onerror=on_error):
        folders.sort()
        for name in sorted(names, key=by_download):
            path = Path(folder, name)
            shown = str(path.relative_to(inbox))
            if path.is_symlink() and not path.resolve().is_relative_to(inbox.resolve()):
                unread.append(complaint(shown, "a link that leaves the inbox; it is not followed"))
            elif path.is_file():
                files, why = unpacked(path, shown)
                found += files
                unread += [complaint(shown, why)] if why else []
        for name in list(folders):
            path = Path(folder, name)
            if path.is_symlink():
                shown = str(path.relative_to(inbox))
                unread.append(complaint(shown, "a link to a folder; it is not followed, move the folder in"))
    return found, unread


def by_download(name: str) -> tuple[str, int, str]:
    """Order of files that came together: `costs.csv`, then `costs (1).csv`, then `costs (10).csv`."""
    stem, number, ending = re.fullmatch(r"(.*?)(?: ?\((\d{1,9})\))?((?:\.\w+)*)", name, re.DOTALL).groups()
    return stem + ending, int(number or 0), name


def unpacked(path: Path, shown: str) -> tuple[list[tuple[Path | documents.Member, str]], str | None]:
    """The files of a zip archive by its name and theirs, or why they can't be read; any other file as it is."""
    try:
        members = documents.members_of(path)
    except OSError:  # which reading it will name
        members = None
    if isinstance(members, str):
        return [], members
    return [(member, f"{shown}/{member.name}") for member in members or []] or [(path, shown)], None


def complaint(name: str, reason: str, refused_as: str | None = None) -> dict:
    """A file that is not read; `refused_as` is the kind that it would land as, where that is known."""
    origin = {"source_file": name, "source_line": None, "file_id": None, "line": None}
    return {**origin, "kind": "file", "reason": reason, "refused_as": refused_as}


class Found(NamedTuple):
    """A file to land, or to read again: then it is in the store, and `ranges` are the bytes that landed as it."""

    path: Path
    name: str
    examined: Examined
    continues: str | None
    is_again: bool = False


def survey(
    inbox: Path, store: Store, reading: Reading, pool: ProcessPoolExecutor
) -> tuple[list[Found], list[dict], int, set[str]]:
    """Files to land, what can't be read, how many files were known, and the contents of all that can be read."""
    found, unread = files_in(inbox)
    by_name = {entry["source_file"]: entry for entry in store.files.values()}
    resumes = [Resume(*end) if (end := by_name.get(name, {}).get("end")) else None for _, name in found]
    outcomes = [
        pool.submit(examine, path, known, store.algorithm) for (path, _), known in zip(found, resumes, strict=True)
    ]
    fresh, seen, ids, again, present = [], 0, set(store.files), set(), set()
    for (path, name), outcome in zip(found, outcomes, strict=True):
        try:
            examined: Examined = outcome.result()
        except (OSError, EOFError) as error:
            why = getattr(error, "strerror", None) or error
            unread.append(complaint(name, f"can't be read ({why}); give read permission, or mend it"))
            continue
        if examined.what.complaint:
            unread.append(complaint(name, examined.what.complaint, examined.what.table))
            continue
        present.add(examined.file_id)
        if isinstance(path, documents.Member) and examined.file_id in store.files:
            store.files[examined.file_id]["archive_id"] = path.archive_id
        continued = by_name[name]["file_id"] if examined.is_continued else None
        for part in read_by_other_rules(path, examined, continued, store, reading):
            if part.examined.file_id not in again:
                again.add(part.examined.file_id)
                fresh.append(part)
        if examined.file_id in ids:
            seen += examined.file_id not in again
        else:
            ids.add(examined.file_id)
            fresh.append(Found(path, name, examined, continued))
    return fresh, unread, seen, present


def read_by_other_rules(
    path: Path, examined: Examined, continued: str | None, store: Store, reading: Reading
) -> Iterator[Found]:
    """The parts of a file that landed under other names of attributes or settings: each is read again as it is."""
    file_id = examined.file_id if examined.file_id in store.files else continued
    stop = examined.size
    if file_id and file_id != examined.file_id:
        stop = store.files[file_id]["end"][0]
    while entry := store.files.get(file_id):
        before = store.files.get(entry["continues"])
        begin, line = (before["end"][0], before["end"][1] + 1) if before else (0, 1)
        if entry["reading"] != mark_of(entry, reading):
            ranges = ((begin, stop - begin, line),) if entry["end"] else ()
            end = Resume(*entry["end"]) if entry["end"] else None
            part = Examined(examined.what, file_id, ranges, end)
            yield Found(path, entry["source_file"], part, entry["continues"], is_again=True)
        file_id, stop = entry["continues"], begin


def mark_of(entry: dict, reading: Reading) -> str:
    """What a landed file would be read by now."""
    return reading.mark(entry["source_file"], entry["kind"], tuple(entry.get("asks", ())))


def tasks_of(fresh: list[Found], landing_no: int, reading: Reading) -> list[Task]:
    """Ranges of large files, whole files, and groups of small files of one format."""
    tasks, groups = [], {}
    for path, name, examined, _, is_again in fresh:
        ranges = examined.ranges or (None,)
        pieces = [Piece(path, examined.file_id, name, span) for span in ranges]
        settings = tuple(reading.setting(setting, name, examined.what.table) for setting in ("decimal", "date_order"))
        if len(pieces) == 1 and not is_again and path.stat().st_size < SMALL_BYTES:
            groups.setdefault((examined.what, *settings), []).extend(pieces)
            continue
        for number, piece in enumerate(pieces):
            task_name = f"{examined.file_id[:16]}-{number:05d}" + (f"-{landing_no}" if is_again else "")
            tasks.append(Task(examined.what, task_name, number << 40, (piece,), *settings))
    for (what, *settings), pieces in groups.items():
        for begin in range(0, len(pieces), GROUP_FILES):
            group = tuple(pieces[begin : begin + GROUP_FILES])
            tasks.append(Task(what, f"{group[0].file_id[:16]}-group", 0, group, *settings))
    return tasks


def read_all(
    tasks: list[Task], reading: Reading, staging: Path, pool: ProcessPoolExecutor
) -> tuple[dict, dict[str, str]]:
    """Per file id the counts of all its pieces; and why a file can't be read to its end."""
    counts: dict[str, dict] = {}
    broken: dict[str, str] = {}
    size = sum(piece.span[1] if piece.span else piece.path.stat().st_size for task in tasks for piece in task.pieces)
    with tqdm(total=size, unit="B", unit_scale=True, desc="landing", disable=not tasks, mininterval=pace()) as bar:
        waiting: dict[Future, Task] = {pool.submit(perform, task, reading, staging): task for task in tasks}
        while waiting:
            done, _ = wait(waiting, timeout=0.5, return_when=FIRST_COMPLETED)
            bar.update(min(Progress.bytes.value, size) - bar.n)
            bar.set_postfix_str(f"{Progress.rows.value:,} rows", refresh=False)
            for future in done:
                task = waiting.pop(future)
                try:
                    for file_id, found in future.result().items():
                        empty = dict(found, rows_read=0, rows_rejected=0, evals_within=0, rows_silent=0, uncounted={})
                        merge_counts(counts.setdefault(file_id, empty), found)
                except (OSError, EOFError, MemoryError) as error:
                    if len(task.pieces) == 1:
                        broken[task.pieces[0].file_id] = str(error)
                        continue
                    for number, piece in enumerate(task.pieces):  # one bad file must not take its group along
                        alone = task._replace(name=f"{piece.file_id[:16]}-{number:05d}", row_base=0, pieces=(piece,))
                        waiting[pool.submit(perform, alone, reading, staging)] = alone
    return counts, broken


def merge_counts(total: dict, found: dict) -> None:
    total["rows_read"] += found["rows_read"]
    total["rows_rejected"] += found["rows_rejected"]
    total["evals_within"] += found["evals_within"]
    total["rows_silent"] += found["rows_silent"]
    total["is_growing"] |= found["is_growing"]
    total["has_more"] |= found["has_more"]
    for said in ("warnings", "notes", "asks"):
        total[said] = list(dict.fromkeys([*total[said], *found[said]]))
    uncounted.add(total["uncounted"], found["uncounted"])
    total["first_reasons"] = {**found["first_reasons"], **total["first_reasons"]}


def land(inbox: Path, data: Path, sources: tuple[settled.Row, ...] = ()) -> int:
    variables = project_variables()
    store = Store(data)
    reading = Reading(
        hash_key(data),
        tuple(variables["feature_attributes"]),
        tuple(variables["team_attributes"]),
        variables["hash_identities"],
        variables["score_threshold"],
        os.environ.get("DECIMAL", ""),
        os.environ.get("DATE_ORDER", ""),
        sources,
    )
    for entry in store.files.values():  # of a store that began before there were marks
        entry.setdefault("reading", mark_of(entry, reading))
    Progress.bytes.value = Progress.rows.value = 0
    shared = (Progress.bytes, Progress.rows)
    with ProcessPoolExecutor(max_workers=os.cpu_count(), initializer=Progress.share, initargs=shared) as pool:
        fresh, unread, seen, present = survey(inbox, store, reading, pool)
        if fresh:
            Thread(target=check.warm, daemon=True).start()  # while the processes, forked by now, read
        counts, broken = read_all(tasks_of(fresh, store.landings, reading), reading, store.staging, pool)
    landed = []
    for path, name, examined, continued, is_again in fresh:
        if examined.file_id in broken:
            for part in store.staging.glob(f"*/*/{examined.file_id[:16]}-*.parquet"):
                part.unlink()
            reason = f"{examined.what.table} that can't be read to its end ({broken[examined.file_id]})"
            unread.append(complaint(name, reason, examined.what.table))
            continue
        held = counts[examined.file_id]
        if not (held["rows_read"] or held["evals_within"] or continued or is_again) and examined.what.form in NOTHING:
            unread.append(complaint(name, NOTHING[examined.what.form]))
            continue
        for kind, text in uncounted.remarks(held.pop("uncounted"), name):
            held[kind + "s"].append(text)
        entry = {"file_id": examined.file_id, "source_file": name, "kind": examined.what.table}
        entry["reading"] = mark_of({**entry, **held}, reading)
        end = list(examined.end) if examined.end else None
        reason = mostly_silent(examined, held)
        if isinstance(path, documents.Member):
            entry["archive_id"] = path.archive_id
        landed.append({**entry, "end": end, "continues": continued, "unread": reason, **held})
        if reason:
            unread.append(complaint(name, reason))
    if landed and (complaints := check.door(store.staging)):
        for line in complaints:
            print(f"ERROR at the door: {line}")
        names = ", ".join(entry["source_file"] for entry in landed)
        print(f"nothing landed; correct or take out the file that this stands in, of: {names}")
        return 1
    store.commit(landed, unread)
    report(store, landed, unread, seen)
    if again := sum(found.is_again for found in fresh):
        print(f"  read again, because {RULES_CHANGED}: {again} files")
    found = missing.find(store, unread, present, variables["max_reject_share"])
    found.warnings.extend(read_by_old_rules(store, reading))
    missing.write(store, found)
    warn(found.warnings)
    for line in found.errors:
        print(f"ERROR: {line}")
    return max(int(bool(found.errors)), over_share(landed, variables))


def mostly_silent(examined: Examined, counts: dict) -> str | None:
    """Why a file counts as not read: its reader understood nothing of most of its records, each refused by line."""
    silent, read, form = counts["rows_silent"], counts["rows_read"], examined.what.form
    if 2 * silent <= read:
        return None
    return (
        f"{silent:,} of {read:,} records say nothing to the reader of {span_marks.title(form)}, the nearest format, "
        f"which needs {span_marks.needs(form)} ({next(iter(counts['first_reasons']))}); see README, Inputs"
    )


def read_by_old_rules(store: Store, reading: Reading) -> list[str]:
    """Warnings on files that can't be read again although the rules of reading changed."""
    old = [entry for entry in store.files.values() if entry["reading"] != mark_of(entry, reading)]
    lines = [
        f"{entry['source_file']} stands as it was read before {RULES_CHANGED}; put it back into the inbox"
        for entry in old[:SHOWN]
    ]
    return lines + ([f"so do {len(old) - SHOWN} more files"] if len(old) > SHOWN else [])


def warn(lines: list[str]) -> None:
    for line in lines:
        print(f"  WARNING: {line}")


def is_strict() -> bool:
    """Whether warnings are failures, as CI may want them (STRICT=1)."""
    return os.environ.get("STRICT", "") not in ("", "0")


def report(store: Store, landed: list[dict], unread: list[dict], seen: int) -> None:
    """Per kind what landed, then by name every file and line that did not."""
    for kind in sorted({entry["kind"] for entry in landed}):
        entries = [entry for entry in landed if entry["kind"] == kind]
        rejected = sum(entry["rows_rejected"] for entry in entries)
        rows = sum(entry["rows_read"] for entry in entries) - rejected
        print(f"  {kind}: {rows:,} rows from {len(entries)} files, {rejected:,} rejected")
    if within := sum(entry["evals_within"] for entry in landed):
        print(f"  eval_runs: {within:,} rows within files of spans")
    for entry in landed:
        for reason, times in entry["first_reasons"].items():
            what = "value not read" if reason.endswith((LEFT_OUT, reserved.LEFT_OUT)) else "rejected"
            print(f"  {what} {times:,}x in {entry['source_file']}: {reason}")
        for note in entry["notes"]:
            print(f"  {note}")
    for item in unread:
        print(f"  not read {item['source_file']}: {item['reason']}")
    copies = sum(entry["rows_superseded"] for entry in store.files.values())
    print(
        f"landed {len(landed)} new files ({seen} known, {len(unread)} not read; {copies:,} copies of spans aside); "
        f"rejects: {store.root}/rejects"
    )


def over_share(landed: list[dict], variables: dict) -> int:
    """1 where rejects of one kind pass the share that the project allows; says which and how many. Of bills, that is
    asked file by file (`missing.find`).
    """
    worst = 0
    for kind in sorted({entry["kind"] for entry in landed} - set(BILLS)):
        read = sum(entry["rows_read"] for entry in landed if entry["kind"] == kind)
        rejected = sum(entry["rows_rejected"] for entry in landed if entry["kind"] == kind)
        if read >= variables["max_reject_share_min_rows"] and rejected > read * variables["max_reject_share"]:
            print(
                f"ERROR: {rejected:,} of {read:,} rows of {kind} rejected, over max_reject_share "
                f"({variables['max_reject_share']:.0%}); correct the files named, or raise it"
            )
            worst = 1
    return worst


def run(inbox: Path, data: Path, strict: bool | None = None, seeds: Path | None = None) -> int:
    """Land under a lock; exit code as in the module's text. `strict`: whether a warning fails it, else STRICT says;
    `seeds`: the company's, where they are not those that DATA was built with.
    """
    if not inbox.is_dir():
        print(f"ERROR: the inbox {inbox} is no folder; create it, or say INBOX=<folder>", file=sys.stderr)
        return 2
    for name, words in (("DECIMAL", ("point", "comma")), ("DATE_ORDER", ("mdy", "dmy"))):
        if os.environ.get(name, "") not in ("", *words):
            print(f"ERROR: {name}={os.environ[name]} is not known; say {' or '.join(words)}", file=sys.stderr)
            return 2
    sources, complaint = settled.rows_of((seeds or company.seeds_of(str(data))) / "bill_sources.csv")
    if complaint:
        print(f"ERROR: seed bill_sources: {complaint}", file=sys.stderr)
        return 2
    data.mkdir(parents=True, exist_ok=True)
    with (data / ".lock").open("w") as lock:
        if not locked(lock):
            print(f"ERROR: another landing is writing to {data}; wait for it", file=sys.stderr)
            return 2
        try:
            code = land(inbox, data, sources)
        except settled.Contradiction as error:
            print(f"ERROR: {error}", file=sys.stderr)
            return 2
    if code == 0 and (is_strict() if strict is None else strict) and (warnings := missing.known(data).warnings):
        return failed_as_strict(len(warnings))
    return code


def failed_as_strict(warnings: int) -> int:
    print(f"ERROR: STRICT=1, and {warnings:,} warning{'s' * (warnings > 1)} above", file=sys.stderr)
    return 1


def locked(lock: TextIO, seconds: float = 3) -> bool:
    """Whether the lock could be had: a landing that was killed lets go of it when its last process is gone."""
    patience = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() > patience:
                return False
            time.sleep(0.1)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(run(Path(sys.argv[1]), Path(sys.argv[2])))
