"""Bills of vendors without a cloud's export: charges that the company writes down, and vendors' usage reports."""

import csv
import io
import json
from datetime import date, datetime
from decimal import Decimal

import pytest
from conftest import PROJECT as PROJECT_FOLDER
from exports import calls, company, treated, write
from test_bill_files import BAD, FILES, landed

import land
from landing.recognise import recognise

CHARGES = "provider,account_id,period_start,period_end,model,service,meter,quantity,amount,currency,api_key,description"
CURSOR = (
    "Date,User,Cloud Agent ID,Automation ID,Kind,Model,Max Mode,Input (w/ Cache Write),Input (w/o Cache Write),"
    "Cache Read,Output Tokens,Total Tokens,Cost"
)
PREMIUM = (
    "date,username,product,sku,model,quantity,unit_type,applied_cost_per_quantity,gross_amount,discount_amount,"
    "net_amount,exceeds_quota,total_monthly_quota,organization,cost_center_name,aic_quantity,aic_gross_amount"
)
PREMIUM_BEFORE = "Timestamp,User,Model,Requests Used,Exceeds Monthly Quota,Total Monthly Quota"
GITHUB = (
    "date,product,sku,quantity,unit_type,applied_cost_per_quantity,gross_amount,discount_amount,net_amount,username,"
    "organization,repository,workflow_path,cost_center_name"
)
METERED = "Date,Product,SKU,Quantity,Unit Type,Price Per Unit ($),Multiplier,Owner,Repository Slug,Username,Notes"
DATABRICKS = (
    "record_id,account_id,workspace_id,sku_name,cloud,usage_start_time,usage_end_time,usage_date,custom_tags,"
    "usage_unit,usage_quantity,usage_metadata,record_type,billing_origin_product"
)
CORTEX = "START_TIME,END_TIME,FUNCTION_NAME,MODEL_NAME,WAREHOUSE_ID,TOKENS,TOKEN_CREDITS"
METERING = "SERVICE_TYPE,USAGE_DATE,CREDITS_USED_COMPUTE,CREDITS_USED_CLOUD_SERVICES,CREDITS_USED,CREDITS_BILLED"
IN_CURRENCY = (
    "ORGANIZATION_NAME,ACCOUNT_LOCATOR,USAGE_DATE,USAGE_TYPE,CURRENCY,USAGE,USAGE_IN_CURRENCY,BILLING_TYPE,SERVICE_TYPE"
)
PRICES = "provider,account_id,model,meter,unit_price_usd,discount_pct,valid_from,valid_to\n"
WHAT = "file_kind, start_time, end_time, account_id, model, service, meter, quantity, amount"
OCTOBER = datetime(2026, 10, 1)


def table_of(header: str, *rows: dict) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, next(csv.reader([header])), restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def charge(amount, begin: str = "2026-10-01", end: str = "2026-10-31", **values) -> dict:
    return {"provider": "Pinecone", "period_start": begin, "period_end": end, "amount": amount, **values}


def event(kind: str, cost: str, at: str = "2026-10-05T18:43:05.586Z", **values) -> dict:
    tokens = {"Input (w/ Cache Write)": "300", "Input (w/o Cache Write)": "20", "Cache Read": "5", "Output Tokens": "1"}
    return {"Date": at, "User": "ann@acme.example", "Kind": kind, "Model": "auto", "Max Mode": "No", "Cost": cost,
            "Total Tokens": "326", **tokens, **values}  # fmt: skip


def dbus(product: str, quantity: str, **values) -> dict:
    return {
        "account_id": "acc", "workspace_id": "42", "sku_name": f"PREMIUM_{product}", "usage_unit": "DBU",
        "usage_start_time": "2026-10-01T10:00:00.000+00:00", "usage_end_time": "2026-10-01T11:00:00.000+00:00",
        "usage_date": "2026-10-01", "usage_quantity": quantity, "record_type": "ORIGINAL",
        "billing_origin_product": product, "usage_metadata": json.dumps({"job_id": None, "endpoint_name": "chat-prod"}),
        **values,
    }  # fmt: skip


