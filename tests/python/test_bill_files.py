"""Every provider file lands: the header generations, the API's pages, spreadsheets' spellings; what can't is named."""

import io
import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import REAL
from exports import ANTHROPIC_TOKENS, COSTS, LITELLM, OPENROUTER, USAGE

import land
from landing.engine import engine_for
from landing.rows import READERS
from landing.tables import BILLS

MAY = datetime(2025, 5, 1)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
TEN = Decimal(10_000)


def money(text: str) -> Decimal:
    return Decimal(text)


def epoch(moment: datetime) -> int:
    return int(moment.replace(tzinfo=UTC).timestamp())


def table_of(header: str, *rows: dict, mark: str = ",") -> str:
    """A CSV from a header and rows by name; cells that hold commas are quoted."""
    names = header.split(",")
    lines = [mark.join(names)]
    for row in rows:
        cells = [str(row.get(name, "")) for name in names]
        assert set(row) <= set(names)
        lines.append(mark.join(f'"{cell}"' if mark in cell else cell for cell in cells))
    return "\n".join(lines) + "\n"


def openai_page(*buckets: list[dict], begin: datetime = MAY) -> dict:
    data = [
        {"object": "bucket", "start_time": epoch(begin + number * DAY), "end_time": epoch(begin + (number + 1) * DAY),
         "results": results} for number, results in enumerate(buckets)
    ]  # fmt: skip
    return {"object": "page", "data": data, "has_more": False, "next_page": None}


def openai_cost(value, **others) -> dict:
    amount = {"value": value, "currency": "usd"}
    return {"object": "organization.costs.result", "amount": amount, "line_item": None, "project_id": None, **others}


def openai_use(kind: str, **counts) -> dict:
    return {"object": f"organization.usage.{kind}.result", "num_model_requests": 5, "project_id": None, **counts}


def anthropic_page(*buckets: list[dict]) -> dict:
    data = [
        {"starting_at": f"{MAY + number * DAY:%Y-%m-%dT%H:%M:%SZ}", "results": results,
         "ending_at": f"{MAY + (number + 1) * DAY:%Y-%m-%dT%H:%M:%SZ}"} for number, results in enumerate(buckets)
    ]  # fmt: skip
    return {"data": data, "has_more": True, "next_page": "page_2"}


