"""The price book by the models' own SQL: names and meters as written, prices as known, what real usage costs."""

import ast
import json
import re
from collections import Counter
from datetime import date
from decimal import Decimal

import duckdb
import pytest
import yaml
from conftest import PROJECT, REAL
from exports import batch, chat, span
from rendering import TEXTS, macro_sql

import land
import make_prices

SEEDS = yaml.safe_load((PROJECT / "models/staging/catalog/_catalog__seeds.yml").read_text())["seeds"]
TYPES = {seed["name"]: seed["config"]["column_types"] for seed in SEEDS}
USAGES = REAL / "genai_prices" / "usages_dev.json"
# The prices stated are those before the first repricing that the book dates.
STATED_ON = date(2026, 3, 1)


CALL_METERS = ast.literal_eval(re.search(r"return\((\[.*?\])\)", TEXTS["call_meters"], re.DOTALL)[1])


def rendered(model: str, **variables) -> str:
    """A pricing model's SQL, its references as plain table names."""
    (path,) = (PROJECT / "models/intermediate").rglob(f"{model}.sql")
    return macro_sql(path.read_text(), **variables)


def engine_with(*seeds: str) -> duckdb.DuckDBPyConnection:
    engine = duckdb.connect()
    for seed in seeds:
        path, types = PROJECT / "seeds/reference" / f"{seed}.csv", TYPES[seed]
        columns = ", ".join(f"'{name}': '{kind}'" for name, kind in types.items())
        engine.execute(f"create table {seed} as select * from read_csv('{path}', columns = {{{columns}}})")
    return engine


def build(engine, *models: str, **variables) -> None:
    for model in models:
        engine.execute(f"create or replace table {model} as {rendered(model, **variables)}")


def name_tables(engine, names: list[tuple[str, str]]) -> None:
    """The tables that the resolvers read names from: each text is a meter of a kind of bill line of its own."""
    engine.execute("create table model_names (provider varchar, model_name varchar)")
    kind = "kind_id file_kind file_role provider service_name sku description category model_name meter_name ai_sign"
    rule = "priority provider service_name sku description treatment model meter"
    driver = "driver_id provider service_name sku description capacity_per_unit"
    tables = {"int_bill_lines": kind, "provider_aliases": "kind pattern", "charge_rules": rule}
    for table, columns in (tables | {"stg_catalog__cost_drivers": driver}).items():
        engine.execute(f"create table {table} ({', '.join(f'{name} varchar' for name in columns.split())})")
    rows = [(provider, text.lower()) for provider, text in names]
    engine.executemany("insert into model_names values (?, ?)", rows)
    lines = [(f"{provider} {text}", "bill", provider, text) for provider, text in rows]
    engine.executemany(
        "insert into int_bill_lines (kind_id, file_role, provider, meter_name) values (?, ?, ?, ?)", lines
    )


def resolve_models(engine) -> None:
    sql = macro_sql("with {{ resolved_models('model_names', 'model_aliases') }}")
    engine.execute(f"create or replace table models as {sql}")


