"""What an hour of a GPU costs: the glut, if there is one, would be seen here first.

A month with fewer than three providers has no median, and stays a gap. A line across it would be a price that nobody saw.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import polars as pl

from warehouse.reports.site import charts
from warehouse.reports.site.blocks import Block, Chart, Figure, Heading, Shown, Table, Text, shown
from warehouse.reports.site.page import Page, Reader

PAGE = Page(
    "gpu-prices.html",
    "What an hour of a GPU costs",
    "Rental prices by month: quartiles over providers, matched changes, and the same in real dollars.",
    label="GPU prices",
    place=30,
)
INDEX, CHAIN, TREND, COMPARISON = (
    "marts.gpu_price_index", "marts.gpu_price_chain", "marts.gpu_price_trend", "marts.gpu_price_comparison",
)  # fmt: skip
CHIP, CLASS, KIND = "H100 SXM", "specialist", "on_demand"
"""The offers that the method reads: the chip of the boom, from clouds that sell little else, without a contract."""
SERIES = f"gpu_model = '{CHIP}' AND provider_class = '{CLASS}' AND pricing_kind = '{KIND}'"
NOMINAL, REAL = "as listed", "in today's dollars"


def content(reader: Reader) -> Sequence[Block]:
    return [
        *lead(reader),
        quartiles(reader),
        Heading("At constant quality"),
        Text(
            "The cheapest provider of one month may not list in the next. So changes are read from the same offers in both "
            "months, and are chained.",
            style="about",
        ),
        chained(reader),
        Heading("How fast rents fall"),
        trends(reader),
        Heading("Against histories that others publish"),
        compared(reader),
        Heading("Every chip and kind of provider"),
        newest(reader),
    ]


def lead(reader: Reader) -> list[Block]:
    row = reader.one(
        f"SELECT * FROM {INDEX} WHERE {SERIES} AND median_usd_per_gpu_hour IS NOT NULL ORDER BY month DESC LIMIT 1"
    )
    if not row:
        return [Text(f"No month has three providers of an {CHIP} by this date, so there is no median.", style="lead")]
    return [
        Text(
            f"In {row['month']:%B %Y}, the middle provider asked ",
            Figure(INDEX, row, "median_usd_per_gpu_hour", "usd_per_hour"),
            f" for an hour of an {CHIP} on demand. Half of the ",
            Figure(INDEX, row, "n_providers", "count"),
            " specialist clouds asked between ",
            Figure(INDEX, row, "p25_usd_per_gpu_hour", "usd_per_hour"),
            " and ",
            Figure(INDEX, row, "p75_usd_per_gpu_hour", "usd_per_hour"),
            ".",
            style="lead",
        )
    ]


def quartiles(reader: Reader) -> Chart:
    rows = reader.rows(f"SELECT * FROM {INDEX} WHERE {SERIES} ORDER BY month")
    return Chart(
        title=f"What specialist clouds ask for an hour of an {CHIP}",
        description="A line of the median by month inside a band of the two quartiles; larger dots rest on more offers. A dashed "
        "line gives the median in today's dollars. Months with fewer than three providers are gaps.",
        draw=draw_quartiles,
        note=("A gap is a month with fewer than three providers. Real dollars end where consumer prices end.",),
        numbers=Table(
            "h100",
            f"Offers of an {CHIP}, specialist clouds, on demand",
            rows,
            shown(INDEX, "month", "n_offers", "n_providers", Shown("p25_usd_per_gpu_hour", "Lower quartile", "usd_per_hour"),
                  Shown("median_usd_per_gpu_hour", "Median", "usd_per_hour"),
                  Shown("p75_usd_per_gpu_hour", "Upper quartile", "usd_per_hour"),
                  Shown("median_real_usd_per_gpu_hour", "Median, real", "usd_per_hour"),
                  Shown("n_administered", "Unmoved for a year", "count"), "grade", "reason"),
            of=INDEX,
        ),
    )  # fmt: skip


def every_month(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with one for each month between the first and the last, so that what was not read stays a gap."""
    if rows.is_empty():
        return rows
    months = rows.select(pl.date_range(pl.col("month").min(), pl.col("month").max(), "1mo").alias("month"))
    return months.join(rows, on="month", how="left")


