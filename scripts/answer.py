"""The five rows that finance asks for first. Usage: answer.py DATA."""

import sys
from pathlib import Path

import duckdb

import ending
from terminal import plain, print

ANSWER = """
select team_id as team, production_usd as production, evaluation_usd as evaluation,
    eval_pool_credit_usd as pool_credit, unattributed_usd as unattributed, net_charge_usd as net_charge,
    accrued_usd as not_yet_billed
from marts.team_chargeback_monthly
where month = (select max(month) from marts.team_chargeback_monthly)
order by net_charge_usd desc, team_id limit 5
"""


def main(data: Path) -> None:
    with duckdb.connect(str(data / "ledger.duckdb"), read_only=True) as engine:
        found = engine.execute(ANSWER)
        rows = [tuple(column[0] for column in found.description)]
        rows += [(plain(row[0]), *(f"{cell:,.2f}" for cell in row[1:])) for row in found.fetchall()]
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    print("\nWho owes what (USD, newest month):\n")
    for team, *amounts in rows:
        cells = [amount.rjust(width) for amount, width in zip(amounts, widths[1:], strict=True)]
        print("  ".join(["  " + team.ljust(widths[0]), *cells]))
    print(f"\nLook at: {data}/exports (for finance), schema marts in {data}/ledger.duckdb, docs/analyst.md (queries)")


if __name__ == "__main__":
    sys.exit(ending.of(lambda: main(Path(sys.argv[1]))))
