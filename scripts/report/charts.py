"""Charts as Vega-Lite, made by Altair once for the whole site; each page brings the rows to draw."""

from collections.abc import Sequence

import altair as alt

# Each stands out (3:1) from the light ground and from the dark one, and means one thing in all charts.
GOOD, BAD, PLAIN, MUTED = "#2e8b57", "#c8433a", "#3f78b5", "#6f7d8a"
TEAMS = ["#3b7dd8", "#c2571a", "#148a8a", "#b0568c", "#a87a0b", "#7a6fd0", "#6f8a2a", "#96694c", "#2f86a8", "#a35fc4"]
SENTINELS = {"quality_pool": "#5b7f7a", "unattributed": "#b5533c"}
OTHERS = "#7d7f86"
# Values that are no team's, by the field that they colour.
KINDS = {
    "kind": {"production": "#5f7d8c", "evaluation": "#9b59b6", "development": "#887a3a", "shared": "#4a8f6d",
             "unattributed": "#bd5a4a", "unknown": "#8a6f8f", "pool credit": GOOD},
    "tax": {"funded by the pool": GOOD, "eval tax": "#b8562f"},
    "state": {"covered": GOOD, "not covered": BAD},
    "line": {"spent": PLAIN, "forecast": MUTED, "budget": BAD},
    "error": {"ran uncovered": "#5a73c4", "error budget": BAD},
    "statistic": {"median": "#4c7f9e", "mean": "#a8742a", "95th percentile": "#9a5a78"},
    "method": {"trace id": "#3f8a5c", "request id": "#5f8a3f", "user and time": "#9c7a24", "no call found": "#c24d3a"},
    "cause": {"untraced": "#b9603a", "sampled": "#94731c", "idle": "#6f7d4a", "invoice only": "#8c6fae",
              "price gap": "#3f86a0", "quantity gap": "#7d8a35", "FX gap": "#a8683f", "timing gap": "#5577b0",
              "rounding": "#8a8078"},
    "rules": {"today": "#8a7448", "proposed": "#4f6fd6"},
    "effect": {"pays more": BAD, "pays less": GOOD},
    "margin": {"earns more": GOOD, "earns less": BAD},
    "change": {"net charge": "#54808c", "more": BAD, "less": GOOD, "of closed months": "#8d6aa8"},
}  # fmt: skip
# The bars of a waterfall in their order, by the columns that they are of.
STEPS = {
    "last_month_usd": "Last month", "volume_usd": "Volume", "tokens_usd": "Tokens per call",
    "cache_usd": "Prompt cache", "price_usd": "Price per unit", "model_mix_usd": "Other models",
    "evaluation_usd": "Evals less pool", "waste_usd": "Waste", "late_usd": "Late money",
    "correction_usd": "Corrections", "other_usd": "Other", "rounding_usd": "Rounding to cents",
    "net_charge_usd": "This month",
}  # fmt: skip
USD = alt.Axis(format="$,.4~r", title=None)
PERCENT = alt.Axis(format="%")
LEGEND = alt.Legend(title=None, orient="bottom", labelLimit=150)
FONT = "system-ui, sans-serif"


def _fit(height: int | alt.Step) -> dict:
    """As wide as the page; as high as said, or as its rows need."""
    # Where rows make the height, only the width is fitted: report.js counts the rows.
    autosize = alt.AutoSizeParams(type="fit" if isinstance(height, int) else "fit-x", contains="padding")
    return {"width": "container", "height": height, "autosize": autosize}


def _chart(height: int | alt.Step = 240) -> alt.Chart:
    return alt.Chart(alt.NamedData("rows")).properties(**_fit(height))


def _layers(height: int | alt.Step, *layers: alt.Chart) -> alt.LayerChart | alt.FacetChart:
    return alt.layer(*layers).properties(**_fit(height))


def _color(field: str, meaning: dict[str, str] | None = None) -> alt.Color:
    meaning = meaning or KINDS[field]
    scale = alt.Scale(domain=list(meaning), range=list(meaning.values()))
    return alt.Color(f"{field}:N", scale=scale, legend=LEGEND)


