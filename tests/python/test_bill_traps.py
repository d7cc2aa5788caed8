"""Bills as people really collect them: in parts, by project, without names, for accounts that nobody else calls so."""

import json
import zipfile
from decimal import Decimal

from exports import COSTS, FOCUS, USAGE, bucket, calls, company, cost, focus, seconds, treated, write

import land

BEDROCK = {"ProviderName": "AWS", "ServiceName": "Amazon Bedrock", "BillingAccountId": "999", "SubAccountId": "1234",
           "ConsumedUnit": "1K tokens", "ConsumedQuantity": "100"}  # fmt: skip
OPUS = "USE1-Claude4.6Opus-{}-token-count-cross-region-global"
MISTRAL = {"ProviderName": "Mistral", "ServiceName": "Mistral API", "ConsumedUnit": "Tokens",
           "ConsumedQuantity": "1000000", "SkuMeter": "mistral-large-latest input Tokens"}  # fmt: skip
INVOICES = "invoice_id,provider,account_id,period_start,period_end,issued_on,amount,currency,tax,credit_of"
PRICES = "provider,account_id,model,meter,unit_price_usd,discount_pct,valid_from,valid_to\n"


def invoice(name: str, provider: str, account: str, amount: str, of: str = "", currency: str = "USD") -> dict:
    values = (name, provider, account, "2026-10-01", "2026-10-31", "2026-11-01", amount, currency, "0", of)
    return dict(zip(INVOICES.split(","), values, strict=True))


def traced(number: int, *arguments, **values) -> str:
    """Calls in traces of their own number."""
    return calls(*arguments, **values).replace('"traceId": "0', f'"traceId": "{number:x}')


def test_parts_of_a_bill_add_up(build, tmp_path):
    """A cloud's export in two files, OpenAI's costs by project, usage by endpoint; a part that is downloaded again."""
    inbox = tmp_path / "inbox"
    for part, (kind, amount) in enumerate((("input", "0.5"), ("output", "2.5"))):
        rows = [focus(day, amount, **BEDROCK, x_UsageType=OPUS.format(kind)) for day in range(1, 5)]
        write(inbox / f"export-0000{part}.csv", FOCUS, rows)
    write(inbox / "export-00000_2026-11-02.csv", FOCUS,
          [focus(day, "0.5", **BEDROCK, x_UsageType=OPUS.format("input")) for day in range(1, 6)])  # fmt: skip
    write(inbox / "p1.csv", COSTS, [cost(day, "0.15", project_id="p1") for day in (1, 2, 3)])
    write(inbox / "p2.csv", COSTS, [*(cost(day, "0.30", project_id="p2") for day in (1, 2, 3)),
                                    cost(2, "-25", "Promotional credit, October")])  # fmt: skip
    for model in ("gpt-4o-mini", "text-embedding-3-small"):
        write(inbox / f"{model}.csv", USAGE, [bucket(day, model=model, input_tokens="1,000,000") for day in (5, 6)])
    built = build(inbox, company(tmp_path))
    assert built.code == 0, built.output
    assert treated(built) == {"call": Decimal("13.85"), "invoice_only": -25, "superseded": 2}
    assert built.rows("select sum(accrued_usd) from marts.team_chargeback_monthly") == [(Decimal("0.34"),)]