WRITTEN = """
anthropic|Claude Haiku 3.5|claude-3-5-haiku-latest|
anthropic|Claude Haiku 4.5|claude-haiku-4-5|
anthropic|Claude Sonnet 4|claude-sonnet-4-0|
anthropic|Claude Sonnet 4.5|claude-sonnet-4-5|
anthropic|Claude Opus 4.1|claude-opus-4-1|
anthropic|Claude Opus 4|claude-opus-4-0|
anthropic|Claude Opus 4.8|claude-opus-4-8|
anthropic|Claude 3.5 Sonnet 2024-10-22|claude-3-5-sonnet|
anthropic|Claude 3 Opus|claude-3-opus-latest|
anthropic|Claude 4.5 Sonnet|claude-sonnet-4-5|
anthropic|Claude Opus 4.99|claude opus 4.99|
anthropic|claude-sonnet-4-5-20250929|claude-sonnet-4-5|
anthropic|anthropic/claude-sonnet-4.5|claude-sonnet-4-5|
openai|gpt-5-nano-2025-08-07|gpt-5-nano|
openai|gpt-4o-mini-2024-07-18|gpt-4o-mini|
openai|gpt-4o-2024-05-13|gpt-4o-2024-05-13|
openai|gpt-4o-2026-12-31|gpt-4o|
openai|openai/gpt-5|gpt-5|
google|gemini-2.5-flash-preview-09-2025|gemini-2.5-flash|
google|claude-sonnet-4-5@20250929|claude-sonnet-4-5|
google|publishers/google/models/gemini-2.5-flash|gemini-2.5-flash|
google|models/gemini-2.5-flash|gemini-2.5-flash|
aws|anthropic.claude-sonnet-4-5-20250929-v1:0|regional.anthropic.claude-sonnet-4-5-20250929-v1:0|
aws|us.anthropic.claude-sonnet-4-5-20250929-v1:0|regional.anthropic.claude-sonnet-4-5-20250929-v1:0|
aws|eu.anthropic.claude-sonnet-4-5-20250929-v1:0|regional.anthropic.claude-sonnet-4-5-20250929-v1:0|
aws|apac.anthropic.claude-sonnet-4-5-20250929-v1:0|regional.anthropic.claude-sonnet-4-5-20250929-v1:0|
aws|global.anthropic.claude-sonnet-4-5-20250929-v1:0|global.anthropic.claude-sonnet-4-5-20250929-v1:0|
aws|anthropic.claude-3-5-sonnet-20241022-v2:0|regional.anthropic.claude-3-5-sonnet-20241022-v2:0|
aws|meta.llama3-1-70b-instruct-v1:0|meta.llama3-1-70b-instruct-v1:0|
aws|us.amazon.nova-pro-v1:0|amazon.nova-pro-v1:0|
openrouter|openai/gpt-5|openai/gpt-5|
openrouter|openai/gpt-5:nitro|openai/gpt-5|
openrouter|anthropic/claude-sonnet-4.5|anthropic/claude-sonnet-4.5|
openrouter|anthropic/claude-sonnet-4.5:thinking|anthropic/claude-sonnet-4.5|
openrouter|openai/gpt-5:free|openrouter/free|
aws|USE1-Claude4.6Opus-cache-read-input-token-count-cross-region-global|global.anthropic.claude-opus-4-6-v1:0|cache_read
aws|USE1-Claude4.6Opus-cache-write-input-token-count|regional.anthropic.claude-opus-4-6-v1:0|cache_write
aws|USE1-Claude3.5SonnetV2-output-token-count-batch|regional.anthropic.claude-3-5-sonnet-20241022-v2:0|output batch
aws|USE1-anthropic.claude-opus-4-8-mantle-input-tokens-standard|regional.anthropic.claude-opus-4-8-v1:0|input standard
aws|USE1-NovaLite-input-tokens-batch|amazon.nova-lite-v1:0|input batch
aws|MP:APN1_input_tokens_global_standard-Units|mp:apn1_input_tokens_global_standard-units|input standard
azure|gpt-4o-0806-Inp-glbl Tokens|gpt-4o|input
azure|GPT 5 Mini Inpt Glbl 1M Tokens|gpt-5-mini|input
azure|gpt 4o 1120 cached Inp regnl Tokens|gpt-4o|cache_read
azure|gpt 4o 0513 Outp glbl Tokens|gpt-4o-2024-05-13|output
azure|gpt 4o mini 0718 Opt glbl Tokens|gpt-4o-mini|output
azure|gpt 5 cchd Inp glbl Tokens|gpt-5|cache_read
azure|gpt-4.1-mini cached Inp glbl|gpt-4.1-mini|cache_read
azure|text-embedding-3-small glbl|text-embedding-3-small|input
google|Gemini 2.5 Flash GA Thinking Text Output - Predictions|gemini-2.5-flash|output
google|Gemini 2.5 Pro Text Input - Predictions (Long)|gemini-2.5-pro|input
google|Gemini 2.0 Flash Lite GA Text Input|gemini-2.0-flash-lite|input
google|Gemini 2.5 Flash Lite GA Cached Text Input|gemini-2.5-flash-lite|cache_read
google|Gemini 2.5 Flash Input Audio Caching|gemini-2.5-flash|cache_read
google|Gemini 2.5 Flash GA Audio Input - Batch|gemini-2.5-flash|audio_input batch
google|Claude Sonnet 4.5 Input Tokens|claude-sonnet-4-5|input
openai|input||input
openai|cached input||cache_read
openai|cached_input_tokens||cache_read
openai|output||output
openai|output_tokens||output
openai|audio input||audio_input
openai|audio output||audio_output
openai|image input||image_input
openai|web search tool calls||web_search
anthropic|input_no_cache||input
anthropic|uncached_input_tokens||input
anthropic|input_cache_write||cache_write
anthropic|cache_creation.ephemeral_5m_input_tokens||cache_write
anthropic|cache_creation.ephemeral_1h_input_tokens||cache_write_1h
anthropic|input_cache_write_1h||cache_write_1h
anthropic|input_cache_read||cache_read
anthropic|cache_read_input_tokens||cache_read
anthropic|output||output
anthropic|output_tokens||output
anthropic|web_search||web_search
openrouter|tokens||tokens
"""
CASES = [line.split("|") for line in WRITTEN.strip().splitlines()]


@pytest.fixture(scope="module")
def resolved():
    engine = engine_with("model_aliases", "meter_aliases")
    name_tables(engine, [(provider, text) for provider, text, _, _ in CASES])
    resolve_models(engine)
    build(engine, "int_charge_types")
    models = engine.execute("select provider, model_name, model from models").fetchall()
    stated = "substr(kind_id, length(provider) + 2), stated_meter, stated_tier"
    meters = engine.execute(f"select provider, {stated} from int_charge_types").fetchall()
    return {row[:2]: row[2] for row in models}, {row[:2]: row[2:] for row in meters}


@pytest.mark.parametrize(("provider", "text", "model", "meter"), CASES, ids=[f"{case[0]}: {case[1]}" for case in CASES])
def test_names_as_written_are_understood(resolved, provider, text, model, meter):
    models, meters = resolved
    if model:
        assert models[provider, text.lower()] == model
    if meter:
        told, _, tier = meter.partition(" ")
        assert meters[provider, text.lower()] == (told, tier or None)


