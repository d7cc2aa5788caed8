"""Small writers of clouds' own bills, with the headers that the clouds write."""

import csv
import gzip
import io
import json
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

CUR = (
    "identity/LineItemId,identity/TimeInterval,bill/InvoiceId,bill/InvoicingEntity,bill/BillingEntity,bill/BillType,"
    "bill/PayerAccountId,bill/BillingPeriodStartDate,bill/BillingPeriodEndDate,lineItem/UsageAccountId,"
    "lineItem/LineItemType,lineItem/UsageStartDate,lineItem/UsageEndDate,lineItem/ProductCode,lineItem/UsageType,"
    "lineItem/Operation,lineItem/AvailabilityZone,lineItem/ResourceId,lineItem/UsageAmount,"
    "lineItem/NormalizationFactor,lineItem/NormalizedUsageAmount,lineItem/CurrencyCode,lineItem/UnblendedRate,"
    "lineItem/UnblendedCost,lineItem/BlendedRate,lineItem/BlendedCost,lineItem/LineItemDescription,lineItem/TaxType,"
    "lineItem/LegalEntity,product/ProductName,product/region,product/servicecode,pricing/publicOnDemandCost,"
    "pricing/term,pricing/unit,reservation/EffectiveCost,reservation/ReservationARN,"
    "reservation/UnusedAmortizedUpfrontFeeForBillingPeriod,reservation/UnusedRecurringFee,savingsPlan/SavingsPlanARN,"
    "savingsPlan/SavingsPlanEffectiveCost,savingsPlan/TotalCommitmentToDate,savingsPlan/UsedCommitment,"
    "resourceTags/user:team"
)
# A customer agreement's export; an enterprise agreement's has other names, pay-as-you-go's yet others.
AZURE = (
    "invoiceId,previousInvoiceId,billingAccountId,billingAccountName,billingProfileId,billingProfileName,"
    "invoiceSectionId,invoiceSectionName,resellerName,resellerMpnId,costCenter,billingPeriodEndDate,"
    "billingPeriodStartDate,servicePeriodEndDate,servicePeriodStartDate,date,serviceFamily,productOrderId,"
    "productOrderName,consumedService,meterId,meterName,meterCategory,meterSubCategory,meterRegion,ProductId,"
    "ProductName,SubscriptionId,subscriptionName,publisherType,publisherId,publisherName,resourceGroupName,ResourceId,"
    "resourceLocation,location,effectivePrice,quantity,unitOfMeasure,chargeType,billingCurrency,pricingCurrency,"
    "costInBillingCurrency,costInPricingCurrency,costInUsd,paygCostInBillingCurrency,paygCostInUsd,"
    "exchangeRatePricingToBilling,exchangeRateDate,isAzureCreditEligible,serviceInfo1,serviceInfo2,additionalInfo,tags,"
    "PayGPrice,frequency,term,reservationId,reservationName,pricingModel,unitPrice,costAllocationRuleName,benefitId,"
    "benefitName,provider"
)
ENTERPRISE = (
    "InvoiceSectionName,AccountName,AccountOwnerId,SubscriptionId,SubscriptionName,ResourceGroup,ResourceLocation,Date,"
    "ProductName,MeterCategory,MeterSubCategory,MeterId,MeterName,MeterRegion,UnitOfMeasure,Quantity,EffectivePrice,"
    "CostInBillingCurrency,CostCenter,ConsumedService,ResourceId,Tags,OfferId,AdditionalInfo,ServiceInfo1,ServiceInfo2,"
    "ResourceName,ReservationId,ReservationName,UnitPrice,ProductOrderId,ProductOrderName,Term,PublisherType,"
    "PublisherName,ChargeType,Frequency,PricingModel,AvailabilityZone,BillingAccountId,BillingAccountName,"
    "BillingCurrencyCode,BillingPeriodStartDate,BillingPeriodEndDate,BillingProfileId,BillingProfileName,"
    "InvoiceSectionId,IsAzureCreditEligible,PartNumber,PayGPrice,PlanName,ServiceFamily,CostAllocationRuleName,"
    "benefitId,benefitName"
)
PAY_AS_YOU_GO = (
    "SubscriptionGuid,ResourceGroup,ResourceLocation,UsageDateTime,MeterCategory,MeterSubCategory,MeterId,MeterName,"
    "MeterRegion,UsageQuantity,ResourceRate,PreTaxCost,ConsumedService,ResourceType,InstanceId,Tags,OfferId,"
    "AdditionalInfo,ServiceInfo1,ServiceInfo2,ServiceName,ServiceTier,Currency,UnitOfMeasure"
)
GENERATION = {
    "id": "gen-1", "upstream_id": "chatcmpl-1", "total_cost": 0.0015, "cache_discount": None,
    "upstream_inference_cost": 0.0014, "created_at": "2026-10-05T08:30:00.433273+00:00", "model": "openai/gpt-4.1",
    "app_id": 12345, "streamed": True, "cancelled": False, "provider_name": "OpenAI", "latency": 1250,
    "moderation_latency": 50, "generation_time": 1200, "finish_reason": "stop", "tokens_prompt": 10,
    "tokens_completion": 25, "native_tokens_prompt": 11, "native_tokens_completion": 26, "native_tokens_reasoning": 5,
    "native_tokens_cached": 3, "num_media_prompt": None, "num_search_results": None, "origin": "https://example.com",
    "usage": 0.0015, "is_byok": False, "native_finish_reason": "stop", "external_user": "u", "api_type": "completions",
}  # fmt: skip
ACTIVITY = {
    "date": "2026-10-03", "model": "openai/gpt-4.1", "model_permaslug": "openai/gpt-4.1-2025-04-14",
    "endpoint_id": "550e8400-e29b-41d4-a716-446655440000", "provider_name": "OpenAI", "usage": 0.015,
    "byok_usage_inference": 0.012, "requests": 5, "prompt_tokens": 50, "completion_tokens": 125, "reasoning_tokens": 25,
}  # fmt: skip