def _day(field: str) -> alt.X:
    # Days are those of the ledger, wherever the page is read.
    axis = alt.Axis(
        format="%d %b", labelOverlap="greedy", labelSeparation=8, grid=False, tickCount={"interval": "day", "step": 1}
    )
    return alt.X(f"{field}:T", timeUnit="utcyearmonthdate", scale=alt.Scale(type="utc"), title=None, axis=axis)


def _usd(field: str, title: str, format: str = "$,.2f") -> alt.Tooltip:
    return alt.Tooltip(f"{field}:Q", title=title, format=format)


def _text(field: str, title: str) -> alt.Tooltip:
    return alt.Tooltip(f"{field}:N", title=title)


def _on(field: str) -> alt.Tooltip:
    return alt.Tooltip(f"{field}:N", title="Day")


def months(teams):
    scale = alt.Scale(paddingInner=0.6, paddingOuter=0.3)
    return (
        _chart()
        .mark_bar()
        .encode(
            x=alt.X("month:O", title=None, axis=alt.Axis(labelAngle=0), scale=scale),
            y=alt.Y("sum(net_charge_usd):Q", axis=USD),
            color=_color("team_id", teams),
            tooltip=[_text("month", "Month"), _text("team_id", "Team"), _usd("net_charge_usd", "Net charge")],
        )
    )


def features(teams):
    return (
        _chart(alt.Step(20))
        .mark_bar()
        .encode(
            y=alt.Y("feature_id:N", sort="-x", title=None),
            x=alt.X("sum(borne_usd):Q", axis=USD),
            color=_color("bearer_team_id", teams),
            tooltip=[_text("feature_id", "Feature"), _text("bearer_team_id", "Borne by"), _usd("borne_usd", "Cost")],
        )
    )


def days(_):
    return (
        _chart(200)
        .mark_bar()
        .encode(
            x=_day("spent_on"),
            y=alt.Y("sum(borne_usd):Q", axis=USD),
            color=_color("kind"),
            tooltip=[_on("spent_on"), _text("kind", "Purpose"), _usd("sum(borne_usd)", "Cost")],
        )
    )


def chargeback(_):
    by_charge = alt.EncodingSortField("net_charge_usd", op="max", order="descending")
    return (
        _chart(alt.Step(24))
        .mark_bar()
        .encode(
            y=alt.Y("team_id:N", sort=by_charge, title=None),
            x=alt.X("usd:Q", axis=USD),
            color=_color("kind"),
            tooltip=[
                _text("team_id", "Team"), _text("kind", "For"), _usd("usd", "Amount"),
                _usd("net_charge_usd", "Net charge"),
            ],
        )
    )  # fmt: skip


def waterfall(_):
    """From last month's net charge to this month's, a bar for each cause that begins where the one before it ends."""
    places = list(STEPS.values())
    ends, closed = [places[0], places[-1]], [STEPS["late_usd"], STEPS["correction_usd"]]
    return (
        _chart(alt.Step(24))
        .transform_aggregate(usd="sum(usd)", groupby=["step"])
        .transform_calculate(
            place=f"indexof({places}, datum.step)",
            is_end=f"indexof({ends}, datum.step) >= 0",
            added=f"datum.step == '{ends[1]}' ? 0 : datum.usd",
        )
        .transform_window(reached="sum(added)", sort=[alt.SortField("place")])
        .transform_calculate(
            low="datum.is_end ? 0 : datum.reached - datum.usd",
            high="datum.is_end ? datum.usd : datum.reached",
            change=f"datum.is_end ? 'net charge' : indexof({closed}, datum.step) >= 0 ? 'of closed months'"
            " : datum.usd > 0 ? 'more' : 'less'",
        )
        .mark_bar()
        .encode(
            y=alt.Y("step:N", sort=places, title=None),
            x=alt.X("low:Q", axis=USD),
            x2="high:Q",
            color=_color("change"),
            tooltip=[_text("step", "Step"), _usd("usd", "Amount", "$,.4f"), _usd("reached", "Charge with it")],
        )
    )


