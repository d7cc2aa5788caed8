"""Charts as Vega-Lite, made by Altair once for the whole site; each page brings its own rows."""

from functools import cache

import altair as alt

# Each stands out (3:1) from the light ground and from the dark one.
COLORS = ["#3b7dd8", "#c2571a", "#2e8b57", "#9b59b6", "#b07d0b", "#c8433a", "#5f7d8c", "#b0568c", "#4f8f8a", "#7a6fd0"]
GOOD, BAD, PLAIN = "#2e8b57", "#c8433a", "#3b7dd8"
USD = alt.Axis(format=",.4~r", title="USD")
PERCENT = alt.Axis(format="%")


FONT = "system-ui, sans-serif"


def _fit(height: int | alt.Step) -> dict:
    """As wide as the page; as high as said, or as its rows need."""
    return {"width": "container", "height": height}


def _chart(height: int | alt.Step = 240) -> alt.Chart:
    return alt.Chart(alt.NamedData("rows")).properties(**_fit(height))


def _layers(height: int | alt.Step, *layers: alt.Chart) -> alt.LayerChart | alt.FacetChart:
    return alt.layer(*layers).properties(**_fit(height))


def _legend(title: str | None = None) -> alt.Legend:
    return alt.Legend(title=title, orient="bottom", columns=3, labelLimit=150)


def _day(field: str) -> alt.X:
    # Days are those of the ledger, wherever the page is read.
    axis = alt.Axis(format="%d %b", labelOverlap=True, grid=False)
    return alt.X(f"{field}:T", timeUnit="utcyearmonthdate", scale=alt.Scale(type="utc"), title=None, axis=axis)


def months():
    return (
        _chart()
        .mark_bar()
        .encode(
            x=alt.X(
                "month:O", title=None, axis=alt.Axis(labelAngle=0), scale=alt.Scale(paddingInner=0.6, paddingOuter=0.3)
            ),
            y=alt.Y("sum(net_charge_usd):Q", axis=USD),
            color=alt.Color("team_id:N", legend=_legend()),
            tooltip=["month:N", "team_id:N", alt.Tooltip("net_charge_usd:Q", format=",.2f")],
        )
    )


def features():
    return (
        _chart(alt.Step(20))
        .mark_bar()
        .encode(
            y=alt.Y("feature_id:N", sort="-x", title=None),
            x=alt.X("sum(borne_usd):Q", axis=USD),
            color=alt.Color("bearer_team_id:N", legend=_legend()),
            tooltip=["feature_id:N", "bearer_team_id:N", alt.Tooltip("borne_usd:Q", format=",.2f")],
        )
    )


def days():
    return (
        _chart(200)
        .mark_bar()
        .encode(
            x=_day("spent_on"),
            y=alt.Y("sum(borne_usd):Q", axis=USD),
            color=alt.Color("purpose:N", legend=_legend()),
            tooltip=["spent_on:N", "purpose:N", alt.Tooltip("sum(borne_usd):Q", format=",.2f")],
        )
    )


def chargeback():
    kinds = ["production_usd", "evaluation_usd", "development_usd", "shared_usd", "unattributed_usd"]
    return (
        _chart(alt.Step(24))
        .transform_filter("datum.net_charge_usd != 0")
        .transform_calculate(pool_credit="-datum.eval_pool_credit_usd")
        .transform_fold([*kinds, "pool_credit"], as_=["kind", "usd"])
        .transform_filter("datum.usd != 0")
        .transform_calculate(kind="replace(replace(datum.kind, '_usd', ''), '_', ' ')")
        .mark_bar()
        .encode(
            y=alt.Y(
                "team_id:N", sort=alt.EncodingSortField("net_charge_usd", op="max", order="descending"), title=None
            ),
            x=alt.X("usd:Q", axis=USD),
            color=alt.Color("kind:N", legend=_legend()),
            tooltip=["team_id:N", "kind:N", alt.Tooltip("usd:Q", format=",.2f")],
        )
    )


def causes():
    return (
        _chart(200)
        .transform_filter("datum.gap_usd != 0")
        .transform_calculate(cause="replace(replace(datum.cause, '_usd', ''), '_', ' ')")
        .mark_bar()
        .encode(
            x=_day("usage_on"),
            y=alt.Y("sum(gap_usd):Q", axis=USD),
            color=alt.Color("cause:N", legend=_legend()),
            tooltip=["usage_on:N", "cause:N", alt.Tooltip("gap_usd:Q", format=",.4f")],
        )
    )


