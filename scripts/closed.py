"""The closed months of a data folder: `DATA/closed/YYYY-MM` with entries.parquet, exports and a manifest; a log beside.

A build reads the entries and writes none. What was closed is told by the log and by the manifests' sha256, so that a
file that somebody changed, or a month that somebody took away, is an error and not another ledger.
"""

import json
import os
import re
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import state

ENTRIES, MANIFEST, EXPORTS, LOG = "entries.parquet", "manifest.json", "exports", "log.jsonl"
EXPORTED = f"{EXPORTS}/manifest.json"  # has the sha256 of each exported file, which `make export` asks


def months(data: Path) -> list[str]:
    folders = (data / "closed").glob("*") if (data / "closed").is_dir() else []
    return sorted(path.name for path in folders if re.fullmatch(r"\d{4}-\d{2}", path.name))


def manifest(data: Path, month: str) -> dict:
    return json.loads((data / "closed" / month / MANIFEST).read_text())


def digest(data: Path) -> str:
    """Of all that a build reads here; `complaints` says whether the files are those that the manifests name."""
    return "".join(month + manifest(data, month)["entries"]["sha256"] for month in months(data))


def log(data: Path) -> list[dict]:
    path, lines = data / "closed" / LOG, []
    for number, line in enumerate(path.read_bytes().splitlines() if path.exists() else [], 1):
        try:
            lines.append(json.loads(line))
        except ValueError:
            raise state.Unreadable(f"line {number} of {path} can't be read; put the log back from a backup") from None
    return lines


def torn(data: Path) -> list[str]:
    """Drops the last line of the log where the machine stopped in it and its month's folder is there, from which
    `complaints` writes it again; a complaint where not.
    """
    path = data / "closed" / LOG
    whole, end, last = path.read_bytes().rpartition(b"\n") if path.exists() else (b"", b"", b"")
    if not last:
        return []
    try:
        json.loads(last)
        state.write(path, whole + end + last + b"\n")
        return []
    except ValueError:
        pass
    said = re.search(rb'"month": "(\d{4}-\d{2})"', last)
    if not said or said[1].decode() not in months(data):
        return [
            f"the last line of {path} is cut off, and no closed month shows what it said: put the log back from a "
            "backup, or take the line out if every closed month is there"
        ]
    state.write(path, whole + end)
    print(
        f"{path}: its last line was cut off and is dropped; {data}/closed/{said[1].decode()} is there and says the same"
    )
    return []


def trace(data: Path, month: str, action: str, what: dict) -> None:
    """One line more in the log, which is only ever added to."""
    line = {"at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", "month": month, "action": action, **what}
    with (data / "closed" / LOG).open("a") as target:
        target.write(json.dumps(line) + "\n")
        target.flush()
        os.fsync(target.fileno())


def trace_of(manifest: dict) -> dict:
    """What the log says of a month that was closed."""
    entries = manifest["entries"]
    names = ("data_until", "flags", "overruled")
    return {name: manifest[name] for name in names} | {name: entries[name] for name in ("rows", "totals", "sha256")}


def complaints(data: Path) -> list[str]:
    """Where the closed files are not what was closed."""
    found, present, last = torn(data), months(data), {}
    if found:
        return found
    for line in log(data):
        last[line["month"]] = line["action"]
    for month in sorted(month for month, action in last.items() if action != "reopened" and month not in present):
        found.append(f"{data}/closed/{month} is gone, and {data}/closed/{LOG} says that it was closed; put it back")
    for month in present:
        folder = data / "closed" / month
        try:
            stated = manifest(data, month)
            wanted = {ENTRIES: stated["entries"]["sha256"], EXPORTED: stated["exports_sha256"]}
        except (OSError, ValueError, KeyError):
            found.append(f"{folder}/{MANIFEST} can't be read; put back the one that `make close` wrote")
            continue
        for name, expected in wanted.items():
            path = folder / name
            if not path.exists() or sha256(path.read_bytes()).hexdigest() != expected:
                found.append(f"{path} is not what was closed (sha256); put back the file that `make close` wrote")
        if last.get(month) != "closed":  # killed between the folder and its line
            trace(data, month, "closed", trace_of(stated))
    return found