ANTHROPIC_COST = {
    "currency": "USD", "amount": "123.78912", "workspace_id": "wrkspc_1", "cost_type": "tokens",
    "description": "Claude Sonnet 4 Usage - Input Tokens", "context_window": "0-200k", "service_tier": "standard",
    "model": "claude-sonnet-4-20250514", "token_type": "uncached_input_tokens",
}  # fmt: skip
ANTHROPIC_USE = {
    "uncached_input_tokens": 1500, "cache_read_input_tokens": 200, "output_tokens": 500, "api_key_id": None,
    "cache_creation": {"ephemeral_1h_input_tokens": 1000, "ephemeral_5m_input_tokens": 50}, "workspace_id": None,
    "server_tool_use": {"web_search_requests": 10}, "model": "claude-sonnet-4-20250514", "context_window": "0-200k",
    "service_tier": "standard",
}  # fmt: skip
CONSOLE = {
    "usage_date_utc": "2025-05-01", "model": "Claude Haiku 3.5", "api_key": "prod", "usage_type": "message",
    "token_type": "input_no_cache", "cost_usd": "0.03",
}  # fmt: skip
CONSOLE_LATER = {"workspace": "Default", "context_window": "≤ 200k", "cost_type": "tokens", "list_price_usd": "0.04"}
CONSOLE_LAST = {"inference_geo": "us", "speed": "fast", "api_key_id": "apikey_1", "api_key_status": "active"}
TOKENS = {
    "usage_date_utc": "2025-12-04 10:00", "model_version": "claude-3-5-haiku-20241022", "context_window": "≤ 200k",
    "usage_input_tokens_no_cache": 7, "usage_input_tokens_cache_write_5m": 6, "usage_input_tokens_cache_write_1h": 5,
    "usage_input_tokens_cache_read": 4, "usage_output_tokens": 3, "web_search_count": 2,
}  # fmt: skip
COST_OF = "start_time, end_time, amount_value, amount_currency, line_item, quantity"
USE_OF = "start_time, end_time, operation, model, num_model_requests, input_tokens, input_cached_tokens"
CONSOLE_OF = "start_time, end_time, cost_usd, is_rounded, model, context_window, list_price_usd, speed, api_key_id"
TOKENS_OF = (
    "start_time, end_time, input_tokens_no_cache, input_tokens_cache_write_5m, input_tokens_cache_write_1h, "
    "input_tokens_cache_read, output_tokens, web_search_count, model, context_window"
)
BUCKET = {"start_time": epoch(MAY), "end_time": epoch(MAY + DAY)}
COST = {**BUCKET, "amount_value": "-0.000000000000000001", "amount_currency": "eur", "line_item": "gpt-5-nano, input"}
USE = {**BUCKET, "num_model_requests": "3.0", "model": "gpt-4o", "input_tokens": "59200.0", "output_tokens": "1.0"}
OLDER_COSTS = COSTS.partition(",quantity,")[0]
OLD_USAGE = "n_requests,operation,n_context_tokens_total,n_generated_tokens_total,model,timestamp"
DAILY = "Date,Slug,Usage,BYOK Usage,Requests,Prompt Tokens,Completion Tokens,Reasoning Tokens"
DAILY_ROW = dict(zip(DAILY.split(","), ["5/1/25", "openai/gpt-5", "$1.5", "0", "2", "100", "10", "5"], strict=True))
LITELLM_ROW = {"date": "2025-05-01", "model": "gpt-4o", "api_key": "k", "spend": 0.00044999999999999996,
               "successful_requests": 2, "failed_requests": 1, "cache_read_input_tokens": 9}  # fmt: skip
LITELLM_OF = "start_time, end_time, spend, successful_requests, failed_requests, cache_read_input_tokens, prompt_tokens"
LITELLM_LANDED = [(MAY, MAY + DAY, money("0.00045"), 2, 1, 9, None)]
GENERATION = {
    "generation_id": "gen-1",
    "created_at": "2025-05-01 10:00:00",
    "cost_total": "1e-7",
    "model_permaslug": "m",
}
INVOICE = {"invoice_id": "I-1", "provider": "openai", "period_start": "5/1/25", "period_end": "2025-05-31",
           "amount": "(1,234.50)", "tax": "$-19", "credit_of": "I-0", "currency": "EUR"}  # fmt: skip
FOCUS = (
    "BilledCost,EffectiveCost,BillingCurrency,ChargePeriodStart,ChargePeriodEnd,ConsumedQuantity,ServiceProviderName,"
    "SkuMeter,ListUnitPrice,Tags,x_SkuDescription,MeterName,UsageType"
)
CHARGE = {
    "BilledCost": "$10,000.00 ", "EffectiveCost": "-0.5", "BillingCurrency": "USD", "ChargePeriodStart": "5/1/25",
    "ChargePeriodEnd": "5/1/2025 10:30", "ConsumedQuantity": "1.5", "SkuMeter": "NULL", "ListUnitPrice": "NULL",
    "Tags": "x" * 5000, "x_SkuDescription": "NULL", "MeterName": "gpt 4o Inp", "UsageType": "USE1-x",
}  # fmt: skip
FOCUS_OF = (
    "billed_cost, effective_cost, charge_period_start, charge_period_end, consumed_quantity, sku_meter, "
    "list_unit_price, strlen(tags), sku_description, usage_type"
)
CHARGE_LANDED = (TEN, money("-0.5"), MAY, MAY + 10.5 * HOUR, money("1.5"), None, None, 5000, "gpt 4o Inp", "USE1-x")
SNAKE = "billed_cost,charge_period_start,charge_period_end,provider_name"
IN_YEARS = datetime(datetime.now(UTC).year + 3, 5, 1)
AHEAD = {"BILLED_COST": 1, "CHARGE_PERIOD_START": "2025-05-01T00:00:00Z", "CHARGE_PERIOD_END": IN_YEARS}


