"""The words that a program is called with: a wrong call is named, with exit 2, and --help answers."""

import argparse
from pathlib import Path


def paths(text: str, *names: str) -> list[Path]:
    """The paths that a program takes, one for each name; `text` is its own, whose first line says what it does."""
    parser = argparse.ArgumentParser(description=text.splitlines()[0])
    for name in names:
        parser.add_argument(name, type=Path, metavar=name.upper())
    return [*vars(parser.parse_args()).values()]
