"""Revenue of several files and currencies, features under a new name, and batches of requests that rules label."""

from decimal import Decimal

import pytest
from conftest import run_build
from exports import FX, activity, batch, chat, span

import whatif_models

pytestmark = pytest.mark.xdist_group("revenue")
HEAD = "month,account_id,plan,revenue_usd,feature_id,source,amount,currency,period_start,period_end\n"
FILES = {
    "crm/revenue_2026-10_v1.csv": ["2026-10,a1,pro,10,,,,,,", "2026-10,a2,pro,29,draft,,,,,", "2026-10,a3,pro,7,,,,,,"],
    "crm/revenue_2026-10_v2.csv": ["2026-10,a1,Pro,12,,,,,,", "2026-10,a3,team,8,,,,,,"],
    "crm/revenue_2026-10_v3.csv": ["2026-10,a2,pro,-9,draft,,,,,"],
    "billing/addons.csv": ["2026-10,a1,pro,12,,,,,,", "2026-10,a4,pro,,,,100,EUR,,"],
    "years.csv": ["2026-10,a5,pro,,,Stripe,365,USD,2026-10-01,2027-10-01", "2026-10,a5,pro,,,,1,,,"],
}
COMPANY = {
    "teams": "team_id,name,cost_center\na,A,1\nb,B,2\n",
    "services": "service_name,owner_team_id,valid_from,valid_to\nweb,a,,\nworker,b,,\n",
    "api_keys": "provider,account_id,api_key,owner_team_id,feature_id,valid_from,valid_to\nopenrouter,,,a,,,\n",
    "fx_rates": FX + "EUR,2026-10-30,1.2,x\nEUR,2026-11-01,1.3,x\n",
    "feature_catalog": "feature_id,name,owner_team_id,launched_on,continues_feature_id,valid_from,valid_to\n"
    "draft,Draft,a,2026-01-01,,,\nwrite,Write,a,2026-01-01,draft,,\nchat,Chat,b,2026-01-01,,,\n",
    "feature_rules": "priority,service,route,prompt_template,span_name,feature_id,purpose\n10,web,,answer,,chat,\n",
    "eval_requirements": "feature_id,suite,min_pass_rate,fresh_days,valid_from,valid_to\ndraft,s,0.9,60,,\n",
}
RUNS = (
    "run_id,feature_id,suite,started_at,model,prompt_version,cases,passed,failed,errored\n"
    "r,draft,s,2026-10-04T08:00:00Z,deepseek/deepseek-chat-v3,v1,10,10,0,0\n"
)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("revenue")
    inbox, company = folder / "inbox", folder / "company"
    company.mkdir()
    for name, text in COMPANY.items():
        (company / f"{name}.csv").write_text(text)
    for name, lines in FILES.items():
        (inbox / name).parent.mkdir(parents=True, exist_ok=True)
        (inbox / name).write_text(HEAD + "\n".join(lines) + "\n")
    (inbox / "eval_runs.csv").write_text(RUNS)
    day = 86400
    spans = [
        batch([chat(1, 1, response="old", app__feature="draft", gen_ai__prompt__version="v1")], "web"),
        batch([chat(2, 1, at=day, response="new", app__feature="write", gen_ai__prompt__version="v1")], "web"),
        # A request whose call a rule knows by its prompt; its first span is what two levels of batches go back to.
        batch([span(3, 1), chat(3, 2, 1, response="asked", gen_ai__prompt__name="answer")], "web"),
        batch([span(4, 1, at=60, links=[(3, 1)]), chat(4, 2, 1, at=61, response="batch")], "worker"),
        batch([chat(5, 1, at=120, links=[(4, 2)], response="batch of it")], "worker"),
    ]
    (inbox / "spans.jsonl").write_text("".join(spans))
    bill = [(name, f"2026-10-0{6 if name == 'new' else 5} 00:00:01.000", 1)
            for name in ("old", "new", "asked", "batch", "batch of it")]  # fmt: skip
    activity(bill, inbox / "openrouter_activity_2026-10-31.csv")
    built = run_build(inbox, folder / "data", company)
    assert built.code == 0, built.output
    return built


