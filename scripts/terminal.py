"""Text of others on its way to a terminal, a log or a landed row: nothing in it moves the cursor or forges a line.

File names, labels and cells are written by whoever exports. What a terminal acts on, or shows as nothing or in another
order, is written out as an escape; `print` is the one place where programs write lines.
"""

import contextlib
import os
import re
import sys
from collections.abc import Callable, Iterable
from typing import Any, TextIO

from tqdm import tqdm

# Controls (C0, DEL, C1), halves of surrogate pairs, which hold bytes that are no UTF-8 in file names, marks that turn
# the direction of text or show as nothing, and ends of lines that only some programs know.
MARKS = "\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"
HARMFUL = re.compile(f"[\x00-\x1f\x7f-\x9f\ud800-\udfff{MARKS}]")
HARMFUL_IN_LINES = re.compile(f"[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff{MARKS}]")
# A backslash that stands before something like an escape is one itself, so that no two names are written alike.
LIKE_ESCAPES = re.compile(r"\\(?=x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8})")


def _escape(found: re.Match) -> str:
    code = ord(found[0])
    if 0xDC80 <= code <= 0xDCFF:  # a byte of a file name that is no UTF-8, as os.fsdecode keeps it
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def plain(text: object) -> str:
    """The text as one line that any terminal shows as it is."""
    return HARMFUL.sub(_escape, str(text))


def name_of(path: object) -> str:
    """The same of a file's name: different names are written differently, so that what is written identifies it."""
    return plain(LIKE_ESCAPES.sub(r"\\x5c", str(path)))


def print(*parts: object, sep: str = " ", end: str = "\n", file: TextIO | None = None, flush: bool = False) -> None:
    """Python's own, of lines that nothing in them can forge or color."""
    stream = sys.stdout if file is None else file
    text = HARMFUL_IN_LINES.sub(_escape, sep.join(str(part) for part in parts))
    encoding = getattr(stream, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:  # a terminal of another language, or of none
        text = text.encode(encoding, "backslashreplace").decode(encoding)
    stream.write(text + end)
    if flush:
        stream.flush()


class Unheard:
    """Standard error for a bar: once nobody reads it any more, what is written there goes nowhere. tqdm keeps its lock
    for good when a write fails, so that the next bar would wait forever.
    """

    def __getattr__(self, name: str) -> Any:
        return getattr(sys.stderr, name)

    def write(self, text: str) -> None:
        self._do(lambda: sys.stderr.write(text))

    def flush(self) -> None:
        self._do(sys.stderr.flush)

    def _do(self, what: Callable[[], object]) -> None:
        try:
            what()
        except (OSError, ValueError):
            with contextlib.suppress(OSError, ValueError), open(os.devnull, "w") as nowhere:
                os.dup2(nowhere.fileno(), sys.stderr.fileno())  # a stream without a number has no other way


def progress_bar(**options: Any) -> tqdm:
    """A bar of tqdm's, with its options, on standard error."""
    return tqdm(file=Unheard(), **options)


def table(names: list[str], rows: Iterable[tuple]) -> None:
    """Print rows below their columns' names: the first cell is text, the others are amounts or None."""
    cells = [tuple(names)]
    for first, *amounts in rows:
        cells.append((plain(first), *("" if amount is None else f"{amount:,.2f}" for amount in amounts)))
    widths = [max(len(row[place]) for row in cells) for place in range(len(names))]
    for first, *others in cells:
        right = [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
        print("  ".join(["  " + first.ljust(widths[0]), *right]))
