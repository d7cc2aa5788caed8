"""Land what lies in the inbox: recognise each file by content, read it once, write typed Parquet.

Rows of seed bill_sources that settle how files write numbers and days are those of the last build of DATA. Exit 0 also
when files or lines were rejected (they are named, and what is missing from a bill is a WARNING); 1 when the share of
rejected rows of a kind, or of a bill, passes `max_reject_share`, and with STRICT=1 where there is a WARNING; 2 when the
call itself is wrong.
"""

import argparse
import errno
import os
import re
import secrets
import stat
import sys
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import pandas  # noqa: F401 - the engine asks for it; loaded once, before the processes fork
import yaml

import check
import company
import ending
import state
from landing import documents, faults, gates, missing, reserved, settled, span_marks, uncounted
from landing.arrivals import Arrivals, Parcel, Part
from landing.buckets import Inboxes, Trouble, inboxes_of
from landing.recognise import NOTHING, Recognised
from landing.spans import LEFT_OUT
from landing.store import DAMAGED, Store
from landing.work import Counts, Examined, Piece, Reading, Resume, Task, examine, perform, unstage
from landing.workers import Job, Workers
from paths import PULLING
from terminal import name_of, plain, print, progress_bar

PROJECT = Path(__file__).resolve().parent.parent
# Entries of a folder that are neither file, folder nor link.
SPECIAL = (
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)
SHOWN = 10  # files that a warning names
UNASKABLE = "a part of its name is empty, `.` or `..`, so that it can't be asked for; copy it under another name"
NOTE = ".request.json"  # the end of the name of a request's note, behind the name of its page
RULES_CHANGED = (
    "feature_attributes, team_attributes, hash_identities, the seed attribute_aliases, DECIMAL or DATE_ORDER (or such "
    "a row of seed bill_sources) changed"
)
GROUP_FILES, SMALL_BYTES = 256, 1 << 22  # small files of one format are read by one task


def pace() -> float:
    """Seconds between progress lines: often to a person, seldom into a log."""
    return 0.2 if sys.stderr.isatty() else 10


def hash_key(data: Path, store: Store | None = None) -> str:
    """The key of text hashes: made once per data folder, so that hashes can't be looked up elsewhere. Rows that were
    hashed with another key meet no others, so the store says which key its rows have.
    """
    path = data / "landed" / ".hash_key"
    if not path.exists() and not (store and store.key):
        path.parent.mkdir(parents=True, exist_ok=True)
        state.write(path, secrets.token_bytes(32), mode=0o600)
    key = path.read_bytes() if path.exists() else b""
    mark = sha256(b"mark of " + key).hexdigest()[:16]
    if len(key) != 32 or (store and store.key not in (None, mark)):
        raise state.Unreadable(
            f"{path} is not the key that landed rows were hashed with; put it back from a backup, or move "
            f"{data}/landed away, put every export that ever landed into the inbox and build"
        )
    if store:
        store.key = mark
    return key.hex()


def project_variables() -> dict:
    return yaml.safe_load((PROJECT / "dbt_project.yml").read_text()).get("vars", {})


File = tuple[Path | documents.Member, str]  # and its name as shown


def files_of(folders: tuple[Path, ...]) -> tuple[list[File], list[dict]]:
    """The files of an inbox's folders. Those of the first are named below it, as if it were the only one; those of the
    others begin with their folder's own name, as INBOX has it.
    """
    found, unread = [], []
    for number, folder in enumerate(folders):
        files, complaints = files_in(folder)
        before = f"{name_of(folder)}/" if number else ""
        found += [(path, before + name) for path, name in files]
        unread += [{**one, "source_file": before + one["source_file"]} for one in complaints]
    return found, unread


def files_in(inbox: Path) -> tuple[list[File], list[dict]]:
    """((path, name as shown), ...) of the inbox's files, also within archives; what can't be entered or followed."""
    found, unread, waiting = [], [], [inbox]
    while waiting:  # no recursion: folders may be nested more deeply than functions
        folder = waiting.pop()
        try:
            with os.scandir(folder) as listed:
                entries = {entry.name: is_folder(entry) for entry in listed}
        except OSError as error:
            reason = f"can't be opened ({error.strerror}); give read permission"
            unread.append(complaint(name_of(folder.relative_to(inbox)), reason))
            continue
        for name in sorted((name for name, holds_more in entries.items() if not holds_more), key=by_download):
            path = folder / name
            shown = name_of(path.relative_to(inbox))
            if why := no_file(path, inbox):
                unread.append(complaint(shown, why))
                continue
            files, why = unpacked(path, shown)
            found += files
            unread += [complaint(shown, why)] if why else []
        for name in sorted((name for name, holds_more in entries.items() if holds_more), reverse=True):
            path = folder / name
            if name == PULLING and folder == inbox:
                continue
            if os.path.islink(path):
                shown = name_of(path.relative_to(inbox))
                unread.append(complaint(shown, "a link to a folder; it is not followed, move the folder in"))
            else:
                waiting.append(path)
    return found, unread


