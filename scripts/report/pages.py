"""What stands on the pages for money: overview, finance. Those for features: pages_product.py."""

from report.charts import STEPS
from report.figures import BORNE_BY, MATRIX_TEAMS, Figure, Names
from statements import CAUSES, by_cause

# Truths without which there is nothing to draw: of all months, as a company has them or not.
HAS_REVENUE = (
    "select count(*) > 0 from marts.feature_pnl_monthly where revenue_usd != 0",
    "Not known: no revenue has landed (docs/revenue.md), so that only costs stand here.",
)
HAS_REQUIREMENTS = (
    "select count(*) > 0 from marts.eval_coverage_monthly where required_suites > 0",
    "Not known: no eval is required of any feature (seed eval_requirements).",
)
HAS_TELEMETRY = (
    "select count(*) > 0 from marts.telemetry_join_rates_monthly where events > 0",
    "Not known: no usage events have landed (docs/inputs.md), so that answers and users are not counted.",
)

HAS_MONTH_BEFORE = (
    "select count(*) > 0 from marts.team_chargeback_monthly where month < $month",
    "There is no month before this one.",
)

# Steps of cost_variance_by_model_monthly, between the two months' charges.
MODEL_STEPS = ("last_month", "volume", "price", "waste", "late", "correction", "other", "net_charge")

# Rows of product marts that stand for no feature of the catalog.
NO_FEATURE = str(Names.SENTINELS)