def test_names_of_the_book_are_resolved_as_the_book_does():
    """Its clauses are tried in order, ours by length: no name that it knows may come out otherwise."""
    names = set()

    def clauses(match):
        inner = getattr(match, "or_", None) or getattr(match, "and_", None)
        return [leaf for clause in inner for leaf in clauses(clause)] if inner else [match]

    for provider in make_prices.data.providers:
        for leaf in (leaf for model in provider.models for leaf in clauses(model.match)):
            kind, (text,) = type(leaf).__name__, leaf.__dict__.values()
            tails = ["", "-20250929", "-preview", "-v1:0"] if kind in ("ClauseStartsWith", "ClauseContains") else [""]
            heads = ["", "us.", "x/"] if kind in ("ClauseEndsWith", "ClauseContains") else [""]
            if kind != "ClauseRegex":
                names |= {(provider.id, f"{head}{text}{tail}".lower()) for head in heads for tail in tails}
    engine = engine_with("model_aliases")
    name_tables(engine, sorted(names))
    resolve_models(engine)
    ours = engine.execute("select provider, model_name, model from models").fetchall()
    books = {provider.id: provider for provider in make_prices.data.providers}
    found = {
        (provider, name): books[provider].find_model(name, all_providers=make_prices.data.providers)
        for provider, name in names
    }
    assert len(ours) == len(names) > 4000
    assert [row for row in ours if row[2] != getattr(found[row[:2]], "id", row[1])] == []


def read_usage(body: dict) -> tuple[str, dict[str, int]]:
    """(who billed it, its disjoint meters) of a raw usage body, by that provider's own convention."""
    usage, file = body.get("usage", {}), body.get("file", "")
    model = body.get("model") or body.get("modelVersion") or ""
    if "usageMetadata" in body:
        return "google", google_meters(body["usageMetadata"])
    if "inputTokens" in usage:
        # Bedrock's Converse: cached tokens stand beside the input.
        read, write = usage.get("cacheReadInputTokens", 0), usage.get("cacheWriteInputTokens", 0)
        return "aws", {"input": usage["inputTokens"], "cache_read": read, "cache_write_5m": write,
                       "output": usage["outputTokens"]}  # fmt: skip
    if "cache_creation_input_tokens" in usage:
        read, write = usage.get("cache_read_input_tokens") or 0, usage["cache_creation_input_tokens"] or 0
        hour = (usage.get("cache_creation") or {}).get("ephemeral_1h_input_tokens") or 0
        return "anthropic", {"input": usage["input_tokens"], "cache_read": read, "cache_write_5m": write - hour,
                             "cache_write_1h": hour, "output": usage["output_tokens"]}  # fmt: skip
    if "billed_units" in {**usage, **body.get("meta", {})}:
        units = {**usage, **body.get("meta", {})}["billed_units"]
        return "cohere", {"input": units["input_tokens"], "output": units.get("output_tokens", 0)}
    # OpenAI's conventions, which all others took over: cached tokens are in the input, reasoning in the output.
    told = usage.get("input_tokens_details") or usage.get("prompt_tokens_details") or {}
    all_input = usage.get("input_tokens", usage.get("prompt_tokens")) or 0
    all_output = usage.get("output_tokens", usage.get("completion_tokens")) or 0
    read, write, audio = (told.get(name) or 0 for name in ("cached_tokens", "cache_write_tokens", "audio_tokens"))
    out = usage.get("output_tokens_details") or usage.get("completion_tokens_details") or {}
    reasoning = out.get("reasoning_tokens") or 0
    meters = {"input": all_input - read - write - audio, "cache_read": read, "cache_write_5m": write,
              "audio_input": audio, "output": all_output - reasoning, "reasoning": reasoning}  # fmt: skip
    if model.startswith("openai."):
        return "aws", meters
    if "is_byok" in usage or "openrouter" in file:
        return "openrouter", meters
    if "queue_time" in usage:
        return "groq", meters
    if "num_cached_tokens" in usage or model.startswith(("mistral", "pixtral")):
        return "mistral", meters
    by_file = [host for host in ("huggingface", "cerebras", "deepseek") if host in file]
    by_model = {"gemini": "google", "glm": "zai", "gpt-oss:": "ollama", "llama-3.3-70b-v": "groq", "llama3": "groq"}
    return next(iter(by_file + [host for sign, host in by_model.items() if sign in model]), "openai"), meters


def google_meters(usage: dict) -> dict[str, int]:
    """Cached tokens are in the prompt, by modality too; a tool's answers and thoughts stand beside it."""

    def tokens(details: str, modality: str) -> int:
        return sum(part.get("tokenCount", 0) for part in usage.get(details, []) if part["modality"] == modality)

    read, read_audio = usage.get("cachedContentTokenCount", 0), tokens("cacheTokensDetails", "AUDIO")
    audio, video = tokens("promptTokensDetails", "AUDIO") - read_audio, tokens("promptTokensDetails", "VIDEO")
    video -= tokens("cacheTokensDetails", "VIDEO")
    all_input = usage["promptTokenCount"] + usage.get("toolUsePromptTokenCount", 0)
    images = tokens("candidatesTokensDetails", "IMAGE")
    return {"input": all_input - read - audio - video, "audio_input": audio, "video_input": video,
            "cache_read": read - read_audio, "cache_read_audio": read_audio,
            "output": usage.get("candidatesTokenCount", 0) - images, "image_output": images,
            "reasoning": usage.get("thoughtsTokenCount", 0)}  # fmt: skip


