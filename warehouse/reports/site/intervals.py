"""Intervals as bars with a mark at the middle, against a threshold: how most of our figures are drawn.

A single number would claim more than is known. So a bar holds nine in ten draws, and the line that decides stands in it.
"""

from __future__ import annotations

import textwrap

import altair as alt
import polars as pl

from warehouse.reports.site import charts
from warehouse.reports.site.forms import speak

LETTERS = {True: 22, False: 46}
"""Letters in a line of a label, on a phone and on a desk: one that is cut may read like another."""


def intervals(
    rows: pl.DataFrame,
    width: int,
    *,
    label: str,
    ends: tuple[str, str, str],
    title: str,
    threshold: float | None = None,
    threshold_says: str = "",
    form: str = ".0%",
) -> charts.Drawing:
    """A bar a row of `rows` from the first of the columns `ends` to the last, with a mark at the middle one.

    `label` is the column that names a row, in the rows' order. `threshold` is drawn as a dashed line with its words.
    """
    low, middle, high = ends
    known = rows.drop_nulls([low, middle, high])
    letters = LETTERS[width <= charts.NARROW]
    lines = {name: textwrap.wrap(name, letters) or [name] for name in known[label].unique(maintain_order=True)}
    known = known.with_columns(lines=pl.col(label).replace_strict({name: "|".join(each) for name, each in lines.items()},
                                                                  return_dtype=pl.String))  # fmt: skip
    order = known["lines"].unique(maintain_order=True).to_list()
    axis = alt.Axis(labelExpr="split(datum.label, '|')", labelLimit=0, domain=False, ticks=False)
    y = alt.Y("lines:N", sort=order, title=None, axis=axis)
    x = alt.X(f"{low}:Q", title=title, axis=alt.Axis(format=form, grid=True, tickCount=5))
    said = [
        alt.Tooltip(f"{label}:N", title="What"),
        alt.Tooltip(f"{low}:Q", title="One in twenty below", format=form),
        alt.Tooltip(f"{middle}:Q", title="Middle", format=form),
        alt.Tooltip(f"{high}:Q", title="One in twenty above", format=form),
    ]
    bars = alt.Chart(known).mark_bar(height=12, opacity=0.4).encode(y=y, x=x, x2=alt.X2(f"{high}:Q"), tooltip=said)
    marks = alt.Chart(known).mark_point(shape="circle", size=90).encode(y=y, x=alt.X(f"{middle}:Q"), tooltip=said)
    layers: list[alt.Chart] = [bars, marks]
    if threshold is not None:
        line = pl.DataFrame({"at": [threshold], "says": [threshold_says]})
        layers.append(alt.Chart(line).mark_rule(strokeDash=[5, 3], color=charts.BAD).encode(x=alt.X("at:Q")))
        # The words stand on the side of the line that has more room, so that none reach beyond the drawing.
        reach = [end for end in (known[low].min(), known[high].max()) if isinstance(end, int | float)]
        on_the_right = bool(reach) and threshold > (reach[0] + reach[-1]) / 2
        layers.append(
            alt.Chart(line)
            .mark_text(
                align="right" if on_the_right else "left",
                baseline="bottom",
                dx=-4 if on_the_right else 4,
                dy=-4,
                color=charts.BAD,
            )
            .encode(x=alt.X("at:Q"), y=alt.value(0), text=alt.Text("says:N"))
        )
    most = max((len(each) for each in lines.values()), default=1)
    return alt.layer(*layers).properties(height=alt.Step(max(30, 15 * most + 8)))


def tornado(rows: pl.DataFrame, width: int, *, title: str, form: str = ".0%") -> charts.Drawing:
    """A bar a driver from the figure at its low end to that at its high end, the widest first; a line at the central one.

    `rows` has driver, quantity_at_low, quantity_at_central and quantity_at_high.
    """
    known = rows.drop_nulls(["quantity_at_low", "quantity_at_high"]).with_columns(
        name=pl.col("driver").map_elements(
            lambda driver: "|".join(textwrap.wrap(speak(driver, "name"), LETTERS[width <= charts.NARROW])),
            return_dtype=pl.String,
        ),
        reach=(pl.col("quantity_at_high") - pl.col("quantity_at_low")).abs(),
    )
    order = known.sort("reach", descending=True)["name"].to_list()
    y = alt.Y(
        "name:N",
        sort=order,
        title=None,
        axis=alt.Axis(labelExpr="split(datum.label, '|')", labelLimit=0, domain=False, ticks=False),
    )
    axis = alt.Axis(format=form, grid=True, tickCount=5)
    ends = ["at its low end", "at its high end"]
    long = (
        known.unpivot(["quantity_at_low", "quantity_at_high"], index=["name", "low", "high"], variable_name="end")
        .with_columns(
            pl.col("end").replace_strict(
                {"quantity_at_low": ends[0], "quantity_at_high": ends[1]}, return_dtype=pl.String
            )
        )
        .sort("name", "end")
    )
    bars = (
        alt.Chart(known)
        .mark_bar(height=12, opacity=0.4)
        .encode(y=y, x=alt.X("quantity_at_low:Q", title=title, axis=axis), x2=alt.X2("quantity_at_high:Q"))
    )
    marks = (
        alt.Chart(long)
        .mark_point(size=90)
        .encode(
            y=y,
            x=alt.X("value:Q"),
            color=alt.Color("end:N", scale=alt.Scale(domain=ends, range=charts.COLOURS[:2])),
            shape=alt.Shape("end:N", scale=alt.Scale(domain=ends, range=["triangle-left", "triangle-right"])),
            tooltip=[
                alt.Tooltip("name:N", title="Driver"),
                alt.Tooltip("end:N", title="Held"),
                alt.Tooltip("value:Q", title="Figure", format=form),
            ],
        )
    )
    middle = (
        alt.Chart(known.head(1))
        .mark_rule(strokeDash=[5, 3], color=charts.SOFT)
        .encode(x=alt.X("quantity_at_central:Q"))
    )
    return alt.layer(bars, middle, marks).properties(height=alt.Step(28))
