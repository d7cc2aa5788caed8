"""Pull pages of providers' APIs into the inbox: what endpoints.yml lists, for whose key the environment has.

Each endpoint goes on from its last pull (DATA/pull.json), with the days before it that a provider may still revise.
Exit 0 where all that was asked for came; 1 where a source could not be pulled (named, in one line each, and the others
are); 2 when the call itself is wrong.
"""

import argparse
import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

import ending
import state
from paths import PULLING
from pulling import Failed, ServerFailed
from pulling.client import Client, Settings, lacking, settings
from pulling.endpoints import Each, Endpoint, floor, table, windows
from pulling.sets import Shelf, at, pages
from terminal import print

STATE = "pull.json"
FIRST_DAYS = 31  # of a first pull, where FROM does not say since when
REMEDY = "remove it: the next pull asks for what a first pull asks for, and keeps what says something new"


def now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


class Wrong(Exception):
    """The call itself is wrong."""


class Cursors:
    """What has been pulled, per endpoint and project: until when, and each window's last revision."""

    def __init__(self, data: Path):
        self.path = data / STATE
        self.kept: dict[str, dict[str, dict[str, Any]]] = state.read(self.path, REMEDY) if self.path.exists() else {}
        try:
            for projects in self.kept.values():
                for entry in projects.values():
                    datetime.fromisoformat(entry["through"])
                    _ = [(one["revision"] + 0, one["digest"] + "") for one in entry["windows"].values()]
        except (AttributeError, KeyError, TypeError, ValueError):
            raise state.Unreadable(f"{self.path} is not what a pull wrote: {REMEDY}") from None

    def of(self, endpoint: str, each: str) -> dict[str, Any]:
        start = {"through": "0001-01-01T00:00:00", "windows": {}}
        return self.kept.setdefault(endpoint, {}).setdefault(each, start)

    def write(self) -> None:
        state.write(self.path, json.dumps(self.kept, indent=1, sort_keys=True))


def chosen(said: str) -> tuple[list[str], list[str]]:
    """(endpoints to pull, a line for each server that is left out): those that are named, or all whose keys are set."""
    known = table()
    names = [name.strip() for name in said.split(",") if name.strip()]
    if not names:
        left = {name: lacking(server) for name, server in known.servers.items()}
        lines = [f"{name} is left out: set {_listed(lacks)}" for name, lacks in left.items() if lacks]
        found = [name for name, endpoint in known.endpoints.items() if not left[endpoint.server]]
        if not found:
            raise Wrong("there is no key to pull with; " + "; ".join(lines))
        return found, lines
    found = []
    for name in names:
        fitting = [one for one in known.endpoints if one == name or one.startswith(f"{name}_")]
        if not fitting:
            raise Wrong(f"PULL={name} is no source; there are {', '.join(known.endpoints)}, or the first words of them")
        found += [one for one in fitting if one not in found]
    for server in dict.fromkeys(known.endpoints[name].server for name in found):
        if lacks := lacking(known.servers[server]):
            raise Wrong(f"{server} can't be asked without {_listed(lacks)}; set that, or leave {server} out of PULL")
    return found, []


def _listed(names: list[str]) -> str:
    """Variables, and that a command may stand in for a key."""
    keys = [name for name in names if name.endswith("_KEY")]
    return " and ".join(names) + (f" (or {keys[0]}_COMMAND, which prints it)" if keys else "")


def since(said: str) -> datetime | None:
    if not said:
        return None
    try:
        begin = datetime.strptime(said, "%Y-%m-%d")
    except ValueError:
        raise Wrong(f"FROM={said} is no day; write it as 2026-10-01") from None
    if not datetime(2020, 1, 1) <= begin <= now():
        raise Wrong(f"FROM={said} is not between 2020-01-01 and today")
    return begin


def projects(client: Client, each: Each) -> list[str]:
    """The ids of a server's projects."""
    found = []
    for _, rows in pages(client, "GET", each.path, each.parameters, each.records, each.next):
        for row in rows:
            identity = at(msgspec.json.decode(row), each.id)
            if not isinstance(identity, str) or not identity or "/" in identity:
                raise Failed(f"{client.host} lists a project without an id ({each.path}, {each.id})")
            found.append(identity)
    return sorted(set(found))