PRICED = """
select used.call, used.meter, used.quantity * prices.unit_price_usd as usd
from used join int_unit_prices as prices using (provider, model, long_context_tokens, meter)
"""


def priced(engine, calls: list[tuple[str, str, str, dict[str, int]]], day: date, **variables) -> dict[str, tuple]:
    """{call: (input price, output price)} by the SQL of the pricing models; None where a meter has no price."""
    names = sorted({(provider, model.lower()) for _, provider, model, _ in calls})
    name_tables(engine, names)
    resolve_models(engine)
    build(engine, "int_list_prices", **variables)
    models = {row[:2]: row[2] for row in engine.execute("select * from models").fetchall()}
    outputs = ("output", "reasoning", "audio_output", "image_output")
    rows = []
    for call, provider, name, meters in calls:
        context = sum(count for meter, count in meters.items() if meter not in outputs)
        rows += [
            (call, n, provider, models[provider, name.lower()], context, meter) for meter, n in meters.items() if n
        ]
    engine.execute("""
        create table used (
            call varchar, quantity bigint, provider varchar, model varchar, long_context_tokens bigint, meter varchar
        )
    """)
    engine.executemany("insert into used values (?, ?, ?, ?, ?, ?)", rows)
    columns = {meter: macro_sql("{{ meter_column('" + meter + "') }}").strip() for meter in CALL_METERS}
    counts = ", ".join(f"if(meter = '{meter}', quantity, 0) as {column}" for meter, column in columns.items())
    known = f"meter in {tuple(CALL_METERS)}"
    engine.execute(f"""
        create table int_call_providers as
        select *, null::varchar as account_id, null::varchar as tool_meter, 'standard' as service_tier,
            null::varchar as inference_geo, date '{day}' as priced_on, '12:00' as priced_time, 0 as stated_usd,
            true as is_cache_write_timed, {counts}
        from used where {known}
    """)
    # Meters that calls don't count are in usage files.
    engine.execute(f"""
        create table int_usage_of_totals as
        select *, null::varchar as account_id, null::varchar as price_tier, date '{day}' as charged_on,
            meter as call_meter
        from used where not {known}
    """)
    engine.execute("""
        create table int_usage_counts as
        select *, charged_on as usage_on, true as is_unbilled, false as is_billed from int_usage_of_totals limit 0
    """)
    columns = ", ".join(f"{name} {kind}" for name, kind in TYPES["negotiated_prices"].items())
    engine.execute(f"create table negotiated_prices ({columns})")
    build(engine, "int_unit_prices")
    found = {call: [Decimal(0), Decimal(0)] for call, *_ in calls}
    for call, meter, usd in engine.execute(PRICED).fetchall():
        place = meter in outputs
        found[call][place] = None if usd is None or found[call][place] is None else found[call][place] + usd
    return {call: tuple(prices) for call, prices in found.items()}


# Of 526 bodies, 424 come with a price by whoever billed them.
MATCHES = {"anthropic": 78, "aws": 1, "cerebras": 3, "deepseek": 1, "google": 153, "groq": 21, "mistral": 20,
           "openai": 128, "openrouter": 16}  # fmt: skip


@pytest.mark.skipif(not USAGES.exists(), reason="the real usage bodies are not here (shared/real/genai_prices)")
def test_real_usage_costs_what_others_say():
    """Bodies with a stated price, by the provider that billed and by each other that would read them the same way."""
    calls, stated = [], {}
    for number, item in enumerate(json.loads(USAGES.read_text())):
        body, flavours = item["body"], ["responses", "default", "chat"]
        billed_by, meters = read_usage(body)
        model = body.get("model") or body.get("modelVersion") or ""
        # What read the usage as the provider's own interface writes it comes before what happened to read it too.
        readings = [
            ([*flavours, said["api_flavor"]].index(said["api_flavor"]), place, said["provider_id"], said)
            for place, reading in enumerate(item["extracted"])
            for said in reading["extractors"]
            if "input_price" in said
        ]
        own = min((row for row in readings if row[2] == billed_by), default=None, key=lambda row: row[:2])
        calls.append((f"{number} billed", billed_by, model, meters))
        stated[f"{number} billed"] = own and own[3]
        for place in range(len(readings) if own else 0):
            _, reading, provider, said = readings[place]
            if reading == own[1] and provider != billed_by:
                calls.append((f"{number} {place}", provider, model, meters))
                stated[f"{number} {place}"] = said
    prices = priced(
        engine_with("model_aliases", "model_prices", "meter_aliases", "price_multipliers"), calls, STATED_ON
    )
    outcomes, others, differ = Counter(), Counter(), []
    for call, provider, model, _ in calls:
        said, ours = stated[call], prices[call]
        if not said:
            outcomes[provider, "not stated"] += 1
            continue
        theirs = tuple(Decimal(said.get(name, "0")) for name in ("input_price", "output_price"))
        outcome = "matched" if theirs == ours else "unpriced" if None in ours else "differing"
        (outcomes if call.endswith("billed") else others)[provider, outcome] += 1
        differ += [(model, outcome)] if theirs != ours else []
    for (provider, outcome), count in sorted(outcomes.items()):
        print(f"{provider:12} {outcome:12} {count:4}")
    assert {provider: count for (provider, outcome), count in outcomes.items() if outcome == "matched"} == MATCHES
    # Bedrock's OpenAI models were read by the extractor of Anthropic's, which finds no cache writes: all at the input's
    # price. Cerebras' price of that model is not known: theirs is 0, ours none.
    assert sorted(differ) == [("openai.gpt-5.6-luna", "differing")] * 2 + [("qwen-3-coder-480b", "unpriced")]
    assert sum(others.values()) == sum(count for (_, outcome), count in others.items() if outcome == "matched") > 500


