"""What share of its own fleet a company's own disclosed models took: shown beside the group's figure, deciding nothing.

The share that decides Q2 is the world's, because the sum of disclosed training is the world's. A company may well train
more or less than that on the chips it owns. Its own figure stands beside, with what is wrong with it: a company that
does not disclose its largest model shows a small share (so it is a lower bound and is not scaled up), and owning is not
using, since labs rent from clouds and clouds rent to labs.
"""

from __future__ import annotations

import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.marts.common.mart import Mart, Trace
from warehouse.marts.common.scopes import COMPANIES
from warehouse.marts.common.select_current import admissible, select_current
from warehouse.marts.training.training_share import H100_DENSE_BF16_FLOP_PER_S, SECONDS_PER_YEAR, latest_vintage, mean
from warehouse.tables.evidence import TABLE as EVIDENCE
from warehouse.tables.table import Check, Column
from warehouse.tables.table import mart as declare

OWNED = "h100_equivalents_owned"

TABLE = declare(
    "training_share_own",
    "operations of a company's own disclosed models over those of its own fleet, by year; a lower bound",
    [
        Column("ticker", "text", "ticker", required=True, allowed=COMPANIES),
        Column("year", "integer", "calendar year", "year", required=True),
        Column("models", "integer", "its models published in the year with compute disclosed", "models", minimum=0),
        Column("training_flop", "real", "their operations, net of base models in the list", "FLOP", minimum=0),
        Column("fleet_h100_equivalents", "real", "mean fleet of the year", "H100-equivalents", above=0),
        Column("fleet_flop", "real", "operations of that fleet at central utilisation", "FLOP", above=0),
        Column("training_share", "real", "operations of its models over those of its fleet", "share", minimum=0),
        Column("known_on", "date", "day on which the newest fact behind it became public", required=True),
    ],
    key=("ticker", "year"),
    checks=(
        Check(
            "share_is_the_ratio",
            "select * from {table} where abs(training_share - training_flop / fleet_flop) > 1e-9",
            "the share and the two figures beside it must say the same",
        ),
    ),
)


def build(ai_models: pl.DataFrame, evidence: pl.DataFrame, *, assumptions: Assumptions) -> pl.DataFrame:
    """One row for each company and year whose own fleet and own models are known (method 1 and 4.2)."""
    names = _names(assumptions)
    models = _trained(ai_models, names)
    share_of_end = assumptions.number("fleet_share_of_end")
    rate = H100_DENSE_BF16_FLOP_PER_S * SECONDS_PER_YEAR * mean(assumptions.distribution("utilisation"))
    at_ends = _fleets_at_year_ends(evidence, names, assumptions.integer("fleet_window_days"))
    begun = at_ends.select(
        "ticker", year=pl.col("year") + 1, begin="fleet", begin_grade="grade", begin_known_on="known_on"
    )
    found = (
        at_ends.join(begun, on=["ticker", "year"], how="left")
        .join(models, on=["ticker", "year"], how="inner", suffix="_models")
        .with_columns(
            fleet_h100_equivalents=pl.when(pl.col("begin").is_not_null())
            .then((pl.col("fleet") + pl.col("begin")) / 2)
            .otherwise(pl.col("fleet") * share_of_end)
        )
        .with_columns(fleet_flop=pl.col("fleet_h100_equivalents") * rate)
        .select(
            "ticker",
            "year",
            "models",
            "training_flop",
            "fleet_h100_equivalents",
            "fleet_flop",
            training_share=pl.col("training_flop") / pl.col("fleet_flop"),
            known_on=pl.max_horizontal("known_on", "begin_known_on", "known_on_models"),
            grade=pl.max_horizontal("grade", "begin_grade", "grade_models"),
            reason=pl.lit("a lower bound: only disclosed models count, and a fleet that is owned may be rented out"),
        )
    )
    return found


def _names(assumptions: Assumptions) -> pl.DataFrame:
    """What each company is called in lists of models and fleets: ticker, name."""
    rows = [(ticker, name) for ticker, names in assumptions.value("company_names").items() for name in names]
    return pl.DataFrame(rows, schema={"ticker": pl.String, "name": pl.String}, orient="row").filter(
        pl.col("ticker").is_in(COMPANIES)
    )


def _named(frame: pl.DataFrame, column: str, names: pl.DataFrame) -> pl.DataFrame:
    """Rows of `frame` whose `column` is one of a company's names or begins with one, with its ticker."""
    who = frame.select(column).unique().join(names, how="cross")
    ours = who.filter((pl.col(column) == pl.col("name")) | pl.col(column).str.starts_with(pl.col("name") + pl.lit(" ")))
    return frame.join(ours.select(column, "ticker").unique(), on=column, how="inner")


def _trained(ai_models: pl.DataFrame, names: pl.DataFrame) -> pl.DataFrame:
    """Operations by ticker and year of publication, of the latest vintage, each model once, net of its base models."""
    disclosed = latest_vintage(ai_models).filter(pl.col("training_flop").is_not_null())
    by_organisation = (
        disclosed.with_columns(who=pl.col("organization").str.split(","))
        .explode("who")
        .with_columns(pl.col("who").str.strip_chars())
    )
    return (
        _named(by_organisation, "who", names)
        .unique(["ticker", "model"], keep="first", maintain_order=True)
        .sort("ticker", "published", "model")
        .group_by("ticker", year=pl.col("published").dt.year().cast(pl.Int64))
        .agg(
            models=pl.len().cast(pl.Int64),
            training_flop=pl.col("added_flop").sum(),
            known_on=pl.col("known_on").max(),
            grade=pl.col("grade").max(),
        )
    )


def _fleets_at_year_ends(evidence: pl.DataFrame, names: pl.DataFrame, window_days: int) -> pl.DataFrame:
    """The fleet counted nearest to each year's end, not further than `window_days` from it: ticker, year, fleet."""
    counts = select_current(admissible(evidence), EVIDENCE).filter(
        (pl.col("topic") == "capacity") & (pl.col("metric") == OWNED)
    )
    ends = [
        counts.with_columns(
            year=(pl.col("as_of_date").dt.year() - back).cast(pl.Int64),
            off=(pl.col("as_of_date") - pl.date(pl.col("as_of_date").dt.year() - back, 12, 31)).dt.total_days().abs(),
        )
        for back in (0, 1)
    ]
    near = pl.concat(ends).filter(pl.col("off") <= window_days)
    return (
        _named(near, "entity", names)
        .sort(["grade", "known_on", "off", "evidence_id"], descending=[False, True, False, False])
        .unique(["ticker", "year"], keep="first", maintain_order=True)
        .select("ticker", "year", "known_on", "grade", fleet="value")
    )


MART = Mart(
    table=TABLE,
    build=build,
    traces=(
        Trace(
            "core.ai_models",
            "year(t.published) = m.year and t.training_flop is not null and t.known_on <= m.known_on "
            "and t.vintage = (select max(v.vintage) from core.ai_models v where v.known_on <= m.known_on) "
            "and regexp_matches(t.organization, case m.ticker when 'MSFT' then 'Microsoft' "
            "when 'GOOGL' then 'Google|DeepMind' when 'META' then 'Meta|Facebook' else 'Amazon' end)",
        ),
        Trace(
            "core.evidence",
            f"t.metric = '{OWNED}' and year(t.as_of_date) between m.year - 1 and m.year + 1 "
            "and t.known_on <= m.known_on and t.entity = case m.ticker when 'MSFT' then 'Microsoft' "
            "when 'GOOGL' then 'Google' when 'META' then 'Meta' else 'Amazon' end",
        ),
    ),
)