# The first screen: a question and its answer in lines, each with its figure and where more of it stands.
ANSWERS = [
    Figure(
        "answer_charge",
        "Net charge",
        """
select here.team_id, here.net_charge_booked_usd as net_charge_usd,
    here.net_charge_booked_usd - before.net_charge_booked_usd as net_charge_usd_change,
    nullif(here.accrued_booked_usd, 0) as accrued_usd
from marts.team_chargeback_monthly as here
left join marts.team_chargeback_monthly as before
    on here.team_id = before.team_id and before.month = $month - interval 1 month
where here.month = $month and (here.net_charge_booked_usd != 0 or before.net_charge_booked_usd != 0)
order by here.net_charge_booked_usd desc, here.team_id
""",
        shape="answer",
        says="{team_id} bears {net_charge_usd}[, {net_charge_usd_change} on last month]"
        "[; {accrued_usd} of it not yet billed]",
        link="finance#chargeback",
        nothing="No team is charged anything this month.",
    ),
    Figure(
        "answer_transfers",
        "Who owes whom",
        """
select debtor_team_id, creditor_team_id, amount_booked_usd as amount_usd
from marts.team_transfers_monthly where month = $month and amount_booked_usd != 0
order by amount_booked_usd desc, debtor_team_id, creditor_team_id
""",
        shape="answer",
        says="{debtor_team_id} owes {creditor_team_id} {amount_usd}",
        link="finance#transfers",
        nothing="No team owes another: each pays for its own calls.",
    ),
    Figure(
        "answer_losses",
        "Features that lose money",
        f"""
select feature_id,
    coalesce(
        nullif(round(revenue_usd - margin_usd, 2) - round(revenue_usd, 2), 0)::decimal(38, 12), -margin_usd
    ) as loss_usd,
    revenue_usd, revenue_usd - margin_usd as cost_usd,
    {BORNE_BY.format(feature="feature_pnl_monthly.feature_id", month="$month")}
from marts.feature_pnl_monthly where month = $month and margin_usd < 0 and feature_id not in {NO_FEATURE}
order by margin_usd, feature_id
""",
        shape="answer",
        says="{feature_id} loses {loss_usd}: it earns {revenue_usd} and costs {cost_usd}",
        link="product#pnl",
        needs=HAS_REVENUE,
        nothing="None: each feature's AI costs less than it earns.",
    ),
    Figure(
        "answer_coverage",
        "Bill up, coverage down",
        f"""
select feature_id, production_usd, production_usd_change,
    covered_usd_pct, covered_usd_pct_change,
    {BORNE_BY.format(feature="eval_coverage_monthly.feature_id", month="$month")}
from marts.eval_coverage_monthly
where month = $month and (is_bill_up_coverage_down or is_bill_up_coverage_down_trend)
order by production_usd desc, feature_id
""",
        shape="answer",
        says="{feature_id} costs {production_usd}[, {production_usd_change} on last month];"
        " [{covered_usd_pct} of it is covered by evals][, {covered_usd_pct_change} on last month]",
        link="quality#evals",
        needs=HAS_REQUIREMENTS,
        nothing="None: no feature's bill grew while its eval coverage shrank.",
    ),
    Figure(
        "answer_budgets",
        "Budgets in danger",
        f"""
select burn.team_id, burn.feature_id, month_to_date_usd, budget_usd,
    (month_to_date_usd / nullif(budget_usd, 0))::double as spent_pct,
    case when status != 'over' then forecast_usd end as forecast_usd,
    {BORNE_BY.format(feature="burn.feature_id", month="$month")}
from marts.budget_burn_daily as burn
where date_trunc('month', burned_on) = $month and budget_usd is not null
qualify burned_on = max(burned_on) over () and status in ('over', 'forecast_over')
order by spent_pct desc nulls first, burn.team_id, burn.feature_id
""",
        shape="answer",
        says="[{team_id}][{feature_id}] has spent {month_to_date_usd} of {budget_usd}[, {spent_pct}],"
        " before the quality pool's part[; the forecast is {forecast_usd}]",
        link="finance#budgets",
        needs=(
            "select count(*) > 0 from marts.budget_burn_daily where date_trunc('month', burned_on) = $month"
            " and budget_usd is not null",
            "No budget is set for this month (seed budgets).",
        ),
        nothing="None: no budget of a team or feature is over, or forecast to be over.",
    ),
    Figure(
        "answer_anomalies",
        "Anomalies",
        f"""
select anomalies.feature_id, purpose, spent_on, if(anomaly is not null, borne_usd, null) as borne_usd,
    if(anomaly is not null, expected_usd, null) as expected_usd,
    if(anomaly is null, week_usd, null) as week_usd, if(anomaly is null, expected_week_usd, null) as expected_week_usd,
    {BORNE_BY.format(feature="anomalies.feature_id", month="$month")}
from marts.spend_anomalies_daily as anomalies
where is_anomaly and date_trunc('month', spent_on) = $month
order by abs(anomalies.borne_usd - anomalies.expected_usd) desc, spent_on, anomalies.feature_id, purpose
""",
        shape="answer",
        says="{feature_id}, {purpose}: [{borne_usd} on {spent_on}, expected {expected_usd}]"
        "[{week_usd} in the week to {spent_on}, expected {expected_week_usd}]",
        link="overview#anomalies",
        nothing="None: no day is out of line with its weekday.",
    ),
    Figure(
        "answer_unexplained",
        "Unexplained",
        """
select payer_team_id as team_id, provider, sum(untraced_usd) as unexplained_usd, sum(billed_usd) as billed_usd,
    null::varchar as service, null::bigint as calls
from marts.capture_rates_monthly where month = $month group by all having sum(untraced_usd) != 0
union all
select owner_team_id, null, sum(borne_usd), null, service, null
from marts.unlabelled_spend_daily where date_trunc('month', spent_on) = $month
group by all having sum(borne_usd) != 0
union all
select payer_team_id, provider || ', ' || coalesce(model, 'no model'), null, null, null, count(*)
from marts.attributed_calls
where date_trunc('month', started_on) = $month and basis = 'unpriced' and unpriced_reason != 'own_capacity'
group by all
order by unexplained_usd desc nulls last, team_id, provider, service
""",
        shape="answer",
        says="[{unexplained_usd} of {billed_usd} that {provider} billed {team_id} is in no span]"
        "[{unexplained_usd} of calls in {service}, owned by {team_id}, name no feature]"
        "[{calls} calls of {provider}, paid by {team_id}, have no price]",
        link="data#capture",
        nothing="Nothing: each bill is in spans, each call has a feature and a price.",
    ),
]