def cur_row(cost: str, kind: str = "Usage", day: int = 5, **values) -> dict:
    """A line of Bedrock; keyword names write `__` for a slash, and a pair of dates for a longer period."""
    begin, end = values.pop("period", (f"2026-10-{day:02}", f"2026-10-{day + 1:02}"))
    return {
        "bill/BillingEntity": "AWS", "bill/PayerAccountId": "111122223333",
        "bill/BillingPeriodStartDate": "2026-10-01T00:00:00Z", "bill/BillingPeriodEndDate": "2026-11-01T00:00:00Z",
        "lineItem/UsageAccountId": "444455556666", "lineItem/LineItemType": kind,
        "lineItem/UsageStartDate": f"{begin}T00:00:00Z", "lineItem/UsageEndDate": f"{end}T00:00:00Z",
        "lineItem/ProductCode": "AmazonBedrock", "lineItem/CurrencyCode": "USD", "lineItem/UnblendedCost": cost,
        "lineItem/LegalEntity": "Amazon Web Services, Inc.", "product/ProductName": "Amazon Bedrock",
        "product/region": "us-east-1", **{name.replace("__", "/"): value for name, value in values.items()},
    }  # fmt: skip


def azure_row(cost: str, kind: str = "Usage", day: int = 5, **values) -> dict:
    return {
        "billingAccountId": "8608480", "date": f"10/{day:02}/2026", "billingPeriodStartDate": "10/01/2026",
        "billingPeriodEndDate": "10/31/2026", "meterCategory": "Cognitive Services",
        "meterSubCategory": "Azure OpenAI", "SubscriptionId": "64e3", "chargeType": kind, "billingCurrency": "USD",
        "costInBillingCurrency": cost, "pricingModel": "OnDemand", "publisherName": "Microsoft", **values,
    }  # fmt: skip


def google_row(cost: float, day: int = 5, credits: tuple = (), **values) -> dict:
    """A row as BigQuery writes it into JSON; the day begins at 07:00 UTC."""
    return {
        "billing_account_id": "01AB-02CD", "service": {"id": "C7E2", "description": "Vertex AI"},
        "sku": {"id": "S-1", "description": "Gemini 2.5 Flash GA Text Input - Predictions"},
        "usage_start_time": f"2026-10-{day:02} 07:00:00 UTC", "usage_end_time": f"2026-10-{day:02} 08:00:00 UTC",
        "project": {"id": "p1", "number": "1", "name": "P", "labels": [], "ancestors": []},
        "labels": [{"key": "team", "value": "beta"}], "system_labels": [],
        "location": {"location": "us-central1", "country": "US", "region": "us-central1", "zone": None},
        "resource": {"name": "r", "global_name": "//r"}, "tags": [], "transaction_type": "GOOGLE",
        "seller_name": "Google", "export_time": "2026-10-08 12:00:00 UTC", "cost": cost, "currency": "USD",
        "currency_conversion_rate": 1.0,
        "usage": {"amount": 1000000.0, "unit": "count", "amount_in_pricing_units": 1000000.0, "pricing_unit": "count"},
        "credits": [{"name": name, "amount": amount, "full_name": name, "id": "c", "type": kind}
                    for name, amount, kind in credits],
        "invoice": {"month": "202610", "publisher_type": "GOOGLE"}, "cost_type": "regular",
        "adjustment_info": None, **values,
    }  # fmt: skip


def flattened(row: dict) -> dict:
    """Google's row as a CSV has it: names with dots, lists as JSON."""
    flat = {}
    for name, value in row.items():
        if isinstance(value, dict):
            flat |= {f"{name}.{inner}": held for inner, held in value.items() if not isinstance(held, list)}
        else:
            flat[name] = json.dumps(value) if isinstance(value, list) else value
    return flat


def cur_2(row: dict) -> dict:
    """A line of the older report as CUR 2.0 has it: low lines, the product and the tags in maps."""
    named, product, tags = {}, {}, {}
    for name, value in row.items():
        group, _, rest = name.partition("/")
        words = re.sub(r"(?<=[a-z])(?=[A-Z])|[/:]", "_", rest).lower()
        if group == "resourceTags":
            tags[words] = value
        elif group == "product" and rest != "servicecode":
            product[words] = value
        else:
            named[re.sub(r"(?<=[a-z])(?=[A-Z])|/", "_", name).lower()] = value or None
    return {**named, "product": product, "resource_tags": tags}


def write_cur_2(path: Path, rows: list[dict]) -> None:
    """Parquet as Data Exports writes it: money as doubles, times as timestamps, maps as maps."""
    rows = [cur_2(row) for row in rows]
    money = re.compile(r".*(_cost|_amount|_fee|commitment\w*|_fee_\w+)$")
    columns = {}
    for name in dict.fromkeys(name for row in rows for name in row):
        cells = [row.get(name) for row in rows]
        if name in ("product", "resource_tags"):
            columns[name] = pa.array([list(cell.items()) for cell in cells], pa.map_(pa.string(), pa.string()))
        elif name.endswith(("_start_date", "_end_date")):
            times = pa.array([cell.rstrip("Z") for cell in cells], pa.string())
            columns[name] = times.cast(pa.timestamp("ms"))
        elif money.match(name):
            columns[name] = pa.array([float(cell) if cell else None for cell in cells])
        else:
            columns[name] = pa.array(cells, pa.string())
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)


def write_gz(path: Path, header: str, rows: list[dict]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, header.split(","), restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.getvalue().encode()))
