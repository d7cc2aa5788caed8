"""The compound request of the docs: one click, five owners, two invoices; and the same month under other policies."""

import subprocess
import sys
from decimal import Decimal

import duckdb
import findings
import pytest
from conftest import PROJECT, run_build

pytestmark = pytest.mark.xdist_group("compound")
COMPOUND = PROJECT / "tests" / "compound"
PAGE = PROJECT / "models" / "marts" / "finance" / "_compound_request.md"
HEADER = "scope,scope_id,policy,bearer_team_id,weight,valid_from,valid_to\n"


@pytest.fixture(scope="module")
def compound(tmp_path_factory):
    data = tmp_path_factory.mktemp("compound") / "data"
    return run_build(COMPOUND / "inbox", data, COMPOUND / "company", for_commands=True)


def whatif(data, *options: str) -> subprocess.CompletedProcess:
    script = [sys.executable, str(PROJECT / "scripts" / "whatif.py"), *options]
    return subprocess.run([*script, str(data), str(COMPOUND / "company")], capture_output=True, text=True, cwd=PROJECT)


def test_every_number_of_the_page_is_true(compound):
    assert compound.code == 0, compound.output
    pairs = findings.PAIR.findall(PAGE.read_text())
    assert len(pairs) > 5
    with duckdb.connect(str(compound.data / "ledger.duckdb"), read_only=True) as engine:
        for query, output in pairs:
            assert findings.table(engine, query) == output, query


def test_what_if_shows_other_months_and_changes_nothing(compound, tmp_path):
    """Owners of calls pay: the tool 0.008, the gateway 0.0006 + 0.0009, the writer 0.00099; evals stay."""
    before = compound.data.joinpath("ledger.duckdb").read_bytes()
    policies = tmp_path / "policies.csv"
    policies.write_text("# what if\n" + HEADER + "default,,owner_pays,,,,\n")
    shown = whatif(compound.data, "--policies", str(policies))
    assert shown.returncode == 0, shown.stderr
    with duckdb.connect() as engine:
        found = engine.sql(
            f"select team_id, net_charge_usd, whatif_usd, difference_usd from '{compound.data}/whatif/whatif.csv'"
        ).fetchall()
    months = {team: tuple(Decimal(str(amount)) for amount in amounts) for team, *amounts in found}
    assert {team: amounts[1] - Decimal("0.00006") for team, amounts in months.items() if team != "quality_pool"} == {
        "insights": Decimal("0.0001155"), "search": Decimal("0.008"), "platform": Decimal("0.0015"),
        "ranking": 0, "writing": Decimal("0.00099"),
    }  # fmt: skip
    today = dict(compound.rows("select team_id, net_charge_usd from marts.team_chargeback_monthly"))
    assert all(amounts[0] == today[team] for team, amounts in months.items())
    assert sum(amounts[2] for amounts in months.values()) == 0
    assert "all teams" in shown.stdout
    assert compound.data.joinpath("ledger.duckdb").read_bytes() == before
    assert [path.name for path in (compound.data / "whatif").iterdir()] == ["whatif.csv"]


def test_what_if_names_what_is_wrong(compound, tmp_path):
    policies = tmp_path / "policies.csv"
    policies.write_text("owner,of\nthem,all\n")
    refused = whatif(compound.data, "--policies", str(policies))
    assert (refused.returncode, "header" in refused.stderr) == (2, True)
    assert "name a file" in whatif(compound.data).stderr
    assert "make build" in whatif(tmp_path, "--policies", str(policies)).stderr


def test_conflicts_and_gaps_in_seeds_name_their_rows(compound, tmp_path):
    """One run over every conflict: each test of the two seeds fails, and nothing is built on them."""
    policies, rules = tmp_path / "policies.csv", tmp_path / "rules.csv"
    policies.write_text(HEADER + "\n".join([
        "default,,caller_pays,,,,", "default,,origin_pays,,,2026-01-01,",
        "feature,summarize-feedback,split,insights,0.5,,", "feature,summarize-feedback,split,search,0.4,,",
        "team,nobody,owner_pays,,,,", "service,no-api,owner_pays,,,,", "feature,no-feature,owner_pays,,,,",
        "service,rerank-api,split,ghost,1,2026-01-01,2026-03-01", "service,rerank-api,split,search,1,2026-02-01,",
        "team,search,caller_pays,,,2026-05-01,2026-04-01", "team,ranking,owner_pays,search,,,",
    ]) + "\n")  # fmt: skip
    rules.write_text("pool,method,team_id,weight,valid_from,valid_to\n" + "\n".join([
        "untraced,even,,,,", "untraced,weighted,search,1,,", "unlabelled,weighted,search,2,,",
        "unlabelled,weighted,ghost,,,", "fees,even,,,,", "shared,weighted,search,-1,,",
    ]) + "\n")  # fmt: skip
    refused = whatif(compound.data, "--policies", str(policies), "--sharing", str(rules))
    assert refused.returncode == 1
    for said in (
        "scope=default, scope_id=None, bearer_team_id=None, other_bearer_team_id=None, policy=origin_pays",
        "valid_to is not after valid_from, scope=team, scope_id=search",
        "fractions add up to 1 (or 100), and these do not: 0.900000",
        "scope_id is not in teams, scope=team, scope_id=nobody",
        "scope_id is not in services, scope=service, scope_id=no-api",
        "scope_id is not in feature_catalog, scope=feature, scope_id=no-feature",
        "bearer_team_id is not in teams, scope=service, scope_id=rerank-api",
        "only a split names a bearer_team_id, scope=team, scope_id=ranking",
        "these rows hold on the same day, pool=untraced",
        "some rows of the rule have a weight and this or another has none, pool=unlabelled",
        "a weight is more than 0, pool=shared",
        "pool is untraced, unlabelled, invoice_only or shared, pool=fees",
        "team_id is not in teams, pool=unlabelled, method=weighted, team_id=ghost",
        "nodes downstream were skipped",
    ):
        assert said in refused.stdout, said
