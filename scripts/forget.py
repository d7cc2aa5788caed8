"""Take out of DATA what should not have landed, or what may not be kept: a file, the id of a person, closed months.

Usage: forget.py DATA --file NAME [--undo], forget.py DATA --user ID, or forget.py DATA --month YYYY-MM [--company
COMPANY] [--force]. NAME is a file as `source_file` names it, or the beginning of its `file_id` (8 digits or more). A
file's rows leave all tables, and its content does not land again until --undo; a person's id gives way to a random name
in all landed rows, also in those that are read later. Of the closed months up to --month, spans and usage events leave
DATA for good, and the months are retired: they stand as they were closed, and no build computes them again. Each act is
a line of DATA/forgotten.jsonl. Exit 1 where a month can't be retired, or only with --force (it says why), 2 where the
call is wrong or nothing has that name.
"""

import argparse
import difflib
import re
import sys
from datetime import date, timedelta
from pathlib import Path

import duckdb

import build
import closed
import company
import ending
import land
import state
from landing import removal
from landing.missing import listed
from landing.store import FORGOTTEN, Store
from landing.tables import NO_DAY
from paths import pattern
from terminal import print

NEAREST = 5
FIRST_DAY = f"{date.fromisoformat(NO_DAY) + timedelta(1)}"  # what has no time is of no month
# A month stands as it was closed only if no open month corrects it, nor books what was used in it.
STILL_OPEN = """
select strftime(min(posted_month), '%Y-%m'), strftime(max(posted_month), '%Y-%m'), count(*)
from marts.ledger_entries
where posted_month > $closed_through and (
    (incurred_on >= $retired_from and incurred_on < $retired_before)
    or (coalesce(corrects_month, posted_month) >= $retired_from
        and coalesce(corrects_month, posted_month) < $retired_before)
)
"""
# As int_itemised_charges, which is a view and reads landed files by a name that is the build's.
BILLS = """
select charged_on::varchar, provider, account_id, sum(billed_usd)::varchar, sum(prepaid_usd)::varchar
from (
    select charged_on, provider, account_id, billed_usd, prepaid_usd from intermediate.int_charges
    where coalesce(meter, '') <> 'total'
    union all
    select charged_on, provider, account_id, billed_usd, prepaid_usd from intermediate.int_itemised_totals
) as charges
where charged_on >= $retired_from and charged_on < $retired_before
group by all order by all
"""
# Calls of the last days that a later month's bill lists: without them it has nobody to charge but the payer.
BILLED_LATER = """
select coalesce(sum(abs(amount_usd)), 0) from marts.ledger_entries
where kind = 'bill' and side = 'debit' and incurred_on >= $retired_from and incurred_on < $retired_before
and coalesce(corrects_month, posted_month) >= $retired_before
"""
# What accrued there and no bill has taken the place of.
ACCRUED = """
select provider, sum(amount_usd) from marts.ledger_entries
where kind = 'accrual' and side = 'debit'
and coalesce(corrects_month, posted_month) >= $retired_from and coalesce(corrects_month, posted_month) < $retired_before
group by provider having sum(amount_usd) <> 0 order by provider
"""
# On the clock of their provider they are of the month after.
BEFORE_ITS_DAY = """
select count(*) from marts.attributed_calls
where started_at >= $retired_from::timestamp and started_at < $retired_before::timestamp
and started_on >= $retired_before
"""
REACHING_OVER = """
with spans as (select trace_key, started_at from read_parquet({}, hive_partitioning = false))
select count(distinct trace_key) from spans where started_at >= $retired_before
and trace_key in (select trace_key from spans where started_at < $retired_before)
"""


def refuse(reason: str, code: int = 2) -> int:
    print(f"ERROR: {reason}", file=sys.stderr)
    return code


