"""Arrow schemas of the landed tables: times are UTC, money is exact (scale 18), keys are 64-bit hashes of ids."""

import re
from typing import NamedTuple

import pyarrow as pa

TIME, MONEY, COUNT, KEY, TEXT = pa.timestamp("us"), pa.decimal128(38, 18), pa.int64(), pa.int64(), pa.string()
ADJUSTED = pa.decimal128(18, 6)  # how many spans a span stands for


def fields(kind: pa.DataType, names: str) -> list[pa.Field]:
    """Fields of one type from names that blanks separate."""
    return [pa.field(name, kind) for name in names.split()]


ORIGIN = [*fields(TEXT, "source_file file_id"), *fields(COUNT, "source_line")]
LABELS = (
    "operation provider server_address model response_id agent_name tool_name session_id request_id user_id "
    "tenant_id prompt_name prompt_version prompt_template service_tier service_name environment route "
    "evaluation_run_id api_key account_id feature_id team_id trace_feature_id trace_team_id purpose finish_reason "
    "error_type resend_count scope_name scope_version speed inference_geo instance_id"
).split()
QUANTITIES = (
    "input_tokens cache_read_tokens cache_write_tokens cache_write_5m_tokens cache_write_1h_tokens output_tokens "
    "reasoning_tokens audio_input_tokens audio_output_tokens image_input_tokens image_output_tokens tool_use_tokens "
    "total_tokens web_search_requests requests code_execution_requests"
).split()

# A convention's word on stated counts (seed usage_conventions).
INCLUSIONS = "input_includes_cached output_includes_reasoning input_includes_tool_use includes_media".split()


# Tokens of a run's models, as its tool counts them: staging says what is within what.
USAGE = [
    *fields(TEXT, "role provider model"),
    *fields(
        COUNT,
        "requests input_tokens cache_read_tokens cache_write_tokens output_tokens reasoning_tokens total_tokens",
    ),
    *fields(MONEY, "cost_usd"),
]


