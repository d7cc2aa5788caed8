"""The share of rejected rows, asked of everything that has landed, on every run: a refusal holds until it is mended.

Every landing asks of all files in the store, not of those that it landed. A file of at least
`max_reject_share_min_rows` rows is asked alone, so that neither its neighbours nor older files thin out its rejects,
and one landing or thirteen give the same answer. Smaller files are asked together with those of their kind that landed
with them. Of bills the share is asked file by file, from the first line on (`missing.find`).

Rejects stop counting where a file of the same name with other content has landed since, where the file was forgotten
(`make forget FILE=`), or where the share was raised.
"""

import re
from datetime import date

import duckdb

from landing import missing
from landing.engine import clock, latest_time
from landing.store import Store
from landing.tables import BILLS, DAY_OF
from paths import pattern

# A time of which only the clock of the machine says that it is too far ahead, and how far is too far (values.sql).
FUTURE = "far in the future"
TOO_FAR = re.compile(rf"(?<!\d)([2-9]\d{{3}})-(\d\d)-(\d\d) is before 2015 or {FUTURE}")
SHOWN = 10
REMEDY = (
    "correct the rows and land the file under the same name, take it out with `make forget FILE=`, or raise "
    "max_reject_share in dbt_project.yml; until then every run ends with this error"
)


def first_too_far(reasons: list[str]) -> str | None:
    """The earliest day that rows were refused for, or values left out, because it seemed to lie in the future."""
    days = [date(*map(int, parts)) for reason in reasons for parts in TOO_FAR.findall(reason)]
    return min((f"{day}" for day in days if day.year >= 2015), default=None)


def is_reached(too_far: str | None) -> bool:
    """Whether the clock, put right or moved on, would let that day pass now: then the file is read again."""
    return bool(too_far and date.fromisoformat(too_far) < latest_time(clock()).date())


def errors(files: list[dict], most: float, least: int) -> list[str]:
    """One per file, or per group of small files, whose rejects pass the share."""
    later, found = _names(files), []
    for group in _over(files, most, least):
        counted = [entry for entry in group if _refused(entry) and not _newer(entry, later)]
        rejected, read = sum(_refused(entry) for entry in counted), sum(entry["rows_read"] for entry in group)
        if rejected <= read * most:
            continue
        kind, names = group[0]["kind"], [entry["source_file"] for entry in counted]
        if len(group) > 1:
            names = [f"{entry['source_file']} {_refused(entry):,} of {entry['rows_read']:,}" for entry in counted]
        where = f" ({len(group):,} files of one landing)" if len(group) > 1 else ""
        reasons = list(dict.fromkeys(reason for entry in counted for reason in entry.get("first_reasons") or {}))
        found.append(
            f"{rejected:,} of {read:,} rows of {kind} rejected in {missing.listed(names, SHOWN)}{where}, over "
            f"max_reject_share ({most:.0%}): {missing.listed(reasons, 1) or 'landed/rejects says why'}; {REMEDY}"
        )
    return found


def replaced(files: list[dict], most: float, least: int) -> list[str]:
    """Files that were refused and that a newer file of their name takes the place of."""
    later = _names(files)
    refused = [entry for group in _over(files, most, least) for entry in group if _refused(entry)]
    return [entry["file_id"] for entry in refused if _newer(entry, later)]


def warnings(store: Store, most: float, least: int) -> list[str]:
    """Files that break off, until they are whole; and rows that were refused and that the newer file doesn't cover."""
    files = [*store.files.values()]
    later, found = _names(files), []
    torn = [entry for entry in files if _is_torn(entry) and not _came_whole(store, entry)]
    for entry in torn:
        if not _newer(entry, later):
            found.append(
                f"{entry['source_file']} ({entry['kind']}) breaks off within its last record, so what follows is not "
                "read; it is read again when it has changed, or take it out with `make forget FILE=`"
            )
    refused = [store.files[file_id] for file_id in replaced(files, most, least)]
    for entry in {one["file_id"]: one for one in [*refused, *torn]}.values():
        newer = _newer(entry, later)
        if newer and not _covers(store, newer[-1], entry):
            found.append(
                f"{entry['rows_rejected']:,} of {entry['rows_read']:,} rows of an older {entry['source_file']} were "
                "rejected, and the newer file of this name does not cover its time: land the older file corrected, "
                f"under a name of its own, then `make forget FILE={entry['file_id'][:12]}`"
            )
    return found