def console(header: str, landed: tuple) -> tuple:
    known = {**CONSOLE, **CONSOLE_LATER, **CONSOLE_LAST}
    row = {name: known[name] for name in header.split(",")}
    return "anthropic_costs", table_of(header, row), CONSOLE_OF, [(MAY, MAY + DAY, money("0.03"), True, *landed)]


FILES = {
    "openai costs, older": (
        "openai_costs", "\ufeff" + table_of(OLDER_COSTS, COST, BUCKET), COST_OF,
        [(MAY, MAY + DAY, money("-1e-18"), "eur", "gpt-5-nano, input", None), (MAY, MAY + DAY, *[None] * 4)],
    ),
    "openai costs, newer, tabs": (
        "openai_costs", table_of(COSTS, {**COST, "quantity": "1000.0", "amount_value": "$1,234.5"}, mark="\t"), COST_OF,
        [(MAY, MAY + DAY, money("1234.5"), "eur", "gpt-5-nano, input", money("1000"))],
    ),
    "openai costs, page": (
        "openai_costs", json.dumps(openai_page([openai_cost(0.06, line_item="x")], [], [openai_cost("-0.10")])),
        COST_OF, [(MAY, MAY + DAY, money("0.06"), "usd", "x", None), (MAY + DAY, MAY + 2 * DAY, *[None] * 4),
         (MAY + 2 * DAY, MAY + 3 * DAY, money("-0.1"), "usd", None, None)],
    ),
    "openai costs, a page a line": (
        "openai_costs",
        "".join(json.dumps(openai_page([openai_cost(n, quantity=n)], begin=MAY + n * DAY)) + "\n" for n in (0, 1)),
        COST_OF, [(MAY + n * DAY, MAY + (n + 1) * DAY, money(str(n)), "usd", None, money(str(n))) for n in (0, 1)],
    ),
    "openai costs, pretty pages one after another": (
        "openai_costs", json.dumps(openai_page([openai_cost(1)]), indent=2) * 2, "amount_value", [(1,), (1,)],
    ),
    "openai costs, array of pages": (
        "openai_costs", json.dumps([openai_page([openai_cost(1)]), openai_page([])]), "amount_value", [(1,), (None,)],
    ),
    "openai costs, buckets without their page": (
        "openai_costs", json.dumps(openai_page([openai_cost(1)], [])["data"]), "amount_value", [(1,), (None,)],
    ),
    "openai usage": (
        "openai_usage", table_of(USAGE, {**USE, "input_cached_tokens": "12.0"}, BUCKET), USE_OF,
        [(MAY, MAY + DAY, None, "gpt-4o", 3, 59200, 12), (MAY, MAY + DAY, *[None] * 5)],
    ),
    "openai usage, all empty": (
        "openai_usage", table_of("start_time,end_time,start_time_iso,end_time_iso", BUCKET), USE_OF,
        [(MAY, MAY + DAY, *[None] * 5)],
    ),
    "openai usage, old": (
        "openai_usage",
        table_of(OLD_USAGE, {"n_requests": 2, "operation": "completion", "n_context_tokens_total": 30, "model": "m",
                             "n_generated_tokens_total": 4, "timestamp": epoch(MAY)}),
        USE_OF, [(MAY, MAY + timedelta(minutes=5), "completion", "m", 2, 30, None)],
    ),
    "openai usage, page": (
        "openai_usage",
        json.dumps(openai_page(
            [openai_use("completions", input_tokens=1000, input_cached_tokens=800, model="gpt-4o", batch=False),
             openai_use("audio_speeches", characters=7)], [])),
        USE_OF + ", batch",
        [(MAY, MAY + DAY, "audio_speeches", None, 5, None, None, None),
         (MAY, MAY + DAY, "completions", "gpt-4o", 5, 1000, 800, "false"), (MAY + DAY, MAY + 2 * DAY, *[None] * 6)],
    ),
    "openai pages, all empty": ("openai_usage", json.dumps(openai_page([])), USE_OF, [(MAY, MAY + DAY, *[None] * 5)]),
    "anthropic console, first": console(
        "usage_date_utc,model,api_key,usage_type,token_type,cost_usd", ("Claude Haiku 3.5", None, None, None, None)
    ),
    "anthropic console, workspace": console(
        "usage_date_utc,model,workspace,api_key,usage_type,token_type,cost_usd",
        ("Claude Haiku 3.5", None, None, None, None),
    ),
    "anthropic console, context": console(
        "usage_date_utc,model,workspace,api_key,usage_type,context_window,token_type,cost_usd,cost_type",
        ("Claude Haiku 3.5", "≤ 200k", None, None, None),
    ),
    "anthropic console, list price": console(
        "usage_date_utc,model,workspace,api_key,usage_type,context_window,token_type,cost_usd,cost_type,list_price_usd,"
        "inference_geo,speed", ("Claude Haiku 3.5", "≤ 200k", money("0.04"), "fast", None),
    ),
    "anthropic console, key id": console(
        "usage_date_utc,model,workspace,api_key,api_key_id,api_key_status,usage_type,context_window,token_type,cost_usd,"
        "cost_type,list_price_usd,inference_geo,speed",
        ("Claude Haiku 3.5", "≤ 200k", money("0.04"), "fast", "apikey_1"),
    ),
    "anthropic costs, page in cents": (
        "anthropic_costs",
        json.dumps(anthropic_page([ANTHROPIC_COST, {**ANTHROPIC_COST, "amount": "-0.0000000000000001"}], [])),
        "start_time, end_time, cost_usd, is_rounded, workspace, token_type, currency, model",
        [(MAY, MAY + DAY, money("-1e-18"), False, "wrkspc_1", "uncached_input_tokens", "USD", ANTHROPIC_COST["model"]),
         (MAY, MAY + DAY, money("1.2378912"), False, "wrkspc_1", "uncached_input_tokens", "USD",
          ANTHROPIC_COST["model"]), (MAY + DAY, MAY + 2 * DAY, None, False, *[None] * 4)],
    ),
    "anthropic tokens, by hour and by day": (
        "anthropic_usage", table_of(ANTHROPIC_TOKENS, TOKENS, {**TOKENS, "usage_date_utc": "2025-12-04"}), TOKENS_OF,
        [(datetime(2025, 12, 4), datetime(2025, 12, 5), 7, 6, 5, 4, 3, 2, TOKENS["model_version"], "≤ 200k"),
         (datetime(2025, 12, 4, 10), datetime(2025, 12, 4, 11), 7, 6, 5, 4, 3, 2, TOKENS["model_version"], "≤ 200k")],
    ),
    "anthropic usage, page": (
        "anthropic_usage", json.dumps(anthropic_page([ANTHROPIC_USE], [])), TOKENS_OF,
        [(MAY, MAY + DAY, 1500, 50, 1000, 200, 500, 10, ANTHROPIC_USE["model"], "0-200k"),
         (MAY + DAY, MAY + 2 * DAY, *[None] * 8)],
    ),
    "openrouter daily": (
        "openrouter_daily", table_of(DAILY, DAILY_ROW),
        "start_time, end_time, model_permaslug, cost_total, byok_usage_inference, requests, tokens_prompt, "
        "tokens_completion, tokens_reasoning",
        [(MAY, MAY + DAY, "openai/gpt-5", money("1.5"), 0, 2, 100, 10, 5)],
    ),
    "openrouter activity": (
        "openrouter_activity", table_of(OPENROUTER, GENERATION), "created_at, cost_total, user, tokens_cached",
        [(MAY + 10 * HOUR, money("1e-7"), None, None)],
    ),
    "openrouter activity, user and cache": (
        "openrouter_activity",
        table_of(OPENROUTER + ",user,tokens_cached", {**GENERATION, "user": "u", "tokens_cached": 64}),
        "created_at, cost_total, user, tokens_cached", [(MAY + 10 * HOUR, money("1e-7"), "u", 64)],
    ),
    "litellm": ("litellm_daily", table_of(LITELLM, LITELLM_ROW), LITELLM_OF, LITELLM_LANDED),
    "litellm, lines": ("litellm_daily", json.dumps(LITELLM_ROW) + "\n", LITELLM_OF, LITELLM_LANDED),
    "litellm, array": ("litellm_daily", json.dumps([LITELLM_ROW], indent=1), LITELLM_OF, LITELLM_LANDED),
    "focus, 1.4": ("focus", "\ufeff" + table_of(FOCUS, CHARGE), FOCUS_OF, [CHARGE_LANDED]),
    "focus, snake case": (
        "focus",
        table_of(SNAKE, dict(zip(SNAKE.split(","), ["0", "2025-05-01", "2025-05-02", "Azure"], strict=True))),
        "billed_cost, charge_period_end, provider_name", [(0, MAY + DAY, "Azure")],
    ),
    "focus, upper case, bought years ahead": (
        "focus", table_of(",".join(AHEAD), AHEAD), "billed_cost, charge_period_end", [(1, IN_YEARS)],
    ),
    "invoices": (
        "invoices", table_of(",".join(INVOICE), INVOICE), "period_start, period_end, issued_on, amount, tax, credit_of",
        [(date(2025, 5, 1), date(2025, 5, 31), None, money("-1234.5"), money("-19"), "I-0")],
    ),
}  # fmt: skip
BAD = {
    "cost that is no money": ("openai_costs", table_of(COSTS, COST, {**COST, "amount_value": "5%"}), "amount_value:"),
    "bucket without start": (
        "openai_costs", table_of(COSTS, COST, {**COST, "start_time": ""}), "start_time is blank"
    ),
    "page that holds another report": (
        "openai_costs", json.dumps(openai_page([openai_cost(1), openai_use("completions")])),
        "amount_value: 'organization",
    ),
    "error among pages": (
        "openai_costs", json.dumps(openai_page([openai_cost(1)])) + '\n{"error": {}}\n', "start_time is blank"
    ),
    "negative count": ("openai_usage", table_of(USAGE, USE, {**USE, "input_tokens": "-1"}), "input_tokens: -1"),
    "cents that are none": (
        "anthropic_costs", json.dumps(anthropic_page([ANTHROPIC_COST, {**ANTHROPIC_COST, "amount": "x"}])), "cost_usd:"
    ),
    "usage among costs": (
        "anthropic_costs", json.dumps(anthropic_page([ANTHROPIC_COST, ANTHROPIC_USE])), "cost_usd: 'usage of 1500"
    ),
    "count in words": (
        "anthropic_usage", table_of(ANTHROPIC_TOKENS, TOKENS, {**TOKENS, "web_search_count": "two"}),
        "web_search_count:",
    ),
    "day of no month": (
        "openrouter_daily", table_of(DAILY, DAILY_ROW, {**DAILY_ROW, "Date": "13/13/25"}), "start_time:"
    ),
    "last day of time": (
        "litellm_daily", table_of(LITELLM, LITELLM_ROW, {**LITELLM_ROW, "date": "294247-01-10"}), "start_time:"
    ),
    "charge without end": (
        "focus", table_of(FOCUS, CHARGE, {**CHARGE, "ChargePeriodEnd": "NULL"}), "charge_period_end is blank"
    ),
    "invoice of no amount": (
        "invoices", table_of(",".join(INVOICE), INVOICE, {**INVOICE, "amount": "?"}), "amount: text of 1 character is"
    ),
}  # fmt: skip