def test_exports_that_come_again_in_other_parts(build, tmp_path):
    """An archive of one name with other files in it, or of exports of two days; parts that came again without the last;
    three parts, then two."""
    inbox = tmp_path / "inbox"

    def deliver(*files: tuple[str, str, str]) -> None:
        for name, org, amount in files:
            write(inbox / name, COSTS, [cost(day, amount) | {"organization_id": org} for day in (1, 2)])

    def archive(org: str = "zip", **members: str) -> None:
        deliver(*((f"{name}.csv", org, amount) for name, amount in members.items()))
        with zipfile.ZipFile(inbox / f"download_{org}.zip", "w") as target:
            for name in members:
                target.write(inbox / f"{name}.csv", f"{name}.csv")
                (inbox / f"{name}.csv").unlink()

    archive(same="1.00", gone="2.00")
    archive("two", **{"costs_2026-10-09": "3.00", "costs_2026-10-08": "1.00"})
    deliver(*((f"x/run-0000{part}.csv", "run", f"1{part}.00") for part in (1, 2, 3)))
    deliver(*((f"costs ({part} of 3).csv", "of", f"10{part}.00") for part in (1, 2, 3)))
    assert land.run(inbox, tmp_path / "data") == 0
    archive(same="1.00", new="4.00")
    deliver(*((f"x/run-0000{part}.csv", "run", f"2{part}.00") for part in (1, 2)))
    deliver(*((f"costs ({part} of 2).csv", "of", f"{part}50.00") for part in (1, 2)))
    built = build(inbox, company(tmp_path))
    assert built.code == 0, built.output
    sums = (
        "select account_id, sum(billed_usd) from marts.provider_bills_monthly where replaced_file is null group by all"
    )
    assert dict(built.rows(sums)) == {"zip": 10, "two": 6, "run": 112, "of": 800}
    assert built.rows("select source_file, unlisted_keys, billed_usd from marts.bill_overlaps_unsettled") == [
        ("x/run-00003.csv", "part -00003", 26), ("x/run-00003.csv", "part -00003", 26)
    ]  # fmt: skip


def test_accounts_by_whatever_name(build, tmp_path):
    """Azure's id with and without its path, a Google project that calls AWS, totals without a name, no category."""
    inbox = tmp_path / "inbox"
    azure = {"ProviderName": "Microsoft", "ServiceName": "Azure OpenAI", "BillingAccountId": "mca",
             "ConsumedUnit": "1K", "SubAccountId": "/subscriptions/64e355d7-997c-491d-b0c1-8414dccfcf42",
             "ConsumedQuantity": "1000", "SkuMeter": "gpt 4.1 mini Inp glbl Tokens"}  # fmt: skip
    write(inbox / "azure.csv", FOCUS, [focus(day, "0.40", **azure) for day in (1, 2, 3)])
    write(
        inbox / "aws.csv", FOCUS, [focus(day, "0.5", **BEDROCK, x_UsageType=OPUS.format("input")) for day in (1, 2, 3)]
    )
    write(inbox / "mistral.csv", FOCUS, [{**focus(day, "2", **MISTRAL), "ChargeCategory": ""} for day in (1, 2, 3)])
    page = [{"object": "bucket", "start_time": seconds(day), "end_time": seconds(day + 1), "results": [
        {"object": "organization.costs.result", "amount": {"value": "10.06", "currency": "usd"}, "line_item": None,
         "organization_id": "org-1"}]} for day in (1, 2)]  # fmt: skip
    (inbox / "costs.json").write_text(json.dumps({"object": "page", "data": page, "has_more": False}))
    (inbox / "spans.jsonl").write_text(
        traced(10, "azure", "gpt-4.1-mini", [2.5], (1_000_000, 0),
               cloud__account__id="64e355d7-997c-491d-b0c1-8414dccfcf42")
        + traced(11, "aws.bedrock", "global.anthropic.claude-opus-4-6-v1", [2.5], (100_000, 0),
                 cloud__account__id="my-gcp-project")
        + traced(12, "mistral", "mistral-large-latest", [2.5, 9.5], (1_000_000, 0))
    )  # fmt: skip
    built = build(inbox, company(tmp_path, negotiated_prices=PRICES + "mistral,acct,,,,0.5,,\n"))
    assert built.code == 0, built.output
    found = built.rows("select provider, basis, attributed_usd from marts.attributed_calls order by 1, 2")
    assert found == [("aws", "billed", Decimal("0.5")), ("azure", "billed", Decimal("0.4")),
                     ("mistral", "accrued", 1), ("mistral", "billed", 2)]  # fmt: skip
    # Half of the list price is the company's.
    priced = built.rows(
        "select list_usd, priced_usd from marts.attributed_calls where provider in ('mistral', 'azure')"
    )
    assert sorted(priced) == [(Decimal("0.4"), Decimal("0.4")), (2, 1), (2, 1)]
    # A day's total without a name is matched to calls: of OpenAI there are none.
    assert treated(built) == {"call": Decimal("28.82")}


