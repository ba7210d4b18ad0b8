"""What pages of one question share: its answer, what moves it and what would settle it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import altair as alt
import polars as pl

from warehouse.marts.common.scopes import GROUP
from warehouse.marts.verdict.decision import ASKED, SILENT
from warehouse.reports.site import charts, intervals
from warehouse.reports.site.blocks import Answer, Block, Chart, Shown, Table, Text, Words
from warehouse.reports.site.forms import speak
from warehouse.reports.site.market_charts import tips
from warehouse.reports.site.page import Reader

VERDICT, SENSITIVITY, INFORMATION, CONDITIONS, PATH = (
    "marts.verdict", "marts.waste_sensitivity", "marts.value_of_information", "marts.verdict_conditions",
    "marts.required_path",
)  # fmt: skip
HELD_FIXED = "growth"
"""A driver that is compared with and does not enter the growth that is needed."""


def answer(reader: Reader, question: str, scope: str = GROUP) -> Block:
    """The verdict on a question with its three parts, in words of the warehouse."""
    key = {"scope": scope, "question": question}
    row = reader.row(VERDICT, key)
    if not row:
        return Text(ASKED[question], " There is no verdict by this date.", style="lead")
    return Answer(
        ASKED[question],
        row["verdict"],
        Words(VERDICT, key, "headline"),
        lines=(
            ("Why", (Words(VERDICT, key, "statement"),)),
            ("What would change it", (Words(VERDICT, key, "would_change"),)),
            ("What it does not say", (SILENT[question],)),
        ),
        leaning=leaning(row),
    )


def leaning(verdict: Mapping[str, Any]) -> str:
    """`leans to on course (69 % of draws)`; empty where it leans nowhere."""
    if not verdict["leaning"]:
        return ""
    return f"leans to {speak(verdict['leaning'], 'name')} ({speak(verdict['leaning_probability'], 'percent')} of draws)"


def sensitivity(
    reader: Reader, quantity: str, view: str, *, title: str, axis: str, scope: str = GROUP, form: str = ".0%"
) -> Chart:
    """A tornado of one simulated quantity: each driver at its ends, the others at their medians."""
    rows = reader.rows(
        f"""SELECT * FROM {SENSITIVITY} WHERE scope = ? AND quantity = ? AND revenue_view = ? AND bound = 'point'
        AND driver <> ? ORDER BY abs(quantity_at_high - quantity_at_low) DESC NULLS LAST, driver""",
        scope,
        quantity,
        view,
        HELD_FIXED,
    )
    spoken = "percent" if "%" in form else "number"
    return Chart(
        title=title,
        description="A bar for each assumption, the one that moves the figure most on top; a dashed line at the figure with all "
        "assumptions at their middle.",
        draw=lambda rows, width: intervals.tornado(rows, width, title=axis, form=form),
        numbers=Table(
            f"drivers-{quantity.replace('_', '-')}",
            title,
            rows,
            (
                Shown("driver", "Assumption", "name"),
                Shown("low", "Its low end", "number"),
                Shown("high", "High end", "number"),
                Shown("quantity_at_low", "Figure at the low end", spoken),
                Shown("quantity_at_high", "At the high end", spoken),
                Shown("variance_share", "Part of the spread", "percent"),
                Shown("flip_value", "Turns the answer at", "number"),
                Shown("turns", "What turns", "name"),
                Shown("grade", "Grade", "grade"),
            ),
            of=SENSITIVITY,
        ),
    )


def information(reader: Reader, question: str, scope: str = GROUP) -> Table:
    """What would settle a question: how likely it is that learning one thing alone changes the verdict."""
    rows = reader.rows(
        f"SELECT * FROM {INFORMATION} WHERE scope = ? AND question = ? ORDER BY probability_of_change DESC NULLS LAST, driver",
        scope,
        question,
    )
    return Table(
        "settles",
        "What would settle it",
        rows,
        (
            Shown("driver", "If we knew", "name"),
            Shown("probability_of_change", "It changes the verdict in", "percent"),
            Shown("changes_to", "To", "name"),
            Shown("learn_from", "Where it could be read", beneath=True),
            Shown("grade", "Grade", "grade"),
        ),
        of=INFORMATION,
        about="Of all values that it could have, the part at which this one fact alone gives another verdict.",
        empty="Nothing that is drawn could change this verdict alone.",
    )


def conditions(reader: Reader, question: str, scope: str = GROUP) -> Table:
    """The tests that a verdict rests on, as found."""
    rows = reader.rows(
        f"SELECT * FROM {CONDITIONS} WHERE scope = ? AND question = ? AND decides ORDER BY condition", scope, question
    )
    return Table(
        "tests",
        "The tests of the verdict",
        rows,
        (Shown("statement", "Test"), Shown("holds", "Holds", "flag"), Shown("grade", "Grade", "grade")),
        of=CONDITIONS,
        about="A test without a value is unknown, and never counts as evidence.",
        open_rows=12,
    )


def path(reader: Reader, scope: str, *, title: str, description: str, note: str, empty: str = Table.empty) -> Chart:
    """The newest path of revenue that breaks even, of what sellers of computing take, quarter by quarter."""
    rows = reader.rows(
        f"""SELECT * FROM {PATH} WHERE scope = ? AND revenue_view = 'infrastructure'
        AND as_of = (SELECT max(as_of) FROM {PATH}) AND required_revenue_p50_usd IS NOT NULL ORDER BY quarter_end""",
        scope,
    )
    return Chart(
        title=title,
        description=description,
        draw=draw_path,
        note=(note,),
        numbers=Table(
            "path",
            "Revenue on the path that breaks even",
            rows,
            (
                Shown("quarter_end", "Quarter's end", "date"),
                Shown("required_revenue_p20_usd", "1 in 5 below", "usd"),
                Shown("required_revenue_p50_usd", "Middle", "usd"),
                Shown("required_revenue_p80_usd", "1 in 5 above", "usd"),
                Shown("grade", "Grade", "grade"),
            ),
            of=PATH,
            empty=empty,
        ),
    )


def draw_path(rows: pl.DataFrame, width: int) -> charts.Drawing:
    billions = rows.with_columns((pl.col(f"required_revenue_p{at}_usd") / 1e9).alias(f"p{at}") for at in (20, 50, 80))
    x = alt.X("quarter_end:T", title=None, axis=alt.Axis(format="%b %Y", tickCount=4))
    y = alt.Y("p50:Q", title="$ billion a year", axis=alt.Axis(tickCount=5), scale=alt.Scale(zero=True))
    band = (
        alt.Chart(billions)
        .mark_area(opacity=0.25)
        .encode(x=x, y=alt.Y("p20:Q", title="$ billion a year"), y2=alt.Y2("p80:Q"))
    )
    line = alt.Chart(billions).mark_line(point=True).encode(
        x=x, y=y,
        tooltip=tips(("quarter_end:T", "Quarter's end", "%b %Y"), ("p20:Q", "One in five below, $ billion", ",.0f"),
                     ("p50:Q", "Middle", ",.0f"), ("p80:Q", "One in five above", ",.0f")),
    )  # fmt: skip
    return alt.layer(band, line)
