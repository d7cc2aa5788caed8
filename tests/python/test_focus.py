"""FOCUS bills: beside other bills, over months and accounts, with purchases, corrections, and what is not AI."""

import csv
import io
from decimal import Decimal

import pytest
from conftest import REAL
from exports import FOCUS, activity, batch, calls, chat, company, focus, treated, write


def test_openrouter_activity_beside_focus_until_noon(build, tmp_path):
    """FOCUS, hour by hour, ends at noon of the 2nd; from there the activity stands, without a row twice."""
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    rows = [("g1", "2026-10-01 08:30:00", "0.10"), ("g2", "2026-10-02 08:30:00", "0.20"),
            ("g3", "2026-10-02 13:30:00", "0.40")]  # fmt: skip
    activity(rows, inbox / "activity.csv")
    named = {"ProviderName": "OpenRouter", "ServiceName": "OpenRouter", "SkuMeter": "deepseek/deepseek-chat-v3 Tokens",
             "ConsumedQuantity": "110", "ConsumedUnit": "Tokens"}  # fmt: skip
    write(
        inbox / "focus.csv",
        FOCUS,
        [focus(1, "0.11", 8, **named), focus(2, "0.21", 8, **named), focus(2, "0.01", 11, **named)],
    )
    spans = [chat(number, 1, None, (day - 5) * 86400 + 30600, f"g{number}") for number, day in ((1, 1), (2, 2), (3, 2))]
    (inbox / "spans.jsonl").write_text(batch(spans))
    built = build(inbox, company(tmp_path))
    assert built.code == 0, built.output
    assert treated(built) == {"call": Decimal("0.73"), "superseded": Decimal("0.30")}
    assert built.rows("select sum(billed_usd) from marts.invoice_reconciliation_daily") == [(Decimal("0.73"),)]


def test_bill_sources_choose_the_bill(build, tmp_path):
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    activity([("g1", "2026-10-01 08:30:00", "0.10"), ("g2", "2026-10-01 12:00:00", "0.20")], inbox / "activity.csv")
    named = {"ProviderName": "OpenRouter", "ServiceName": "OpenRouter", "SkuMeter": "deepseek/deepseek-chat-v3 Tokens"}
    write(inbox / "focus.csv", FOCUS, [focus(1, "0.50", **named), focus(2, "0.70", **named)])
    sources = "provider,account_id,file_kind,priority\nopenrouter,,openrouter_activity,1\n"
    built = build(inbox, company(tmp_path, bill_sources=sources))
    assert built.code == 0, built.output
    assert treated(built) == {"call": Decimal("1.00"), "superseded": Decimal("0.50")}


def test_a_purchase_for_a_year_is_borne_month_by_month(build, tmp_path):
    """200,000 paid in October 2026 for a year of Bedrock; what is not AI is out of scope; BilledCost is conserved."""
    inbox = tmp_path / "inbox"
    bedrock = {"ProviderName": "AWS", "ServiceName": "Amazon Bedrock"}
    purchase = {
        **bedrock,
        "ChargeCategory": "Purchase",
        "ChargeDescription": "Model units, a year",
        "EffectiveCost": "0",
    }
    write(
        inbox / "focus.csv",
        FOCUS,
        [
            focus(1, "200000", days=365, **purchase),
            focus(1, "12.345678901234", ProviderName="AWS", ServiceName="Amazon Elastic Compute Cloud"),
            focus(2, "-3.00", **{**bedrock, "ChargeCategory": "Credit"}),
        ],
    )
    built = build(inbox, company(tmp_path))
    assert built.code == 0, built.output
    assert treated(built) == {"invoice_only": Decimal("199997"), "out_of_scope": Decimal("12.345678901234")}
    months = built.rows(
        "select posted_month, sum(amount_usd) filter (where account = 'ai_cost'),"
        " sum(amount_usd) filter (where account = 'prepaid'),"
        " sum(amount_usd) filter (where account = 'provider_payable')"
        " from marts.ledger_entries group by 1 order by 1"
    )
    assert len(months) == 12
    assert sum(month[1] for month in months) == 199_997
    assert sum(month[2] for month in months) == 0
    assert months[0][3] == -199_997
    assert [month[3] for month in months[1:]] == [0] * 11
    assert {round(month[1] / Decimal(200_000) * 365) for month in months} == {28, 30, 31}


