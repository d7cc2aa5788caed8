"""What is on the bill: a gateway's own account is evidence, what is AI is in scope, and a day is the provider's."""

import json
from datetime import datetime, timedelta
from decimal import Decimal

import duckdb
from conftest import run_build
from exports import COSTS, FOCUS, calls, company, cost, focus, treated, write

import land

CATEGORIES = FOCUS.replace("x_UsageType", "ServiceCategory,ServiceSubcategory,PricingCurrency,x_UsageType")
AI = "AI and Machine Learning"
RULES = "priority,provider,service_name,sku,description,treatment,model,meter\n"
ROUTED = FOCUS.replace("x_UsageType", "BillingAccountType,InvoiceIssuerName,ResourceId,Tags")


def routed(day: int, billed: str, provider: str, model: str, key: str, **values) -> dict:
    """A row as LiteLLM's exporter writes it: a day of one key, model and team, at the gateway's own prices."""
    named = dict.fromkeys(("ProviderName", "PublisherName", "InvoiceIssuerName"), provider)
    line = focus(day, billed, **named, ConsumedQuantity="1.000000", ConsumedUnit="Requests", PricingUnit="Requests")
    line |= {"BillingAccountId": key, "BillingAccountType": "API Key", "ChargeDescription": model, "ResourceId": model}
    line |= {"BillingPeriodStart": line["ChargePeriodStart"], "BillingPeriodEnd": line["ChargePeriodEnd"]}
    tags = {"team_id": "t1", "model": model, "custom_llm_provider": provider}
    return line | {"SubAccountId": "t1", "ServiceName": model, "Tags": json.dumps(tags)} | values


def test_focus_of_a_gateway_is_no_bill(build, tmp_path):
    """Beside a provider's costs, beside a cloud's FOCUS, and of a provider that nobody else bills."""
    inbox = tmp_path / "inbox"
    write(inbox / "costs.csv", COSTS, [cost(1, "2.50"), cost(2, "0.50")])
    cloud = {"ProviderName": "AWS", "ServiceName": "Amazon Bedrock", "SkuMeter": "Claude4.6Opus-input-token-count"}
    write(inbox / "gateway.csv", ROUTED, [
        *(routed(day, "1.75", "openai", "gpt-4o-mini", "hash1") for day in (1, 2, 3)),
        routed(1, "0.30", "openai", "gpt-4o-mini", "hash2", Tags="{}"),
        routed(1, "6.00", "bedrock", "claude-opus-4-6", "hash2"), routed(2, "0.80", "groq", "llama-3.3-70b", "hash1"),
    ])  # fmt: skip
    write(inbox / "aws.csv", ROUTED.replace("SkuMeter", "SkuMeter,x_UsageType"), [
        focus(1, "4.25", **cloud), focus(2, "0.25", **cloud, Tags='{"custom_llm_provider": "bedrock"}'),
    ])  # fmt: skip
    built = build(inbox, company(tmp_path))
    assert built.code == 0, built.output
    assert treated(built) == {"call": Decimal("7.50"), "gateway": Decimal("12.35")}
    kept = built.rows(
        "select provider, account_id, file_kind, billed_usd from marts.provider_bills_monthly order by all"
    )
    assert kept == [
        ("aws", "acct", "focus", Decimal("4.50")),
        ("aws", "acct", "litellm_focus", 6),
        ("groq", "default", "litellm_focus", Decimal("0.80")),
        ("openai", "org", "litellm_focus", Decimal("5.55")),
        ("openai", "org", "openai_costs", 3),
    ]


def vendor(name: str, service: str, category: str | None, subcategory: str | None, unit: str, **values) -> dict:
    said = {"ProviderName": name, "ServiceName": service, "ServiceCategory": category or "", "ConsumedUnit": unit}
    return said | {"ServiceSubcategory": subcategory or "", "ConsumedQuantity": "1000"} | values


