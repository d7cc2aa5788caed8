"""One true usage written as each tracer, platform or provider writes it: from their documentation and nothing else.

A usage is disjoint meters, in tokens: text, cache_read, cache_write_5m, cache_write_1h, audio_in and tool_use make up
the input; answer, reasoning and audio_out the output. A dialect says how it writes a usage (attributes of a span, or
the record of another export), what it makes its total of, and which meters it has no word for.
"""

import json
from collections.abc import Callable
from typing import NamedTuple

INPUT = ("text", "cache_read", "cache_write_5m", "cache_write_1h", "audio_in", "tool_use")
OUTPUT = ("answer", "reasoning", "audio_out")
Usage = dict[str, int]


def total_of(usage: Usage, *meters: str) -> int:
    return sum(usage[meter] for meter in meters)


def cached(usage: Usage) -> int:
    return total_of(usage, "cache_read", "cache_write_5m", "cache_write_1h")


def written(usage: Usage) -> int:
    return total_of(usage, "cache_write_5m", "cache_write_1h")


def prompt(usage: Usage) -> int:
    """All input, as OpenAI counts it; Google counts what tools put into the prompt beside it."""
    return total_of(usage, "text", "audio_in") + cached(usage)


def completion(usage: Usage) -> int:
    return total_of(usage, *OUTPUT)


def provider_total(usage: Usage) -> int:
    return total_of(usage, *INPUT, *OUTPUT)


class Dialect(NamedTuple):
    """`write(usage, total)` gives attributes, `total` being what it states or None; `derived` is a writer's own total.

    `lost` maps a meter that the dialect has no word for to the meter that it is counted within, or to None where its
    tokens are in none of the counts stated.
    """

    write: Callable[[Usage, int | None], dict]
    meters: str
    derived: Callable[[Usage], int] | None
    has_provider_total: bool = True  # one that the provider stated
    lost: dict[str, str | None] = {}  # noqa: RUF012
    scope: str | None = None
    form: str = "otlp"
    has_none: bool = True  # the total may be absent


def filled(attributes: dict) -> dict:
    return {name: value for name, value in attributes.items() if value is not None}


def some(count: int) -> int | None:
    """Details that are zero are often left out."""
    return count or None


def otel(usage: Usage, total: int | None) -> dict:
    """OpenTelemetry GenAI: input_tokens includes cached ones, output_tokens includes reasoning; there is no total."""
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.usage.input_tokens": prompt(usage),
        "gen_ai.usage.cache_read.input_tokens": some(usage["cache_read"]),
        "gen_ai.usage.cache_creation.input_tokens": some(written(usage)),
        "gen_ai.usage.output_tokens": completion(usage),
        "gen_ai.usage.reasoning.output_tokens": some(usage["reasoning"]),
        "gen_ai.usage.total_tokens": total,
    }


def otel_earlier(usage: Usage, total: int | None) -> dict:
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.system": "openai",
        "gen_ai.usage.prompt_tokens": prompt(usage),
        "gen_ai.usage.completion_tokens": completion(usage),
        "gen_ai.usage.total_tokens": total,
    }


def otel_google(usage: Usage, total: int | None) -> dict:
    """Google's own instrumentations add thoughts to the candidates; the prompt comes without what tools added."""
    return {
        "gen_ai.operation.name": "generate_content",
        "gen_ai.provider.name": "gcp.gemini",
        "gen_ai.usage.input_tokens": prompt(usage),
        "gen_ai.usage.cache_read.input_tokens": some(usage["cache_read"]),
        "gen_ai.usage.output_tokens": completion(usage),
        "gen_ai.usage.reasoning.output_tokens": usage["reasoning"],
        "gen_ai.usage.details.tool_use_prompt_tokens": some(usage["tool_use"]),
        "gen_ai.usage.total_tokens": total,
    }


def otel_xai(usage: Usage, total: int | None) -> dict:
    """xAI: completion_tokens come without reasoning_tokens, whatever the attribute is called."""
    return otel(usage, total) | {
        "gen_ai.provider.name": "x_ai",
        "gen_ai.usage.output_tokens": usage["answer"],
    }


