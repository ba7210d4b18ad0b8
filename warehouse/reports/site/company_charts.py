"""Drawings of one company: its quarters, its plans, and its share around the market's day."""

from __future__ import annotations

import altair as alt
import polars as pl

from warehouse.reports.site import charts
from warehouse.reports.site.market_charts import is_narrow, names, percent, tips, with_interval, zero

PAID, LEASED = "paid", "finance leases"


def draw_quarters(rows: pl.DataFrame, width: int) -> charts.Drawing:
    rows = rows.with_columns(
        quarter=charts.quarter_said(),
        **{PAID: pl.col("capex_usd") / 1e9, LEASED: pl.col("finance_lease_assets_usd") / 1e9},
    )
    x = charts.quarters_across(rows["quarter"], width)
    long = rows.unpivot([PAID, LEASED], index="quarter", variable_name="kind", value_name="billions").drop_nulls()
    kinds = [kind for kind in (PAID, LEASED) if kind in long["kind"].to_list()]
    bars = alt.Chart(long.with_columns(place=pl.col("kind") == LEASED)).mark_bar(stroke=charts.PAPER, strokeWidth=0.7).encode(
        x=x,
        y=alt.Y("billions:Q", stack=True, title="$ billion"),
        color=alt.Color("kind:N", scale=alt.Scale(domain=kinds, range=[charts.COLOURS[0], charts.COLOURS[1]])),
        order=alt.Order("place:N"),
        tooltip=tips(("quarter:N", "Quarter", ""), ("kind:N", "What", ""), ("billions:Q", "$ billion", ",.1f")),
    )  # fmt: skip
    unknown = (
        alt.Chart(rows.filter(pl.col(PAID).is_null()))
        .mark_bar(fill=charts.HATCH, height=12, yOffset=-6)
        .encode(x=x, y=alt.datum(0))
    )
    return alt.layer(bars, unknown)


def draw_sales(rows: pl.DataFrame, width: int) -> alt.Chart:
    rows = rows.with_columns(
        quarter=charts.quarter_said(),
        billions=pl.col("revenue_usd") / 1e9,
    )
    kinds = rows["when"].unique(maintain_order=True).to_list()
    return (
        alt.Chart(rows)
        .mark_bar()
        .encode(
            x=charts.quarters_across(rows["quarter"], width),
            y=alt.Y("billions:Q", title="$ billion", scale=alt.Scale(zero=True)),
            color=alt.Color(
                "when:N", scale=alt.Scale(domain=kinds, range=[charts.COLOURS[5], charts.COLOURS[0]][-len(kinds) :])
            ),
            tooltip=tips(("quarter:N", "Quarter", ""), ("billions:Q", "$ billion", ",.1f")),
        )
    )


def draw_plans(rows: pl.DataFrame, width: int) -> charts.Drawing:
    rows = rows.with_columns(
        low=pl.col("low_usd") / 1e9,
        high=pl.col("high_usd") / 1e9,
        year=pl.format("for {} {}", pl.col("year_kind").fill_null(""), pl.col("fiscal_year")),
    ).with_columns(middle=(pl.coalesce("low", "high") + pl.coalesce("high", "low")) / 2)
    years = rows["year"].unique().sort().to_list()
    color = alt.Color(
        "year:N",
        scale=alt.Scale(domain=years, range=charts.COLOURS[: len(years)]),
        legend=alt.Legend(symbolOpacity=1, columns=1 if is_narrow(width) else 4),
    )
    shape = alt.Shape("year:N", scale=alt.Scale(domain=years, range=charts.SHAPES[: len(years)]))
    x = alt.X(
        "issued_on:T", title="Given on", axis=alt.Axis(format="%b %Y", tickCount=4 if is_narrow(width) else 7),
        scale=alt.Scale(padding=14),
    )  # fmt: skip
    y = alt.Y("middle:Q", title="$ billion", axis=alt.Axis(tickCount=5), scale=alt.Scale(zero=True))
    base = alt.Chart(rows).encode(x=x, color=color)
    ranges = base.mark_rule(strokeWidth=4, opacity=0.45).encode(
        y=alt.Y("low:Q", title="$ billion"), y2=alt.Y2("high:Q")
    )
    line = base.mark_line(strokeWidth=1.4).encode(y=y)
    points = base.mark_point(size=80).encode(
        y=y, shape=shape,
        tooltip=tips(("issued_on:T", "Given on", "%d %b %Y"), ("year:N", "Plan", ""), ("low:Q", "from, $ billion", ",.0f"),
                     ("high:Q", "to", ",.0f")),
    )  # fmt: skip
    return alt.layer(ranges, line, points)


def draw_windows(rows: pl.DataFrame, width: int) -> charts.Drawing:
    rows = with_interval(rows)
    whose = rows.sort("ticker", descending=False)["whose"].unique(maintain_order=True).to_list()
    order = rows["window"].unique(maintain_order=True).to_list()
    color = alt.Color(
        "whose:N",
        scale=alt.Scale(domain=whose, range=charts.COLOURS[: len(whose)]),
        legend=alt.Legend(symbolOpacity=1, columns=1 if is_narrow(width) else 2),
    )
    shape = alt.Shape("whose:N", scale=alt.Scale(domain=whose, range=charts.SHAPES[: len(whose)]))
    base = alt.Chart(rows).encode(
        y=names("window", order, width), yOffset=alt.YOffset("whose:N", sort=whose), color=color
    )
    lines = base.mark_rule(strokeWidth=3, opacity=0.45).encode(
        x=alt.X("low:Q", axis=percent(width, "Return beyond the market")), x2=alt.X2("high:Q")
    )
    points = base.mark_point(size=70).encode(
        x=alt.X("abnormal_return:Q"), shape=shape,
        tooltip=tips(("whose:N", "Whose", ""), ("window:N", "Days", ""), ("abnormal_return:Q", "Beyond the market", "+.1%")),
    )  # fmt: skip
    return alt.layer(zero(), lines, points).properties(height=alt.Step(17))
