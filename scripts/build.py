"""Land the inbox, check it, and `dbt build`: the one command behind `make build` and `make demo`.

Usage: build.py INBOX DATA COMPANY. Exit 0 when every identity and test holds, rejected lines included;
1 when a landing, model or test failed (it says which, on which rows, and what to do); 2 when the call is wrong.
"""

import argparse
import os
import sys
import time
from hashlib import sha256
from pathlib import Path

import duckdb
from tqdm import tqdm

import company
import land

PROJECT = Path(__file__).resolve().parent.parent
TOTALS = """
select month, sum(billed_usd), sum(accrued_usd), sum(net_charge_usd), sum(unattributed_usd)
from marts.team_chargeback_monthly group by month order by month
"""


class Progress:
    """A bar over dbt's nodes, fed by its events; failures are kept for the end."""

    def __init__(self):
        self.bar: tqdm | None = None

    def __call__(self, event) -> None:
        if event.info.name == "LogStartLine" and self.bar is None:
            self.bar = tqdm(total=event.data.total, unit="node", desc="dbt build", mininterval=land.pace())
        elif event.info.name == "NodeFinished" and self.bar is not None:
            self.bar.update(1)

    def close(self) -> None:
        if self.bar is not None:
            self.bar.close()


def fingerprint(data: Path) -> str:
    """What a build depends on: the project, the company's seeds, what has landed, and the database that came of it."""
    digest = sha256()
    folders = [PROJECT / name for name in ("models", "macros", "seeds", "tests")]
    files = [path for folder in [*folders, company.seeds_of(str(data))] for path in folder.rglob("*") if path.is_file()]
    files += [PROJECT / "dbt_project.yml", PROJECT / "profiles.yml", data / "landed" / "manifest.json"]
    for path in sorted(path for path in files if path.exists() and path.suffix != ".pyc"):
        digest.update(str(path.relative_to(PROJECT) if path.is_relative_to(PROJECT) else path.name).encode())
        digest.update(path.read_bytes())
    database = data / "ledger.duckdb"
    digest.update(str(database.stat().st_mtime_ns if database.exists() else None).encode())
    return digest.hexdigest()


def dbt_build(data: str) -> tuple[bool, list]:
    """Run every seed, model and test; returns (all passed, results that did not)."""
    os.chdir(PROJECT)
    os.environ["DATA"] = data
    os.environ.setdefault("DBT_PROFILES_DIR", str(PROJECT))
    os.environ.setdefault("DBT_SEND_ANONYMOUS_USAGE_STATS", "false")
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager  # two seconds, not needed when landing fails
    from dbt.cli.main import dbtRunner

    progress = Progress()
    outcome = dbtRunner(callbacks=[progress]).invoke(
        ["--quiet", "build", "--target-path", str(Path(data, "target")), "--log-path", str(Path(data, "logs"))]
    )
    progress.close()
    DuckDBConnectionManager.close_all_connections()
    if outcome.exception:
        print(f"ERROR: dbt could not start: {outcome.exception}", file=sys.stderr)
        return False, []
    troubled = [result for result in outcome.result.results if str(result.status) not in ("success", "pass")]
    return outcome.success, troubled


def explain(results: list, database: Path) -> None:
    """Name each failed or warning node, and of a failed test the first rows."""
    skipped = sum(str(result.status) == "skipped" for result in results)
    for result in results:
        status = str(result.status)
        if status == "skipped":
            continue
        label = "warning" if status == "warn" else "ERROR"
        node = result.node
        message = str(result.message).strip()[:600]
        print(f"  {label}: {node.resource_type} {node.name} ({node.original_file_path}): {message}")
        if node.resource_type == "test" and getattr(node, "compiled_code", None):
            for row in _first_rows(node.compiled_code, database):
                print(f"      {row}")
    if skipped:
        print(f"  {skipped} nodes downstream were skipped")


def _first_rows(query: str, database: Path) -> list[str]:
    try:
        with duckdb.connect(str(database), read_only=True) as engine:
            found = engine.execute(f"select * from ({query}) limit 3")
            names = [column[0] for column in found.description]
            rows = [zip(names, row, strict=True) for row in found.fetchall()]
            return [", ".join(f"{name}={value}" for name, value in row) for row in rows]
    except duckdb.Error as error:
        return [f"(its rows can't be shown: {error})"]


def report(database: Path) -> None:
    with duckdb.connect(str(database), read_only=True) as engine:
        for month, billed, accrued, net, unattributed in engine.execute(TOTALS).fetchall():
            print(
                f"  {month:%Y-%m}: billed {billed:.6f} + accrued {accrued:.6f} = borne by teams {net:.6f} USD"
                f" ({unattributed:.6f} of it unattributed, visible by team)"
            )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("inbox", type=Path)
    parser.add_argument("data")
    parser.add_argument("company", type=Path)
    arguments = parser.parse_args()
    began = time.monotonic()
    if code := company.complete(arguments.company, arguments.data):
        return code
    if code := land.run(arguments.inbox, Path(arguments.data)):
        return code
    data = Path(arguments.data)
    database, stamp = data / "ledger.duckdb", data / ".built"
    if stamp.exists() and stamp.read_text() == fingerprint(data):
        print(f"nothing new since {database} was built: same inputs, seeds and models")
        report(database)
        return 0
    stamp.unlink(missing_ok=True)
    passed, troubled = dbt_build(arguments.data)
    explain(troubled, database)
    if not passed:
        print(
            f"FAILED: the ledger is not to be used. Inputs: {arguments.inbox}, {arguments.company}. Correct what is "
            f"named above and run again; compiled SQL in {arguments.data}/target, log in {arguments.data}/logs/dbt.log"
        )
        return 1
    print(f"built {database} in {time.monotonic() - began:.0f} s; every identity and test holds")
    report(database)
    stamp.write_text(fingerprint(data))
    print(f"Look at: schema marts in {database} (any DuckDB client); {arguments.data}/landed/rejects; README.md")
    return 0


if __name__ == "__main__":
    sys.exit(main())
