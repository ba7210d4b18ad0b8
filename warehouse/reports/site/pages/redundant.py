"""How much of the spending cheaper training makes redundant: the share that trains, and how demand responds.

Only what trains can become redundant by cheaper training. That share is published nowhere, so three readings of it stand
beside each other. How demand responds to a lower price is not known either, so the whole range is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import polars as pl

from warehouse.marts.common.scopes import GROUP
from warehouse.reports.site import charts, intervals, settles
from warehouse.reports.site.blocks import Block, Chart, Heading, Shown, Table, Text, shown
from warehouse.reports.site.page import Page, Reader

PAGE = Page(
    "redundant.html",
    "How much of the spending does cheap training make redundant?",
    "The share of computing that trains, what cheaper training frees, and how demand responds.",
    label="Redundant?",
    place=50,
)
READINGS, ELASTICITY, SHARE, OWN, CONDITIONS, SENSITIVITY = (
    "marts.training_share_readings", "marts.redundant_by_elasticity", "marts.training_share", "marts.training_share_own",
    "marts.verdict_conditions", "marts.waste_sensitivity",
)  # fmt: skip
QUESTION = "Q2"
NAMES = {
    "bottom_up": "Models over the world's fleet",
    "inference": "What inference leaves",
    "mixture": "Both, as drawn",
    "lab_split": "One lab's own split (shown only)",
}


def content(reader: Reader) -> Sequence[Block]:
    return [
        settles.answer(reader, QUESTION),
        shares(reader),
        Heading("How much that makes redundant"),
        Text(
            "If training costs a third, two thirds of what trains are free. That is the figure before demand responds. "
            "When a price falls, people buy more: at an elasticity of one, spending stays as it was.",
            style="about",
        ),
        redundant(reader),
        elasticities(reader),
        Heading("Which assumptions carry it"),
        drivers(reader),
        settles.information(reader, QUESTION),
        Heading("The models behind the first reading"),
        years(reader),
        own(reader),
    ]


def named(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with their reading in words, in the order of NAMES."""
    order = pl.col("reading").replace_strict({name: at for at, name in enumerate(NAMES)}, return_dtype=pl.Int64)
    return rows.with_columns(
        name=pl.col("reading").replace_strict(NAMES, return_dtype=pl.String), place=order
    ).sort("place")  # fmt: skip


def shares(reader: Reader) -> Chart:
    rows = named(reader.rows(f"SELECT * FROM {READINGS}"))
    names = [f"training_share_with_experiments_p{at}" for at in ("05", "50", "95")]
    return Chart(
        title="The share of computing that trains, read in three ways",
        description="A bar for each reading, from the value that one draw in twenty is below to that which one is above, with a "
        "mark at the middle.",
        draw=lambda rows, width: intervals.intervals(
            rows, width, label="name", ends=(names[0], names[1], names[2]), title="Share of computing, with experiments"
        ),
        note=("Bars hold nine in ten draws. A lab buys more training than a fleet carries, so its split is not drawn from.",),
        numbers=Table(
            "readings",
            "Readings of the share that trains",
            rows,
            (Shown("name", "Reading"), Shown("weight", "Weight", "percent"), Shown(names[0], "1 in 20 below", "percent"),
             Shown(names[1], "Middle", "percent"), Shown(names[2], "1 in 20 above", "percent"),
             Shown("verdict_alone", "Verdict by it alone", "name"), Shown("grade", "Grade", "grade"), Shown("reason", "From")),
            of=READINGS,
        ),
    )  # fmt: skip


def threshold(reader: Reader) -> float | None:
    """The share from which spending looks wasteful, as the verdict used it."""
    key = {"scope": GROUP, "question": QUESTION, "condition": "redundant_median_at_threshold"}
    found: float | None = reader.row(CONDITIONS, key).get("threshold")
    return found


def redundant(reader: Reader) -> Chart:
    """Before and after demand responds, for each reading, against the line."""
    rows = named(reader.rows(f"SELECT * FROM {READINGS}"))
    limit = threshold(reader)
    kinds = {"redundant_capex_share_gross": "before demand responds", "redundant_capex_share": "after"}
    ends = ("p05", "p50", "p95")
    long = pl.concat(
        [
            rows.select(
                "name", "place", pl.lit(said).alias("which"), *(pl.col(f"{kind}_{end}").alias(end) for end in ends)
            )
            for kind, said in kinds.items()
        ]
    ).with_columns(what=pl.format("{}: {}", "name", "which")).sort("place", "which", descending=[False, True])  # fmt: skip

    def draw(_: pl.DataFrame, width: int) -> charts.Drawing:
        return intervals.intervals(
            long, width, label="what", ends=ends, title="Share of the spending", threshold=limit,
            threshold_says="looks wasteful from here",
        )  # fmt: skip

    columns = [
        Shown(f"{kind}_{end}", f"{said.capitalize()}, {name}", "percent")
        for kind, said in kinds.items()
        for end, name in zip(ends, ("1 in 20 below", "middle", "1 in 20 above"), strict=True)
    ]
    return Chart(
        title="Share of the spending that cheaper training makes redundant",
        description="Two bars for each reading: before demand responds, and after. A dashed line marks the share from which "
        "spending looks wasteful.",
        draw=draw,
        note=("Below zero, cheaper training calls for more spending and not for less.",),
        numbers=Table(
            "redundant",
            "Redundant share before and after demand responds",
            rows,
            (Shown("name", "Reading"), *columns, Shown("grade", "Grade", "grade")),
            of=READINGS,
        ),
    )


