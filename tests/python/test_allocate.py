"""Macro `allocate` against whole numbers of Python, and against the cut and the residue as expressions."""

import random
from decimal import Decimal

import duckdb
import pytest
from rendering import macro_sql

PICO = Decimal("0.000000000001")
COLUMNS = "account, month, place, part, share"


def allocated(total: str | None) -> str:
    stated = f"'max({total})'" if total else "none"
    return f"""{{{{ allocate('items', {{'part': 'amount', 'share': '1'}}, weight='weight', within=['account', 'month'],
        tie_breaker=['team', 'place'], total_weight={stated}) }}}}"""


def by_expressions(total: str | None) -> str:
    total = total or "sum(weight) over (partition by account, month)"
    return f"""
        select *,
            {{{{ part_with_residue('amount', 'cut', 'weight', 'account, month', 'team, place') }}}} as part,
            {{{{ part_with_residue(money('1'), 'share_cut', 'weight', 'account, month', 'team, place') }}}} as share
        from (
            select *, {{{{ floored_part('amount', 'weight', 'whole') }}}} as cut,
                {{{{ floored_part('1', 'weight', 'whole') }}}} as share_cut
            from (select *, {total} as whole from items)
        )"""


def rows_of(seed: int, longest: int) -> list[tuple]:
    """Groups of one to nine items; weights of a few digits up to `longest`, many of them equal or nothing."""
    draw, rows = random.Random(seed), []
    for group in range(60):
        digits = draw.randint(1, longest)
        amount = draw.choice([-1, 1]) * draw.randint(0, 10 ** draw.randint(1, 38 - max(digits + 1, 20))) * PICO
        weights = [draw.choice([0, 1, draw.randint(0, 10**digits)]) for _ in range(draw.randint(1, 9))]
        total = max(sum(weights) + draw.randint(-1, 1), 0)
        for place, weight in enumerate(weights):
            team = draw.choice([None, "a", "b"])
            rows.append((draw.choice([None, "x"]) and str(group), group, place, team, weight, total, amount))
    # A group's keys are equal on all its rows, NULL or not.
    keys = {row[1]: row[0] for row in rows}
    return [(keys[row[1]], *row[1:]) for row in rows]


def parts_of(rows: list[tuple], is_summed: bool) -> list[tuple]:
    """By Python's whole numbers: cut toward zero, the rest to the largest weight, then the first team and place."""
    groups, parts = {}, []
    for row in rows:
        groups.setdefault(row[:2], []).append(row)
    for key, items in groups.items():
        total = sum(row[4] for row in items) if is_summed else items[0][5]
        first = min(items, key=lambda row: (-row[4], row[3] is None, row[3] or "", row[2]))
        columns = []
        for amount in (int(items[0][6] / PICO), 10**12):
            cuts = [int(abs(amount) * row[4] // total) * (1 if amount > 0 else -1) if total else None for row in items]
            rest = amount - sum(cut for cut in cuts if cut is not None)
            columns.append([cut if cut is None else cut + (rest if row is first else 0)
                            for cut, row in zip(cuts, items, strict=True)])  # fmt: skip
        for row, *both in zip(items, *columns, strict=True):
            parts.append((*key, row[2], *(None if part is None else part * PICO for part in both)))
    return sorted(parts, key=lambda part: (part[0] is None, part[0] or "", part[1], part[2]))


@pytest.mark.parametrize("is_summed", [True, False])
@pytest.mark.parametrize("longest", [6, 12, 17, 20])
def test_parts_are_cut_off_and_the_rest_goes_to_the_largest_weight(longest, is_summed):
    rows = rows_of(longest, longest)
    with duckdb.connect() as engine:
        engine.execute("""create table items (account text, month int, place int, team text, weight hugeint,
            total hugeint, amount decimal(38, 12))""")  # fmt: skip
        engine.executemany("insert into items values (?, ?, ?, ?, ?, ?, ?)", rows)
        found, expressed = (
            engine.execute(f"select {COLUMNS} from ({macro_sql(text)}) order by all").fetchall()
            for text in (allocated(None if is_summed else "total"), by_expressions(None if is_summed else "total"))
        )
    assert found == expressed
    assert found == parts_of(rows, is_summed)