OVERVIEW = [
    *ANSWERS,
    Figure(
        "bill",
        "The month's bill",
        """
select round(sum(billed_usd), 2) as billed_usd, sum(accrued_booked_usd) as accrued_usd,
    sum(billed_booked_usd) - round(sum(billed_usd), 2) as booking_difference_usd,
    sum(corrections_usd) as corrections_usd, sum(net_charge_booked_usd) as borne_by_teams_usd,
    sum(unattributed_booked_usd) as unattributed_usd
from marts.team_chargeback_monthly where month = $month
""",
        "What teams bear is what providers bill, what has accrued, and the difference that booking each team in whole"
        " cents makes.",
        shape="tiles",
    ),
    Figure(
        "unexplained",
        "What is unexplained",
        """
select provider, payer_team_id, billed_usd, traced_usd, sampled_usd, untraced_usd, idle_usd, invoice_only_usd,
    credit_usd, rounding_usd, capture_pct, explained_pct
from marts.capture_rates_monthly where month = $month order by billed_usd desc, provider, payer_team_id
""",
        "Billed = traced + sampled + untraced + idle + invoice-only + credit + rounding. Sampled money is of calls"
        " whose traces a sampler dropped, by those that it kept; untraced money is on a bill and in no span; idle money"
        " is own capacity that nobody used; invoice-only money is fees that name no use, credits likewise. What has"
        " accrued is on no bill yet.",
        total=True,
        parts=(
            "billed_usd",
            ("traced_usd", "sampled_usd", "untraced_usd", "idle_usd", "invoice_only_usd", "credit_usd", "rounding_usd"),
        ),
        nothing="No bill of this month has landed; all of it has accrued at the price book.",
    ),
    Figure(
        "months",
        "Month by month",
        """
select strftime(month, '%Y-%m') || if(
    month = max(month) over () and (select max(spent_on) from marts.spend_daily) < last_day(month), ' so far', ''
) as month, team_id, billed_booked_usd as billed_usd, accrued_booked_usd as accrued_usd,
    corrections_usd, net_charge_booked_usd as net_charge_usd
from marts.team_chargeback_monthly where net_charge_booked_usd != 0
order by month, net_charge_booked_usd desc, team_id
""",
        "All months, by the team that bears them.",
        chart="months",
        drawn="net_charge_usd",
        nothing="No team has been charged anything yet.",
    ),
    Figure(
        "features",
        "Where it went: features",
        """
select originating_feature_id as feature_id, bearer_team_id, sum(borne_usd) as borne_usd,
    coalesce(sum(borne_usd) filter (where purpose = 'production'), 0) as production_usd,
    coalesce(sum(borne_usd) filter (where purpose = 'evaluation'), 0) as evaluation_usd,
    sum(accrued_usd) as of_it_accrued_usd, sum(calls)::bigint as calls
from marts.spend_daily where date_trunc('month', spent_on) = $month
group by all order by borne_usd desc, feature_id, bearer_team_id
""",
        "By the day of use. untraced, unlabelled, idle and invoice_only (fees, credits) are money that no calls of a"
        " feature explain.",
        chart="features",
        drawn="borne_usd",
        nothing="Nothing was spent this month.",
        total=True,
    ),
    Figure(
        "models",
        "Where it went: models",
        """
select provider, model, originating_feature_id as feature_id, bearer_team_id, sum(calls)::bigint as calls,
    sum(input_tokens)::bigint as input_tokens, sum(output_tokens)::bigint as output_tokens, sum(borne_usd) as borne_usd
from marts.spend_daily where date_trunc('month', spent_on) = $month
group by all order by borne_usd desc, provider, model, feature_id, bearer_team_id
""",
        total=True,
        nothing="Nothing was spent this month.",
    ),
    Figure(
        "days",
        "Day by day",
        """
select spent_on, originating_feature_id as feature_id, bearer_team_id, purpose as kind, sum(borne_usd) as borne_usd
from marts.spend_daily where date_trunc('month', spent_on) = $month
group by all order by spent_on, feature_id, bearer_team_id, kind
""",
        chart="days",
        drawn="borne_usd",
        total=True,
        is_whole=True,
        nothing="Nothing was spent this month.",
    ),
    Figure(
        "anomalies",
        "Days out of line with their weekday, and shifts of level",
        f"""
select anomalies.spent_on, anomalies.feature_id, purpose, anomaly, borne_usd, expected_usd, spread_usd, weeks,
    level_shift, week_usd, expected_week_usd, week_spread_usd,
    {BORNE_BY.format(feature="anomalies.feature_id", month="$month")}
from marts.spend_anomalies_daily as anomalies
where is_anomaly and date_trunc('month', anomalies.spent_on) = $month
order by anomalies.spent_on desc, anomalies.feature_id, purpose
""",
        "A day against the same weekday of the weeks before, and a week against those before it.",
        nothing="No day of this month is out of line with its weekday.",
    ),
    Figure(
        "waste",
        "Money that bought nothing",
        f"""
select feature_id, kind, sum(calls)::bigint as calls, sum(unpriced_calls)::bigint as unpriced_calls,
    sum(wasted_usd) as wasted_usd, {BORNE_BY.format(feature="waste_daily.feature_id", month="$month")}
from marts.waste_daily where date_trunc('month', spent_on) = $month
group by feature_id, kind order by wasted_usd desc, feature_id, kind
""",
        "Retries, failures, cancelled answers, cache writes that nobody read.",
        total=True,
        nothing="None that spans show: no retries, failures, cancelled answers or unread cache writes with a cost.",
    ),
]