def test_focus_says_itself_what_is_ai(build, tmp_path):
    """Vendors that nobody knows: by category, by tokens as unit or meter; not by a sign-in's or a currency's."""
    inbox = tmp_path / "inbox"
    write(inbox / "focus.csv", CATEGORIES, [
        focus(1, "1.00", **vendor("Cumulus", "Model API", AI, "Generative AI", "Tokens", SkuMeter="Input Tokens")),
        focus(1, "2.00", **vendor("Cumulus", "Pictures", AI, "Generative AI", "Images", SkuMeter="1024x1024")),
        focus(1, "4.00", **vendor("Cumulus", "Seats", AI, "Generative AI", "", ChargeCategory="Purchase")),
        focus(1, "8.00", **vendor("Stratus", "SQL", "Analytics", None, "1K Tokens", SkuMeter="Completion Tokens")),
        focus(1, "16.00", **vendor("Stratus", "Endpoint", None, None, "Units", SkuMeter="prompt_tokens")),
        focus(1, "32.00", **vendor("Stratus", "Pool", "Compute", None, "Hours", SkuMeter="a100")),
        focus(1, "64.00", **vendor("Cirrus", "Sign-in", "Identity", None, "Tokens", SkuMeter="M2M Tokens")),
        focus(1, "128.00", **vendor("Cirrus", "Forecasts", AI, "Machine Learning", "Hours")),
        focus(1, "256.00", **vendor("Cirrus", "Credits", None, None, "Token", PricingCurrency="TOKENS")),
        focus(1, "512.00", **vendor("Cirrus", "Llama hosting", "Compute", None, "Hours")),
    ])  # fmt: skip
    built = build(inbox, company(tmp_path))
    assert built.code == 0, built.output
    assert treated(built) == {"call": 25, "invoice_only": 6, "out_of_scope": 992}
    warnings = [line for line in built.output.splitlines() if "WARNING: " in line]
    assert [line.split(" USD")[0].split("WARNING: ")[1] for line in warnings] == [
        "cirrus, Llama hosting: 512.000000", "cirrus, Credits: 256.000000", "cirrus, Forecasts: 128.000000",
        "cirrus, Sign-in: 64.000000",
    ]  # fmt: skip
    assert all("focus.csv" in line and "charge_rules" in line for line in warnings)


def test_a_rule_settles_what_looks_like_ai(build, tmp_path):
    inbox = tmp_path / "inbox"
    write(inbox / "focus.csv", CATEGORIES, [
        focus(1, "128.00", **vendor("Cirrus", "Forecasts", AI, "Machine Learning", "Hours")),
        focus(1, "512.00", **vendor("Cirrus", "Llama hosting", "Compute", None, "Hours")),
    ])  # fmt: skip
    rules = RULES + "1,cirrus,Forecasts,,,out_of_scope,,\n2,cirrus,Llama%,,,shared,,\n"
    built = build(inbox, company(tmp_path, charge_rules=rules))
    assert built.code == 0, built.output
    assert treated(built) == {"out_of_scope": 128, "shared": 512}
    assert "WARNING" not in built.output


BEDROCK = {"ProviderName": "AWS", "ServiceName": "Amazon Bedrock", "SubAccountId": "one",
           "SkuMeter": "Claude4.6Opus-input-token-count"}  # fmt: skip
EC2 = {"ProviderName": "AWS", "ServiceName": "Amazon Elastic Compute Cloud", "SubAccountId": "one"}
TAX = {"ProviderName": "AWS", "ServiceName": "Tax", "ChargeCategory": "Tax"}


def test_tax_and_credits_follow_what_they_are_on(build, tmp_path):
    """By invoice, by account where it names one, by month without an invoice, by its service; 30 of 90 is a third."""
    inbox = tmp_path / "inbox"
    two = {"SubAccountId": "two"}
    write(inbox / "focus.csv", FOCUS, [
        focus(1, "30", **BEDROCK, InvoiceId="I1"), focus(1, "70", **EC2, InvoiceId="I1"),
        focus(2, "-10", **EC2, ChargeCategory="Credit", InvoiceId="I1"),
        focus(3, "1.00", **TAX, InvoiceId="I1"),  # a third
        focus(3, "0.10", **TAX, **two, InvoiceId="I2"), focus(3, "5", **EC2 | two, InvoiceId="I2"),  # none
        focus(4, "8", **BEDROCK | two, InvoiceId="I3"), focus(4, "0.50", **TAX, **two, InvoiceId="I3"),  # all
        focus(5, "-0.20", **TAX | {"ChargeCategory": "Credit", "ServiceName": ""}, InvoiceId="I3"),  # all
        focus(6, "0.7", **{**EC2, "ChargeCategory": "Tax"}, InvoiceId="I1"),  # on its service: none
    ])  # fmt: skip
    alone = {"ProviderName": "Cumulus", "BillingAccountId": "c", "ChargeCategory": "Tax", "ServiceName": "VAT"}
    write(inbox / "alone.csv", FOCUS, [focus(7, "3.30", **alone)])
    built = build(inbox, company(tmp_path))
    assert built.code == 0, built.output
    third = Decimal("0.333333333333")
    assert treated(built) == {
        "call": 38, "invoice_only": third + Decimal("0.30"),
        "out_of_scope": 65 + 1 - third + Decimal("0.10") + Decimal("0.7") + Decimal("3.30"),
    }  # fmt: skip
    assert built.rows("select sum(lines) from marts.provider_bills_monthly") == [(11,)]
    (warning,) = [line for line in built.output.splitlines() if "WARNING: " in line]
    assert "cumulus, VAT: 3.300000 USD (1 lines of alone.csv)" in warning
    assert "nothing says whether it is on AI" in warning


