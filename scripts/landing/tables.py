"""Arrow schemas of the landed tables. Times are UTC, money is decimal(38, 18) USD unless a currency stands beside it."""

import pyarrow as pa

TIME, MONEY, COUNT, KEY, TEXT = pa.timestamp("us"), pa.decimal128(38, 18), pa.int64(), pa.int64(), pa.string()

ORIGIN = [("source_file", TEXT), ("source_line", COUNT), ("file_id", TEXT)]

QUANTITIES = [
    "input_tokens", "cache_read_tokens", "cache_write_tokens", "cache_write_1h_tokens", "output_tokens",
    "reasoning_tokens", "audio_input_tokens", "audio_output_tokens", "total_tokens",
]  # fmt: skip
LABELS = [
    "operation", "provider", "server_address", "model", "response_id", "agent_name", "tool_name", "session_id",
    "request_id", "user_id", "tenant_id", "prompt_name", "prompt_version", "prompt_template", "service_tier",
    "service_name", "environment", "route", "evaluation_run_id", "api_key", "account_id", "feature_id", "team_id",
    "purpose",
]  # fmt: skip

TABLES: dict[str, pa.Schema] = {
    "spans": pa.schema(
        [
            ("trace_key", KEY), ("span_key", KEY), ("parent_span_key", KEY),
            ("trace_id", TEXT), ("span_id", TEXT), ("parent_span_id", TEXT),
            *ORIGIN, ("row_no", COUNT),
            ("format", TEXT), ("name", TEXT), ("status", TEXT), ("started_at", TIME), ("ended_at", TIME),
            *((label, TEXT) for label in LABELS),
            *((quantity, COUNT) for quantity in QUANTITIES),
            ("stated_usd", MONEY),
            ("usage_convention", TEXT), ("input_includes_cached", pa.bool_()),
            ("output_key", KEY),
            ("links", pa.list_(pa.struct([("trace_key", KEY), ("span_key", KEY)]))),
            ("filled", pa.int16()),
        ]  # fmt: skip
    ),
    "openrouter_activity": pa.schema(
        [
            *ORIGIN, ("generation_id", TEXT), ("created_at", TIME),
            ("cost_total", MONEY), ("cost_web_search", MONEY), ("cost_cache", MONEY), ("cost_file_processing", MONEY),
            ("byok_usage_inference", MONEY), ("tokens_prompt", COUNT), ("tokens_completion", COUNT),
            ("tokens_reasoning", COUNT), ("tokens_cached", COUNT), ("model_permaslug", TEXT),
            ("provider_name", TEXT), ("variant", TEXT), ("cancelled", TEXT), ("finish_reason_normalized", TEXT),
            ("app_name", TEXT), ("api_key_name", TEXT), ("user", TEXT),
        ]  # fmt: skip
    ),
    "eval_runs": pa.schema(
        [
            *ORIGIN, ("run_id", TEXT), ("feature_id", TEXT), ("suite", TEXT), ("started_at", TIME), ("model", TEXT),
            ("prompt_version", TEXT), ("cases", COUNT), ("passed", COUNT), ("failed", COUNT), ("errored", COUNT),
            ("cost_usd", MONEY), ("trace_ids", TEXT), ("trace_keys", pa.list_(KEY)), ("status", TEXT),
        ]  # fmt: skip
    ),
    "usage_events": pa.schema(
        [
            *ORIGIN, ("event_id", TEXT), ("occurred_at", TIME), ("feature_id", TEXT), ("user_id", TEXT),
            ("account_id", TEXT), ("trace_id", TEXT), ("trace_key", KEY), ("request_id", TEXT), ("answers", COUNT),
        ]  # fmt: skip
    ),
    "users": pa.schema(
        [
            *ORIGIN, ("user_id", TEXT), ("account_id", TEXT), ("plan", TEXT), ("segment", TEXT),
            ("signed_up_on", pa.date32()), ("valid_from", pa.date32()),
        ]  # fmt: skip
    ),
    "revenue": pa.schema(
        [
            *ORIGIN, ("month", pa.date32()), ("account_id", TEXT), ("plan", TEXT), ("revenue_usd", MONEY),
            ("feature_id", TEXT),
        ]  # fmt: skip
    ),
    "rejects": pa.schema([*ORIGIN, ("kind", TEXT), ("reason", TEXT)]),
    "files": pa.schema(
        [
            ("file_id", TEXT), ("source_file", TEXT), ("kind", TEXT), ("landing_no", COUNT), ("rows_read", COUNT),
            ("rows_superseded", COUNT), ("rows_rejected", COUNT),
        ]  # fmt: skip
    ),
}

# The column that gives a row its day; tables without one stand under the day of what has no time.
DAY_OF = {
    "spans": "started_at", "openrouter_activity": "created_at", "eval_runs": "started_at",
    "usage_events": "occurred_at", "revenue": "month",
}  # fmt: skip
NO_DAY = "1970-01-01"
