"""Small writers of export formats, for tests that need data of their own."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
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


COSTS = (
    "start_time,end_time,start_time_iso,end_time_iso,amount_value,amount_currency,line_item,project_id,"
    "organization_id,organization_name,quantity,quantity_unit,user_id,api_key_id,project_name,user_email,api_source"
)
USAGE = (
    "start_time,end_time,start_time_iso,end_time_iso,project_id,num_model_requests,user_id,api_key_id,model,batch,"
    "service_tier,input_tokens,output_tokens,input_cached_tokens,input_uncached_tokens,input_text_tokens,"
    "output_text_tokens,input_cached_text_tokens,input_audio_tokens,input_cached_audio_tokens,output_audio_tokens,"
    "input_image_tokens,input_cached_image_tokens,output_image_tokens"
)
LITELLM = (
    "date,api_key,model,custom_llm_provider,prompt_tokens,completion_tokens,cache_read_input_tokens,"
    "cache_creation_input_tokens,spend,api_requests,successful_requests,failed_requests"
)
ANTHROPIC_COSTS = "usage_date_utc,model,workspace,api_key,usage_type,context_window,token_type,cost_usd,cost_type"
ANTHROPIC_TOKENS = (
    "usage_date_utc,model_version,api_key,workspace,usage_type,context_window,usage_input_tokens_no_cache,"
    "usage_input_tokens_cache_write_5m,usage_input_tokens_cache_write_1h,usage_input_tokens_cache_read,"
    "usage_output_tokens,web_search_count"
)
FOCUS = (
    "BilledCost,EffectiveCost,BillingAccountId,SubAccountId,BillingCurrency,BillingPeriodStart,BillingPeriodEnd,"
    "ChargeCategory,ChargeClass,ChargeDescription,ChargePeriodStart,ChargePeriodEnd,ConsumedQuantity,ConsumedUnit,"
    "PricingQuantity,PricingUnit,ProviderName,PublisherName,ServiceName,SkuId,SkuMeter,InvoiceId,x_UsageType"
)
FX = "currency,rate_on,usd_per_unit,source\n"


def write(path: Path, header: str, rows: list[dict]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = io.StringIO()
    names = next(csv.reader([header]))
    writer = csv.DictWriter(text, names, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    path.write_text(text.getvalue())


def seconds(day: int, hour: int = 0) -> int:
    return int(datetime(2026, 10, day, hour, tzinfo=UTC).timestamp())


def bucket(day: int, **values) -> dict:
    return {"start_time": seconds(day), "end_time": seconds(day + 1), **values}


def cost(day: int, amount: str, item: str = "gpt-4o-mini, input", **values) -> dict:
    fixed = {"amount_value": amount, "amount_currency": "usd", "line_item": item, "organization_id": "org"}
    return bucket(day, **fixed, **values)


def focus(day: int, billed: str, hour: int | None = None, days: int = 1, **values) -> dict:
    begin = datetime(2026, 10, 1) + timedelta(days=day - 1, hours=hour or 0)
    end = begin + (timedelta(days=days) if hour is None else timedelta(hours=1))
    return {
        "BilledCost": billed, "EffectiveCost": billed, "BillingAccountId": "acct", "BillingCurrency": "USD",
        "ChargeCategory": "Usage", "ChargePeriodStart": f"{begin:%Y-%m-%d %H:%M:%S}",
        "ChargePeriodEnd": f"{end:%Y-%m-%d %H:%M:%S}", **values,
    }  # fmt: skip


def calls(provider: str, model: str, days: list[float], tokens: tuple[int, int] = (1000, 0), **values) -> str:
    """Spans of one call each, at that many days after 1 October."""
    spans = [
        chat(
            number + 1, 1, None, (day - 5) * 86400, None,
            gen_ai__provider__name=provider, gen_ai__request__model=model, gen_ai__usage__input_tokens=tokens[0],
            gen_ai__usage__output_tokens=tokens[1], **values,
        )
        for number, day in enumerate(days)
    ]  # fmt: skip
    return batch(spans)


def company(tmp_path: Path, **seeds: str) -> Path:
    folder = tmp_path / "company"
    folder.mkdir()
    for name, text in seeds.items():
        (folder / f"{name}.csv").write_text(text)
    return folder


def treated(built) -> dict[str, Decimal]:
    query = "select treatment, sum(billed_usd) from marts.provider_bills_monthly group by all"
    return dict(built.rows(query))