def pull(client: Client, name: str, inbox: Path, cursors: Cursors, begin: datetime | None) -> str:
    """Pull an endpoint, window by window; what came is written down after each. Returns what to say of it."""
    endpoint, asked, new, rows, old = table().endpoints[name], 0, 0, 0, ""
    together = projects(client, endpoint.each) if endpoint.each else []
    for each in together if endpoint.each and not endpoint.each.together else [""]:
        entry = cursors.of(name, each)
        shelf, moment = Shelf(inbox, name, each, entry["windows"]), now()
        through = datetime.fromisoformat(entry["through"])
        start = begin or _begin(endpoint, through, moment)
        old = too_old(endpoint, start, moment)
        for window in windows(endpoint, start, moment):
            pulled = shelf.take(client, endpoint, window, each, together, now)
            asked, new, rows = asked + 1, new + pulled.is_new, rows + pulled.results * pulled.is_new
            if pulled.is_emptied:
                print(
                    f"  WARNING: {shelf.place}: {window.name} has no results any more, and its last ones stand; if "
                    f"they are to go, take the pages in {shelf.place}/{window.name} out with `make forget FILE=`"
                )
            entry["windows"][window.name] = {"revision": pulled.revision, "digest": pulled.digest}
            reached = min(window.end, moment)
            # FROM after the end of the last pull leaves a gap, which the next pull without FROM closes.
            if reached > through and (begin is None or through.year == 1 or window.begin <= through):
                through = reached
                entry["through"] = through.isoformat(timespec="seconds")
            cursors.write()
    return f"{name}: {asked:,} {endpoint.window}s asked for, {new:,} with news ({rows:,} results){old}"


def too_old(endpoint: Endpoint, begin: datetime, moment: datetime) -> str:
    """A word on days that a server no longer tells of."""
    first = floor(moment, "day") - timedelta(days=endpoint.oldest_days)
    if not endpoint.oldest_days or begin >= first:
        return ""
    return f"; days before {first:%Y-%m-%d} are told no longer: export them by hand, where they are missing"


def _begin(endpoint: Endpoint, through: datetime, moment: datetime) -> datetime:
    """Where a pull begins: as far before the end of the last as a provider revises, or FIRST_DAYS ago."""
    first = moment - timedelta(days=endpoint.oldest_days or FIRST_DAYS)
    return first if through.year == 1 else through - timedelta(days=endpoint.overlap_days)


@contextmanager
def alone(data: Path) -> Iterator[bool]:
    """Whether no other pull is under way into this data folder; builds are, as they like."""
    data.mkdir(parents=True, exist_ok=True)
    with (data / ".pull.lock").open("w") as lock:
        yield state.locked(lock)


def run(inbox: Path, data: Path, said: str = "", first_day: str = "") -> int:
    """Pull what is named, or all that has keys; exit code as in the module's text."""
    try:
        if not inbox.is_dir():
            raise Wrong(f"the inbox {inbox} is no folder; create it, or say INBOX=<folder>")
        names, left_out = chosen(said)
        begin, how = since(first_day), settings()
    except (Wrong, Failed) as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return 2
    with alone(data) as is_alone:
        if not is_alone:
            print(f"ERROR: another pull is writing to {data}; wait for it", file=sys.stderr)
            return 2
        for line in left_out:
            print(f"  {line}")
        return pull_all(names, inbox, Cursors(data), begin, how)


def pull_all(names: list[str], inbox: Path, cursors: Cursors, begin: datetime | None, how: Settings) -> int:
    """Pull endpoints one after the other; one that fails does not keep the others from it. A server that takes no key,
    or does not answer, is named once.
    """
    known, clients, silent, errors = table(), dict[str, Client](), set[str](), 0
    for name in names:
        server = known.endpoints[name].server
        if server in silent:
            errors += 1
            continue
        try:
            if server not in clients:
                clients[server] = Client(known.servers[server], how)
            print(f"  {pull(clients[server], name, inbox, cursors, begin)}", flush=True)
        except Failed as error:
            errors += 1
            others = [one for one in names[names.index(name) + 1 :] if known.endpoints[one].server == server]
            if isinstance(error, ServerFailed):
                silent.add(server)
                name = ", ".join([name, *others])
            print(f"ERROR: {name}: {error}", file=sys.stderr, flush=True)
    shutil.rmtree(inbox / PULLING, ignore_errors=True)
    if errors:
        print(
            f"ERROR: {errors} of {len(names)} sources could not be pulled to their end; what came of them and of the "
            "others is in the inbox, and the next pull goes on from there",
            file=sys.stderr,
        )
    return int(bool(errors))


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("inbox", type=Path)
    parser.add_argument("data", type=Path)
    arguments = parser.parse_args()
    return run(arguments.inbox, arguments.data, os.environ.get("PULL", ""), os.environ.get("FROM", ""))


if __name__ == "__main__":
    sys.exit(ending.of(main))
