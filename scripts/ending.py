"""How programs end: with their exit code, or one sentence where the machine or a person stops them; no traceback."""

import os
import re
import sys
from collections.abc import Callable

import duckdb

import state

INTERRUPTED, PIPE_CLOSED = 130, 141  # as a shell counts programs that SIGINT and SIGPIPE end
DAMAGE = re.compile(
    r"not a valid DuckDB|checksum|corrupt|could not read enough bytes|failed to (?:deserialize|load metadata)|"
    r"serialization error|internal error|fatal error|database has been invalidated|replaying wal|read out of range",
    re.IGNORECASE,
)


def of(run: Callable[[], int | None]) -> int:
    """The exit code of a program's main function."""
    try:
        code = run() or 0
        sys.stdout.flush()  # here, where a closed pipe can still be told
    except KeyboardInterrupt:
        print("\ninterrupted; what was finished stands, and the same command goes on from there", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        silence()
        return PIPE_CLOSED
    except (Exception, state.NoRoom) as error:
        if not (said := sentence(error)):
            raise
        print(f"ERROR: {said}", file=sys.stderr)
        return 1
    return code


def silence() -> None:
    """Nobody reads any more: what is left to print goes nowhere, also when Python ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(nowhere, stream.fileno())


def sentence(error: BaseException) -> str | None:
    """An error that isn't the program's own, in words with what to do; None for all others."""
    first = (str(error).splitlines() or [""])[0]
    if isinstance(error, state.Unreadable):
        return str(error)
    if state.is_no_room(error) or isinstance(error, state.NoRoom):
        where = f" ({name})" if (name := getattr(error, "filename", None)) else ""
        return f"the disk is full or can't be written to{where}; make room and run again: what was good is as it was"
    if is_locked(error):
        return f"{holder(error)}; close it or wait for it, and run again"
    if isinstance(error, duckdb.CatalogException):
        return f"the ledger is not built whole; run make build ({first})"
    if is_damage(error):
        return f"the ledger's database is damaged ({first[:200]}); remove DATA/ledger.duckdb and run make build"
    if isinstance(error, duckdb.IOException):
        return f"the ledger can't be read; is a build running, or the disk failing? ({first})"
    if isinstance(error, OSError):
        named = f"{error.filename}: " if error.filename else ""
        return f"{named}{error.strerror or first}"
    return None


def is_locked(error: BaseException) -> bool:
    return "Could not set lock on file" in str(error) or "onflicting lock is held" in str(error)


def holder(error: BaseException) -> str:
    """Which program holds the database."""
    path = re.search(r'lock on file "([^"]*)"', str(error))
    held = re.search(r"held in (.*?) \(PID (\d+)\)", str(error))
    by = f" ({os.path.basename(held[1])}, process {held[2]})" if held else ""
    return f"{path[1] if path else 'the database'} is open in another program{by}"


def is_damage(error: BaseException) -> bool:
    """Whether a database's own bytes are wrong; a lock, a full disk or a fault in reading it are something else."""
    if not isinstance(error, duckdb.Error) or is_locked(error) or state.is_no_room(error):
        return False
    if "Input/output error" in str(error):
        return False
    return bool(DAMAGE.search(str(error)))
