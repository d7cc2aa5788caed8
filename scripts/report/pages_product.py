"""What stands on the pages for features and data: product, quality, data quality; and which marts stand on none."""

from report.figures import BORNE_BY, Figure
from report.pages import HAS_REQUIREMENTS, HAS_REVENUE, HAS_TELEMETRY

PRODUCT = [
    Figure(
        "pnl",
        "What each feature earns and costs",
        f"""
select feature_id, revenue_usd, production_usd, evaluation_usd, eval_pool_credit_usd, development_usd,
    unattributed_usd, shared_usd, revenue_usd - margin_usd as ai_cost_usd, margin_usd as ai_margin_usd,
    margin_pct as ai_margin_pct, answers, users, basis,
    {BORNE_BY.format(feature="feature_pnl_monthly.feature_id", month="$month")}
from marts.feature_pnl_monthly where month = $month order by margin_usd desc, feature_id
""",
        "What a feature earns to the right, what its AI costs to the left; the mark between them is the AI margin,"
        " revenue less the cost of AI. quality_pool is what the pool takes over of the features' evals.",
        chart="pnl",
        fold=("side", {"revenue_usd": "revenue", "-ai_cost_usd": "cost of AI"}),
        total=True,
        needs=HAS_REVENUE,
        nothing="No feature has revenue or cost this month.",
    ),
    Figure(
        "cohorts",
        "By plan and segment",
        """
select plan, segment, sum(revenue_usd) as revenue_usd, sum(production_usd) as production_usd,
    sum(evaluation_usd) as evaluation_usd, sum(unattributed_usd) as unattributed_usd, sum(shared_usd) as shared_usd,
    sum(margin_usd) as ai_margin_usd, sum(answers)::bigint as answers
from marts.feature_pnl_by_cohort_monthly where month = $month
group by plan, segment order by ai_margin_usd, plan, segment
""",
        total=True,
        needs=HAS_REVENUE,
        nothing="No feature has revenue or cost this month.",
    ),
    Figure(
        "concentration",
        "How concentrated is the bill?",
        """
select segment, borne_usd, revenue_usd, margin_usd as ai_margin_usd, bill_share, cumulative_bill_share,
    row_number() over (order by segment = 'quality_pool', borne_usd desc, segment) as place
from marts.segment_margin_monthly where month = $month order by place
""",
        "The curve adds up the segments' shares of the bill, the largest first and the quality pool last; a red"
        " point has a negative AI margin.",
        chart="concentration",
        aside=("place",),
        drawn="bill_share",
        total=True,
        needs=HAS_TELEMETRY,
        nothing="Nothing was spent this month.",
    ),
    Figure(
        "accounts",
        "Which customers does it earn or lose on?",
        """
select account_id, plan, segment, revenue_usd, borne_usd, margin_usd as ai_margin_usd, break_even_usd
from marts.account_margin_monthly where month = $month order by margin_usd, account_id
""",
        "The least AI margin first. The break-even is what an account would have to pay for all AI cost of the month to"
        " be covered: its own cost, and its part of the cost that no account caused.",
        total=True,
        needs=HAS_REVENUE,
        nothing="No account has revenue or cost this month.",
    ),
    Figure(
        "sensitivity",
        "Does a margin hang on the revenue rule?",
        """
select feature_id, max(margin_usd) filter (where revenue_rule = 'stated') as as_stated_usd,
    max(margin_usd) filter (where revenue_rule = 'usage') as by_uses_usd,
    max(margin_usd) filter (where revenue_rule = 'even') as alike_usd,
    max(margin_usd) filter (where revenue_rule = 'cost') as by_cost_usd
from marts.revenue_sensitivity_monthly where month = $month and is_sign_changed
group by feature_id order by feature_id
""",
        "Features that earn by one rule and lose by another: AI margin with an account's revenue spread as stated, by"
        " uses, alike over the features that it used, and by what its use of them cost. It says more of the rule than"
        " of the feature.",
        needs=HAS_REVENUE,
        nothing="Every feature earns, or loses, by each of the rules: by uses, alike and by cost.",
    ),
    Figure(
        "endings",
        "What would ending a feature save?",
        """
select feature_id, avoidable_usd, only_revenue_usd, saved_usd, joint_usd, shared_usd, users, only_users, accounts,
    only_accounts, basis
from marts.feature_endings_monthly where month = $month order by saved_usd desc, feature_id
""",
        "What ends is the cost of calls that the feature alone caused. Its part of calls that others caused as well,"
        " and of money without calls, stays and falls to others. Revenue that goes with it is that of accounts that"
        " used nothing else; how many others would leave, no data says.",
        needs=HAS_REVENUE,
        nothing="No feature has revenue or cost this month.",
    ),
    Figure(
        "substitution",
        "Does a new feature eat an old one's use?",
        """
select new_feature_id, incumbent_feature_id, launched_on, adopters, non_adopters, displaced_uses_per_adopter, ci_low,
    ci_high, verdict
from marts.feature_substitution
order by new_feature_id, displaced_uses_per_adopter desc nulls last, incumbent_feature_id
""",
        "Uses per adopter and four weeks that the incumbent lost, with the 95 % interval. Of all months.",
        chart="substitution",
        drawn="displaced_uses_per_adopter",
        nothing="No feature was launched while usage events were landed.",
    ),
    Figure(
        "substitution_checks",
        "Can adopters be compared with the others?",
        """
select new_feature_id, incumbent_feature_id, accounts, use_before_verdict, trend_verdict, placebo_verdict
from marts.feature_substitution
order by new_feature_id, displaced_uses_per_adopter desc nulls last, incumbent_feature_id
""",
        "Their use of the incumbent before the launch, its trend, and a launch that did not happen.",
        nothing="No feature was launched while usage events were landed.",
    ),
    Figure(
        "substitution_cost",
        "What that does to the cost of AI",
        """
select new_feature_id, incumbent_feature_id, adopters_lost_pct, incumbent_lost_pct, new_uses_per_adopter,
    diversion_pct, extra_cost_usd, saved_cost_usd, net_cost_usd, net_cost_usd_low, net_cost_usd_high
from marts.feature_substitution
order by new_feature_id, net_cost_usd desc nulls last, incumbent_feature_id
""",
        "The new feature's cost less what the incumbent's lost uses would have cost, with its 95 % interval.",
        nothing="No feature was launched while usage events were landed.",
    ),
    Figure(
        "decay",
        "Does the effect last?",
        """
select new_feature_id, incumbent_feature_id, week, adopters, expected_uses_per_adopter, uses_per_adopter,
    displaced_uses_per_adopter, ci_low, ci_high, adopters_lost_pct
from marts.feature_substitution_weekly where reason is null
order by new_feature_id, incumbent_feature_id, week
""",
        "Uses per adopter that the incumbent lost in each week since the adoption.",
        nothing="No feature was launched while usage events were landed.",
    ),
    Figure(
        "units",
        "Unit economics: what does one cost?",
        f"""
select feature_id, production_usd, answers, users, accounts, usd_per_answer, median_usd_per_answer,
    p95_usd_per_answer, usd_per_user, median_usd_per_user, p95_usd_per_user, usd_per_account,
    {BORNE_BY.format(feature="unit_economics_monthly.feature_id", month="$month")}
from marts.unit_economics_monthly where month = $month order by production_usd desc, feature_id
""",
        chart="units",
        fold=(
            "statistic",
            {
                "median_usd_per_user": "median",
                "usd_per_user": "mean",
                "p95_usd_per_user": "95th percentile",
            },
        ),
        total=True,
        needs=HAS_TELEMETRY,
        nothing="No feature ran in production this month.",
    ),
    Figure(
        "free",
        "The free plans",
        f"""
select feature_id, users, answers, production_usd, production_usd_pct, usd_per_answer, usd_per_user, tried_users,
    converted_users, conversion_pct, other_conversion_pct, usd_per_conversion, usd_per_conversion_low,
    usd_per_conversion_high, payback_months, payback_months_low, payback_months_high, is_window_over,
    {BORNE_BY.format(feature="free_tier_monthly.feature_id", month="$month")}
from marts.free_tier_monthly where month = $month order by production_usd desc, feature_id
""",
        total=True,
        nothing="No use by people on a free plan: users with a plan and usage events say so (docs/inputs.md).",
    ),
]

