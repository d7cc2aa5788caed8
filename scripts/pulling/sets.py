"""Sets of pages: all that answers one request of one window, which comes into the inbox whole or not at all.

A set is a folder, INBOX/<endpoint>/[<project>/]<window>/<revision>/, of pages as they came, each with the note of its
request beside it. It is written in INBOX/.pulling, which landing does not read, and renamed. A set that says the same
as the last of its window is not kept; one that says something else is the next revision.
"""

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec
from blake3 import blake3

import state
from paths import PULLING
from pulling import Failed
from pulling.client import Client, Page
from pulling.endpoints import Endpoint, Next, Window, filled, words

MOST_PAGES = 100_000
EMPTY = "empty"  # in place of the digest of an answer without results


class Pulled(NamedTuple):
    """What became of a window: how many results answered, and whether they are a new set. `is_emptied`: there were some
    in the last one, and now there are none.
    """

    results: int
    is_new: bool
    revision: int
    digest: str
    is_emptied: bool = False


def at(content: Any, way: str) -> Any:
    """What is under names joined by dots; None where one is not there."""
    for name in way.split(".") if way else ():
        content = content.get(name) if isinstance(content, dict) else None
    return content


def rows_of(body: bytes, way: str) -> list[bytes]:
    """The rows of an answer as they are written, to the digit."""
    raw: Any = msgspec.Raw(body)
    for name in way.split(".") if way else ():
        raw = msgspec.json.decode(raw, type=dict[str, msgspec.Raw]).get(name, msgspec.Raw(b"null"))
    return [bytes(row) for row in msgspec.json.decode(raw, type=list[msgspec.Raw])]


def results_in(rows: list[bytes], within: str) -> int:
    """How many results rows hold; they are results themselves where nothing is within them."""
    if not within:
        return len(rows)
    held = (at(msgspec.json.decode(row), within) for row in rows)
    return sum(len(results) for results in held if isinstance(results, list))


def pages(
    client: Client, method: str, path: str, parameters: dict[str, Any], records: str, follow: Next | None
) -> Iterator[tuple[Page, list[bytes]]]:
    """(page, its rows) of a request, one after the other. Failed where an answer is not as its provider documents it,
    or where pages have no end.
    """
    asked, sent, count = dict(parameters), set[str](), 0
    if follow and not follow.cursor:
        asked[follow.sent_as] = 1 if follow.pages else 0
    for number in range(1, MOST_PAGES + 1):
        page = client.ask(method, path, asked)
        try:
            rows = rows_of(page.body, records)
        except msgspec.DecodeError:
            raise Failed(
                f"{client.host} answered without the list {records or 'of rows'} that {path} is documented to have; is "
                f"{client.variable()} right?"
            ) from None
        yield page, rows
        count += len(rows)
        token = _next(follow, page.content, rows, number, count)
        if token is None:
            return
        if str(token) in sent:
            raise Failed(
                f"{client.host} names the same next page twice, so its pages have no end and none of them is kept; "
                "pull again later, and tell the provider if it stays so"
            )
        sent.add(str(token))
        asked[follow.sent_as] = token  # type: ignore[union-attr]
    raise Failed(f"{client.host} answers one request with more than {MOST_PAGES:,} pages; nothing of them is kept")


def _next(follow: Next | None, content: Any, rows: list[bytes], number: int, count: int) -> Any:
    """What asks for the page after this one; None after the last."""
    if follow is None:
        return None
    if follow.cursor:
        token = at(content, follow.cursor) or None
        if not follow.more:
            return token
        if not at(content, follow.more):
            return None
        if token is None:
            raise Failed(f"an answer says that there are more pages ({follow.more}) and not where ({follow.cursor})")
        return token
    if follow.pages:
        last = at(content, follow.pages)
        return number + 1 if isinstance(last, int) and number < last and rows else None
    return count if len(rows) >= follow.size else None


def folder_of(name: str) -> str:
    """A project's id as the name of a folder; different ids have different ones."""
    plain = re.sub(r"[^A-Za-z0-9_-]", "_", name)[:80]
    return plain if plain == name else f"{plain}.{sha256(name.encode()).hexdigest()[:8]}"


