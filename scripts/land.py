"""Land what lies in the inbox: recognise each file by content, read it once, write typed Parquet.

Rows of seed bill_sources that settle how files write numbers and days are those of the last build of DATA. Exit 0 also
when files or lines were rejected (they are named, and what is missing from a bill is a WARNING); 1 when the share of
rejected rows of a kind, or of a bill, passes `max_reject_share`, and with STRICT=1 where there is a WARNING; 2 when the
call itself is wrong.
"""

import errno
import os
import re
import secrets
import stat
import sys
from collections import deque
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import pandas  # noqa: F401 - the engine asks for it; loaded once, before the processes fork
import yaml
from tqdm import tqdm

import arguments
import check
import company
import ending
import state
from landing import documents, faults, gates, missing, reserved, settled, span_marks, uncounted
from landing.recognise import NOTHING, Recognised
from landing.spans import LEFT_OUT
from landing.store import DAMAGED, Store
from landing.work import Counts, Examined, Piece, Reading, Resume, Task, examine, perform, unstage
from landing.workers import Job, Workers
from paths import PULLING
from terminal import name_of, plain, print

PROJECT = Path(__file__).resolve().parent.parent
# Entries of a folder that are neither file, folder nor link.
SPECIAL = (
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)
SHOWN = 10  # files that a warning names
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


def files_in(inbox: Path) -> tuple[list[tuple[Path | documents.Member, str]], list[dict]]:
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


def survey(
    inbox: Path, store: Store, reading: Reading, workers: Workers
) -> tuple[list[Found], list[dict], int, set[str]]:
    """Files to land, what can't be read, how many files were known, and the contents of all that can be read."""
    found, unread = files_in(inbox)
    by_name = {entry["source_file"]: entry for entry in store.files.values()}
    for entry in store.forgotten.values():  # what grew from it begins with it
        by_name.setdefault(entry["source_file"], entry)
    resumes = [Resume(*end) if (end := by_name.get(name, {}).get("end")) else None for _, name in found]
    jobs = deque(
        Job(place, examine, (path, known, store.algorithm))
        for place, ((path, _), known) in enumerate(zip(found, resumes, strict=True))
    )
    outcomes = {job.key: outcome for job, outcome in workers.run(jobs)}
    fresh, seen, ids, again, present = [], 0, set(store.files), set(), set()
    for place, (path, name) in enumerate(found):
        examined: Examined | Exception = outcomes[place]
        if isinstance(examined, Exception):
            unread.append(complaint(name, f"can't be read ({faults.why(examined)}){faults.remedy(examined)}"))
            continue
        if examined.what.complaint:
            unread.append(complaint(name, examined.what.complaint, examined.what.table))
            continue
        if known := forgotten(name, examined, by_name, store):
            unread.append({**complaint(name, known), "is_forgotten": True})
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


def forgotten(name: str, examined: Examined, by_name: dict[str, dict], store: Store) -> str | None:
    """Why a file that was taken out does not land again, nor one that goes on from it."""
    known = store.forgotten.get(examined.file_id)
    if not known and examined.is_continued and by_name[name]["file_id"] not in store.files:
        known = by_name[name]
    if not known:
        return None
    return (
        f"forgotten on {known['at'][:10]} (`make forget FILE=` with {known['source_file']}), not landed again; UNDO=1 "
        "takes that back, and a file with other content lands"
    )


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
    with tqdm(total=size, unit="B", unit_scale=True, desc="landing", disable=not tasks, mininterval=pace()) as bar:

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


def land(inbox: Path, data: Path, sources: tuple[settled.Row, ...] = ()) -> int:
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
    damages = store.verify()
    for line in damages:
        print(f"  damaged: {line}")
    with Workers() as workers:
        fresh, unread, seen, present = survey(inbox, store, reading, workers)
        if fresh:  # while the processes, forked by now, read
            workers.beside(check.great_expectations)
        counts, broken = read_all(tasks_of(fresh, store.landings, reading), reading, store.staging, workers)
    landed = []
    for path, name, examined, continued, is_again in fresh:
        if examined.file_id in broken:
            unstage(examined.file_id[:16], store.staging)
            reason = f"{examined.what.table} that can't be read to its end ({broken[examined.file_id]})"
            unread.append(complaint(name, reason, examined.what.table))
            continue
        held = counts[examined.file_id]
        if not (held.rows_read or held.evals_within or continued or is_again) and examined.what.form in NOTHING:
            unread.append(complaint(name, NOTHING[examined.what.form]))
            continue
        for kind, text in uncounted.remarks(held.uncounted, name):
            held.said(kind).append(text)
        held.warnings += lonely_note(path, name, examined)
        entry = {"file_id": examined.file_id, "source_file": name, "kind": examined.what.table}
        entry["reading"] = mark_of({**entry, **held.as_entry()}, reading)
        end = list(examined.end) if examined.end else None
        silence = mostly_silent(examined, held)
        if isinstance(path, documents.Member):
            entry["archive_id"] = path.archive_id
        landed.append({**entry, "end": end, "continues": continued, "unread": silence, **held.as_entry()})
        if silence:
            unread.append(complaint(name, silence))
    if lacking := not_again(store, {entry["file_id"] for entry in landed}):
        print("ERROR: " + "\nERROR: ".join(lacking))
        return 1
    if landed:
        judge(store, landed)
    again = sum(found.is_again for found in fresh)
    mended = sum(store.files[found.examined.file_id]["reading"] == DAMAGED for found in fresh if found.is_again)
    share, least = variables["max_reject_share"], variables["max_reject_share_min_rows"]
    refused = gates.replaced(with_landed(store, landed), share, least)
    store.commit(landed, unread, refused, rewrites=bool(again or damages))
    report(store, landed, unread, seen)
    if damages:
        print(f"  mended: {len(damages):,} damaged Parquet files; {mended:,} files were landed again from the inbox")
    if again > mended:
        print(
            f"  read again, because {RULES_CHANGED}, or a clock moved on, or a file was forgotten: "
            f"{again - mended} files"
        )
    found = missing.find(store, unread, present, share)
    found.warnings.extend(gates.warnings(store, share, least))
    found.warnings.extend(read_by_old_rules(store, reading))
    found.errors.extend(gates.errors([*store.files.values()], share, least))
    missing.write(store, found)
    warn(found.warnings)
    for line in found.errors:
        print(f"ERROR: {line}")
    return int(bool(found.errors))


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


def lonely_note(path: Path | documents.Member, name: str, examined: Examined) -> list[str]:
    """A warning on the note of a request that lies beside no page."""
    page = name.rpartition("/")[2].removesuffix(NOTE)
    if examined.what.table != "manifests" or isinstance(path, documents.Member) or not name.endswith(NOTE):
        return []
    lies_beside = path.with_name(page).exists()
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


def run(inbox: Path, data: Path, strict: bool | None = None, seeds: Path | None = None) -> int:
    """Land under a lock; exit code as in the module's text. `strict`: whether a warning fails it, else STRICT says;
    `seeds`: the company's, where they are not those that DATA was built with.
    """
    if not inbox.is_dir():
        print(f"ERROR: the inbox {inbox} is no folder; create it, or say INBOX=<folder>", file=sys.stderr)
        return 2
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


def main() -> int:
    inbox, data = arguments.paths(__doc__, "inbox", "data")
    return run(inbox, data)


if __name__ == "__main__":
    sys.exit(ending.of(main))