def forget_file(store: Store, name: str) -> int:
    found = removal.with_parts(store, removal.named([*store.files.values()], name))
    if not found:
        if removal.named([*store.forgotten.values()], name):
            print(f"{name} is forgotten already; UNDO=1 lets it land again")
            return 0
        return unknown(name, [*store.files.values()], "landed")
    taken = removal.take_out(store, found)
    contents = f"{len(found)} contents of that name, " if len(found) > 1 else ""
    names = listed(list(dict.fromkeys(entry["source_file"] for entry in found)))
    print(f"took out {names}: {contents}{counted(taken.rows)}")
    if taken.again:
        print(
            f"  copies of spans that gave way to it come back as the next landing reads {listed(taken.again)} again "
            "from the inbox; it names those that are not there"
        )
    print("  the same content does not land again, under any name: another does, or this one after UNDO=1")
    print(f"  logged in {store.data / FORGOTTEN}; the next `make build` is anew, closed months answer with corrections")
    return 0


def take_back(store: Store, name: str) -> int:
    found = removal.named([*store.forgotten.values()], name)
    if not found:
        return unknown(name, [*store.forgotten.values()], "forgotten")
    removal.take_back(store, found)
    print(f"{name} lands again with the next build, if it lies in the inbox; logged in {store.data / FORGOTTEN}")
    return 0


def unknown(name: str, entries: list[dict], what: str) -> int:
    names: list[str] = list(dict.fromkeys(entry["source_file"] for entry in entries))
    by_ending = {known.rsplit("/", 1)[-1]: known for known in names}
    near = [by_ending.get(one, one) for one in difflib.get_close_matches(name, [*names, *by_ending], NEAREST, 0.5)]
    near = list(dict.fromkeys(near)) or names[:NEAREST]
    return refuse(f"no file named {name!r} is {what}; {f'nearest: {listed(near)}' if near else 'none is'}")


def forget_user(store: Store, user: str) -> int:
    are_hashed = land.project_variables()["hash_identities"]
    other, rows, left = removal.replace_user(store, land.hash_key(store.data, store), user, are_hashed)
    if not rows and other:
        print(f"that id is forgotten already, as {other}")
    elif not rows:
        return refuse("no landed row has that user id; it is compared whole, upper and lower case as they are")
    else:
        print(f"put {other} in its place: {', '.join(f'{count:,} rows of {table}' for table, count in rows.items())}")
        print(f"  logged in {store.data / FORGOTTEN} without the id; files that are read later don't bring it back")
        print(f"  {store.data}/ledger.duckdb held it and is gone: `make build` writes it anew, as it does DATA/bi")
        print("  not touched: files in the inbox and copies elsewhere; closed months and exports hold no user ids")
    for column, count in left.items():
        print(f"  WARNING: {count:,} rows have the same text in {column}, where it is no user's id, and keep it")
    return 0


