"""Bars whose price is in doubt: a copy of the day before, or a step between two bases that nobody earned.

A stale bar on the event day says that the news did nothing, and a split that was applied to one part of a history says
that nearly everything was lost. Both look like returns. The checks of `core.stock_prices` find them and call them not
real, or on two bases (`bar_repeats_the_last`, `split_on_one_side`, `adjustment_never_falls`); they leave the rows where
they are, for one doubtful bar must not cost the others. So whoever makes a figure of prices asks here first: a doubtful
bar counts as a missing one, and the figure is null with the reason. The conditions are the checks' own texts.

A bar without volume whose prices are not yesterday's is kept: somebody's feed lacks the volume, and the price is good.
"""

from __future__ import annotations

import polars as pl

from warehouse.tables.stock_prices import (
    FACTOR_FALLS,
    NEWS_TURNOVER,
    ONE_SIDED,
    REPEATS,
    STEPS,
    USUAL_SESSIONS,
)

REPEATED, TWO_BASES = KINDS = ("repeated", "two_bases")
_BEFORE = ("open", "high", "low", "close", "volume")


def doubtful(bars: pl.DataFrame) -> pl.DataFrame:
    """`ticker`, `date` and `doubt` (one of KINDS) of the bars that are in doubt, by ticker and date.

    `bars` are those of one source for each ticker: `ticker`, `date`, the five prices and `volume`. Dividends are not asked
    for: only one of more than a quarter of the price would be taken for a step, and the check says so then too.
    """
    series = bars.sort("ticker", "date").with_columns(
        pl.col(name).shift(1).over("ticker").alias(f"{name}_before") for name in _BEFORE
    )
    compared = (
        series.with_columns(
            factor=pl.col("adj_close") / pl.col("close"),
            factor_before=(pl.col("adj_close") / pl.col("close")).shift(1).over("ticker"),
            split=pl.lit(1.0),
            dividend=pl.lit(0.0),
        )
        .with_columns(**{name: pl.sql_expr(text) for name, text in STEPS.items()})
        .with_columns(repeats=pl.sql_expr(REPEATS).fill_null(False), falls=pl.sql_expr(FACTOR_FALLS).fill_null(False))
    )
    # What was traded decides, and is looked up only where a bar would be in doubt if nobody had traded it.
    quiet = compared.with_columns(turnover=pl.lit(0.0))
    steps = quiet.filter(pl.sql_expr(ONE_SIDED).fill_null(False))
    if steps.height:
        compared = compared.with_columns(turnover=_times_usual())
        steps = compared.filter(pl.sql_expr(ONE_SIDED).fill_null(False))
    found = [
        steps.select("ticker", "date", doubt=pl.lit(TWO_BASES)),
        compared.filter("falls").select("ticker", "date", doubt=pl.lit(TWO_BASES)),
        compared.filter("repeats").select("ticker", "date", doubt=pl.lit(REPEATED)),
    ]
    return pl.concat(found).unique(["ticker", "date"], keep="first", maintain_order=True).sort("ticker", "date")


def _times_usual() -> pl.Expr:
    """How many times the usual was traded, by shares or by dollars, whichever is less; 0 where that is unknown."""

    def times(figure: pl.Expr) -> pl.Expr:
        median = figure.shift(1).rolling_median(USUAL_SESSIONS, min_samples=1).over("ticker")
        return pl.when(median > 0).then(figure / median)

    return pl.min_horizontal(times(pl.col("volume")), times(pl.col("volume") * pl.col("close"))).fill_null(0.0)


assert NEWS_TURNOVER > 0, "with nothing traded, every step is looked at"
