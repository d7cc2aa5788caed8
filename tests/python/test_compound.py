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
    """Owners pay: tool and query 0.0082, the gateway 0.0006 + 0.0009, the writer 0.00099; evals and idle stay."""
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
        "insights": Decimal("0.0001155"), "search": Decimal("0.0088"), "platform": Decimal("0.0015"),
        "ranking": Decimal("0.0018"), "writing": Decimal("0.00099"),
    }  # fmt: skip
    today = dict(compound.rows("select team_id, net_charge_usd from marts.team_chargeback_monthly"))
    assert all(amounts[0] == today[team] for team, amounts in months.items())
    assert sum(amounts[2] for amounts in months.values()) == 0
    assert "all teams" in shown.stdout
    assert compound.data.joinpath("ledger.duckdb").read_bytes() == before
    assert sorted(path.name for path in (compound.data / "whatif").iterdir()) == [
        "proposal.duckdb", "teams.csv", "whatif.csv",
    ]  # fmt: skip
    # The next call that the click's owner asks for costs 0.01119 / 6, of which it pays all today and nothing then. The
    # next one that the gateway runs costs (0.0006 + 0.0009) / 2, of which it pays nothing today and all then.
    with duckdb.connect() as engine:
        found = engine.sql(f"""
            select team_id, months, volatility_usd is null as is_one_month, effect,
                asked_calls, asked_call_usd, asked_call_own_usd, whatif_asked_call_own_usd,
                run_calls, run_call_usd, run_call_own_usd, whatif_run_call_own_usd
            from read_csv('{compound.data}/whatif/teams.csv', all_varchar = true)
        """).fetchall()
    teams = {team: (is_one_month, effect, *cells) for team, months, is_one_month, effect, *cells in found}
    whole, half = "0.001865000000", "0.000750000000"
    assert teams["insights"][:6] == (True, "pays less", "6", whole, whole, "0.000000000000")
    assert teams["platform"] == (
        True, "pays more", None, None, None, None, "2", half, "0.000000000000", half,
    )  # fmt: skip


def test_other_prices_move_what_accrues_and_no_bill(compound, tmp_path):
    """The tool accrues at 0.008; at 0.009 insights bears 0.001 more. OpenRouter's discount is on what is billed."""
    prices = tmp_path / "prices.csv"
    prices.write_text(
        "provider,account_id,model,meter,unit_price_usd,discount_pct\ntavily,,,request,0.009,\nopenrouter,,,,,0.5\n"
    )
    shown = whatif(compound.data, "--prices", str(prices))
    assert shown.returncode == 0, shown.stdout + shown.stderr
    with duckdb.connect() as engine:
        found = engine.sql(f"select team_id, difference_usd from '{compound.data}/whatif/whatif.csv'").fetchall()
    assert {team: Decimal(str(usd)) for team, usd in found if usd} == {"insights": Decimal("0.001")}
    assert "rests on 0.005621 USD billed and 0.008000 accrued at book prices; 0.000300 of them" in shown.stdout
    # The book values all calls, billed or not: 0.00046314 + 0.00061767 halved, 0.0009 + 0.00021 as they were.
    with duckdb.connect() as engine:
        found = engine.sql(
            f"select provider, priced_usd, whatif_usd from '{compound.data}/whatif/prices.csv'"
        ).fetchall()
    assert {provider: (Decimal(str(usd)), Decimal(str(other))) for provider, usd, other in found} == {
        "openrouter": (Decimal("0.00108081"), Decimal("0.000540405")),
        "openai": (Decimal("0.00111"), Decimal("0.00111")),
        "tavily": (Decimal("0.008"), Decimal("0.009")),
    }


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
        "pool is untraced, unlabelled, idle, invoice_only or shared, pool=fees",
        "team_id is not in teams, pool=unlabelled, method=weighted, team_id=ghost",
        "nodes downstream were skipped",
    ):
        assert said in refused.stdout, said
