"""What stands on the page "What if": the proposal that `make whatif` tried last, beside today's rules.

`make whatif` keeps it in a database of its own (RECORD), so that the page says the same whenever it is written. The
figures ask that database, and never the ledger, which may have been built since.
"""

from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import duckdb

from report.figures import Figure, spread

RECORD = Path("whatif", "proposal.duckdb")  # in DATA
CHARTS = ("gains", "margins", "volatility", "incentive")
ROWS_DRAWN = 60  # of a chart: those that change most
DIFFERENCE = "difference_usd desc, team_id"


class Proposal(NamedTuple):
    """What was asked, when, and of which build of the ledger."""

    asked_at: datetime
    command: str
    build_id: str
    data_to: date | None
    first_month: date
    last_month: date


def proposal_of(record: duckdb.DuckDBPyConnection) -> Proposal:
    [found] = record.execute(f"select {', '.join(Proposal._fields)} from proposal").fetchall()
    return Proposal(*found)


def figures_of(record: duckdb.DuckDBPyConnection) -> list[Figure]:
    """The page's figures: those of teams, prices or features, as the files that were given have changed them."""
    tables = {name for (name,) in record.execute("select table_name from duckdb_tables()").fetchall()}
    found: list[Figure] = []
    if "teams" in tables:
        [(months,)] = record.execute("select count(*) from months").fetchall()
        found += [*ANSWERS, ANSWER_VOLATILITY if months > 1 else ANSWER_OF_ONE_MONTH, ANSWER_INCENTIVES]
    found += FEATURE_ANSWERS if "features" in tables else []
    found += [BASIS if "teams" in tables else FEATURE_BASIS]
    found += [rows_of_seed(record, seed) for seed in SEEDS if seed in tables]
    if "teams" in tables:
        found += [*TEAMS, *([VOLATILITY] if months > 1 else []), *incentives_of("prices" in tables)]
    found += [PRICES] if "prices" in tables else []
    found += FEATURES if "features" in tables else []
    return [replace(each, source=f"DATA/{RECORD.as_posix()}", note=note_of(record, each)) for each in found]


def note_of(record: duckdb.DuckDBPyConnection, figure: Figure) -> str:
    """A figure's note, and that its chart leaves rows out where it does."""
    if not figure.drawn:
        return figure.note
    [(rows,)] = record.execute(f"select count(*) from ({figure.sql})").fetchall()
    return figure.note + (f" Drawn are the {ROWS_DRAWN} that change most." if rows > ROWS_DRAWN else "")


def keep_shown(record: duckdb.DuckDBPyConnection, schema: str) -> None:
    """The teams' charges in cents that add up, as the page's table has them, for the lines above it."""
    rows = record.execute(
        f"select team_id, net_charge_usd, difference_usd from {schema}.teams order by {DIFFERENCE}"
    ).fetchall()
    cents = [spread([row[place] for row in rows], Decimal("0.01")) for place in (1, 2)]
    amounts = "net_charge_usd decimal(38, 12), whatif_usd decimal(38, 12)"
    record.execute(f"create table {schema}.shown (team_id varchar, {amounts})")
    for (team, *_), net_charge, change in zip(rows, *cents, strict=True):
        record.execute(f"insert into {schema}.shown values (?, ?, ?)", [team, net_charge, net_charge + change])


def is_drawn(change: str, id: str = "team_id") -> str:
    """A column of a figure: whether its chart draws the row."""
    return f"row_number() over (order by abs({change}) desc nulls last, {id}) <= {ROWS_DRAWN} as is_drawn"


def short(column: str) -> str:
    """A decimal as people write it, without zeros at its end."""
    return f"rtrim(rtrim(cast({column} as varchar), '0'), '.')"


def percent(column: str) -> str:
    return f"{short(f'{column} * 100')} || ' %'"