def openinference(usage: Usage, total: int | None) -> dict:
    return {
        "openinference.span.kind": "LLM",
        "llm.provider": "openai",
        "llm.token_count.prompt": prompt(usage),
        "llm.token_count.prompt_details.cache_read": some(usage["cache_read"]),
        "llm.token_count.prompt_details.cache_write": some(written(usage)),
        "llm.token_count.prompt_details.audio": some(usage["audio_in"]),
        "llm.token_count.completion": completion(usage),
        "llm.token_count.completion_details.reasoning": some(usage["reasoning"]),
        "llm.token_count.completion_details.audio": some(usage["audio_out"]),
        "llm.token_count.total": total,
    }


def traceloop(usage: Usage, total: int | None) -> dict:
    """OpenLLMetry's Anthropic package adds cached tokens to the prompt."""
    return {
        "llm.request.type": "chat",
        "gen_ai.system": "Anthropic",
        "gen_ai.usage.prompt_tokens": prompt(usage),
        "gen_ai.usage.cache_read_input_tokens": some(usage["cache_read"]),
        "gen_ai.usage.cache_creation_input_tokens": some(written(usage)),
        "gen_ai.usage.completion_tokens": completion(usage),
        "llm.usage.total_tokens": total,
    }


def traceloop_bedrock(usage: Usage, total: int | None) -> dict:
    """OpenLLMetry's Bedrock package hands on Converse's inputTokens, which come without cached ones."""
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "aws.bedrock",
        "gen_ai.usage.input_tokens": usage["text"],
        "gen_ai.usage.cache_read.input_tokens": some(usage["cache_read"]),
        "gen_ai.usage.cache_creation.input_tokens": some(written(usage)),
        "gen_ai.usage.output_tokens": usage["answer"],
        "gen_ai.usage.total_tokens": total,
    }


def strands(usage: Usage, total: int | None) -> dict:
    """Strands hands on Bedrock Converse's TokenUsage; the total is Bedrock's."""
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.system": "strands-agents",
        "gen_ai.usage.prompt_tokens": usage["text"],
        "gen_ai.usage.input_tokens": usage["text"],
        "gen_ai.usage.completion_tokens": usage["answer"],
        "gen_ai.usage.output_tokens": usage["answer"],
        "gen_ai.usage.cache_read_input_tokens": usage["cache_read"],
        "gen_ai.usage.cache_write_input_tokens": written(usage),
        "gen_ai.usage.total_tokens": total,
    }


def aisdk_v4(usage: Usage, total: int | None) -> dict:
    return {
        "ai.operationId": "ai.generateText.doGenerate",
        "ai.model.provider": "openai.chat",
        "gen_ai.system": "openai.chat",
        "ai.usage.promptTokens": prompt(usage),
        "ai.usage.completionTokens": completion(usage),
        "gen_ai.usage.input_tokens": prompt(usage),
        "gen_ai.usage.output_tokens": completion(usage),
        "ai.response.providerMetadata": json.dumps(
            {
                "openai": filled(
                    {"cachedPromptTokens": some(usage["cache_read"]), "reasoningTokens": some(usage["reasoning"])}
                )
            }
        ),
    }


def aisdk_v4_anthropic(usage: Usage, total: int | None) -> dict:
    return {
        "ai.operationId": "ai.generateText.doGenerate",
        "ai.model.provider": "anthropic.messages",
        "gen_ai.system": "anthropic.messages",
        "ai.usage.promptTokens": usage["text"],
        "ai.usage.completionTokens": usage["answer"],
        "gen_ai.usage.input_tokens": usage["text"],
        "gen_ai.usage.output_tokens": usage["answer"],
        "ai.response.providerMetadata": json.dumps(
            {"anthropic": {"cacheCreationInputTokens": written(usage), "cacheReadInputTokens": usage["cache_read"]}}
        ),
    }


def aisdk_v5(usage: Usage, total: int | None) -> dict:
    return {
        "ai.operationId": "ai.streamText.doStream",
        "ai.model.provider": "openai.responses",
        "gen_ai.system": "openai.responses",
        "ai.usage.inputTokens": prompt(usage),
        "ai.usage.cachedInputTokens": some(usage["cache_read"]),
        "ai.usage.outputTokens": completion(usage),
        "ai.usage.reasoningTokens": some(usage["reasoning"]),
        "ai.usage.totalTokens": total,
        "gen_ai.usage.input_tokens": prompt(usage),
        "gen_ai.usage.output_tokens": completion(usage),
    }


