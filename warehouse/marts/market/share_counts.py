"""How many shares a company had on an event's session, as was known that day.

A cover page gives the count of one day, and a later split multiplies it, while closes are given on the basis after all
splits. So the latest count that was public on the session is multiplied by every split since the day it was measured.
A count that a filing gave only after the session would be hindsight.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from warehouse.marts.common.select_current import admissible, select_current, weakest
from warehouse.marts.market.panel import NEVER, NO_GRADE, Setting, grade_codes
from warehouse.tables.corporate_actions import TABLE as CORPORATE_ACTIONS
from warehouse.tables.shares_outstanding import TABLE as SHARES_OUTSTANDING


@dataclass(frozen=True)
class ShareCounts:
    """Share counts known on each event's session, E by A, and their evidence.

    NaN, NaT, NO_GRADE and NEVER where there is none.
    """

    shares: np.ndarray
    measured_on: np.ndarray
    grade: np.ndarray
    known_on: np.ndarray


def share_counts(shares: pl.DataFrame, actions: pl.DataFrame, chosen: Setting) -> ShareCounts:
    """The latest count of each firm that was known on each event's session, times every split since it was measured."""
    shape = (len(chosen.events), len(chosen.assets))
    counts, measured = np.full(shape, np.nan), np.full(shape, np.datetime64("NaT", "D"))
    grade, known_on = np.full(shape, NO_GRADE), np.full(shape, NEVER)
    places = {ticker: a for a, ticker in enumerate(chosen.firms)}
    events = pl.DataFrame(
        {"e": range(shape[0]), "session": [event.session for event in chosen.events]},
        schema={"e": pl.Int64, "session": pl.Date},
    )
    known = (
        admissible(shares)
        .filter(pl.col("ticker").is_in(list(places)))
        .join(events, how="cross")
        .filter(pl.col("known_on") <= pl.col("session"))
    )
    latest = (
        select_current(known, SHARES_OUTSTANDING, ["e", "ticker", "measured_on"])
        .sort("measured_on", descending=True, maintain_order=True)
        .unique(["e", "ticker"], keep="first", maintain_order=True)
    )
    splits = select_current(admissible(actions).filter(pl.col("kind") == "split"), CORPORATE_ACTIONS)
    found = times_later_splits(latest, splits).sort("e", "ticker")
    place = found["e"].to_numpy(), np.array([places[ticker] for ticker in found["ticker"]], dtype=int)
    counts[place] = found["shares"].to_numpy()
    measured[place] = found["measured_on"].to_numpy()
    grade[place] = grade_codes(found.select(weakest("grade", "grade_split")).to_series())
    known_on[place] = (
        found.select(pl.max_horizontal("known_on", "known_on_split").cast(pl.Int32)).to_series().to_numpy()
    )
    return ShareCounts(counts, measured, grade, known_on)


def times_later_splits(counts: pl.DataFrame, splits: pl.DataFrame) -> pl.DataFrame:
    """`counts` on the basis of today's closes: `shares` times every split since `measured_on`.

    `grade_split` and `known_on_split` are those of the splits; null where there was none.
    """
    things = ["ticker", "measured_on"]
    since = (
        counts.select(things)
        .unique()
        .join(splits.select("ticker", "date", "value", grade_split="grade", known_on_split="known_on"), on="ticker")
        .filter(pl.col("date") > pl.col("measured_on"))
        .sort("date")
        .group_by(things, maintain_order=True)
        .agg(pl.col("value").product(), pl.col("grade_split", "known_on_split").max())
    )
    return (
        counts.join(since, on=things, how="left", maintain_order="left")
        .with_columns(shares=pl.col("shares") * pl.col("value").fill_null(1.0))
        .drop("value")
    )