def burn():
    base = alt.Chart().properties(width=240, height=130)
    spent = base.mark_line(strokeWidth=2.5, color=PLAIN).encode(
        x=_day("burned_on"),
        y=alt.Y("month_to_date_usd:Q", axis=USD),
        tooltip=["burned_on:N", "budget_of:N", alt.Tooltip("month_to_date_usd:Q", format=",.2f")],
    )
    forecast = base.mark_line(strokeDash=[3, 3], color=COLORS[6]).encode(x=_day("burned_on"), y="forecast_usd:Q")
    budget = base.mark_line(color=BAD, strokeWidth=1.5).encode(x=_day("burned_on"), y="budget_usd:Q")
    return (
        alt.layer(budget, forecast, spent, data=alt.NamedData("rows"))
        .facet(facet=alt.Facet("budget_of:N", title=None), columns=2)
        .resolve_scale(y="independent")
    )


def pnl():
    return (
        _chart(alt.Step(20))
        .mark_bar()
        .encode(
            y=alt.Y("feature_id:N", sort="-x", title=None),
            x=alt.X("ai_margin_usd:Q", axis=alt.Axis(format=",.4~r", title="AI margin, USD")),
            color=alt.condition("datum.ai_margin_usd < 0", alt.value(BAD), alt.value(GOOD)),
            tooltip=[
                "feature_id:N",
                alt.Tooltip("revenue_usd:Q", format=",.2f"),
                alt.Tooltip("ai_margin_usd:Q", format=",.2f"),
            ],
        )
    )


def concentration():
    base = alt.Chart(alt.NamedData("rows")).encode(
        x=alt.X("segment:N", sort=alt.EncodingSortField("place"), title=None, axis=alt.Axis(labelAngle=0)),
        order="place:Q",
    )
    share = base.mark_bar(color=COLORS[6]).encode(y=alt.Y("bill_share:Q", axis=PERCENT, title="of the bill"))
    curve = base.mark_line(color=PLAIN).encode(y="cumulative_bill_share:Q")
    points = base.mark_point(filled=True, size=70, opacity=1).encode(
        y="cumulative_bill_share:Q",
        color=alt.condition("datum.ai_margin_usd < 0", alt.value(BAD), alt.value(PLAIN)),
        tooltip=[
            "segment:N",
            alt.Tooltip("cumulative_bill_share:Q", format=".1%"),
            alt.Tooltip("ai_margin_usd:Q", format=",.2f"),
        ],
    )
    return _layers(220, share, curve, points)


def _interval(y: str, value: str, low: str, high: str, title: str):
    base = alt.Chart(alt.NamedData("rows")).encode(
        y=alt.Y(f"{y}:N", title=None, sort=alt.EncodingSortField(value, order="descending"))
    )
    rule = base.mark_rule(color=COLORS[6], strokeWidth=2).encode(x=alt.X(f"{low}:Q", title=title), x2=f"{high}:Q")
    point = base.mark_point(filled=True, size=60, color=PLAIN, opacity=1).encode(
        x=f"{value}:Q", tooltip=[f"{y}:N", alt.Tooltip(f"{value}:Q", format=",.4f"), f"{low}:Q", f"{high}:Q"]
    )
    return _layers(alt.Step(20), rule, point)


def substitution():
    chart = _interval("pair", "displaced_uses_per_adopter", "ci_low", "ci_high", "uses lost per adopter")
    return chart.transform_filter("isValid(datum.displaced_uses_per_adopter)").transform_calculate(
        pair="datum.incumbent_feature_id + ' by ' + datum.new_feature_id"
    )


def correct():
    return _interval(
        "feature_id",
        "usd_per_correct_answer",
        "usd_per_correct_answer_low",
        "usd_per_correct_answer_high",
        "USD per correct answer",
    )


def units():
    names = "{median_usd_per_user: 'median', usd_per_user: 'mean', p95_usd_per_user: '95th percentile'}"
    return (
        _chart(alt.Step(20))
        .transform_fold(["median_usd_per_user", "usd_per_user", "p95_usd_per_user"], as_=["kind", "usd"])
        .transform_filter("isValid(datum.usd)")
        .transform_calculate(kind=f"{names}[datum.kind]")
        .mark_point(filled=True, size=60, opacity=1)
        .encode(
            y=alt.Y("feature_id:N", sort=alt.EncodingSortField("usd", op="max", order="descending"), title=None),
            x=alt.X("usd:Q", title="USD per user"),
            color=alt.Color("kind:N", legend=_legend()),
            shape=alt.Shape("kind:N", legend=_legend()),
            tooltip=["feature_id:N", "kind:N", alt.Tooltip("usd:Q", format=",.4f")],
        )
    )


