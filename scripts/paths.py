"""Folders as SQL reads them, whatever their names hold."""

import re
from pathlib import Path

# `make pull` writes its pages in this folder of the inbox until they are whole, so landing does not look into it.
PULLING = ".pulling"
# How exported CSV files are written: without it the reader guesses, and takes an apostrophe in a cell for a quote.
AS_WRITTEN = "header = true, delim = ',', quote = '\"', escape = '\"'"


def quoted(path: Path | str) -> str:
    """The path for between the quotes of a SQL text."""
    return str(path).replace("'", "''")


def pattern(folder: Path | str) -> str:
    """The same as the beginning of a pattern of files: stars and brackets in a folder's name stand for themselves."""
    return quoted(re.sub(r"[\[*?]", r"[\g<0>]", str(folder)))
