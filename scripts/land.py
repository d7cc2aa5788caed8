"""Land what lies in the inbox: recognise each file by content, read it once, write typed Parquet.

Usage: land.py INBOX DATA. Exit 0 also when files or lines were rejected (they are named); 1 when the share of
rejected rows of a kind passes `max_reject_share`; 2 when the call itself is wrong.
"""

import fcntl
import os
import secrets
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from hashlib import sha256
from pathlib import Path

import yaml
from tqdm import tqdm

import check
from landing import Unreadable, rows_csv, spans_json
from landing.canonical import Aliases
from landing.recognise import opened, recognise
from landing.store import Staged, Store

PROJECT = Path(__file__).resolve().parent.parent
CHUNK = 1 << 22


def content_id(path: Path) -> str:
    """sha256 of the decompressed bytes: the same content under any name or compression is one file."""
    digest = sha256()
    with opened(path) as stream:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()[:32]


def pace() -> float:
    """Seconds between progress lines: often to a person, seldom into a log."""
    return 0.2 if sys.stderr.isatty() else 10


def hash_key(data: Path) -> bytes:
    """The key of text hashes: made once per data folder, so that hashes can't be looked up elsewhere."""
    path = data / "landed" / ".hash_key"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        part.write_bytes(secrets.token_bytes(32))
        part.chmod(0o600)
        os.replace(part, path)
    return path.read_bytes()


def project_variables() -> dict:
    return yaml.safe_load((PROJECT / "dbt_project.yml").read_text()).get("vars", {})


def land_file(path: Path, name: str, kind: str, file_id: str, staging: Path, secret: bytes, extra: dict) -> dict:
    """Read one file into staging; returns its manifest entry with counts."""
    origin = {"source_file": name, "source_line": None, "file_id": file_id}
    staged = Staged(staging, file_id)
    read = rejected = 0
    reasons: dict[str, int] = {}
    with opened(path) as stream:
        if kind == "spans":
            aliases = Aliases(PROJECT / "seeds" / "reference" / "attribute_aliases.csv", extra, secret)
            records = _span_records(stream, aliases, origin)
        else:
            records = rows_csv.read(stream, kind, origin)
        for line_no, row in records:
            read += 1
            if isinstance(row, Unreadable):
                rejected += 1
                reasons[str(row)] = reasons.get(str(row), 0) + 1
                staged.add("rejects", {**origin, "source_line": line_no, "kind": kind, "reason": str(row)})
            else:
                row["row_no"] = read
                staged.add(kind, row)
    staged.close()
    return {
        "file_id": file_id,
        "source_file": name,
        "kind": kind,
        "rows_read": read,
        "rows_rejected": rejected,
        "first_reasons": dict(list(reasons.items())[:3]),
    }


def _span_records(stream, aliases: Aliases, origin: dict):
    for line_no, document in spans_json.documents(stream):
        if isinstance(document, Unreadable):
            yield line_no, document
            continue
        for row in spans_json.read(document, aliases, {**origin, "source_line": line_no}):
            yield line_no, row


def survey(inbox: Path, known: dict) -> tuple[list[tuple], list[dict], int]:
    """(files to land, what can't be read and why, how many files were already known)."""
    found, unread, seen = [], [], 0

    def complain(name: str, reason: str) -> None:
        unread.append({"source_file": name, "source_line": None, "file_id": None, "kind": "file", "reason": reason})

    def on_error(error: OSError) -> None:
        complain(os.path.relpath(error.filename, inbox), f"can't be opened ({error.strerror}); give read permission")

    for folder, folders, names in os.walk(inbox, onerror=on_error):
        folders.sort()
        for name in sorted(names):
            path = Path(folder, name)
            shown = str(path.relative_to(inbox))
            try:
                if path.is_symlink() and not path.resolve().is_relative_to(inbox.resolve()):
                    complain(shown, "a link that leaves the inbox; it is not followed")
                    continue
                if not path.is_file():
                    continue
                what = recognise(path)
                if what.kind is None:
                    complain(shown, what.complaint)
                    continue
                file_id = content_id(path)
                if file_id in known:
                    seen += 1
                    continue
                known = {**known, file_id: None}
                found.append((path, shown, what.kind, file_id))
            except (OSError, EOFError) as error:
                complain(
                    shown,
                    f"can't be read ({getattr(error, 'strerror', None) or error}); give read permission, or mend it",
                )
    return found, unread, seen