def test_the_same_month_costs_what_was_known():
    """Mistral repriced its medium model on 16 June: what is July's price, on 1 June and on 1 July?"""
    calls = [("call", "mistral", "mistral-medium-latest", {"input": 1_000_000, "output": 100_000})]
    for known_on, expected in (("2026-06-01", ("0.4", "0.2")), ("2026-07-01", ("1.5", "0.75")), ("", ("1.5", "0.75"))):
        engine = engine_with("model_aliases", "model_prices", "meter_aliases", "price_multipliers")
        found = priced(engine, calls, date(2026, 7, 15), prices_known_on=known_on)
        assert found == {"call": tuple(Decimal(amount) for amount in expected)}


# Tools' words for a tier, and the tier that each means.
TIER_WORDS = """
default|standard
standard|standard
Standard|standard
standard_only|standard
on_demand|standard
ON_DEMAND|standard
scale|standard
flexible friends|standard
flex|flex
Flex|flex
Flex · Large context (>272K)|flex
ON_DEMAND_FLEX|flex
SERVICE_TIER_FLEX|flex
priority|priority
Priority|priority
ON_DEMAND_PRIORITY|priority
batch|batch
Batch · Large context (>200K)|batch
fast|fast
Fast mode|fast
"""


def tier_of(engine, said: str | None, speed: str | None = None) -> str | None:
    query = macro_sql("select {{ price_tier('$1', '$2') }}")
    return engine.execute(query.replace("'$1'", "$1"), [said, speed]).fetchone()[0]


def test_words_of_a_tier_are_understood():
    with duckdb.connect() as engine:
        words = [line.split("|") for line in TIER_WORDS.strip().splitlines()]
        assert [(word, tier_of(engine, word)) for word, _ in words] == [(word, tier) for word, tier in words]
        speeds = [(None, None), (None, "fast"), (None, "standard"), ("default", "fast")]
        assert [tier_of(engine, *said) for said in speeds] == [None, "fast", "standard", "fast"]


ANSWER = {"id": "r", "model": "m", "usage": {"input_tokens": 100, "output_tokens": 10}}


def answered(**usage) -> dict:
    return {
        "openinference__span__kind": "LLM",
        "output__value": json.dumps({**ANSWER, "usage": {**ANSWER["usage"], **usage}}),
    }


def grounded(model: str, queries: int) -> dict:
    usage = {"promptTokenCount": 100, "candidatesTokenCount": 10, "totalTokenCount": 110}
    candidates = [{"groundingMetadata": {"webSearchQueries": ["q"] * queries}}]
    answer = {"modelVersion": model, "candidates": candidates, "usageMetadata": usage}
    return {"openinference__span__kind": "LLM", "output__value": json.dumps(answer)}


def queries(count: int) -> dict:
    return {"webSearchQueries": ["q"] * count, "groundingChunks": []}


def sdk_grounded(model: str, metadata: dict, provider: str = "google") -> dict:
    return {
        "ai__operationId": "ai.generateText.doGenerate", "gen_ai__response__model": model,
        "ai__response__providerMetadata": json.dumps({provider: {**metadata, "safetyRatings": None}}),
    }  # fmt: skip


