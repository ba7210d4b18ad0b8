"""Which revenue may be set against the spend, line by line, and which may not because it is in another line already.

A lab pays a cloud out of what its customers pay it, so adding the lab's revenue to the cloud's counts one dollar twice.
Hence two views that are never added up: what end customers pay for AI, and what the owners of the infrastructure are
paid for it. Each view names the entities that make it whole; where one of them gives no figure the view is a lower
bound and says whose revenue is missing. A cloud's whole revenue is no AI revenue, and what a company expects is no
revenue yet: such lines are shown, with the reason why they do not count.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.marts.common.columns import SCOPE
from warehouse.marts.common.mart import Mart, Trace
from warehouse.marts.common.reasons import TYPE, all_of, because, listed, reason
from warehouse.marts.common.scopes import SCOPES
from warehouse.marts.common.select_current import admissible, select_current
from warehouse.tables.evidence import TABLE as EVIDENCE
from warehouse.tables.table import FACT_IDS, Check, Column, mart

REVENUE_VIEWS = ("infrastructure", "end_customer")

TABLE = mart(
    "attributable_revenue",
    "facts on AI revenue by scope and revenue view, each with whether it counts and why",
    [
        SCOPE,
        Column(
            "revenue_view", "text", "who is paid: end_customer or infrastructure", required=True, allowed=REVENUE_VIEWS
        ),
        Column("entity", "text", "whose revenue", required=True),
        Column("evidence_id", "text", "the fact; empty for an entity of the view without one", required=True),
        Column("metric", "text", "which figure"),
        Column("as_of_date", "date", "day the figure is about"),
        Column("low_usd", "real", "low end", "USD a year", minimum=0),
        Column("value_usd", "real", "the figure", "USD a year", minimum=0),
        Column("high_usd", "real", "high end", "USD a year", minimum=0),
        Column("has_range", "flag", "whether the fact gives low and high"),
        Column("counted", "flag", "whether it enters the view's sum", required=True),
        Column("is_lower_bound", "flag", "whether the view's sum lacks an entity: it is at least this", required=True),
        Column("known_on", "date", "day on which the fact became public"),
        FACT_IDS,
    ],
    key=("scope", "revenue_view", "entity", "evidence_id"),
    checks=(
        Check(
            "nothing_is_left_out_silently",
            "select * from {table} where not counted and reasons is null",
            "a line that does not count must say why",
        ),
    ),
)


def build(evidence: pl.DataFrame, *, assumptions: Assumptions) -> pl.DataFrame:
    """One row for each scope, view and fact that could speak of it (method 5); amounts in USD a year."""
    known = select_current(admissible(evidence), EVIDENCE).filter(pl.col("topic") == "ai_revenue").sort("evidence_id")
    entities: Mapping[str, Mapping[str, list[list[str]]]] = assumptions.value("revenue_entities")
    metrics: Mapping[str, list[str]] = assumptions.value("revenue_metrics")
    parts = [
        _view(known, scope, view, entities[scope][view], metrics[view])
        for scope in SCOPES
        for view in REVENUE_VIEWS
        if view in entities.get(scope, {})
    ]
    return pl.concat(parts) if parts else TABLE.empty()


def _view(known: pl.DataFrame, scope: str, view: str, sets: list[list[str]], metrics: list[str]) -> pl.DataFrame:
    """The lines of one view: those of the first set of entities with any figure count."""
    named = list(dict.fromkeys(entity for names in sets for entity in names))
    yearly = pl.col("unit") == "USD/year"
    usable = pl.col("metric").is_in(metrics) & yearly
    lines = known.filter(pl.col("entity").is_in(named)).with_columns(usable=usable)
    # Known last counts; what became public on one day counts together, and spans a range.
    last = lines.filter("usable").group_by("entity").agg(last_known_on=pl.col("known_on").max())
    with_figure = set(last["entity"])
    place = next((i for i, names in enumerate(sets) if with_figure & set(names)), None)
    chosen = [] if place is None else sets[place]
    missing = [entity for entity in chosen if entity not in with_figure]
    lower = place is None or place > 0 or bool(missing)
    figured = lines.join(last, on="entity", how="left").with_columns(
        counted=pl.col("usable") & (pl.col("known_on") == pl.col("last_known_on")) & pl.col("entity").is_in(chosen)
    )
    why_not = (
        pl.when("counted")
        .then(None)
        .when(~pl.col("usable"))
        .then(because("no_yearly_ai_revenue", metric=pl.col("metric"), unit=pl.col("unit")))
        .when(~pl.col("entity").is_in(chosen))
        .then(pl.lit(reason("inside_other_revenue", entities=chosen)))
        .otherwise(because("later_figure_known"))
    )
    rows = figured.select(
        "entity",
        "evidence_id",
        "metric",
        "as_of_date",
        "counted",
        "known_on",
        "grade",
        low_usd=pl.when(yearly).then(pl.min_horizontal("value", "value_low")),
        value_usd=pl.when(yearly).then(pl.col("value")),
        high_usd=pl.when(yearly).then(pl.max_horizontal("value", "value_high")),
        has_range=pl.col("value_low").is_not_null() & pl.col("value_high").is_not_null(),
        fact_ids=pl.concat_list("fact_id"),
        reasons=all_of(why_not),
    )
    without = [entity for entity in (chosen or sets[0]) if entity not in set(lines["entity"])]
    gaps = pl.DataFrame(
        {"entity": without, "evidence_id": "", "counted": False},
        schema={"entity": pl.String, "evidence_id": pl.String, "counted": pl.Boolean},
    ).with_columns(reasons=pl.lit(listed([reason("no_ai_revenue_of_entity")]), dtype=TYPE))
    return TABLE.conform(
        pl.concat([rows, gaps], how="diagonal").with_columns(
            scope=pl.lit(scope), revenue_view=pl.lit(view), is_lower_bound=pl.lit(lower)
        )
    )


MART = Mart(
    table=TABLE,
    build=build,
    traces=(Trace("core.evidence", ids="fact_ids"),),
)