HOUR = {"START_TIME": "2026-10-01 10:00:00.000 -0700", "END_TIME": "2026-10-01 11:00:00.000 -0700"}
CREDITS = {**HOUR, "FUNCTION_NAME": "COMPLETE", "MODEL_NAME": "llama3.1-70b", "WAREHOUSE_ID": "7", "TOKENS": "1000",
           "TOKEN_CREDITS": "0.001210000"}  # fmt: skip
LANDED = {
    "charges": (
        table_of(CHARGES, charge("1,310.50", meter="read units", quantity="12,000", service="vectors")),
        [(None, OCTOBER, datetime(2026, 10, 31), None, None, "vectors", "read units", "12000", "1310.50")],
    ),
    "charges in capitals, with an invoice": (
        table_of(
            "Invoice_ID," + CHARGES.upper(), {"Invoice_ID": "I-1", **{k.upper(): v for k, v in charge("(5)").items()}}
        ),
        [(None, OCTOBER, datetime(2026, 10, 31), None, None, None, None, None, "-5")],
    ),
    "cursor": (
        table_of(
            CURSOR, event("Included", "Included"), event("On-Demand", "$0.04"), event("Included in Pro", "0.12"),
            event("Errored, No Charge", "-"), event("Usage-based", "-"), event("Free", "Free"),
        ),
        [("cursor_usage", *[datetime(2026, 10, 5, 18, 43, 5, 586000)] * 2, "usage events", "auto", "cursor", "tokens",
          "326", amount) for amount in ("0", "0", "0", "0", "0.04", None)],
    ),
    "cursor, without users and totals": (
        "Date,Kind,Model,Max Mode,Input (w/ Cache Write),Input (w/o Cache Write),Cache Read,Output Tokens,Cost ($)\n"
        '2026-10-05,On-Demand,auto,No,"1,000",20,5,1,0.5\n',
        [("cursor_usage", datetime(2026, 10, 5), datetime(2026, 10, 6), "usage events", "auto", "cursor", "tokens",
          "1026", "0.5")],
    ),
    "premium requests": (
        table_of(PREMIUM, {
            "date": "2026-10-01", "username": "ann", "product": "copilot", "sku": "copilot_premium_request",
            "model": "Claude Sonnet 4", "quantity": "3.6", "unit_type": "requests", "gross_amount": "0.144",
            "discount_amount": "0.1", "net_amount": "0.044", "organization": "acme", "cost_center_name": "CC-1",
        }),
        [("copilot_usage", OCTOBER, datetime(2026, 10, 2), "acme", "Claude Sonnet 4", "github copilot", "requests",
          "3.6", "0.044")],
    ),
    "premium requests, before money": (
        table_of(
            PREMIUM_BEFORE,
            *({"Timestamp": "2026-10-01T10:11:12Z", "User": "ann", "Model": "gpt-5", "Requests Used": "1.5",
               "Exceeds Monthly Quota": is_beyond, "Total Monthly Quota": "300"} for is_beyond in ("FALSE", "TRUE")),
        ),
        [("copilot_usage", *[datetime(2026, 10, 1, 10, 11, 12)] * 2, None, "gpt-5", "github copilot", "requests",
          "1.5", amount) for amount in ("0", None)],
    ),
    "github, all products": (
        table_of(GITHUB, {
            "date": "2026-10-01", "product": "actions", "sku": "actions_linux", "quantity": "10",
            "unit_type": "minutes", "net_amount": "0.08", "gross_amount": "0.08", "organization": "acme",
        }),
        [("github_usage", OCTOBER, datetime(2026, 10, 2), "acme", None, "github actions", "minutes", "10", "0.08")],
    ),
    "github, before 2025": (
        table_of(METERED, {
            "Date": "2026-10-01", "Product": "Copilot", "SKU": "Copilot Business", "Quantity": "0.5",
            "Unit Type": "User-month", "Price Per Unit ($)": "$19.0", "Multiplier": "1.0", "Owner": "acme",
        }),
        [("github_usage", OCTOBER, datetime(2026, 10, 2), "acme", None, "github copilot", "User-month", "0.5", "9.5")],
    ),
    "databricks without a price": (
        table_of(DATABRICKS, dbus("MODEL_SERVING", "259.2958")),
        [("databricks_usage", datetime(2026, 10, 1, 10), datetime(2026, 10, 1, 11), "acc", "chat-prod",
          "databricks model_serving", "dbu", "259.2958", None)],
    ),
    "databricks, with a price, records": (
        json.dumps([
            {**dbus("JOBS", "0.123456789012345678"), "list_price": "0.15", "usage_metadata": {"job_id": "1"}},
            {**dbus("MODEL_SERVING", "-2", record_type="RETRACTION"), "pricing": {"default": "0.07"}},
            {**dbus("VECTOR_SEARCH", "2"), "list_price": "0.15", "list_cost": "0.25"},
        ]),
        [("databricks_usage", datetime(2026, 10, 1, 10), datetime(2026, 10, 1, 11), "acc", *row) for row in (
            (None, "databricks jobs", "dbu", "0.123456789012345678", "0.018518518351851852"),
            ("chat-prod", "databricks model_serving", "dbu", "-2", "-0.14"),
            (None, "databricks vector_search", "dbu", "2", "0.25"),
        )],
    ),
    "snowflake, cortex": (
        table_of(CORTEX, CREDITS),
        [("snowflake_cortex", datetime(2026, 10, 1, 17), datetime(2026, 10, 1, 18), None, "llama3.1-70b",
          "snowflake cortex complete", "credits", "0.00121", None)],
    ),
    "snowflake, metering": (
        table_of(METERING, {"SERVICE_TYPE": "AI_SERVICES", "USAGE_DATE": "2026-10-01", "CREDITS_USED": "4",
                            "CREDITS_BILLED": "3.5"}),
        [("snowflake_metering", OCTOBER, datetime(2026, 10, 2), None, None, "snowflake ai_services", "credits", "3.5",
          None)],
    ),
    "snowflake, in currency": (
        table_of(IN_CURRENCY, {"ACCOUNT_LOCATOR": "AB1", "USAGE_DATE": "2026-10-01", "USAGE_TYPE": "ai services",
                               "CURRENCY": "USD", "USAGE": "3.5", "USAGE_IN_CURRENCY": "10.50",
                               "SERVICE_TYPE": "AI_SERVICES"}),
        [("snowflake_currency", OCTOBER, datetime(2026, 10, 2), "AB1", None, "snowflake ai_services", "ai services",
          "3.5", "10.50")],
    ),
}  # fmt: skip
REFUSED = {
    "charge without an end": (table_of(CHARGES, charge("1", end="")), "end_time is blank", "period_end is blank"),
    "charge that ends before it begins": (table_of(CHARGES, charge("1", end="2026-09-01")), "", "period_end is before"),
    "charge of nothing": (table_of(CHARGES, charge("")), "", "neither an amount nor a quantity"),
    "charge in words": (table_of(CHARGES, charge("ten")), "", "amount: text of 3 characters"),
    "price in words": (
        json.dumps([{**dbus("JOBS", "1"), "list_price": "cheap"}]), "", "amount: text of 5 characters"
    ),
    "credits in words": (table_of(CORTEX, {**CREDITS, "TOKEN_CREDITS": "few"}), "", "quantity: text of 3 characters"),
    "cost in words": (table_of(CURSOR, event("On-Demand", "a lot")), "", "amount: text of 5 characters"),
    "queries without a time": (
        "QUERY_ID,WAREHOUSE_ID,FUNCTION_NAME,MODEL_NAME,TOKENS,TOKEN_CREDITS\nq,7,COMPLETE,m,1,2\n", "",
        "start_time is blank",
    ),
}  # fmt: skip