def test_months_of_focus_keep_purchases_and_corrections(build, tmp_path):
    """October twice (the second download whole), then November with a correction of October: each line stands once."""
    inbox = tmp_path / "inbox"
    use = {
        "ProviderName": "AWS",
        "ServiceName": "Amazon Bedrock",
        "x_UsageType": "USE1-Claude4.6Opus-input-token-count",
    }
    purchase = {**use, "ChargeCategory": "Purchase", "EffectiveCost": "0"}
    october = [focus(1, "3650", days=365, **purchase), focus(2, "1", **use), focus(3, "2", **use)]
    write(inbox / "october_2026-10-04.csv", FOCUS, october)
    write(inbox / "october_2026-11-01.csv", FOCUS, [*october, focus(31, "4", **use)])
    correction = focus(3, "-0.5", **{**use, "ChargeClass": "Correction"})
    write(inbox / "november.csv", FOCUS, [focus(33, "8", **use), correction])
    write(inbox / "november_2026-11-05.csv", FOCUS, [focus(33, "8", **use), focus(34, "16", **use), correction])
    built = build(inbox, company(tmp_path))
    assert built.code == 0, built.output
    standing = {name: amount for name, amount in treated(built).items() if name != "superseded"}
    assert standing == {"call": Decimal("30.5"), "invoice_only": Decimal("3650")}


def test_purchases_alone_stand_once(build, tmp_path):
    """A download of purchases alone, twice, beside a whole bill that holds one of them too."""
    inbox = tmp_path / "inbox"
    use = {"ProviderName": "AWS", "ServiceName": "Amazon Bedrock"}
    purchase = {**use, "ChargeCategory": "Purchase", "EffectiveCost": "0"}
    one, other = focus(1, "3650", days=365, **purchase), focus(9, "365", days=365, **purchase)
    write(inbox / "purchases.csv", FOCUS, [one, other, other])
    write(inbox / "purchases_again.csv", FOCUS, [other, one, other])
    write(inbox / "whole.csv", FOCUS, [one, focus(2, "7", **use)])
    built = build(inbox, company(tmp_path))
    assert built.code == 0, built.output
    assert treated(built) == {"call": 7, "invoice_only": 3650 + 365 * 2, "superseded": 3650 * 2 + 365 * 2}


def test_a_bill_of_many_accounts_covers_each(build, tmp_path):
    """One FOCUS file for two accounts; the second used nothing on the day of a call of no known account."""
    inbox = tmp_path / "inbox"
    use = {"ProviderName": "AWS", "ServiceName": "Amazon Bedrock", "ConsumedUnit": "1K tokens",
           "ConsumedQuantity": "100",
           "x_UsageType": "USE1-Claude4.6Opus-input-token-count-cross-region-global"}  # fmt: skip
    write(
        inbox / "focus.csv",
        FOCUS,
        [
            focus(1, "0.5", SubAccountId="one", **use),
            focus(2, "0.5", SubAccountId="two", **use),
            focus(4, "0.5", SubAccountId="one", **use),
            focus(5, "0.5", SubAccountId="one", **use),
        ],
    )
    (inbox / "spans.jsonl").write_text(calls("aws.bedrock", "global.anthropic.claude-opus-4-6-v1", [4.5], (100_000, 0)))
    built = build(inbox, company(tmp_path))
    assert built.code == 0, built.output
    assert built.rows("select basis, billed_usd, match_level from marts.attributed_calls") == [
        ("billed", Decimal("0.5"), "day_model_meter_tier")
    ]


@pytest.mark.skipif(not REAL.is_dir(), reason=f"the real exports are not here ({REAL.parent.name}/{REAL.name})")
def test_real_focus_samples_conserve_billed_cost(build, tmp_path):
    rows = [row for path in sorted((REAL / "focus").glob("*.csv"))
            for row in csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig")))]  # fmt: skip
    stated = sum(Decimal(row["BilledCost"].strip().lstrip("$").replace(",", "")) for row in rows)
    rules = "priority,provider,service_name,sku,description,treatment,model,meter\n1,,ACMECORP%,,,invoice_only,,\n"
    built = build(REAL / "focus", company(tmp_path, charge_rules=rules))
    assert built.code == 0, built.output
    assert built.landed("select count(*) from {}", "focus") == [(len(rows),)]
    bills = treated(built)
    assert sum(bills.values()) == stated
    assert bills["invoice_only"] == 210_000
    assert built.rows("select sum(lines) from marts.provider_bills_monthly") == [(len(rows),)]