def test_units_that_are_no_tokens(build, tmp_path):
    """Hours of throughput are the invoice's; a marketplace's unit is a million; an EC2 row consumes no AI purchase."""
    inbox = tmp_path / "inbox"
    hours = {**BEDROCK, "ConsumedUnit": "Hrs", "ConsumedQuantity": "24",
             "x_UsageType": "USE1-Claude4.6Opus-ProvisionedThroughput-1MonthCommit-ModelUnits"}  # fmt: skip
    market = {**BEDROCK, "ServiceName": "Claude Sonnet 4 (Amazon Bedrock Edition)", "ConsumedUnit": "Units",
              "ConsumedQuantity": "10", "x_UsageType": "MP:USE1_input_tokens_standard-Units",
              "ChargeDescription": "AWS Marketplace software usage|us-east-1|Million Input Tokens"}  # fmt: skip
    bought = {**BEDROCK, "ChargeCategory": "Purchase", "ChargeDescription": "Model units", "EffectiveCost": "0"}
    box = {**BEDROCK, "ServiceName": "Amazon Elastic Compute Cloud", "EffectiveCost": "1.00"}
    write(inbox / "aws.csv", FOCUS, [*(focus(day, "950.40", **hours) for day in (1, 2, 3)),
                                     *(focus(day, "30", **market) for day in (1, 2, 3)),
                                     focus(1, "3650", days=365, **bought), focus(2, "0", **box)])  # fmt: skip
    (inbox / "spans.jsonl").write_text(
        traced(10, "aws.bedrock", "anthropic.claude-sonnet-4-20250514-v1:0", [1.5, 2.5], (1_000_000, 0))
        + traced(11, "aws.bedrock", "anthropic.claude-opus-4-6-v1", [2.5], (50, 0))
    )
    built = build(inbox, company(tmp_path))
    assert built.code == 0, built.output
    assert built.rows("select attributed_usd from marts.attributed_calls order by 1") == [(0,), (3,), (3,)]
    october = "posted_month = '2026-10-01' and feature_id = 'invoice_only' and account = 'ai_cost'"
    assert built.rows(f"select sum(amount_usd) from marts.ledger_entries where {october}") == [
        (Decimal("950.40") * 3 + 10 * 31,)
    ]


def test_two_organisations_and_a_project_of_one(build, tmp_path):
    """An empty bucket names no organisation, nor does usage; FOCUS bills one organisation again, by project."""
    inbox = tmp_path / "inbox"
    for name, amount, days in (("org-a", "0.15", (1, 2, 3, 4)), ("org-b", "0.30", (1, 2, 4))):
        rows = [{**cost(day, amount, quantity="1000000"), "organization_id": name} for day in days]
        write(inbox / f"{name}.csv", COSTS, [*rows, *([bucket(3)] if name == "org-b" else [])])
    write(inbox / "usage.csv", USAGE, [bucket(day, model="gpt-4o-mini", input_tokens="1000000") for day in (1, 2, 4)])
    again = {"ProviderName": "OpenAI", "ServiceName": "OpenAI API", "BillingAccountId": "org-a",
             "SubAccountId": "proj_1", "SkuMeter": "gpt-4o-mini input Tokens", "ConsumedQuantity": "1000000",
             "ConsumedUnit": "Tokens"}  # fmt: skip
    write(inbox / "focus.csv", FOCUS, [focus(day, "0.15", **again) for day in (1, 2, 3, 4)])
    (inbox / "spans.jsonl").write_text(calls("openai", "gpt-4o-mini", [1.5, 2.5, 3.5], (1_000_000, 0)))
    built = build(inbox, company(tmp_path))
    assert built.code == 0, built.output
    assert treated(built) == {"call": Decimal("1.50"), "superseded": Decimal("0.60")}
    assert built.rows("select count(*) filter (where basis = 'billed') from marts.attributed_calls") == [(3,)]
    assert built.rows("select sum(accrued_usd) from marts.team_chargeback_monthly") == [(0,)]


