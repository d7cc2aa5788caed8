"""What is on the bill: a gateway's own account is evidence, what is AI is in scope, and a day is the provider's."""

import json
from decimal import Decimal

from exports import COSTS, FOCUS, company, cost, focus, treated, write

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
