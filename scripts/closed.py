"""The closed months of a data folder: `DATA/closed/YYYY-MM` with entries.parquet, exports and a manifest; a log beside.

A build reads the entries and writes none. The log's lines are the links of one chain (chain.py): each states what was
closed or reopened, the sha256 of the month's entries, exports and manifest, and the hash of the line before it. A file
that somebody changed, a month or line that somebody took away, edited or made anew, is an error and not another ledger.
DATA/.chain names the chain's last link, and the exports in DATA/exports list its closings, so that closed months are
missed also where the folder and the log went together.

Months that were closed before there was a chain become its first links, by what their files are then: the first build
or close that sees a log without hashes adopts them and says so.

What this does not prove: whoever can write all of DATA can make the whole chain anew, stamp and exports included, with
other amounts. Two things outside of DATA show it. One is a closing hash, or the manifest of an export, that finance
holds: `make verify HEAD=` and `MANIFEST=` compare it. The other is LEDGER_SIGNING_KEY, where whoever can write DATA
does not have it: without the key no link can be signed, and `make verify` says how many are. A closing hash covers the
months up to its own, not those closed later: a chain cut back to a closing that somebody holds is seen only by whoever
holds a later one. Nor does it cover the wording of its own month's exports; the manifest of these does. The time of a
closing is the clock's of the machine that closed. Months that were adopted are proven from their adoption on.
"""

import fcntl
import json
import re
import shutil
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from pyarrow import ArrowInvalid, parquet

import chain
import state

ENTRIES, MANIFEST, EXPORTS, LOG = "entries.parquet", "manifest.json", "exports", "log.jsonl"
EXPORTED = f"{EXPORTS}/manifest.json"  # has the sha256 of each exported file, which `make export` asks
# A folder of its own for months that are being closed: a build reads `closed/*/entries.parquet`.
PARTS = ".parts"
EMPTY = ".empty"  # entries without rows, which each landing writes: columns where no month is closed


class Log(NamedTuple):
    """The log as it is: lines from before there was a chain, the chain's links, and what of it can't be read."""

    early: list[dict]
    early_text: str
    links: list[dict]
    unread: list[str]
    torn: str  # a last line without its end


class Change(NamedTuple):
    """What a run that did not end left to be written: the log's whole text, its links, and a word on it."""

    text: str | None
    links: list[dict]
    note: str | None


def months(data: Path) -> list[str]:
    folders = (data / "closed").glob("*") if (data / "closed").is_dir() else []
    return sorted(path.name for path in folders if re.fullmatch(r"\d{4}-\d{2}", path.name))


def manifest(data: Path, month: str) -> dict:
    return json.loads((data / "closed" / month / MANIFEST).read_text())


def digests(data: Path) -> list[tuple[str, str, str | None]]:
    """Of all that a build reads here: month, sha256 of its entries, and the build that they were frozen from. Whether
    the files are those that the manifests name, `complaints` says.
    """
    stated = [(month, manifest(data, month)) for month in months(data)]
    return [(month, what["entries"]["sha256"], what.get("build_id")) for month, what in stated]


def log(data: Path) -> list[dict]:
    read = _read(data)
    return read.early + read.links


def links(data: Path) -> list[dict]:
    """The chain: each closing and reopening since there is one."""
    return _read(data).links


def hash_of(path: Path) -> str | None:
    return sha256(path.read_bytes()).hexdigest() if path.is_file() else None


def _text(data: Path) -> str:
    path = data / "closed" / LOG
    text = path.read_text(errors="replace") if path.exists() else ""
    return text + "\n" * (_parsed(text.rpartition("\n")[2]) is not None)  # an editor may take the end of the last line


def _read(data: Path) -> Log:
    path, early, found, unread = data / "closed" / LOG, [], [], []
    *lines, torn = _text(data).split("\n")
    early_lines = []
    for number, line in enumerate(lines, 1):
        said = _parsed(line)
        if said is None:
            unread.append(f"line {number} of {path} can't be read; put back the line of a backup")
        elif "hash" in said:
            found.append(said)
            if json.dumps(said) != line:  # a member twice, of which readers may take either
                unread.append(
                    f"line {number} of {path} ({chain.named(said)}) was edited; put back the line of a backup"
                )
        elif found:
            unread.append(
                f"line {number} of {path} ({chain.named(said)}) has no hash: it was edited, or somebody added it; put "
                "back the log of a backup"
            )
        else:
            early.append(said)
        if not found:
            early_lines.append(line + "\n")
    return Log(early, "".join(early_lines), found, unread, torn)


