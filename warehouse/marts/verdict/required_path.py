"""The paths that break even as they were published on each day of the timeline: our own forecasts, kept.

On facts known when the method was chosen it is a description. Its first real test is the path that it publishes and what
later facts make of it (`path_scores`). So each day has the path that a run on that day gave, from the facts and the
assumptions of that day, and no row is ever rewritten by what became known later.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.marts.common.mart import Mart, Trace
from warehouse.marts.payback.breakeven_path import TABLE as PATH
from warehouse.marts.verdict.replay import replay
from warehouse.marts.verdict.verdict_timeline import of_days, still_to_answer
from warehouse.spreading import Spread
from warehouse.tables.guide import Guide

TABLE = replace(
    PATH,
    name="required_path",
    meaning="attributable revenue at the next quarter ends on the path that breaks even, as computed on each day of the timeline",
    guide=Guide(
        "One row for each day of the timeline, scope, revenue view and coming quarter end.",
        "over days or quarters: each is a revenue a year, and each day says it anew.",
        {
            "What does the newest path ask for?": "select scope, revenue_view, quarter_end, required_revenue_p50_usd from "
            "required_path where as_of = (select max(as_of) from required_path) order by all",
            "How did the path to the end of 2026 move?": "select as_of, required_revenue_p50_usd from required_path where "
            "scope = 'ALL' and revenue_view = 'infrastructure' and quarter_end = '2026-12-31' order by all",
            "On which days was a path computed?": "select count(distinct as_of) as days, min(as_of) as first_day, "
            "max(as_of) as last_day from required_path",
        },
    ),
)


def build(
    breakeven_path: pl.DataFrame,
    core: Mapping[str, pl.DataFrame],
    sessions: pl.DataFrame,
    quarantined: pl.DataFrame,
    *,
    as_of: date,
    assumptions: Assumptions,
    standing: pl.DataFrame | None = None,
    spread: Spread | None = None,
) -> pl.DataFrame:
    """The path of each day of the timeline (method 5); `breakeven_path` is the last day's, `standing` rows that stand."""
    stand = TABLE.empty() if standing is None else standing
    given = {**core, "sessions": sessions, "quarantined": quarantined}
    then = replay(given, still_to_answer(as_of, assumptions, stand), assumptions, PATH.name, spread)
    return pl.concat([stand, *map(TABLE.conform, then.values()), TABLE.conform(breakeven_path)])


MART = Mart(
    table=TABLE,
    build=build,
    of_days=of_days,
    traces=(
        Trace(
            "marts.breakeven_path",
            "t.as_of = m.as_of and t.scope = m.scope and t.revenue_view = m.revenue_view and t.quarter_end = m.quarter_end",
        ),
        Trace(
            "core.evidence",
            "t.known_on <= m.as_of and (t.topic = 'ai_revenue' or m.revenue_view = 'end_customer' and t.topic = 'capacity')",
        ),
        Trace(
            "core.company_facts",
            "t.measure = 'purchases_of_property_and_equipment' and t.known_on <= m.as_of "
            "and (t.ticker = m.scope or m.scope = 'ALL' and t.ticker in ('MSFT', 'GOOGL', 'META', 'AMZN'))",
        ),
    ),
)