class Shelf:
    """Where the sets of one endpoint and project are kept, and what is known of them: per window its last revision."""

    def __init__(self, inbox: Path, endpoint: str, each: str, known: dict[str, dict]):
        self.staging, self.known = inbox / PULLING / endpoint, known
        self.place = "/".join(filter(None, [endpoint, folder_of(each) if each else ""]))
        self.folder = inbox / self.place

    def last(self, window: str, records: str) -> tuple[int, str]:
        """(number, digest) of a window's last revision; 0 where there is none. A pull that was killed may have put one
        into the inbox that nobody wrote down.
        """
        known = self.known.get(window, {"revision": 0, "digest": ""})
        numbers = [int(path.name) for path in (self.folder / window).glob("*") if path.name.isdecimal()]
        newest = max(numbers, default=0)
        if newest <= known["revision"]:
            return known["revision"], known["digest"]
        digest = Digest()
        for page in sorted((self.folder / window / f"{newest:04}").glob("page-*[0-9].json")):
            digest.add(rows_of(page.read_bytes(), records))
        return newest, str(digest)

    def take(
        self,
        client: Client,
        endpoint: Endpoint,
        window: Window,
        each: str,
        together: Sequence[str],
        now: Callable[[], datetime],
    ) -> Pulled:
        """Fetch a window's set and put it into the inbox, where it says something new."""
        known = words(window, each)
        path = filled(endpoint.path, known)
        group_by = {name: list(values) for name, values in endpoint.group_by.items()}
        parameters = {name: filled(value, known, together) for name, value in endpoint.parameters.items()} | group_by
        revision, before = self.last(window.name, endpoint.records)
        asked_at, digest, results, sums = now(), Digest(), 0, []
        shutil.rmtree(self.staging, ignore_errors=True)
        self.staging.mkdir(parents=True)
        for page, rows in pages(client, endpoint.method, path, parameters, endpoint.records, endpoint.next):
            if rows:
                digest.add(rows)
                results += results_in(rows, endpoint.within)
                sums.append((blake3(page.body).hexdigest(), sha256(page.body).hexdigest()))
                _write(self.staging / page_name(len(sums)), page.body)
        if not results or str(digest) == before:
            shutil.rmtree(self.staging)
            is_emptied = not results and before not in ("", EMPTY)
            return Pulled(results, False, revision, before if results else EMPTY, is_emptied)
        target = self.folder / window.name / f"{revision + 1:04}"
        requested_at = f"{asked_at:%Y-%m-%dT%H:%M:%S.%fZ}"
        request = {
            "endpoint": urlsplit(client.url(path)).path,
            "filter": {},
            "group_by": next(iter(group_by.values()), []),
            "window": {"from": known["from"], "to": known["to"]},
            "requested_at": requested_at,
            # With the time: revisions are counted from the beginning where what is known of them is lost.
            "request_id": f"{self.place}/{window.name}/{target.name} {requested_at}",
            "pages": len(sums),
        }
        for number, (by_blake3, by_sha256) in enumerate(sums, 1):
            note = {"file": page_name(number), "page": number, "blake3": by_blake3, "sha256": by_sha256}
            said = json.dumps({**request, **note}, indent=1)
            _write(self.staging / f"{page_name(number)}.request.json", said.encode())
        state.sync(self.staging)
        target.parent.mkdir(parents=True, exist_ok=True)
        os.rename(self.staging, target)
        state.sync(target.parent)
        return Pulled(results, True, revision + 1, str(digest))


def page_name(number: int) -> str:
    return f"page-{number:05}.json"


class Digest:
    """Of rows, wherever pages part them: cursors and counts around them may differ from answer to answer."""

    def __init__(self) -> None:
        self.sum = sha256()

    def add(self, rows: list[bytes]) -> None:
        for row in rows:
            self.sum.update(b"%d:" % len(row))
            self.sum.update(row)

    def __str__(self) -> str:
        return self.sum.hexdigest()


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as target:
        target.write(content)
        target.flush()
        os.fsync(target.fileno())
