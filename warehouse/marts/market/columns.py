"""Columns that several marts of this room share, each declared once."""

from __future__ import annotations

from warehouse.marts.common.columns import says_why
from warehouse.marts.common.mart import Trace
from warehouse.marts.market.returns import KINDS, MODELS
from warehouse.tables.table import Check, Column

EVENT_DATE = Column("event_date", "date", "date of the news, as asked for", required=True)
SESSION = Column("session", "date", "trading day that is day 0: the event date, or the next session after it")
WINDOW = (
    Column("window_start", "integer", "first day of the window relative to the session", "trading days", True),
    Column("window_end", "integer", "last day of the window relative to the session", "trading days", True),
)
MODEL = Column(
    "model",
    "text",
    "normal return: market_model a + b Rm, market_adjusted Rm, mean_adjusted the mean (uses no benchmark)",
    required=True,
    allowed=MODELS,
)
RETURN_KIND = Column("return_kind", "text", "daily returns: simple, or log", required=True, allowed=KINDS)
ROLE = Column("role", "text", "role in the question; of a portfolio, the role of its firms", required=True)
BENCHMARK = Column(
    "benchmark",
    "text",
    "fund, or equal-weight index of the panel (assumption benchmark_indices), that stands for the market",
    required=True,
)
FIRST_BENCHMARK = Column(
    "benchmark", "text", "fund or index that stands for the market: the first of benchmarks", required=True
)
BENCHMARK_FIRMS = Column(
    "benchmark_firms",
    "texts",
    "tickers whose prices make the benchmark: of a fund the fund, of an index its firms",
    required=True,
)
N_FIRMS = Column("n_firms", "integer", "firms in the row: 1, or those of the portfolio", "firms", True, minimum=0)
FIRMS = Column("firms", "texts", "tickers in the row")
ESTIMATION_TO_WINDOW = (
    Column("prices_from", "date", "day of the close that the first estimation return starts from"),
    Column("prices_to", "date", "last day of the window"),
)


def null_has_a_reason(null: str) -> Check:
    """The check that a row says why where a figure is missing; `null` is the SQL condition for that."""
    return says_why("null_has_a_reason", null, "a missing figure would look like one that was forgotten")


def prices_behind(benchmark_counts: str = "true", also: str = "false") -> Trace:
    """The way to the prices of a row's firms and of its benchmark; the latter where a condition on the row holds.

    `also` is a condition for further tickers.
    """
    return Trace(
        "core.stock_prices",
        f"(list_contains(m.firms, t.ticker) or list_contains(m.benchmark_firms, t.ticker) and {benchmark_counts} "
        f"or {also}) and t.date between m.prices_from and m.prices_to and t.grade <> 'D'",
    )


COMPANIES_BEHIND = Trace("core.companies", "list_contains(m.firms, t.ticker)")