def is_folder(entry: os.DirEntry) -> bool:
    """Whether an entry is a folder, or a link to one; not, where that can't be told."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def no_file(path: Path, inbox: Path) -> str | None:
    """Why an entry of a folder that is no folder is no file to read; asked before it is opened, which may wait."""
    try:
        if os.path.islink(path) and not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(inbox)):
            return "a link that leaves the inbox; it is not followed"
        mode = path.stat().st_mode
    except FileNotFoundError:
        if os.path.islink(path):
            return "a link to a file that is not there; mend the link, or take it out"
        return "can't be read: it was taken away while files landed; land again"
    except OSError as error:
        if error.errno == errno.ELOOP:
            return "a link that leads back to itself; put the file in its place"
        return f"can't be read ({error.strerror}); give read permission, or mend it"
    if stat.S_ISREG(mode):
        return None
    kind = next((words for is_kind, words in SPECIAL if is_kind(mode)), "no file")
    return f"{kind}, which holds nothing to read; export into a file"


def by_download(name: str) -> tuple[str, int, str]:
    """Order of files that came together: `costs.csv`, then `costs (1).csv`, then `costs (10).csv`."""
    numbered = re.fullmatch(r"(.*?) ?\((\d{1,9})\)((?:\.\w+)*)", name, re.DOTALL)
    return (numbered[1] + numbered[3], int(numbered[2]), name) if numbered else (name, 0, name)


def unpacked(path: Path, shown: str) -> tuple[list[tuple[Path | documents.Member, str]], str | None]:
    """The files of a zip archive by its name and theirs, or why they can't be read; any other file as it is."""
    try:
        members = documents.members_of(path)
    except Exception:  # which reading it will name
        members = None
    if isinstance(members, str):
        return [], members
    return [(member, f"{shown}/{name_of(member.name)}") for member in members or []] or [(path, shown)], None


def complaint(name: str, reason: str, refused_as: str | None = None) -> dict:
    """A file that is not read; `refused_as` is the kind that it would land as, where that is known."""
    origin = {"source_file": name, "source_line": None, "file_id": None, "line": None}
    return {**origin, "kind": "file", "reason": plain(reason), "refused_as": refused_as}


class Found(NamedTuple):
    """A file to land, or to read again: then it is in the store, and `ranges` are the bytes that landed as it."""

    path: Path | documents.Member
    name: str
    examined: Examined
    continues: str | None
    is_again: bool = False


class Survey(NamedTuple):
    """Files to land, what can't be read, how many were known, and the contents of all that can be read, by name."""

    fresh: list[Found]
    unread: list[dict]
    seen: int
    contents: dict[str, str]


def survey(found: list[File], store: Store, reading: Reading, workers: Workers) -> Survey:
    unread: list[dict] = []
    by_name = {entry["source_file"]: entry for entry in store.files.values()}
    for entry in store.forgotten.values():  # what grew from it begins with it
        by_name.setdefault(entry["source_file"], entry)
    resumes = [Resume(*end) if (end := by_name.get(name, {}).get("end")) else None for _, name in found]
    jobs = deque(
        Job(place, examine, (path, known, store.algorithm))
        for place, ((path, _), known) in enumerate(zip(found, resumes, strict=True))
    )
    outcomes = {job.key: outcome for job, outcome in workers.run(jobs)}
    fresh, seen, ids, again, contents = [], 0, set(store.files), set(), {}
    for place, (path, name) in enumerate(found):
        examined: Examined | Exception = outcomes[place]
        if isinstance(examined, Exception):
            why = faults.why(examined)
            reason = f"can't be read ({why}){faults.remedy(examined)}"
            unread.append({**complaint(name, reason), "may_pass": faults.may_pass(why)})
            continue
        if examined.what.complaint:
            unread.append(complaint(name, examined.what.complaint, examined.what.table))
            continue
        if known := forgotten(name, examined, by_name, store):
            unread.append(known)
            continue
        contents[name] = examined.file_id
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
    return Survey(fresh, unread, seen, contents)


