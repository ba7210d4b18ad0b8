"""The front page: the answer in thirty seconds, why, how sure, and what would change it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import polars as pl

from warehouse.marts.common.scopes import GROUP
from warehouse.marts.verdict.decision import ASKED
from warehouse.reports.site import ages, charts, market_evidence, settles
from warehouse.reports.site.blocks import (
    Answer,
    Block,
    Card,
    Cards,
    Chart,
    Code,
    Contents,
    Figure,
    Heading,
    Interval,
    Note,
    Shown,
    Span,
    Strong,
    Table,
    Text,
    Words,
)  # fmt: skip
from warehouse.reports.site.forms import speak
from warehouse.reports.site.page import Page, Reader
from warehouse.reports.site.pages import changes, spending, training

PAGE = Page(
    "index.html",
    "Is AI infrastructure spending wasteful, now that a lab says it trained a frontier model for under six million dollars?",
    "The answer, why, how sure it is and what would change it.",
    label="The answer",
    place=0,
)
VERDICT, SIMULATION, CONDITIONS = "marts.verdict", "marts.waste_simulation", "marts.verdict_conditions"
COST = "marts.training_cost"


def content(reader: Reader) -> Sequence[Block]:
    verdict = reader.row(VERDICT, {"scope": GROUP, "question": "overall"})
    return [
        *(answer(verdict) if verdict else nothing(reader)),
        *(cards(reader) if verdict else ()),
        *changes.since_last_run(reader),
        Heading("Three pictures"),
        spending.by_quarter(reader),
        training.ladder(reader),
        growth(reader),
        Heading("How fresh the facts are", anchor="freshness"),
        freshness(reader),
        Text("Run ", Code(str(reader.run["run_id"])), ".", style="about"),
        Contents(),
    ]


def nothing(reader: Reader) -> list[Block]:
    return [
        Note(
            Strong("There is no verdict. "),
            f"The facts that were public by {speak(reader.run['as_of'], 'date')} give none: each page says what is missing.",
            style="warning",
        )
    ]


def answer(verdict: dict[str, Any]) -> list[Block]:
    key = {"scope": GROUP, "question": verdict["question"]}
    sure: list[Span] = [f"Grade {verdict['evidence_grade']}: the weakest among the facts that matter to it"]
    sure.append(f", the newest of {speak(verdict['inputs_through'], 'date')}. " if verdict["inputs_through"] else ". ")
    if verdict["reason"]:
        sure.append(Words(VERDICT, key, "reason"))
    return [
        Answer(
            question="",
            verdict=verdict["verdict"],
            headline=Words(VERDICT, key, "headline"),
            leaning=settles.leaning(verdict),
            lines=(
                ("Why", (Words(VERDICT, key, "statement"),)),
                ("How sure", sure),
                ("What would change it", (Words(VERDICT, key, "would_change"),)),
            ),
            large=True,
        )
    ]


def cards(reader: Reader) -> list[Block]:
    """A card a question: its verdict, one large figure with its interval against its threshold, and its headline."""
    large: dict[str, dict[str, Any]] = {
        "Q1": {"value": found("Q1", "recomputed_low_within_factor", "value", "usd"), "href": "training.html",
               "interval": cost(reader)},
        "Q2": {"value": simulated("redundant_capex_share", "p50"), "href": "redundant.html",
               "interval": interval("redundant_capex_share", "none",
                                    found("Q2", "redundant_median_at_threshold", "threshold"), "looks wasteful from")},
        "Q3": {"value": simulated("coverage", "p50", "infrastructure"), "href": "pays.html",
               "interval": interval("coverage", "infrastructure",
                                    found("Q3", "coverage_median_point_infrastructure", "threshold"), "pays at")},
        "Q4": {"value": found("Q4", "suppliers_car_below_zero_0_1", "value", "change"), "href": "market.html",
               "interval": loss(reader)},
    }  # fmt: skip
    said = {
        "Q1": ("the lowest recomputed cost",),
        "Q2": ("of the spending made redundant, in the middle case; below zero, demand grows by more",),
        "Q3": ("of what the spending requires is covered",),
        "Q4": ("suppliers against the market, in two days. In eleven: ",
               found("Q4", "suppliers_car_below_zero_0_10", "value", "change"),
               ", where a loss under ", found("Q4", "loss_would_be_seen_0_10", "value"), " goes unseen"),
    }  # fmt: skip
    made = []
    for question, asks in ASKED.items():
        row = reader.row(VERDICT, {"scope": GROUP, "question": question})
        if row and question in large:
            made.append(
                Card(
                    label=asks,
                    verdict=row["verdict"],
                    leaning=settles.leaning(row),
                    spans=said[question],
                    more="How this was made",
                    **large[question],
                )
            )
    return [Cards(made)]


def found(question: str, condition: str, column: str, form: str = "percent") -> Figure:
    key = {"scope": GROUP, "question": question, "condition": condition}
    return Figure(CONDITIONS, key, column, form, short=True)


def simulated(quantity: str, column: str, view: str = "none") -> Figure:
    key = {"scope": GROUP, "revenue_view": view, "bound": "point", "quantity": quantity}
    return Figure(SIMULATION, key, column, "percent", short=True)


def interval(quantity: str, view: str, threshold: Figure, against: str) -> Interval:
    low, middle, high = (simulated(quantity, column, view) for column in ("p05", "p50", "p95"))
    return Interval(low, middle, high, threshold, "nine in ten draws:", against)


def cost(reader: Reader) -> Interval | None:
    """The recomputed cost of the claim's runs from the lowest to the highest rental offer, against what the claim allows."""
    row = reader.one(
        f"""SELECT t.run_id FROM {COST} t JOIN {CONDITIONS} c ON c.scope = ? AND c.condition = 'recomputed_low_within_factor'
        WHERE abs(t.cost_low_usd - c.value) < 1 ORDER BY t.run_id LIMIT 1""",
        GROUP,
    )
    if not row:
        return None
    low, middle, high = (Figure(COST, row, f"cost_{of}_usd", "usd", short=True) for of in ("low", "mid", "high"))
    threshold = found("Q1", "recomputed_low_within_factor", "threshold", "usd")
    return Interval(low, middle, high, threshold, "rental offers:", "holds up to", decimal=False)


