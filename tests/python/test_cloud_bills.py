"""Clouds' own bills, alone and beside FOCUS; FOCUS as JSON; OpenRouter's API."""

import csv
import io
import json
from decimal import Decimal

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from clouds import (
    ACTIVITY,
    AZURE,
    CUR,
    ENTERPRISE,
    GENERATION,
    PAY_AS_YOU_GO,
    azure_row,
    cur_row,
    flattened,
    google_row,
    write_cur_2,
    write_gz,
)
from exports import FOCUS, calls, company, focus, write

import land

SONNET = {"lineItem__UsageType": "USE1-Claude4.5Sonnet-input-token-count", "pricing__unit": "1K tokens",
          "lineItem__Operation": "InvokeModelInference", "lineItem__UsageAmount": "100"}  # fmt: skip
PLAN = {"savingsPlan__SavingsPlanARN": "arn:plan", **SONNET}
HELD = {"reservation__ReservationARN": "arn:held", **SONNET}
PROFILE = "arn:aws:bedrock:us-east-1:444455556666:application-inference-profile/abc123"
CUR_ROWS = [
    cur_row("0.3000000000", **SONNET, lineItem__ResourceId=PROFILE, resourceTags__user__team="beta"),
    # The marketplace bills a model under its own product, in units that its text explains.
    cur_row("30.0000000000", bill__BillingEntity="AWS Marketplace", product__ProductName="Claude Opus 4.6 (Amazon "
            "Bedrock Edition)", lineItem__UsageType="MP:APN1_input_tokens_global_standard-Units",
            lineItem__UsageAmount="6", lineItem__LineItemDescription="AWS Marketplace software usage|ap-northeast-1|"
            "Million Input Tokens", lineItem__ProductCode="7g37", lineItem__LegalEntity="Anthropic, PBC"),
    # A savings plan: use at list price, its negation, and a fee of which a part lay idle.
    cur_row("2.0000000001", "SavingsPlanCoveredUsage", **PLAN, savingsPlan__SavingsPlanEffectiveCost="1.2"),
    cur_row("-2.0000000001", "SavingsPlanNegation", **PLAN),
    cur_row("1.5", "SavingsPlanRecurringFee", **{**PLAN, "lineItem__UsageType": "ComputeSP:1yrNoUpfront"},
            savingsPlan__TotalCommitmentToDate="1.5", savingsPlan__UsedCommitment="1.2"),
    # A reservation, the same.
    cur_row("0", "DiscountedUsage", **HELD, reservation__EffectiveCost="0.7"),
    cur_row("0.9", "RIFee", **HELD, reservation__UnusedRecurringFee="0.15",
            reservation__UnusedAmortizedUpfrontFeeForBillingPeriod="0.05"),
    cur_row("-0.25", "EdpDiscount", **SONNET),
    cur_row("-5", "Credit", lineItem__LineItemDescription="Promotion"),
    cur_row("-0.1", "Refund", lineItem__LineItemDescription="Refund"),
    cur_row("6.17", "Tax", period=("2026-10-01", "2026-11-01"), lineItem__TaxType="VAT"),
    cur_row("12.345678901234", product__ProductName="Amazon Elastic Compute Cloud", lineItem__ProductCode="AmazonEC2",
            lineItem__UsageType="USE1-BoxUsage:t3.medium", lineItem__UsageAmount="24", pricing__unit="Hrs"),
]  # fmt: skip
for row in CUR_ROWS:
    if "resourceTags/user/team" in row:
        row["resourceTags/user:team"] = row.pop("resourceTags/user/team")
TOKENS = {"meterName": "gpt 4.1 mini Inp glbl Tokens", "unitOfMeasure": "1K", "quantity": "1000",
          "ProductName": "Azure OpenAI - gpt 4.1 mini", "tags": '"team": "beta"'}  # fmt: skip
