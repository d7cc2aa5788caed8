"""The golden day: every mart against what was costed by hand (tests/golden/README.md)."""

import csv
from decimal import Decimal, InvalidOperation

import pytest
from conftest import GOLDEN

pytestmark = pytest.mark.xdist_group("golden")


def plain(value) -> str:
    """A cell as the expected CSV writes it: numbers without trailing zeros, dates ISO, NULL blank."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    try:
        number = Decimal(str(value))
        return format(number.normalize() if number else Decimal(0), "f")
    except InvalidOperation:
        return str(value)


def test_build_succeeds_and_says_what_happened(golden):
    assert golden.code == 0, golden.output
    assert "every identity and test holds" in golden.output


@pytest.mark.parametrize("mart", sorted(path.stem for path in (GOLDEN / "expected").glob("*.csv")))
def test_mart_is_what_was_costed_by_hand(golden, mart):
    with (GOLDEN / "expected" / f"{mart}.csv").open(newline="") as lines:
        header, *expected = csv.reader(lines)
    found = golden.rows(f"select {', '.join(header)} from marts.{mart}")
    assert sorted([plain(cell) for cell in row] for row in found) == sorted(
        [plain(cell) for cell in row] for row in expected
    )


def test_every_build_again_says_the_same(golden):
    """The ledger's entries are the same, id by id, when nothing new came."""
    from conftest import run_build

    before = golden.rows("select * from marts.ledger_entries order by entry_id")
    (golden.data / ".built").unlink()
    again = run_build(GOLDEN / "inbox", golden.data, GOLDEN / "company")
    assert again.code == 0
    assert "landed 0 new files" in again.output
    assert golden.rows("select * from marts.ledger_entries order by entry_id") == before


def test_funding_moves_money_between_teams_never_the_total(golden, build, tmp_path):
    """Identity 6: another eval funding, the same bill."""
    other = tmp_path / "company"
    other.mkdir()
    for seed in (GOLDEN / "company").glob("*.csv"):
        (other / seed.name).write_text(seed.read_text())
    (other / "eval_funding.csv").write_text("scope,scope_id,share,cap_pct,cap_floor_usd\ndefault,,0,,\n")
    unfunded = build(GOLDEN / "inbox", other)
    assert unfunded.code == 0, unfunded.output
    teams = "select team_id, net_charge_usd from marts.team_chargeback_monthly where net_charge_usd != 0"
    assert dict(unfunded.rows(teams))["insights"] == Decimal("0.003663")
    total = "select sum(net_charge_usd) from marts.team_chargeback_monthly"
    assert unfunded.rows(total) == golden.rows(total) == [(Decimal("0.0083715"),)]


def test_database_opens_in_a_1x_client(golden):
    """DuckDB writes its storage version into the file's header: 67 is v1.4.0's."""
    header = (golden.data / "ledger.duckdb").read_bytes()[:20]
    assert header[8:12] == b"DUCK"
    assert int.from_bytes(header[12:20], "little") == 67
