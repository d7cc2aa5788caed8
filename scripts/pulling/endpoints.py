"""The table of endpoints (endpoints.yml), typed: a name that is misspelt there is an error, and so is one too few."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec
import yaml

TABLE = Path(__file__).with_name("endpoints.yml")


class Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class BaseUrl(Strict, frozen=True):
    variables: tuple[str, ...]
    default: str = ""


class Server(Strict, frozen=True):
    base_url: BaseUrl
    keys: dict[str, str]
    seconds: float
    optional_keys: bool = False
    headers: dict[str, str] = {}
    basic: tuple[str, ...] = ()


class Next(Strict, frozen=True):
    """How pages follow each other: by a cursor, by a page's number, or by a number of rows."""

    sent_as: str = msgspec.field(name="as")
    cursor: str = ""
    more: str = ""
    pages: str = ""
    size: int = 0


class Each(Strict, frozen=True):
    path: str
    parameters: dict[str, Any]
    records: str
    id: str
    next: Next
    together: bool = False


class Endpoint(Strict, frozen=True):
    server: str
    path: str
    window: Literal["month", "day"]
    days_at_most: int
    overlap_days: int
    parameters: dict[str, Any]
    records: str
    documented: str
    method: Literal["GET", "POST"] = "GET"
    group_by: dict[str, tuple[str, ...]] = {}
    within: str = ""
    next: Next | None = None
    each: Each | None = None
    completed_only: bool = False
    oldest_days: int = 0


class Table(Strict, frozen=True):
    servers: dict[str, Server]
    endpoints: dict[str, Endpoint]


class Window(NamedTuple):
    """What one request spans, [begin, end) in UTC; the name is that of its begin: 2026-10 or 2026-10-05."""

    name: str
    begin: datetime
    end: datetime


@cache
def table() -> Table:
    return msgspec.convert(yaml.safe_load(TABLE.read_text(encoding="utf-8")), type=Table)


def floor(moment: datetime, window: str) -> datetime:
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return day.replace(day=1) if window == "month" else day


def following(begin: datetime, window: str) -> datetime:
    return floor(begin + timedelta(days=32), "month") if window == "month" else begin + timedelta(days=1)


def windows(endpoint: Endpoint, since: datetime, now: datetime) -> Iterator[Window]:
    """The windows from that of `since` to that of now. The last one ends with today: later days would look as if they
    were billed, with nothing.
    """
    tomorrow = floor(now, "day") + timedelta(days=1)
    begin = floor(since, endpoint.window)
    if endpoint.oldest_days:
        begin = max(begin, floor(now, "day") - timedelta(days=endpoint.oldest_days))
    until = floor(now, "day") if endpoint.completed_only else tomorrow
    while begin < until:
        end = min(following(begin, endpoint.window), tomorrow)
        yield Window(f"{begin:%Y-%m}" if endpoint.window == "month" else f"{begin:%Y-%m-%d}", begin, end)
        begin = following(begin, endpoint.window)


def words(window: Window, each: str) -> dict[str, str]:
    """What may stand in braces in an endpoint's path and parameters."""
    begin, end = window.begin, window.end
    return {
        "from": f"{begin:%Y-%m-%dT%H:%M:%SZ}",
        "to": f"{end:%Y-%m-%dT%H:%M:%SZ}",
        "from_unix": str(int(begin.replace(tzinfo=UTC).timestamp())),
        "to_unix": str(int(end.replace(tzinfo=UTC).timestamp())),
        "from_day": f"{begin:%Y-%m-%d}",
        "from_text": f"{begin:%Y-%m-%d %H:%M:%S}",
        "last_text": f"{end - timedelta(seconds=1):%Y-%m-%d %H:%M:%S}",
        "each": each,
    }


def filled(value: Any, known: dict[str, str], together: Sequence[str] = ()) -> Any:
    """The value with what stands in braces filled in; lists and their members too. `together` are all projects, where
    they are asked for in one request.
    """
    if isinstance(value, str):
        return value.format_map(known)
    if value == ["{each}"]:
        return list(together)
    if isinstance(value, list | tuple):
        return [filled(one, known, together) for one in value]
    return value
