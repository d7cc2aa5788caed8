"""Tells people what they should hear of: `make alerts`.

Usage: alerts.py [--to FILE] [--pages ADDRESS] [--quiet 22-7] [--grace DAYS] [--least USD] [--dry-run] DATA
Budgets, anomalies, unlabelled spend, lost eval coverage, missed coverage targets, missing bills, rejected lines
(alerts.sql), each with its figure, feature, team and page. FILE (or ALERTS in the environment) lists addresses as
Apprise does, `team,team=address` or an address alone: a team's message goes to the addresses that its id tags; without
one, like what is no team's, to those without a tag. An event is told once for each day of the data; DATA/alerts.json
keeps what was told. In quiet hours (of this machine's clock) nothing is sent; it waits. --dry-run prints what would be
sent, and sends nothing.
Exit 0 when all was sent, 1 where an address did not take it (it is sent again next time), 2 for a wrong call.
"""

import argparse
import json
import logging
import os
import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import duckdb

import ending
import state
from paths import pattern
from terminal import plain, print

KEPT_DAYS = 60  # of what was told
HOURS = re.compile(r"([01]?\d|2[0-4])-([01]?\d|2[0-4])")
TITLES = {
    "budget": "budget",
    "anomaly": "spend out of line",
    "unlabelled": "spend without a feature",
    "coverage": "eval coverage lost",
    "coverage target": "coverage target missed",
    "missing bill": "a bill is missing",
    "rejected lines": "lines that could not be read",
}


class Event(NamedTuple):
    """One thing to tell; `team_id` is its owner, None where it is nobody's alone."""

    kind: str
    event: str
    day: str
    team_id: str | None
    feature_id: str | None
    figure: str
    link: str

    @property
    def key(self) -> str:
        return f"{self.day} {self.kind} {self.event}"


def events(data: Path, grace: int, least: float) -> list[Event]:
    """What there is to tell of the ledger as it is built."""
    query = Path(__file__).with_suffix(".sql").read_text()
    with duckdb.connect(str(data / "ledger.duckdb"), read_only=True) as engine:
        landed = pattern(data / "landed").replace("''", "'")  # a value, not a part of the text
        given = {"grace_days": grace, "least_usd": least, "landed": landed, "now": f"{datetime.now(UTC):%F %T}"}
        rows = engine.execute(query, given).fetchall()
    return [Event(kind, event, str(day), *rest) for kind, event, day, *rest in rows]


def is_quiet(hours: tuple[int, int] | None, now: datetime) -> bool:
    """Whether it is between two hours; 22-7 reaches past midnight."""
    if hours is None:
        return False
    begin, end = hours
    return begin <= now.hour < end if begin <= end else now.hour >= begin or now.hour < end


def message(team: str | None, found: list[Event], pages: str) -> tuple[str, str]:
    """A team's title and text: a line per event with its figure, feature and page."""
    kinds = list(dict.fromkeys(TITLES[one.kind] for one in found))
    title = f"AI spend, {plain(team) if team else 'all teams'}: {', '.join(kinds)}"
    lines = []
    for one in found:
        about = f"{plain(one.feature_id)}: " if one.feature_id else ""
        lines.append(f"{one.day} {about}{plain(one.figure)} ({TITLES[one.kind]})\n{pages}/{one.link}")
    return title, "\n".join(lines)


class Addresses:
    """Where messages go, as a file of Apprise's says; its addresses hold secrets, and are never printed whole."""

    def __init__(self, path: Path):
        logging.getLogger("apprise").setLevel(logging.CRITICAL)  # its own words quote addresses
        import apprise

        config = apprise.ConfigBase.config_parse(path.read_text(), asset=apprise.AppriseAsset(), config_format="text")
        self.known: list = config[0]
        stated = [
            line for line in path.read_text().splitlines() if line.strip() and not line.lstrip().startswith(("#", ";"))
        ]
        if len(self.known) != len(stated):
            raise ValueError(
                f"{path}: {len(stated)} lines, of which {len(self.known)} are addresses that Apprise knows"
            )

    def name(self, one) -> str:
        return f"address {self.known.index(one) + 1} ({one.service_name})"

    def of(self, team: str | None) -> list:
        tagged = [one for one in self.known if team is not None and team in one.tags]
        return tagged or [one for one in self.known if not one.tags]


def tell(found: list[Event], addresses: Addresses, pages: str, told: dict[str, str], now: datetime, dry: bool) -> int:
    """Send each team's events that were not told yet; returns how many messages an address did not take."""
    new = [one for one in found if one.key not in told]
    failed = 0
    for team in dict.fromkeys(one.team_id for one in new):
        own = [one for one in new if one.team_id == team]
        title, text = message(team, own, pages)
        receivers = addresses.of(team)
        if dry or not receivers:
            print(f"{'would send' if dry else 'NOT SENT: no address for'} {plain(team or 'all teams')}", end="")
            print(f" to {', '.join(map(addresses.name, receivers))}" if receivers else "")
            print(f"  {title}\n  " + text.replace("\n", "\n  "))
            failed += not dry
            continue
        refused = [addresses.name(one) for one in receivers if not one.notify(body=text, title=title)]
        for name in refused:
            whose = plain(team or "all teams")
            print(f"ERROR: {name} did not take the message of {whose}; it is sent again next time", file=sys.stderr)
        failed += len(refused)
        if not refused:
            told.update({one.key: f"{now:%F}" for one in own})
    print(f"{len(new)} of {len(found)} events are new" + (f"; {failed} messages failed" if failed else ""))
    return failed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, metavar="DATA")
    parser.add_argument("--to", type=Path, metavar="FILE", default=os.environ.get("ALERTS"))
    parser.add_argument("--pages", metavar="ADDRESS", help="where the report is, for links (default: DATA/report)")
    parser.add_argument("--quiet", metavar="HOURS", help="such as 22-7")
    parser.add_argument("--grace", type=int, default=10, metavar="DAYS", help="after a month until its bill is missed")
    parser.add_argument("--least", type=float, default=0.01, metavar="USD", help="of a day's unlabelled spend")
    parser.add_argument("--dry-run", action="store_true")
    given = parser.parse_args()
    hours = None
    if given.quiet:
        found = HOURS.fullmatch(given.quiet)
        if not found:
            parser.error(f"--quiet {given.quiet}: two hours of the day, such as 22-7")
        hours = int(found[1]), int(found[2])
    if not given.to:
        print(
            "ERROR: say who should hear of it: ALERTS=<file of addresses> (docs/operator.md, Alerts)", file=sys.stderr
        )
        return 2
    try:
        addresses = Addresses(Path(given.to))
    except (OSError, UnicodeDecodeError, ValueError) as error:
        print(f"ERROR: the addresses could not be read: {plain(error)}", file=sys.stderr)
        return 2
    now = datetime.now()
    if is_quiet(hours, now) and not given.dry_run:
        print(f"quiet until {hours[1] if hours else 0}:00; what there is to tell waits")
        return 0
    pages = given.pages.rstrip("/") if given.pages else f"{(given.data / 'report').resolve()}"
    path = given.data / "alerts.json"
    with state.holding(given.data) as is_held:  # two at once would tell all twice
        if not is_held:
            return 2
        told = state.read(path, "remove it, and everything is told once more") if path.exists() else {}
        failed = tell(events(given.data, given.grace, given.least), addresses, pages, told, now, given.dry_run)
        if not given.dry_run:
            oldest = f"{now - timedelta(days=KEPT_DAYS):%F}"
            state.write(path, json.dumps({key: on for key, on in told.items() if on >= oldest}, indent=1))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(ending.of(main))
