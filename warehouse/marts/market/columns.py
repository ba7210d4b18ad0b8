"""Columns that several marts of this room share, each declared once."""

from __future__ import annotations

from warehouse.marts.common.columns import says_why
from warehouse.marts.common.mart import Trace
from warehouse.marts.market.returns import KIND_MEANINGS, MODEL_MEANINGS
from warehouse.tables.companies import ROLE_MEANINGS
from warehouse.tables.formula import Formula
from warehouse.tables.table import Check, Column

BENCHMARK_MEANINGS = {
    "SPY": "fund of the 500 largest US companies",
    "QQQ": "fund of the 100 largest of Nasdaq",
    "SMH": "fund of chip makers",
    "SPY_LESS_NVDA": "SPY with Nvidia taken out at its weight of the day before",
    "EW_EX_NVDA": "equal-weight mean of the panel's firms without Nvidia: they met the same news",
    "EW_EX_SUPPLIERS": "equal-weight mean of the panel's firms that are no suppliers",
}
EVENT_DATE = Column("event_date", "date", "date of the news, as asked for", required=True)
SESSION = Column("session", "date", "trading day that is day 0: the event date, or the next session after it")
WINDOW = (
    Column("window_start", "integer", "first day of the window relative to the session", "trading days", True),
    Column("window_end", "integer", "last day of the window relative to the session", "trading days", True),
)
MODEL = Column(
    "model",
    "text",
    "what counts as a normal return",
    required=True,
    allowed=MODEL_MEANINGS,
)
RETURN_KIND = Column("return_kind", "text", "which daily returns", required=True, allowed=KIND_MEANINGS)
ROLE = Column(
    "role", "text", "role in the question; of a portfolio, the role of its firms", required=True, named=ROLE_MEANINGS
)
BENCHMARK = Column(
    "benchmark",
    "text",
    "fund, equal-weight index of the panel (assumption benchmark_indices), or fund less one share (benchmark_weights), that "
    "stands for the market",
    required=True,
    named=BENCHMARK_MEANINGS,
)
CIRCULAR = Column(
    "benchmark_is_circular",
    "flag",
    "whether the benchmark is made of the panel's own firms, which met the same news: it hides what they have in common",
    required=True,
)
SMALLEST_DETECTABLE = Column(
    "smallest_detectable_car",
    "real",
    "smallest true CAR that the t test finds in four of five cases (assumptions q4_power, q4_significance): "
    "(t_(1 - level / 2) + t_power) x standard error, Bloom 1995",
    "fraction",
    above=0,
    formula=Formula(
        "smallest true abnormal return that the test finds in four of five cases (Bloom 1995)",
        "(t(1 − level / 2) + t(power)) × standard error",
        "6",
        assumptions=("q4_power", "q4_significance"),
    ),
    label="Smallest detectable return",
)
SEES_FIRST_DAY = Column(
    "sees_first_day_loss",
    "flag",
    "whether a loss as large as that of day 0 would be found if it lasted: smallest_detectable_car is at most that loss; "
    "a window that is not so says nothing of whether it lasted; null where day 0 was no loss",
)
FIRST_BENCHMARK = Column(
    "benchmark",
    "text",
    "fund or index that stands for the market: the first of benchmarks",
    required=True,
    named=BENCHMARK_MEANINGS,
)
GROUPING = Column(
    "grouping",
    "text",
    "role whose firms are tested together",
    required=True,
    allowed={role: meaning for role, meaning in ROLE_MEANINGS.items() if role != "benchmark"},
)
BENCHMARK_FIRMS = Column(
    "benchmark_firms",
    "texts",
    "tickers whose prices make the benchmark: of a fund the fund, of an index its firms, of a fund less a share both",
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
