"""Arrow schemas of the landed tables: times are UTC, money is exact (scale 18), keys are 64-bit hashes of ids."""

import pyarrow as pa

TIME, MONEY, COUNT, KEY, TEXT = pa.timestamp("us"), pa.decimal128(38, 18), pa.int64(), pa.int64(), pa.string()


def fields(kind: pa.DataType, names: str) -> list[pa.Field]:
    """Fields of one type from names that blanks separate."""
    return [pa.field(name, kind) for name in names.split()]


ORIGIN = [*fields(TEXT, "source_file file_id"), *fields(COUNT, "source_line")]
LABELS = (
    "operation provider server_address model response_id agent_name tool_name session_id request_id user_id "
    "tenant_id prompt_name prompt_version prompt_template service_tier service_name environment route "
    "evaluation_run_id api_key account_id feature_id team_id trace_feature_id trace_team_id purpose"
).split()
QUANTITIES = (
    "input_tokens cache_read_tokens cache_write_tokens cache_write_1h_tokens output_tokens reasoning_tokens "
    "audio_input_tokens audio_output_tokens total_tokens"
).split()

TABLES: dict[str, pa.Schema] = {
    "spans": pa.schema(
        [
            *fields(KEY, "trace_key span_key parent_span_key"),
            *fields(TEXT, "trace_id span_id parent_span_id"),
            *ORIGIN,
            *fields(COUNT, "row_no"),
            *fields(TEXT, "format name status"),
            *fields(TIME, "started_at ended_at"),
            *fields(TEXT, " ".join(LABELS)),
            *fields(COUNT, " ".join(QUANTITIES)),
            *fields(MONEY, "stated_usd"),
            *fields(TEXT, "usage_convention"),
            *fields(pa.bool_(), "input_includes_cached output_includes_reasoning"),
            *fields(KEY, "output_key"),
            *fields(pa.list_(pa.struct(fields(KEY, "trace_key span_key"))), "links"),
            *fields(pa.int16(), "filled"),
        ]
    ),
    "openrouter_activity": pa.schema(
        [
            *ORIGIN,
            *fields(TEXT, "generation_id model_permaslug provider_name variant cancelled finish_reason_normalized"),
            *fields(TEXT, "app_name api_key_name user"),
            *fields(TIME, "created_at"),
            *fields(MONEY, "cost_total cost_web_search cost_cache cost_file_processing byok_usage_inference"),
            *fields(COUNT, "tokens_prompt tokens_completion tokens_reasoning tokens_cached"),
        ]
    ),
    "openai_costs": pa.schema(
        [
            *ORIGIN,
            *fields(TIME, "start_time end_time"),
            *fields(MONEY, "amount_value quantity"),
            *fields(TEXT, "amount_currency line_item project_id organization_id api_key_id"),
        ]
    ),
    "eval_runs": pa.schema(
        [
            *ORIGIN,
            *fields(TEXT, "run_id feature_id suite model prompt_version status trace_ids"),
            *fields(TIME, "started_at"),
            *fields(COUNT, "cases passed failed errored"),
            *fields(MONEY, "cost_usd"),
            *fields(pa.list_(KEY), "trace_keys"),
        ]
    ),
    "usage_events": pa.schema(
        [
            *ORIGIN,
            *fields(TEXT, "event_id feature_id user_id account_id trace_id request_id"),
            *fields(TIME, "occurred_at"),
            *fields(KEY, "trace_key"),
            *fields(COUNT, "answers"),
        ]
    ),
    "users": pa.schema(
        [*ORIGIN, *fields(TEXT, "user_id account_id plan segment"), *fields(pa.date32(), "signed_up_on valid_from")]
    ),
    "revenue": pa.schema(
        [
            *ORIGIN,
            *fields(pa.date32(), "month"),
            *fields(TEXT, "account_id plan feature_id"),
            *fields(MONEY, "revenue_usd"),
        ]
    ),
    "rejects": pa.schema([*ORIGIN, *fields(COUNT, "line"), *fields(TEXT, "kind reason")]),
    "files": pa.schema(
        [
            *fields(TEXT, "file_id source_file kind"),
            *fields(COUNT, "landing_no rows_read rows_superseded rows_rejected"),
        ]
    ),
}

# The column that gives a row its day; tables without one stand under the day of what has no time.
DAY_OF = {
    "spans": "started_at",
    "openrouter_activity": "created_at",
    "openai_costs": "start_time",
    "eval_runs": "started_at",
    "usage_events": "occurred_at",
    "revenue": "month",
}
NO_DAY = "1970-01-01"


def typed_columns(table: str) -> str:
    """The select list that gives a landed table's columns their exact types."""
    return ", ".join(f"cast({field.name} as {_sql_type(field.type)}) as {field.name}" for field in TABLES[table])


def _sql_type(kind: pa.DataType) -> str:
    if pa.types.is_list(kind):
        return f"{_sql_type(kind.value_type)}[]"
    if pa.types.is_struct(kind):
        return f"struct({', '.join(f'{field.name} {_sql_type(field.type)}' for field in kind)})"
    if pa.types.is_decimal(kind):
        return f"decimal({kind.precision}, {kind.scale})"
    return {TIME: "timestamp", COUNT: "bigint", TEXT: "varchar", pa.date32(): "date", pa.bool_(): "boolean",
            pa.int16(): "smallint"}[kind]  # fmt: skip


# Columns of files with rows. `required`: the header must have it (others came with later versions, or are optional by
# contract); `filled`: no row may leave it blank; `usd`: a currency.
HEADERS: dict[str, dict[str, str]] = {
    "openrouter_activity": {
        **dict.fromkeys("generation_id created_at cost_total model_permaslug".split(), "required filled"),
        **dict.fromkeys("tokens_prompt tokens_completion".split(), "required"),
        **dict.fromkeys(
            "cost_web_search cost_cache cost_file_processing byok_usage_inference tokens_reasoning tokens_cached "
            "provider_name variant cancelled finish_reason_normalized app_name api_key_name user".split(),
            "",
        ),
    },
    "openai_costs": {
        **dict.fromkeys("start_time end_time".split(), "required filled"),
        # Buckets without use are rows with blanks: they say that the bill covers them.
        **dict.fromkeys("amount_value line_item project_id".split(), "required"),
        "amount_currency": "required usd",
        **dict.fromkeys("organization_id quantity api_key_id".split(), ""),
    },
    "eval_runs": {
        **dict.fromkeys("run_id feature_id suite started_at passed failed errored".split(), "required filled"),
        **dict.fromkeys("model prompt_version cases".split(), "required"),
        **dict.fromkeys("cost_usd trace_ids status".split(), ""),
    },
    "usage_events": {
        **dict.fromkeys("event_id occurred_at feature_id".split(), "required filled"),
        **dict.fromkeys("user_id account_id".split(), "required"),
        **dict.fromkeys("trace_id request_id answers".split(), ""),
    },
    "users": {
        "user_id": "required filled",
        **dict.fromkeys("account_id plan segment signed_up_on".split(), "required"),
        "valid_from": "",
    },
    "revenue": {
        **dict.fromkeys("month revenue_usd".split(), "required filled"),
        **dict.fromkeys("account_id plan".split(), "required"),
        "feature_id": "",
    },
}