# Each seed: what to call it, what holds without a row of it, what a row says, and the words of columns that need some.
SEEDS: dict[str, tuple[str, str, str, dict[str, str]]] = {
    "chargeback_policies": (
        "Who is charged for a call",
        "The file has no row, so that each team pays for what its features' users ask for.",
        f"""case scope when 'default' then 'calls that no other row is about: '
        when 'team' then 'calls that team ' || scope_id || ' asks for: '
        when 'service' then 'calls of service ' || scope_id || ': '
        when 'feature' then 'calls for feature ' || scope_id || ': ' end
    || case policy when 'origin_pays' then 'the team whose feature the user asked for pays'
        when 'caller_pays' then 'the team that called the one that ran the call pays'
        when 'owner_pays' then 'the team that ran the call pays'
        when 'split' then 'team ' || bearer_team_id || ' pays a part, of weight ' || {short("weight")} end""",
        {"scope_id": "of_which", "bearer_team_id": "charged"},
    ),
    "eval_funding": (
        "What the quality pool pays of evals",
        "The file has no row, so that the quality pool pays evals whole.",
        f"""case scope when 'default' then 'features that no other row is about: '
        when 'team' then 'features of team ' || scope_id || ': '
        when 'feature' then 'feature ' || scope_id || ': ' end
    || 'the quality pool pays ' || {percent("share")} || ' of eval spend'
    || case when cap_pct is null and cap_floor_usd is null then '' else ', in a month at most '
        || concat_ws(' or ', {percent("cap_pct")} || ' of production spend', '$' || {short("cap_floor_usd")}) end
    || case when cap_pct is null or cap_floor_usd is null then '' else ', whichever is more' end""",
        {"scope_id": "of_which", "share": "part_paid", "cap_pct": "cap_of_production", "cap_floor_usd": "least_cap"},
    ),
    "sharing_rules": (
        "Who shares money that no feature's calls explain",
        "The file has no row, so that such money stays with the team that pays the bill.",
        f"""pool || ' money ' || case method when 'none' then 'stays with the team that pays the bill'
        when 'even' then 'is parted evenly' || coalesce(', team ' || team_id || ' takes a part', ' over all teams')
        when 'weighted' then 'is parted by ' || coalesce('weight, here ' || {short("weight")}, 'production cost')
            || coalesce(', team ' || team_id || ' takes a part', '') end""",
        {"team_id": "team"},
    ),
    "negotiated_prices": (
        "Prices that were negotiated",
        "The file has no row, so that list prices hold.",
        f"""coalesce(provider, 'any provider') || ', ' || coalesce(model, 'any model') || coalesce(', ' || meter, '')
    || ': ' || concat_ws(', ', '$' || {short("unit_price_usd")} || ' a unit',
        {percent("discount_pct")} || ' discount')""",
        {"unit_price_usd": "unit_price", "discount_pct": "discount"},
    ),
    "revenue_rules": (
        "How revenue that names no feature is spread",
        "The file has no row, so that an account's revenue follows its use.",
        f"""coalesce('to feature ' || feature_id, 'to all other features') || ' '
    || case method when 'usage' then 'by use' when 'value' then 'by value' when 'even' then 'evenly' end
    || coalesce(', weight ' || {short("weight")}, '')""",
        {"feature_id": "feature"},
    ),
}


def rows_of_seed(record: duckdb.DuckDBPyConnection, seed: str) -> Figure:
    """The rows that were proposed, in words and as the file has them, and those that they replace."""
    title, nothing, words, names = SEEDS[seed]
    columns = []
    for column, kind, *_ in record.execute(f"describe {seed}").fetchall():
        if column != "compared_with_today":
            # As text, since a row of rules is no row of amounts.
            value = short(column) if kind.startswith("DECIMAL") else f"cast({column} as varchar)"
            columns.append(f"{value} as {names.get(column, column)}")
    order = "list_position(['new', 'as today', 'no longer'], compared_with_today), in_words"
    return Figure(
        f"proposed_{seed}",
        f"What was proposed: {title[0].lower()}{title[1:]}",
        f"select compared_with_today, {words} as in_words,\n    {', '.join(columns)}\nfrom {seed}\norder by {order}",
        f"The rows of the file that took the place of the seed {seed}, then those of today's that it has no longer.",
        nothing=nothing,
        is_whole=True,
    )


def answer_of(key: str, title: str, more: str, less: str, word: str, nothing: str) -> Figure:
    """The teams for which the amount `more` is more than `less`, with amounts as the table below shows them."""
    return Figure(
        key,
        title,
        f"""
select team_id, coalesce(nullif(shown.{more} - shown.{less}, 0), teams.{more} - teams.{less}) as {word}_usd,
    shown.net_charge_usd, shown.whatif_usd as proposed_usd,
    cast(teams.{more} - teams.{less} as double) / nullif(abs(teams.net_charge_usd), 0) as {word}_pct
from teams inner join shown using (team_id)
where teams.{more} > teams.{less} order by teams.{more} - teams.{less} desc, team_id
""",
        shape="answer",
        says=f"{{team_id}} would pay {{{word}_usd}} {word}[, {{{word}_pct}}]:"
        " {proposed_usd} instead of {net_charge_usd}",
        link="#net_charge",
        nothing=nothing,
    )