def aisdk_v5_anthropic(usage: Usage, total: int | None) -> dict:
    split = {
        "ephemeral_5m_input_tokens": usage["cache_write_5m"],
        "ephemeral_1h_input_tokens": usage["cache_write_1h"],
    }
    raw = {
        "input_tokens": usage["text"],
        "output_tokens": usage["answer"],
        "cache_read_input_tokens": usage["cache_read"],
        "cache_creation_input_tokens": written(usage),
        "cache_creation": split,
    }
    return {
        "ai.operationId": "ai.streamText.doStream",
        "ai.model.provider": "anthropic.messages",
        "gen_ai.system": "anthropic.messages",
        "ai.usage.inputTokens": usage["text"],
        "ai.usage.cachedInputTokens": some(usage["cache_read"]),
        "ai.usage.outputTokens": usage["answer"],
        "ai.usage.totalTokens": total,
        "gen_ai.usage.input_tokens": usage["text"],
        "gen_ai.usage.output_tokens": usage["answer"],
        "ai.response.providerMetadata": json.dumps(
            {"anthropic": {"usage": raw, "cacheCreationInputTokens": written(usage)}}
        ),
    }


def aisdk_v5_google(usage: Usage, total: int | None) -> dict:
    """Google's candidates and thoughts stand apart; the total is Google's."""
    return {
        "ai.operationId": "ai.generateText.doGenerate",
        "ai.model.provider": "google.generative-ai",
        "gen_ai.system": "google.generative-ai",
        "ai.usage.inputTokens": prompt(usage),
        "ai.usage.cachedInputTokens": some(usage["cache_read"]),
        "ai.usage.outputTokens": usage["answer"],
        "ai.usage.reasoningTokens": usage["reasoning"],
        "ai.usage.totalTokens": total,
        "gen_ai.usage.input_tokens": prompt(usage),
        "gen_ai.usage.output_tokens": usage["answer"],
    }


def aisdk_v5_xai(usage: Usage, total: int | None) -> dict:
    return aisdk_v5(usage, total) | {
        "ai.model.provider": "xai.chat",
        "gen_ai.system": "xai.chat",
        "ai.usage.outputTokens": usage["answer"],
        "gen_ai.usage.output_tokens": usage["answer"],
    }


def aisdk_v6(usage: Usage, total: int | None) -> dict:
    """Since v6 every provider's input includes cached tokens, and details say which."""
    return {
        "ai.operationId": "ai.streamText.doStream",
        "ai.model.provider": "anthropic.messages",
        "gen_ai.system": "anthropic.messages",
        "ai.usage.inputTokens": prompt(usage),
        "ai.usage.inputTokenDetails.noCacheTokens": usage["text"],
        "ai.usage.inputTokenDetails.cacheReadTokens": usage["cache_read"],
        "ai.usage.inputTokenDetails.cacheWriteTokens": written(usage),
        "ai.usage.cachedInputTokens": usage["cache_read"],
        "ai.usage.outputTokens": completion(usage),
        "ai.usage.outputTokenDetails.textTokens": usage["answer"],
        "ai.usage.outputTokenDetails.reasoningTokens": usage["reasoning"],
        "ai.usage.reasoningTokens": usage["reasoning"],
        "ai.usage.totalTokens": total,
        "gen_ai.usage.input_tokens": prompt(usage),
        "gen_ai.usage.output_tokens": completion(usage),
    }


def langfuse_record(usage_details: dict) -> dict:
    return {"type": "GENERATION", "usage_details": json.dumps(filled(usage_details))}


def langfuse(usage: Usage, total: int | None) -> dict:
    """Langfuse's documented usage types are disjoint; its total is their sum where the client gives none."""
    return langfuse_record(
        {
            "input": usage["text"],
            "input_cached_tokens": some(usage["cache_read"]),
            "input_cache_creation_5m": some(usage["cache_write_5m"]),
            "input_cache_creation_1h": some(usage["cache_write_1h"]),
            "input_audio_tokens": some(usage["audio_in"]),
            "output": usage["answer"],
            "output_reasoning_tokens": some(usage["reasoning"]),
            "output_audio_tokens": some(usage["audio_out"]),
            "total": total,
        }
    )


