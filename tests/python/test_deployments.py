"""What a company calls its models, what tells a provider, and prices that nobody wrote down, through a whole build."""

from decimal import Decimal

from exports import FOCUS, batch, chat, company, focus, write

DEPLOYMENTS = """provider,account_id,deployment,model,valid_from,valid_to
aws,1234,%application-inference-profile/abc%,us.anthropic.claude-sonnet-4-5-20250929-v1:0,,
aws,,%application-inference-profile/%,us.anthropic.claude-haiku-4-5-20251001-v1:0,,
azure,,chat-prod,gpt-4o,,2026-10-21
azure,,chat-prod,gpt-5,2026-10-21,
,,house-%,gpt-5,,
"""
PROFILE = "arn:aws:bedrock:us-east-1:1234:application-inference-profile/abc123"
BEDROCK = {"ProviderName": "AWS", "ServiceName": "Amazon Bedrock", "BillingAccountId": "999", "SubAccountId": "1234",
           "ConsumedUnit": "1K tokens", "ResourceId": PROFILE}  # fmt: skip
MILLION = {"gen_ai__usage__input_tokens": 1_000_000, "gen_ai__usage__output_tokens": 100_000}


def called(number: int, provider: str, model: str, day: int, **values) -> dict:
    names = {"gen_ai__provider__name": provider, "gen_ai__request__model": model}
    return chat(number, 1, None, (day - 5) * 86400 + 36000, None, **{**names, **MILLION, **values})


def test_deployments_providers_and_assumed_prices(build, tmp_path):
    inbox = tmp_path / "inbox"
    # The bill says no model, but whose profile it is.
    rows = [
        focus(20, amount, **BEDROCK, ConsumedQuantity=quantity, x_UsageType=f"USE1-profile-{kind}-token-count")
        for kind, amount, quantity in (("input", "3.3", "1000"), ("output", "1.65", "100"))
    ]
    write(inbox / "focus.csv", FOCUS + ",ResourceId", rows)
    told = {"openinference__span__kind": "LLM", "gen_ai__usage__input_tokens": 1000, "gen_ai__usage__output_tokens": 0,
            "gen_ai__usage__cache_creation__input_tokens": 1000}  # fmt: skip
    spans = [
        called(1, "aws.bedrock", PROFILE, 20),
        called(2, "azure", "chat-prod", 20),
        called(3, "azure", "azure/chat-prod", 21),
        called(4, "acme-gateway", "house-large", 20),
        called(5, "acme-gateway", "nobody-knows-1", 20),
        called(6, "langchain", "gpt-4o", 20),
        called(7, "openai", "gpt-5", 2, openai__request__service_tier="flex"),
        called(8, "openai", "gpt-4o-audio-preview", 20),
        called(9, "anthropic", "claude-sonnet-4-5", 20, llm__token_count__prompt_details__audio=1000),
        # 1,000 tokens written: 0.00375 for five minutes, 0.006 for an hour.
        called(10, "anthropic", "claude-sonnet-4-5", 20, **told, gen_ai__usage__cost=0.006),
        called(11, "anthropic", "claude-sonnet-4-5", 20, **told, gen_ai__usage__cost=0.00375),
        called(12, "anthropic", "claude-sonnet-4-5", 20, **told, gen_ai__usage__cost=0.0047),
        called(13, "anthropic", "claude-sonnet-4-5", 20, **told),
    ]
    (inbox / "spans.jsonl").write_text(batch(spans))
    built = build(inbox, company(tmp_path, model_deployments=DEPLOYMENTS))
    assert built.code == 0, built.output
    query = """
        select cast('0x' || trace_id as bigint), provider, model, unpriced_reason, priced_usd, billed_usd,
            cache_write_rule, is_price_assumed
        from marts.attributed_calls order by 1
    """
    sonnet, usd = "regional.anthropic.claude-sonnet-4-5-20250929-v1:0", Decimal
    assert built.rows(query) == [
        (1, "aws", sonnet, None, usd("4.95"), usd("4.95"), None, False),
        (2, "azure", "gpt-4o", None, usd("3.5"), None, None, False),
        (3, "azure", "gpt-5", None, usd("2.25"), None, None, False),
        (4, "openai", "gpt-5", None, usd("2.25"), None, None, False),
        (5, "acme-gateway", "nobody-knows-1", "provider_not_known", None, None, None, False),
        (6, "openai", "gpt-4o", None, usd("3.5"), None, None, False),
        (7, "openai", "gpt-5", None, usd("1.125"), None, None, True),
        (8, "openai", "gpt-4o-audio-preview", None, usd("3.5"), None, None, False),
        (9, "anthropic", "claude-sonnet-4-5", "meter_not_in_price_book", None, None, None, False),
        (10, "anthropic", "claude-sonnet-4-5", None, usd("0.006"), None, "stated_cost", False),
        (11, "anthropic", "claude-sonnet-4-5", None, usd("0.00375"), None, "stated_cost", False),
        (12, "anthropic", "claude-sonnet-4-5", None, usd("0.00375"), None, "default", False),
        (13, "anthropic", "claude-sonnet-4-5", None, usd("0.00375"), None, "default", False),
    ]
    assert "1 calls (1.125000 USD) are priced at an assumed tier price" in built.output
