"""What commands end with: what it means, what is left out, what to look at next; and nothing that a library says."""

import json
import shutil
import subprocess
import sys
from datetime import date
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import PROJECT

import build as build_script
from landing.tables import NO_DAY
from report.why import of_charge

pytestmark = pytest.mark.xdist_group("golden")


def test_a_build_ends_with_what_to_look_at(golden):
    said = golden.output.splitlines()
    place = said.index("Look at next:")
    assert "no file or line was left out, and no bill is known to lack lines or to stand twice" in said[place - 1]
    commands = [line.strip().partition(f" DATA={golden.data}: ")[0] for line in said[place + 1 : place + 4]]
    assert commands[:2] == ["make report", "make export MONTH=2026-10"]
    assert commands[2].startswith("make why FEATURE=summarize-feedback DAY=2026-10-05")
    unbilled = [line for line in said if "is on no bill yet and stands at book prices" in line]
    ((accrued,),) = golden.rows("select sum(accrued_usd) from marts.team_chargeback_monthly")
    assert 0 < accrued < Decimal("0.005")  # test_close has builds with more
    assert unbilled == []


def test_what_is_in_no_figure_is_said_in_sentences(tmp_path):
    rejects = tmp_path / "landed" / "rejects" / f"day={NO_DAY}"
    rejects.mkdir(parents=True)
    files = {
        "one": {"source_file": "costs.csv", "rows_rejected": 3},
        "two": {"source_file": "spans.jsonl", "rows_rejected": 0},
    }
    (tmp_path / "landed" / "manifest.json").write_text(json.dumps({"files": files}))
    pq.write_table(pa.table({"source_file": ["notes.bin"]}), rejects / "unread.parquet")
    assert build_script.not_in_figures(tmp_path, 2) == [
        f"3 lines were rejected and are in no figure (costs.csv): {tmp_path}/landed/rejects says why",
        f"1 file was not read and is in no figure: {tmp_path}/landed/rejects says why",
        "2 warnings above: until settled, the money that they name may be missing from these figures, or be in them "
        "twice",
    ]


@pytest.mark.parametrize(
    ("quantity", "used", "said"),
    [
        (900, 300, "300 of its 900 input, 0.750000 USD;"),
        (900, None, "900 input, 0.750000 USD;"),
        (0, 300_000, "300,000 input, priced at the book; the line states 0.750000 USD and no quantity;"),
        (None, 300_000, "300,000 input, priced at the book; the line states 0.750000 USD and no quantity;"),
        (None, None, "input, 0.750000 USD;"),
    ],
)
def test_a_charge_without_a_quantity_is_priced(quantity, used, said):
    charge = {
        "charge_id": "c", "match_level": "day", "charged_on": date(2026, 10, 5), "meter": "input", "used": used,
        "quantity": quantity, "billed_usd": Decimal("0.75"), "source_file": "costs.csv", "source_line": 2,
    }  # fmt: skip
    assert f"2026-10-05, {said} costs.csv line 2" in of_charge(charge)
    assert "of its 0" not in of_charge(charge)


def test_no_library_speaks_when_an_export_ends(golden, tmp_path):
    """The engine tells of objects that Great Expectations' import froze, unless they are taken apart before."""
    shutil.copyfile(golden.data / "ledger.duckdb", tmp_path / "ledger.duckdb")
    script = [sys.executable, "-W", "default", str(PROJECT / "scripts" / "export.py"), "2026-10", str(tmp_path)]
    ended = subprocess.run(script, capture_output=True, text=True, cwd=PROJECT)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stderr == ""
