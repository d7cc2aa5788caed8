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
    path = data / "closed" / LOG
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


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
    found, present, last = [], months(data), {}
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