QUALITY = [
    Figure(
        "coverage",
        "Coverage against the bill, over time",
        """
with known as (

    select min(spent_on) as first_day, least(max(spent_on), last_day($month)) as last_day from marts.spend_daily

),

covered as (

    select *, date_trunc('week', covered_on)::date as week from marts.eval_coverage_daily
    where covered_on < $month + interval 1 month

)

select week, any_value(least(week + 6, last_day) - greatest(week, first_day) + 1)::bigint as days,
    case when is_covered then 'covered' else 'not covered' end as state, sum(production_usd) as production_usd,
    days = 7 as is_whole
from covered cross join known
group by week, state order by week, state
""",
        "Production money per week, by whether its configuration had passed its required evals. Only whole weeks are"
        " drawn; the table has the others too.",
        chart="coverage",
        aside=("is_whole",),
        drawn="is_whole",
        needs=HAS_REQUIREMENTS,
        nothing="Nothing ran in production yet.",
    ),
    Figure(
        "target_burn",
        "Coverage targets: the error budget, and what of it ran uncovered",
        """
with days as (

    select covered_on as burned_on, feature_id,
        sum(case when is_covered then 0 else greatest(coalesce(production_usd, 0), 0) end) as uncovered_usd
    from marts.eval_coverage_daily where date_trunc('month', covered_on) = $month
    group by all

)

select burned_on, feature_id,
    sum(days.uncovered_usd) over (partition by feature_id order by burned_on) as uncovered_usd, error_budget_usd,
    burned_pct
from days join marts.coverage_targets_monthly as targets using (feature_id)
where targets.month = $month order by burned_pct desc nulls first, feature_id, burned_on
""",
        "What ran uncovered since the month's first day, and what may in the whole month: the part of the feature's"
        " production that its target leaves. The most burned first.",
        chart="target_burn",
        aside=("burned_pct",),
        fold=("error", {"uncovered_usd": "ran uncovered", "error_budget_usd": "error budget"}),
        nothing="No feature that ran this month has a coverage target (seed coverage_targets).",
    ),
    Figure(
        "targets",
        "Coverage targets on the month's last day known",
        f"""
select feature_id, status, target_pct, covered_usd_pct, error_budget_usd, uncovered_usd, burned_pct, burn_rate as pace,
    exhausted_on, {BORNE_BY.format(feature="coverage_targets_monthly.feature_id", month="$month")}
from marts.coverage_targets_monthly where month = $month order by burned_pct desc nulls first, feature_id
""",
        "Pace: at 1 the error budget is burned by the month's end, at 10 in a tenth of the month. Exhausted on: the day"
        " on which more had run uncovered than may, or, forecast, will have at the pace of the newest days.",
        nothing="No feature that ran this month has a coverage target (seed coverage_targets).",
    ),
    Figure(
        "evals",
        "Does coverage follow the bill?",
        f"""
select feature_id, production_usd, production_usd_change, covered_usd_pct, covered_usd_pct_change,
    is_bill_up_coverage_down, is_bill_up_coverage_down_trend, pass_rate, pass_rate_usd_pct,
    required_suites, evaluated_suites, missing_suites,
    {BORNE_BY.format(feature="eval_coverage_monthly.feature_id", month="$month")}
from marts.eval_coverage_monthly where month = $month order by production_usd desc, feature_id
""",
        "A red point: its bill grew while its coverage shrank.",
        chart="spread",
        drawn="production_usd",
        total=True,
        needs=HAS_REQUIREMENTS,
        nothing="No feature ran in production this month.",
    ),
    Figure(
        "tax",
        "Eval tax: what evals cost beyond what the pool funds",
        f"""
select feature_id, evaluation_usd, evaluation_usd_pct, eval_pool_credit_usd, eval_pool_by_default_usd,
    eval_tax_usd, marginal_eval_tax_usd, {BORNE_BY.format(feature="eval_coverage_monthly.feature_id", month="$month")}
from marts.eval_coverage_monthly where month = $month and evaluation_usd != 0
order by eval_tax_usd desc, feature_id
""",
        "Marginal: what one more run of the required suites would cost the team. Pool by default: no eval_funding row"
        " is in force, so that the quality pool pays evals whole.",
        chart="tax",
        fold=("tax", {"eval_pool_credit_usd": "funded by the pool", "eval_tax_usd": "eval tax"}),
        total=True,
        nothing="No evals were run this month, or none that cost money.",
    ),
    Figure(
        "correct",
        "Cost of a correct answer",
        f"""
select feature_id, usd_per_correct_answer, usd_per_correct_answer_low, usd_per_correct_answer_high,
    loaded_usd_per_correct_answer, pass_rate, pass_rate_usd_pct,
    {BORNE_BY.format(feature="eval_coverage_monthly.feature_id", month="$month")}
from marts.eval_coverage_monthly where month = $month and usd_per_correct_answer is not null
order by usd_per_correct_answer desc, feature_id
""",
        "Of evaluated configurations, with the interval that the number of cases leaves open. Loaded: with evals.",
        chart="correct",
        drawn="usd_per_correct_answer",
        nothing="Not known: no required eval has results and answers in production this month.",
    ),
    Figure(
        "uncovered",
        "Configurations that run unevaluated",
        f"""
select coverage.feature_id, model, prompt_version, reason, missing_suites, is_noise,
    sum(production_calls)::bigint as calls, sum(production_usd) as production_usd, min(covered_on) as first_day,
    max(covered_on) as last_day, {BORNE_BY.format(feature="coverage.feature_id", month="$month")}
from marts.eval_coverage_daily as coverage
where not is_covered and date_trunc('month', covered_on) = $month
group by coverage.feature_id, model, prompt_version, reason, missing_suites, is_noise
order by production_usd desc, coverage.feature_id, model, prompt_version, reason
""",
        total=True,
        needs=HAS_REQUIREMENTS,
        nothing="None: all that runs in production has passed its evals.",
    ),
    Figure(
        "next_eval",
        "Where does the next eval dollar cover most?",
        f"""
select feature_id, model, prompt_version, next_step, eval_rank, uncovered_usd, missing_suites, cover_usd,
    covered_usd_per_eval_usd as covered_per_eval_dollar,
    {BORNE_BY.format(feature="eval_budget_monthly.feature_id", month="$month")}
from marts.eval_budget_monthly
where month = $month and uncovered_usd != 0 and next_step != 'covered'
order by eval_rank nulls last, uncovered_usd desc, feature_id, model, prompt_version
""",
        "What runs uncovered, and what running its missing suites once is expected to cost. No run helps where one has"
        " failed, where nothing is required, or where production states no version.",
        total=True,
        needs=HAS_REQUIREMENTS,
        nothing="None: all that ran in production is covered by now.",
    ),
    Figure(
        "correct_by_version",
        "Cost of an answer and of a correct one, by model and prompt version",
        f"""
select feature_id, model, prompt_version, answers, usd_per_answer, pass_rate, pass_rate_low, pass_rate_high,
    usd_per_correct_answer, usd_per_correct_answer_low, usd_per_correct_answer_high,
    {BORNE_BY.format(feature="eval_budget_monthly.feature_id", month="$month")}
from marts.eval_budget_monthly where month = $month and usd_per_correct_answer is not null
order by feature_id, usd_per_correct_answer, model, prompt_version
""",
        "The cheaper model and the better one in one table. A difference within the intervals may be chance.",
        aside=("teams",),
        needs=HAS_REQUIREMENTS,
        nothing="Not known: no configuration has both a run of a required suite and answers this month.",
    ),
    Figure(
        "precision",
        "How sure is a pass rate, and what would make it sure?",
        f"""
select feature_id, suite, model, prompt_version, ran_on, cases, pass_rate, pass_rate_low, pass_rate_high, needed_cases,
    usd_per_case, needed_usd, {BORNE_BY.format(feature="eval_precision_monthly.feature_id", month="$month")}
from marts.eval_precision_monthly where month = $month and run_id is not null
order by pass_rate_high - pass_rate_low desc, feature_id, suite, model, prompt_version
""",
        "Needed: the cases with which the 95 % interval would be as narrow as the variable eval_interval_half_width"
        " says, at this pass rate, and what a run of so many is expected to cost.",
        total=True,
        aside=("teams",),
        needs=HAS_REQUIREMENTS,
        nothing="No configuration that ran this month has a run of a required suite.",
    ),
    Figure(
        "releases",
        "Money that ran unevaluated after a change",
        f"""
select changed_on, releases.feature_id, model, prompt_version, change, observed_days, production_usd, changed_usd,
    unevaluated_usd, unevaluated_usd_pct, reason, days_until_covered,
    {BORNE_BY.format(feature="releases.feature_id", month="$month")}
from marts.release_coverage as releases
where date_trunc('month', changed_on) = $month and not is_noise
order by unevaluated_usd desc, changed_on, releases.feature_id, model, prompt_version
""",
        needs=HAS_REQUIREMENTS,
        nothing="No model or prompt version was changed in production this month.",
    ),
]