def causes(_):
    return (
        _chart(200)
        .mark_bar()
        .encode(
            x=_day("usage_on"),
            y=alt.Y("sum(gap_usd):Q", axis=USD),
            color=_color("cause"),
            tooltip=[_on("usage_on"), _text("cause", "Cause"), _usd("gap_usd", "Gap", "$,.4f")],
        )
    )


def _burn(field: str, of: str, what: str, sort: str, dashes: list[list[int]]):
    """A small chart for each budget: what is burned of it by day."""
    line = (
        alt.Chart()
        .mark_line(strokeWidth=2)
        .encode(
            x=_day("burned_on"),
            y=alt.Y("usd:Q", axis=alt.Axis(format="$,.4~r", title=None, tickCount=4)),
            color=_color(field),
            strokeDash=alt.StrokeDash(
                f"{field}:N", scale=alt.Scale(domain=list(KINDS[field]), range=dashes), legend=LEGEND
            ),
            tooltip=[_on("burned_on"), _text(of, what), _text(field, "Line"), _usd("usd", "Amount")],
        )
    )
    facet = alt.Facet(f"{of}:N", title=None, sort=alt.EncodingSortField(sort, op="max", order="descending"))
    return (
        alt.layer(line.properties(width=240, height=130), data=alt.NamedData("rows"))
        .facet(facet=facet, columns=2)
        .resolve_scale(y="independent")
        .resolve_axis(x="independent")
    )


def burn(_):
    return _burn("line", "budget_of", "Budget of", "forecast_pct", [[1, 0], [3, 3], [8, 3]])


def target_burn(_):
    return _burn("error", "feature_id", "Feature", "burned_pct", [[1, 0], [8, 3]])


def pnl(_):
    by_margin = alt.EncodingSortField("ai_margin_usd", op="max", order="descending")
    base = alt.Chart(alt.NamedData("rows")).encode(y=alt.Y("feature_id:N", sort=by_margin, title=None))
    tooltip = [
        _text("feature_id", "Feature"), _text("side", "What"), _usd("usd", "Amount"),
        _usd("ai_margin_usd", "AI margin"),
    ]  # fmt: skip
    sides = {"revenue": "#3a8f7a", "cost of AI": "#a0603f"}
    bars = base.mark_bar().encode(x=alt.X("usd:Q", axis=USD), color=_color("side", sides), tooltip=tooltip)
    # In the colour of the page's text, to stand out from both bars.
    margin = base.mark_tick(thickness=3, size=20, color="currentColor").encode(x="ai_margin_usd:Q", tooltip=tooltip)
    return _layers(alt.Step(20), bars, margin)


def concentration(_):
    base = alt.Chart(alt.NamedData("rows")).encode(
        x=alt.X("segment:N", sort=alt.EncodingSortField("place"), title=None, axis=alt.Axis(labelAngle=0)),
        order="place:Q",
        tooltip=[
            _text("segment", "Segment"), _usd("bill_share", "Of the bill", ".1%"),
            _usd("cumulative_bill_share", "With those before it", ".1%"), _usd("ai_margin_usd", "AI margin"),
        ],
    )  # fmt: skip
    share = base.mark_bar(color=MUTED).encode(y=alt.Y("bill_share:Q", axis=PERCENT, title="of the bill"))
    curve = base.mark_line(color=PLAIN).encode(y="cumulative_bill_share:Q")
    points = base.mark_point(filled=True, size=70, opacity=1).encode(
        y="cumulative_bill_share:Q",
        color=alt.condition("datum.ai_margin_usd < 0", alt.value(BAD), alt.value(PLAIN)),
    )
    return _layers(220, share, curve, points)


def _interval(y: str, what: str, value: str, title: str, low: str, high: str, format: str):
    base = alt.Chart(alt.NamedData("rows")).encode(
        y=alt.Y(f"{y}:N", title=None, sort=alt.EncodingSortField(value, op="max", order="descending")),
        tooltip=[
            _text(y, what), _usd(value, title, format), _usd(low, "at least (95 %)", format),
            _usd(high, "at most (95 %)", format),
        ],
    )  # fmt: skip
    axis = alt.Axis(format="$,.4~r") if format.startswith("$") else alt.Axis()
    rule = base.mark_rule(color=MUTED, strokeWidth=2).encode(
        x=alt.X(f"{low}:Q", title=title, axis=axis), x2=f"{high}:Q"
    )
    point = base.mark_point(filled=True, size=60, color=PLAIN, opacity=1).encode(x=f"{value}:Q")
    return _layers(alt.Step(20), rule, point)


