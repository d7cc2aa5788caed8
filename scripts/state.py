"""Files that a later run depends on: written beside, flushed to the disk and renamed, so that a kill leaves old or new."""

import errno
import json
import os
from pathlib import Path

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
    if folder.exists():
        if not _exchanged(part, folder):
            os.replace(folder, old)
            os.replace(part, folder)
        else:
            os.replace(part, old)
    else:
        os.replace(part, folder)
    sync(folder.parent)


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