def test_what_litellm_logs_beside_requests(tmp_path):
    """Reads of what is stored repeat its tokens; a poll of a background response, or a batch, states its own."""
    poll = json.dumps({"internal_call_origin": "background_response_cost_poll"})
    cases = {
        ("aresponses", 5): "chat", ("aembedding", 5): "embeddings", ("acompletion", 0): "chat",
        ("_arealtime", 0): "chat", ("allm_passthrough_route", 5): "chat", ("aretrieve_batch", 5): "chat",
        ("a_word_of_next_year", 5): "chat", ("", 5): "chat", ("aget_responses", 5, poll): "chat",
        **dict.fromkeys(
            [("aget_responses", 5), ("get_responses", 5), ("adelete_responses", 5), ("acancel_responses", 5),
             ("alist_input_items", 5), ("aget_messages", 5), ("acreate_file", 0), ("afile_retrieve", 5),
             ("file_content", 5), ("avideo_retrieve", 5), ("avector_store_create", 0), ("acreate_batch", 0),
             ("aretrieve_batch", 0), ("alist_batches", 0), ("allm_passthrough_route", 0), ("", 0),
             ("acreate_thread", 0), ("a_word_of_next_year", 0)], "gateway_housekeeping"),
        ("ahealth_check", 5): "gateway_health_check",
        ("acompletion", 6, "{}", "litellm-internal-health-check"): "gateway_health_check",
    }  # fmt: skip
    rows = []
    for number, (call_type, tokens, *more) in enumerate(cases):
        metadata, key = (more + ["{}", "k"][len(more) :])[:2]
        rows.append({"request_id": f"r{number}", "call_type": call_type, "api_key": key, "spend": 0, "model": "gpt-5",
                     "total_tokens": tokens, "prompt_tokens": tokens, "completion_tokens": 0, "metadata": metadata,
                     "startTime": "2026-10-05 12:00:00", "endTime": "2026-10-05 12:00:01",
                     "custom_llm_provider": "openai"})  # fmt: skip
    inbox, data = tmp_path / "inbox", tmp_path / "data"
    inbox.mkdir()
    (inbox / "spend.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert land.run(inbox, data) == 0
    landed = dict(duckdb.sql(f"select span_id, operation from '{data}/landed/spans/*/*.parquet'").fetchall())
    assert {case: landed[f"r{number}"] for number, case in enumerate(cases)} == cases


GEMINI = {"ProviderName": "Google Cloud", "ServiceName": "Vertex AI", "SkuMeter": "Gemini 2.5 Flash Text Input",
          "ConsumedQuantity": "1000000", "ConsumedUnit": "count"}  # fmt: skip
CLAUDE = {"ProviderName": "AWS", "ServiceName": "Amazon Bedrock", "SkuMeter": "Claude4.6Opus-input-token-count",
          "ConsumedQuantity": "1", "ConsumedUnit": "1K tokens"}  # fmt: skip
DAYS = """
select charged_on::varchar, sum(billed_usd) from intermediate.int_charges where provider = '{}' group by 1
"""
BEGUN = "select started_on::varchar from intermediate.int_call_costs where provider = 'google' order by 1"


def apart(spans: str) -> str:
    """Traces of other numbers than those of the first calls."""
    return spans.replace('"traceId": "0', '"traceId": "a')


def between(begin: str, hours: int, billed: str, **values) -> dict:
    start = datetime.fromisoformat(begin)
    times = {"ChargePeriodStart": f"{start:%Y-%m-%dT%H:%M:%SZ}",
             "ChargePeriodEnd": f"{start + timedelta(hours=hours):%Y-%m-%dT%H:%M:%SZ}"}  # fmt: skip
    return focus(1, billed, **values) | times


def test_googles_day_ends_at_seven_or_eight_in_utc(build, tmp_path):
    """Days, also of 25 hours, and hours; the calls of the night are the day's before. AWS keeps its hours in UTC.

    Also where one of its charges happens to be for a day from 7:00 on.
    """
    inbox = tmp_path / "inbox"
    days = [("2026-10-30 07:00", 24), ("2026-10-31 07:00", 24), ("2026-11-01 07:00", 25), ("2026-11-02 08:00", 24)]
    write(inbox / "days.csv", FOCUS, [between(*day, "0.30", **GEMINI, SubAccountId="p1") for day in days])
    hours = [between(f"2026-11-01 0{hour}:00", 1, "0.01", **GEMINI, SubAccountId="p2") for hour in (5, 6, 7)]
    write(inbox / "hours.csv", FOCUS, [*hours, between("2026-11-03 08:00", 24, "0.30", **GEMINI, SubAccountId="p2")])
    odd = between("2026-10-31 07:00", 24, "0.10", **CLAUDE | {"SkuMeter": "a day's support", "ConsumedUnit": ""})
    hours = [between(f"2026-11-01 0{hour}:00", 1, "0.005", **CLAUDE) for hour in (0, 5, 7)]
    write(inbox / "aws.csv", FOCUS, [*hours, odd])
    moments = [30.5, 32 + 5 / 24, 33 + 7 / 24, 34 + 7.5 / 24]  # the last one is before it began there, in winter time
    (inbox / "spans.jsonl").write_text(
        calls("gcp.vertex_ai", "gemini-2.5-flash", moments, (1_000_000, 0), cloud__account__id="project-1")
        + apart(calls("aws.bedrock", "anthropic.claude-opus-4-6-v1", [32 + 1 / 24], (1000, 0)))
    )  # fmt: skip
    built = build(inbox, company(tmp_path))
    assert built.code == 0, built.output
    google, aws = (dict(built.rows(DAYS.format(name))) for name in ("google", "aws"))
    third = Decimal("0.30")
    assert google == {"2026-10-30": third, "2026-10-31": third + Decimal("0.02"), "2026-11-01": third + Decimal("0.01"),
                      "2026-11-02": third, "2026-11-03": third}  # fmt: skip
    assert aws == {"2026-10-31": Decimal("0.10"), "2026-11-01": Decimal("0.015")}
    begun = built.rows(
        "select started_on::varchar from intermediate.int_call_costs where provider = 'google' order by 1"
    )
    assert [day for (day,) in begun] == ["2026-10-30", "2026-10-31", "2026-11-01", "2026-11-02"]


def test_days_of_pacific_time_tell_any_providers_clock(build, tmp_path):
    """A vendor's days begin at 7:00: its calls of the night are the day's before. Days in UTC tell Google's, too."""
    inbox = tmp_path / "inbox"
    opus = {
        **CLAUDE,
        "ProviderName": "Anthropic",
        "ServiceName": "Claude API",
        "SkuMeter": "claude-opus-4-6 input tokens",
    }
    write(inbox / "vendor.csv", FOCUS, [between(f"2026-10-0{day} 07:00", 24, "0.005", **opus) for day in (1, 2, 3)])
    write(inbox / "google.csv", FOCUS, [focus(day, "0.30", **GEMINI) for day in (1, 2, 3)])
    (inbox / "spans.jsonl").write_text(
        calls("anthropic", "claude-opus-4-6", [2 + 3 / 24], (1000, 0))
        + apart(calls("gcp.vertex_ai", "gemini-2.5-flash", [2 + 3 / 24], (1_000_000, 0)))
    )  # fmt: skip
    built = build(inbox, company(tmp_path))
    assert built.code == 0, built.output
    assert built.rows(
        "select provider, started_on::varchar, billed_usd, match_level from intermediate.int_call_costs order by 1"
    ) == [("anthropic", "2026-10-01", Decimal("0.005"), "account_day_model_meter"),
          ("google", "2026-10-02", Decimal("0.30"), "account_day_model_meter")]  # fmt: skip


def test_a_clock_that_a_later_bill_tells_moves_calls_of_all_days(tmp_path):
    """Built on: another provider's call, Google's, a bill of days in UTC, then of Pacific days; as one build of it."""
    inbox, whole = tmp_path / "inbox", tmp_path / "whole"
    seeds = company(tmp_path)
    files = {
        "others.jsonl": apart(calls("openai", "gpt-4o-mini", [2.1, 3.1])),
        "spans.jsonl": calls("gcp.vertex_ai", "gemini-2.5-flash", [2 + 3 / 24, 3.5, 20 + 5 / 24, 32.1], (1_000_000, 0)),
        "october.csv": [focus(day, "0.30", **GEMINI) for day in (1, 2, 3, 4)],
        "days.csv": [between("2026-10-20 07:00", 24, "0.30", **GEMINI)],
    }
    query = (
        "select call_key, started_on, basis, billed_usd, priced_usd from intermediate.int_call_costs order by all",
        "select * exclude (entry_id, journal_id) from marts.ledger_entries order by all",
        "select * from marts.spend_daily order by all",
    )
    for number, (name, content) in enumerate(files.items()):
        if isinstance(content, str):
            inbox.mkdir(exist_ok=True)
            (inbox / name).write_text(content)
        else:
            write(inbox / name, FOCUS, content)
        on = run_build(inbox, tmp_path / "data", seeds)
        assert on.code == 0, on.output
        if number == 0:
            continue  # both are from nothing
        anew = run_build(inbox, whole / str(number), seeds)
        assert [on.rows(one) for one in query] == [anew.rows(one) for one in query], name
