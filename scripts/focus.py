"""A month's FOCUS files: written and re-added beside finance's others, and held against the FOCUS validator.

Usage: focus.py install        the validator's own environment, .venv-focus, from requirements-focus.txt
       focus.py MONTH DATA     runs the validator on DATA/exports/MONTH/focus.parquet; exit 1 where a rule fails
The CSV has the same rows, but no types: the validator would take an account's id of digits for a number.
The validator needs Python 3.12 (its numpy is built for no newer one); FOCUS_PYTHON names it where it is not found.
Where there is none, both say so and exit 0.
"""

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from pyarrow import ArrowInvalid, parquet

import ending
import environment
from environment import PROJECT
from paths import quoted
from terminal import print

ENVIRONMENT, LOCK = PROJECT / ".venv-focus", PROJECT / "requirements-focus.txt"
ORDER = """x_OriginChargeId, ChargeCategory, ChargeClass, x_AllocatedMethodId, x_TeamId, x_PayerTeamId, x_FeatureId,
x_Purpose"""
ROWS = f"select * from marts.focus_cost_and_usage where x_PostedMonth = ? order by {ORDER}"
# Endings of the columns that hold exact decimals.
DECIMALS = ("Cost", "Quantity", "UnitPrice", "Ratio")
# What an organisation's bills for AI have: the rules that FOCUS makes conditional on these hold too.
CRITERIA = """BILLING_BASED_ON_PROVISIONED_RESOURCES_SUPPORTED MULTIPLE_PRICING_CATEGORIES_SUPPORTED
NEGOTIATED_PRICING_SUPPORTED PRICING_BILLING_CURRENCY_DIFFERENCES_SUPPORTED PUBLIC_PRICE_LIST_SUPPORTED
RESOURCE_TYPE_ASSIGNMENT_SUPPORTED SUB_ACCOUNT_SUPPORTED TAGGING_SUPPORTED UNIT_PRICING_SUPPORTED
USAGE_MEASUREMENT_SUPPORTED"""
# Rules that can't hold, and why (DECISIONS.md, "What finance gets").
INVOICE = "the validator drops its condition, and asks that InvoiceId is NULL in every row and in none"
EXPLAINED = {f"InvoiceId-C-{rule}": INVOICE for rule in ("000-O", "003-C", "004-C", "005-C")}
CAUSES = {"InvoiceId-C-000-O": "InvoiceId-C-003-C", "InvoiceId-C-003-C": "InvoiceId-C-004-C"}
# Notes on teams, for which FOCUS has no columns.
NOTES = (
    "x_TeamId is the team that bears the row, x_PayerTeamId the team whose account or key the provider bills. Over a "
    "month EffectiveCost by x_TeamId is team_chargeback.csv's net_charge_usd, to a millionth of a dollar a team: FOCUS "
    "cuts parts off once per charge, the ledger once per call.",
    "A charge is split into a row for each team, feature and purpose that takes of it: x_OriginChargeId names the "
    "charge, x_AllocatedRatio the part; the parts of a charge add up to 1.",
    "BilledCost is what providers billed in the month, without what accrues; EffectiveCost has both, and x_Basis says "
    "which (billed, accrued).",
    "Rows of ChargeCategory Adjustment move cost between teams and add up to 0 over a month: pool credits, shares "
    "and agreed adjustments (ProviderName internal); x_AllocatedMethodId says which. Without them EffectiveCost by "
    "x_TeamId is what teams bear before pool, sharing rules and adjustments.",
    "Rows of ChargeClass Correction book in x_PostedMonth what became known of a month after it was closed.",
)
CHECKS = {
    "FOCUS rows bear what each team is charged, to a millionth of a dollar a team": """
        with focus as (select x_TeamId as team_id, sum(EffectiveCost) as borne_usd from {focus} group by all)
        select coalesce(charged.team_id, focus.team_id), charged.net_charge_usd, focus.borne_usd
        from {chargeback} as charged full join focus on charged.team_id is not distinct from focus.team_id
        where abs(coalesce(charged.net_charge_usd, 0) - coalesce(focus.borne_usd, 0)) > 0.000001""",
    "the shares of each charge in the FOCUS rows add up to it": """
        select x_OriginChargeId, ChargeCategory = 'Purchase', sum(x_AllocatedRatio) from {focus}
        where x_AllocatedRatio is not null group by all having sum(x_AllocatedRatio) != 1""",
    "FOCUS rows are of the month": """
        select x_PostedMonth from {focus} where x_PostedMonth != date '{day}'""",
}


def write(engine, day: str, folder: Path, write_csv) -> dict:
    """focus.csv and focus.parquet; their entries for the manifest."""
    engine.execute("set timezone = 'UTC'")
    times = [name for name, kind in columns(engine) if kind == "TIMESTAMP"]
    written = ", ".join(f"strftime({name}, '%Y-%m-%dT%H:%M:%SZ') as {name}" for name in times)
    rows = write_csv(engine, ROWS.replace("*", f"* replace ({written})", 1), [day], folder / "focus.csv")
    zoned = ", ".join(f"{name} at time zone 'UTC' as {name}" for name in times)
    path, query = folder / "focus.parquet", ROWS.replace("*", f"* replace ({zoned})", 1).replace("?", f"date '{day}'")
    notes = quoted(" ".join(NOTES))
    engine.execute(
        f"copy ({query}) to '{quoted(path)}' (format parquet, compression zstd, kv_metadata {{notes: '{notes}'}})"
    )
    return {"focus.csv": rows, "focus.parquet": {**rows, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}}


def columns(engine) -> list[tuple[str, str]]:
    return engine.execute("select column_name, column_type from (describe marts.focus_cost_and_usage)").fetchall()