def provider_file(time: str = "", money: str = "", count: str = "", text: str = "", date: str = "", flag: str = ""):
    """Schema of a landed table of a provider's files; `row_no` tells apart the rows that one page explodes into."""
    kinds = ((TIME, time), (pa.date32(), date), (MONEY, money), (COUNT, count), (TEXT, text), (pa.bool_(), flag))
    columns = [column for kind, names in kinds for column in fields(kind, names)]
    return pa.schema([*ORIGIN, *fields(COUNT, "row_no"), *columns])


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
            *fields(TEXT, "usage_convention total_kind total_excess unreadable"),
            *fields(pa.bool_(), " ".join(INCLUSIONS)),
            *fields(KEY, "output_key"),
            *fields(pa.list_(pa.struct(fields(KEY, "trace_key span_key"))), "links"),
            *fields(pa.int16(), "filled"),
            # Where traces are sampled: how many spans this one stands for, and whether its sampler can't say that.
            *fields(ADJUSTED, "adjusted_count"),
            *fields(pa.bool_(), "is_tail_sampled"),
        ]
    ),
    "openrouter_activity": provider_file(
        time="created_at",
        money="cost_total cost_web_search cost_cache cost_file_processing byok_usage_inference",
        count="tokens_prompt tokens_completion tokens_reasoning tokens_cached",
        text="generation_id model_permaslug provider_name variant cancelled finish_reason_normalized app_name "
        "api_key_name user",
    ),
    "openrouter_daily": provider_file(
        time="start_time end_time",
        money="cost_total byok_usage_inference",
        count="requests tokens_prompt tokens_completion tokens_reasoning",
        text="model_permaslug",
    ),
    "openai_costs": provider_file(
        time="start_time end_time",
        money="amount_value quantity",
        text="amount_currency line_item project_id organization_id api_key_id quantity_unit",
    ),
    "openai_usage": provider_file(
        time="start_time end_time",
        count="num_model_requests input_tokens output_tokens input_cached_tokens input_audio_tokens "
        "input_cached_audio_tokens output_audio_tokens input_image_tokens output_image_tokens",
        text="operation organization_id project_id user_id api_key_id model batch service_tier",
    ),
    "anthropic_costs": provider_file(
        time="start_time end_time",
        money="cost_usd list_price_usd",
        text="model api_key api_key_id workspace usage_type token_type context_window cost_type inference_geo speed "
        "service_tier description currency",
        flag="is_rounded",
    ),
    "anthropic_usage": provider_file(
        time="start_time end_time",
        count="input_tokens_no_cache input_tokens_cache_write_5m input_tokens_cache_write_1h input_tokens_cache_read "
        "output_tokens web_search_count",
        text="model api_key api_key_id workspace usage_type context_window service_tier inference_geo speed",
    ),
    "litellm_daily": provider_file(
        time="start_time end_time",
        money="spend",
        count="prompt_tokens completion_tokens cache_read_input_tokens cache_creation_input_tokens api_requests "
        "successful_requests failed_requests",
        text="api_key model custom_llm_provider",
    ),
    "focus": provider_file(
        time="charge_period_start charge_period_end billing_period_start billing_period_end",
        money="billed_cost effective_cost list_cost contracted_cost consumed_quantity pricing_quantity "
        "list_unit_price contracted_unit_price",
        text="billing_currency pricing_currency billing_account_id sub_account_id sub_account_name charge_category "
        "charge_class charge_description charge_frequency commitment_discount_id commitment_discount_status "
        "consumed_unit pricing_unit provider_name publisher_name service_provider_name host_provider_name "
        "invoice_issuer_name invoice_id region_id resource_id resource_name service_category service_name "
        "service_subcategory sku_id sku_meter sku_price_id sku_price_details tags usage_type sku_description "
        "billing_account_type",
    ),
    "aws_cur": provider_file(
        time="charge_period_start charge_period_end billing_period_start billing_period_end",
        money="unblended_cost usage_amount public_on_demand_cost reservation_effective_cost "
        "reservation_unused_upfront_fee reservation_unused_recurring_fee savings_plan_effective_cost "
        "savings_plan_total_commitment savings_plan_used_commitment",
        text="payer_account_id usage_account_id line_item_type product_code product_name usage_type operation "
        "resource_id currency_code charge_description pricing_unit region invoice_id billing_entity legal_entity "
        "reservation_arn savings_plan_arn tags",
    ),
    "azure_costs": provider_file(
        time="charge_period_start billing_period_start billing_period_end",
        money="cost quantity",
        text="billing_account_id subscription_id subscription_name meter_category meter_sub_category meter_name "
        "meter_id unit_of_measure product_name currency charge_type pricing_model frequency reservation_id benefit_id "
        "resource_id resource_location publisher_name invoice_id tags",
    ),
    "google_billing": provider_file(
        time="charge_period_start charge_period_end export_time",
        money="cost usage_amount usage_amount_in_pricing_units",
        text="billing_account_id service_description service_id sku_description sku_id project_id project_name "
        "resource_name region currency usage_unit pricing_unit invoice_month cost_type seller_name credit_id "
        "credit_name credit_type tags",
    ),
    # Bills of vendors without an export format of their own: written by hand, or read from a vendor's usage report.
    "charges": provider_file(
        time="start_time end_time",
        money="amount list_amount quantity tokens",
        text="file_kind provider account_id model service meter sku currency api_key user_id description invoice_id "
        "resource tags",
    ),
    "invoices": provider_file(
        date="period_start period_end issued_on",
        money="amount tax",
        text="invoice_id provider account_id currency credit_of",
    ),
    # Which files an export is made of, as clouds state it beside them.
    "manifests": provider_file(
        time="exported_at",
        text="export_id file_name endpoint filter_key filter_value request_id page_blake3 page_sha256",
    ),
    "eval_runs": pa.schema(
        [
            *ORIGIN,
            *fields(TEXT, "tool run_id item_id feature_id suite provider model prompt_version status"),
            *fields(TEXT, "trace_ids response_ids trace_id"),
            *fields(TIME, "started_at ended_at"),
            *fields(COUNT, "cases passed failed errored"),
            *fields(MONEY, "cost_usd"),
            *fields(pa.list_(KEY), "trace_keys"),
            *fields(KEY, "trace_key span_key"),
            *fields(pa.bool_(), "is_online"),
            *fields(pa.list_(pa.struct(USAGE)), "usage"),
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
            *fields(TEXT, "source currency"),
            *fields(MONEY, "amount"),
            *fields(pa.date32(), "period_start period_end"),
        ]
    ),
    # A bill's line also has its stated day and amount, as far as they can be read.
    "rejects": pa.schema(
        [
            *ORIGIN,
            *fields(COUNT, "line"),
            *fields(TEXT, "kind reason"),
            *fields(pa.date32(), "stated_on"),
            *fields(MONEY, "amount"),
            *fields(TEXT, "currency"),
        ]
    ),
    "files": pa.schema(
        [
            # `archive_id`: the newest archive that a file came in.
            *fields(TEXT, "file_id source_file kind archive_id"),
            *fields(COUNT, "landing_no rows_read rows_superseded rows_rejected rows_retired"),
        ]
    ),
    # When files landed, up to which `landing_no`. Apart from them, because nothing else depends on a clock.
    "arrivals": pa.schema([*fields(COUNT, "landing_no"), *fields(TIME, "landed_at")]),
    # Acts of `make forget MONTH=`: which days each retired, and the last month that was closed by then.
    "retirements": pa.schema(fields(pa.date32(), "retired_from retired_before closed_through")),
    # What providers' bills came to on these days when they were retired.
    "retired_bills": pa.schema(
        [
            *fields(pa.date32(), "charged_on"),
            *fields(TEXT, "provider account_id"),
            *fields(pa.decimal128(38, 12), "billed_usd prepaid_usd"),
        ]
    ),
}
# What `make close` freezes: the columns of mart ledger_entries, in its order.
CLOSED_ENTRIES = pa.schema(
    [
        *fields(TEXT, "entry_id journal_id"),
        *fields(pa.date32(), "posted_month incurred_on"),
        *fields(TEXT, "account side team_id counterparty_team_id feature_id provider account_id model team_path"),
        *fields(TEXT, "payer_team_id bearer_team_id purpose kind basis"),
        *fields(pa.bool_(), "is_sampled"),
        *fields(pa.decimal128(38, 12), "amount_usd"),
        *fields(TEXT, "corrects_entry_id"),
        *fields(pa.date32(), "corrects_month"),
    ]
)