def langfuse_anthropic(usage: Usage, total: int | None) -> dict:
    """Anthropic's own names, as integrations hand them on."""
    return langfuse_record(
        {
            "input": usage["text"],
            "cache_read_input_tokens": some(usage["cache_read"]),
            "cache_creation_input_tokens": some(written(usage)),
            "output": usage["answer"],
            "total": total,
        }
    )


def langfuse_wrapper(usage: Usage, total: int | None) -> dict:
    """The TypeScript wrapper of OpenAI's client: its counts under Langfuse's disjoint names, with OpenAI's total."""
    return langfuse_record(
        {
            "input": prompt(usage),
            "input_cached_tokens": some(usage["cache_read"]),
            "input_audio_tokens": some(usage["audio_in"]),
            "output": completion(usage),
            "output_reasoning_tokens": some(usage["reasoning"]),
            "output_audio_tokens": some(usage["audio_out"]),
            "total": total,
        }
    )


def langfuse_earlier(usage: Usage, total: int | None) -> dict:
    """Langfuse v2: three counts of a unit, twice; a total that the client leaves out is the sum of the two others."""
    counts = {"input": prompt(usage), "output": completion(usage), "total": total}
    return filled(
        {
            "type": "GENERATION",
            "usage": {**filled(counts), "unit": "TOKENS"},
            "promptTokens": counts["input"],
            "completionTokens": counts["output"],
            "totalTokens": total,
        }
    )


def litellm(usage: Usage, total: int | None) -> dict:
    """SpendLogs: OpenAI's shape for every provider."""
    return {
        "prompt_tokens": prompt(usage),
        "completion_tokens": completion(usage),
        "total_tokens": total,
        "metadata": json.dumps(
            {
                "usage_object": {
                    "prompt_tokens": prompt(usage),
                    "completion_tokens": completion(usage),
                    "total_tokens": total,
                    "prompt_tokens_details": {"cached_tokens": usage["cache_read"]},
                    "completion_tokens_details": {"reasoning_tokens": usage["reasoning"]},
                    "cache_read_input_tokens": usage["cache_read"],
                    "cache_creation_input_tokens": written(usage),
                }
            }
        ),
    }


def pydantic_ai(usage: Usage, total: int | None) -> dict:
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.usage.input_tokens": prompt(usage),
        "gen_ai.usage.output_tokens": completion(usage),
        "gen_ai.usage.details.cache_read_tokens": some(usage["cache_read"]),
        "gen_ai.usage.details.cache_write_tokens": some(written(usage)),
        "gen_ai.usage.details.input_audio_tokens": some(usage["audio_in"]),
        "gen_ai.usage.details.output_audio_tokens": some(usage["audio_out"]),
        "gen_ai.usage.details.reasoning_tokens": some(usage["reasoning"]),
    }


def langsmith(usage: Usage, total: int | None) -> dict:
    """LangSmith's OTel exporter: usage_metadata, whose details break its counts down, as JSON text."""
    return {
        "langsmith.span.kind": "llm",
        "gen_ai.operation.name": "chat",
        "gen_ai.system": "openai",
        "gen_ai.usage.input_tokens": prompt(usage),
        "gen_ai.usage.output_tokens": completion(usage),
        "gen_ai.usage.total_tokens": total,
        "gen_ai.usage.input_token_details": json.dumps(
            filled({"cache_read": some(usage["cache_read"]), "cache_creation": some(written(usage)),
                    "audio": some(usage["audio_in"])})
        ),
        "gen_ai.usage.output_token_details": json.dumps(
            filled({"reasoning": some(usage["reasoning"]), "audio": some(usage["audio_out"])})
        ),
    }  # fmt: skip


def sentry(usage: Usage, total: int | None) -> dict:
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "anthropic",
        "gen_ai.usage.input_tokens": prompt(usage),
        "gen_ai.usage.input_tokens.cached": some(usage["cache_read"]),
        "gen_ai.usage.input_tokens.cache_write": some(written(usage)),
        "gen_ai.usage.output_tokens": completion(usage),
        "gen_ai.usage.output_tokens.reasoning": some(usage["reasoning"]),
        "gen_ai.usage.total_tokens": total,
    }