def _refused(entry: dict) -> int:
    """Rows that were rejected for a fault: spans of retired months are none."""
    return entry["rows_rejected"] - entry.get("rows_too_late", 0)


def _names(files: list[dict]) -> dict[str, list[dict]]:
    """Entries by name, in the order of their landing."""
    named: dict[str, list[dict]] = {}
    for entry in sorted(files, key=lambda entry: entry["landing_no"]):
        named.setdefault(entry["source_file"], []).append(entry)
    return named


def _newer(entry: dict, named: dict[str, list[dict]]) -> list[dict]:
    """Files of the same name and kind with other content that landed later; what grew from the file is no other."""
    alike = named[entry["source_file"]]
    grown = {entry["file_id"]}
    for other in alike:
        if other.get("continues") in grown:
            grown.add(other["file_id"])
    return [
        other
        for other in alike
        if other["landing_no"] > entry["landing_no"]
        and other["file_id"] not in grown
        and other["kind"] == entry["kind"]
        and (other["rows_rejected"] < other["rows_read"] or other.get("evals_within"))  # something came of it
    ]


def _is_torn(entry: dict) -> bool:
    """Whether the file's end was missing; a bill's lines are asked one by one."""
    return bool(entry.get("is_growing")) and entry["kind"] not in BILLS


def _came_whole(store: Store, entry: dict) -> bool:
    """Whether a later file, under any name, repeats the spans of one that broke off: a log that was rotated away."""
    later = [other for other in store.files.values() if other["landing_no"] > entry["landing_no"]]
    return any(_repeats(other, entry) for other in later)


def _repeats(newer: dict, older: dict) -> bool:
    """Whether a file has every span that another landed, whichever copies were kept."""
    copies = [one.get("gave_way_to", {}).get(other["file_id"], 0) for one, other in ((newer, older), (older, newer))]
    return sum(copies) >= older["rows_read"] - older["rows_rejected"] > 0


def _over(files: list[dict], most: float, least: int) -> list[list[dict]]:
    """Files, or groups of small ones, whose rejects pass the share, whether or not they were mended since."""
    asked: dict[tuple, list[dict]] = {}
    for entry in files:
        if entry["kind"] not in BILLS:
            is_alone = entry["rows_read"] >= least
            key = (entry["kind"], entry["file_id"]) if is_alone else (entry["kind"], entry.get("landing"), "")
            asked.setdefault(key, []).append(entry)
    found = []
    for group in asked.values():
        read, rejected = sum(entry["rows_read"] for entry in group), sum(_refused(entry) for entry in group)
        if read >= least and rejected > read * most:
            found.append(group)
    return found


def _covers(store: Store, newer: dict, older: dict) -> bool:
    """Whether a file has as many rows as another, and begins and ends no later and no earlier."""
    if _repeats(newer, older):
        return True
    kind = older["kind"]
    day = DAY_OF.get(kind, "null")
    rows = f"read_parquet('{pattern(store.root)}/{kind}/*/*.parquet', hive_partitioning = false)"
    counted = f"select count(*), min({day}), max({day}) from {rows} where file_id = $id"
    with duckdb.connect() as engine:
        [ours] = engine.execute(counted, {"id": newer["file_id"]}).fetchall()
        [theirs] = engine.execute(counted, {"id": older["file_id"]}).fetchall()
    has_as_many = newer["rows_read"] - newer["rows_rejected"] >= older["rows_read"] - older["rows_rejected"]
    if theirs[1] is None:
        return has_as_many
    return has_as_many and ours[1] is not None and ours[1] <= theirs[1] and ours[2] >= theirs[2]
