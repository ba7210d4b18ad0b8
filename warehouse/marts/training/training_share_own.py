"""What share of its own fleet a company's own disclosed models took: shown beside the group's figure, deciding nothing.

The share that decides Q2 is the world's, because the sum of disclosed training is the world's. A company may well train
more or less than that on the chips it owns. Its own figure stands beside, with what is wrong with it: a company that
does not disclose its largest model shows a small share (so it is a lower bound and is not scaled up), and owning is not
using, since labs rent from clouds and clouds rent to labs.
"""

from __future__ import annotations

import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.marts.common.columns import KNOWN_ON
from warehouse.marts.common.mart import Mart, Trace
from warehouse.marts.common.reasons import all_of, because
from warehouse.marts.common.scopes import COMPANIES, COMPANY_NAMES
from warehouse.marts.common.units import H100_DENSE_BF16_FLOP_PER_S, SECONDS_PER_YEAR
from warehouse.marts.training.fleets import OWNED, mean_of_years, near_year_ends
from warehouse.marts.training.training_share import latest_vintage
from warehouse.tables.guide import Guide
from warehouse.tables.table import FACT_IDS, Check, Column, mart

TABLE = mart(
    "training_share_own",
    "operations of a company's own disclosed models over those of its own fleet, by year; a lower bound",
    [
        Column("ticker", "text", "ticker", required=True, allowed=COMPANY_NAMES),
        Column("year", "integer", "calendar year", "year", required=True),
        Column("models", "integer", "its models published in the year with compute disclosed", "models", minimum=0),
        Column("training_flop", "real", "their operations, net of base models in the list", "FLOP", minimum=0),
        Column("fleet_h100_equivalents", "real", "mean fleet of the year", "H100-equivalents", above=0),
        Column("fleet_flop", "real", "operations of that fleet at central utilisation", "FLOP", above=0),
        Column("training_share", "real", "operations of its models over those of its fleet", "share", minimum=0),
        FACT_IDS,
        KNOWN_ON,
    ],
    key=("ticker", "year"),
    checks=(
        Check(
            "share_is_the_ratio",
            "select * from {table} where abs(training_share - training_flop / fleet_flop) > 1e-9",
            "the share and the two figures beside it must say the same",
        ),
    ),
    guide=Guide(
        "One row for each company and year.",
        "over companies: a model may have several developers.",
        {
            "How much of its own fleet does each company train on?": "select ticker, year, training_share, reason from "
            "training_share_own order by all",
            "With which models?": "select ticker, year, models, training_flop from training_share_own order by all",
            "On which fleet?": "select ticker, year, fleet_h100_equivalents, fleet_flop from training_share_own order by all",
        },
    ),
)


def build(ai_models: pl.DataFrame, evidence: pl.DataFrame, *, assumptions: Assumptions) -> pl.DataFrame:
    """One row for each company and year whose own fleet and own models are known (method 1 and 4.2)."""
    names = _names(assumptions)
    flop_of_one = H100_DENSE_BF16_FLOP_PER_S * SECONDS_PER_YEAR * assumptions.distribution("utilisation").mean
    at_ends = _fleets_at_year_ends(evidence, names, assumptions.integer("fleet_window_days"))
    fleets = mean_of_years(
        at_ends, assumptions.number("fleet_share_of_end"), counts=("fleet_h100_equivalents",), by=("ticker",)
    )
    fleet_flop = pl.col("fleet_h100_equivalents") * flop_of_one
    return fleets.join(_trained(ai_models, names), on=["ticker", "year"], how="inner", suffix="_of_models").select(
        "ticker",
        "year",
        "models",
        "training_flop",
        "fleet_h100_equivalents",
        fleet_flop=fleet_flop,
        training_share=pl.col("training_flop") / fleet_flop,
        fact_ids=pl.concat_list("fact_ids_of_models", "fact_ids"),
        known_on=pl.max_horizontal("known_on", "known_on_of_models"),
        grade=pl.max_horizontal("grade", "grade_of_models"),
        reasons=all_of(because("own_share_is_a_lower_bound")),
    )


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
            fact_ids=pl.col("fact_id"),
            known_on=pl.col("known_on").max(),
            grade=pl.col("grade").max(),
        )
    )


def _fleets_at_year_ends(evidence: pl.DataFrame, names: pl.DataFrame, window_days: int) -> pl.DataFrame:
    """The fleet counted nearest to each year's end, not further than `window_days` from it, one row a ticker and year."""
    return (
        _named(near_year_ends(evidence, OWNED, window_days), "entity", names)
        .sort(["grade", "known_on", "off", "evidence_id"], descending=[False, True, False, False])
        .unique(["ticker", "year"], keep="first", maintain_order=True)
        .select(
            "ticker",
            "year",
            "known_on",
            "grade",
            fleet_h100_equivalents="value",
            evidence_ids=pl.concat_list("evidence_id"),
            fact_ids=pl.concat_list("fact_id"),
        )
    )


MART = Mart(
    table=TABLE,
    build=build,
    traces=(Trace("core.ai_models", ids="fact_ids"), Trace("core.evidence", ids="fact_ids")),
)