# Places where a tier, a speed or a place of computing is stated: attributes, and what must land of them.
PLACES = {
    "response now": ({"openai__response__service_tier": "flex"}, ("flex", None, None)),
    "response earlier": ({"gen_ai__openai__response__service_tier": "flex"}, ("flex", None, None)),
    "response unofficial": ({"gen_ai__response__service_tier": "batch"}, ("batch", None, None)),
    "request now": ({"openai__request__service_tier": "flex"}, ("flex", None, None)),
    "request earlier": ({"gen_ai__openai__request__service_tier": "flex"}, ("flex", None, None)),
    "request unofficial": ({"gen_ai__request__service_tier": "priority"}, ("priority", None, None)),
    "response before request": (
        {"openai__request__service_tier": "priority", "openai__response__service_tier": "default"},
        ("default", None, None),
    ),
    "auto says nothing": (
        {"openai__request__service_tier": "auto", "llm__invocation_parameters": '{"service_tier": "flex"}'},
        ("flex", None, None),
    ),
    "auto alone": ({"openai__request__service_tier": "auto"}, (None, None, None)),
    "none is no answer": (
        {"openai__response__service_tier": "None", "openai__request__service_tier": "flex"}, ("flex", None, None)
    ),
    "invocation parameters": (
        {"llm__invocation_parameters": '{"service_tier": "flex", "speed": "fast", "inference_geo": "us"}'},
        ("flex", "fast", "us"),
    ),
    "AI SDK, OpenAI": ({"ai__response__providerMetadata": '{"openai": {"serviceTier": "flex"}}'}, ("flex", None, None)),
    "AI SDK, Anthropic": (
        {"ai__response__providerMetadata": json.dumps({"anthropic": {"usage": {
            "service_tier": "batch", "speed": "fast", "inference_geo": "us"}}})},
        ("batch", "fast", "us"),
    ),
    "AI SDK, Google": (
        {"ai__response__providerMetadata": '{"google": {"usageMetadata": {"trafficType": "ON_DEMAND_PRIORITY"}}}'},
        ("ON_DEMAND_PRIORITY", None, None),
    ),
    "LangSmith": (
        {"langsmith__metadata__ls_service_tier": "flex", "langsmith__invocation_params": '{"speed": "fast"}'},
        ("flex", "fast", None),
    ),
    "the provider's usage": (answered(service_tier="batch", speed="fast", inference_geo="us"), ("batch", "fast", "us")),
    "older models": (answered(inference_geo="not_available"), (None, None, None)),
    "nobody": ({}, (None, None, None)),
}  # fmt: skip
COUNTED = {
    "anthropic's usage": (answered(server_tool_use={"web_search_requests": 4}), 4),
    "attributes": ({"gen_ai__usage__server_tool_use__web_search_requests": 3}, 3),
    "details": ({"gen_ai__usage__details__web_search_requests": 2}, 2),
    "openai's output": (
        {"openinference__span__kind": "LLM", "output__value": json.dumps({**ANSWER, "output": [
            {"type": "web_search_call", "status": "completed", "action": {"type": "search"}},
            {"type": "web_search_call", "status": "completed"},
            {"type": "web_search_call", "status": "completed", "action": {"type": "open_page"}},
            {"type": "web_search_call", "status": "failed"}, {"type": "message"}]})}, 2,
    ),
    # Google bills a grounded prompt up to Gemini 2.5, and each query since.
    "a grounded prompt": (grounded("gemini-2.5-flash", 3), 1),
    "grounded queries": (grounded("gemini-3-pro-preview", 3), 3),
    "not grounded": (grounded("gemini-2.5-flash", 0), None),
    "AI SDK, a grounded prompt": (sdk_grounded("gemini-2.5-flash", {"groundingMetadata": queries(2)}), 1),
    "AI SDK, grounded queries": (sdk_grounded("gemini-3-pro-preview", {"groundingMetadata": queries(2)}), 2),
    "AI SDK, not grounded": (sdk_grounded("gemini-3-pro-preview", {"groundingMetadata": None}), None),
    # The last request's grounding stands beside that of each.
    "AI SDK, continued": (
        sdk_grounded("gemini-3-pro-preview", {
            "groundingMetadata": queries(1), "groundingMetadataPerRequest": [queries(2), None, queries(1)]}), 3,
    ),
    "AI SDK, continued prompts": (
        sdk_grounded("google/gemini-2.5-pro", {"groundingMetadataPerRequest": [queries(2), None, queries(1)]}), 2
    ),
    "AI SDK on Vertex": (sdk_grounded("gemini-3-pro-preview", {"groundingMetadata": queries(2)}, "vertex"), 2),
}  # fmt: skip
# What is billed by request: a reranker's search units, searches in files.
REQUESTED = {
    "searches in files": (
        {"openinference__span__kind": "LLM", "output__value": json.dumps({**ANSWER, "output": [
            {"type": "file_search_call", "status": "completed", "queries": ["a", "b"]},
            {"type": "file_search_call", "status": "failed"}, {"type": "file_search_call"},
            {"type": "web_search_call"}, {"type": "code_interpreter_call"}, {"type": "message"}]})}, 2,
    ),
    "search units": (
        {"openinference__span__kind": "RERANKER",
         "output__value": json.dumps({"id": "r", "meta": {"billed_units": {"search_units": 3}}})}, 3,
    ),
}  # fmt: skip
# Free beside web tools and for the first hours of a month: it lands, and no call is priced for it.
EXECUTED = {
    "executed code": (answered(server_tool_use={"code_execution_requests": 4, "web_fetch_requests": 2}), 4),
    "a code interpreter": (
        {"openinference__span__kind": "LLM", "output__value": json.dumps({**ANSWER, "output": [
            {"type": "code_interpreter_call"}, {"type": "code_interpreter_call"}, {"type": "message"}]})}, 2,
    ),
    "no code": (answered(server_tool_use={"web_fetch_requests": 2}), None),
}  # fmt: skip