def forget_month(store: Store, month: str, force: bool) -> int:
    """Retire the months up to and including one that is closed; `force`: also where money may come out otherwise."""
    end = (date.fromisoformat(f"{month}-01") + timedelta(31)).replace(day=1)
    begin = store.retired[-1]["retired_before"] if store.retired else FIRST_DAY
    if f"{end}" <= begin:
        return forget_latecomers(store, month, begin)
    if complaints := closed.complaints(store.data):
        return refuse("; ".join(complaints), 1)
    months = closed.months(store.data)
    if month not in months:
        return refuse(f"{month} is not closed, and only closed months can be retired; make close comes first", 1)
    database, built = store.data / "ledger.duckdb", build.files_built(store.data)
    if built is None or built != build.files_landed(store.data):
        return refuse(f"{database} is not a good build of what is there now; run make build first", 1)
    days = {"retired_from": begin, "retired_before": f"{end}", "closed_through": f"{months[-1]}-01"}
    with duckdb.connect(str(database), read_only=True) as engine:
        [(first, last, entries)] = engine.execute(STILL_OPEN, days).fetchall()
        if entries:
            return refuse(
                f"{first if first == last else f'{first} to {last}'} is open and has {entries:,} entries of days up to "
                f"{end - timedelta(1)}, or that correct months up to {month}; without the spans they can't be computed "
                "again, so close it first",
                1,
            )
        of_days = {name: days[name] for name in ("retired_from", "retired_before")}
        bills = [list(row) for row in engine.execute(BILLS, of_days).fetchall()]
        [(later,)] = engine.execute(BILLED_LATER, of_days).fetchall()
        spans = f"'{pattern(store.root)}/spans/*/*.parquet'"
        [(traces,)] = engine.execute(REACHING_OVER.format(spans), {"retired_before": f"{end}"}).fetchall()
        accrued = engine.execute(ACCRUED, of_days).fetchall()
        [(early,)] = engine.execute(BEFORE_ITS_DAY, of_days).fetchall()
    doubts = []
    if accrued:
        sums = ", ".join(f"{usd:.2f} USD with {provider}" for provider, usd in accrued)
        doubts.append(
            f"{sums} accrued there, and no bill has taken its place: what a late bill doesn't use of it stays"
        )
    if early:
        doubts.append(f"{early:,} calls before {end} UTC are of the month after on their provider's clock, and go too")
    gone = [each for each in months if f"{each}-01" >= begin and each <= month]
    if len(gone) > 1:
        doubts.append(f"{len(gone)} months go at once, {gone[0]} to {gone[-1]}")
    if doubts and not force:
        return refuse(f"{'; '.join(doubts)}. FORCE=1 retires {listed(gone)} all the same", 1)
    for doubt in doubts:
        print(f"  WARNING: {doubt}")
    said = {"month": month, **days, "billed_later_usd": f"{later:f}", "traces_cut": traces}
    rows = removal.retire(store, {"month": month, "at": removal.now(), **days, "bills": bills}, f"{end}", said)
    print(f"retired the months up to {month}: took out {counted(rows)}")
    print("  they stand as they were closed; a bill's line that comes later for them is a correction in an open month")
    if later:
        print(
            f"  {later:.2f} USD of their calls are on bills of later months, which have nobody but the payer to charge "
            "now: corrections in the open month move that from the team to untraced, and add up to 0"
        )
    if traces:
        print(
            f"  {traces:,} traces go on after {end - timedelta(1)} without their beginning: what it labelled there is "
            "unlabelled now, as corrections in the open month that add up to 0"
        )
    print(f"  logged in {store.data / FORGOTTEN}; {database} held the spans and is gone: `make build` writes it anew")
    print(f"  not touched: files in the inbox, {store.data}/report until the next, exports, copies elsewhere")
    print(f"  {store.data}/bi and {store.data}/spark hold copies, if they are there, until they are made anew")
    return 0


def forget_latecomers(store: Store, month: str, begin: str) -> int:
    """What landed for retired months since: usage events, which take no part."""
    if not removal.days_before(store, begin):
        print(f"{month} is retired already, and nothing of it is left")
        return 0
    rows = removal.retire(store, None, begin, {"month": month})
    print(f"{month} is retired already; took out what came since: {counted(rows)}")
    return 0


def counted(rows: dict[str, int]) -> str:
    return ", ".join(f"{count:,} rows of {table}" for table, count in sorted(rows.items())) or "no row"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--file", default="")
    parser.add_argument("--undo", action="store_true", help="let a file that was forgotten land again")
    parser.add_argument("--user", default="")
    parser.add_argument("--month", default="", help="retire the closed months up to this one")
    parser.add_argument("--company", type=Path, help="its seeds, held against those of the last build before --month")
    parser.add_argument(
        "--force", action="store_true", help="retire although something is named that speaks against it"
    )
    arguments = parser.parse_args()
    data, user, month = arguments.data, arguments.user.strip(), arguments.month
    if [bool(arguments.file), bool(user), bool(month)].count(True) != 1 or (arguments.undo and not arguments.file):
        return refuse(
            "say which file (make forget FILE=, with UNDO=1 to take that back), which user (make forget USER=) or up "
            "to which closed month (make forget MONTH=)"
        )
    if month and not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", month):
        return refuse("say up to which month: MONTH=2026-10")
    if not (data / "landed").is_dir():
        return refuse(f"nothing has landed in {data}")
    if month and arguments.company and (code := company.complete(arguments.company, str(data))):
        return code
    with state.holding(data) as is_held:
        if not is_held:
            return 2
        store = Store(data)
        if damages := store.verify():
            return refuse(f"{damages[0]}; make build lands damaged files again, where the inbox still holds them")
        if month:
            return forget_month(store, month, arguments.force)
        if user:
            return forget_user(store, user)
        return take_back(store, arguments.file) if arguments.undo else forget_file(store, arguments.file)


if __name__ == "__main__":
    sys.exit(ending.of(main))
