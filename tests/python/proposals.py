"""A proposal as `make whatif` keeps it, without a build: a ledger's figures, and the same with a change in SQL."""

import argparse
from pathlib import Path

import duckdb

import build
import whatif


def tried(ledger: Path, data: Path, change: str, month: str | None = None) -> None:
    """Keeps in `data` what the policies `change` to the tables other_... of the ledger in folder `ledger`."""
    copy = data / "whatif" / ".copy"
    copy.mkdir(parents=True)
    with duckdb.connect() as engine:
        engine.execute(f"attach '{ledger / 'ledger.duckdb'}' as copy (read_only)")
        for table in whatif.TAKEN[whatif.POSTINGS]:
            engine.execute(f"create table today_{table} as {whatif.QUERY[f'side {table}']}")
            engine.execute(f"create table other_{table} as from today_{table}")
        for side in ("today", "other"):
            engine.execute(f"create table {side}_chargeback_policies as from copy.seeds.chargeback_policies")
        engine.execute("create table today_days as select max(spent_on) as data_to from copy.marts.spend_daily")
        engine.execute(change)
        engine.execute(whatif.QUERY["window"], {"month": month, "months": whatif.MONTHS})
        policies = dict.fromkeys(whatif.SEEDS) | {"policies": Path("policies.csv")}
        arguments = argparse.Namespace(data=data, month=month, months=whatif.MONTHS, **policies)
        build_id = build.last_build(ledger)["build_id"]
        whatif.keep(engine, arguments, {"chargeback_policies": Path("policies.csv")}, copy, build_id)
    copy.rmdir()
