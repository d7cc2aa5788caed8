"""What stands on the pages for money: overview, finance. Those for features: pages_product.py."""

from report.figures import BORNE_BY, Figure

OVERVIEW = [
    Figure(
        "bill",
        "The month's bill",
        """
select sum(billed_booked_usd) as billed_usd, sum(accrued_booked_usd) as accrued_usd,
    sum(corrections_usd) as corrections_usd, sum(net_charge_booked_usd) as borne_by_teams_usd,
    sum(unattributed_booked_usd) as unattributed_usd
from marts.team_chargeback_monthly where month = $month
""",
        "What teams bear is what providers bill and what has accrued. In cents as they are booked.",
        shape="tiles",
    ),
    Figure(
        "unexplained",
        "What is unexplained",
        """
select provider, payer_team_id, billed_usd, traced_usd, untraced_usd, invoice_only_usd, credit_usd, rounding_usd,
    capture_pct
from marts.capture_rates_monthly where month = $month order by billed_usd desc, provider, payer_team_id
""",
        "Billed = traced + untraced + invoice-only + credit + rounding. Untraced money is on a bill and in no span;"
        " invoice-only money is fees that name no use, credits likewise. What has accrued is on no bill yet.",
        total=True,
        parts=("billed_usd", ("traced_usd", "untraced_usd", "invoice_only_usd", "credit_usd", "rounding_usd")),
    ),
    Figure(
        "months",
        "Month by month",
        """
select strftime(month, '%Y-%m') as month, team_id, billed_booked_usd as billed_usd, accrued_booked_usd as accrued_usd,
    corrections_usd, net_charge_booked_usd as net_charge_usd
from marts.team_chargeback_monthly where net_charge_booked_usd != 0
order by month, net_charge_booked_usd desc, team_id
""",
        "All months, by the team that bears them.",
        chart="months",
    ),
    Figure(
        "features",
        "Where it went: features",
        """
select originating_feature_id as feature_id, bearer_team_id, sum(borne_usd) as borne_usd,
    coalesce(sum(borne_usd) filter (where purpose = 'production'), 0) as production_usd,
    coalesce(sum(borne_usd) filter (where purpose = 'evaluation'), 0) as evaluation_usd,
    coalesce(sum(borne_usd) filter (where basis = 'accrued'), 0) as of_it_accrued_usd, sum(calls)::bigint as calls
from marts.spend_daily where date_trunc('month', spent_on) = $month
group by all order by borne_usd desc, feature_id, bearer_team_id
""",
        "By the day of use. untraced, unlabelled and invoice_only (fees and credits) are money that no feature's calls"
        " explain.",
        chart="features",
        total=True,
    ),
    Figure(
        "models",
        "Where it went: models",
        """
select provider, model, bearer_team_id, sum(calls)::bigint as calls, sum(input_tokens)::bigint as input_tokens,
    sum(output_tokens)::bigint as output_tokens, sum(borne_usd) as borne_usd
from marts.spend_daily where date_trunc('month', spent_on) = $month
group by all order by borne_usd desc, provider, model, bearer_team_id
""",
        total=True,
    ),
    Figure(
        "days",
        "Day by day",
        """
select spent_on, bearer_team_id, purpose, sum(borne_usd) as borne_usd
from marts.spend_daily where date_trunc('month', spent_on) = $month
group by all order by spent_on, bearer_team_id, purpose
""",
        chart="days",
        total=True,
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
        " = paid + transfers out - transfers in. In cents as booked; the mart has twelve decimals beside them.",
        chart="chargeback",
        total=True,
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
        "Rows owe, columns are owed. Of a team: its own row and column.",
        shape="matrix",
    ),
    Figure(
        "reconciliation",
        "Does it tie to the bills? Reconciliation by cause",
        """
select provider, account_id, sum(billed_usd) as billed_usd, sum(attributed_usd) as attributed_usd,
    sum(untraced_usd) as untraced_usd, sum(invoice_only_usd) as invoice_only_usd, sum(rounding_usd) as rounding_usd,
    sum(overtraced_usd) as overtraced_usd, sum(credit_usd) as credit_usd, sum(fx_gap_usd) as fx_gap_usd,
    sum(price_gap_usd) as price_gap_usd, sum(quantity_gap_usd) as quantity_gap_usd,
    sum(timing_gap_usd) as timing_gap_usd
from marts.invoice_reconciliation_daily where date_trunc('month', usage_on) = $month
group by provider, account_id order by billed_usd desc, provider, account_id
""",
        "Billed = attributed + untraced + invoice-only + credit + FX gap + rounding. The gaps say why bill and price"
        " book differ.",
        total=True,
        parts=(
            "billed_usd",
            ("attributed_usd", "untraced_usd", "invoice_only_usd", "credit_usd", "fx_gap_usd", "rounding_usd"),
        ),
    ),
    Figure(
        "causes",
        "What the gaps are made of",
        """
unpivot (
    select usage_on, sum(untraced_usd) as untraced_usd, sum(invoice_only_usd) as invoice_only_usd,
        sum(price_gap_usd) as price_gap_usd, sum(quantity_gap_usd) as quantity_gap_usd,
        sum(fx_gap_usd) as fx_gap_usd, sum(timing_gap_usd) as timing_gap_usd, sum(rounding_usd) as rounding_usd
    from marts.invoice_reconciliation_daily where date_trunc('month', usage_on) = $month
    group by usage_on
) on columns(* exclude (usage_on)) into name cause value gap_usd
order by usage_on, cause
""",
        chart="causes",
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
    ),
    Figure(
        "burn",
        "Budget burn",
        """
select burned_on, coalesce(team_id, feature_id) as budget_of, team_id, month_to_date_usd, forecast_usd, budget_usd,
    status
from marts.budget_burn_daily
where date_trunc('month', burned_on) = $month and budget_usd is not null
order by budget_of, burned_on
""",
        "Month to date against the budget (the rule across), for each team or feature with one.",
        chart="burn",
    ),
    Figure(
        "budgets",
        "Budgets on the month's last day known",
        """
select team_id, feature_id, month_to_date_usd, forecast_usd, budget_usd, forecast_usd / budget_usd as forecast_pct,
    status
from marts.budget_burn_daily
where date_trunc('month', burned_on) = $month and budget_usd is not null
qualify burned_on = max(burned_on) over ()
order by forecast_pct desc, team_id, feature_id
""",
    ),
    Figure(
        "statements",
        "Statements: what changed since last month",
        """
select team_id, section, item, amount_usd, last_month_usd, change_usd, why, corrects_month
from marts.team_statements_monthly where month = $month order by team_id, section, item, corrects_month
""",
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
    ),
]