UNITS = {"meterName": "Provisioned Managed Global Unit", "unitOfMeasure": "1 Hour", "quantity": "24",
         "pricingModel": "Reservation", "reservationId": "r-1"}  # fmt: skip
DISK = {"meterCategory": "Storage", "meterSubCategory": "Disks", "meterName": "P10 Disks", "unitOfMeasure": "1/Month"}
BOTH = [azure_row("0.40", **TOKENS), azure_row("0.80", day=6, **{**TOKENS, "quantity": "2000"}),
        azure_row("3.21", **DISK)]  # fmt: skip
ACTUAL = [*BOTH, azure_row("300", "Purchase", 4, **{**UNITS, "quantity": "1"}), azure_row("0", **UNITS)]
AMORTIZED = [*BOTH, azure_row("7.5", **UNITS), azure_row("2.25", "UnusedReservation", 6, **UNITS)]
GOOGLE_ROWS = [
    google_row(0.3, credits=(("promo", -0.1, "PROMOTION"), ("commitment", -0.05, "COMMITTED_USAGE_DISCOUNT"))),
    google_row(0.6, day=6),
    google_row(0.07, day=6, cost_type="tax", usage=None),
    google_row(-0.02, day=6, cost_type="adjustment", usage=None),
    google_row(4.5, service={"id": "6F81", "description": "Compute Engine"},
               sku={"id": "S-2", "description": "N1 Core"}, usage={"amount": 3600.0, "unit": "seconds"},
               credits=(("sud", -1.5, "SUSTAINED_USAGE_DISCOUNT"),)),
]  # fmt: skip


@pytest.fixture
def inbox(tmp_path):
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


def landed(tmp_path, table: str, columns: str = "* exclude (source_file, file_id, source_line, row_no)") -> list:
    files = tmp_path / "data" / "landed" / table / "*" / "*.parquet"
    return duckdb.sql(f"select {columns} from read_parquet('{files}', union_by_name = true) order by all").fetchall()


def sums(built, money: str = "billed_usd") -> dict:
    """Sums per kind of file and treatment."""
    query = f"select file_kind, treatment, sum({money}) from intermediate.int_classified_charges group by all"
    return {(kind, treatment): amount for kind, treatment, amount in built.rows(query)}


def test_each_cloud_alone(build, inbox, tmp_path):
    """Every line has its place: sums to the last digit, sub accounts, models, and what is not AI aside."""
    write_gz(inbox / "cur" / "report-00001.csv.gz", CUR, CUR_ROWS)
    write(inbox / "azure" / "part_0_0001.csv", AZURE, AMORTIZED)
    (inbox / "google.jsonl").write_text("".join(json.dumps(row) + "\n" for row in GOOGLE_ROWS))
    (inbox / "generation.json").write_text(json.dumps({"data": GENERATION}))
    (inbox / "activity.json").write_text(json.dumps({"data": [ACTIVITY]}))
    (inbox / "spans.jsonl").write_text(
        calls("gcp.vertex_ai", "gemini-2.5-flash", [5.4], (1_000_000, 0))
        + calls("azure.ai.openai", "gpt-4.1-mini", [6.4], (2_000_000, 0)).replace('"traceId": "0', '"traceId": "a')
        + calls("aws.bedrock", "global.anthropic.claude-opus-4-6-v1", [5.4], (6_000_000, 0)).replace(
            '"traceId": "0', '"traceId": "b'
        )
    )
    built = build(inbox, company(tmp_path))
    assert built.code == 0, built.output
    assert sums(built) == {
        ("aws_cur", "call"): Decimal("32.0500000001"),
        ("aws_cur", "invoice_only"): Decimal("1.4699999999"),
        ("aws_cur", "out_of_scope"): Decimal("12.345678901234"),
        ("azure_amortized", "call"): Decimal("1.20"),
        ("azure_amortized", "invoice_only"): Decimal("9.75"),
        ("azure_amortized", "out_of_scope"): Decimal("3.21"),
        ("google_billing", "call"): Decimal("0.73"),
        ("google_billing", "invoice_only"): Decimal("0.07"),
        ("google_billing", "out_of_scope"): Decimal("3.0"),
        ("openrouter_activity", "call"): Decimal("0.0015"),
        ("openrouter_daily", "call"): Decimal("0.015"),
    }
    # What a commitment's use was worth stands in the ledger, what it was paid with waits beside it.
    aws = "from intermediate.int_classified_charges where file_kind = 'aws_cur' and treatment != 'out_of_scope'"
    assert built.rows(f"select sum(billed_usd), sum(cost_usd) {aws}") == [(Decimal("33.52"), Decimal("33.52"))]
    assert built.rows(f"select distinct account_id, bill_account_id {aws}") == [("444455556666", "111122223333")]
    assert built.rows(f"select quantity {aws} and model like '%opus-4-6%'") == [(6_000_000,)]
    assert built.rows("select provider, billed_usd, match_level from marts.attributed_calls order by 1") == [
        ("aws", Decimal("30"), "account_day_model_meter"), ("azure", Decimal("0.8"), "account_day_model_meter"),
        ("google", Decimal("0.15"), "account_day_model_meter"),
    ]  # fmt: skip