ANSWERS = [
    answer_of("answer_more", "Who would pay more", "whatif_usd", "net_charge_usd", "more", "No team would pay more."),
    answer_of("answer_less", "Who would pay less", "net_charge_usd", "whatif_usd", "less", "No team would pay less."),
]
ANSWER_VOLATILITY = Figure(
    "answer_volatility",
    "Months that differ more or less",
    """
select team_id, whatif_volatility_usd as would_be_usd, volatility_usd
from teams where whatif_volatility_usd != volatility_usd
order by abs(whatif_volatility_usd - volatility_usd) desc, team_id
""",
    shape="answer",
    says="{team_id}: a month would typically be {would_be_usd} off the mean, today {volatility_usd}",
    link="#volatility",
    nothing="None: each team's months differ as they do today.",
)
ANSWER_OF_ONE_MONTH = replace(ANSWER_VOLATILITY, nothing="Not known: one month has no volatility.", link="#net_charge")
ANSWER_INCENTIVES = Figure(
    "answer_incentives",
    "Incentives that change",
    """
with shares as (
    select team_id, asked_call_own_usd / nullif(asked_call_usd, 0) as asked_today_pct,
        whatif_asked_call_own_usd / nullif(whatif_asked_call_usd, 0) as asked_pct,
        run_call_own_usd / nullif(run_call_usd, 0) as run_today_pct,
        whatif_run_call_own_usd / nullif(whatif_run_call_usd, 0) as run_pct,
        eval_run_own_usd / nullif(eval_run_usd, 0) as eval_today_pct,
        whatif_eval_run_own_usd / nullif(eval_run_usd, 0) as eval_pct
    from teams
)
select team_id, asked_pct, asked_today_pct, null as run_pct, null as run_today_pct, null as eval_pct,
    null as eval_today_pct, abs(asked_pct - asked_today_pct) as change
from shares where round(asked_pct - asked_today_pct, 4) != 0
union all
select team_id, null, null, run_pct, run_today_pct, null, null, abs(run_pct - run_today_pct)
from shares where round(run_pct - run_today_pct, 4) != 0
union all
select team_id, null, null, null, null, eval_pct, eval_today_pct, abs(eval_pct - eval_today_pct)
from shares where round(eval_pct - eval_today_pct, 4) != 0
order by change desc, team_id, asked_pct nulls last, run_pct nulls last
""",
    shape="answer",
    says="{team_id} would pay [{asked_pct} of the next call that it asks for, today {asked_today_pct}]"
    "[{run_pct} of the next call that it runs, today {run_today_pct}]"
    "[{eval_pct} of the next run of its evals, today {eval_today_pct}]",
    link="#asked_calls",
    nothing="None: each team pays the same part of its next call, cached prompt and eval run.",
)
FEATURE_ANSWERS = [
    Figure(
        "answer_margins",
        "Margins that change their sign",
        """
select strftime(month, '%Y-%m') as month, feature_id, margin_usd, whatif_margin_usd as proposed_margin_usd
from features where is_sign_changed order by abs(difference_usd) desc, month, feature_id
""",
        shape="answer",
        says="{feature_id} in {month}: a margin of {proposed_margin_usd} instead of {margin_usd}",
        link="#margins",
        nothing="None: a feature that earns would earn, and one that loses would lose.",
    ),
]
BASIS = Figure(
    "basis",
    "What it rests on",
    """
select strftime(month, '%Y-%m') as month, if(is_over, 'yes', 'not yet') as over, billed_usd, accrued_usd,
    billed_usd + accrued_usd as all_teams_usd, untraced_usd as untraced_of_it_usd
from months order by month
""",
    "All teams' net charges of a month are what providers billed and what has accrued: used, priced by the price book,"
    " and on no bill yet. Untraced money is on a bill and in no trace, so that rules about calls do not move it.",
    parts=("all_teams_usd", ("billed_usd", "accrued_usd")),
    total=True,
    is_whole=True,
    nothing="No month has a charge.",
)
FEATURE_BASIS = Figure(
    "basis",
    "What it rests on",
    """
select strftime(month, '%Y-%m') as month, if(is_over, 'yes', 'not yet') as over, spread_revenue_usd, stated_revenue_usd,
    no_usage_revenue_usd, billed_usd, accrued_usd, untraced_usd as untraced_of_it_usd
from feature_months order by month
""",
    "Revenue that rules spread, revenue that names its feature, and revenue of accounts that used none; and the cost"
    " that is taken off it, billed or accrued.",
    total=True,
    is_whole=True,
    nothing="No month has revenue or cost.",
)
TEAMS = [
    Figure(
        "net_charge",
        "Net charge of each team: who gains, who loses",
        f"""
select team_id, net_charge_usd, whatif_usd as proposed_usd, difference_usd as change_usd,
    cast(difference_usd / nullif(abs(net_charge_usd), 0) as double) as change_pct, effect,
    difference_usd != 0 and {is_drawn("difference_usd")}
from teams where net_charge_usd != 0 or whatif_usd != 0 order by {DIFFERENCE}
""",
        "Over all of these months: by today's rules, by the proposed ones, and the change. Both sides are computed anew"
        " from today's data, as if no month were closed, so that today's side may differ from what is booked.",
        chart="gains",
        drawn="is_drawn",
        aside=("is_drawn",),
        total=True,
        is_whole=True,
        added=("proposed_usd", "net_charge_usd", "change_usd"),
        has_zeros=True,
        nothing="No team is charged anything in these months.",
    ),
    Figure(
        "by_month",
        "The same by month",
        """
select strftime(month, '%Y-%m') as month, team_id, net_charge_usd, whatif_usd as proposed_usd,
    difference_usd as change_usd
from net_charges where net_charge_usd != 0 or whatif_usd != 0
order by month, difference_usd desc, team_id
""",
        total=True,
        is_whole=True,
        added=("proposed_usd", "net_charge_usd", "change_usd"),
        has_zeros=True,
        nothing="No team is charged anything in these months.",
    ),
]
VOLATILITY = Figure(
    "volatility",
    "Volatility: how far months differ",
    f"""
select team_id, cast(cast(net_charge_usd as double) / months as decimal(38, 12)) as mean_month_usd,
    cast(cast(whatif_usd as double) / months as decimal(38, 12)) as proposed_mean_usd,
    volatility_usd, whatif_volatility_usd as proposed_volatility_usd,
    whatif_volatility_usd - volatility_usd as volatility_usd_change,
    cast(volatility_usd as double) * months / nullif(abs(net_charge_usd), 0) as of_the_mean_pct,
    cast(whatif_volatility_usd as double) * months / nullif(abs(whatif_usd), 0) as proposed_of_the_mean_pct,
    {is_drawn("whatif_volatility_usd - volatility_usd")}
from teams where volatility_usd != 0 or whatif_volatility_usd != 0
order by greatest(volatility_usd, whatif_volatility_usd) desc, team_id
""",
    "How far a month typically lies from the team's mean month (the standard deviation of the months' net charges):"
    " the less, the easier to plan. Few months say little, and a month that is not over looks like a fall.",
    chart="volatility",
    has_zeros=True,
    drawn="is_drawn",
    aside=("is_drawn",),
    is_whole=True,
    nothing="Each month of a team costs it the same, under both rules.",
)


