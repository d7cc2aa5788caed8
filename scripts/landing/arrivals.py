"""What arrives from buckets: which objects are new since the last landing, a bounded number of them at a time on disk.

`DATA/landed/objects.sqlite` remembers of each object its address, size, time and tag, and which files of the store it
became, or why it was not read. An object that is as it was is not asked for again. Without this memory, all are
downloaded again, and what has landed is known by its content.
"""

import json
import shutil
import sqlite3
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from pyarrow import fs

import state
from landing import buckets, gates
from landing.buckets import Bucket, Object, Trouble
from landing.store import Store
from landing.work import Reading
from terminal import name_of, print, progress_bar

NAME, FOLDER = "objects.sqlite", "arriving"
BATCH_BYTES, BATCH_OBJECTS = 1 << 30, 20_000  # on the disk at a time, unless one object is larger
# A store that tells times in seconds may write an object twice in one: a younger one is asked for its tag once more.
SETTLED_SECONDS = 5
SCHEMA = """
create table if not exists objects (
    address text primary key, size integer, modified integer, tag text, is_settled integer, reader text, parts text
) without rowid;
create temp table listed (address text primary key, bucket integer, size integer, modified integer) without rowid;
create temp table kept (address text primary key) without rowid;
"""
IS_AS_IT_WAS = """
select objects.address, listed.bucket, objects.tag, objects.is_settled, objects.modified, objects.reader, objects.parts
from temp.listed inner join objects using (address)
where objects.size = listed.size and objects.modified = listed.modified
order by objects.address
"""
FRESH = """
select address, bucket, size, modified from temp.listed
where address not in (select address from temp.kept) order by address
"""
COUNTS = """
select count(*), count(*) filter (where kept.address is null),
    coalesce(sum(size) filter (where kept.address is null), 0)
from temp.listed left join temp.kept using (address) where bucket = ?
"""
GONE = """
delete from objects
where substr(address, 1, length(:base)) = :base and address not in (select address from temp.listed)
"""


class Part(NamedTuple):
    """A file that an object is, or has in it: what it landed as, or why it is not read."""

    name: str
    file_id: str | None
    reason: str | None = None
    refused_as: str | None = None


class Arrived(NamedTuple):
    """An object on the disk."""

    object: Object
    path: Path
    tag: str
    is_settled: bool

    @property
    def name(self) -> str:
        return name_of(self.object.address)


class Missed(NamedTuple):
    """An object that did not come, and why."""

    name: str
    reason: str
    is_gone: bool = False


class Parcel(NamedTuple):
    """What lands together; `gone` and `failed` are (name, reason) of what could not be downloaded."""

    arrived: list[Arrived]
    gone: list[tuple[str, str]]
    failed: list[tuple[str, str]]