def test_one_dollar_is_one_dollar(build, inbox, tmp_path):
    """FOCUS beside a cloud's own detail of the same month; Azure's two reports in parts, as cost and billed side."""
    write_gz(inbox / "report-00001.csv.gz", CUR, CUR_ROWS)
    (inbox / "google.jsonl").write_text("".join(json.dumps(row) + "\n" for row in GOOGLE_ROWS))
    use = {"ChargeCategory": "Usage", "SubAccountId": "444455556666", "BillingAccountId": "111122223333",
           "ProviderName": "AWS", "ServiceName": "Amazon Bedrock"}  # fmt: skip
    whole = [focus(1, "6.17", days=31, **{**use, "ChargeCategory": "Tax"}), focus(5, "27.35", **use),
             focus(5, "12.345678901234", **{**use, "ServiceName": "Amazon Elastic Compute Cloud"})]  # fmt: skip
    write(inbox / "aws_focus.csv", FOCUS, whole)
    google = {"ProviderName": "Google Cloud", "BillingAccountId": "01AB-02CD", "SubAccountId": "p1",
              "ServiceName": "Vertex AI"}  # fmt: skip
    write(inbox / "google_focus.csv", FOCUS, [focus(day, "0.40", **google) for day in (4, 5, 6, 7)])
    # The first part of the actual report holds no commitment: it is told by the second.
    write(inbox / "azure" / "run1" / "part_0_0001.csv", AZURE, ACTUAL[:2])
    write(inbox / "azure" / "run1" / "part_0_0002.csv", AZURE, ACTUAL[2:])
    write(inbox / "azure" / "run2" / "part_0_0001.csv", AZURE, AMORTIZED)
    built = build(inbox, company(tmp_path))
    assert built.code == 0, built.output
    standing = {key: amount for key, amount in sums(built).items() if key[1] != "superseded"}
    assert standing == {
        ("focus", "call"): Decimal("28.95"),
        ("focus", "invoice_only"): Decimal("6.17"),
        ("focus", "out_of_scope"): Decimal("12.345678901234"),
        ("azure_actual", "invoice_only"): Decimal("301.20"),
        ("azure_actual", "out_of_scope"): Decimal("3.21"),
        ("azure_amortized", "call"): 0,
        ("azure_amortized", "invoice_only"): 0,
        ("azure_amortized", "out_of_scope"): 0,
    }
    assert sums(built, "cost_usd")[("azure_amortized", "call")] == Decimal("1.20")
    ledger = "select sum(amount_usd) from marts.ledger_entries where provider = 'azure' and account = "
    assert built.rows(f"{ledger}'provider_payable'") == [(Decimal("-301.20"),)]
    assert built.rows(f"{ledger}'ai_cost'") == [(Decimal("10.95"),)]
    assert built.rows(f"{ledger}'prepaid'") == [(Decimal("290.25"),)]