@pytest.fixture
def inbox(tmp_path):
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("name", LANDED)
def test_report_lands(inbox, tmp_path, name):
    """Quantities are exact, and what states no money has none: it is not free."""
    text, expected = LANDED[name]
    (inbox / "one").write_text(text)
    assert land.run(inbox, tmp_path / "data") == 0
    assert landed(tmp_path, "rejects", "reason") == []
    exact = [(*row[:-2], *(None if number is None else Decimal(number) for number in row[-2:])) for row in expected]
    assert landed(tmp_path, "charges", WHAT) == sorted(exact, key=str)
    assert landed(tmp_path, "files", "kind, rows_read") == [("charges", len(expected))]


@pytest.mark.parametrize("name", REFUSED)
def test_row_that_cannot_be_is_named(inbox, tmp_path, name):
    (inbox / "one").write_text(REFUSED[name][0])
    assert land.run(inbox, tmp_path / "data") == 1  # the share of a bill's rejects is asked from the first line on
    [(reason,)] = landed(tmp_path, "rejects", "reason")
    assert reason.startswith(REFUSED[name][2])


def test_no_other_kind_passes_for_a_vendors_report(tmp_path):
    """Every header of another kind, and each of ours with a column more, is still itself."""
    path = tmp_path / "file"
    for table, text, *_ in [*FILES.values(), *BAD.values()]:
        path.write_text(text)
        assert recognise(path).table == table
    for name, (text, _) in LANDED.items():
        if not text.startswith("["):
            lines = text.splitlines()
            path.write_text("\n".join([f"Note,{lines[0]}", *(f"x,{line}" for line in lines[1:])]))
            assert recognise(path).table == "charges", name