def forgotten(name: str, examined: Examined, by_name: dict[str, dict], store: Store) -> dict | None:
    """The complaint of a file that was taken out and does not land again, nor one that goes on from it."""
    known = store.forgotten.get(examined.file_id)
    if not known and examined.is_continued and by_name[name]["file_id"] not in store.files:
        known = by_name[name]
    return complaint_of_forgotten(name, known) if known else None


def complaint_of_forgotten(name: str, known: dict) -> dict:
    reason = (
        f"forgotten on {known['at'][:10]} (`make forget FILE=` with {known['source_file']}), not landed again; UNDO=1 "
        "takes that back, and a file with other content lands"
    )
    return {**complaint(name, reason), "is_forgotten": True}


def read_by_other_rules(
    path: Path | documents.Member, examined: Examined, continued: str | None, store: Store, reading: Reading
) -> Iterator[Found]:
    """The parts of a file that landed under other names of attributes or settings: each is read again as it is."""
    file_id = examined.file_id if examined.file_id in store.files else continued
    stop = examined.size
    if file_id and file_id != examined.file_id:
        stop = store.files[file_id]["end"][0]
    while file_id and (entry := store.files.get(file_id)):
        before = store.files.get(entry["continues"])
        begin, line = (before["end"][0], before["end"][1] + 1) if before else (0, 1)
        if entry["reading"] != mark_of(entry, reading) or gates.is_reached(entry.get("too_far")):
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
    tasks = []
    groups: dict[tuple[Recognised, str, str], list[Piece]] = {}
    for path, name, examined, _, is_again in fresh:
        ranges = examined.ranges or (None,)
        pieces = [Piece(path, examined.file_id, name, span, examined.stamp) for span in ranges]
        decimal, date_order = (
            reading.setting(setting, name, examined.what.table) for setting in ("decimal", "date_order")
        )
        if len(pieces) == 1 and not is_again and bytes_of(path) < SMALL_BYTES:
            groups.setdefault((examined.what, decimal, date_order), []).extend(pieces)
            continue
        for number, piece in enumerate(pieces):
            task_name = f"{examined.file_id[:16]}-{number:05d}" + (f"-{landing_no}" if is_again else "")
            tasks.append(Task(examined.what, task_name, number << 40, (piece,), decimal, date_order))
    for (what, decimal, date_order), pieces in groups.items():
        for begin in range(0, len(pieces), GROUP_FILES):
            group = tuple(pieces[begin : begin + GROUP_FILES])
            tasks.append(Task(what, f"{group[0].file_id[:16]}-group-{landing_no}", 0, group, decimal, date_order))
    return tasks


def bytes_of(path: Path | documents.Member) -> int:
    """A file's size on disk; none of a file that was taken away, which reading it will name."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def read_all(
    tasks: list[Task], reading: Reading, staging: Path, workers: Workers
) -> tuple[dict[str, Counts], dict[str, str]]:
    """Per file id the counts of all its pieces; and why a file can't be read to its end."""
    counts: dict[str, Counts] = {}
    broken: dict[str, str] = {}
    size = sum(piece.span[1] if piece.span else bytes_of(piece.path) for task in tasks for piece in task.pieces)
    jobs = deque(Job(task, perform, (task, reading, staging)) for task in tasks)
    with progress_bar(
        total=size, unit="B", unit_scale=True, desc="landing", disable=not tasks, mininterval=pace()
    ) as bar:

        def show() -> None:
            bytes_read, rows = workers.progress()
            bar.update(max(min(bytes_read, size) - bar.n, 0))
            bar.set_postfix_str(f"{rows:,} rows", refresh=False)

        for job, outcome in workers.run(jobs, show):
            task: Task = job.key
            if isinstance(outcome, Exception):
                unstage(task.name, staging)  # a process that was killed left what it had written
                if len(task.pieces) == 1:
                    broken[task.pieces[0].file_id] = faults.why(outcome)
                    continue
                for number, piece in enumerate(task.pieces):  # one bad file must not take its group along
                    alone = task._replace(name=f"{piece.file_id[:16]}-{number:05d}", row_base=0, pieces=(piece,))
                    jobs.append(Job(alone, perform, (alone, reading, staging)))
                continue
            for file_id, found in outcome.items():
                counts.setdefault(file_id, Counts()).add(found)
    return counts, broken