def coverage():
    return (
        _chart(220)
        .mark_bar()
        .encode(
            x=alt.X("week:O", title=None, axis=alt.Axis(labelOverlap=True, labelAngle=0)),
            y=alt.Y("sum(production_usd):Q", axis=USD),
            color=alt.Color(
                "state:N", scale=alt.Scale(domain=["covered", "not covered"], range=[GOOD, BAD]), legend=_legend()
            ),
            tooltip=["week:N", "state:N", alt.Tooltip("production_usd:Q", format=",.2f")],
        )
    )


def tax():
    names = "{eval_pool_credit_usd: 'funded by the pool', eval_tax_usd: 'eval tax'}"
    return (
        _chart(alt.Step(20))
        .transform_fold(["eval_pool_credit_usd", "eval_tax_usd"], as_=["kind", "usd"])
        .transform_calculate(kind=f"{names}[datum.kind]")
        .mark_bar()
        .encode(
            y=alt.Y(
                "feature_id:N", sort=alt.EncodingSortField("evaluation_usd", op="max", order="descending"), title=None
            ),
            x=alt.X("usd:Q", axis=USD),
            color=alt.Color(
                "kind:N",
                scale=alt.Scale(domain=["funded by the pool", "eval tax"], range=[GOOD, BAD]),
                legend=_legend(),
            ),
            tooltip=["feature_id:N", "kind:N", alt.Tooltip("usd:Q", format=",.2f")],
        )
    )


def spread():
    base = alt.Chart(alt.NamedData("rows")).encode(
        x=alt.X("production_usd:Q", title="production, USD"),
        y=alt.Y("covered_usd_pct:Q", axis=PERCENT, title="of it covered", scale=alt.Scale(domain=[0, 1])),
    )
    points = base.mark_point(filled=True, size=80, opacity=1).encode(
        color=alt.condition(
            "datum.is_bill_up_coverage_down || datum.is_bill_up_coverage_down_trend", alt.value(BAD), alt.value(PLAIN)
        ),
        tooltip=[
            "feature_id:N",
            alt.Tooltip("covered_usd_pct:Q", format=".1%"),
            alt.Tooltip("production_usd:Q", format=",.2f"),
        ],
    )
    names = (
        base.mark_text(dy=-9, fontSize=10).encode(text="feature_id:N").transform_filter("datum.covered_usd_pct < 0.9")
    )
    return _layers(260, points, names)


def capture():
    return (
        _chart(200)
        .mark_line(point=True)
        .encode(
            x=alt.X("month:O", title=None, axis=alt.Axis(labelAngle=0)),
            y=alt.Y("capture_pct:Q", axis=PERCENT, title="of the bill traced", scale=alt.Scale(zero=False)),
            color=alt.Color("provider:N", legend=_legend()),
            detail="payer_team_id:N",
            tooltip=["month:N", "provider:N", "payer_team_id:N", alt.Tooltip("capture_pct:Q", format=".2%")],
        )
    )


def joins():
    return (
        _chart(alt.Step(20))
        .transform_filter("datum.events > 0")
        .mark_bar()
        .encode(
            y=alt.Y("feature_id:N", title=None),
            x=alt.X("events:Q", stack="normalize", axis=PERCENT, title="of the events"),
            color=alt.Color("method:N", legend=_legend()),
            tooltip=["feature_id:N", "method:N", "events:Q"],
        )
    )


CHARTS = [
    months, features, days, chargeback, causes, burn, pnl, concentration, substitution, correct, units, coverage,
    spread, tax, capture, joins,
]  # fmt: skip


@cache
def specs() -> dict[str, dict]:
    """Every chart's Vega-Lite by name. Colours of text and lines come from the page's style sheet."""
    made = {}
    for chart in CHARTS:
        colored = chart().configure(background="transparent", font=FONT).configure_range(category=COLORS)
        spec = colored.configure_view(stroke=None).configure_axisQuantitative(tickCount=8).to_dict()
        spec.pop("$schema")
        made[chart.__name__] = spec
    return made
