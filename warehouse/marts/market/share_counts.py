"""How many shares a company had on an event's session, as was known that day.

A cover page gives the count of one day, and a later split multiplies it, while closes are given on the basis after all
splits up to the newest bar. So the latest count that was public on the session is multiplied by every split since the
day it was measured, up to that bar. A count that a filing gave only after the session would be hindsight.

A split that is told the wrong way round, or not at all, makes a loss of 600 billion look like 60. The next count that
was measured shows it: counts do not double or halve between two filings by themselves. Then there is no count but a
reason, for which of the two is wrong nobody can tell.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from warehouse.marts.common.select_current import admissible, select_current, weakest
from warehouse.marts.market.panel import NEVER, NO_GRADE, Prices, Setting, grade_codes
from warehouse.tables.corporate_actions import NEAR_DAYS
from warehouse.tables.corporate_actions import TABLE as CORPORATE_ACTIONS
from warehouse.tables.shares_outstanding import TABLE as SHARES_OUTSTANDING


@dataclass(frozen=True)
class ShareCounts:
    """Share counts known on each event's session, E by A, and their evidence.

    NaN, NaT, NO_GRADE and NEVER where there is none. `doubt_on` is the day of the next count, where that is so far off that
    a split between them is missing or told wrong.
    """

    shares: np.ndarray
    measured_on: np.ndarray
    grade: np.ndarray
    known_on: np.ndarray
    doubt_on: np.ndarray


APART = 2.0
"""Two counts in a row by this factor apart, splits taken out, are on two bases: as the check `split_as_in_share_counts`.

No entry of the assumptions: both have to draw one line, and checks are declared before assumptions are read. Splits of less
than two for one are rare, and no company doubles its shares in a quarter otherwise.
"""


def last_days(bars: Prices, chosen: Setting) -> dict[str, date]:
    """Of each firm the day of its newest bar: its closes are on the basis of that day."""
    there = np.isfinite(bars.close[:, : len(chosen.firms)])
    if not len(there):
        return {}
    newest = len(there) - 1 - there[::-1].argmax(axis=0)
    return {firm: bars.sessions[newest[i]].item() for i, firm in enumerate(chosen.firms) if there[:, i].any()}


def share_counts(
    shares: pl.DataFrame, actions: pl.DataFrame, chosen: Setting, closes_through: Mapping[str, date]
) -> ShareCounts:
    """The latest count of each firm that was known on each event's session, times every split since it was measured.

    `closes_through` is the day of each firm's newest close: a later split is not in the closes.
    """
    shape = (len(chosen.events), len(chosen.assets))
    counts, measured = np.full(shape, np.nan), np.full(shape, np.datetime64("NaT", "D"))
    grade, known_on = np.full(shape, NO_GRADE), np.full(shape, NEVER)
    doubt_on = np.full(shape, np.datetime64("NaT", "D"))
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
    splits = told_once(select_current(admissible(actions).filter(pl.col("kind") == "split"), CORPORATE_ACTIONS))
    newest = pl.DataFrame(
        {"ticker": list(closes_through), "closes_through": list(closes_through.values())},
        schema={"ticker": pl.String, "closes_through": pl.Date},
    )
    in_closes = splits.join(newest, on="ticker", how="left").filter(pl.col("date") <= pl.col("closes_through"))
    found = times_later_splits(latest, in_closes.drop("closes_through")).sort("e", "ticker")
    place = found["e"].to_numpy(), np.array([places[ticker] for ticker in found["ticker"]], dtype=int)
    counts[place] = found["shares"].to_numpy()
    measured[place] = found["measured_on"].to_numpy()
    grade[place] = grade_codes(found.select(weakest("grade", "grade_split")).to_series())
    known_on[place] = (
        found.select(pl.max_horizontal("known_on", "known_on_split").cast(pl.Int32)).to_series().to_numpy()
    )
    # A split that is told wrong puts every count before it on another basis, not the last one alone.
    doubts = (
        found.join(_apart(shares, splits), on="ticker", suffix="_pair")
        .filter(pl.col("measured_on_pair") >= pl.col("measured_on"))
        .sort("e", "ticker", "next_measured_on")
        .unique(["e", "ticker"], keep="first", maintain_order=True)
    )
    place = doubts["e"].to_numpy(), np.array([places[ticker] for ticker in doubts["ticker"]], dtype=int)
    counts[place], doubt_on[place] = np.nan, doubts["next_measured_on"].to_numpy()
    return ShareCounts(counts, measured, grade, known_on, doubt_on)


def _apart(shares: pl.DataFrame, splits: pl.DataFrame) -> pl.DataFrame:
    """Counts that the next one known contradicts: `ticker`, `measured_on`, `next_measured_on`.

    The next count over this one, less the splits told between them, lies beyond a factor of APART.
    """
    each = select_current(admissible(shares), SHARES_OUTSTANDING, ["ticker", "measured_on"])
    pairs = (
        each.sort("ticker", "measured_on")
        .with_columns(
            next_shares=pl.col("shares").shift(-1).over("ticker"),
            next_measured_on=pl.col("measured_on").shift(-1).over("ticker"),
        )
        .filter(pl.col("next_shares").is_not_null())
        .select("ticker", "measured_on", "next_measured_on", grown=pl.col("next_shares") / pl.col("shares"))
    )
    told = (
        pairs.join(splits.select("ticker", "date", "value"), on="ticker")
        .filter((pl.col("date") > pl.col("measured_on")) & (pl.col("date") <= pl.col("next_measured_on")))
        .group_by("ticker", "measured_on")
        .agg(pl.col("value").product())
    )
    left = pairs.join(told, on=["ticker", "measured_on"], how="left").with_columns(
        grown=pl.col("grown") / pl.col("value").fill_null(1.0)
    )
    return left.filter(~pl.col("grown").is_between(1 / APART, APART)).select(
        "ticker", "measured_on", "next_measured_on"
    )


def told_once(splits: pl.DataFrame) -> pl.DataFrame:
    """`splits` without one that repeats the ratio of a split of that share in the 90 days before it.

    One source knows the first session on the new basis, another only a day by which it was so (check `duplicate_split`).
    """
    ordered = splits.sort("ticker", "date")
    same = (pl.col("value") == pl.col("value").shift(1).over("ticker")).fill_null(False)
    near = ((pl.col("date") - pl.col("date").shift(1).over("ticker")).dt.total_days() <= NEAR_DAYS).fill_null(False)
    return ordered.filter(~(same & near))


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