def _parsed(line: str) -> dict | None:
    try:
        said = json.loads(line)
    except ValueError:
        return None
    return said if isinstance(said, dict) and {"month", "action"} <= said.keys() else None


def now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


def trace_of(manifest: dict) -> dict:
    """What the log says of a month that was closed."""
    entries = manifest["entries"]
    names = ("data_until", "flags", "overruled")
    return {name: manifest[name] for name in names} | {name: entries[name] for name in ("rows", "totals", "sha256")}


def files_of(folder: Path) -> dict:
    """The hashes by which a link binds a month's files."""
    return {"exports_sha256": hash_of(folder / EXPORTED), "manifest_sha256": hash_of(folder / MANIFEST)}


def trace(data: Path, month: str, action: str, what: dict, move: tuple[Path, Path]) -> dict:
    """One link more, and the month's folder moved as it says (from, to; or to where it is already).

    The stamp holds the link before anything else is written, so that a run that was killed is completed by the next.
    """
    read = _read(data)
    folder, place = move
    what = {"at": now(), "month": month, "action": action, **what, **files_of(folder)}
    link = chain.linked(read.links[-1] if read.links else None, what | _before(read))
    chain.write_stamp(data, read.links, link)
    if folder != place:
        place.parent.mkdir(parents=True, exist_ok=True)
        state.move(folder, place)
    with suppress(OSError):
        (data / "closed" / PARTS).rmdir()
    state.write(data / "closed" / LOG, _text(data) + json.dumps(link) + "\n")
    chain.write_stamp(data, [*read.links, link])
    return link


def _before(read: Log) -> dict:
    """For the first link: what the log held before there was a chain."""
    return {} if read.links else {"log_sha256": sha256(read.early_text.encode()).hexdigest()}


def next_closing(data: Path, month: str, what: dict) -> dict:
    """The closing that `trace` will add, for the exports to list and the manifest to state."""
    read = _read(data)
    what = {"month": month, "action": "closed", **what, **_before(read)}
    return {**what, "closing_hash": chain.closing_hash(read.links[-1] if read.links else None, what)}


def unsigned(data: Path) -> list[str]:
    """What speaks against a link more: a chain that was signed, and no key to sign with."""
    if chain.keys() or not any("signature" in link for link in links(data)):
        return []
    return [f"{data}/closed/{LOG} is signed, and {chain.KEY} is not set: what is closed now would have no signature"]


