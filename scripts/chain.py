"""The chain of closings: each close and each reopening is a link that holds the hash of the link before it.

A link is a line of DATA/closed/log.jsonl. It has two hashes:

- `closing_hash`, of what was closed (month, action, flags, totals, sha256 of the entries) and of the closing before it,
  whose exports it takes in too. It holds no time, so that the same closings have the same hash in any folder. `make
  close` prints it, every export's manifest lists it and each statement states it: whoever holds one can tell whether
  the months up to there were made anew (`make verify MANIFEST=` or `HEAD=`).
- `hash`, of the whole line, with its time, the sha256 of the month's exports and manifest, and the line before it.

With LEDGER_SIGNING_KEY in the environment a link also has `signature`, the HMAC of its hash. The variable may hold
several keys, one a line: the first signs, any may have signed. The key is read from the environment and from nowhere
else, and is never written.

DATA/.chain is the stamp: how many links there are, the last one's hashes, and the link that is about to be added.
"""

import hmac
import json
import os
from hashlib import sha256
from pathlib import Path

import state

KEY, STAMP = "LEDGER_SIGNING_KEY", ".chain"
# All that a link says but not: its time, the exports that state the closing hash, and what is made of these.
NOT_IN_CLOSING = {"at", "exports_sha256", "manifest_sha256", "closing_hash", "previous", "hash", "signature"}


def keys() -> list[bytes]:
    return [key.encode() for key in os.environ.get(KEY, "").splitlines() if key.strip()]


