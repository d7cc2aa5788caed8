"""Small writers of export formats, for tests that need data of their own."""

import json
from datetime import UTC, datetime
from pathlib import Path

DAY = datetime(2026, 10, 5, tzinfo=UTC)
OPENROUTER = (
    "generation_id,created_at,cost_total,cost_web_search,cost_cache,cost_file_processing,byok_usage_inference,"
    "tokens_prompt,tokens_completion,tokens_reasoning,model_permaslug,provider_name,variant,cancelled,streamed,"
    "finish_reason_raw,finish_reason_normalized,generation_time_ms,time_to_first_token_ms,app_name,api_key_name"
)


def nanoseconds(seconds: float) -> str:
    return str(int((DAY.timestamp() + seconds) * 1_000_000) * 1000)


def attributes(values: dict) -> list[dict]:
    kinds = {bool: "boolValue", int: "intValue", float: "doubleValue"}
    return [{"key": name, "value": {kinds.get(type(value), "stringValue"): value}} for name, value in values.items()]


def span(trace: int, number: int, parent: int | None = None, at: float = 0, links=(), **values) -> dict:
    """An OTLP span of one second; keyword names write `__` for a dot."""
    return {
        "traceId": f"{trace:032x}",
        "spanId": f"{number:016x}",
        "parentSpanId": f"{parent:016x}" if parent else "",
        "name": f"span {number}",
        "startTimeUnixNano": nanoseconds(at),
        "endTimeUnixNano": nanoseconds(at + 1),
        "attributes": attributes({name.replace("__", "."): value for name, value in values.items()}),
        "links": [{"traceId": f"{other:032x}", "spanId": f"{linked:016x}"} for other, linked in links],
    }


def chat(
    trace: int, number: int, parent: int | None = None, at: float = 0, response: str | None = None, **values
) -> dict:
    """A billable span at OpenRouter."""
    values = {
        "gen_ai__operation__name": "chat",
        "gen_ai__provider__name": "openrouter",
        "gen_ai__request__model": "deepseek/deepseek-chat",
        "gen_ai__usage__input_tokens": 100,
        "gen_ai__usage__output_tokens": 10,
        **({"gen_ai__response__id": response} if response else {}),
        **values,
    }
    return span(trace, number, parent, at, **values)


def batch(spans: list[dict], service: str = "svc") -> str:
    """One line as the Collector's file exporter writes it."""
    resource = {"attributes": attributes({"service.name": service})}
    return json.dumps({"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": spans}]}]}) + "\n"


def activity(rows: list[tuple], path: Path) -> None:
    """An OpenRouter activity CSV from (generation_id, created_at, cost_total[, tokens_prompt, tokens_completion])."""
    lines = [OPENROUTER]
    for generation, created, cost, *tokens in rows:
        sent, received = tokens or (100, 10)
        lines.append(
            f"{generation},{created},{cost},,,0,0,{sent},{received},0,deepseek/deepseek-chat-v3,DeepInfra,standard,"
            "false,true,stop,stop,1000,300,,key"
        )
    path.write_text("\n".join(lines) + "\n")