# The column that gives a row its day; tables without one stand under the day of what has no time.
DAY_OF = {
    "spans": "started_at",
    "openrouter_activity": "created_at",
    **dict.fromkeys(
        "openrouter_daily openai_costs openai_usage anthropic_costs anthropic_usage litellm_daily charges".split(),
        "start_time",
    ),
    **dict.fromkeys("focus aws_cur azure_costs google_billing".split(), "charge_period_start"),
    "invoices": "period_end",
    "eval_runs": "started_at",
    "usage_events": "occurred_at",
    "revenue": "month",
}
NO_DAY = "1970-01-01"
# Kinds of files whose lines are money that a provider asks for: their columns of amount and currency (USD without one).
# A line of these that can't be read is money that is missing. The other kinds of providers' files count usage.
BILLS: dict[str, tuple[str, str | None]] = {
    "openrouter_activity": ("cost_total", None),
    "openrouter_daily": ("cost_total", None),
    "openai_costs": ("amount_value", "amount_currency"),
    "anthropic_costs": ("cost_usd", "currency"),
    "focus": ("billed_cost", "billing_currency"),
    "aws_cur": ("unblended_cost", "currency_code"),
    "azure_costs": ("cost", "currency"),
    "google_billing": ("cost", "currency"),
    "charges": ("amount", "currency"),
    "invoices": ("amount", "currency"),
}
# Columns that may hold a person's id, which `make forget USER=` replaces. Ids that decide who is charged (keys, and
# accounts of providers) are not among them.
PERSONAL: dict[str, tuple[str, ...]] = {
    "spans": ("user_id", "tenant_id", "session_id"),
    "openrouter_activity": ("user",),
    "openai_usage": ("user_id",),
    "charges": ("user_id",),
    "usage_events": ("user_id", "account_id"),
    "users": ("user_id", "account_id"),
    "revenue": ("account_id",),
}
COUNTS_OF_USE = {"openai_usage", "anthropic_usage", "litellm_daily"}


