"""Mistakes in a company's seeds are told before anything is built: file, line, column, value, and what to write."""

import shutil

import pytest
from conftest import GOLDEN, PROJECT

import check_company
import company

PERIODS = "valid_from,valid_to"
ADJUSTMENTS = "month,from_team,to_team,amount_usd,reason,approved_by"
POLICIES = f"scope,scope_id,policy,bearer_team_id,weight,{PERIODS}"
# seed, its text, and what is said of it; the golden company's other seeds stand beside.
MISTAKES = {
    "a day of two orders": (
        "feature_catalog",
        "feature_id,name,owner_team_id,launched_on\n# ours\na,A,mail,10/06/2026\n",
        "line 3, launched_on: '10/06/2026' is none: write a day as year-month-day, 2026-10-06",
    ),
    "a day that no month has": (
        "feature_catalog",
        "feature_id,name,owner_team_id,launched_on\na,A,mail,2026-02-30\n",
        "line 2, launched_on: '2026-02-30' is none: write a day",
    ),
    "a time for a day": (
        "services",
        f"service_name,owner_team_id,{PERIODS}\ns,mail,2026-10-06 00:00:00,\n",
        "line 2, valid_from: '2026-10-06 00:00:00' is none",
    ),
    "a comma in a number": (
        "budgets",
        'scope,scope_id,month,budget_usd\nteam,mail,2026-10-01,"1,000.50"\n',
        "line 2, budget_usd: '1,000.50' is none: write a number with a point and without separators",
    ),
    "a sign of currency": (
        "budgets",
        "scope,scope_id,month,budget_usd\nteam,mail,2026-10-01,$1000\n",
        "line 2, budget_usd: '$1000' is none",
    ),
    "digits that would be cut off": (
        "eval_funding",
        "scope,scope_id,share\ndefault,,0.33333333\n",
        "line 2, share: '0.33333333' is none: at most 6 digits stand behind the point",
    ),
    "a number that is too long": (
        "eval_funding",
        "scope,scope_id,share\ndefault,,1000\n",
        "line 2, share: '1000' is none: at most 3 digits stand before the point",
    ),
    "a part of a day": (
        "eval_requirements",
        "feature_id,suite,min_pass_rate,fresh_days\nsummarize-feedback,s,0.9,1.5\n",
        "line 2, fresh_days: '1.5' is none: write a whole number",
    ),
    "a pattern that LIKE refuses": (
        "charge_rules",
        "priority,provider,service_name,sku,description,treatment\n1,aws,Bed\\,,,call\n",
        "line 2, service_name: 'Bed\\' is none: a LIKE pattern does not end with a single \\",
    ),
    "digits of another script": (
        "sharing_rules",
        "pool,method,team_id,weight\nuntraced,weighted,mail,\u0661\n",
        "line 2, weight: '\u0661' is none: write a number",
    ),
    "a column twice": ("teams", "team_id,name,name\nmail,Mail,Post\n", "has name more than once"),
    "semicolons": (
        "teams",
        "team_id;name;cost_center\nmail;Mail;1\n",
        "its cells are separated by ';', save it with commas",
    ),
    "tabs": ("teams", "team_id\tname\nmail\tMail\n", "its cells are separated by '\\t', save it with commas"),
    "an unknown column": (
        "teams",
        "team_id,name,costcenter\nmail,Mail,1\n",
        "header ['team_id', 'name', 'costcenter']",
    ),
    "a cell too many": (
        "teams",
        "# c\nteam_id,name\nmail,Mail\nweb,Web,1\n",
        "line 4 has 3 cells where the header has 2",
    ),
    "no UTF-8": ("teams", "team_id,name\nmail,Mäil\n".encode("cp1252"), "it is no UTF-8 text"),
    "an owner that nobody is": (
        "services",
        "service_name,owner_team_id\nsearch-api,serach\n",
        "line 2: owner_team_id is not in teams.csv; similar: search (service_name search-api, owner_team_id serach)",
    ),
    "an owner unlike any": (
        "services",
        "service_name,owner_team_id\n\nsearch-api,zzz\n",
        "line 3: owner_team_id is not in teams.csv; add it to",
    ),
    "a team twice": ("teams", "team_id,name\nmail,Mail\nmail,Post\n", "lines 2, 3: team_id stands more than once"),
    "a team without an id": ("teams", "team_id,name\n,Mail\n", "line 2: team_id is empty (name Mail)"),
    "periods that overlap": (
        "services",
        f"service_name,owner_team_id,{PERIODS}\ns,mail,,2026-06-01\n# c\ns,search,2026-05-01,\n",
        "lines 2, 4: these rows hold on the same day",
    ),
    "a period that ends before it begins": (
        "services",
        f"service_name,owner_team_id,{PERIODS}\ns,mail,2026-06-01,2026-05-01\n",
        "line 2: valid_to is not after valid_from",
    ),
    "weights that leave a rest": (
        "chargeback_policies",
        f"{POLICIES}\nfeature,draft-email,split,mail,0.5,,\nfeature,draft-email,split,search,0.3,,\n",
        "line 2: fractions add up to 1 (or 100), and these do not: 0.8",
    ),
    "a policy that there is not": (
        "chargeback_policies",
        f"{POLICIES}\ndefault,,everybody,,,,\n",
        "policy is origin_pays, caller_pays, owner_pays or split",
    ),
    "a pool that there is not": (
        "sharing_rules",
        "pool,method\nall,even\n",
        "pool is untraced, unlabelled, idle, invoice_only or shared",
    ),
    "a discount of 15": (
        "negotiated_prices",
        "provider,account_id,model,meter,unit_price_usd,discount_pct\nopenai,,,,,15\n",
        "line 2: A discount is a fraction, 0.15 for 15 %",
    ),
    "a word for how to read": (
        "bill_sources",
        "provider,account_id,file_kind,priority,source_file,covers\nopenai,,,,%.csv,everything\n",
        "line 2: covers is account or listed",
    ),
    "a name of the ledger's own": (
        "teams",
        "team_id,name\nquality_pool,Q\n",
        "line 2: it names a row of the ledger itself",
    ),
    "a budget of nobody": (
        "budgets",
        "scope,scope_id,month,budget_usd\nteam,nobody,2026-10-01,5\n",
        "line 2: scope_id of a team stands in seed teams, of a feature in feature_catalog",
    ),
    "a budget of a scope that there is not": (
        "budgets",
        "scope,scope_id,month,budget_usd\ncustomer,acme,2026-10-01,5\n",
        "line 2: scope is team, feature, account or segment",
    ),
    "a budget of no account": (
        "budgets",
        "scope,scope_id,month,budget_usd\naccount,,2026-10-01,5\n",
        "line 2: scope_id is empty",
    ),
    "a budget within a month": (
        "budgets",
        "scope,scope_id,month,budget_usd\nteam,mail,2026-10-06,5\n",
        "line 2: month is the first day of the month, 2026-10-01",
    ),
    "a budget of no amount": (
        "budgets",
        "scope,scope_id,month,budget_usd\nteam,mail,2026-10-01,\n",
        "line 2: budget_usd is empty",
    ),
    "two budgets of a month": (
        "budgets",
        "scope,scope_id,month,budget_usd\nteam,mail,2026-10-01,5\nteam,mail,2026-10-01,6\n",
        "lines 2, 3: rows share scope, scope_id, month",
    ),
    "two rates of a day": (
        "fx_rates",
        "currency,rate_on,usd_per_unit\nEUR,2026-10-01,1.1\neur,2026-10-01,1.2\n",
        "line 3: the currency has more than one rate on this day (currency eur, rate_on 2026-10-01",
    ),
    "a rate of nothing": (
        "fx_rates",
        "currency,rate_on,usd_per_unit\neur,2026-10-01,0\n",
        "line 2: usd_per_unit is more than 0",
    ),
    "a GL account of two rows": (
        "gl_accounts",
        "account,purpose,team_id,gl_account\nai_cost,production,,6100\nai_cost,,mail,6200\n",
        "lines 2, 3: these rows fit the same legs equally: add a row of ai_cost, production, mail that states",
    ),
    "a GL account twice": (
        "gl_accounts",
        "account,gl_account\nai_cost,6100\nai_cost,6200\n",
        "lines 2, 3: gl_account stands more than once for the same account, purpose and team",
    ),
    "a GL account of nobody": (
        "gl_accounts",
        "account,team_id,gl_account\nai_cost,maill,6100\n",
        "line 2: team_id is not in teams.csv; similar: mail",
    ),
    "an account that there is not": ("gl_accounts", "account,gl_account\ncost,6100\n", "line 2: account is ai_cost"),
    "an adjustment of nobody": (
        "adjustments",
        f"{ADJUSTMENTS}\n2026-10-01,mail,serch,5,x,y\n",
        "line 2: to_team is not in teams.csv; similar: search",
    ),
    "an adjustment within a month": (
        "adjustments",
        f"{ADJUSTMENTS}\n2026-10-06,mail,search,5,x,y\n",
        "line 2: month is the first day of the month, 2026-10-01",
    ),
    "an adjustment of nothing": (
        "adjustments",
        f"{ADJUSTMENTS}\n2026-10-01,mail,search,-5,x,y\n",
        "line 2: amount_usd is more than 0",
    ),
    "an adjustment of parts of a cent": (
        "adjustments",
        f"{ADJUSTMENTS}\n2026-10-01,mail,search,0.005,x,y\n",
        "line 2, amount_usd: '0.005' is none: at most 2 digits stand behind the point",
    ),
    "an adjustment that nobody approved": (
        "adjustments",
        f"{ADJUSTMENTS}\n2026-10-01,mail,search,5,x,\n",
        "line 2: approved_by is empty",
    ),
    "a workbook by another name": ("teams", b"PK\x03\x04\n", "header ['PK"),
    "a file that is no seed": ("team", "team_id\nmail\n", "team.csv is no company seed; known: teams"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_named_with_its_line(tmp_path, capsys, mistake):
    name, text, expected = MISTAKES[mistake]
    folder = shutil.copytree(GOLDEN / "company", tmp_path / "company")
    (folder / f"{name}.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    assert check_company.main(folder) == 2
    said = capsys.readouterr().err
    assert expected in said
    assert f"{folder}/{name}.csv" in said
    assert "Traceback" not in said
    assert "errors in" in said.splitlines()[-1]


@pytest.mark.parametrize("folder", [GOLDEN / "company", PROJECT / "tests/compound/company", PROJECT / "seeds/company"])
def test_companies_without_mistakes_pass(capsys, folder):
    assert check_company.main(folder) == 0
    assert capsys.readouterr().err == ""


def test_rows_without_an_owner_are_those_that_are_named(tmp_path, capsys):
    """Of two periods of a feature, the one that has no owner."""
    folder = shutil.copytree(GOLDEN / "company", tmp_path / "company")
    (folder / "feature_catalog.csv").write_text(
        "feature_id,name,owner_team_id,valid_from,valid_to\nx,X,mail,,2026-06-01\nx,X,,2026-06-01,\n"
    )
    check_company.main(folder)
    said = [line for line in capsys.readouterr().err.splitlines() if "owner_team_id is empty" in line]
    assert [line.partition(": owner_team_id")[0] for line in said] == [f"WARNING: {folder}/feature_catalog.csv line 3"]


def test_a_starting_set_passes_and_its_examples_are_of_their_columns(tmp_path, capsys):
    company.start(tmp_path)
    assert check_company.main(tmp_path) == 0
    assert capsys.readouterr().err == ""


def test_every_rule_that_needs_no_data_is_asked():
    """Of the seeds' YAML all, of tests/catalog those that ask for nothing but seeds."""
    seeds = company.described()
    assert set(seeds) == set(company.SEEDS)
    asked = [said for _, said, _, _ in check_company.of_catalog(seeds)]
    assert len(asked) == 13
    described = [*seeds.values(), *(column for seed in seeds.values() for column in seed.get("columns", []))]
    tests = sum(len(one.get("data_tests", [])) for one in described)
    assert len(list(check_company.of_yaml(seeds))) == tests > 30


def test_whatever_reads_seeds_refuses_cells_that_it_would_misread(tmp_path, capsys):
    """A build, a check of labels, closing and a what-if take them from the same place."""
    folder = shutil.copytree(GOLDEN / "company", tmp_path / "company")
    (folder / "services.csv").write_text("service_name,owner_team_id,valid_from\ns,mail,10/06/2026\n")
    (folder / "budgets.csv").write_text("scope,scope_id,month,budget_usd\nteam,mail,2026-10,5\n")
    assert company.complete(folder, str(tmp_path / "data")) == 2
    said = capsys.readouterr().err.splitlines()
    assert [line.partition(": '")[0] for line in said] == [
        f"ERROR: {folder}/services.csv line 2, valid_from",
        f"ERROR: {folder}/budgets.csv line 2, month",
    ]
    assert company.completed(folder / "budgets.csv", "budgets")[1] == [said[1].removeprefix("ERROR: ")]


def test_a_folder_that_is_not_there_is_named(tmp_path, capsys):
    assert check_company.main(tmp_path / "nowhere") == 2
    assert "nowhere is no folder" in capsys.readouterr().err