class Arrivals:
    """The buckets of an inbox, during a landing."""

    def __init__(self, data: Path, inbox: tuple[Bucket, ...]):
        self.buckets, self.folder = inbox, data / FOLDER
        self.path = data / "landed" / NAME
        self.stores: list[fs.FileSystem] = []
        self.unaskable: set[str] = set()
        self.memory: sqlite3.Connection | None = None
        shutil.rmtree(self.folder, ignore_errors=True)  # of a landing that was killed

    def __enter__(self) -> "Arrivals":
        if self.buckets:
            self.memory = _memory(self.path)
        return self

    def __exit__(self, *_) -> None:
        if self.memory:
            self.memory.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def look(self) -> list[str]:
        """List every bucket; warnings on those without an object. Trouble where one can't be listed.

        `self.unaskable` then has the addresses of objects whose names the library can't ask for.
        """
        warnings = []
        for number, bucket in enumerate(self.buckets):
            self.stores.append(buckets.opened(bucket))
            count = 0
            for objects in buckets.listed(self.stores[-1], bucket):
                count += len(objects)
                asked = [one for one in objects if buckets.is_askable(bucket, one.address)]
                self.unaskable |= {one.address for one in objects} - {one.address for one in asked}
                rows = [(one.address, number, one.size, one.modified) for one in asked]
                self._db.executemany("insert or ignore into temp.listed values (?, ?, ?, ?)", rows)
            if not count:
                warnings.append(f"{name_of(bucket.address)} holds no object; is INBOX what was meant?")
            base = bucket.address.rstrip("/") + "/"
            self._db.execute(GONE, {"base": base})
        if self.buckets:
            self._db_commit()
        return warnings

    def unchanged(self, store: Store, reading: Reading) -> Iterator[list[Part]]:
        """The parts of each object that is as it was and needs no other reading; all others are to be downloaded."""
        if not self.buckets:
            return
        began, rows, settled = time.time(), self._db.execute(IS_AS_IT_WAS), list[tuple[str]]()
        while some := list(islice(rows, 10_000)):
            known = [(address, [Part(*part) for part in json.loads(parts)]) for address, *_, parts in some]
            readers = {row[0]: row[5] for row in some}
            fine = {
                address: parts
                for address, parts in known
                if all(_stands(part, readers[address], store, reading) for part in parts)
            }
            doubtful = [row for row in some if row[0] in fine and not row[3]]
            same = self._as_they_were(doubtful)
            for address, *_ in doubtful:
                if address not in same:
                    del fine[address]
            settled += [(row[0],) for row in doubtful if row[0] in same and _is_settled(row[4], began)]
            self._db.executemany("insert into temp.kept values (?)", [(address,) for address in fine])
            yield from fine.values()
        self._db.executemany("update objects set is_settled = 1 where address = ?", settled)
        self._db_commit()

    def _as_they_were(self, rows: list[tuple]) -> set[str]:
        """The addresses of those objects whose tag is still the same."""

        def ask(row: tuple) -> str:
            address, number, *_ = row
            store, bucket = self.stores[number], self.buckets[number]
            with suppress(Trouble):
                return buckets.patiently(lambda: buckets.version_of(store, bucket.path_of(address)).tag, bucket)
            return ""

        with ThreadPoolExecutor(buckets.AT_ONCE) as pool:
            tags = list(pool.map(ask, rows))
        return {row[0] for row, tag in zip(rows, tags, strict=True) if tag and tag == row[2]}

    def parcels(self, is_whole: bool) -> Iterator[Parcel]:
        """What is new, in parcels of a bounded size, or as one; at least one parcel, which may be empty.

        A parcel is taken away from the disk when the next is asked for.
        """
        for number, bucket in enumerate(self.buckets):
            [(count, new, new_size)] = self._db.execute(COUNTS, [number]).fetchall()
            print(f"  {name_of(bucket.address)}: {count:,} objects, {new:,} to download ({new_size:,} bytes)")
        fresh = self._db.execute(FRESH) if self.buckets else iter(())
        pace = 0.2 if sys.stderr.isatty() else 10
        is_empty = True
        for batch in _batches(fresh, is_whole):
            is_empty = False
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder.mkdir(parents=True)
            parcel = Parcel([], [], [])
            size = sum(row[2] for row in batch)
            with (
                progress_bar(total=size, unit="B", unit_scale=True, desc="download", mininterval=pace) as bar,
                ThreadPoolExecutor(buckets.AT_ONCE) as pool,
            ):
                try:
                    for row, found in zip(batch, pool.map(self._fetched, enumerate(batch)), strict=True):
                        bar.update(row[2])
                        if isinstance(found, Arrived):
                            parcel.arrived.append(found)
                        else:
                            (parcel.gone if found.is_gone else parcel.failed).append((found.name, found.reason))
                except BaseException:  # who interrupts does not wait for the rest
                    pool.shutdown(wait=False, cancel_futures=True)
                    raise
            yield parcel
        if is_empty:
            yield Parcel([], [], [])

    def _fetched(self, numbered: tuple[int, tuple]) -> "Arrived | Missed":
        number, (address, of_bucket, size, modified) = numbered
        path = self.folder / f"{number:06}"
        began = time.time()
        try:
            version = buckets.fetch(self.stores[of_bucket], self.buckets[of_bucket], address, path)
        except FileNotFoundError:
            return Missed(name_of(address), "it was taken away while files landed; land again", is_gone=True)
        except Trouble as error:
            path.unlink(missing_ok=True)
            return Missed(name_of(address), str(error))
        return Arrived(Object(address, size, modified), path, version.tag, _is_settled(modified, began))

    def remember(self, parcel: Parcel, parts: dict[str, list[Part]]) -> None:
        """What has landed of a parcel, by the objects' addresses; asked for after the store's commit."""
        rows = [
            (*one.object, one.tag, one.is_settled, reader_mark(), json.dumps(parts[one.object.address]))
            for one in parcel.arrived
            if one.object.address in parts
        ]
        if rows:
            self._db.executemany("insert or replace into objects values (?, ?, ?, ?, ?, ?, ?)", rows)
            self._db_commit()

    def has(self, address: str) -> bool:
        return bool(self._db.execute("select 1 from temp.listed where address = ?", [address]).fetchall())

    @property
    def _db(self) -> sqlite3.Connection:
        assert self.memory
        return self.memory

    def _db_commit(self) -> None:
        try:
            self._db.commit()
        except sqlite3.OperationalError as error:
            raise state.NoRoom(str(error)) from error