def revenue(built, where: str) -> Decimal:
    [(total,)] = built.rows(f"select sum(revenue_usd) from intermediate.int_feature_revenue where {where}")
    return total


def test_sources_add_up_and_newer_files_replace(built):
    """12 in the customer system's newest file and 12 in billing; a3's other plan stays; the refund is of its month."""
    assert revenue(built, "account_id = 'a1'") == 24
    assert revenue(built, "account_id = 'a2'") == 20
    assert revenue(built, "account_id = 'a3'") == 15
    assert "crm/revenue_2026-10_v2.csv replaces 1 line of crm/revenue_2026-10_v1.csv (10.00 USD)" in built.output
    assert "sources_of_revenue_differ" in built.output
    assert "newer_revenue_restates_what_it_names" in built.output


def test_revenue_is_earned_by_day_and_in_dollars(built):
    """The rate is that of the last day of October; a year is earned in thirteen months less one."""
    assert revenue(built, "account_id = 'a4'") == 120
    assert revenue(built, "account_id = 'a5' and month = '2026-10-01'") == 31
    assert revenue(built, "account_id = 'a5'") == 365
    assert "rejected 1x in years.csv: an amount without a currency" in built.output


def test_a_renamed_feature_is_one_in_product_and_quality_marts(built):
    posted = built.rows(
        "select originating_feature_id, sum(billed_usd) from marts.attributed_calls group by all order by 1"
    )
    assert posted == [("chat", 3), ("draft", 1), ("write", 1)]
    pnl = "select revenue_usd, production_usd from marts.feature_pnl_monthly where month = '2026-10-01' and feature_id"
    assert built.rows(f"{pnl} = 'draft'") == []
    assert built.rows(f"{pnl} = 'write'") == [(20, 2)]
    covered = (
        "select feature_id, covered_on::varchar, is_covered from marts.eval_coverage_daily where feature_id != 'chat'"
    )
    assert built.rows(f"{covered} order by 2") == [("write", "2026-10-05", True), ("write", "2026-10-06", True)]
    assert built.rows("select distinct feature_id from marts.release_coverage where feature_id = 'draft'") == []


def test_what_if_takes_a_renamed_feature_by_either_id(built, tmp_path):
    [(model,)] = built.rows("select distinct model from marts.attributed_calls where originating_feature_id = 'write'")
    for feature in ("draft", "write"):
        (tmp_path / "models.csv").write_text(f"feature_id,model,to_model\n{feature},{model},{model}\n")
        _, [row], _ = whatif_models.answer(built.data, tmp_path / "models.csv", "2026-10")
        assert (row[1], row[6], row[11]) == ("write", 2, 0)  # feature, calls, difference


def test_batches_go_to_the_feature_that_a_rule_gives_their_request(built):
    query = (
        "select call_id, attribution_rule, team_path from marts.attributed_calls where originating_feature_id = 'chat'"
    )
    assert built.rows(f"{query} order by 1") == [
        ("asked", "catalog_rule", "a"),
        ("batch", "catalog_rule", "a > b"),
        ("batch of it", "catalog_rule", "a > b"),
    ]


def test_renames_in_a_circle_or_to_two_are_errors(tmp_path):
    """a and b continue each other; d and e both continue c."""
    inbox, company = tmp_path / "inbox", tmp_path / "company"
    inbox.mkdir()
    company.mkdir()
    (inbox / "spans.jsonl").write_text(batch([chat(1, 1, app__feature="a")], "web"))
    head = COMPANY["feature_catalog"].split("\n")[0]
    chains = {"a": "b", "b": "a", "c": "", "d": "c", "e": "c"}
    rows = [f"{feature},{feature},a,2026-01-01,{older},," for feature, older in chains.items()]
    (company / "feature_catalog.csv").write_text("\n".join([head, *rows]) + "\n")
    (company / "teams.csv").write_text(COMPANY["teams"])
    built = run_build(inbox, tmp_path / "data", company)
    assert built.code != 0
    assert "features_continue_in_a_line" in built.output
    for named in ("=a, feature_id=b,", "=b, feature_id=a,", "=c, feature_id=d, other_feature_id=e,"):
        assert f"continues_feature_id{named}" in built.output