def elasticities(reader: Reader) -> Chart:
    rows = named(reader.rows(f"SELECT * FROM {ELASTICITY} ORDER BY reading, elasticity")).sort("place", "elasticity")
    limit = threshold(reader)

    def draw(rows: pl.DataFrame, width: int) -> charts.Drawing:
        drawn = rows.filter(pl.col("reading") == "mixture")
        x = alt.X("elasticity:Q", title="Elasticity of demand for training", axis=alt.Axis(values=[0, 0.5, 1, 1.5, 2]))
        y = alt.Axis(format=".0%", tickCount=6)
        band = (
            alt.Chart(drawn)
            .mark_area(opacity=0.2)
            .encode(
                x=x,
                y=alt.Y("redundant_capex_share_p05:Q", title="Share of the spending", axis=y),
                y2=alt.Y2("redundant_capex_share_p95:Q"),
            )
        )
        line = (
            alt.Chart(drawn)
            .mark_line(point=True)
            .encode(
                x=x,
                y=alt.Y("redundant_capex_share_p50:Q"),
                tooltip=[
                    alt.Tooltip("elasticity:Q", title="Elasticity"),
                    alt.Tooltip("redundant_capex_share_p50:Q", title="Middle", format=".0%"),
                ],
            )
        )
        rule = alt.Chart(pl.DataFrame({"at": [limit]}, schema={"at": pl.Float64}).drop_nulls())
        return alt.layer(band, line, rule.mark_rule(strokeDash=[5, 3], color=charts.BAD).encode(y=alt.Y("at:Q")))

    return Chart(
        title="How demand responds decides the sign",
        description="A band and a line over the elasticity of demand; a dashed line marks the share from which spending "
        "looks wasteful. At an elasticity of one, band and line meet at zero.",
        draw=draw,
        note=("The dashed line is where spending looks wasteful. At an elasticity of one, nothing is redundant.",),
        numbers=Table(
            "elasticity",
            "Redundant share at four elasticities",
            rows,
            (Shown("name", "Reading"), Shown("elasticity", "Elasticity", "number"),
             Shown("redundant_capex_share_p05", "1 in 20 below", "percent"),
             Shown("redundant_capex_share_p50", "Middle", "percent"),
             Shown("redundant_capex_share_p95", "1 in 20 above", "percent"), Shown("grade", "Grade", "grade")),
            of=ELASTICITY,
        ),
    )  # fmt: skip


def drivers(reader: Reader) -> Chart:
    return settles.sensitivity(
        reader,
        "redundant_capex_share",
        "none",
        title="What moves the redundant share, one assumption at a time",
        axis="Share of the spending",
    )


def years(reader: Reader) -> Table:
    rows = reader.rows(f"SELECT * FROM {SHARE} ORDER BY year DESC")
    return Table(
        "years",
        "Training by year",
        rows,
        shown(SHARE, "year", Shown("models_known", "Models known", "count"), Shown("models_disclosed", "With compute", "count"),
              Shown("disclosure_rate", "Disclosed", "percent"), Shown("training_share", "Of the fleet, disclosed", "percent"),
              Shown("training_share_grossed_up", "With the undisclosed", "percent"),
              Shown("is_lower_bound", "Only a lower bound", "flag"), "grade", "reason"),
        of=SHARE,
        about="Closed labs stopped saying what their training took. A year in which too few said it is a lower bound and is never "
        "read as a fall.",
    )  # fmt: skip


def own(reader: Reader) -> Table:
    rows = reader.rows(
        f"""SELECT o.*, coalesce(c.company, o.ticker) AS company FROM {OWN} o LEFT JOIN companies c ON c.ticker = o.ticker
        ORDER BY o.year DESC, company"""
    )
    return Table(
        "own",
        "A company's own models over its own fleet",
        rows,
        shown(OWN, Shown("company", "Company"), "year", Shown("models", "Models", "count"),
              Shown("fleet_h100_equivalents", "Fleet, in H100", "count"), Shown("training_share", "Share that trains", "percent"),
              "grade", "reason"),
        of=OWN,
        empty="No company's fleet and models of one year are both known by this date.",
    )  # fmt: skip