@dataclass
class Landing:
    """What a landing has come to so far, parcel by parcel; `failed` says why objects could not be downloaded."""

    landed: list[dict] = field(default_factory=list)
    unread: list[dict] = field(default_factory=list)
    present: set[str] = field(default_factory=set)
    seen: int = 0
    again: int = 0
    mended: int = 0
    failed: list[str] = field(default_factory=list)


def land(inbox: Inboxes, data: Path, sources: tuple[settled.Row, ...] = ()) -> int:
    variables = project_variables()
    store = Store(data)
    reading = Reading(
        hash_key(data, store),
        tuple(variables["feature_attributes"]),
        tuple(variables["team_attributes"]),
        variables["hash_identities"],
        variables["score_threshold"],
        os.environ.get("DECIMAL", ""),
        os.environ.get("DATE_ORDER", ""),
        sources,
        tuple(sorted(store.forgotten_users.items())),
        store.retired[-1]["retired_before"] if store.retired else "",
    )
    for entry in store.files.values():  # of a store that began before there were marks
        entry.setdefault("reading", mark_of(entry, reading))
    share, least = variables["max_reject_share"], variables["max_reject_share_min_rows"]
    done = Landing()
    with Arrivals(data, inbox.buckets) as arrivals:
        empty = arrivals.look()  # before anything lands: every bucket answers, or nothing lands
        damages = store.verify()
        for line in damages:
            print(f"  damaged: {line}")
        files, done.unread = files_of(inbox.folders)
        done.unread += [complaint(name_of(address), UNASKABLE) for address in sorted(arrivals.unaskable)]
        for parts in arrivals.unchanged(store, reading):
            know(parts, store, done)
        # Damaged rows come again at once: nothing lands while some of their sources are missing.
        for number, parcel in enumerate(arrivals.parcels(is_whole=bool(damages))):
            if number:
                store, files = Store(data), []
            arrived = unpack(parcel, done)
            files += [file for found in arrived.values() for file in found]
            taken = take(files, store, reading, arrivals.has, done)
            if lacking := not_again(store, {entry["file_id"] for entry in taken.landed}):
                print("ERROR: " + "\nERROR: ".join([*lacking, *failures(done.failed)]))
                return 1
            if taken.landed:
                judge(store, taken.landed)
            refused = gates.replaced(with_landed(store, taken.landed), share, least)
            rewrites = bool(taken.again or (damages and not number))
            store.commit(taken.landed, done.unread, refused, rewrites=rewrites)
            arrivals.remember(parcel, parts_of(arrived, taken.contents, store, done.unread))
            done.landed += taken.landed
    report(store, done.landed, done.unread, done.seen)
    if damages:
        files_again = f"{done.mended:,} files were landed again from the inbox"
        print(f"  mended: {len(damages):,} damaged Parquet files; {files_again}")
    if done.again > done.mended:
        print(
            f"  read again, because {RULES_CHANGED}, or a clock moved on, or a file was forgotten: "
            f"{done.again - done.mended} files"
        )
    found = missing.find(store, done.unread, done.present - store.forgotten.keys(), share)
    found.warnings.extend(empty)
    found.warnings.extend(gates.warnings(store, share, least))
    found.warnings.extend(read_by_old_rules(store, reading))
    found.errors.extend(gates.errors([*store.files.values()], share, least))
    missing.write(store, found)
    warn(found.warnings)
    errors = found.errors + failures(done.failed)
    for line in errors:
        print(f"ERROR: {line}")
    return int(bool(errors))


def failures(failed: list[str]) -> list[str]:
    """A line on each of the objects that could not be downloaded, as far as they are shown, and what to do."""
    if not failed:
        return []
    lines = failed[:SHOWN] + ([f"and {len(failed) - SHOWN:,} more objects"] if len(failed) > SHOWN else [])
    return [*lines, f"{len(failed):,} objects did not land, all else did; run again, which asks for these alone"]


def know(parts: list[Part], store: Store, done: Landing) -> None:
    """Count an object that is as it was, by what it came to then."""
    for part in parts:
        if part.file_id in store.forgotten:
            done.unread.append(complaint_of_forgotten(part.name, store.forgotten[part.file_id]))
        elif part.file_id:
            done.present.add(part.file_id)
            done.seen += 1
        else:
            done.unread.append(complaint(part.name, part.reason or "", part.refused_as))