def loss(reader: Reader) -> Interval | None:
    """The suppliers' return beyond the market in two days with its interval, against no loss."""
    row = market_evidence.study_key(
        market_evidence.main_event(reader), "portfolio:supplier", market_evidence.first_benchmark(reader)
    ) | {"window_end": 1}
    if not reader.row(market_evidence.STUDY, row):
        return None
    low, middle, high = (
        Figure(market_evidence.STUDY, row, f"abnormal_return{end}", "change", short=True)
        for end in ("_low", "", "_high")
    )
    return Interval(low, middle, high, found("Q4", "suppliers_car_below_zero_0_1", "threshold", "change"),
                    "95 % interval:", "a loss is below")  # fmt: skip


def growth(reader: Reader) -> Chart:
    needed = reader.rows(
        f"""SELECT scope, revenue_view, bound, quantity, p05, p50, p95, grade FROM {SIMULATION}
        WHERE scope = ? AND quantity = 'breakeven_growth' AND p50 IS NOT NULL ORDER BY revenue_view, bound""",
        GROUP,
    )
    seen = reader.rows(
        f"""SELECT scope, question, condition, regexp_extract(condition, 'est_(.*)', 1) AS revenue_view, value AS seen,
        regexp_extract(condition, 'seen_([a-z]+)_', 1) AS which, grade FROM {CONDITIONS}
        WHERE scope = ? AND condition LIKE 'growth_seen_%' AND value IS NOT NULL ORDER BY condition""",
        GROUP,
    )
    rows = pl.concat([needed, seen], how="diagonal").sort("revenue_view", "bound", "which", nulls_last=True)
    return Chart(
        title=growth_title(rows),
        description="For two ways of counting revenue, bars of the growth a year at which the spending pays for itself, and "
        "marks of the lowest and highest growth seen. The axis is logarithmic.",
        draw=draw_growth,
        note=(
            "Bars hold nine in ten draws and the square the middle one. Triangles are growth that was seen. Logarithmic axis.",
        ),
        numbers=Table(
            "growth",
            "Growth a year: needed to pay, and seen",
            rows,
            (
                Shown("revenue_view", "Revenue counted", "name"),
                Shown("bound", "Revenue taken", "name"),
                Shown("p05", "1 in 20 below", "percent", opens=SIMULATION),
                Shown("p50", "Needed, middle", "percent", opens=SIMULATION),
                Shown("p95", "1 in 20 above", "percent", opens=SIMULATION),
                Shown("which", "Seen", "name"),
                Shown("seen", "Growth seen", "percent", opens=f"{CONDITIONS}:value"),
            ),
        ),
    )