def typed_columns(table: str, absent: frozenset[str] = frozenset()) -> str:
    """The select list that gives a landed table's columns their exact types; `absent` ones are NULL in every row."""
    return ", ".join(
        f"cast({'null' if field.name in absent else field.name} as {_sql_type(field.type)}) as {field.name}"
        for field in TABLES[table]
    )


def _sql_type(kind: pa.DataType) -> str:
    if pa.types.is_list(kind):
        return f"{_sql_type(kind.value_type)}[]"
    if pa.types.is_struct(kind):
        return f"struct({', '.join(f'{field.name} {_sql_type(field.type)}' for field in kind)})"
    if pa.types.is_decimal(kind):
        return f"decimal({kind.precision}, {kind.scale})"
    return {TIME: "timestamp", COUNT: "bigint", TEXT: "varchar", pa.date32(): "date", pa.bool_(): "boolean",
            pa.int16(): "smallint"}[kind]  # fmt: skip


class Column(NamedTuple):
    """How files state a landed column: its names (the first that is filled counts), and what must be there."""

    names: tuple[str, ...]
    is_required: bool = False  # the header must have it; others came with later versions, or are optional by contract
    is_filled: bool = False  # no row may leave it blank


def stated(filled: str = "", required: str = "", **others: str) -> dict[str, Column]:
    """Columns by name: `filled` and `required` ones; `others` say what files call them, names parted by bars."""
    musts = f"{filled} {required}".split()
    names = {name: others.get(name) or name for name in dict.fromkeys([*musts, *others])}
    return {name: Column(tuple(said.split("|")), name in musts, name in filled.split()) for name, said in names.items()}


def optional(names: str) -> dict[str, str]:
    return dict.fromkeys(names.split(), "")


def focus_names(name: str) -> str:
    """FOCUS writes BilledCost; tables copied out of a warehouse say billed_cost."""
    return f"{''.join(part.capitalize() for part in name.split('_'))}|{name}"


# FOCUS leaves the words that tell tokens apart to each cloud's own columns.
FOCUS_TEXTS = {
    "usage_type": "x_UsageType|UsageType|lineItem/UsageType|line_item_usage_type",
    "sku_description": "x_SkuMeterName|x_SkuDescription|SkuDescription|MeterName|x_MeterName|x_SkuMeterCategory",
}