def test_users_can_land_as_keyed_hashes(inbox, tmp_path, monkeypatch):
    monkeypatch.setattr(land, "project_variables", lambda: {**PROJECT, "hash_identities": True})
    (inbox / "cursor.csv").write_text(table_of(CURSOR, event("On-Demand", "1")))
    assert land.run(inbox, tmp_path / "data") == 0
    [(user,)] = landed(tmp_path, "charges", "user_id")
    assert len(user) == 32
    assert "@" not in user


PROJECT = land.project_variables()


def test_charges_cover_their_period_and_meet_their_calls(build, tmp_path):
    """A month of a vector database by day; a re-ranker's tokens meet its calls; charge_rules name a search API's."""
    inbox = tmp_path / "inbox"
    write(
        inbox / "charges.csv",
        CHARGES,
        [
            charge("310.00", account_id="acme", service="vector database", meter="read units", quantity="12000000"),
            charge("3.00", "2026-10-01", "2026-10-01", provider="Cohere", model="rerank-v3.5", meter="input",
                   service="rerank", quantity="3000000", api_key="k1"),
            charge("9.00", "2026-10-01", "2026-11-01", provider="Tavily", service="search"),
            charge("0.60", "2026-10-02", "2026-10-02", provider="openai", service="fine-tuning", model="",
                   description="training of support-v2"),
        ],
    )  # fmt: skip
    (inbox / "spans.jsonl").write_text(calls("cohere", "rerank-v3.5", [1.5], (1_000_000, 0)))
    rules = "priority,provider,service_name,sku,description,treatment,model,meter\n10,tavily,search,,,shared,,\n"
    built = build(inbox, company(tmp_path, charge_rules=rules))
    assert built.code == 0, built.output
    assert treated(built) == {"invoice_only": Decimal("310.60"), "call": Decimal(3), "shared": Decimal(9)}
    day = "select usage_on, provider, sum(billed_usd) from marts.invoice_reconciliation_daily"
    assert built.rows(f"{day} where usage_on = '2026-10-31' group by all order by all") == [
        (date(2026, 10, 31), "pinecone", Decimal(10)),
        (date(2026, 10, 31), "tavily", Decimal("0.290322580645")),
    ]
    assert built.rows("select sum(billed_usd), max(usage_on) from marts.invoice_reconciliation_daily") == [
        (Decimal("322.60"), date(2026, 10, 31))
    ]
    assert built.rows(
        "select model, meter, billed_quantity, traced_quantity, attributed_usd, untraced_usd"
        " from marts.invoice_reconciliation_daily where provider = 'cohere'"
    ) == [("rerank-v3.5", "input", 3_000_000, 1_000_000, Decimal(1), Decimal(2))]


