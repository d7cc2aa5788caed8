"""FOCUS files of the exports: what FOCUS's own validator says of them, and what is said where it can't be asked."""

import csv
import json
import re
import shutil

import duckdb
import pytest

import export
import focus
from environment import digest

pytestmark = pytest.mark.xdist_group("golden")
needs_validator = pytest.mark.skipif(
    not (focus.ENVIRONMENT / ".lock").exists(),
    reason=f"no {focus.ENVIRONMENT.name} here: `make test` makes it where there is a Python 3.12",
)


@pytest.fixture(scope="module")
def exported(golden):
    assert export.export("2026-10", golden.data) == 0
    return golden.data


@needs_validator
def test_no_rule_of_focus_fails_but_the_one_that_can_not_hold(exported, capsys):
    assert focus.check("2026-10", exported) == 0
    out = capsys.readouterr().out
    assert "no rule fails" in out
    assert int(re.search(r"(\d+) rules hold", out).group(1)) > 250
    assert "InvoiceId-C-005-C can't hold" in out


@needs_validator
def test_a_rule_that_fails_is_named(exported, tmp_path, capsys):
    """A category that FOCUS does not know, a currency that nobody knows."""
    folder = tmp_path / "exports" / "2026-10"
    folder.mkdir(parents=True)
    broken = "replace ('Fee' as ChargeCategory, '1e' as BillingCurrency)"
    duckdb.sql(f"select * {broken} from '{exported}/exports/2026-10/focus.parquet'").write_parquet(
        str(folder / "focus.parquet")
    )
    assert focus.check("2026-10", tmp_path) == 1
    err = capsys.readouterr().err
    assert "ERROR: ChargeCategory-C-003-M: ChargeCategory MUST be one of the allowed values." in err
    assert "ERROR: BillingCurrency" in err


def test_only_what_can_not_hold_is_explained():
    outcomes = {"InvoiceId-C-005-C": "FAIL", "InvoiceId-C-004-C": "PASS", "BilledCost-C-003-M": "PASS"}
    assert focus.failures(outcomes) == ([], ["InvoiceId-C-005-C"])
    outcomes |= {"BilledCost-C-003-M": "FAIL", "InvoiceId-C-000-O": "FAIL"}
    assert focus.failures(outcomes) == (["BilledCost-C-003-M", "InvoiceId-C-000-O"], ["InvoiceId-C-005-C"])
    invoices = dict.fromkeys(focus.EXPLAINED, "FAIL")
    assert focus.failures(invoices) == ([], list(focus.EXPLAINED))


def test_half_an_answer_is_none(tmp_path, monkeypatch, capsys):
    """A validator that stops, or says its results in another shape, has not said that no rule fails."""
    environment, data = tmp_path / "environment", tmp_path / "data"
    (environment / "lib" / "python3.12" / "site-packages" / "focus_validator").mkdir(parents=True)
    (environment / "bin").mkdir()
    (environment / ".lock").write_text(digest(focus.LOCK))
    (data / "exports" / "2026-10").mkdir(parents=True)
    (data / "exports" / "2026-10" / "focus.parquet").touch()
    monkeypatch.setattr(focus, "ENVIRONMENT", environment)
    validator = environment / "bin" / "focus-validator"
    for said, code in (
        ("Total: 2 | Pass: 2 | Fail: 0 | Skipped: 0\n+ BilledCost-C-003-M: PASS", 0),
        ("Total: 1 | Pass: 1 | Fail: 0 | Skipped: 0\n+ BilledCost-C-003-M: PASS", 3),
        ("all is well", 0),
    ):
        validator.write_text(f"#!/bin/sh\nprintf '{said}\\n'\nexit {code}\n")
        validator.chmod(0o755)
        assert focus.check("2026-10", data) == 1
        assert "gave no answer" in capsys.readouterr().err


def test_without_python_312_it_says_so(exported, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(focus, "ENVIRONMENT", tmp_path / "environment")
    monkeypatch.setattr(focus, "python_for_validator", lambda: None)
    assert focus.check("2026-10", exported) == 0
    out = capsys.readouterr().out
    assert "needs Python 3.12, and none was found" in out
    assert "not checked" in out


def test_a_failed_install_says_what_to_do(tmp_path, monkeypatch, capsys):
    python = focus.python_for_validator()
    if not python:
        pytest.skip("no Python 3.12 here")
    (tmp_path / "lock.txt").write_text("this is no lock !!\n")
    monkeypatch.setattr(focus, "ENVIRONMENT", tmp_path / "environment")
    monkeypatch.setattr(focus, "LOCK", tmp_path / "lock.txt")
    assert focus.install() == 1
    assert "could not be installed" in capsys.readouterr().err
    assert not (tmp_path / "environment" / ".lock").exists()


def test_check_of_a_month_that_was_not_exported_is_an_error(tmp_path, capsys):
    assert focus.check("2026-10", tmp_path) == 2
    assert "make export MONTH=2026-10" in capsys.readouterr().err


def test_the_csv_has_the_dates_and_columns_that_focus_asks_for(exported):
    with (exported / "exports" / "2026-10" / "focus.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    names = list(rows[0])
    custom = [name for name in names if name.startswith("x_")]
    assert names == sorted(set(names) - set(custom)) + sorted(custom)
    for row in rows:
        assert row["BillingPeriodStart"] == "2026-10-01T00:00:00Z"
        assert row["ChargePeriodEnd"] == "2026-10-06T00:00:00Z"
        assert re.fullmatch(r"-?\d+\.\d{12}", row["EffectiveCost"])
        for name in ("Tags", "SkuPriceDetails", "x_AllocatedMethodDetails", "x_AllocatedTags"):
            assert not row[name] or isinstance(json.loads(row[name]), dict)
    assert json.loads(rows[0]["Tags"]).keys() == {"feature", "purpose", "team"}


def test_verify_names_a_focus_file_that_was_touched(exported, tmp_path, capsys):
    shutil.copytree(exported / "exports", tmp_path / "exports")
    path = tmp_path / "exports" / "2026-10" / "focus.parquet"
    duckdb.sql(f"select * replace (EffectiveCost * 2 as EffectiveCost) from '{path}'").write_parquet(str(path) + "x")
    shutil.move(str(path) + "x", path)
    assert export.verify("2026-10", tmp_path) == 1
    err = capsys.readouterr().err
    assert "focus.parquet: its bytes are not those" in err
    assert "focus.parquet: EffectiveCost adds up to" in err


@pytest.mark.parametrize(
    ("check", "change"),
    [*zip(focus.CHECKS, ("EffectiveCost = 2", "x_AllocatedRatio = 0.5", "x_PostedMonth = '2026-09-01'"), strict=True)],
)
def test_each_check_of_the_focus_file_can_fail(check, change):
    engine = duckdb.connect()
    engine.execute("create table charged as select 'a' as team_id, 1.0 as net_charge_usd")
    engine.execute(
        "create table focus as select 'a' as x_TeamId, 1.0 as EffectiveCost, 'o' as x_OriginChargeId, 1.0 as"
        " x_AllocatedRatio, 'Usage' as ChargeCategory, date '2026-10-01' as x_PostedMonth"
    )
    query = focus.CHECKS[check].format(focus="focus", chargeback="charged", day="2026-10-01")
    assert engine.execute(query).fetchall() == []
    engine.execute(f"update focus set {change}")
    assert engine.execute(query).fetchall()