def cur_names(group: str, name: str) -> str:
    """AWS writes lineItem/UsageType in its older reports, line_item_usage_type in Parquet and in CUR 2.0."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])|/", "_", f"{group}/{name}").lower()
    return f"{words}|{group}/{name}"


def google_names(path: str) -> str:
    """BigQuery nests service.description; people who flatten it write a low line, or two, for the dot."""
    return f"{path}|{path.replace('.', '_')}|{path.replace('.', '__')}"


# A header's names are told without regard to case. Names of an API's pages stand beside those of the CSV.
HEADERS: dict[str, dict[str, Column]] = {
    "openrouter_activity": stated(
        "generation_id created_at cost_total model_permaslug",
        "tokens_prompt tokens_completion",
        **optional(
            "cost_web_search cost_cache cost_file_processing byok_usage_inference tokens_reasoning tokens_cached "
            "provider_name variant cancelled finish_reason_normalized app_name api_key_name user"
        ),
    ),
    "openrouter_daily": stated(
        "start_time",
        "model_permaslug cost_total requests",
        # The API's names stand beside those of the page's download.
        start_time="Date",
        model_permaslug="Slug|model_permaslug",
        cost_total="Usage",
        byok_usage_inference="BYOK Usage|byok_usage_inference",
        requests="Requests",
        tokens_prompt="Prompt Tokens|prompt_tokens",
        tokens_completion="Completion Tokens|completion_tokens",
        tokens_reasoning="Reasoning Tokens|reasoning_tokens",
        **optional("end_time"),
    ),
    "openai_costs": stated(
        "start_time end_time",
        # Buckets without use are rows with blanks: they say that the bill covers them.
        "amount_value line_item amount_currency",
        **optional("project_id organization_id quantity quantity_unit api_key_id"),
    ),
    "openai_usage": stated(
        "start_time",
        "num_model_requests input_tokens output_tokens",
        start_time="start_time|timestamp",
        num_model_requests="num_model_requests|n_requests",
        input_tokens="input_tokens|n_context_tokens_total",
        output_tokens="output_tokens|n_generated_tokens_total",
        **optional(
            "end_time operation organization_id project_id user_id api_key_id model batch service_tier "
            "input_cached_tokens input_audio_tokens input_cached_audio_tokens output_audio_tokens input_image_tokens "
            "output_image_tokens"
        ),
    ),
    "anthropic_costs": stated(
        "start_time",
        "cost_usd",
        start_time="usage_date_utc|starting_at",
        end_time="ending_at",
        workspace="workspace|workspace_id",
        **optional(
            "model api_key api_key_id usage_type token_type context_window cost_type inference_geo speed service_tier "
            "description currency list_price_usd is_rounded"
        ),
    ),
    "anthropic_usage": stated(
        "start_time",
        "input_tokens_no_cache input_tokens_cache_read output_tokens",
        start_time="usage_date_utc|starting_at",
        end_time="ending_at",
        model="model_version|model",
        workspace="workspace|workspace_id",
        input_tokens_no_cache="usage_input_tokens_no_cache|uncached_input_tokens",
        input_tokens_cache_write_5m="usage_input_tokens_cache_write_5m|cache_creation.ephemeral_5m_input_tokens",
        input_tokens_cache_write_1h="usage_input_tokens_cache_write_1h|cache_creation.ephemeral_1h_input_tokens",
        input_tokens_cache_read="usage_input_tokens_cache_read|cache_read_input_tokens",
        output_tokens="usage_output_tokens|output_tokens",
        web_search_count="web_search_count|server_tool_use.web_search_requests",
        **optional("api_key api_key_id usage_type context_window service_tier inference_geo speed"),
    ),
    "litellm_daily": stated(
        "start_time",
        "model spend successful_requests",
        start_time="date",
        **optional(
            "end_time api_key custom_llm_provider prompt_tokens completion_tokens cache_read_input_tokens "
            "cache_creation_input_tokens api_requests failed_requests"
        ),
    ),
    "focus": stated(
        "charge_period_start charge_period_end",
        "billed_cost",
        **{name: FOCUS_TEXTS.get(name) or focus_names(name) for name in TABLES["focus"].names[4:]},
    ),
    "aws_cur": stated(
        "charge_period_start payer_account_id unblended_cost",
        "charge_period_end usage_account_id line_item_type usage_type",
        charge_period_start=cur_names("lineItem", "UsageStartDate"),
        charge_period_end=cur_names("lineItem", "UsageEndDate"),
        billing_period_start=cur_names("bill", "BillingPeriodStartDate"),
        billing_period_end=cur_names("bill", "BillingPeriodEndDate"),
        unblended_cost=cur_names("lineItem", "UnblendedCost"),
        usage_amount=cur_names("lineItem", "UsageAmount"),
        public_on_demand_cost=cur_names("pricing", "publicOnDemandCost"),
        reservation_effective_cost=cur_names("reservation", "EffectiveCost"),
        reservation_unused_upfront_fee=cur_names("reservation", "UnusedAmortizedUpfrontFeeForBillingPeriod"),
        reservation_unused_recurring_fee=cur_names("reservation", "UnusedRecurringFee"),
        savings_plan_effective_cost=cur_names("savingsPlan", "SavingsPlanEffectiveCost"),
        savings_plan_total_commitment=cur_names("savingsPlan", "TotalCommitmentToDate"),
        savings_plan_used_commitment=cur_names("savingsPlan", "UsedCommitment"),
        payer_account_id=cur_names("bill", "PayerAccountId"),
        usage_account_id=cur_names("lineItem", "UsageAccountId"),
        line_item_type=cur_names("lineItem", "LineItemType"),
        product_code=f"product_servicecode|product/servicecode|{cur_names('lineItem', 'ProductCode')}",
        product_name=cur_names("product", "ProductName"),
        usage_type=cur_names("lineItem", "UsageType"),
        operation=cur_names("lineItem", "Operation"),
        resource_id=cur_names("lineItem", "ResourceId"),
        currency_code=cur_names("lineItem", "CurrencyCode"),
        charge_description=cur_names("lineItem", "LineItemDescription"),
        pricing_unit=cur_names("pricing", "unit"),
        region=f"product_region_code|product/regionCode|{cur_names('product', 'region')}",
        invoice_id=cur_names("bill", "InvoiceId"),
        billing_entity=cur_names("bill", "BillingEntity"),
        legal_entity=cur_names("lineItem", "LegalEntity"),
        reservation_arn="reservation_reservation_a_r_n|reservation_reservation_arn|reservation/ReservationARN",
        savings_plan_arn="savings_plan_savings_plan_a_r_n|savings_plan_savings_plan_arn|savingsPlan/SavingsPlanARN",
        **optional("tags"),
    ),
    # Enterprise agreements, customer agreements and pay-as-you-go have headers of their own.
    "azure_costs": stated(
        "charge_period_start cost",
        "meter_category meter_name unit_of_measure",
        charge_period_start="Date|UsageDateTime|UsageDate",
        billing_period_start="BillingPeriodStartDate",
        billing_period_end="BillingPeriodEndDate",
        cost="CostInBillingCurrency|PreTaxCost|Cost",
        quantity="Quantity|UsageQuantity|ConsumedQuantity",
        billing_account_id="BillingAccountId",
        subscription_id="SubscriptionGuid|SubscriptionId",
        subscription_name="SubscriptionName",
        meter_category="MeterCategory",
        meter_sub_category="MeterSubCategory",
        meter_name="MeterName",
        meter_id="MeterId",
        unit_of_measure="UnitOfMeasure",
        product_name="ProductName|Product",
        currency="BillingCurrencyCode|BillingCurrency|Currency",
        charge_type="ChargeType",
        pricing_model="PricingModel",
        frequency="Frequency",
        reservation_id="ReservationId",
        benefit_id="BenefitId",
        resource_id="ResourceId|InstanceId",
        resource_location="ResourceLocation|Location",
        publisher_name="PublisherName",
        invoice_id="InvoiceId|InvoiceNo",
        tags="Tags",
    ),
    # `service` and `sku` are the nested columns' own names; the reader opens them.
    "google_billing": stated(
        "charge_period_start cost service_description",
        "charge_period_end sku_description billing_account_id",
        charge_period_start="usage_start_time",
        charge_period_end="usage_end_time",
        export_time="export_time",
        service_description=f"{google_names('service.description')}|service",
        service_id=google_names("service.id"),
        sku_description=f"{google_names('sku.description')}|sku",
        sku_id=google_names("sku.id"),
        project_id=google_names("project.id"),
        project_name=google_names("project.name"),
        resource_name=f"{google_names('resource.global_name')}|{google_names('resource.name')}",
        region=f"{google_names('location.region')}|{google_names('location.location')}",
        usage_amount=google_names("usage.amount"),
        usage_amount_in_pricing_units=google_names("usage.amount_in_pricing_units"),
        usage_unit=google_names("usage.unit"),
        pricing_unit=google_names("usage.pricing_unit"),
        invoice_month=google_names("invoice.month"),
        **optional("currency cost_type seller_name credit_id credit_name credit_type tags"),
    ),
    # All columns of the contract are asked for, so that no list of invoices passes for charges.
    "charges": stated(
        "provider start_time",
        "end_time model service meter quantity amount",
        start_time="period_start|start_time",
        end_time="period_end|end_time",
        # `refused_because` does not land: a reader of a vendor's report says with it why it can't take a record.
        **optional(
            "file_kind list_amount tokens account_id sku currency api_key user_id description invoice_id resource tags "
            "refused_because"
        ),
    ),
    "invoices": stated(
        "invoice_id provider period_start period_end amount",
        **optional("account_id issued_on currency tax credit_of"),
    ),
    "manifests": stated(
        "file_name",
        "export_id",
        **optional("exported_at endpoint filter_key filter_value request_id page_blake3 page_sha256"),
    ),
    "eval_runs": stated(
        "run_id suite started_at passed failed errored",
        # Of a run of no known feature its suite may tell it; else it shows as such.
        "feature_id model prompt_version cases",
        span_key="span_id",
        **optional("cost_usd trace_ids status tool item_id trace_id provider response_ids ended_at is_online usage"),
    ),
    "usage_events": stated(
        "event_id occurred_at feature_id", "user_id account_id", **optional("trace_id request_id answers")
    ),
    "users": stated("user_id", "account_id plan segment signed_up_on", **optional("valid_from")),
    # `money` does not land: it says that a header needs one of the two. Each row is asked which it fills (ROW_FAULTS).
    "revenue": stated(
        "month",
        "account_id plan money",
        money="revenue_usd|amount",
        **optional("revenue_usd feature_id source amount currency period_start period_end"),
    ),
}


def columns_of(table: str, *are_kind) -> list[str]:
    """A table's columns that files state as these types; keys are made from ids, which are text."""
    schema = TABLES[table]
    return [
        name
        for name in HEADERS[table]
        if name in schema.names
        and not name.endswith("_key")
        and any(is_kind(schema.field(name).type) for is_kind in are_kind)
    ]


