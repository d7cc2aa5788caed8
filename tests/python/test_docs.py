"""The documents: what they name is there, links lead somewhere, and dbt's docs open without a network."""

import csv
import io
import json
import re
import shutil
import subprocess
import tomllib

import pytest
import yaml
from conftest import GOLDEN, PROJECT

import build as build_script
import company
import dbt_docs
from report import site, trees

pytestmark = pytest.mark.xdist_group("golden")
READ = r"\b(?:marts|intermediate|seeds)\.(\w+)"
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def manifest(golden) -> dict:
    return json.loads((golden.data / "target" / "manifest.json").read_text())


def script(*names: str) -> str:
    return "".join((PROJECT / "scripts" / name).read_text() for name in names)


def test_exposures_are_what_the_scripts_read(golden):
    figures = "".join(figure.sql for _, page in site.PAGES.values() for figure in page)
    marts = [node["name"] for node in manifest(golden)["nodes"].values()
             if node["resource_type"] == "model" and node["schema"] == "marts"]  # fmt: skip
    read = {
        "report": re.findall(READ, figures + site.MONTHS + site.STATE + trees.TREE + trees.DAYS),
        "why": re.findall(READ, script("report/why.py", "report/trees.py")),
        "finance_export": re.findall(READ, script("export.py", "focus.py", "statements.py")),
        "bi_dashboard": marts,
    }
    declared = {
        exposure["name"]: {node.split(".")[-1] for node in exposure["depends_on"]["nodes"]}
        for exposure in manifest(golden)["exposures"].values()
    }
    assert declared == {name: set(found) for name, found in read.items()}


def test_every_model_is_somebodys(golden):
    known = manifest(golden)
    owners = {group["name"] for group in known["groups"].values()}
    for node in known["nodes"].values():
        if node["resource_type"] == "model":
            room = node["fqn"][2] if node["fqn"][1] == "marts" else "ledger"
            assert node["config"]["group"] == room in owners, node["name"]
            assert (node["config"]["access"] == "public") == (node["schema"] == "marts"), node["name"]


def test_the_overview_names_keys_that_are_keys(golden):
    """Its table: a grain's model and key, which are unique and of columns that there are."""
    text = manifest(golden)["docs"]["doc.chargeback_ledger.__overview__"]["block_contents"]
    rows = re.findall(r"^\| [^|]+ \| `(\w+)` \| ([^|]+) \|", text, re.MULTILINE)
    assert len(rows) > 8
    for model, key in rows:
        ((schema,),) = golden.rows(f"select table_schema from information_schema.tables where table_name = '{model}'")
        ((counted, unique),) = golden.rows(f"select count(*), count(distinct ({key},)) from {schema}.{model}")
        assert 0 < unique == counted, model


def test_the_page_opens_without_a_network(golden, tmp_path):
    written = build_script.fingerprint(golden.data)
    assert dbt_docs.write(golden.data, GOLDEN / "company") == 0
    assert build_script.fingerprint(golden.data) == written, "the next build would start anew"
    page = golden.data / "docs" / "index.html"
    assert not re.search(r"""<(script|link|img)[^>]*\s(src|href)=["']?https?:""", page.read_text())
    if BROWSER is None:
        pytest.skip("no chromium on the path: the page was not opened (apt-get install chromium)")
    words = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}",
             "--host-resolver-rules=MAP * ~NOTFOUND", "--virtual-time-budget=6000", "--dump-dom"]  # fmt: skip
    address = f"{page.as_uri()}#!/exposure/exposure.chargeback_ledger.finance_export?g_v=1"
    text = subprocess.run([*words, address], capture_output=True, text=True, timeout=120).stdout
    for words in ("Chargeback Ledger", "Lineage Graph", "Finance export", "team_chargeback_monthly"):
        assert words in text, words


PAGES = [PROJECT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "DECISIONS.md", "CHANGELOG.md")]
PAGES += sorted((PROJECT / "docs").glob("*.md")) + sorted((PROJECT / "models").rglob("*.md"))