def test_the_worked_example_costs_what_it_says(build, tmp_path):
    """docs/charges.md, with the rule and the call that it speaks of."""
    text = (PROJECT_FOLDER / "docs" / "charges.md").read_text().partition("```csv\n")[2].partition("```")[0]
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (inbox / "charges.csv").write_text(text)
    (inbox / "spans.jsonl").write_text(calls("cohere", "rerank-v3.5", [1.5], (1_000_000, 0)))
    rules = (
        "priority,provider,service_name,sku,description,treatment,model,meter\n10,pinecone,vector database,,,shared,,\n"
    )
    built = build(inbox, company(tmp_path, charge_rules=rules))
    assert built.code == 0, built.output
    assert treated(built) == {"shared": Decimal(310), "invoice_only": Decimal(107), "call": Decimal(4)}
    query = "select provider, max(billed_usd), count(distinct usage_on), sum(attributed_usd), sum(untraced_usd)"
    assert built.rows(f"{query} from marts.invoice_reconciliation_daily group by all order by all") == [
        ("cohere", 3, 2, 1, 3), ("fireworks", 15, 3, 0, 0), ("pinecone", 10, 31, 0, 0), ("tavily", 2, 31, 0, 0),
    ]  # fmt: skip


def test_periods_end_as_people_write_them(build, tmp_path):
    """Days that each end where the next begins; the last day of a month, and the first of the next, end one month."""
    inbox = tmp_path / "inbox"
    days = [charge("1.00", f"2026-10-0{day}", f"2026-10-0{day + 1}", service="search") for day in (1, 2, 3)]
    write(inbox / "days.csv", CHARGES, days)
    write(inbox / "months.csv", CHARGES,
          [charge("31.00", "10/1/2026", end, provider=provider, service="search") for provider, end in
           (("exa", "2026-10-31"), ("tavily", "2026-11-01"), ("you", "2026-10-31T12:00:00Z"))])  # fmt: skip
    write(
        inbox / "weeks.csv", CHARGES, [charge("7.00", "2026-10-05", "2026-10-11", provider="brave", service="search")]
    )
    built = build(inbox, company(tmp_path))
    assert built.code == 0, built.output
    days = "select provider, min(usage_on), max(usage_on), max(billed_usd), sum(billed_usd)"
    assert built.rows(f"{days} from marts.invoice_reconciliation_daily group by all order by all") == [
        ("brave", date(2026, 10, 5), date(2026, 10, 11), 1, 7),
        ("exa", date(2026, 10, 1), date(2026, 10, 31), 1, 31),
        ("pinecone", date(2026, 10, 1), date(2026, 10, 3), 1, 3),
        ("tavily", date(2026, 10, 1), date(2026, 10, 31), 1, 31),
        ("you", date(2026, 10, 1), date(2026, 10, 31), 1, 31),
    ]