def of_a_call(key: str, role: str, title: str, who: str, is_priced: bool) -> Figure:
    """What one more call costs the team of one role on its path, and what a cached prompt spares it."""
    call, prompt = f"{role}_call", f"{role}_prompt"
    would_cost = f" whatif_{call}_usd as would_cost_usd," if is_priced else ""
    return Figure(
        key,
        title,
        f"""
select team_id, {role}_calls as calls, {call}_usd as costs_usd,{would_cost} {call}_own_usd as pays_today_usd,
    whatif_{call}_own_usd as would_pay_usd, {call}_own_usd / nullif({call}_usd, 0) as part_today_pct,
    whatif_{call}_own_usd / nullif(whatif_{call}_usd, 0) as proposed_part_pct, {prompt}_usd as cached_prompt_saves_usd,
    {prompt}_own_usd as spared_today_usd, whatif_{prompt}_own_usd as would_be_spared_usd,
    {is_drawn(f"whatif_{call}_own_usd - {call}_own_usd")}
from teams where {call}_usd is not null
order by abs(whatif_{call}_own_usd - {call}_own_usd) desc, {call}_usd desc, team_id
""",
        f"The mean production call of these months that the team {who}: its cost, and what the team pays of one"
        " more. A cached prompt saves the difference between the price of input and that of the cache, where the book"
        " has one for these calls, and before what writing the cache costs; the team is spared the part of it that it"
        " pays of the call. A team that pays nothing of a call is spared nothing by making it cheaper.",
        chart="incentive",
        has_zeros=True,
        drawn="is_drawn",
        aside=("is_drawn",),
        places=6,
        is_whole=True,
        nothing="No team has such a call in these months.",
    )


