"""One company's share on the market's day and around it, beside firms that do the same."""

from __future__ import annotations

from typing import Any

import polars as pl

from warehouse.reports.site import company_charts
from warehouse.reports.site.blocks import Block, Chart, Figure, Shown, Span, Table, Text
from warehouse.reports.site.forms import speak
from warehouse.reports.site.market_charts import ROLES
from warehouse.reports.site.market_evidence import STUDY, first_benchmark, main_event, study_key
from warehouse.reports.site.page import Reader

WINDOWS = {(0, 0): "the day itself", (0, 1): "to the next day", (-1, 1): "the day before to after", (-5, 5): "five days around",
           (0, 10): "ten days on", (2, 10): "days two to ten", (0, 60): "sixty days on"}  # fmt: skip


def market_day(reader: Reader, ticker: str, company: str, role: str) -> list[Block]:
    day, benchmark = main_event(reader), first_benchmark(reader)
    key = study_key(day, ticker, benchmark)
    row: dict[str, Any] = reader.row(STUDY, key)
    if row.get("actual_return") is None:
        return [Text(f"{company} has no price of {speak(day, 'date')}." if row else "No price of that day is known.")]
    said: list[Span] = [
        "Its share returned ",
        Figure(STUDY, key, "actual_return", "change"),
        f" on {speak(day, 'date')}",
    ]
    if row["abnormal_return"] is not None:
        said += [", or ", Figure(STUDY, key, "abnormal_return", "change"), " beyond the market's own move"]
    said.append(". ")
    if row["market_value_change_usd"] is not None:
        said += ["Its market value changed by ", Figure(STUDY, key, "market_value_change_usd", "usd"), "."]
    rows = reader.rows(
        f"""SELECT * FROM {STUDY} WHERE event_date = ? AND benchmark = ? AND model = 'market_model' AND return_kind = 'simple'
        AND ticker IN (?, ?) AND abnormal_return IS NOT NULL ORDER BY window_end, window_start, ticker""",
        day,
        benchmark,
        ticker,
        f"portfolio:{role}",
    )
    windows = {f"{start} {end}": words for (start, end), words in WINDOWS.items()}
    rows = rows.with_columns(
        whose=pl.when(pl.col("ticker") == ticker)
        .then(pl.lit(company))
        .otherwise(pl.lit(f"Group: {ROLES.get(role, role)}")),
        window=pl.format("{} {}", "window_start", "window_end").replace(windows),
    )
    return [
        Text(*said),
        Chart(
            title="How did it fare, beside firms that do the same?",
            description=f"For several spans of days, {company}'s return beyond the market and that of firms that do the same, "
            "with 95 % intervals.",
            draw=company_charts.draw_windows,
            note=("Over many days the intervals grow wide. Sixty days on also hold the tariffs of April 2025.",),
            numbers=Table(
                "windows",
                "Returns beyond the market around the day",
                rows,
                (
                    Shown("window", "Days"),
                    Shown("whose", "Whose"),
                    Shown("actual_return", "Plain return", "change"),
                    Shown("abnormal_return", "Beyond the market", "change"),
                    Shown("smallest_detectable_car", "Smallest that the test finds", "percent"),
                    Shown("p_value", "p-value", "probability"),
                    Shown("grade", "Grade", "grade"),
                ),
                of=STUDY,
                empty="It was listed too late for a market model.",
            ),
        ),
    ]