def test_cur_2_is_the_older_report_in_other_columns(tmp_path):
    """A CSV by gzip with a column per tag, and Parquet with maps, doubles and timestamps."""
    for name in ("older", "newer"):
        (tmp_path / name / "inbox").mkdir(parents=True)
    write_gz(tmp_path / "older" / "inbox" / "report-1.csv.gz", CUR, CUR_ROWS)
    write_cur_2(tmp_path / "newer" / "inbox" / "data-00001.snappy.parquet", CUR_ROWS)
    for name in ("older", "newer"):
        assert land.run(tmp_path / name / "inbox", tmp_path / name / "data") == 0
        assert landed(tmp_path / name, "rejects", "reason") == []
    columns = "* exclude (source_file, file_id, source_line, row_no, tags)"
    assert landed(tmp_path / "newer", "aws_cur", columns) == landed(tmp_path / "older", "aws_cur", columns)
    assert landed(tmp_path / "older", "aws_cur", "count(*), sum(unblended_cost), max(tags)") == [
        (12, Decimal("45.865678901234"), '{"user:team":"beta"}')
    ]
    assert landed(tmp_path / "newer", "aws_cur", "count(tags), max(tags)") == [(1, '{"user_team":"beta"}')]


@pytest.mark.parametrize(
    ("header", "row"),
    [
        (AZURE, BOTH[0]),
        (ENTERPRISE, {"Date": "2026-10-05", "CostInBillingCurrency": "0.40", "Quantity": "1000", "UnitOfMeasure": "1K",
                      "MeterCategory": "Cognitive Services", "MeterName": TOKENS["meterName"], "ChargeType": "Usage",
                      "SubscriptionId": "64e3", "BillingAccountId": "8608480", "BillingCurrencyCode": "USD"}),
        (PAY_AS_YOU_GO, {"UsageDateTime": "2026-10-05", "PreTaxCost": "0.4000000000", "UsageQuantity": "1000",
                         "UnitOfMeasure": "1K", "MeterCategory": "Cognitive Services", "Currency": "USD",
                         "MeterName": TOKENS["meterName"], "SubscriptionGuid": "64e3"}),
    ],
    ids=["customer agreement", "enterprise agreement", "pay as you go"],
)  # fmt: skip
def test_azure_headers(inbox, tmp_path, header, row):
    write(inbox / "costs.csv", header, [row])
    assert land.run(inbox, tmp_path / "data") == 0
    said = "strftime(charge_period_start, '%x'), cost, quantity, unit_of_measure, meter_name, currency, subscription_id"
    assert landed(tmp_path, "azure_costs", said) == [
        ("2026-10-05", Decimal("0.4"), 1000, "1K", "gpt 4.1 mini Inp glbl Tokens", "USD", "64e3")
    ]


def test_google_in_three_forms(inbox, tmp_path):
    """Nested lines, a flattened CSV and nested Parquet land alike, credits as rows."""
    flat = [flattened(row) for row in GOOGLE_ROWS]
    text = io.StringIO()
    writer = csv.DictWriter(text, flat[0], restval="")
    writer.writeheader()
    writer.writerows({name: row.get(name) for name in flat[0]} for row in flat)
    nested = pa.Table.from_pylist(GOOGLE_ROWS)
    bytes_ = io.BytesIO()
    pq.write_table(nested, bytes_)
    forms = {
        "google.jsonl": "".join(json.dumps(row) + "\n" for row in GOOGLE_ROWS).encode(),
        "google.csv": text.getvalue().encode(),
        "google.parquet": bytes_.getvalue(),
    }
    seen = []
    for number, (name, content) in enumerate(forms.items()):
        folder = tmp_path / str(number)
        (folder / "inbox").mkdir(parents=True)
        (folder / "inbox" / name).write_bytes(content)
        assert land.run(folder / "inbox", folder / "data") == 0
        assert landed(folder, "rejects", "reason") == []
        seen.append(landed(folder, "google_billing", "* exclude (source_file, file_id, source_line, row_no)"))
    assert len(seen[0]) == 8
    assert seen[1] == seen[0]
    assert seen[2] == seen[0]
    (number, total, count) = landed(tmp_path / "0", "google_billing", "count(*), sum(cost), count(usage_amount)")[0]
    assert (number, total, count) == (8, Decimal("3.80"), 3)