def anchors(page: str) -> set[str]:
    """What GitHub makes of headings."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"```.*?```", "", page, flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_links_lead_to_files_and_headings():
    dead = []
    for page in PAGES:
        for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
            path, _, anchor = link.partition("#")
            target = (page.parent / path).resolve() if path else page
            if not link.startswith(("https://", "http://")) and (
                not target.exists() or (anchor and anchor not in anchors(target.read_text()))
            ):
                dead.append((page.name, link))
    assert dead == []


def test_every_page_is_linked_from_the_readme():
    linked = re.findall(r"\]\(docs/([\w.-]+)\)", (PROJECT / "README.md").read_text())
    assert {path.name for path in (PROJECT / "docs").glob("*.md")} - set(linked) == set()


def test_the_readme_is_a_front_door():
    readme = (PROJECT / "README.md").read_text()
    assert len(readme.splitlines()) <= 160
    # Its seeds: a row each, of the columns that `make company` writes.
    rows = re.findall(r"^ *\| `(\w+)` \| [^|]+ \| `([^`]+)` \|$", readme, re.MULTILINE)
    assert len(rows) == 4
    for name, row in rows:
        assert len(next(csv.reader(io.StringIO(row)))) == len(company.SEEDS[name][0]), name
    # The example sets the attributes that the landing reads first.
    variables = build_script.land.project_variables()
    labels = re.findall(r'set_attribute\("([\w.]+)"', readme)
    assert labels == [variables["feature_attributes"][0], variables["team_attributes"][0]]


def test_the_picture_is_of_tables_that_are_there(golden):
    picture = (PROJECT / "README.md").read_text().split("```mermaid")[1].split("```")[0]
    known = manifest(golden)
    marts = {node["name"]: key for key, node in known["nodes"].items() if node.get("schema") == "marts"}
    named = re.findall(r"^ +(\w+)\[\"", picture, re.MULTILINE)
    assert len(named) == 10
    assert set(named) <= set(marts)

    def above(key: str) -> set[str]:
        found, new = set(), {key}
        while new:
            new = {parent for each in new for parent in known["parent_map"].get(each, [])} - found
            found |= new
        return found

    for first, second in re.findall(r"(\w+) --> (\w+)", picture):
        assert first not in marts or marts[first] in above(marts[second]), (first, second)


def test_accounting_names_every_identity():
    page = (PROJECT / "docs" / "accounting.md").read_text()
    table = page.split("## Identities")[1].split("\n## ")[0]
    cells = re.findall(r"^\|.*\| ([^|]+) \|$", table, re.MULTILINE)
    named = re.findall(r"`(\w+)`", " ".join(cells))
    assert sorted(named) == sorted(path.stem for path in (PROJECT / "tests" / "identities").glob("*.sql"))


def test_the_glossary_shows_where_each_word_can_be_seen(golden):
    nodes = manifest(golden)["nodes"].values()
    seen = {node["name"] for node in nodes if node["resource_type"] == "seed"}
    for node in nodes:
        if node.get("schema") == "marts":
            seen |= {node["name"], *(f"{node['name']}.{column}" for column in node["columns"])}
    page = (PROJECT / "docs" / "glossary.md").read_text()
    rows = re.findall(r"^\| ([^|]+) \| [^|]+ \| ([^|]+) \|$", page, re.MULTILINE)
    rows = [row for row in rows if row[0] not in ("term", "---")]
    terms = [term for term, _ in rows]
    assert len(terms) == len(set(terms)) > 50
    assert [(term, name) for term, names in rows for name in re.findall(r"`([\w.]+)`", names) if name not in seen] == []


def test_the_example_of_accounting_is_the_golden_day(golden):
    example = (PROJECT / "docs" / "accounting.md").read_text().split("## A worked example")[1].split("\n## ")[0]
    ((priced, billed, path, feature, payer),) = golden.rows("""
        select priced_usd::decimal(18, 6), billed_usd::decimal(18, 6), team_path, originating_feature_id, payer_team_id
        from marts.attributed_calls where call_id = 'gen-g1'
    """)
    assert f"= {priced} USD |" in example
    assert f"| {billed} USD |" in example
    assert f"| {billed - priced} USD |" in example
    assert f"feature `{feature}`; path `{path}`" in example
    assert f"| `{payer}` |" in example
    assert f"insights owes search {billed}; search owes platform {billed}" in example


def test_the_license_and_where_prices_come_from():
    assert (PROJECT / "LICENSE").read_text().split()[:4] == ["Apache", "License", "Version", "2.0,"]
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    assert project["license"] == "Apache-2.0"
    assert project["version"] == yaml.safe_load((PROJECT / "dbt_project.yml").read_text())["version"]
    notice = (PROJECT / "NOTICE").read_text()
    # NOTICE names a source without the place on its page and the provider that genai-prices has it from.
    for name in ("model_prices", "price_multipliers"):
        with (PROJECT / "seeds" / "reference" / f"{name}.csv").open() as file:
            sources = {re.sub(r"#.*| \((?!2025).*", "", row["source"]) for row in csv.DictReader(file)}
        assert [source for source in sources if source not in notice] == [], name
