"""What the buyers spend: by quarter, against what they said, and against what they earn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import polars as pl

from warehouse.marts.common.scopes import COMPANIES
from warehouse.reports.site import charts
from warehouse.reports.site.blocks import Block, Chart, Figure, Heading, Shown, Table, Text, shown
from warehouse.reports.site.page import Page, Reader

PAGE = Page(
    "spending.html",
    "What the four buyers spend",
    "Capital expenditure by quarter and company, guidance, and how heavy it is beside revenue and cash flow.",
    label="Spending",
    place=20,
)
QUARTERLY, GROUPED, YEARLY = "marts.capex_quarterly", "marts.capex_group", "marts.capex_yearly"


def content(reader: Reader) -> Sequence[Block]:
    latest = reader.one(
        f"SELECT * FROM {GROUPED} WHERE capex_ttm_usd IS NOT NULL ORDER BY calendar_quarter DESC LIMIT 1"
    )
    return [
        *lead(latest),
        by_quarter(reader),
        Heading("How heavy it is"),
        ratios(reader),
        Heading("Year by year"),
        years(reader),
        Heading("What they said they would spend"),
        guidance(reader),
        Heading("The group, quarter by quarter"),
        group(reader),
    ]


def lead(latest: dict[str, Any]) -> list[Block]:
    if not latest:
        return [Text("No four quarters in a row are known of all four companies by this date.", style="lead")]
    spent = Figure(GROUPED, {"calendar_quarter": latest["calendar_quarter"]}, "capex_ttm_usd", "usd")
    quarter = f"Q{latest['calendar_quarter'][5]} {latest['calendar_quarter'][:4]}"
    return [
        Text("The four spent ", spent, f" on property and equipment in the four quarters to {quarter}, ",
             "finance leases not counted.", style="lead")
    ]  # fmt: skip


def by_quarter(reader: Reader) -> Chart:
    """Stacked bars by company; quarters in which a company is unknown are striped at the height of what is known."""
    rows = reader.rows(
        f"SELECT ticker, company, calendar_quarter, period_end, capex_usd, grade, reason FROM {QUARTERLY} "
        "WHERE list_contains(?, ticker) ORDER BY calendar_quarter, ticker",
        list(COMPANIES),
    )
    return Chart(
        title=since_a_year(
            rows,
            "capex_usd",
            every="Each company spends more than a year before",
            some="Some companies spend more than a year before, others do not",
            none="No company spends more than a year before",
            unknown="What each company spends by quarter",
        ),
        description="Stacked bars of the capital expenditure of Alphabet, Amazon, Meta and Microsoft by calendar quarter. "
        "The numbers are in the table below.",
        draw=draw_quarters,
        note=("Stripes on top: one or more companies are unknown in that quarter, so the bar is not the whole.",),
        numbers=Table(
            "quarters",
            "Capital expenditure by company and quarter",
            rows,
            shown(QUARTERLY, Shown("calendar_quarter", "Quarter", "quarter"), "company", "capex_usd", "grade"),
            of=QUARTERLY,
        ),
    )


def since_a_year(rows: pl.DataFrame, column: str, *, every: str, some: str, none: str, unknown: str) -> str:
    """What is true of the newest quarter of each company against the same one a year before, as a title."""
    last = (
        rows.filter(pl.col(column).is_not_null())
        .with_columns(year=pl.col("calendar_quarter").str.slice(0, 4).cast(pl.Int64))
        .with_columns(before=pl.format("{}{}", pl.col("year") - 1, pl.col("calendar_quarter").str.slice(4)))
    )
    earlier = last.select("ticker", pl.col("calendar_quarter").alias("before"), pl.col(column).alias("then"))
    newest = last.sort("calendar_quarter").group_by("ticker", maintain_order=True).last()
    risen = newest.join(earlier, on=["ticker", "before"]).select(pl.col(column) > pl.col("then")).to_series()
    if risen.is_empty():
        return unknown
    return every if risen.all() else some if risen.any() else none


def draw_quarters(rows: pl.DataFrame, width: int) -> charts.Drawing:
    companies = rows["company"].unique().sort().to_list()
    rows = rows.with_columns(
        billions=pl.col("capex_usd") / 1e9,
        quarter=charts.quarter_said(),
        place=pl.col("company").replace_strict(companies, range(len(companies)), return_dtype=pl.Int64),
    )
    x = charts.quarters_across(rows["quarter"], width)
    bars = (
        alt.Chart(rows.filter(pl.col("billions").is_not_null()))
        .mark_bar(stroke=charts.PAPER, strokeWidth=0.7)
        .encode(
            x=x,
            y=alt.Y("billions:Q", stack=True, title="$ billion"),
            color=alt.Color(
                "company:N", sort=companies, scale=alt.Scale(domain=companies, range=charts.COLOURS[: len(companies)])
            ),
            order=alt.Order("place:Q"),
            tooltip=[
                alt.Tooltip("company:N", title="Company"),
                alt.Tooltip("quarter:N", title="Quarter"),
                alt.Tooltip("billions:Q", title="$ billion", format=",.1f"),
            ],
        )
    )
    known = pl.col("billions").is_not_null().sum()
    lacking = rows.group_by("quarter", maintain_order=True).agg(
        missing=len(companies) - known.cast(pl.Int64), top=pl.col("billions").sum()
    )
    unknown = (
        alt.Chart(lacking.filter(pl.col("missing") > 0))
        .mark_bar(fill=charts.HATCH, height=12, yOffset=-7, opacity=1)
        .encode(x=x, y=alt.Y("top:Q"), tooltip=[alt.Tooltip("missing:Q", title="Companies unknown")])
    )
    return alt.layer(bars, unknown)


def ratios(reader: Reader) -> Chart:
    rows = reader.rows(
        f"""SELECT ticker, company, calendar_quarter, period_end, capex_to_revenue, capex_to_operating_cash_flow,
        capex_with_leases_to_operating_cash_flow, grade FROM {QUARTERLY}
        WHERE list_contains(?, ticker) AND capex_usd IS NOT NULL ORDER BY ticker, calendar_quarter""",
        list(COMPANIES),
    )
    return Chart(
        title=since_a_year(
            rows,
            "capex_to_operating_cash_flow",
            every="In each company, spending takes more of operating cash flow than a year before",
            some="In some companies, spending takes more of operating cash flow than a year before",
            none="In no company does spending take more of operating cash flow than a year before",
            unknown="How much of operating cash flow the spending takes",
        ),
        description="One small chart for each of four companies: capital expenditure over operating cash flow by quarter, "
        "with a line at 100 %, where all cash from operations is spent.",
        draw=draw_ratios,
        numbers=Table(
            "ratios",
            "Capital expenditure over revenue and over operating cash flow",
            rows,
            (
                Shown("calendar_quarter", "Quarter", "quarter"),
                Shown("company", "Company"),
                Shown("capex_to_revenue", "Over revenue", "percent"),
                Shown("capex_to_operating_cash_flow", "Over cash flow", "percent"),
                Shown("capex_with_leases_to_operating_cash_flow", "With leases, over cash flow", "percent"),
                Shown("grade", "Grade", "grade"),
            ),
            of=QUARTERLY,
        ),
    )


def draw_ratios(rows: pl.DataFrame, width: int) -> alt.FacetChart:
    columns = 1 if width <= charts.NARROW else 2
    line = alt.Chart().mark_line(point=alt.OverlayMarkDef(size=36)).encode(
        x=alt.X("period_end:T", title=None, axis=alt.Axis(format="%Y", tickCount="year")),
        y=alt.Y("capex_to_operating_cash_flow:Q", title=None, axis=alt.Axis(format="%", tickCount=4), scale=alt.Scale(zero=True)),
        tooltip=[
            alt.Tooltip("company:N", title="Company"),
            alt.Tooltip("calendar_quarter:N", title="Quarter"),
            alt.Tooltip("capex_to_operating_cash_flow:Q", title="Over cash flow", format=".0%"),
        ],
    )  # fmt: skip
    whole = alt.Chart().mark_rule(strokeDash=[4, 3]).encode(y=alt.datum(1))
    each = (width - 60 * columns) // columns
    return (
        alt.layer(line, whole, data=rows)
        .properties(width=each, height=130)
        .facet(facet=alt.Facet("company:N", title=None), columns=columns, spacing=22)
    )


def years(reader: Reader) -> Table:
    rows = reader.rows(
        f"SELECT * FROM {YEARLY} WHERE year_kind = 'calendar' AND list_contains(?, ticker) ORDER BY year DESC, company",
        list(COMPANIES),
    )
    return Table(
        "years",
        "Spent in a calendar year",
        rows,
        shown(YEARLY, "year", "company", Shown("capex_usd", "Whole year", "usd"),
              Shown("capex_so_far_usd", "Known quarters", "usd"), "quarters_known", "revenue_usd", "grade"),
        of=YEARLY,
        about="A year is whole where all four quarters are known.",
        open_rows=8,
    )  # fmt: skip


def guidance(reader: Reader) -> Chart:
    """What companies said that they would spend in a year, each time that they said it, from low to high."""
    of = "core.capex_guidance"
    rows = reader.rows(
        """SELECT g.*, coalesce(c.company, g.ticker) AS company FROM capex_guidance g
        LEFT JOIN companies c ON c.ticker = g.ticker WHERE g.known_on <= ?
        ORDER BY company, g.fiscal_year DESC, g.issued_on DESC, g.fact_id""",
        reader.as_of,
    )
    return Chart(
        title=raised(rows),
        description="A small chart for each company: bars from the low to the high end of what it said it would spend in a "
        "fiscal year, at the day on which it said so.",
        draw=draw_guidance,
        note=(
            "In billions of dollars. Bars run from the low to the high end of a plan; a plan of one figure is a dot.",
        ),
        numbers=Table(
            "guidance",
            "Plans as they were given",
            rows,
            shown(of, Shown("company", "Company"), "fiscal_year", "issued_on", "low_usd", "high_usd", "grade"),
            of=of,
            empty="No plan is known by this date.",
        ),
    )


def raised(rows: pl.DataFrame) -> str:
    """What is true of the last plan for each year against the first one, as a title."""
    first, last = pl.col("middle").first(), pl.col("middle").last()
    several = (
        rows.with_columns(middle=(pl.coalesce("low_usd", "high_usd") + pl.coalesce("high_usd", "low_usd")) / 2)
        .drop_nulls("middle")
        .sort("issued_on", maintain_order=True)
        .group_by("ticker", "fiscal_year")
        .agg(is_raised=last > first, count=pl.len())
        .filter(pl.col("count") > 1)["is_raised"]
    )
    if several.is_empty():
        return "What the companies said they would spend"
    if several.all():
        return "Every plan for a year was raised after it was first given"
    return (
        "Most plans for a year were raised after they were first given"
        if (several.mean() or 0) > 0.5  # type: ignore[operator]
        else "Few plans for a year were raised after they were first given"
    )


def draw_guidance(rows: pl.DataFrame, width: int) -> alt.FacetChart:
    rows = rows.with_columns(
        low=pl.coalesce("low_usd", "high_usd") / 1e9,
        high=pl.coalesce("high_usd", "low_usd") / 1e9,
        year=pl.format("for {}", pl.col("fiscal_year")),
    ).with_columns(middle=(pl.col("low") + pl.col("high")) / 2)
    years = rows["year"].unique().sort().to_list()
    color = alt.Color(
        "year:N",
        scale=alt.Scale(domain=years, range=charts.COLOURS[: len(years)]),
        legend=alt.Legend(symbolOpacity=1),
    )
    columns = 1 if width <= charts.NARROW else 2
    base = alt.Chart().encode(
        x=alt.X("issued_on:T", title=None, axis=alt.Axis(format="%b %Y", tickCount=3), scale=alt.Scale(padding=12)),
        color=color,
    )
    ranges = base.mark_rule(strokeWidth=10, opacity=0.45).encode(
        y=alt.Y("low:Q", title=None, axis=alt.Axis(tickCount=4), scale=alt.Scale(zero=True)), y2=alt.Y2("high:Q")
    )
    points = base.mark_point(size=22).encode(
        y=alt.Y("middle:Q"),
        shape=alt.Shape("year:N", scale=alt.Scale(domain=years, range=charts.SHAPES[: len(years)])),
        tooltip=[
            alt.Tooltip("company:N", title="Company"),
            alt.Tooltip("year:N", title="Plan"),
            alt.Tooltip("issued_on:T", title="Given on", format="%d %b %Y"),
            alt.Tooltip("low:Q", title="from, $ billion", format=",.0f"),
            alt.Tooltip("high:Q", title="to", format=",.0f"),
        ],
    )
    return (
        alt.layer(ranges, points, data=rows)
        .properties(width=(width - 60 * columns) // columns, height=150)
        .facet(facet=alt.Facet("company:N", title=None), columns=columns, spacing=22)
    )


def group(reader: Reader) -> Table:
    rows = reader.rows(f"SELECT * FROM {GROUPED} ORDER BY calendar_quarter DESC")
    return Table(
        "group",
        "The four together",
        rows,
        shown(GROUPED, "calendar_quarter", Shown("companies", "Known of", "text"), "capex_usd",
              Shown("capex_ttm_usd", "Four quarters", "usd"), Shown("coverage_share", "Part known", "percent"), "grade"),
        of=GROUPED,
    )  # fmt: skip
