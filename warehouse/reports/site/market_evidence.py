"""What the market's day rests on: which market it is held against, which tests may be believed, and who was hit."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import polars as pl

from warehouse.reports.site.blocks import Block, Chart, Figure, Shown, Table, Text
from warehouse.reports.site.market_charts import (
    BENCHMARKS,
    ROLES,
    TESTS,
    VARIABLES,
    draw_benchmarks,
    draw_hit,
    draw_tests,
)
from warehouse.reports.site.page import Reader

STUDY, TESTED, PLACEBO, HIT = (
    "marts.event_study", "marts.event_study_tests", "marts.event_placebo", "marts.event_cross_section",
)  # fmt: skip
PORTFOLIO = "portfolio:"
DAY_0 = "model = 'market_model' AND return_kind = 'simple' AND window_start = 0 AND window_end = 0"
INTERVAL = (Shown("abnormal_return_low", "95 %, from", "change"), Shown("abnormal_return_high", "to", "change"))
UNKNOWN = "No prices of that day are known by this date."


def main_event(reader: Reader) -> date:
    """The day that the verdict rests on, by the assumptions of the run."""
    found = reader.one("SELECT value FROM marts.assumptions WHERE key = 'main_event'")
    return date.fromisoformat(json.loads(found["value"])) if found else date.min


def study_key(day: date, ticker: str, benchmark: str) -> dict[str, Any]:
    """The row of `event_study` of the day itself: market model, simple returns."""
    return {
        "event_date": day, "ticker": ticker, "benchmark": benchmark, "model": "market_model", "return_kind": "simple",
        "window_start": 0, "window_end": 0,
    }  # fmt: skip


def first_benchmark(reader: Reader) -> str:
    found = reader.one("SELECT value FROM marts.assumptions WHERE key = 'benchmarks'")
    benchmarks = json.loads(found["value"]) if found else []
    return str(benchmarks[0]) if benchmarks else ""


def against(reader: Reader, day: date) -> Chart:
    rows = reader.rows(
        f"""SELECT * FROM {STUDY} WHERE event_date = ? AND {DAY_0} AND abnormal_return IS NOT NULL
        AND list_contains(['NVDA', '{PORTFOLIO}supplier', '{PORTFOLIO}buyer'], ticker) ORDER BY benchmark, ticker""",
        day,
    ).with_columns(
        whose=pl.when(pl.col("ticker") == "NVDA").then(pl.lit("Nvidia")).otherwise(pl.col("role").replace(ROLES)),
        market=pl.col("benchmark").replace(BENCHMARKS),
    )
    return Chart(
        title="Does the answer depend on what stands for the market?",
        description="For each of several benchmarks, the return beyond it of Nvidia, of the suppliers and of the buyers, with "
        "95 % intervals.",
        draw=draw_benchmarks,
        note=(
            "Nvidia is a large part of most benchmarks, so one stands without it. "
            "A benchmark made of chip or AI firms met the same news and hides what they have in common.",
        ),
        numbers=Table(
            "benchmarks",
            "Return beyond each benchmark",
            rows,
            (
                Shown("market", "Benchmark"),
                Shown("whose", "Whose"),
                Shown("abnormal_return", "Beyond it", "change"),
                *INTERVAL,
                Shown("p_value", "p-value", "probability"),
                Shown("benchmark_is_circular", "Made of the firms studied", "flag"),
                Shown("grade", "Grade", "grade"),
            ),
            of=STUDY,
            empty=UNKNOWN,
        ),
    )


def tests(reader: Reader, day: date) -> list[Block]:
    rows = reader.rows(
        f"""SELECT p.*, t.event_date, t.model, t.return_kind, t.p_value AS day_p_value FROM {PLACEBO} p
        LEFT JOIN {TESTED} t ON t.event_date = ? AND t.grouping = p.grouping AND t.benchmark = p.benchmark AND t.test = p.test
        AND t.model = 'market_model' AND t.return_kind = 'simple' AND t.window_start = 0 AND t.window_end = 0
        WHERE p.grouping = 'supplier' AND p.window_start = 0 AND p.window_end = 0 AND p.rejection_share IS NOT NULL
        ORDER BY p.rejection_share, p.test""",
        day,
    ).with_columns(named=pl.col("test").replace(TESTS))
    said: list[Block] = []
    if rows.height:
        said.append(
            Text("Each test was tried on ", Figure(PLACEBO, rows.row(0, named=True), "days", "count"),
                 " days without an event. A sound one cries wolf on about ",
                 Figure(PLACEBO, rows.row(0, named=True), "level", "percent"), " of them.")
        )  # fmt: skip
    return [
        *said,
        Chart(
            title="How often does each test cry wolf on days without news?",
            description="A dot for each of several statistical tests: the share of quiet days on which it finds an event. A "
            "band shows where a sound test lies.",
            draw=draw_tests,
            note=(
                "All firms share one event day, so their shares move together. "
                "Tests that take firms for independent find news everywhere.",
            ),
            numbers=Table(
                "tests",
                "Tests on the makers of chips and equipment",
                rows,
                (
                    Shown("named", "Test"),
                    Shown(
                        "rejection_share",
                        "Quiet days with a false alarm",
                        "percent",
                        opens=f"{PLACEBO}:rejection_share",
                    ),
                    Shown("share_low", "A sound test: from", "percent", opens=f"{PLACEBO}:share_low"),
                    Shown("share_high", "to", "percent", opens=f"{PLACEBO}:share_high"),
                    Shown("is_valid_here", "May be believed here", "flag"),
                    Shown("day_p_value", "p-value of the day", "probability", opens=f"{TESTED}:p_value"),
                    Shown("assumes", "It takes for granted"),
                    Shown("not_valid_because", "Why not"),
                    Shown("reference", "Source"),
                ),
                of=PLACEBO,
                empty="Fewer prices are known by this date than the trial on quiet days needs.",
            ),
        ),
    ]


def hit(reader: Reader, day: date) -> Chart:
    rows = reader.rows(
        f"""SELECT * FROM {HIT} WHERE event_date = ? AND window_start = 0 AND window_end = 0
        AND list_contains(['roles', 'exposure'], specification) AND coefficient IS NOT NULL
        ORDER BY specification DESC, coefficient""",
        day,
    ).with_columns(
        named=pl.col("variable").replace(ROLES | VARIABLES),
        compared=pl.col("specification").replace({"roles": "Firms as they are", "exposure": "Firms of equal exposure"}),
    )
    return Chart(
        title="Was it what a firm does, or how much it swings with chips?",
        description="Dots with 95 % intervals: the return beyond the market that goes with each group of firms, as they are "
        "and after allowing for how much each swings with chip shares and by itself.",
        draw=draw_hit,
        note=(
            "Exposure is measured before the day: how a share moves with chip shares, and how much it swings by itself. "
            "Where the difference of groups shrinks at equal exposure, exposure was behind it.",
        ),
        numbers=Table(
            "hit",
            "Returns beyond the market, explained across firms",
            rows,
            (
                Shown("named", "What"),
                Shown("compared", "Compared"),
                Shown("coefficient", "Goes with a return of", "change"),
                Shown("standard_error", "Standard error", "percent"),
                Shown("p_value", "p-value", "probability"),
                Shown("share_of_quiet_days_beyond", "Quiet days that went as far", "percent"),
                Shown("n_firms", "Firms", "count"),
                Shown("grade", "Grade", "grade"),
            ),
            of=HIT,
            empty=UNKNOWN,
        ),
    )
