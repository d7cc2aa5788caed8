"""What the company says of how files write numbers and days: rows of seed bill_sources with date_order or decimal."""

import csv
import os
import re
from pathlib import Path
from typing import NamedTuple

WORDS = {"decimal": ("point", "comma"), "date_order": ("mdy", "dmy")}
# Kinds of bills that land in a table of another name.
LANDED_AS = {
    **dict.fromkeys(["azure_actual", "azure_amortized"], "azure_costs"),
    **dict.fromkeys(
        "github_usage copilot_usage cursor_usage databricks_usage snowflake_currency snowflake_metering "
        "snowflake_cortex opencost_allocations".split(),
        "charges",
    ),
}
# Kinds that are one provider's; whose lines another file has, only its cells say.
OF_ONE_PROVIDER = ("openai", "anthropic", "openrouter")


class Contradiction(Exception):
    """Rows that fit a file equally well say different things of it."""


class Row(NamedTuple):
    provider: str
    file_kind: str
    source_file: str
    decimal: str
    date_order: str

    def fits(self, name: str, table: str) -> bool:
        kinds = {table, *(kind for kind, lands in LANDED_AS.items() if lands == table)}
        owner = table.split("_")[0]
        return (
            is_like(name, self.source_file)
            and any(is_like(kind, self.file_kind) for kind in kinds)
            and (
                is_like(owner, self.provider)
                if owner in OF_ONE_PROVIDER
                else not self.provider or bool(self.source_file)
            )
        )


def complaint_of_settings() -> str | None:
    """What is wrong with DECIMAL or DATE_ORDER of the environment."""
    for name, words in WORDS.items():
        if (stated := os.environ.get(name.upper(), "")) not in ("", *words):
            return f"{name.upper()}={stated} is not known; say {' or '.join(words)}"
    return None


def rows_of(path: Path) -> tuple[tuple[Row, ...], str | None]:
    """(rows that settle cells, what is wrong with one) of a seed as `company.complete` wrote it."""
    rows = []
    if not path.exists():
        return (), None
    with path.open(encoding="utf-8", newline="") as lines:
        for said in csv.DictReader(lines):
            for name, words in WORDS.items():
                if (said.get(name) or "") not in ("", *words):
                    return (), f"{name} '{said[name]}' is not known; say {' or '.join(words)}"
            row = Row(*((said.get(name) or "") for name in Row._fields))
            if not (row.decimal or row.date_order):
                continue
            kind = row.file_kind or row.provider
            is_of_one = kind.split("_")[0] in OF_ONE_PROVIDER
            if not row.source_file and (said.get("account_id") or not kind or (row.provider and not is_of_one)):
                return (), (
                    "a row with date_order or decimal names its files by source_file (or file_kind): of which account "
                    "or provider a file is, its cells say"
                )
            rows.append(row)
    return tuple(rows), None


def settled(rows: tuple[Row, ...], name: str, table: str, setting: str) -> str:
    """How a file's cells are read where they don't say it themselves: the row with the longest pattern that fits."""
    fitting = [row for row in rows if getattr(row, setting) and row.fits(name, table)]
    if not fitting:
        return ""
    best = max(map(_rank, fitting))
    said = {getattr(row, setting) for row in fitting if _rank(row) == best}
    if len(said) > 1:
        raise Contradiction(
            f"rows of seed bill_sources contradict each other on {setting} of {name}: {', '.join(sorted(said))}; name "
            "the file in one of them"
        )
    return said.pop()


def _rank(row: Row) -> tuple[int, int, int]:
    return len(row.source_file), len(row.file_kind), len(row.provider)


def is_like(text: str, pattern: str) -> bool:
    """SQL's LIKE, with a backslash as escape; an empty pattern matches all."""
    parts = re.findall(r"\\.|.", pattern, re.DOTALL)
    words = {"%": ".*", "_": "."}
    regex = "".join(words.get(part) or re.escape(part[-1]) for part in parts)
    return not pattern or re.fullmatch(regex, text, re.DOTALL) is not None