def names_in_files(*are_kind) -> frozenset[str]:
    """Names that files use for columns of these types, in lower case."""
    return frozenset(
        said.lower()
        for table, columns in HEADERS.items()
        for name in columns_of(table, *are_kind)
        for said in columns[name].names
    )


IS_NUMBER = pa.types.is_decimal, pa.types.is_integer
IS_TIME = pa.types.is_timestamp, pa.types.is_date
NAMES_OF_NUMBERS, NAMES_OF_TIMES = names_in_files(*IS_NUMBER), names_in_files(*IS_TIME)
# Columns that tell a kind of file whose header lacks others: all names of one of these sets. Columns that many tools
# write (date, model, amount, plan) tell nothing.
DISTINCTIVE: dict[str, tuple[str, ...]] = {
    "openrouter_activity": ("generation_id", "model_permaslug"),
    "openrouter_daily": ("BYOK Usage", "Slug|Prompt Tokens"),
    "openai_costs": (
        "amount_value|line_item",
        "amount_currency|line_item",
        "amount_value|start_time_iso",
        "line_item|start_time_iso",
    ),
    "openai_usage": ("num_model_requests", "n_context_tokens_total", "n_generated_tokens_total"),
    "anthropic_costs": ("usage_date_utc",),
    "anthropic_usage": ("usage_input_tokens_no_cache", "usage_output_tokens", "uncached_input_tokens"),
    "litellm_daily": ("successful_requests|spend", "custom_llm_provider|spend"),
    "focus": ("BilledCost", "billed_cost", "ChargePeriodStart", "charge_period_start"),
    "aws_cur": ("lineItem/UsageAccountId", "line_item_usage_account_id", "line_item_unblended_cost"),
    "azure_costs": ("MeterCategory", "CostInBillingCurrency", "PreTaxCost"),
    "google_billing": ("billing_account_id|usage_start_time", "service.description", "sku.description"),
    "charges": ("period_start|meter|amount", "period_end|meter|amount"),
    "invoices": ("invoice_id|period_start", "invoice_id|period_end"),
    "eval_runs": ("run_id|suite",),
    "usage_events": ("event_id|feature_id", "occurred_at|feature_id"),
    "users": ("signed_up_on", "user_id|account_id|segment"),
    "revenue": ("revenue_usd",),
}