def test_every_place_of_a_tier_and_of_searches_lands(tmp_path):
    cases = {**PLACES, **COUNTED, **REQUESTED, **EXECUTED}
    inbox, data = tmp_path / "inbox", tmp_path / "data"
    inbox.mkdir()
    (inbox / "spans.jsonl").write_text(
        batch([chat(number, 1, **said[0]) for number, said in enumerate(cases.values(), 1)])
    )
    langfuse = {"environment": "production", "parent_observation_id": None, "level": "DEFAULT", "cost_details": {},
                "type": "GENERATION", "provided_model_name": "gpt-5", "usage_details": {"input": 5}, "metadata": {},
                "start_time": "2026-10-05 12:00:00", "end_time": "2026-10-05 12:00:01", "name": "n", "project_id": "p",
                "usage_pricing_tier_name": "Flex", "model_parameters": {"speed": "fast"}}  # fmt: skip
    (inbox / "blob.jsonl").write_text(json.dumps({"id": "o", "trace_id": "langfuse", **langfuse}) + "\n")
    gateway = {"request_id": "b", "call_type": "aretrieve_batch", "model": "gpt-5", "startTime": "2026-10-05 12:00:00",
               "endTime": "2026-10-05 12:00:01", "prompt_tokens": 5, "completion_tokens": 1, "total_tokens": 6,
               "api_key": "k", "spend": 0, "custom_llm_provider": "openai",
               "metadata": json.dumps({"usage_object": {"server_tool_use": {"web_search_requests": 7}}})}  # fmt: skip
    (inbox / "spend.jsonl").write_text(json.dumps(gateway) + "\n")
    assert land.run(inbox, data) == 0
    rows = duckdb.sql(
        "select trace_id, service_tier, speed, inference_geo, web_search_requests, requests,"
        f" code_execution_requests from read_parquet('{data}/landed/spans/*/*.parquet')"
    ).fetchall()
    landed = {trace: rest for trace, *rest in rows}
    assert landed.pop("langfuse") == ["Flex", "fast", None, None, None, None]
    assert landed.pop("litellm:b") == ["batch", None, None, 7, None, None]
    found = {name: landed[f"{number:032x}"] for number, name in enumerate(cases, 1)}
    assert {name: tuple(found[name][:3]) for name in PLACES} == {name: said for name, (_, said) in PLACES.items()}
    assert {name: found[name][3] for name in COUNTED} == {name: count for name, (_, count) in COUNTED.items()}
    assert {name: found[name][5] for name in EXECUTED} == {name: count for name, (_, count) in EXECUTED.items()}
    assert {name: found[name][4] for name in REQUESTED} == {name: count for name, (_, count) in REQUESTED.items()}


def test_tiers_hold_as_long_as_the_standard_price_of_the_day_they_were_seen():
    """Of the book's own rows: each tier that was seen after its standard price began is held back to that."""
    engine = engine_with("model_prices")
    build(engine, "int_list_prices")
    (first,) = engine.execute("select count(*) from int_list_prices where source = 'assumed'").fetchone()
    assert first > 686
    # Prices that were seen first on those days, and those of them that held before as well.
    seen_late = """
        select count(*), count(held.model) from int_list_prices as tiers
        left join int_list_prices as held
            on held.source = 'assumed' and held.valid_to = tiers.valid_from
            and held.unit_price_usd = tiers.unit_price_usd and held.provider = tiers.provider
            and held.model = tiers.model and held.meter = tiers.meter and held.service_tier = tiers.service_tier
            and held.context_over_tokens = tiers.context_over_tokens
        where tiers.service_tier != 'standard' and tiers.source != 'assumed'
        and tiers.valid_from in ('2026-10-12', '2026-10-14')
    """
    assert engine.execute(seen_late).fetchone() == (674, 674)
    price = (
        "select unit_price_usd, valid_from, valid_to, source from int_list_prices where provider = ? and model = ?"
        " and meter = 'input' and service_tier = ? and context_over_tokens = 0 order by valid_from nulls first"
    )
    assert engine.execute(price, ["openai", "gpt-5", "flex"]).fetchall() == [
        (Decimal("0.000000625"), None, date(2026, 10, 12), "assumed"),
        (Decimal("0.000000625"), date(2026, 10, 12), None, "genai-prices 0.2.3"),
    ]  # fmt: skip
    # Nobody knew of the tier on 1 September: what was known then had no price of it.
    build(engine, "int_list_prices", prices_known_on="2026-09-01")
    assert engine.execute(price, ["openai", "gpt-5", "flex"]).fetchall() == []


# provider, server and model as spans write them; who is named, who serves such a name, who made it.
RECOGNISED = """
openai||gpt-4o|openai||openai
OpenAI||gpt-4o|openai||openai
strands-agents||us.anthropic.claude-sonnet-4-5-20250929-v1:0||aws|anthropic
langchain||anthropic.claude-3-haiku-20240307-v1:0||aws|anthropic
langchain||gpt-4o|||openai
ChatOpenAI||gpt-4o|||openai
ChatBedrock||amazon.nova-pro-v1:0|aws|aws|
litellm||openai/gpt-4o||openai|
litellm||bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0||aws|anthropic
crewai||azure/gpt-4o||azure|
portkey||vertex_ai/gemini-2.5-flash||google|
gateway||publishers/google/models/gemini-2.5-flash||google|
gateway||arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc||aws|
gateway||claude-sonnet-4-5@20250929||google|anthropic
google_adk||openai/gpt-4o||openai|
gcp.vertex.agent||gemini-2.5-flash|||google
openai-compatible||llama-3.1-70b|||meta
vllm||gpt-oss-120b|vllm||openai
acme-gw||house-model|||
novita||x|novita||
||us.amazon.nova-pro-v1:0||aws|
"""
SERVERS = {
    "api.openai.com": "openai",
    "eu.api.openai.com": "openai",
    "acme.openai.azure.com": "azure",
    "bedrock-runtime.us-east-1.amazonaws.com": "aws",
    "us-central1-aiplatform.googleapis.com": "google",
    "litellm.internal": None,
}


