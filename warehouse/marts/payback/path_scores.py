"""What later facts made of the paths that were published before them: above, inside or below.

A forecast that nobody holds against what came is an opinion. Each figure of revenue is held against every path that was
published before it became public and that started from an earlier figure: between the path's 20th and 80th percentile it
is inside. `is_last_before` marks the newest of those paths, so that one fact is counted once where scores are counted.

A figure of one seller is not the group's revenue, so the group's infrastructure path has no scores of its own: those of
its sellers stand for it. An estimate of the industry counts by the group's share of computing that the path was made with.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.marts.common.columns import SCOPE
from warehouse.marts.common.mart import Mart, Trace
from warehouse.marts.common.scopes import GROUP, VIEW_MEANINGS
from warehouse.marts.payback.attributable_revenue import END_CUSTOMER, INFRASTRUCTURE
from warehouse.marts.payback.group_share import group_share
from warehouse.tables.formula import Formula
from warehouse.tables.guide import Guide
from warehouse.tables.table import FACT_IDS, Check, Column, mart

POSITIONS = {
    "above": "above the 80th percentile of the path",
    "inside": "between the 20th and the 80th",
    "below": "below the 20th",
}
SCORED = ("disclosed", "estimate", "earlier")
Row = Mapping[str, Any]

TABLE = mart(
    "path_scores",
    "each later figure of AI revenue against the paths that were published before it",
    [
        SCOPE,
        Column("revenue_view", "text", "whose revenue is counted", required=True, allowed=VIEW_MEANINGS),
        Column("evidence_id", "text", "the later fact", required=True),
        Column("path_as_of", "date", "day on which the path was published", required=True),
        Column("position", "text", "where the fact lies", required=True, allowed=POSITIONS,
            formula=Formula(
                "above, inside or below the 20th to 80th percentile of the path that was published before the "
                "fact",
                "found against 20th and 80th percentile",
                "5",
            ),
        ),
        Column("found_usd", "real", "the fact, on the path's terms", "USD a year", True, minimum=0,
            formula=Formula(
                "the later fact on the path's terms: the industry's times the group's share of computing",
                "fact, or fact × owned / world", "5",
            ),
        ),
        Column("as_of_date", "date", "day that the fact is about", required=True),
        *(
            Column(f"path_{name}_usd", "real", f"the path's {share} percentile on that day", "USD a year", required=True)
            for name, share in (("p20", "20th"), ("p50", "50th"), ("p80", "80th"))
        ),
        Column("is_last_before", "flag", "whether the path is the newest published before the fact", required=True),
        Column("known_on", "date", "day on which the fact became public", required=True),
        FACT_IDS,
    ],
    key=("scope", "revenue_view", "evidence_id", "path_as_of"),
    checks=(
        Check(
            "published_before_the_fact",
            "select * from {table} where path_as_of >= known_on",
            "a path that knew the fact is no forecast of it",
        ),
        Check(
            "position_is_the_comparison",
            "select * from {table} where position <> case when found_usd > path_p80_usd then 'above' "
            "when found_usd < path_p20_usd then 'below' else 'inside' end",
            "the word and the figures beside it must say the same",
        ),
    ),
    guide=Guide(
        "One row for each later fact on AI revenue and each path that was published before it.",
        "found_usd: it stands there once for each path.",
        {
            "Is AI revenue on the path that breaks even?": "select scope, revenue_view, as_of_date, position, found_usd, "
            "path_p50_usd from path_scores where is_last_before",
            "How often was a fact above its path?": "select scope, position, count(*) as times from path_scores group by "
            "all order by all",
            "Which facts were scored?": "select distinct scope, evidence_id, as_of_date, found_usd from path_scores order "
            "by all",
        },
    ),
)  # fmt: skip


def build(
    required_path: pl.DataFrame,
    attributable_revenue: pl.DataFrame,
    evidence: pl.DataFrame,
    *,
    assumptions: Assumptions,
) -> pl.DataFrame:
    """One row for each fact and path published before it that reaches its day (method 5)."""
    known = required_path.filter(pl.col("required_revenue_p50_usd").is_not_null()).sort("as_of", "quarter_end")
    paths: dict[tuple[str, str], dict[date, list[Row]]] = {}
    for row in known.to_dicts():
        paths.setdefault((row["scope"], row["revenue_view"]), {}).setdefault(row["as_of"], []).append(row)
    facts = attributable_revenue.filter(
        pl.col("used_as").is_in(SCORED) & (pl.col("value_usd") > 0)
        & ~((pl.col("scope") == GROUP) & (pl.col("revenue_view") == INFRASTRUCTURE))
    ).sort("scope", "evidence_id")  # fmt: skip
    rows = []
    for fact in facts.to_dicts():
        own = list(_scores(fact, paths.get((fact["scope"], fact["revenue_view"]), {}), evidence, assumptions))
        last = max((row["path_as_of"] for row in own), default=None)
        rows += [{**row, "is_last_before": row["path_as_of"] == last} for row in own]
    return pl.DataFrame(rows, schema=dict(TABLE.polars_schema))


def _scores(
    fact: Row, paths: Mapping[date, list[Row]], evidence: pl.DataFrame, assumptions: Assumptions
) -> Iterator[dict[str, Any]]:
    for published, points in paths.items():
        start = points[0]["starts_on"]
        later = published < fact["known_on"] and start < fact["as_of_date"] <= points[-1]["quarter_end"]
        if not later:
            continue
        found = fact["value_usd"] * _share(fact, published, evidence, assumptions)
        p20, p50, p80 = (_at(fact["as_of_date"], points, name) for name in ("p20", "p50", "p80"))
        yield {
            "scope": fact["scope"],
            "revenue_view": fact["revenue_view"],
            "evidence_id": fact["evidence_id"],
            "path_as_of": published,
            "position": "above" if found > p80 else "below" if found < p20 else "inside",
            "found_usd": found,
            "as_of_date": fact["as_of_date"],
            "path_p20_usd": p20,
            "path_p50_usd": p50,
            "path_p80_usd": p80,
            "known_on": fact["known_on"],
            "grade": fact["grade"],
            "fact_ids": fact["fact_ids"],
        }


def _share(fact: Row, published: date, evidence: pl.DataFrame, assumptions: Assumptions) -> float:
    """The group's share of the world's computing that a path of that day was made with, at the middle of the totals."""
    if fact["revenue_view"] != END_CUSTOMER:
        return 1.0
    share = group_share(evidence.filter(pl.col("known_on") <= published), assumptions)
    return 1.0 if share is None else min(2 * share.owned / (share.world_low + share.world_high), 1.0)


def _at(day: date, points: list[Row], name: str) -> float:
    """A path on a day: in logs between its start and its quarter ends."""
    days = [points[0]["starts_on"].toordinal(), *(point["quarter_end"].toordinal() for point in points)]
    usd = [points[0][f"start_{name}_usd"], *(point[f"required_revenue_{name}_usd"] for point in points)]
    known = [(when, np.log(value)) for when, value in zip(days, usd, strict=True) if value]
    return float(np.exp(np.interp(day.toordinal(), [when for when, _ in known], [log for _, log in known])))


MART = Mart(
    table=TABLE,
    build=build,
    traces=(
        Trace("core.evidence", ids="fact_ids"),
        Trace(
            "marts.required_path",
            "t.as_of = m.path_as_of and t.scope = m.scope and t.revenue_view = m.revenue_view",
        ),
    ),
)
