"""Take out of DATA what should not have landed, or what may not be kept: a file, or the id of a person.

Usage: forget.py DATA --file NAME [--undo], or forget.py DATA --user ID. NAME is a file as `source_file` names it, or
the beginning of its `file_id` (8 digits or more). A file's rows leave all tables, and its content does not land again
until --undo; a person's id gives way to a random name in all landed rows, also in those that are read later. Each act
is a line of DATA/forgotten.jsonl. Exit 2 where the call is wrong or nothing has that name.
"""

import argparse
import difflib
import sys
from pathlib import Path

import ending
import land
import state
from landing import removal
from landing.missing import listed
from landing.store import FORGOTTEN, Store
from terminal import print

NEAREST = 5


def refuse(reason: str) -> int:
    print(f"ERROR: {reason}", file=sys.stderr)
    return 2


def forget_file(store: Store, name: str) -> int:
    found = removal.with_parts(store, removal.named([*store.files.values()], name))
    if not found:
        if removal.named([*store.forgotten.values()], name):
            print(f"{name} is forgotten already; UNDO=1 lets it land again")
            return 0
        return unknown(name, [*store.files.values()], "landed")
    taken = removal.take_out(store, found)
    rows = ", ".join(f"{count:,} rows of {table}" for table, count in sorted(taken.rows.items())) or "no row"
    contents = f"{len(found)} contents of that name, " if len(found) > 1 else ""
    print(f"took out {listed(list(dict.fromkeys(entry['source_file'] for entry in found)))}: {contents}{rows}")
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
    names = list(dict.fromkeys(entry["source_file"] for entry in entries))
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


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--file", default="")
    parser.add_argument("--undo", action="store_true", help="let a file that was forgotten land again")
    parser.add_argument("--user", default="")
    arguments = parser.parse_args()
    data, user = arguments.data, arguments.user.strip()
    if bool(arguments.file) == bool(user) or (arguments.undo and user):
        return refuse(
            "say which file (make forget FILE=, with UNDO=1 to take that back) or which user (make forget USER=)"
        )
    if not (data / "landed").is_dir():
        return refuse(f"nothing has landed in {data}")
    with state.holding(data) as is_held:
        if not is_held:
            return 2
        store = Store(data)
        if damages := store.verify():
            return refuse(f"{damages[0]}; make build lands damaged files again, where the inbox still holds them")
        if user:
            return forget_user(store, user)
        return take_back(store, arguments.file) if arguments.undo else forget_file(store, arguments.file)


if __name__ == "__main__":
    sys.exit(ending.of(main))