def mlflow(usage: Usage, total: int | None) -> dict:
    """Values of MLflow's attributes are JSON texts."""
    counts = {"input_tokens": prompt(usage), "output_tokens": completion(usage), "total_tokens": total}
    return {
        "mlflow.spanType": json.dumps("CHAT_MODEL"),
        "mlflow.llm.model": json.dumps("gpt-4o"),
        "mlflow.chat.tokenUsage": json.dumps(filled(counts)),
    }


def answered(answer: dict, provider: str) -> dict:
    """The provider's answer as OpenInference keeps it."""
    return {"openinference.span.kind": "LLM", "llm.provider": provider, "output.value": json.dumps(answer)}


def raw_anthropic(usage: Usage, total: int | None) -> dict:
    split = {
        "ephemeral_5m_input_tokens": usage["cache_write_5m"],
        "ephemeral_1h_input_tokens": usage["cache_write_1h"],
    }
    counts = {
        "input_tokens": usage["text"],
        "cache_creation_input_tokens": written(usage),
        "cache_read_input_tokens": usage["cache_read"],
        "cache_creation": split,
        "output_tokens": usage["answer"],
    }
    return answered({"type": "message", "usage": counts}, "anthropic")


def raw_openai_chat(usage: Usage, total: int | None) -> dict:
    counts = {
        "prompt_tokens": prompt(usage),
        "completion_tokens": completion(usage),
        "total_tokens": total,
        "prompt_tokens_details": {"cached_tokens": usage["cache_read"], "audio_tokens": usage["audio_in"]},
        "completion_tokens_details": {"reasoning_tokens": usage["reasoning"], "audio_tokens": usage["audio_out"]},
    }
    return answered({"object": "chat.completion", "usage": filled(counts)}, "openai")


def raw_xai(usage: Usage, total: int | None) -> dict:
    counts = {
        "prompt_tokens": prompt(usage),
        "completion_tokens": usage["answer"],
        "total_tokens": total,
        "prompt_tokens_details": {"cached_tokens": usage["cache_read"]},
        "completion_tokens_details": {"reasoning_tokens": usage["reasoning"]},
    }
    return answered({"object": "chat.completion", "usage": filled(counts)}, "xai")


def raw_openai_responses(usage: Usage, total: int | None) -> dict:
    counts = {
        "input_tokens": prompt(usage),
        "input_tokens_details": {"cached_tokens": usage["cache_read"]},
        "output_tokens": completion(usage),
        "output_tokens_details": {"reasoning_tokens": usage["reasoning"]},
        "total_tokens": total,
    }
    return answered({"object": "response", "usage": filled(counts)}, "openai")


def gemini_counts(usage: Usage, total: int | None) -> dict:
    """ai.google.dev, UsageMetadata: the total is prompt, tool use, candidates and thoughts."""
    return filled(
        {
            "promptTokenCount": prompt(usage),
            "cachedContentTokenCount": some(usage["cache_read"]),
            "candidatesTokenCount": usage["answer"],
            "thoughtsTokenCount": some(usage["reasoning"]),
            "toolUsePromptTokenCount": some(usage["tool_use"]),
            "totalTokenCount": total,
        }
    )


def raw_gemini(usage: Usage, total: int | None) -> dict:
    return answered({"candidates": [], "usageMetadata": gemini_counts(usage, total)}, "google")


def adk(usage: Usage, total: int | None) -> dict:
    """Google's ADK keeps the answer, with its counts in snake case, in an attribute of its own."""
    snake = {
        "".join(f"_{sign.lower()}" if sign.isupper() else sign for sign in name): count
        for name, count in gemini_counts(usage, total).items()
    }
    return {
        "gen_ai.system": "gcp.vertex.agent",
        "gen_ai.usage.input_tokens": prompt(usage),
        "gen_ai.usage.output_tokens": provider_total(usage),
        "gcp.vertex.agent.llm_response": json.dumps({"content": {}, "usage_metadata": snake}),
    }


def raw_converse(usage: Usage, total: int | None) -> dict:
    counts = {
        "inputTokens": usage["text"],
        "outputTokens": usage["answer"],
        "totalTokens": total,
        "cacheReadInputTokens": usage["cache_read"],
        "cacheWriteInputTokens": written(usage),
    }
    return answered({"usage": filled(counts)}, "aws.bedrock")


def prompt_and_completion(usage: Usage) -> int:
    return prompt(usage) + completion(usage)


def uncached(usage: Usage) -> int:
    return usage["text"] + usage["answer"]