def growth_title(rows: pl.DataFrame) -> str:
    """What is true of the lowest growth seen and the middle of the growth needed, in the ways of counting revenue."""
    needed = rows.filter(pl.col("bound") == "point").select("revenue_view", "p50")
    seen = rows.filter(pl.col("which") == "lowest").select("revenue_view", "seen")
    enough = seen.join(needed, on="revenue_view").select(pl.col("seen") > pl.col("p50")).to_series()
    if enough.is_empty():
        return "How fast AI revenue must grow to pay"
    if enough.all():
        return "AI revenue has grown faster than it must to pay; for how long decides"
    return (
        "Whether AI revenue grows fast enough depends on how it is counted"
        if enough.any()
        else "AI revenue has at times grown more slowly than it must to pay"
    )


def draw_growth(rows: pl.DataFrame, width: int) -> charts.Drawing:
    said = {"lower": "revenue at its lowest", "point": "revenue as drawn", "upper": "revenue at its highest"}
    rows = rows.with_columns(
        view=pl.col("revenue_view").str.replace_all("_", " "),
        case=pl.col("bound").replace_strict(said, default=pl.lit("growth seen")),
    )
    rows = rows.with_columns(what_of=pl.format("{}|{}", pl.col("view"), pl.col("case")))
    order = rows.sort("revenue_view", "bound", nulls_last=True)["what_of"].unique(maintain_order=True).to_list()
    y = alt.Y("what_of:N", sort=order, title=None,
              axis=alt.Axis(labelExpr="split(datum.label, '|')", labelLimit=150, domain=False))  # fmt: skip
    values = [0.25, 1, 5, 50] if width <= charts.NARROW else [0.25, 0.5, 1, 2, 5, 10, 50]
    axis = alt.Axis(values=values, format="%", grid=True, title="Growth a year, logarithmic")
    x = alt.X("p50:Q", scale=alt.Scale(type="log", nice=False), axis=axis)
    kinds = ["needed to pay for itself", "lowest seen", "highest seen"]
    color = alt.Color(
        "kind:N", scale=alt.Scale(domain=kinds, range=[charts.COLOURS[0], charts.COLOURS[1], charts.COLOURS[1]])
    )
    shape = alt.Shape("kind:N", scale=alt.Scale(domain=kinds, range=["square", "triangle-right", "triangle-left"]))
    needed = rows.drop_nulls("p50").with_columns(kind=pl.lit(kinds[0]))
    seen = rows.drop_nulls("seen").with_columns(kind=pl.col("which") + " seen", p50=pl.col("seen"))
    bars = alt.Chart(needed).mark_bar(height=12, opacity=0.45, color=charts.COLOURS[0]).encode(
        y=y, x=alt.X("p05:Q", scale=alt.Scale(type="log", nice=False), axis=axis), x2=alt.X2("p95:Q"))  # fmt: skip
    points = alt.Chart(pl.concat([needed, seen], how="diagonal")).mark_point(size=90).encode(
        y=y, x=x, color=color, shape=shape,
        tooltip=[alt.Tooltip("case:N", title="Case"), alt.Tooltip("kind:N", title="Growth"),
                 alt.Tooltip("p50:Q", title="a year", format=".0%")])  # fmt: skip
    return alt.layer(bars, points).properties(height=alt.Step(38))


def freshness(reader: Reader) -> Table:
    rows = pl.DataFrame(
        ages.rows(ages.ages(reader)),
        schema={"source": pl.String, "newest": pl.Date, "days": pl.Int64, "age": pl.String, "promised": pl.String,
                "state": pl.String, "because": pl.String},
    )  # fmt: skip
    return Table(
        "sources",
        "",
        rows,
        (
            Shown("source", "Table"),
            Shown("newest", "Newest fact", "date"),
            Shown("days", "Days old", "count", opens=""),
            Shown("age", "Age at the run"),
            Shown("promised", "Promised"),
            Shown("state", "Promise"),
            Shown("because", "How", beneath=True),
        ),
    )