DATA = [
    Figure(
        "freshness",
        "How new the data is",
        "select source, newest_record_at, landed_at from marts.data_freshness order by newest_record_at desc, source",
        "Newest record: the time that it is about, UTC; a day or a month by its first instant. Landed: when the newest"
        " file of its kind was taken in. The same for every month of the report.",
        nothing="No file has landed yet.",
    ),
    Figure(
        "capture",
        "How much of the bill do spans explain?",
        """
select strftime(month, '%Y-%m') as month, provider, payer_team_id, billed_usd, traced_usd, capture_pct
from marts.capture_rates_monthly where month <= $month order by month, provider, payer_team_id
""",
        chart="capture",
        drawn="capture_pct",
        nothing="No bill has landed yet.",
    ),
    Figure(
        "sampled",
        "How sure is what sampled traces stand for?",
        """
select scope, scope_id as feature_or_team, sampled_usd, standard_error_usd, low_usd, high_usd, traces
from marts.sampling_errors_monthly where month = $month
order by case scope when 'all' then 1 when 'feature' then 2 else 3 end, sampled_usd desc, scope_id
""",
        "Money of calls that a sampler dropped, estimated by those that it kept; low and high are the ends of a 95 %"
        " interval. Below 30 traces it says little. Features and teams each add up to all.",
        nothing="No trace of this month says that others were dropped.",
    ),
    Figure(
        "joins",
        "Which usage events found their calls?",
        f"""
select feature_id,
    case method when 'trace_id' then 'trace id' when 'request_id' then 'request id'
        when 'user_window' then 'user and time' when 'none' then 'no call found' else replace(method, '_', ' ')
    end as method,
    events, events_pct, answers, traces, production_usd, production_usd_pct,
    {BORNE_BY.format(feature="telemetry_join_rates_monthly.feature_id", month="$month")}
from marts.telemetry_join_rates_monthly where month = $month order by feature_id, events desc, method
""",
        "How an event found its calls; no event: money that no event knows.",
        chart="joins",
        drawn="events",
        total=True,
        needs=HAS_TELEMETRY,
        nothing="No usage event has landed this month.",
    ),
    Figure(
        "unlabelled",
        "Whose calls lack a cost label?",
        """
select owner_team_id, service, route, reason, sum(calls)::bigint as calls,
    sum(unpriced_calls)::bigint as unpriced_calls, sum(borne_usd) as borne_usd
from marts.unlabelled_spend_daily where date_trunc('month', spent_on) = $month
group by all order by borne_usd desc, owner_team_id, service, route, reason
""",
        total=True,
        nothing="None: each traced call has a feature.",
    ),
    Figure(
        "unexplained_usage",
        "Usage that no call covers",
        """
select service, operation, reason, source_file, sum(spans)::bigint as spans, sum(tokens)::bigint as tokens,
    min(seen_on) as first_day, max(seen_on) as last_day
from marts.unexplained_usage_daily
where date_trunc('month', seen_on) = $month or seen_on = date '1970-01-01'
group by all order by tokens desc, spans desc, service, operation, reason, source_file
""",
        "Spans that state tokens and are no call, totals beyond every reading, counts and lines that could not be read."
        " What has no time stands in every month.",
        nothing="None: all tokens that spans state are those of calls.",
    ),
    Figure(
        "bill_overlaps",
        "Lines of bills that a newer file no longer lists",
        """
select source_file, newer_file, unlisted_keys, first_on, last_on, lines, billed_usd
from marts.bill_overlaps_unsettled where month = $month
order by abs(billed_usd) desc, source_file, newer_file
""",
        "They stand, and were perhaps taken back: a row of seed bill_sources says what the newer file covers.",
        nothing="None: newer files list all that older ones did, or replace them.",
    ),
    Figure(
        "rules",
        "By which rule do we know whose a call is, and from where its price?",
        """
select attribution_rule, basis, match_level, unpriced_reason, count(*) as calls, sum(attributed_usd) as attributed_usd
from marts.attributed_calls where date_trunc('month', started_on) = $month
group by all order by attributed_usd desc nulls last, attribution_rule, basis, match_level, unpriced_reason
""",
        total=True,
        nothing="No span of a call has landed this month.",
    ),
    Figure(
        "rejects",
        "Rows that could not be read",
        """
select kind, source_file, reason, count(*) as rows, min(source_line) as first_line
from read_parquet('DATA/landed/rejects/*/*.parquet', union_by_name = true)
where reason is not null
group by all order by rows desc, kind, source_file, reason
""",
        "Of all files; the rest of each file landed.",
        landed="rejects",
        nothing="None: every row was read.",
    ),
    Figure(
        "files",
        "Files read",
        """
select kind, count(*) as files, sum(rows_read)::bigint as rows_read, sum(rows_rejected)::bigint as rows_rejected,
    sum(rows_superseded)::bigint as rows_superseded
from read_parquet('DATA/landed/files/*/*.parquet', union_by_name = true)
where kind is not null group by kind order by kind
""",
        landed="files",
        nothing="No file has landed yet.",
    ),
]