def _time() -> alt.X:
    return alt.X("month:T", title=None, axis=alt.Axis(format="%Y", tickCount="year"))


def draw_quartiles(rows: pl.DataFrame, width: int) -> charts.Drawing:
    rows = every_month(rows)
    dollars = alt.Axis(format="$.2f", tickCount=5)
    breaks: Any = "break-paths-show-path-domains"
    band = (
        alt.Chart(rows)
        .mark_area(opacity=0.18, invalid=breaks)
        .encode(
            x=_time(),
            y=alt.Y("p25_usd_per_gpu_hour:Q", title="$ an hour", axis=dollars),
            y2=alt.Y2("p75_usd_per_gpu_hour:Q"),
        )
    )
    long = rows.unpivot(
        ["median_usd_per_gpu_hour", "median_real_usd_per_gpu_hour"], index=["month", "n_offers"], variable_name="which"
    ).with_columns(
        pl.col("which").replace_strict(
            {"median_usd_per_gpu_hour": NOMINAL, "median_real_usd_per_gpu_hour": REAL}, return_dtype=pl.String
        )
    )
    scale = alt.Scale(domain=[NOMINAL, REAL], range=[charts.COLOURS[0], charts.COLOURS[1]])
    lines = (
        alt.Chart(long)
        .mark_line(invalid=breaks)
        .encode(
            x=_time(),
            y=alt.Y("value:Q", scale=alt.Scale(zero=True)),
            color=alt.Color("which:N", scale=scale),
            strokeDash=alt.StrokeDash("which:N", scale=alt.Scale(domain=[NOMINAL, REAL], range=charts.DASHES[:2])),
        )
    )
    dots = (
        alt.Chart(rows.drop_nulls("median_usd_per_gpu_hour"))
        .mark_point(color=charts.COLOURS[0])
        .encode(
            x=_time(),
            y=alt.Y("median_usd_per_gpu_hour:Q"),
            size=alt.Size("n_offers:Q", scale=alt.Scale(range=[20, 190]), legend=None),
            tooltip=[
                alt.Tooltip("month:T", title="Month", format="%B %Y"),
                alt.Tooltip("median_usd_per_gpu_hour:Q", title="Median, $", format=".2f"),
                alt.Tooltip("n_offers:Q", title="Offers"),
                alt.Tooltip("n_providers:Q", title="Providers"),
            ],
        )
    )
    return alt.layer(band, lines, dots)


def chained(reader: Reader) -> Chart:
    rows = reader.rows(f"SELECT * FROM {CHAIN} WHERE {SERIES} ORDER BY month")
    return Chart(
        title=f"The rent of an {CHIP}, the same offers from month to month",
        description="A line of the chained index, which is 100 in its first month, and a dashed one of the index in real dollars.",
        draw=draw_chain,
        note=("100 is the first month. A month without an offer that was listed before is a gap.",),
        numbers=Table(
            "chain",
            f"Chained index of the {CHIP}, specialist clouds, on demand",
            rows,
            shown(CHAIN, "month", "n_matched_providers", Shown("change", "Change", "change"),
                  Shown("matched_index", "Index", "number"), Shown("real_index", "Real index", "number"), "months_bridged",
                  "grade", "reason"),
            of=CHAIN,
        ),
    )  # fmt: skip