def complaints(data: Path) -> list[str]:
    """Where the closed files are not what was closed; completes what a run that was killed had begun, unless another
    process holds the data folder's lock.
    """
    found, change = _examined(data)
    is_locked = data.resolve() in state.HELD
    parts = list((data / "closed").glob(".????-??.part"))  # earlier releases left them where a build reads
    if is_locked or not (found or change or parts):
        return found or (_written(data, change) if is_locked else [])
    with suppress(OSError), (data / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        found, change = _examined(data)  # a close may have ended in between
        return found or _written(data, change)
    return found


def _written(data: Path, change: Change | None) -> list[str]:
    if change:
        if change.text is not None:
            state.write(data / "closed" / LOG, change.text)
        chain.write_stamp(data, change.links)
        if change.note:
            print(change.note)
    for part in [*(data / "closed").glob(".????-??.part"), data / "closed" / PARTS]:
        shutil.rmtree(part, ignore_errors=True)
    return []


def _examined(data: Path) -> tuple[list[str], Change | None]:
    stamp, read, path = chain.stamp(data), _read(data), data / "closed" / LOG
    first_line = read.early_text.count("\n") + 1
    if not read.links and not (stamp and stamp.get("pending")):
        if lost := _lost(data, stamp, read):
            return lost, None
        return _early(data, read)
    linked, change, found = read.links, None, list(read.unread)
    if read.links and sha256(read.early_text.encode()).hexdigest() != read.links[0].get("log_sha256"):
        found.append(f"{path} has other lines before line {first_line} than it had; put back the log of a backup")
    found += chain.breaks(linked, first_line, path)
    pending = (stamp or {}).get("pending")
    if stamp and pending and not found and (linked[-1]["hash"] if linked else None) == stamp["head"]:
        if _is_moved(data, pending):  # killed before the line
            linked = [*linked, pending]
            change = Change(_text(data)[: -len(read.torn) or None] + json.dumps(pending) + "\n", linked, None)
            read = read._replace(torn="")
        else:
            change = Change(None, linked, None)
    elif pending and linked and linked[-1]["hash"] == pending["hash"]:  # killed before the stamp
        change = Change(None, linked, None)
    elif stamp is None:
        note = f"{data}/{chain.STAMP} was not there; it names the last closing of {path} now: {_last(linked)}"
        change = Change(None, linked, note)
    else:
        found += chain.unstamped(linked, stamp, data, path)
    if read.torn:
        found.append(f"the last line of {path} is cut short; put back the log of a backup")
    found += chain.false_signatures(linked, first_line, path)
    found += _months_complained(data, linked) + _strays(data) + _exports_complained(data, linked)
    return found, change


def _last(linked: list[dict]) -> str:
    return f"{chain.named(linked[-1])}, closing hash {linked[-1]['closing_hash']}"


def _is_moved(data: Path, pending: dict) -> bool:
    """Whether the folder is where the link that was to be added says."""
    month = data / "closed" / pending["month"]
    folder = data / "closed" / pending["kept"] if pending["action"] == "reopened" else month
    return hash_of(folder / MANIFEST) == pending["manifest_sha256"] and (folder == month or not month.exists())


def _lost(data: Path, stamp: dict | None, read: Log) -> list[str]:
    """Where there was a chain and none is there."""
    log = data / "closed" / LOG
    what = f"{log} has no link" if log.exists() else f"{log} is gone"
    if stamp and stamp["links"]:
        last = f"{stamp.get('month')} {stamp.get('action')}, {stamp.get('closing_hash')}"
        return [
            f"{what}, and {data}/{chain.STAMP} names {stamp['links']}, the last of them {last}; put back {data}/closed "
            "of a backup"
        ]
    for month in months(data):
        with suppress(OSError, ValueError):
            if "closing_hash" in manifest(data, month):
                return [
                    f"{what}, and {data}/closed/{month}/{MANIFEST} states a closing hash; put back the log of a backup"
                ]
    return _exports_complained(data, read.links)


def _early(data: Path, read: Log) -> tuple[list[str], Change | None]:
    """Of months that were closed before there was a chain: whether they are what was closed, and their links."""
    found, present, last, path = list(read.unread), months(data), {}, data / "closed" / LOG
    for line in read.early:
        last[line["month"]] = line["action"]
    note, torn = "", read.torn
    if torn and any(f'"month": "{month}"' in torn for month in present):
        note, torn = f"; its last line was cut short and is left out: {torn[:60]}", ""
    if torn:
        found.append(f"the last line of {path} is cut short; put back the log of a backup")
    found += _gone(data, last, present)
    linked: list[dict] = []
    for month in present:
        folder = data / "closed" / month
        try:
            stated = manifest(data, month)
            what = trace_of(stated)
            wanted = {ENTRIES: stated["entries"]["sha256"], EXPORTED: stated["exports_sha256"]}
        except (OSError, ValueError, KeyError, TypeError):
            found.append(f"{folder}/{MANIFEST} can't be read; put back the one that `make close` wrote")
            continue
        found += _changed(folder, wanted)
        what |= {"note": "closed before there was a chain"}
        what |= {} if linked else _before(read)
        what = {"at": now(), "month": month, "action": "adopted", **what, **files_of(folder)}
        linked.append(chain.linked(linked[-1] if linked else None, what))
    found += _strays(data)
    if found or not linked:
        return found, None
    text = read.early_text + "".join(json.dumps(link) + "\n" for link in linked)
    said = f"{path}: {len(linked)} months that were closed before there was a chain of closings are its first links now"
    return [], Change(text, linked, f"{said}: {_last(linked)}{note}")


def _gone(data: Path, last: dict[str, str], present: list[str]) -> list[str]:
    return [
        f"{data}/closed/{month} is gone, and {data}/closed/{LOG} says that it was closed; put it back"
        for month in sorted(month for month, action in last.items() if action != "reopened" and month not in present)
    ]


def _changed(folder: Path, wanted: dict[str, str | None]) -> list[str]:
    """Files of a closed month that are not what they were, exported ones by the manifest of the exports."""
    found = [
        f"{folder / name} is not what was closed (sha256); put back the file that `make close` wrote"
        for name, expected in wanted.items()
        if hash_of(folder / name) != expected
    ]
    if hash_of(folder / EXPORTED) != wanted[EXPORTED]:
        return found
    exports = folder / EXPORTS
    stated = {name: entry["sha256"] for name, entry in json.loads((folder / EXPORTED).read_text())["files"].items()}
    present = {str(path.relative_to(exports)) for path in exports.rglob("*") if path.is_file()} - {MANIFEST}
    for name in sorted(stated.keys() | present):
        if name not in stated:
            found.append(f"{exports / name} is not among the files that were closed; take it away")
        elif hash_of(exports / name) != stated[name]:
            what = "is not what was closed (sha256)" if name in present else "is gone"
            found.append(f"{exports / name} {what}; put back the file that `make close` wrote")
    return found


def _months_complained(data: Path, linked: list[dict]) -> list[str]:
    last, present, found = {link["month"]: link for link in linked}, months(data), []
    found += _gone(data, {month: link["action"] for month, link in last.items()}, present)
    for month in present:
        folder, link = data / "closed" / month, last.get(month, {"action": None})
        if link["action"] not in ("closed", "adopted"):
            why = "says that it was reopened" if link["action"] else "has no line of its closing"
            found.append(
                f"{folder} is there, and {data}/closed/{LOG} {why}; put back the log of a backup, or take the folder "
                f"away and close {month} with make close"
            )
            continue
        try:
            manifest(data, month)
        except (OSError, ValueError):
            found.append(f"{folder}/{MANIFEST} can't be read; put back the one that `make close` wrote")
            continue
        found += _changed(folder, _wanted(link))
    for link in linked:
        if link["action"] == "reopened":
            kept = data / "closed" / str(link.get("kept"))
            if not kept.is_dir():
                found.append(f"{kept} is gone, which {link['month']} was before it was reopened; put it back")
            else:
                found += _changed(kept, _wanted(link))
    return found


def _wanted(link: dict) -> dict[str, str | None]:
    return {ENTRIES: link.get("sha256"), EXPORTED: link.get("exports_sha256"), MANIFEST: link.get("manifest_sha256")}


def _strays(data: Path) -> list[str]:
    """Entries that a build would read, and that belong to no month."""
    known = set(months(data))
    return [
        f"{path} belongs to no month that was closed, and a build would read it; take it away"
        for path in sorted((data / "closed").glob(f"*/{ENTRIES}"))
        if path.parent.name not in known
        and not re.fullmatch(r"\.\d{4}-\d{2}\.part", path.parent.name)
        and not (path.parent.name == EMPTY and _has_no_rows(path))
    ]


def _has_no_rows(path: Path) -> bool:
    try:
        return parquet.read_metadata(path).num_rows == 0
    except (OSError, ArrowInvalid):  # the landing writes it anew
        return False


def _exports_complained(data: Path, linked: list[dict]) -> list[str]:
    """Exports that list a closing which the chain does not have."""
    found, here = [], chain.listed(linked)
    for path in sorted((data / "exports").glob(f"*/{MANIFEST}")):
        stated = exported_chain(path)
        if stated and (parting := chain.parted(stated, here)):
            found.append(
                f"{path} lists other closings than {data}/closed/{LOG} ({parting}); put back {data}/closed of a "
                f"backup, or, if these files are of another data folder, take {path.parent} away"
            )
    return found


def exported_chain(path: Path) -> list[dict] | None:
    """The closings that an export's manifest lists; nothing where it can't be read, or is older than the chain."""
    try:
        stated = json.loads(path.read_text())["closings"]
        return [{name: str(link[name]) for name in ("month", "action", "closing_hash")} for link in stated]
    except (OSError, ValueError, KeyError, TypeError):
        return None