COSTLIEST = """
select trace_id, min(started_on) as started_on, count(*) as calls, count(distinct payer_team_id) as payers,
    list_sort(list(distinct team_path)) as team_paths, sum(attributed_usd) as attributed_usd
from marts.attributed_calls
where trace_id in (
    select trace_id from marts.attributed_calls
    where date_trunc('month', started_on) = $month and team_path like '% > %'
)
group by trace_id having sum(attributed_usd) is not null
order by attributed_usd desc, trace_id limit 10
"""

TRACE = [
    Figure(
        "costliest",
        "The month's costliest requests of several teams",
        COSTLIEST,
        "The first one is drawn above; make why TRACE=<id> prints any.",
        nothing="No request of this month went through services of several teams.",
        places=6,
    ),
    Figure(
        "shares",
        "Who bears the first one's calls",
        f"""
with costliest as (
{COSTLIEST})

select calls.call_id, calls.provider, calls.model, shares.originating_feature_id as feature_id, shares.bearer_team_id,
    calls.payer_team_id, calls.team_path, calls.basis, sum(shares.share) as share, sum(shares.borne_usd) as borne_usd
from marts.call_shares as shares
inner join marts.attributed_calls as calls on shares.call_id = calls.call_id
where calls.trace_id = (select trace_id from costliest order by attributed_usd desc, trace_id limit 1)
group by all order by borne_usd desc, calls.call_id, feature_id, shares.bearer_team_id
""",
        nothing="No request of this month went through services of several teams.",
        total=True,
        places=6,
    ),
]

