"""Files that a later run depends on: written beside, synced and renamed, so that a kill leaves the old or the new one.

And the lock of a data folder, which whoever writes to it holds.
"""

import errno
import fcntl
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

# Faults of the machine, not of a file that is being read.
NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}


class Unreadable(Exception):
    """A state file holds something else than was written; the message says which, and what to do."""


class NoRoom(BaseException):
    """The disk is full. It passes by handlers that would take it for the fault of the file being read."""


def write(path: Path, content: str | bytes, mode: int | None = None) -> None:
    """Old or new after a kill at any moment, also where the machine itself stops."""
    part = path.with_name(f"{path.name}.part")
    with part.open("wb") as target:
        if mode is not None:
            part.chmod(mode)
        target.write(content.encode() if isinstance(content, str) else content)
        target.flush()
        os.fsync(target.fileno())
    move(part, path)


def move(source: Path, target: Path) -> None:
    """Rename, and keep the name: a folder is a file of names, which has to reach the disk too."""
    os.replace(source, target)
    sync(target.parent)


def remove(path: Path) -> None:
    if path.exists():
        path.unlink()
        sync(path.parent)


def sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # a file system that syncs no folders
            raise
    finally:
        os.close(handle)


def exchange(part: Path, folder: Path) -> None:
    """Put a folder in another's place; whoever looks finds the old one or the new one, and never half of either."""
    old = folder.with_name(f".{folder.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists() and not _exchanged(part, folder):
        os.replace(folder, old)
    if part.exists():
        os.replace(part, old if folder.exists() else folder)
    sync(folder.parent)
    shutil.rmtree(old, ignore_errors=True)


def _exchanged(one: Path, other: Path) -> bool:
    """Whether two names changed places in one step, which Linux does and Python has no word for."""
    try:
        import ctypes

        call = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return False
    here, both = -100, 2  # AT_FDCWD, RENAME_EXCHANGE
    return call(here, os.fsencode(one), here, os.fsencode(other), both) == 0


def read(path: Path, remedy: str):
    """The JSON of a state file; Unreadable with what to do where it is none."""
    try:
        return json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"{path} can't be read ({_first_line(error)}): {remedy}") from error


def is_no_room(error: BaseException) -> bool:
    return getattr(error, "errno", None) in NO_ROOM or "No space left on device" in str(error)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


HELD: set[Path] = set()  # data folders whose lock this process has


@contextmanager
def holding(data: Path) -> Iterator[bool]:
    """Whether a data folder's lock could be had, for as long as the block runs; says so where not. Whoever has it may
    ask again.
    """
    data.mkdir(parents=True, exist_ok=True)
    key = data.resolve()
    if key in HELD:
        yield True
        return
    with (data / ".lock").open("w") as lock:
        if not locked(lock):
            print(f"ERROR: another landing or build is writing to {data}; wait for it", file=sys.stderr)
            yield False
            return
        HELD.add(key)
        try:
            yield True
        finally:
            HELD.discard(key)


def is_held(data: Path) -> bool:
    """Whether a landing or build is at work on a data folder."""
    with (data / ".lock").open("a") as lock:
        return not locked(lock, 0)


def locked(lock: TextIO, seconds: float = 3) -> bool:
    """Whether the lock could be had: a landing that was killed lets go of it when its last process is gone."""
    patience = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() > patience:
                return False
            time.sleep(0.1)