def draw_chain(rows: pl.DataFrame, width: int) -> alt.Chart:
    names = {"matched_index": "as listed", "real_index": "in real dollars"}
    long = (
        every_month(rows)
        .unpivot(list(names), index="month", variable_name="which")
        .with_columns(pl.col("which").replace_strict(names, return_dtype=pl.String))
    )
    kinds = list(names.values())
    return (
        alt.Chart(long)
        .mark_line(point=alt.OverlayMarkDef(size=30), invalid="break-paths-show-path-domains")
        .encode(
            x=_time(),
            y=alt.Y("value:Q", title="First month = 100", scale=alt.Scale(zero=True)),
            color=alt.Color("which:N", scale=alt.Scale(domain=kinds, range=charts.COLOURS[:2])),
            strokeDash=alt.StrokeDash("which:N", scale=alt.Scale(domain=kinds, range=charts.DASHES[:2])),
            tooltip=[
                alt.Tooltip("month:T", title="Month", format="%B %Y"),
                alt.Tooltip("which:N", title="Index"),
                alt.Tooltip("value:Q", title="Value", format=".1f"),
            ],
        )
    )


def trends(reader: Reader) -> Table:
    rows = reader.rows(
        f"""SELECT * FROM {TREND} WHERE gpu_model IN ('{CHIP}', 'H200 SXM', 'B200', 'A100 SXM 80GB')
        AND provider_class = '{CLASS}' AND pricing_kind = '{KIND}' ORDER BY gpu_model, period"""
    )
    return Table(
        "trend",
        "Fitted decline of rents a year",
        rows,
        (
            Shown("gpu_model", "Chip"),
            Shown("period", "Prices", "name"),
            Shown("decline_share", "Fall a year", "percent"),
            Shown("direction", "Direction", "name"),
            Shown("decline_log_points", "Log points a year", "number"),
            Shown("decline_low_log_points", "95 % from", "number"),
            Shown("decline_high_log_points", "to", "number"),
            Shown("decline_real_log_points", "In real dollars", "number"),
            Shown("chip_decline_log_points", "New chips' own fall", "number"),
            Shown("grade", "Grade", "grade"),
            Shown("reason", "Remark"),
        ),
        of=TREND,
        about="A glut shows where rents fall faster than new chips become cheaper. A negative fall is a rise. A direction stands "
        "only where the interval does not hold zero.",
    )


def compared(reader: Reader) -> Table:
    rows = reader.rows(f"SELECT * FROM {COMPARISON} ORDER BY published_index, from_month, to_month")
    return Table(
        "compared",
        "Published indexes and ours, between the same months",
        rows,
        (
            Shown("published_index", "Published by", "name"),
            Shown("from_month", "From", "date"),
            Shown("to_month", "To", "date"),
            Shown("published_from_usd_per_gpu_hour", "Theirs, then", "usd_per_hour"),
            Shown("published_to_usd_per_gpu_hour", "Theirs, later", "usd_per_hour"),
            Shown("chain_from_usd_per_gpu_hour", "Ours, then", "usd_per_hour"),
            Shown("chain_to_usd_per_gpu_hour", "Ours, later", "usd_per_hour"),
            Shown("difference_log_points", "Difference, log points", "number"),
            Shown("grade", "Grade", "grade"),
            Shown("reason", "Remark"),
        ),
        of=COMPARISON,
        about="On-demand list prices, contracts and marketplaces move differently; each is held against its own kind.",
        open_rows=12,
    )


def newest(reader: Reader) -> Table:
    rows = reader.rows(
        f"""SELECT * FROM {INDEX} QUALIFY row_number() OVER (PARTITION BY gpu_model, provider_class, pricing_kind
        ORDER BY month DESC) = 1 ORDER BY gpu_model, provider_class, pricing_kind"""
    )
    return Table(
        "newest",
        "The newest month of each",
        rows,
        (
            Shown("gpu_model", "Chip"),
            Shown("provider_class", "Provider", "name"),
            Shown("pricing_kind", "Terms", "name"),
            Shown("month", "Month", "date"),
            Shown("n_offers", "Offers", "count"),
            Shown("n_providers", "Providers", "count"),
            Shown("median_usd_per_gpu_hour", "Median", "usd_per_hour"),
            Shown("median_usd_per_pflop_hour", "A PFLOP/s for an hour", "usd_per_hour"),
            Shown("grade", "Grade", "grade"),
            Shown("reason", "Remark"),
        ),
        of=INDEX,
        open_rows=20,
    )
