"""Drawings of the market's day, and the plain names of roles, benchmarks, tests and exposures in them."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl
from scipy.special import stdtrit

from warehouse.reports.site import charts

ROLES = {
    "supplier": "Chips and equipment",
    "power": "Power",
    "neocloud": "Renters of GPUs",
    "buyer": "Large buyers",
    "adopter": "Software that uses AI",
}
NO_MODEL = "No market model: listed too late"
BENCHMARKS = {
    "SPY": "US market (SPY)",
    "SPY_LESS_NVDA": "SPY without Nvidia",
    "QQQ": "Nasdaq 100 (QQQ)",
    "SMH": "Chip fund (SMH)",
    "EW_EX_NVDA": "Firms studied here",
}
TESTS = {
    "portfolio": "Portfolio",
    "patell": "Patell",
    "bmp": "Boehmer and others",
    "kolari_pynnonen": "Kolari and Pynnonen",
    "corrado_rank": "Corrado's ranks",
}
VARIABLES = {
    "chip_beta": "Swing with chips",
    "volatility": "Swing by itself",
    "supplier_less_buyer": "Sellers less buyers",
}
BEYOND, PLAIN = "Beyond the market", "Plain return"


def is_narrow(width: int) -> bool:
    return width <= charts.NARROW


def percent(width: int, title: str | None = None, **more: Any) -> alt.Axis:
    """An axis of returns: signed, and zero without a sign."""
    said = "datum.value == 0 ? '0%' : format(datum.value, '+.0%')"
    chosen: dict[str, Any] = {
        "labelExpr": said,
        "grid": True,
        "title": title,
        "tickCount": 4 if is_narrow(width) else 6,
    }
    return alt.Axis(**(chosen | more))


def with_interval(rows: pl.DataFrame) -> pl.DataFrame:
    """`low` and `high`: the 95 % interval that stands in the mart beside an abnormal return."""
    return rows.with_columns(low=pl.col("abnormal_return_low"), high=pl.col("abnormal_return_high"))


def names(column: str, order: list[str], width: int, title: str | None = None) -> alt.Y:
    limit = 132 if is_narrow(width) else 230
    return alt.Y(f"{column}:N", sort=order, title=title, axis=alt.Axis(labelLimit=limit, domain=False))


def zero() -> alt.Chart:
    return alt.Chart(pl.DataFrame({"zero": [0.0]})).mark_rule(color=charts.SOFT).encode(x=alt.X("zero:Q"))


def tips(*fields: tuple[str, str, str]) -> list[alt.Tooltip]:
    return [alt.Tooltip(name, title=title, format=how or alt.Undefined) for name, title, how in fields]


def draw_roles(rows: pl.DataFrame, width: int) -> charts.Drawing | alt.FacetChart:
    rows = with_interval(rows)
    y = names("group", rows["group"].to_list(), width)
    base = alt.Chart(rows).encode(y=y)
    lines = base.mark_rule(strokeWidth=3, opacity=0.5, color=charts.COLOURS[0]).encode(
        x=alt.X("low:Q", axis=percent(width, "Return beyond the market"), scale=alt.Scale(zero=True)),
        x2=alt.X2("high:Q"),
    )
    points = base.mark_point(size=110).encode(
        x=alt.X("abnormal_return:Q"),
        tooltip=tips(("group:N", "Group", ""), ("abnormal_return:Q", BEYOND, "+.1%"), ("low:Q", "from", "+.1%"),
                     ("high:Q", "to", "+.1%")),
    )  # fmt: skip
    return alt.layer(zero(), lines, points).properties(height=alt.Step(36))


def draw_firms(rows: pl.DataFrame, width: int) -> alt.FacetChart:
    rows = with_interval(rows)
    bands = [
        *(each for each in ROLES.values() if each in rows["band"].to_list()),
        *sorted(set(rows["band"]) - {*ROLES.values(), NO_MODEL}),
        NO_MODEL,
    ]
    order = rows.sort(pl.coalesce("abnormal_return", "actual_return"), nulls_last=True)["company"].to_list()
    rows = rows.with_columns(
        beyond=pl.lit(BEYOND),
        plain=pl.lit(PLAIN),
        none=pl.when(pl.col("actual_return").is_null()).then(pl.lit("not traded")),
    )
    scale = alt.Scale(domain=[BEYOND, PLAIN], range=[charts.COLOURS[0], charts.COLOURS[1]])
    shapes = alt.Scale(domain=[BEYOND, PLAIN], range=["circle", "diamond"])
    y = alt.Y(
        "company:N",
        sort=order,
        title=None,
        axis=alt.Axis(labelLimit=118 if is_narrow(width) else 190, domain=False, grid=False, labelPadding=8),
    )
    tooltip = tips(("company:N", "Firm", ""), ("abnormal_return:Q", BEYOND, "+.1%"), ("actual_return:Q", PLAIN, "+.1%"))
    base = alt.Chart().encode(y=y)
    axis = percent(width)
    lines = base.mark_rule(strokeWidth=2.5, opacity=0.4, color=charts.COLOURS[0]).encode(
        x=alt.X("low:Q", axis=axis), x2=alt.X2("high:Q")
    )
    plain = base.mark_point(size=42, filled=False, strokeWidth=1.6).encode(
        x=alt.X("actual_return:Q", axis=axis),
        color=alt.Color("plain:N", scale=scale),
        shape=alt.Shape("plain:N", scale=shapes),
        tooltip=tooltip,
    )
    beyond = base.mark_point(size=60).encode(
        x=alt.X("abnormal_return:Q", axis=axis),
        color=alt.Color("beyond:N", scale=scale),
        shape=alt.Shape("beyond:N", scale=shapes),
        tooltip=tooltip,
    )
    missing = (
        base.transform_filter("isValid(datum.none)")
        .mark_text(align="left", color=charts.SOFT, fontStyle="italic")
        .encode(x=alt.datum(0.0), text=alt.Text("none:N"))
    )
    middle = alt.Chart().mark_rule(color=charts.SOFT).encode(x=alt.datum(0.0))
    return (
        alt.layer(middle, lines, plain, beyond, missing, data=rows)
        .properties(width=width - (150 if is_narrow(width) else 220), height=alt.Step(19))
        .facet(
            row=alt.Row("band:N", sort=bands, title=None, header=alt.Header(labelOrient="top", labelPadding=4)),
            spacing=14,
        )
        .resolve_scale(y="independent")
    )


def draw_path(rows: pl.DataFrame, width: int) -> charts.Drawing | alt.FacetChart:
    rows = rows.with_columns(below=-pl.col("smallest_detectable_car"))
    x = alt.X(
        "day:Q", title="Trading days after", axis=alt.Axis(tickCount=7 if is_narrow(width) else 13, tickMinStep=1)
    )
    y = alt.Y("cumulative_return:Q", axis=percent(width, "Return beyond the market, summed", tickCount=7))
    axis = percent(width, "Return beyond the market, summed", tickCount=7)
    band = alt.Chart(rows).mark_area(color=charts.HATCH, opacity=0.55, line=False).encode(
        x=x, y=alt.Y("below:Q", axis=axis), y2=alt.Y2("smallest_detectable_car:Q")
    )  # fmt: skip
    first = (
        alt.Chart(rows.head(1))
        .mark_rule(strokeDash=[6, 4], color=charts.COLOURS[1])
        .encode(y=alt.Y("event_day_return:Q"))
    )
    middle = alt.Chart(pl.DataFrame({"zero": [0.0]})).mark_rule(color=charts.SOFT).encode(y=alt.Y("zero:Q"))
    line = alt.Chart(rows).mark_line(strokeWidth=2.6).encode(x=x, y=y)
    points = alt.Chart(rows).mark_point(size=26).encode(
        x=x, y=y,
        tooltip=tips(("date:T", "Date", "%d %b %Y"), ("cumulative_return:Q", BEYOND, "+.1%"),
                     ("smallest_detectable_car:Q", "Smallest found", ".1%")),
    )  # fmt: skip
    news = rows.drop_nulls("news")
    when = alt.Chart(news).mark_rule(strokeDash=[2, 2], color=charts.INK).encode(x=x)
    what = (
        alt.Chart(news)
        .mark_text(align="right", dx=-6, baseline="top", fontSize=12, limit=170)
        .encode(x=x, y=alt.value(4), text=alt.Text("news:N"))
    )
    return alt.layer(band, middle, first, line, points, when, what).properties(height=300)


def draw_benchmarks(rows: pl.DataFrame, width: int) -> alt.FacetChart:
    rows = with_interval(rows)
    order = [each for each in BENCHMARKS.values() if each in rows["market"].to_list()]
    whose = ["Nvidia", ROLES["supplier"], ROLES["buyer"]]
    base = alt.Chart().encode(y=names("market", order, width))
    lines = base.mark_rule(strokeWidth=3, opacity=0.45).encode(
        x=alt.X("low:Q", axis=percent(width)), x2=alt.X2("high:Q"),
        color=alt.Color("whose:N", scale=alt.Scale(domain=whose, range=charts.COLOURS[:3]), legend=None),
    )  # fmt: skip
    points = base.mark_point(size=80).encode(
        x=alt.X("abnormal_return:Q"),
        color=alt.Color("whose:N", scale=alt.Scale(domain=whose, range=charts.COLOURS[:3]), legend=None),
        shape=alt.Shape("whose:N", scale=alt.Scale(domain=whose, range=charts.SHAPES[:3]), legend=None),
        tooltip=tips(
            ("whose:N", "Whose", ""), ("market:N", "Benchmark", ""), ("abnormal_return:Q", "Beyond it", "+.1%")
        ),
    )
    middle = alt.Chart().mark_rule(color=charts.SOFT).encode(x=alt.datum(0.0))
    return (
        alt.layer(middle, lines, points, data=rows)
        .properties(width=width - (160 if is_narrow(width) else 250), height=alt.Step(24))
        .facet(
            row=alt.Row("whose:N", sort=whose, title=None, header=alt.Header(labelOrient="top", labelPadding=4)),
            spacing=14,
        )
    )


def draw_tests(rows: pl.DataFrame, width: int) -> charts.Drawing | alt.FacetChart:
    kinds = {True: "may be believed", False: "may not"}
    rows = rows.with_columns(
        kind=pl.col("is_valid_here").replace_strict(kinds, default="may not", return_dtype=pl.String)
    )
    y = names("named", rows["named"].to_list(), width)
    axis = alt.Axis(
        format=".0%", grid=True, title="Quiet days with a false alarm", tickCount=4 if is_narrow(width) else 6
    )
    band = (
        alt.Chart(rows.head(1))
        .mark_rect(color=charts.GOOD, opacity=0.22)
        .encode(x=alt.X("share_low:Q", axis=axis), x2=alt.X2("share_high:Q"))
    )
    points = alt.Chart(rows).mark_point(size=110).encode(
        y=y, x=alt.X("rejection_share:Q", axis=axis, scale=alt.Scale(zero=True)),
        color=alt.Color("kind:N", scale=alt.Scale(domain=list(kinds.values()), range=[charts.GOOD, charts.BAD])),
        shape=alt.Shape("kind:N", scale=alt.Scale(domain=list(kinds.values()), range=["circle", "cross"])),
        tooltip=tips(("named:N", "Test", ""), ("rejection_share:Q", "False alarms", ".1%"), ("kind:N", "Here", "")),
    )  # fmt: skip
    return alt.layer(band, points).properties(height=alt.Step(32))


def draw_hit(rows: pl.DataFrame, width: int) -> charts.Drawing | alt.FacetChart:
    reach = stdtrit(248, 0.975) * pl.col("standard_error")  # Student's t with the degrees of freedom of 250 days
    rows = rows.with_columns(low=pl.col("coefficient") - reach, high=pl.col("coefficient") + reach)
    kinds = ["Firms as they are", "Firms of equal exposure"]
    order = [each for each in [*ROLES.values(), *VARIABLES.values()] if each in rows["named"].to_list()]
    legend = alt.Legend(symbolOpacity=1, columns=1 if is_narrow(width) else 2)
    color = alt.Color("compared:N", scale=alt.Scale(domain=kinds, range=charts.COLOURS[:2]), legend=legend)
    shape = alt.Shape("compared:N", scale=alt.Scale(domain=kinds, range=["circle", "diamond"]))
    base = alt.Chart(rows).encode(y=names("named", order, width), yOffset=alt.YOffset("compared:N", sort=kinds))
    lines = base.mark_rule(strokeWidth=3, opacity=0.45).encode(
        x=alt.X("low:Q", axis=percent(width, "Return that goes with it")), x2=alt.X2("high:Q"), color=color
    )
    points = base.mark_point(size=80).encode(
        x=alt.X("coefficient:Q"), color=color, shape=shape,
        tooltip=tips(("named:N", "What", ""), ("compared:N", "Compared", ""), ("coefficient:Q", "Goes with", "+.1%")),
    )  # fmt: skip
    return alt.layer(zero(), lines, points).properties(height=alt.Step(17))


def draw_guidance(rows: pl.DataFrame, width: int) -> charts.Drawing | alt.FacetChart:
    rows = rows.with_columns(
        before=pl.coalesce("guidance_before_usd", "last_years_capex_usd") / 1e9,
        after=pl.col("guidance_after_usd") / 1e9,
    )
    held = {"earlier_guidance": "plan before", "last_years_capex": "spent the year before"}
    rows = rows.with_columns(
        was=pl.when(pl.col("guidance_before_usd").is_not_null())
        .then(pl.lit(held["earlier_guidance"]))
        .otherwise(pl.lit(held["last_years_capex"]))
    )
    kinds = [*held.values(), "first plan after"]
    color = alt.Color(
        "kind:N",
        scale=alt.Scale(domain=kinds, range=[charts.COLOURS[1], charts.COLOURS[5], charts.COLOURS[0]]),
        legend=alt.Legend(columns=2 if is_narrow(width) else 3),
    )
    shape = alt.Shape("kind:N", scale=alt.Scale(domain=kinds, range=["diamond", "square", "circle"]))
    y = names("company", rows["company"].to_list(), width)
    axis = alt.Axis(grid=True, tickCount=5)
    x = alt.X("billions:Q", title="$ billion", axis=axis, scale=alt.Scale(zero=True))
    long = pl.concat(
        [
            rows.select("company", kind="was", billions="before").drop_nulls("billions"),
            rows.select("company", kind=pl.lit(kinds[2]), billions="after").drop_nulls("billions"),
        ]
    )
    both = rows.drop_nulls(["before", "after"])
    way = (
        alt.Chart(both)
        .mark_rule(strokeWidth=2.5, color=charts.SOFT, opacity=0.6)
        .encode(y=y, x=alt.X("before:Q", axis=axis, title="$ billion"), x2=alt.X2("after:Q"))
    )
    points = alt.Chart(long).mark_point(size=90).encode(
        y=y, x=x, color=color, shape=shape,
        tooltip=tips(("company:N", "Company", ""), ("kind:N", "What", ""), ("billions:Q", "$ billion", ",.1f")),
    )  # fmt: skip
    none = rows.filter(pl.col("after").is_null()).with_columns(said=pl.lit("no later plan known"))
    sides: tuple[tuple[bool, Any, int], ...] = ((True, "right", -9), (False, "left", 4))
    texts = [
        alt.Chart(none.filter(pl.col("before").is_not_null() == known))
        .mark_text(align=side, dx=away, color=charts.SOFT, fontStyle="italic")
        .encode(y=y, x=alt.X("before:Q") if known else alt.datum(0), text=alt.Text("said:N"))
        for known, side, away in sides
    ]
    return alt.layer(way, points, *texts).properties(height=alt.Step(32))
