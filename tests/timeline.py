"""A shorter timeline for tests that look at something else: each of its days answers every question once more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

import pytest

from warehouse.assumptions import Assumptions
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
