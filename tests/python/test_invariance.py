"""The same world, written and read otherwise, gives the same marts and exports; scripts/dev/invariance.py has more."""

import shutil
import sys
from datetime import datetime, timedelta

import duckdb
import pytest
from conftest import PROJECT, run_build
from test_increments import world

from landing import engine

sys.path.insert(0, str(PROJECT / "scripts" / "dev"))
import invariance
from invariance import Variant

SEED = 5
MACHINE = {"SPANS_PER_WALK": "50", "MEMORY_LIMIT": "300MB", "TZ": "Pacific/Auckland", "LC_ALL": "C"}


def in_this_process(inbox, data, company, environment, clock):
    with pytest.MonkeyPatch.context() as patch:
        if clock:
            patch.setattr(engine, "clock", lambda: datetime.fromisoformat(clock))
        built = run_build(inbox, data, company, **environment)
    return built.code, built.output


def test_the_same_data_written_and_read_otherwise_give_the_same_ledger(tmp_path):
    """And a cent more would be seen: the comparison names the mart, and that finance's files would not verify."""
    world(SEED, tmp_path / "whole")
    content = invariance.content_of(tmp_path / "whole" / "inbox")
    variants = (
        Variant("written", invariance.all_at_once, clock="2024-02-29T12:00:00"),
        Variant("read", environment=MACHINE, clock="2031-07-01T12:00:00"),
    )
    work, company = tmp_path / "work", tmp_path / "whole" / "company"
    found = invariance.run(content, company, work, variants, SEED, in_this_process)
    assert found == {"written": [], "read": []}
    baseline, other = work / "baseline" / "data", tmp_path / "other"
    other.mkdir()
    shutil.copyfile(baseline / "ledger.duckdb", other / "ledger.duckdb")
    with duckdb.connect(str(other / "ledger.duckdb")) as ledger:
        ledger.execute("update marts.team_chargeback_monthly set net_charge_usd = net_charge_usd + 0.01")
    marts = {line.split(":")[0] for line in invariance.compare(baseline, other)}
    assert "team_chargeback_monthly" in marts
    assert any(name.endswith("could not be exported") for name in marts)
    assert "spend_daily" not in marts


def test_a_clock_that_is_behind_the_program_refuses_nothing():
    """Data of today land on a machine that believes itself in 2024; one that is ahead refuses no more than it did."""
    behind, right, ahead = datetime(2024, 2, 29), engine.WRITTEN_AT + timedelta(9), datetime(2031, 7, 1)
    year = timedelta(366)
    assert [engine.latest_time(now) for now in (behind, right, ahead)] == [
        engine.WRITTEN_AT + year,
        right + year,
        ahead + year,
    ]


def test_lines_are_cut_where_records_end():
    text = b'a,b\n1,"two\nlines"\n3,4'
    assert invariance.cut("x.csv", text) == ([b"a,b\n"], [b'1,"two\nlines"\n', b"3,4\n"])
    assert invariance.cut("x.jsonl", b"{}\n\n[]") == ([], [b"{}\n", b"[]\n"])
    assert invariance.cut("x.json", b"{}") == ([], [])
