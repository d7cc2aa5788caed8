"""Queries of documents and their outputs, and the outputs as they are now."""

import re
import sys
from pathlib import Path

import duckdb

FINDINGS = Path(__file__).resolve().parents[2] / "docs" / "analyst.md"
PAIR = re.compile(r"```sql\n(.*?)```\n+(?:```\n(.*?)```)?", re.DOTALL)


def table(engine, query: str) -> str:
    """Rows of a query as aligned text: the first column left, numbers right."""
    found = engine.execute(query)
    rows = [[column[0] for column in found.description]]
    rows += [["" if cell is None else str(cell).lower() if isinstance(cell, bool) else str(cell) for cell in row]
             for row in found.fetchall()]  # fmt: skip
    numeric = [all(re.fullmatch(r"-?[\d.]*", row[place]) for row in rows[1:]) for place in range(len(rows[0]))]
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    lines = [
        "  ".join(cell.rjust(width) if is_number else cell.ljust(width)
                  for cell, width, is_number in zip(row, widths, numeric, strict=True)).rstrip()
        for row in rows
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def documented(text: str) -> list[tuple[str, str]]:
    return PAIR.findall(text.split("## Findings")[1].split("\n## ")[0])


def with_outputs(engine, text: str) -> str:
    return PAIR.sub(lambda pair: f"```sql\n{pair[1]}```\n\n```\n{table(engine, pair[1])}```", text)


def rewrite(database: Path, page: Path | None = None) -> None:
    """Put today's outputs under the queries of docs/analyst.md, or a page: findings.py DATA/ledger.duckdb [PAGE]."""
    if page:
        with duckdb.connect(str(database), read_only=True) as engine:
            page.write_text(with_outputs(engine, page.read_text()))
        return
    before, section = FINDINGS.read_text().split("## Findings")
    section, *after = section.split("\n## ", 1)
    with duckdb.connect(str(database), read_only=True) as engine:
        section = with_outputs(engine, section)
    FINDINGS.write_text(before + "## Findings" + section.rstrip() + "\n" + "".join("\n## " + rest for rest in after))


if __name__ == "__main__":
    rewrite(*map(Path, sys.argv[1:]))