def test_credits_cost_what_was_agreed_or_are_named(build, tmp_path):
    """Snowflake's credits have an agreed price, Databricks' DBUs none: the build says so, and nothing costs 0."""
    inbox = tmp_path / "inbox"
    write(inbox / "cortex.csv", CORTEX, [{**CREDITS, "TOKENS": "3000"}])
    write(inbox / "dbx.csv", DATABRICKS, [dbus("MODEL_SERVING", "259.2958"), dbus("JOBS", "7")])
    (inbox / "spans.jsonl").write_text(calls("snowflake", "llama3.1-70b", [1.73], (1000, 0)))
    built = build(inbox, company(tmp_path, negotiated_prices=PRICES + "snowflake,,,credits,3.00,,2026-01-01,\n"))
    assert built.code == 0, built.output
    assert treated(built) == {"call": Decimal("0.00363")}
    assert built.rows(
        "select provider, model, billed_quantity, traced_quantity, attributed_usd, untraced_usd"
        " from marts.invoice_reconciliation_daily"
    ) == [("snowflake", "llama3.1-70b", 3000, 1000, Decimal("0.00121"), Decimal("0.00242"))]
    [named] = [line for line in built.output.splitlines() if "databricks" in line and "dbu" in line]
    assert "quantity=259.295800" in named
    assert "negotiated_prices" in named
    assert "jobs" not in built.output


def test_reports_of_one_vendor_are_one_bill(build, tmp_path):
    """GitHub's report of all products holds the premium requests; Cursor's events don't hold the seats."""
    inbox = tmp_path / "inbox"
    used = {"date": "2026-10-01", "organization": "acme", "quantity": "3", "unit_type": "requests", "username": "ann"}
    premium = {**used, "product": "copilot", "sku": "copilot_premium_request", "net_amount": "0.12"}
    write(inbox / "premium.csv", PREMIUM, [{**premium, "model": "GPT-5", "total_monthly_quota": "300"}])
    seats = {
        **used,
        "product": "copilot",
        "sku": "copilot_for_business",
        "net_amount": "0.61",
        "unit_type": "user-months",
    }
    actions = {**used, "product": "actions", "sku": "actions_linux", "net_amount": "9.00", "unit_type": "minutes"}
    write(inbox / "github.csv", GITHUB, [premium, seats, actions])
    write(inbox / "cursor.csv", CURSOR, [event("On-Demand", "$0.04"), event("Included", "0.30")])
    write(inbox / "charges.csv", CHARGES, [
        charge("40.00", provider="Cursor", account_id="seats", service="seats"),
        charge("0.04", "2026-10-05", "2026-10-05", provider="Cursor", account_id="usage events", service="on-demand"),
    ])  # fmt: skip
    keys = "provider,account_id,api_key,owner_team_id,feature_id,valid_from,valid_to\n"
    keys += "cursor,usage events,ann@acme.example,web,,,\n"
    built = build(inbox, company(tmp_path, api_keys=keys, teams="team_id,name,cost_center\nweb,Web,1\n"))
    assert built.code == 0, built.output
    bills = "select provider, file_kind, treatment, sum(billed_usd) from marts.provider_bills_monthly group by all"
    assert built.rows(f"{bills} order by all") == [
        ("cursor", "charges", "invoice_only", Decimal(40)),
        ("cursor", "charges", "superseded", Decimal("0.04")),
        ("cursor", "cursor_usage", "call", Decimal("0.04")),
        ("github", "copilot_usage", "superseded", Decimal("0.12")),
        ("github", "github_usage", "invoice_only", Decimal("0.73")),
        ("github", "github_usage", "out_of_scope", Decimal(9)),
    ]
    assert built.rows("select sum(paid_usd) from marts.team_chargeback_monthly where team_id = 'web'") == [
        (Decimal("0.04"),)
    ]


def test_charges_sent_again_replace_what_they_said(build, tmp_path):
    inbox = tmp_path / "inbox"
    write(inbox / "charges_2026-11-02.csv", CHARGES, [charge("310.00", service="vectors")])
    write(inbox / "charges_2026-11-05.csv", CHARGES, [charge("299.00", service="vectors")])
    built = build(inbox, company(tmp_path))
    assert built.code == 0, built.output
    assert treated(built) == {"invoice_only": Decimal(299), "superseded": Decimal(310)}
