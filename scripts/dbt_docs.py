"""Writes dbt's own docs of a built ledger as one page, DATA/docs/index.html."""

import os
import sys
from pathlib import Path

import arguments
import build
import company
import ending
import state
from terminal import print


def write(data: Path, companies: Path) -> int:
    if not (data / "ledger.duckdb").exists():
        print(f"ERROR: there is no {data / 'ledger.duckdb'}; run make build first", file=sys.stderr)
        return 2
    if code := company.complete(companies, str(data)):
        return code
    folder = (data / "docs").resolve()
    folder.mkdir(exist_ok=True)
    with state.holding(data) as is_held:
        if not is_held:
            return 2
        passed, _ = build.dbt("docs", str(data), selection=("generate", "--static"))
    if not passed:
        return 1
    made = build.PROJECT / data / "target" / "static_index.html"
    os.replace(made, folder / "index.html")
    print(f"Look at: {data}/docs/index.html")
    return 0


if __name__ == "__main__":
    sys.exit(ending.of(lambda: write(*arguments.paths(__doc__, "data", "company"))))
