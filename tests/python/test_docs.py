"""dbt's docs: who reads what is declared as it is, and the page of all of it opens without a network."""

import json
import re
import shutil
import subprocess

import pytest
from conftest import GOLDEN, PROJECT

import build as build_script
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
        "finance_export": re.findall(READ, script("export.py", "focus.py")),
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