def substitution(_):
    chart = _interval(
        "pair", "Feature", "displaced_uses_per_adopter", "uses lost per adopter", "ci_low", "ci_high", ",.2f"
    )
    return chart.transform_calculate(pair="datum.incumbent_feature_id + ' by ' + datum.new_feature_id")


def correct(_):
    value = "usd_per_correct_answer"
    return _interval(
        "feature_id", "Feature", value, "cost of a correct answer", f"{value}_low", f"{value}_high", "$,.4f"
    )


def units(_):
    by_cost = alt.EncodingSortField("usd", op="max", order="descending")
    shapes = alt.Scale(domain=list(KINDS["statistic"]), range=["triangle-up", "square", "circle"])
    return (
        _chart(alt.Step(20))
        .mark_point(filled=True, size=60, opacity=1)
        .encode(
            y=alt.Y("feature_id:N", sort=by_cost, title=None),
            x=alt.X("usd:Q", title="cost per user", axis=alt.Axis(format="$,.4~r")),
            color=_color("statistic"),
            shape=alt.Shape("statistic:N", scale=shapes, legend=LEGEND),
            tooltip=[_text("feature_id", "Feature"), _text("statistic", "What"), _usd("usd", "Per user", "$,.4f")],
        )
    )


def coverage(_):
    return (
        _chart(220)
        .mark_bar()
        .encode(
            x=alt.X("week:O", title=None, axis=alt.Axis(labelOverlap=True, labelAngle=0)),
            y=alt.Y("sum(production_usd):Q", axis=USD),
            color=_color("state"),
            tooltip=[_text("week", "Week of"), _text("state", "State"), _usd("production_usd", "Production")],
        )
    )


def tax(_):
    by_cost = alt.EncodingSortField("evaluation_usd", op="max", order="descending")
    return (
        _chart(alt.Step(20))
        .mark_bar()
        .encode(
            y=alt.Y("feature_id:N", sort=by_cost, title=None),
            x=alt.X("usd:Q", axis=USD),
            color=_color("tax"),
            tooltip=[_text("feature_id", "Feature"), _text("tax", "Paid"), _usd("usd", "Amount")],
        )
    )


def spread(_):
    base = alt.Chart(alt.NamedData("rows")).encode(
        x=alt.X("production_usd:Q", title="production", axis=alt.Axis(format="$,.4~r")),
        y=alt.Y("covered_usd_pct:Q", axis=PERCENT, title="of it covered", scale=alt.Scale(domain=[0, 1])),
    )
    points = base.mark_point(filled=True, size=80, opacity=1).encode(
        color=alt.condition(
            "datum.is_bill_up_coverage_down || datum.is_bill_up_coverage_down_trend", alt.value(BAD), alt.value(PLAIN)
        ),
        tooltip=[
            _text("feature_id", "Feature"), _usd("covered_usd_pct", "Covered", ".1%"),
            _usd("production_usd", "Production"),
        ],
    )  # fmt: skip
    # An empty name, and no filter: a layer without rows would have no extent to draw in.
    named = alt.condition("datum.covered_usd_pct < 0.9", "feature_id:N", alt.value(""))
    names = base.mark_text(dy=-9, fontSize=10).encode(text=named)
    return _layers(260, points, names)


def capture(_):
    return (
        _chart(200)
        .mark_line(point=True, color=PLAIN)
        .encode(
            x=alt.X("month:O", title=None, axis=alt.Axis(labelAngle=0)),
            y=alt.Y("capture_pct:Q", axis=PERCENT, title="of the bill traced", scale=alt.Scale(zero=False)),
            strokeDash=alt.StrokeDash(
                "provider:N", legend=alt.Legend(title=None, orient="bottom", symbolStrokeColor=PLAIN)
            ),
            detail="payer_team_id:N",
            tooltip=[
                _text("month", "Month"), _text("provider", "Provider"), _text("payer_team_id", "Paid by"),
                _usd("capture_pct", "Traced", ".2%"),
            ],
        )
    )  # fmt: skip