@pytest.fixture
def inbox(tmp_path):
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


def landed(tmp_path, table: str, what: str = "*") -> list[tuple]:
    files = f"read_parquet('{tmp_path}/data/landed/{table}/*/*.parquet', hive_partitioning = false)"
    return duckdb.sql(f"select {what} from {files} order by all").fetchall()


@pytest.mark.parametrize("name", FILES)
def test_provider_file_lands(inbox, tmp_path, name):
    """Twice under two names: it lands once."""
    table, text, what, expected = FILES[name]
    for copy in ("one", "two"):
        (inbox / copy).write_text(text)
    assert land.run(inbox, tmp_path / "data") == 0
    assert landed(tmp_path, "rejects", "reason") == []
    assert landed(tmp_path, table, what) == expected
    assert landed(tmp_path, "files", "kind, rows_read, rows_rejected") == [(table, len(expected), 0)]
    assert landed(tmp_path, table, "count(distinct row_no)") == [(len(expected),)]


@pytest.mark.parametrize("name", BAD)
def test_bad_row_of_a_provider_file_is_named(inbox, tmp_path, name):
    """The first row lands, the second is refused by its column: of a bill, half is too much."""
    table, text, reason = BAD[name]
    (inbox / "file").write_text(text)
    assert land.run(inbox, tmp_path / "data") == int(table in BILLS)
    found = landed(tmp_path, "rejects", "reason")
    assert len(found) == 1
    assert found[0][0].startswith(reason)
    assert landed(tmp_path, table, "count(*)") == [(1,)]