def test_credits_that_cannot_be_read_are_refused(inbox, tmp_path):
    row = {**flattened(GOOGLE_ROWS[1]), "credits": "[{'name': 'promo', 'amount': -0.1}]"}
    write(inbox / "google.csv", ",".join(row), [row])
    assert land.run(inbox, tmp_path / "data") == 1
    reason = "cost: a list of credits that can't be read is not an amount of money"
    assert landed(tmp_path, "rejects", "reason") == [(reason,)]


@pytest.mark.parametrize("form", ["array", "lines", "snake case"])
def test_focus_as_json(inbox, tmp_path, form):
    rows = [focus(5, "1.250000000000000001", **{"ProviderName": "AWS", "Tags": {"team": "beta"}}), focus(6, "-2")]
    if form == "snake case":
        words = {name: "".join(f"_{sign.lower()}" if sign.isupper() else sign for sign in name)[1:] for name in rows[0]}
        rows = [{words[name]: value for name, value in row.items()} for row in rows]
    text = json.dumps(rows, indent=1) if form == "array" else "".join(json.dumps(row) + "\n" for row in rows)
    (inbox / "focus.json").write_text(text)
    assert land.run(inbox, tmp_path / "data") == 0
    assert landed(tmp_path, "focus", "billed_cost, provider_name, tags") == [
        (Decimal("-2"), None, None), (Decimal("1.250000000000000001"), "AWS", '{"team":"beta"}'),
    ]  # fmt: skip


OWN_KEY = {**GENERATION, "id": "gen-2", "is_byok": True, "total_cost": 0.0001}


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"data": GENERATION}) + "\n" + json.dumps({"data": OWN_KEY}) + "\n",
        json.dumps({"data": [GENERATION, OWN_KEY]}, indent=2),
        json.dumps([GENERATION, OWN_KEY]),
    ],
    ids=["answers in lines", "a page", "a list"],
)
def test_openrouter_generations(inbox, tmp_path, text):
    """Tokens are the model's own; what the provider charged counts only where the key is one's own."""
    (inbox / "generations").write_text(text)
    assert land.run(inbox, tmp_path / "data") == 0
    said = "generation_id, cost_total, byok_usage_inference, tokens_prompt, tokens_completion, tokens_cached"
    assert landed(tmp_path, "openrouter_activity", said) == [
        ("gen-1", Decimal("0.0015"), None, 11, 26, 3), ("gen-2", Decimal("0.0001"), Decimal("0.0014"), 11, 26, 3),
    ]  # fmt: skip


@pytest.mark.parametrize("text", [json.dumps({"data": [ACTIVITY] * 2}), (json.dumps(ACTIVITY) + "\n") * 2])
def test_openrouter_activity(inbox, tmp_path, text):
    """Two endpoints of one model and day are two rows."""
    (inbox / "activity").write_text(text)
    assert land.run(inbox, tmp_path / "data") == 0
    said = "model_permaslug, cost_total, byok_usage_inference, requests, tokens_prompt, tokens_completion"
    assert (
        landed(tmp_path, "openrouter_daily", said)
        == [("openai/gpt-4.1-2025-04-14", Decimal("0.015"), Decimal("0.012"), 5, 50, 125)] * 2
    )