def digest(what: dict) -> str:
    return sha256(json.dumps(what, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def signed(hashed: str, key: bytes) -> str:
    return hmac.new(key, hashed.encode(), sha256).hexdigest()


def closing_hash(previous: dict | None, what: dict) -> str:
    """Of a closing and of all before it; `what` may hold more than counts here."""
    before = [previous.get("closing_hash"), previous.get("exports_sha256")] if previous else None
    return digest({"before": before} | {name: value for name, value in what.items() if name not in NOT_IN_CLOSING})


def linked(previous: dict | None, what: dict) -> dict:
    """The link that says `what` after `previous`."""
    link = {**what, "closing_hash": closing_hash(previous, what), "previous": previous["hash"] if previous else None}
    link["hash"] = digest(link)
    return link | ({"signature": signed(link["hash"], keys()[0])} if keys() else {})


def own_hash(link: dict) -> str:
    return digest({name: value for name, value in link.items() if name not in ("hash", "signature")})


def named(link: dict) -> str:
    return f"{link.get('month')} {link.get('action')}"


def listed(links: list[dict]) -> list[dict]:
    """The closings as an export's manifest lists them."""
    return [{name: link.get(name) for name in ("month", "action", "closing_hash")} for link in links]


def breaks(links: list[dict], first_line: int, log: Path) -> list[str]:
    """Where links are not what was written, or don't follow each other."""
    found, stated, is_sound = [], [link["hash"] for link in links], True
    for place, link in enumerate(links):
        previous, line = links[place - 1] if place else None, f"line {first_line + place} of {log} ({named(link)})"
        was_sound, is_sound = is_sound, own_hash(link) == link["hash"]
        if not is_sound:
            found.append(f"{line} was edited: it does not have the hash that it states; put back the line of a backup")
        elif link.get("previous") != (previous["hash"] if previous else None):
            is_elsewhere = link.get("previous") is None or link["previous"] in stated
            why = "the lines are in another order" if is_elsewhere else "a line before it is missing, or another"
            found.append(f"{line} does not follow the line before it: {why}; put back the log of a backup")
        elif was_sound and link.get("closing_hash") != closing_hash(previous, link):
            found.append(f"{line} states another closing hash than that of what it says; put back the log of a backup")
    return found


def false_signatures(links: list[dict], first_line: int, log: Path) -> list[str]:
    """With a key: links that it did not sign, and links without a signature after one with it."""
    if not keys():
        return []
    signing = [(place, link) for place, link in enumerate(links) if "signature" in link]
    false = [
        (place, link) for place, link in signing
        if not any(hmac.compare_digest(signed(link["hash"], key), str(link["signature"])) for key in keys())
    ]  # fmt: skip
    if false and len(false) == len(signing):
        return [f"{KEY} is not the key that signed {log}; set the one that its closings were made with"]
    found = [
        f"line {first_line + place} of {log} ({named(link)}) is not signed with {KEY}: another key signed it, or "
        "somebody without the key; put back the log of a backup"
        for place, link in false
    ]
    begun = signing[0][0] if signing else len(links)
    return found + [
        f"line {first_line + place} of {log} ({named(link)}) has no signature, and links before it have; put back the "
        "log of a backup"
        for place, link in enumerate(links)
        if place > begun and "signature" not in link and "FORCE" not in link.get("flags", [])
    ]


def said_of_signatures(links: list[dict]) -> str:
    """A few words on what of the chain is signed, and whether that could be checked."""
    count = sum("signature" in link for link in links)
    if not count:
        return f"not signed ({KEY} is set; the next closing will be)" if links and keys() else "not signed"
    some = "signed" if count == len(links) else f"{count} of {len(links)} closings signed"
    return f"{some}, and the signatures hold" if keys() else f"{some}; the key is needed to check the signatures"


def stamp(data: Path) -> dict | None:
    """What DATA/.chain says; nothing where it is not there, or no stamp. A link to be added is whole, or left out."""
    try:
        said = json.loads((data / STAMP).read_text())
        said = {**said, "links": int(said["links"]), "head": said["head"]}
    except (OSError, ValueError, KeyError, TypeError):
        return None
    pending = said.pop("pending", None)
    is_whole = isinstance(pending, dict) and pending.get("hash") == own_hash(pending)
    return said | ({"pending": pending} if is_whole else {})


def write_stamp(data: Path, links: list[dict], pending: dict | None = None) -> None:
    last = links[-1] if links else {}
    said = {"links": len(links), "head": last.get("hash"), **{name: last.get(name) for name in ("month", "action")}}
    said |= {"closing_hash": last.get("closing_hash")} | ({"pending": pending} if pending else {})
    state.write(data / STAMP, json.dumps(said, indent=1) + "\n")


def unstamped(links: list[dict], said: dict, data: Path, log: Path) -> list[str]:
    """Where the log is not the one that the stamp was made of."""
    count, place = said["links"], data / STAMP
    hashes = [link["hash"] for link in links]
    last = f"{said.get('month')} {said.get('action')}, {said.get('closing_hash')}"
    if not count or hashes[count - 1 : count] == [said["head"]]:
        return [] if len(links) <= count else [
            f"{log} has {len(links) - count} links after the one that {place} names as the last ({last}), and no "
            f"close of this folder made them; put back the log of a backup, or, where a newer copy of {log.parent} was "
            f"brought here, take {place} away and the next build writes it anew"
        ]  # fmt: skip
    if len(links) < count:
        return [
            f"{log} has {len(links)} links and {place} names {count}, the last of them {last}: its end was cut; put "
            "back the log of a backup"
        ]
    return [f"{log} was made anew: {place} names another link {count} ({last}); put back {log.parent} of a backup"]


def parted(theirs: list[dict], ours: list[dict]) -> str | None:
    """From which closing on the chain that somebody holds and the one here are two; nothing where ours goes on."""
    for place, link in enumerate(theirs):
        if place >= len(ours):
            return f"they part from {link['month']} on: {named(link)} ({link['closing_hash']}) is not here"
        here = ours[place]
        if link["closing_hash"] != here["closing_hash"]:
            return (
                f"they part from {min(link['month'], here['month'])} on: {named(link)} is {link['closing_hash']} "
                f"there, and {named(here)} is {here['closing_hash']} here"
            )
    return None