def test_header_that_lacks_a_column_names_it(inbox, tmp_path):
    (inbox / "focus.csv").write_text("BilledCost,ChargePeriodStart\n1,2025-05-01\n")
    assert land.run(inbox, tmp_path / "data") == 0
    assert "header of focus without ChargePeriodEnd" in landed(tmp_path, "rejects", "reason")[0][0]


FOCUS_ROW = {
    "BilledCost": 1, "BillingCurrency": "USD", "ProviderName": "Acme", "ChargePeriodStart": "2026-10-05T00:00:00Z",
    "ChargePeriodEnd": "2026-10-06T00:00:00Z",
}  # fmt: skip


@pytest.mark.parametrize("name", ["data", "value", "items", "rows", "results"])
def test_rows_of_focus_that_an_api_wraps_land_to_the_digit(inbox, tmp_path, name):
    """A row that can't be read is named by its own line."""
    amounts = ["1e-7", "0.1234567890123456", "never"]
    rows = [json.dumps({**FOCUS_ROW, "BilledCost": "?"}).replace('"?"', amount if amount != "never" else '"never"')
            for amount in amounts]  # fmt: skip
    (inbox / "focus.json").write_text(f'{{"next": null,\n"{name}": [\n' + ",\n".join(rows) + "]}")
    land.run(inbox, tmp_path / "data")
    assert landed(tmp_path, "focus", "billed_cost") == [(Decimal(amounts[0]),), (Decimal(amounts[1]),)]
    assert landed(tmp_path, "rejects", "source_line, reason") == [
        (5, "billed_cost: text of 5 characters is not an amount of money")
    ]