def unpack(parcel: Parcel, done: Landing) -> dict[str, list[File]]:
    """The files of each object that arrived, by address, in the order of an inbox's folder; complaints on others."""
    files = {}
    for one in sorted(parcel.arrived, key=lambda one: by_folder(one.object.address)):
        files[one.object.address], why = unpacked(one.path, one.name)
        if why:
            files[one.object.address] = [(one.path, one.name)]
            done.unread.append(complaint(one.name, why))
    done.unread += [{**complaint(name, reason), "may_pass": True} for name, reason in parcel.gone]
    # An error says that these are missing.
    done.unread += [{**complaint(name, reason), "may_pass": True, "is_said": True} for name, reason in parcel.failed]
    done.failed += [reason for _, reason in parcel.failed]
    return files


def by_folder(address: str) -> list:
    """As `files_in` has them: a folder's files, then its folders."""
    *folders, name = address.split("/")
    return [*((1, folder) for folder in folders), (0, by_download(name))]


def parts_of(arrived: dict[str, list[File]], contents: dict[str, str], store: Store, unread: list[dict]) -> dict:
    """What objects came to, by address: their parts. Without those that may come to something else next time."""
    refused = {item["source_file"]: item for item in unread}
    found = {}
    for address, files in arrived.items():
        parts = [part_of(name, contents.get(name), store, refused.get(name)) for _, name in files]
        if all(parts):
            found[address] = parts
    return found


def part_of(name: str, file_id: str | None, store: Store, refused: dict | None) -> Part | None:
    if file_id and (file_id in store.files or file_id in store.forgotten):
        return Part(name, file_id)
    if refused and not (refused.get("may_pass") or refused.get("is_forgotten")):
        return Part(name, None, refused["reason"], refused["refused_as"])
    return None


class Taken(NamedTuple):
    """What was read into staging: entries of the files to land, the contents by name, and how many were read again."""

    landed: list[dict]
    contents: dict[str, str]
    again: int


def take(files: list[File], store: Store, reading: Reading, has: Callable[[str], bool], done: Landing) -> Taken:
    """Read files into the store's staging; `has` says whether a bucket holds an object."""
    with Workers() as workers:
        fresh, unread, seen, contents = survey(files, store, reading, workers)
        if fresh:  # while the processes, forked by now, read
            workers.beside(check.great_expectations)
        counts, broken = read_all(tasks_of(fresh, store.landings, reading), reading, store.staging, workers)
    landed = []
    for path, name, examined, continued, is_again in fresh:
        if examined.file_id in broken:
            unstage(examined.file_id[:16], store.staging)
            why = broken[examined.file_id]
            reason = f"{examined.what.table} that can't be read to its end ({why})"
            unread.append({**complaint(name, reason, examined.what.table), "may_pass": faults.may_pass(why)})
            continue
        held = counts[examined.file_id]
        if not (held.rows_read or held.evals_within or continued or is_again) and examined.what.form in NOTHING:
            unread.append(complaint(name, NOTHING[examined.what.form]))
            continue
        for kind, text in uncounted.remarks(held.uncounted, name):
            held.said(kind).append(text)
        held.warnings += lonely_note(path, name, examined, has)
        entry = {"file_id": examined.file_id, "source_file": name, "kind": examined.what.table}
        entry["reading"] = mark_of({**entry, **held.as_entry()}, reading)
        end = list(examined.end) if examined.end else None
        silence = mostly_silent(examined, held)
        if isinstance(path, documents.Member):
            entry["archive_id"] = path.archive_id
        landed.append({**entry, "end": end, "continues": continued, "unread": silence, **held.as_entry()})
        if silence:
            unread.append(complaint(name, silence))
    again = sum(found.is_again for found in fresh)
    done.again += again
    done.mended += sum(store.files[found.examined.file_id]["reading"] == DAMAGED for found in fresh if found.is_again)
    done.unread += unread
    done.present |= set(contents.values())
    done.seen += seen
    return Taken(landed, contents, again)


def with_landed(store: Store, landed: list[dict]) -> list[dict]:
    """The store's files as they will be after a commit."""
    last = max((entry["landing_no"] for entry in store.files.values()), default=0)
    new = {"landing_no": last + 1, "landing": store.landings + 1}
    coming = {entry["file_id"]: {**new, **store.files.get(entry["file_id"], {}), **entry} for entry in landed}
    return [*{**store.files, **coming}.values()]


