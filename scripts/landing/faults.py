"""Why a file can't be read, as a sentence for a person: never a message of a library, which may quote the file."""

import traceback
import zipfile
import zlib
from pathlib import Path

import duckdb
import pyarrow as pa

from landing import Unreadable
from terminal import plain

HERE = Path(__file__).resolve().parent
MOST_CHARACTERS = 300
DIED = (
    "the process that read it was killed, for want of memory or by a fault of a library; split it, or export it again"
)

MEMORY = "it needs more memory than there is; split it"


def may_pass(reason: str) -> bool:
    """Whether the same bytes may be read another time: where the machine was at fault."""
    return reason in (DIED, MEMORY)


def why(error: BaseException) -> str:
    """The reason, and what to do where that is known."""
    if isinstance(error, Unreadable):
        return _short(error)
    if isinstance(error, MemoryError | duckdb.OutOfMemoryException | pa.ArrowMemoryError):
        return MEMORY
    if isinstance(error, RecursionError):
        return "it is nested too deeply; export it again"
    if isinstance(error, FileNotFoundError):
        return "it was taken away while files landed; land again"
    if isinstance(error, OSError | EOFError | zlib.error | zipfile.BadZipFile):
        return _short(getattr(error, "strerror", None) or error)
    return f"its reader failed ({type(error).__name__}{_place_of(error)}); export it again, or report this"


def remedy(error: BaseException) -> str:
    """What to do about a file that can't be opened, where the reason does not say it."""
    if isinstance(error, OSError) and error.strerror:
        return "; give read permission, or mend it"
    return "" if ";" in why(error) else "; export it again"


def _short(text: object) -> str:
    return plain((str(text).splitlines() or [""])[0][:MOST_CHARACTERS])


def _place_of(error: BaseException) -> str:
    """The line of this project's code that failed, for whoever mends it."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).parent == HERE]
    return f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