NOTE = {"endpoint": "/v1/organization/costs", "requested_at": "2026-10-09T08:00:00Z", "group_by": ["project_id"]}
FILTERS = [
    ({}, [(None, None)]),
    ({"api_key_ids": [], "models": None}, [(None, None)]),
    ({"api_key_ids": ["key_1", "key_2"]}, [("key_id", "key_1"), ("key_id", "key_2")]),
    ({"workspace_ids[]": ["wrkspc_1"], "models[]": ["o3"]}, [("model", "o3"), ("project_id", "wrkspc_1")]),
    ({"project_id": "proj_1"}, [("project_id", "proj_1")]),
    ({"batch": True, "context_window": ["0-200k"]}, [("filter", "batch true"), ("filter", "context_window 0-200k")]),
]


@pytest.mark.parametrize(("asked", "keys"), FILTERS)
def test_the_note_of_a_request_states_its_filter(inbox, tmp_path, capsys, asked, keys):
    (inbox / "costs.json").write_text(json.dumps(openai_page([openai_cost(1)])))
    (inbox / "costs.json.request.json").write_text(json.dumps({**NOTE, "filter": asked}))
    assert land.run(inbox, tmp_path / "data") == 0
    what = "file_name, cast(exported_at as varchar), filter_key, filter_value"
    assert set(landed(tmp_path, "manifests", what)) == {("costs.json", "2026-10-09 08:00:00", *key) for key in keys}
    assert "WARNING" not in capsys.readouterr().out