def test_the_newest_day_accrues_what_is_counted(build, tmp_path):
    """Costs of the 1st, and an empty bucket of the 2nd; usage counts four times what was traced on both days."""
    inbox = tmp_path / "inbox"
    write(inbox / "costs.csv", COSTS, [cost(1, "0.60"), {**bucket(2), "organization_id": "org"}])
    write(inbox / "usage.csv", USAGE, [bucket(day, model="gpt-4o-mini", input_tokens="4000000") for day in (1, 2)])
    (inbox / "spans.jsonl").write_text(calls("openai", "gpt-4o-mini", [1.5, 2.5], (1_000_000, 0)))
    built = build(inbox, company(tmp_path))
    assert built.code == 0, built.output
    money = built.rows("select sum(billed_usd), sum(accrued_usd) from marts.team_chargeback_monthly")
    assert money == [(Decimal("0.60"), Decimal("0.60"))]


def test_invoices_of_payers_and_notes(build, tmp_path):
    """An invoice on the payer's account, one by the legal name, two credit notes, two invoices of one month."""
    inbox = tmp_path / "inbox"
    write(inbox / "aws.csv", FOCUS, [focus(day, "0.5", **BEDROCK, x_UsageType=OPUS.format("input")) for day in (1, 2)])
    credit = {**MISTRAL, "ChargeCategory": "Credit", "SkuMeter": "", "ChargeDescription": "Goodwill"}
    write(inbox / "mistral.csv", FOCUS, [focus(1, "8", **MISTRAL), focus(2, "-4", **credit)])
    write(inbox / "costs.csv", COSTS, [cost(day, "0.30") for day in (1, 2)])
    write(inbox / "invoices.csv", INVOICES, [
        invoice("A", "Amazon Web Services", "999", "1.00"), invoice("M", "mistral", "acct", "8.00"),
        invoice("M-1", "mistral", "acct", "-1.00", "M"), invoice("M-3", "mistral", "acct", "-3.00", "M"),
        invoice("O-1", "OpenAI LLC", "org", "0.20"), invoice("O-2", "OpenAI LLC", "org", "0.40"),
    ])  # fmt: skip
    built = build(inbox, company(tmp_path))
    assert built.code == 0, built.output
    found = built.rows("select invoice_id, charges_usd, credit_usd, unexplained_usd from marts.invoice_tie_out_monthly")
    assert sorted(found) == [("A", 1, 0, 0), ("M", 8, 0, 0), ("M-1", 0, -1, 0), ("M-3", 0, -3, 0),
                             ("O-1", Decimal("0.2"), 0, 0), ("O-2", Decimal("0.4"), 0, 0)]  # fmt: skip


def test_rates_and_discounts_that_cannot_be(build, tmp_path):
    inbox = tmp_path / "inbox"
    write(inbox / "invoices.csv", INVOICES, [invoice("G-1", "google", "", "2.00", currency="EUR")])
    built = build(inbox, company(tmp_path, negotiated_prices=PRICES + "cohere,,,,,15,,\n"))
    assert built.code == 1
    assert "discounts_are_fractions" in built.output
    assert "discount_pct=15" in built.output
    (tmp_path / "other").mkdir()
    built = build(inbox, company(tmp_path / "other"))
    assert built.code == 1
    assert "currency=EUR, source_file=invoice G-1" in built.output