def _is_settled(modified: int, at: float) -> bool:
    """Whether an object that was looked at then can't be written again within the time that its store tells."""
    return modified % 1_000_000_000 > 0 or at > modified / 1e9 + SETTLED_SECONDS


def _memory(path: Path) -> sqlite3.Connection:
    """The memory's database; a damaged one is taken away."""
    for _ in range(2):
        memory = sqlite3.connect(path)
        try:
            memory.executescript(SCHEMA)
            memory.execute("select count(*) from objects where parts is null").fetchall()
            return memory
        except sqlite3.DatabaseError as error:
            memory.close()
            if state.is_no_room(error) or isinstance(error, sqlite3.OperationalError):
                raise OSError(f"{path} can't be opened ({error})") from error
            print(f"{path} is damaged; every object is downloaded again, and known by its content")
            path.unlink()
    raise state.Unreadable(f"{path} can't be made anew; remove it")


def _batches(rows: Iterator[tuple], is_whole: bool) -> Iterator[list[tuple]]:
    batch: list[tuple] = []
    size = 0
    for row in rows:
        if batch and not is_whole and (size + row[2] > BATCH_BYTES or len(batch) >= BATCH_OBJECTS):
            yield batch
            batch, size = [], 0
        batch.append(row)
        size += row[2]
    if batch:
        yield batch


def _stands(part: Part, reader: str, store: Store, reading: Reading) -> bool:
    """Whether a part of an object needs no reading: it would land as it did, or is not read by today's rules."""
    if part.file_id in store.forgotten:
        return True
    if part.file_id is None:
        return reader == reader_mark()
    file_id: str | None = part.file_id
    while file_id:
        entry = store.files.get(file_id)
        if not entry or gates.is_reached(entry.get("too_far")):
            return False
        # Damaged rows were read by no rules at all.
        if entry["reading"] != reading.mark(entry["source_file"], entry["kind"], tuple(entry.get("asks", ()))):
            return False
        file_id = entry["continues"]
    return True


@cache
def reader_mark() -> str:
    """Of the program that reads: what one release can't read, another may."""
    here = Path(__file__).resolve().parent
    files = sorted(path for path in here.rglob("*") if path.suffix in (".py", ".sql"))
    return sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:16]


def is_anything_new(inbox: str | Path, data: Path, is_quick: bool = True) -> bool:
    """Whether a bucket of the inbox holds an object that no landing has seen as it is now; reads listings alone.

    With `is_quick` only the newest folders of those that are named after times are looked at: a few requests, however
    much lies in the bucket; without it, all. Local folders are not looked at. Raises Trouble.
    """
    path = data / "landed" / NAME
    found = buckets.inboxes_of(inbox).buckets
    if not found:
        return False
    if not path.exists():
        return True
    memory = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=30)
    try:
        return any(_news(memory, bucket, is_quick) for bucket in found)
    except sqlite3.DatabaseError:
        return True
    finally:
        memory.close()


def _news(memory: sqlite3.Connection, bucket: Bucket, is_quick: bool) -> bool:
    known = "select 1 from objects where address = ? and size = ? and modified = ?"

    def is_known(objects: Iterable[Object]) -> bool:
        return all(
            memory.execute(known, one).fetchone() or not buckets.is_askable(bucket, one.address) for one in objects
        )

    return not all(map(is_known, buckets.listed(buckets.opened(bucket), bucket, is_quick)))
