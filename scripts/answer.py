"""What the teams that bear most owe, and all together, as finance asks first."""

import sys
from pathlib import Path

import duckdb

import arguments
import ending
from terminal import print, table

ANSWER = """
with ranked as (

    -- The sixth place is all others'.
    select *, least(row_number() over (order by net_charge_booked_usd desc, team_id), 6) as place
    from marts.team_chargeback_monthly
    where month = (select max(month) from marts.team_chargeback_monthly)

)

select
    case when grouping(place) = 1 then 'sum' when place = 6 then 'all others' else min(team_id) end as team,
    sum(production_booked_usd) as production, sum(evaluation_booked_usd) as evaluation,
    -sum(eval_pool_credit_booked_usd) as paid_by_pool, sum(development_booked_usd) as development,
    sum(shared_booked_usd) as shared, sum(unattributed_booked_usd) as unattributed,
    sum(net_charge_booked_usd) as net_charge, sum(accrued_booked_usd) as of_it_not_yet_billed
from ranked
group by rollup (place)
having grouping(place) = 1 or place < 6 or bool_or(net_charge_booked_usd != 0)
order by place nulls last
"""


def main(data: Path) -> None:
    print("\nWho owes what (USD, newest month):\n")
    with duckdb.connect(str(data / "ledger.duckdb"), read_only=True) as engine:
        found = engine.execute(ANSWER)
        table([column[0] for column in found.description], found.fetchall())
    print(f"\nLook at: {data}/exports (for finance), schema marts in {data}/ledger.duckdb, docs/analyst.md (queries)")


if __name__ == "__main__":
    sys.exit(ending.of(lambda: main(*arguments.paths(__doc__, "data"))))