def complaints(engine, month: str, folder: Path, table) -> list[str]:
    """What of the exported FOCUS file is not so; `table` reads an exported file."""
    if not (folder / "focus.csv").exists():
        return []
    tables = {"focus": table(folder, "focus.csv"), "chargeback": table(folder, "team_chargeback.csv")}
    wrong = []
    for name, query in CHECKS.items():
        rows = engine.execute(query.format(**tables, day=f"{month}-01")).fetchall()
        wrong += [f"{name}: {len(rows)} times not, first {tuple(str(cell) for cell in rows[0])}"] if rows else []
    return wrong


def python_for_validator() -> str | None:
    """A Python 3.12 to make the validator's environment with."""
    shims = sorted(Path.home().glob(".pyenv/versions/3.12*/bin/python"), reverse=True)
    candidates = [os.environ.get("FOCUS_PYTHON"), "python3.12", sys.executable, *map(str, shims)]
    version = "import sys; sys.exit(sys.version_info[:2] != (3, 12))"
    for candidate in filter(None, candidates):
        found = shutil.which(candidate)
        if found and subprocess.run([found, "-c", version], capture_output=True).returncode == 0:
            return found
    return None


def install() -> int:
    """Makes .venv-focus anew where the lock is another than it was made from."""
    if environment.is_made(ENVIRONMENT, LOCK):
        return 0
    if not (python := python_for_validator()):
        print("skipped: the FOCUS validator needs Python 3.12, and none was found; FOCUS_PYTHON=<path> names one")
        return 0
    return environment.make(ENVIRONMENT, LOCK, python, "the FOCUS validator")


def validate(path: Path) -> tuple[dict[str, str], str]:
    """Each rule's outcome (PASS, FAIL, SKIPPED), and what the validator printed: it exits 0 also where rules fail."""
    package = next(ENVIRONMENT.glob("lib/python3.*/site-packages/focus_validator"))
    with tempfile.TemporaryDirectory() as folder:
        # It reads its rules from the working directory, and writes its log there.
        Path(folder, package.name).symlink_to(package)
        command = [str(ENVIRONMENT / "bin" / "focus-validator"), "--data-file", str(path.resolve()), "--block-download"]
        command += ["--validate-version", "1.2", "--applicability-criteria", ",".join(CRITERIA.split())]
        done = subprocess.run(
            command, capture_output=True, text=True, cwd=folder, env={**os.environ, "PYTHONUTF8": "1"}
        )
    said = done.stdout + done.stderr
    outcomes = dict(re.findall(r"^\S+ ([A-Za-z]+-[A-Z]-\d{3}-[A-Z]): (PASS|FAIL|SKIPPED)", done.stdout, re.MULTILINE))
    told = re.search(r"Total: (\d+) \| Pass: (\d+) \| Fail: (\d+) \| Skipped: (\d+)", done.stdout)
    counts = [list(outcomes.values()).count(outcome) for outcome in ("PASS", "FAIL", "SKIPPED")]
    # Half an output, or one in another shape, is no answer.
    if done.returncode or not told or [int(count) for count in told.groups()] != [sum(counts), *counts]:
        return {}, said
    return outcomes, said


def failures(outcomes: dict[str, str]) -> tuple[list[str], list[str]]:
    """Rules that fail: those that nothing explains, and those that can't hold."""
    failed = [rule for rule, outcome in outcomes.items() if outcome == "FAIL"]
    explained = [rule for rule in failed if rule in EXPLAINED and CAUSES.get(rule, rule) in failed]
    return [rule for rule in failed if rule not in explained], explained


def _has_no_rows(path: Path) -> bool:
    try:
        return parquet.read_metadata(path).num_rows == 0
    except (OSError, ArrowInvalid):  # the validator says what is wrong with it
        return False


def check(month: str, data: Path) -> int:
    path = data / "exports" / month / "focus.parquet"
    if not path.exists():
        print(f"ERROR: {path} is not there; run make export MONTH={month}", file=sys.stderr)
        return 2
    if _has_no_rows(path):
        print(f"{path}: the month has no rows, so there is nothing to hold against FOCUS 1.2")
        return 0
    if code := install():
        return code
    if not (ENVIRONMENT / ".lock").exists():
        print(f"{path}: not checked against FOCUS 1.2")
        return 0
    outcomes, said = validate(path)
    if not outcomes:
        print(f"ERROR: the FOCUS validator gave no answer for {path}:\n{said.strip()[-3000:]}", file=sys.stderr)
        return 1
    failed, explained = failures(outcomes)
    for rule in explained:
        print(f"  {rule} can't hold: {EXPLAINED[rule]}")
    for rule in failed:
        meant = re.search(rf"^- {rule}: (.*)\n  MustSatisfy: (.*)$", said, re.MULTILINE)
        print(f"ERROR: {rule}: {meant.group(2)} ({meant.group(1)})" if meant else f"ERROR: {rule}", file=sys.stderr)
    passed = list(outcomes.values()).count("PASS")
    result = f"{len(failed)} rules fail" if failed else "no rule fails"
    print(f"{path}: FOCUS 1.2, {passed} rules hold, {len(explained)} can't, {result}")
    return 1 if failed else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("month", help="`install` instead of a month makes the validator's own environment")
    parser.add_argument("data", type=Path, nargs="?")
    given = parser.parse_args()
    if given.month == "install" and not given.data:
        return install()
    if not given.data or not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", given.month):
        print("ERROR: say which month: MONTH=2026-10", file=sys.stderr)
        return 2
    return check(given.month, given.data)


if __name__ == "__main__":
    sys.exit(ending.of(main))
