"""A shorter timeline for tests that look at something else: each of its days answers every question once more.

`every_mart` is every mart with it, as of a day: one build for all tests that compare theirs with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date

import polars as pl
import pytest

from tests import built
from warehouse.assumptions import Assumptions, load
from warehouse.marts.verdict import verdict_timeline


@contextmanager
def shortened(most: int) -> Iterator[None]:
    """Marts that answer day by day do so for the last `most` days of the timeline, the as-of date among them."""
    whole = verdict_timeline.days

    def last(as_of: date, assumptions: Assumptions) -> dict[date, str]:
        return dict(list(whole(as_of, assumptions).items())[-most:])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(verdict_timeline, "days", last)
        yield


# The V3 paper was a month old and Nvidia had fallen; a year's facts in; most of them known.
DAYS = (date(2025, 1, 28), date(2025, 8, 31), date(2026, 4, 30))
QUICK = load().replaced({"detail": "deciding", "draws": 1000})


def days_told(day: date) -> int:
    """How many days of the timeline those tests build: all five of the first day, the last two of the others."""
    return 5 if day == DAYS[0] else 2


def every_mart(facts: Mapping[str, pl.DataFrame], day: date) -> dict[str, pl.DataFrame]:
    """Every mart as of a day of `DAYS`, from `QUICK`."""
    with shortened(days_told(day)):
        return built.build(facts, as_of=day, assumptions=QUICK, apart=f"-{days_told(day)}-days")