def not_again(store: Store, again: set[str]) -> list[str]:
    """Errors on files whose landed rows are damaged, and that the inbox doesn't hold any more."""
    lacking = [e["source_file"] for e in store.files.values() if e["reading"] == DAMAGED and e["file_id"] not in again]
    lines = [
        f"rows of {name} in {store.root} are damaged, and the inbox doesn't hold it as it landed: put it back into the "
        "inbox, or the Parquet files named above from a backup; until then nothing lands"
        for name in lacking[:SHOWN]
    ]
    return lines + ([f"so are those of {len(lacking) - SHOWN:,} more files"] if len(lacking) > SHOWN else [])


def judge(store: Store, landed: list[dict]) -> None:
    """Great Expectations' word on the staged rows, put down to the files that they stand in."""
    entries = {entry["file_id"]: entry for entry in landed}
    for one in check.door(store.staging, f"{landed[0]['file_id'][:16]}-{store.landings}"):
        entry = entries[one.file_id]
        if not one.is_rejected:
            entry["warnings"].append(one.said)
        else:
            own = entry["kind"] == one.table
            entry["rows_rejected" if own else "evals_within"] += one.rows if own else -one.rows
            said = f"line {one.line:,}: {one.said}"
            entry["first_reasons"][said] = entry["first_reasons"].get(said, 0) + one.rows


def lonely_note(path: Path | documents.Member, name: str, examined: Examined, has: Callable[[str], bool]) -> list[str]:
    """A warning on the note of a request that lies beside no page."""
    page = name.rpartition("/")[2].removesuffix(NOTE)
    if examined.what.table != "manifests" or isinstance(path, documents.Member) or not name.endswith(NOTE):
        return []
    lies_beside = has(name.removesuffix(NOTE)) if "://" in name else path.with_name(page).exists()
    return [] if lies_beside else [f"{name}: the note of a request without its page {page}; put that beside it"]


def mostly_silent(examined: Examined, counts: Counts) -> str | None:
    """Why a file counts as not read: its reader understood nothing of most of its records, each refused by line."""
    silent, read, form = counts.rows_silent, counts.rows_read, examined.what.form
    if 2 * silent <= read:
        return None
    return (
        f"{silent:,} of {read:,} records say nothing to the reader of {span_marks.title(form)}, the nearest format, "
        f"which needs {span_marks.needs(form)} ({next(iter(counts.first_reasons))}); see docs/inputs.md"
    )


def read_by_old_rules(store: Store, reading: Reading) -> list[str]:
    """Warnings on files that can't be read again although the rules of reading changed."""
    old = [entry for entry in store.files.values() if entry["reading"] != mark_of(entry, reading)]
    lacking = [entry for entry in old if entry.get("lacks")]
    old = [entry for entry in old if not entry.get("lacks")]
    lines = [
        f"{entry['source_file']} lacks copies of spans that gave way to {entry['lacks']}, which was forgotten; put it "
        "back into the inbox"
        for entry in lacking
    ]
    lines += [
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


def run(inbox: Path | str, data: Path, strict: bool | None = None, seeds: Path | None = None) -> int:
    """Land under a lock; exit code as in the module's text. `inbox`: a folder, or text as INBOX has it, which may name
    several folders and buckets. `strict`: whether a warning fails it, else STRICT says; `seeds`: the company's, where
    they are not those that DATA was built with.
    """
    try:
        inboxes = inboxes_of(inbox)
    except Trouble as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return error.code
    if complaint := settled.complaint_of_settings():
        print(f"ERROR: {complaint}", file=sys.stderr)
        return 2
    sources, complaint = settled.rows_of((seeds or company.seeds_of(str(data))) / "bill_sources.csv")
    if complaint:
        print(f"ERROR: seed bill_sources: {complaint}", file=sys.stderr)
        return 2
    with state.holding(data) as is_held:
        if not is_held:
            return 2
        try:
            code = land(inboxes, data, sources)
        except settled.Contradiction as error:
            print(f"ERROR: {error}", file=sys.stderr)
            return 2
        except Trouble as error:
            print(f"ERROR: {error}", file=sys.stderr)
            return error.code
    if code == 0 and (is_strict() if strict is None else strict) and (warnings := missing.known(data).warnings):
        return failed_as_strict(len(warnings))
    return code


def failed_as_strict(warnings: int) -> int:
    print(f"ERROR: STRICT=1, and {warnings:,} warning{'s' * (warnings > 1)} above", file=sys.stderr)
    return 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("inbox", metavar="INBOX")
    parser.add_argument("data", type=Path, metavar="DATA")
    given = parser.parse_args()
    return run(given.inbox, given.data)


if __name__ == "__main__":
    sys.exit(ending.of(main))