def joins(_):
    return (
        _chart(alt.Step(20))
        .mark_bar()
        .encode(
            y=alt.Y("feature_id:N", title=None),
            x=alt.X("events:Q", stack="normalize", axis=PERCENT, title="of the events"),
            color=_color("method"),
            tooltip=[
                _text("feature_id", "Feature"), _text("method", "Found by"),
                alt.Tooltip("events:Q", title="Events", format=","),
            ],
        )
    )  # fmt: skip


def _gains(of: str, what: str, field: str, title: str):
    """Who gains and who loses: bars to either side of zero."""
    by_change = alt.EncodingSortField("change_usd", op="max", order="descending")
    return (
        _chart(alt.Step(24))
        .mark_bar()
        .encode(
            y=alt.Y(f"{of}:N", sort=by_change, title=None),
            x=alt.X("change_usd:Q", axis=USD),
            color=_color(field),
            tooltip=[_text(of, what), _text(field, title), _usd("change_usd", "Change", "+$,.2f")],
        )
    )


def gains(_):
    return _gains("team_id", "Team", "effect", "Effect")


def margins(_):
    return _gains("feature_id", "Feature", "margin", "Effect")


def _today_and_proposed(today: str, proposed: str, x: alt.X, tooltip: alt.Tooltip):
    """Two points of each team with a line between them: under today's rules, and under those that were proposed."""
    scale = alt.Scale(domain=list(KINDS["rules"]), range=["circle", "diamond"])
    base = (
        alt.Chart(alt.NamedData("rows"))
        .transform_fold([today, proposed], as_=["column", "value"])
        .transform_filter("isValid(datum.value)")
        .transform_calculate(rules=f"datum.column == '{today}' ? 'today' : 'proposed'")
        .encode(y=alt.Y("team_id:N", title=None, sort=alt.EncodingSortField(today, op="max", order="descending")), x=x)
    )
    line = base.mark_line(color=MUTED, strokeWidth=2).encode(detail="team_id:N")
    points = base.mark_point(filled=True, size=70, opacity=1).encode(
        color=_color("rules"),
        shape=alt.Shape("rules:N", scale=scale, legend=LEGEND),
        tooltip=[_text("team_id", "Team"), _text("rules", "Rules"), tooltip],
    )
    return _layers(alt.Step(22), line, points)


def volatility(_):
    x = alt.X("value:Q", title="a month's typical distance from the mean", axis=alt.Axis(format="$,.4~r"))
    return _today_and_proposed("volatility_usd", "proposed_volatility_usd", x, _usd("value", "Volatility"))


def incentive(_):
    x = alt.X("value:Q", title="of its cost, paid by the team", axis=PERCENT, scale=alt.Scale(domainMin=0))
    return _today_and_proposed("part_today_pct", "proposed_part_pct", x, _usd("value", "Pays", ".1%"))


CHARTS = [
    months, features, days, chargeback, waterfall, causes, burn, target_burn, pnl, concentration, substitution, correct,
    units, coverage, spread, tax, capture, joins, gains, margins, volatility, incentive,
]  # fmt: skip


def team_colors(teams: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Each team's colour by the name that it is drawn under; `teams` are (id, name), the costliest first. Teams beyond
    the palette share a grey."""
    found, left = {}, iter(TEAMS)
    for team, name in teams:
        found[name] = SENTINELS[team] if team in SENTINELS else next(left, OTHERS)
    return found or {"": OTHERS}


def specs(teams: Sequence[tuple[str, str]] = ()) -> dict[str, dict]:
    """Every chart's Vega-Lite by name. Colours of text and lines come from the page's style sheet."""
    made, colors = {}, team_colors(teams)
    for chart in CHARTS:
        drawn = chart(colors).configure(background="transparent", font=FONT)
        spec = drawn.configure_view(stroke=None).configure_axisQuantitative(tickCount=6).to_dict()
        spec.pop("$schema")
        made[chart.__name__] = spec
    return made