def test_who_is_meant_by_what_spans_write():
    engine = engine_with("provider_aliases", "model_prices")
    build(engine, "int_list_prices")
    for table in ("int_billing_accounts", "negotiated_prices", "model_deployments"):
        engine.execute(f"create table {table} (provider varchar)")
    said = [line.split("|") for line in RECOGNISED.strip("\n").splitlines()]
    engine.execute("create table int_calls (provider_name varchar, server_address varchar, model_name varchar)")
    rows = [[text or None for text in row[:3]] for row in said]
    rows += [["langchain", server, row[2]] for server in SERVERS for row in said]
    engine.executemany("insert into int_calls values (?, ?, ?)", rows)
    build(engine, "int_recognised_providers")
    query = (
        "select provider_name, model_name, named_provider, serving_provider, vendor, server_provider"
        " from int_recognised_providers where server_address is not distinct from ?"
    )
    found = {row[:2]: row[2:5] for row in engine.execute(query, [None]).fetchall()}
    assert {key: tuple(text or "" for text in told) for key, told in found.items()} == {
        (row[0] or None, row[2]): tuple(row[3:]) for row in said
    }
    for server, provider in SERVERS.items():
        assert {row[5] for row in engine.execute(query, [server]).fetchall()} == {provider}


def test_sound_is_not_priced_as_text_and_places_cost_more():
    calls = [
        ("heard", "openai", "gpt-4o-audio-preview",
         {"input": 200, "audio_input": 800, "output": 100, "audio_output": 400}),
        ("no price of sound", "anthropic", "claude-sonnet-4-5", {"input": 200, "audio_input": 800}),
        ("cached sound", "openai", "gpt-realtime", {"cache_read_audio": 1000}),
        ("an image to Gemini", "google", "gemini-2.5-flash", {"image_input": 1_000_000}),
        ("an image elsewhere", "anthropic", "claude-sonnet-4-5", {"image_input": 1000}),
        ("fine-tuned", "openai", "ft:gpt-4.1-mini-2025-04-14:acme::1", {"input": 1_000_000, "output": 1_000_000}),
    ]  # fmt: skip
    found = priced(
        engine_with("model_aliases", "model_prices", "meter_aliases", "price_multipliers"), calls, date(2026, 10, 20)
    )
    assert found == {
        "heard": (Decimal("0.0325"), Decimal("0.033")),
        "no price of sound": (None, 0),
        "cached sound": (Decimal("0.0004"), 0),
        "an image to Gemini": (Decimal("0.3"), 0),
        "an image elsewhere": (None, 0),
        "fine-tuned": (Decimal("0.8"), Decimal("3.2")),
    }


def answers(model: str, host: str = "api.openai.com", **values) -> dict:
    return {
        "gen_ai__provider__name": "openai", "gen_ai__request__model": model, "server__address": host,
        "gen_ai__usage__input_tokens": 1000, "gen_ai__usage__output_tokens": 100, **values,
    }  # fmt: skip


# What a build prices: a region's uplift holds for models since GPT-5.4 and for tokens alone.
BY_THE_BOOK = {
    "a model of that day": (answers("gpt-5.4"), "0.004"),
    "in a region": (answers("gpt-5.4-2026-03-05", "eu.api.openai.com"), "0.0044"),
    "in a region, by its URL": (answers("gpt-5.4", "https://us.api.openai.com/v1"), "0.0044"),
    "an older model in a region": (answers("gpt-5", "eu.api.openai.com"), "0.00225"),
    "with searches in files, in a region": (
        {"openinference__span__kind": "LLM", "llm__provider": "openai", "server__address": "eu.api.openai.com",
         "output__value": json.dumps({
             "id": "resp", "object": "response", "model": "gpt-5.4", "output": [{"type": "file_search_call"}] * 2,
             "usage": {"input_tokens": 1000, "output_tokens": 100, "total_tokens": 1100}})}, "0.0094",
    ),
    "a reranker": (
        {"gen_ai__operation__name": "rerank", "gen_ai__provider__name": "cohere",
         "gen_ai__request__model": "rerank-v3.5", "gen_ai__usage__search_units": 3}, "0.006",
    ),
    "a reranker behind a gateway": (
        {"gen_ai__operation__name": "rerank", "gen_ai__request__model": "cohere/rerank-v4.0-pro",
         "gen_ai__usage__search_units": 2}, "0.005",
    ),
}  # fmt: skip


def test_searches_units_and_regions_have_a_price(build, tmp_path):
    (tmp_path / "inbox").mkdir()
    spans = [span(number, 1, **values) for number, (values, _) in enumerate(BY_THE_BOOK.values(), 1)]
    (tmp_path / "inbox" / "spans.jsonl").write_text(batch(spans))
    built = build(tmp_path / "inbox")
    assert built.code == 0, built.output
    rows = built.rows("select trace_id, priced_usd, unpriced_reason from marts.attributed_calls")
    found = {trace: (priced, why) for trace, priced, why in rows}
    names = {name: found.get(f"{number:032x}") for number, name in enumerate(BY_THE_BOOK, 1)}
    assert names == {name: (Decimal(priced), None) for name, (_, priced) in BY_THE_BOOK.items()}