def incentives_of(is_priced: bool) -> list[Figure]:
    asks, runs = "asks for (it is first on the call's path)", "runs (it is last on the call's path)"
    return [
        of_a_call("asked_calls", "asked", "One more call that a team asks for", asks, is_priced),
        of_a_call("run_calls", "run", "One more call that a team runs", runs, is_priced),
        EVAL_RUNS,
    ]


EVAL_RUNS = Figure(
    "eval_runs",
    "One more run of a team's evals",
    f"""
select team_id, eval_run_usd as costs_usd, eval_run_own_usd as pays_today_usd, whatif_eval_run_own_usd as would_pay_usd,
    eval_run_own_usd / nullif(eval_run_usd, 0) as part_today_pct,
    whatif_eval_run_own_usd / nullif(eval_run_usd, 0) as proposed_part_pct,
    {is_drawn("whatif_eval_run_own_usd - eval_run_own_usd")}
from teams where eval_run_usd != 0
order by abs(whatif_eval_run_own_usd - eval_run_own_usd) desc, eval_run_usd desc, team_id
""",
    "Each suite that is required of the team's features, run once more in the newest month: its cost, and what the"
    " quality pool would not pay of it. Where the pool's cap is reached, the team pays the next run whole.",
    chart="incentive",
    has_zeros=True,
    drawn="is_drawn",
    aside=("is_drawn",),
    places=4,
    is_whole=True,
    nothing="No eval is required of a feature of any team, or none has run.",
)
PRICES = Figure(
    "prices",
    "All calls at book prices",
    """
select provider, sum(priced_usd) as priced_usd, sum(whatif_usd) as proposed_usd, sum(difference_usd) as change_usd
from prices group by provider order by abs(sum(difference_usd)) desc, provider
""",
    "What all calls of these months should cost by the price book, billed or not. A bill is a bill: net charges change"
    " by what accrues alone.",
    total=True,
    is_whole=True,
    added=("proposed_usd", "priced_usd", "change_usd"),
    has_zeros=True,
    nothing="No call of these months has a price.",
)
FEATURES = [
    Figure(
        "margins",
        "AI margin of each feature: which gain, which lose",
        f"""
select feature_id, sum(revenue_usd) as revenue_usd, sum(whatif_revenue_usd) as proposed_revenue_usd,
    sum(margin_usd) as ai_margin_usd, sum(whatif_margin_usd) as proposed_margin_usd, sum(difference_usd) as change_usd,
    if(sum(difference_usd) > 0, 'earns more', 'earns less') as margin,
    sum(difference_usd) != 0 and {is_drawn("sum(difference_usd)", "feature_id")}
from features group by feature_id order by sum(difference_usd) desc, feature_id
""",
        "Revenue less the cost of AI, over all of these months.",
        chart="margins",
        drawn="is_drawn",
        aside=("margin", "is_drawn"),
        total=True,
        is_whole=True,
        added=("proposed_margin_usd", "ai_margin_usd", "change_usd"),
        has_zeros=True,
        nothing="No feature has revenue or cost in these months.",
    ),
    Figure(
        "margins_by_month",
        "The same by month",
        """
select strftime(month, '%Y-%m') as month, feature_id, revenue_usd, whatif_revenue_usd as proposed_revenue_usd,
    margin_usd as ai_margin_usd, whatif_margin_usd as proposed_margin_usd, difference_usd as change_usd,
    if(is_sign_changed, 'sign changes', null) as sign
from features order by month, difference_usd desc, feature_id
""",
        total=True,
        is_whole=True,
        added=("proposed_margin_usd", "ai_margin_usd", "change_usd"),
        has_zeros=True,
        nothing="No feature has revenue or cost in these months.",
    ),
]