FINANCE = [
    Figure(
        "chargeback",
        "Chargeback: what each team owes",
        """
select team_id, production_booked_usd as production_usd, evaluation_booked_usd as evaluation_usd,
    eval_pool_credit_booked_usd as eval_pool_credit_usd, development_booked_usd as development_usd,
    shared_booked_usd as shared_usd, unattributed_booked_usd as unattributed_usd,
    net_charge_booked_usd as net_charge_usd, billed_booked_usd as billed_usd, accrued_booked_usd as accrued_usd,
    corrections_usd, paid_booked_usd as paid_usd, transfers_out_booked_usd as transfers_out_usd,
    transfers_in_booked_usd as transfers_in_usd
from marts.team_chargeback_monthly where month = $month order by net_charge_booked_usd desc, team_id
""",
        "Net charge = production + evaluation - pool credit + development + shared + unattributed = billed + accrued"
        " = paid + transfers out - transfers in. In cents as booked; the mart has twelve decimals beside them."
        " The columns billed and accrued are booked per team; their totals may differ by cents from the bill.",
        chart="chargeback",
        fold=(
            "kind",
            {
                "production_usd": "production",
                "evaluation_usd": "evaluation",
                "development_usd": "development",
                "shared_usd": "shared",
                "unattributed_usd": "unattributed",
                "-eval_pool_credit_usd": "pool credit",
            },
        ),
        total=True,
        is_whole=True,
        nothing="No team is charged anything this month.",
    ),
    Figure(
        "transfers",
        "Transfers: who owes whom",
        """
select coalesce(debtor_team_id, '') as debtor_team_id, coalesce(creditor_team_id, '') as creditor_team_id,
    sum(amount_booked_usd) as amount_usd
from marts.team_transfers_monthly where month = $month
group by cube (debtor_team_id, creditor_team_id) order by debtor_team_id, creditor_team_id
""",
        f"Rows owe, columns are owed. Of a team: its own row and column. Of more than {MATRIX_TEAMS} teams: a list.",
        shape="matrix",
        total=True,
        nothing="No team owes another: each pays for its own calls.",
    ),
    Figure(
        "waterfall",
        "From last month's charge to this month's",
        f"""
with changes as (
    select team_id, {by_cause("_usd")}
    from marts.cost_variance_monthly where month = $month group by team_id
),
charges as (
    select team_id, coalesce(sum(net_charge_booked_usd) filter (where month < $month), 0) as last_month_usd,
        coalesce(sum(net_charge_booked_usd) filter (where month = $month), 0) as net_charge_usd
    from marts.team_chargeback_monthly where month in ($month, $month - interval 1 month) group by team_id
)
select team_id, last_month_usd, {", ".join(f"coalesce({cause}_usd, 0) as {cause}_usd" for cause in CAUSES)},
    net_charge_usd - last_month_usd - {" - ".join(f"coalesce({cause}_usd, 0)" for cause in CAUSES)} as rounding_usd,
    net_charge_usd
from charges left join changes using (team_id)
where exists (select 1 from marts.team_chargeback_monthly where month < $month)
order by net_charge_usd desc, last_month_usd desc, team_id
""",
        "A bar for each cause begins where the one before it ends. Of closed months stand apart: what came late (of a"
        " provider's model, for a day on which nothing of it had been booked) and corrections of what had been; each is"
        " less what the month before had of it. Other is money without calls, and what a closed month's calls come to"
        " otherwise today. In cents as booked, so that rounding is a step too.",
        chart="waterfall",
        fold=("step", STEPS),
        total=True,
        is_whole=True,
        parts=("net_charge_usd", ("last_month_usd", *(f"{cause}_usd" for cause in CAUSES), "rounding_usd")),
        needs=HAS_MONTH_BEFORE,
        nothing="No team was charged anything in this month or the one before.",
    ),
    Figure(
        "model_waterfall",
        "The same by account and model",
        f"""
with steps as (
    select provider, account_id, model, if(posted_month = $month, 'net_charge', 'last_month') as step, amount_usd as usd
    from marts.ledger_entries
    where account = 'ai_cost' and posted_month in ($month, $month - interval 1 month)
    union all
    select provider, account_id, model, cause, change_usd from marts.cost_variance_by_model_monthly where month = $month
)
select provider, account_id, coalesce(model, 'no model') as model,
    {", ".join(f"coalesce(sum(usd) filter (where step = '{step}'), 0) as {step}_usd" for step in MODEL_STEPS)}
from steps where exists (select 1 from marts.team_chargeback_monthly where month < $month)
group by all having count(*) filter (where usd != 0) > 0
order by net_charge_usd desc, last_month_usd desc, provider, account_id, model
""",
        "Volume is more or fewer tokens, requests or calls at last month's cost of one; price is another cost of one."
        " Evaluation is in both. Late money and corrections are less those of the month before.",
        chart="waterfall",
        fold=("step", {f"{step}_usd": STEPS[f"{step}_usd"] for step in MODEL_STEPS}),
        total=True,
        is_whole=True,
        parts=("net_charge_usd", tuple(f"{step}_usd" for step in MODEL_STEPS[:-1])),
        needs=HAS_MONTH_BEFORE,
        nothing="Nothing was charged in this month or the one before.",
    ),
    Figure(
        "variance",
        "Why it changed since last month",
        f"""
select team_id, feature_id, {by_cause("_usd")}, sum(change_usd) as change_usd
from marts.cost_variance_monthly where month = $month
group by team_id, feature_id order by abs(sum(change_usd)) desc, team_id, feature_id
""",
        "Causes are taken from left to right, each at last month's values of those to its right, and add up to the"
        " change. Other is money without calls: untraced, invoice-only, shared.",
        total=True,
        parts=("change_usd", tuple(f"{cause}_usd" for cause in CAUSES)),
        needs=HAS_MONTH_BEFORE,
        nothing="No charge changed.",
    ),
    Figure(
        "reconciliation",
        "Does it tie to the bills? Reconciliation by cause",
        """
select provider, account_id, sum(billed_usd) as billed_usd, sum(attributed_usd) as attributed_usd,
    sum(sampled_usd) as sampled_usd, sum(untraced_usd) as untraced_usd, sum(idle_usd) as idle_usd,
    sum(invoice_only_usd) as invoice_only_usd, sum(rounding_usd) as rounding_usd,
    sum(overtraced_usd) as overtraced_usd, sum(credit_usd) as credit_usd, sum(fx_gap_usd) as fx_gap_usd,
    sum(price_gap_usd) as price_gap_usd, sum(quantity_gap_usd) as quantity_gap_usd,
    sum(timing_gap_usd) as timing_gap_usd
from marts.invoice_reconciliation_daily where date_trunc('month', usage_on) = $month
group by provider, account_id order by billed_usd desc, provider, account_id
""",
        "Billed = attributed + sampled + untraced + idle + invoice-only + credit + FX gap + rounding. The gaps say why"
        " bill and price book differ.",
        total=True,
        parts=(
            "billed_usd",
            (
                "attributed_usd",
                "sampled_usd",
                "untraced_usd",
                "idle_usd",
                "invoice_only_usd",
                "credit_usd",
                "fx_gap_usd",
                "rounding_usd",
            ),
        ),
        nothing="No bill of this month has landed.",
    ),
    Figure(
        "causes",
        "What the gaps are made of",
        """
select usage_on, if(cause = 'fx_gap_usd', 'FX gap', replace(replace(cause, '_usd', ''), '_', ' ')) as cause, gap_usd
from (unpivot (
    select usage_on, sum(sampled_usd) as sampled_usd, sum(untraced_usd) as untraced_usd, sum(idle_usd) as idle_usd,
        sum(invoice_only_usd) as invoice_only_usd,
        sum(price_gap_usd) as price_gap_usd, sum(quantity_gap_usd) as quantity_gap_usd,
        sum(fx_gap_usd) as fx_gap_usd, sum(timing_gap_usd) as timing_gap_usd, sum(rounding_usd) as rounding_usd
    from marts.invoice_reconciliation_daily where date_trunc('month', usage_on) = $month
    group by usage_on
) on columns(* exclude (usage_on)) into name cause value gap_usd)
where gap_usd != 0 order by usage_on, cause
""",
        "Days and causes with a gap, sampled, untraced, idle and invoice-only money included.",
        chart="causes",
        drawn="gap_usd",
        nothing="No gap: bills, spans and price book agree, or no bill has landed.",
    ),
    Figure(
        "capacity",
        "Own capacity: what was used, and what stood idle",
        """
select provider, account_id, payer_team_id, coalesce(service, 'any service') as service,
    coalesce(model, tool_name, 'all its requests') as of_it, driver as shared_by, capacity, billed_usd,
    attributed_usd, sampled_usd, idle_usd, idle_pct
from marts.own_capacity_monthly where month = $month
order by idle_usd desc, billed_usd desc, provider, account_id, payer_team_id, service, of_it, shared_by
""",
        "Bill lines of GPU nodes, vector databases, re-rankers and provisioned throughput (seed cost_drivers). Calls"
        " share them by what they used of the capacity; what nobody used stays with the team that pays.",
        total=True,
        parts=("billed_usd", ("attributed_usd", "sampled_usd", "idle_usd")),
        nothing="No bill line of this month pays for own capacity (seed cost_drivers).",
    ),
    Figure(
        "accruals",
        "How far accruals were off",
        """
select strftime(month, '%Y-%m') as month, provider, accrued_usd, billed_usd, invoice_only_usd, unpriced_calls, error_pct
from marts.accrual_accuracy_monthly where month <= $month order by month desc, provider limit 24
""",
        "Accrued: what spans and counted use of the days that a bill now covers cost at the prices known on the month's"
        " last day, as if no bill had come. Error: accrued less billed, as a part of billed. Credits, fees and taxes"
        " (invoice-only) and own capacity are in billed, and no accrual expects them.",
        nothing="No bill of this month or an earlier one has landed.",
    ),
    Figure(
        "invoices",
        "Invoices and what explains them",
        """
select invoice_id, provider, account_id, period_start, period_end, currency, credit_of, invoice_usd, charges_usd,
    tax_usd, credit_usd, fx_usd, rounding_usd, unexplained_usd
from marts.invoice_tie_out_monthly
where date_trunc('month', period_start) <= $month and period_end >= $month
order by invoice_usd desc, invoice_id
""",
        total=True,
        nothing="No invoice of this month has landed (a CSV of kind invoices: docs/inputs.md).",
    ),
    Figure(
        "bills",
        "What was on the bills",
        """
select provider, account_id, file_kind, treatment, lines, billed_usd, cost_usd, lines_without_rate
from marts.provider_bills_monthly where month = $month
order by provider, account_id, file_kind, treatment
""",
        "Superseded lines stand in a later or finer file too, and count once.",
        total=True,
        nothing="No bill of this month has landed.",
    ),
    Figure(
        "burn",
        "Budget burn",
        f"""
select burned_on, coalesce(team_id, 'feature ' || feature_id) as budget_of, team_id, feature_id, month_to_date_usd,
    forecast_usd, budget_usd, status,
    last_value(forecast_usd / nullif(budget_usd, 0)) over (
        partition by team_id, feature_id order by burned_on rows between unbounded preceding and unbounded following
    )::double as forecast_pct,
    {BORNE_BY.format(feature="burn.feature_id", month="$month")}
from marts.budget_burn_daily as burn
where date_trunc('month', burned_on) = $month and budget_usd is not null
order by forecast_pct desc nulls first, budget_of, burned_on
""",
        "What each team or feature with a budget has spent of it so far, before the quality pool's part; the nearest to"
        " its budget first.",
        chart="burn",
        aside=("team_id", "feature_id", "teams"),
        fold=("line", {"month_to_date_usd": "spent", "forecast_usd": "forecast", "budget_usd": "budget"}),
        nothing="No budget is set for this month (seed budgets).",
    ),
    Figure(
        "budgets",
        "Budgets on the month's last day known",
        f"""
select coalesce(team_id, 'feature ' || feature_id) as budget_of, team_id, feature_id, month_to_date_usd, forecast_usd,
    budget_usd, (forecast_usd / nullif(budget_usd, 0))::double as forecast_pct, status,
    {BORNE_BY.format(feature="burn.feature_id", month="$month")}
from marts.budget_burn_daily as burn
where date_trunc('month', burned_on) = $month and budget_usd is not null
qualify burned_on = max(burned_on) over ()
order by forecast_pct desc nulls first, team_id, feature_id
""",
        aside=("team_id", "feature_id", "teams"),
        nothing="No budget is set for this month (seed budgets).",
    ),
    Figure(
        "margin_forecast",
        "Where does the month's margin end?",
        """
select scope, scope_id as of_whom, revenue_usd, borne_usd, margin_usd as ai_margin_usd,
    forecast_borne_usd, forecast_margin_usd, budget_usd,
    (forecast_borne_usd / nullif(budget_usd, 0))::double as forecast_pct, budget_status
from marts.margin_forecasts_monthly
where month = $month and (scope in ('company', 'segment') or (scope = 'account' and budget_usd is not null))
order by case scope when 'company' then 1 when 'segment' then 2 else 3 end, scope_id
""",
        "The company, its segments, and each account with a budget (seed budgets); features' and teams' budgets stand"
        " above. Cost to come is expected as in the budgets' forecast, revenue not: it is what files state"
        " for the month. A month that is over is as it stands, and so is one that has not begun.",
        needs=HAS_REVENUE,
        nothing="Nothing was spent or earned this month.",
    ),
    Figure(
        "forecasts",
        "How far forecasts of past months were off",
        """
select strftime(month, '%Y-%m') as month, case scope when 'team' then scope_id else 'company' end as forecast_of,
    case scope when 'team' then scope_id end as team_id,
    max(error_pct) filter (day_of_month = 7) as day_7_pct, max(error_pct) filter (day_of_month = 14) as day_14_pct,
    max(error_pct) filter (day_of_month = 21) as day_21_pct, max(actual_usd) as actual_usd
from marts.forecast_accuracy_monthly where month <= $month and scope in ('team', 'company')
group by month, scope, scope_id
qualify dense_rank() over (order by month desc) <= 6
order by month desc, scope, scope_id
""",
        "What the rule of the budgets' forecast says at the end of day 7, 14 and 21 of each complete month, less what"
        " the month came to, as a part of that. Bills that came since then count in both.",
        aside=("team_id",),
        nothing="No month up to this one is complete.",
    ),
    Figure(
        "statements",
        "Statements: what changed since last month",
        """
select team_id, section, item, amount_usd, last_month_usd, change_usd, why, corrects_month
from marts.team_statements_monthly where month = $month order by team_id, section, item, corrects_month
""",
        nothing="No team has a statement this month.",
    ),
    Figure(
        "journal",
        "The journal, by account",
        """
select kind, basis, account, provider, team_id, cost_center, sum(debit_usd) as debit_usd,
    sum(credit_usd) as credit_usd
from marts.erp_journal_monthly where month = $month
group by all order by kind, basis, account, provider, team_id
""",
        "In cents, as finance books it. Debits equal credits.",
        total=True,
        nothing="Nothing was booked this month.",
    ),
    Figure(
        "entries",
        "The entries behind it",
        """
select kind, basis, account, side, count(*) as entries, sum(amount_usd) as amount_usd
from marts.ledger_entries where posted_month = $month
group by all order by kind, basis, account, side
""",
        "To twelve places. Each journal's legs add up to zero; credits are negative.",
        total=True,
        nothing="Nothing was booked this month.",
    ),
    Figure(
        "focus",
        "FOCUS: what a FinOps tool reads",
        """
select ProviderName as provider, x_TeamId as team_id, ChargeCategory as category, x_Basis as basis,
    count(*) as rows, sum(BilledCost) as billed_usd, sum(EffectiveCost) as effective_usd, sum(ListCost) as list_usd
from marts.focus_cost_and_usage where x_PostedMonth = $month
group by all order by billed_usd desc, provider, team_id, category, basis
""",
        total=True,
        nothing="Nothing was booked this month.",
    ),
]