LIFETIME = {"cache_write_1h": "cache_write_5m"}
CACHES, WRITES = "cache_read cache_write_5m cache_write_1h ", "cache_write_5m cache_write_1h "
DIALECTS = {
    "OTel GenAI": Dialect(otel, CACHES + "reasoning audio_in audio_out", None, False,
                          {**LIFETIME, "audio_in": "text", "audio_out": "answer"}),
    "OTel GenAI with a total": Dialect(otel, CACHES + "reasoning", prompt_and_completion, True, LIFETIME),
    "OTel GenAI, Google": Dialect(otel_google, "cache_read reasoning tool_use", provider_total),
    "OTel GenAI, xAI": Dialect(otel_xai, "cache_read reasoning", provider_total),
    "OTel GenAI, earlier": Dialect(otel_earlier, "cache_read reasoning", prompt_and_completion, True,
                                   {"cache_read": "text", "reasoning": "answer"}),
    "OpenInference": Dialect(openinference, CACHES + "reasoning audio_in audio_out", prompt_and_completion, True,
                             LIFETIME),
    "Traceloop": Dialect(traceloop, CACHES, prompt_and_completion, True, LIFETIME),
    "Traceloop, Bedrock": Dialect(traceloop_bedrock, CACHES, uncached, False, LIFETIME,
                                  "opentelemetry.instrumentation.bedrock"),
    "Strands": Dialect(strands, CACHES, None, True, LIFETIME, "strands.telemetry.tracer"),
    "AI SDK v4": Dialect(aisdk_v4, "cache_read reasoning", None, False),
    "AI SDK v4, Anthropic": Dialect(aisdk_v4_anthropic, CACHES, None, False, LIFETIME),
    "AI SDK v5": Dialect(aisdk_v5, "cache_read reasoning", prompt_and_completion),
    "AI SDK v5, Anthropic": Dialect(aisdk_v5_anthropic, CACHES, uncached, False),
    "AI SDK v5, Google": Dialect(aisdk_v5_google, "cache_read reasoning", None),
    "AI SDK v5, xAI": Dialect(aisdk_v5_xai, "cache_read reasoning", None),
    "AI SDK v6": Dialect(aisdk_v6, CACHES + "reasoning", prompt_and_completion, False, LIFETIME),
    "Langfuse": Dialect(langfuse, CACHES + "reasoning audio_in audio_out", provider_total, form="langfuse"),
    "Langfuse, Anthropic's names": Dialect(langfuse_anthropic, CACHES, provider_total, True, LIFETIME, form="langfuse"),
    "Langfuse, TypeScript wrapper": Dialect(langfuse_wrapper, "cache_read reasoning audio_in audio_out",
                                            None, form="langfuse", has_none=False),
    "Langfuse v2": Dialect(langfuse_earlier, "cache_read reasoning", prompt_and_completion, False,
                           {"cache_read": "text", "reasoning": "answer"}, form="langfuse"),
    "LiteLLM": Dialect(litellm, CACHES + "reasoning", prompt_and_completion, False, LIFETIME, form="litellm"),
    "pydantic-ai": Dialect(pydantic_ai, CACHES + "reasoning audio_in audio_out", None, False, LIFETIME),
    "LangSmith": Dialect(langsmith, CACHES + "reasoning audio_in audio_out", prompt_and_completion, False, LIFETIME),
    "Sentry": Dialect(sentry, CACHES + "reasoning", prompt_and_completion, True, LIFETIME),
    "MLflow": Dialect(mlflow, "cache_read reasoning", prompt_and_completion, False,
                      {"cache_read": "text", "reasoning": "answer"}),
    "Anthropic": Dialect(raw_anthropic, CACHES, None, False),
    "OpenAI chat": Dialect(raw_openai_chat, "cache_read reasoning audio_in audio_out", None),
    "OpenAI responses": Dialect(raw_openai_responses, "cache_read reasoning", None),
    "xAI": Dialect(raw_xai, "cache_read reasoning", None),
    "Gemini": Dialect(raw_gemini, "cache_read reasoning tool_use", None),
    "Google ADK": Dialect(adk, "cache_read reasoning tool_use", None),
    "Bedrock Converse": Dialect(raw_converse, CACHES, None, True, LIFETIME),
}  # fmt: skip