def test_the_note_of_a_request_without_its_page_is_named(inbox, tmp_path, capsys):
    (inbox / "costs.json.request.json").write_text(json.dumps({**NOTE, "filter": {}}))
    assert land.run(inbox, tmp_path / "data") == 0
    assert (
        "WARNING: costs.json.request.json: the note of a request without its page costs.json" in capsys.readouterr().out
    )


def test_focus_parquet_with_types_of_its_own(inbox, tmp_path):
    """Exact decimals, times with and without a zone, a map of tags."""
    digits = money("12345678901234567.123456789012345678")
    columns = {
        "BilledCost": pa.array([digits], pa.decimal128(38, 18)),
        "EffectiveCost": pa.array([0.1], pa.float64()),
        "ChargePeriodStart": pa.array([MAY.replace(tzinfo=UTC)], pa.timestamp("ns", "UTC")),
        "ChargePeriodEnd": pa.array([MAY + HOUR], pa.timestamp("ms")),
        "Tags": pa.array([[("team", "a"), ("env", "b")]], pa.map_(pa.string(), pa.string())),
        "x_UsageType": pa.array(["USE1-x"]).dictionary_encode(),
    }
    target = io.BytesIO()
    pq.write_table(pa.table(columns), target)
    (inbox / "focus.parquet").write_bytes(target.getvalue())
    assert land.run(inbox, tmp_path / "data") == 0
    what = "billed_cost, effective_cost, charge_period_start, charge_period_end, tags, usage_type"
    assert landed(tmp_path, "focus", what) == [
        (digits, money("0.1"), MAY, MAY + HOUR, '{"team":"a","env":"b"}', "USE1-x")
    ]


@pytest.mark.parametrize(
    ("stated", "amount"),
    [
        ("$10,000.00", "10000"), ("-$5", "-5"), ("$-5.5", "-5.5"), ("(5)", "-5"), ("($ 1,234,567.5)", "-1234567.5"),
        ("1,5", None), ("1,2345", None), ("10.000,00", None), ("(-5)", None), ("$", None), ("()", None),
        ("0.00044999999999999996", "0.00045"), ("4.8150000000000003e-03", "0.004815"), ("-1.5e-19", "0"),
        ("0.1234567890123456789", "0.123456789012345679"), ("0.12345678901234567", "0.12345678901234567"),
        ("1e30", None),
    ],
)  # fmt: skip
def test_money_of_spreadsheets_and_floats(stated, amount):
    """A decimal comma isn't taken for thousands; what stands beyond 18 decimals is rounded."""
    engine = engine_for("secret")
    engine.execute((READERS / "spreadsheets.sql").read_text())
    found = engine.execute("select money_of(plain_number(?, 'point'))", [stated]).fetchone()[0]
    assert found == (None if amount is None else money(amount))


@pytest.mark.skipif(not REAL.is_dir(), reason=f"the real exports are not here ({REAL.parent.name}/{REAL.name})")
def test_every_row_of_the_real_focus_samples_lands(tmp_path):
    assert land.run(REAL / "focus", tmp_path / "data") == 0
    assert landed(tmp_path, "rejects") == []
    assert landed(tmp_path, "files", "rows_read") == [(1,), (1,), (3,), (1000,)]
    assert landed(tmp_path, "focus", "count(*), count(charge_period_start), count(billed_cost)") == [(1005,) * 3]