def land(inbox: Path, data: Path) -> int:
    variables = project_variables()
    extra = {"feature_id": variables["feature_attributes"], "team_id": variables["team_attributes"]}
    store, secret = Store(data), hash_key(data)
    found, unread, seen = survey(inbox, store.files)
    landed = []
    size = sum(path.stat().st_size for path, *_ in found)
    with (
        ProcessPoolExecutor(max_workers=os.cpu_count()) as pool,
        tqdm(total=size, unit="B", unit_scale=True, desc="landing", disable=not found, mininterval=pace()) as bar,
    ):
        tasks = {pool.submit(land_file, *item, store.staging, secret, extra): item for item in found}
        for task in as_completed(tasks):
            path, shown, kind, file_id = tasks[task]
            bar.update(path.stat().st_size)
            try:
                landed.append(task.result())
            except (OSError, EOFError) as error:
                for part in store.staging.glob(f"*/*{file_id}.parquet"):
                    part.unlink()
                unread.append(
                    {
                        "source_file": shown,
                        "source_line": None,
                        "file_id": None,
                        "kind": "file",
                        "reason": f"{kind} that can't be read to its end ({error})",
                    }
                )
    landed.sort(key=lambda entry: entry["source_file"])
    if landed and (complaints := check.door(store.staging)):
        for complaint in complaints:
            print(f"ERROR at the door: {complaint}")
        names = ", ".join(entry["source_file"] for entry in landed)
        print(f"nothing landed; correct or take out the file that this stands in, of: {names}")
        return 1
    store.commit(landed, unread)
    report(store, landed, unread, seen)
    return over_share(landed, variables)


def report(store: Store, landed: list[dict], unread: list[dict], seen: int) -> None:
    """Per kind what landed, then by name every file and line that did not."""
    for kind in sorted({entry["kind"] for entry in landed}):
        entries = [entry for entry in landed if entry["kind"] == kind]
        rejected = sum(entry["rows_rejected"] for entry in entries)
        rows = sum(entry["rows_read"] for entry in entries) - rejected
        print(f"  {kind}: {rows:,} rows from {len(entries)} files, {rejected:,} rejected")
    for entry in landed:
        for reason, times in entry["first_reasons"].items():
            print(f"  rejected {times:,}x in {entry['source_file']}: {reason}")
    for item in unread:
        print(f"  not read {item['source_file']}: {item['reason']}")
    copies = sum(entry["rows_superseded"] for entry in store.files.values())
    print(
        f"landed {len(landed)} new files ({seen} known, {len(unread)} not read; {copies:,} copies of spans aside); "
        f"rejects: {store.root}/rejects"
    )


def over_share(landed: list[dict], variables: dict) -> int:
    """1 where rejects of one kind pass the share that the project allows; says which and how many."""
    worst = 0
    for kind in sorted({entry["kind"] for entry in landed}):
        read = sum(entry["rows_read"] for entry in landed if entry["kind"] == kind)
        rejected = sum(entry["rows_rejected"] for entry in landed if entry["kind"] == kind)
        if read >= variables["max_reject_share_min_rows"] and rejected > read * variables["max_reject_share"]:
            print(
                f"ERROR: {rejected:,} of {read:,} rows of {kind} rejected, over max_reject_share "
                f"({variables['max_reject_share']:.0%}); correct the files named, or raise it"
            )
            worst = 1
    return worst


def run(inbox: Path, data: Path) -> int:
    """Land under a lock; exit code as in the module's text."""
    if not inbox.is_dir():
        print(f"ERROR: the inbox {inbox} is no folder; create it, or say INBOX=<folder>", file=sys.stderr)
        return 2
    data.mkdir(parents=True, exist_ok=True)
    with (data / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"ERROR: another landing is writing to {data}; wait for it", file=sys.stderr)
            return 2
        return land(inbox, data)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(run(Path(sys.argv[1]), Path(sys.argv[2])))