# The dearest calls, and the dearest of each feature, model and purpose: few enough to read, and of every kind.
CALLS_SHOWN = """
with calls as (

    select
        *, row_number() over (order by attributed_usd desc nulls last, call_id) as place,
        row_number() over (
            partition by originating_feature_id, model, purpose order by attributed_usd desc nulls last, call_id
        ) as place_of_kind
    from marts.attributed_calls where date_trunc('month', started_on) = $month

),

shown as (

    select * from calls where place <= 50 or place_of_kind = 1
    order by place > 50, place limit 200

)
"""

CALLS = [
    Figure(
        "calls_covered",
        "How much of the month these calls are",
        f"""{CALLS_SHOWN}
select (select sum(attributed_usd) from shown) as shown_usd, sum(attributed_usd) as all_calls_usd,
    (select sum(attributed_usd) from shown)::double / nullif(sum(attributed_usd), 0)::double as shown_pct,
    nullif((select count(*) from shown), 0) as calls_shown, nullif(count(*), 0) as calls
from calls
""",
        "The dearest calls of the month, and the dearest of each feature, model and purpose."
        " marts.attributed_calls has all.",
        shape="tiles",
        nothing="No span of a call has landed this month.",
    ),
    Figure(
        "calls",
        "Calls",
        f"""{CALLS_SHOWN}
select shown.trace_id, started_at,
    (
        select list_sort(list(distinct shares.originating_feature_id)) from marts.call_shares as shares
        where shares.call_id = shown.call_id
    ) as features,
    (
        select list_sort(list(distinct shares.bearer_team_id)) from marts.call_shares as shares
        where shares.call_id = shown.call_id
    ) as teams,
    payer_team_id, provider, model, purpose, basis, input_tokens, output_tokens, attributed_usd
from shown order by attributed_usd desc nulls last, call_id
""",
        "Each request is drawn with the lines of its bill; make why TRACE=<id> prints any other.",
        places=6,
        nothing="No span of a call has landed this month.",
    ),
]

# Marts that stand on no page, each with its reason.
EXCUSED: dict[str, str] = {
    "calendar_days": "days, for MetricFlow to count over",
    "team_statement_summaries_monthly": "the heads of statements, which are files of their own",
    "team_statement_details_monthly": "the usage behind statements, which are files of their own",
}
