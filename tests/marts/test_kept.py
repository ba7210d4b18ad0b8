"""What is kept is what would be computed, for frames and draws that are the very ones, in whatever order they are asked."""

from __future__ import annotations

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from warehouse.marts.common.kept import Kept

FRAMES = [pl.DataFrame({"n": [n, 1]}) for n in (1, 2, 2)]
DRAWS = [np.arange(n) for n in (3, 4, 4)]
ASKED = st.tuples(st.sampled_from(range(3)), st.sampled_from(range(3)), st.sampled_from([0.5, 1.5, None]))


def worked_out(frame: pl.DataFrame, draws: np.ndarray, share: float | None) -> float:
    return float(frame["n"].sum() * draws.sum() * (share or 0.0))


@given(st.lists(ASKED, max_size=30), st.integers(1, 4))
def test_what_is_kept_is_what_would_be_computed(asked, most):
    kept: Kept[float] = Kept(most)
    computed = []
    for frame, draws, share in asked:
        given = (FRAMES[frame], DRAWS[draws], share)
        found = kept.get(given, lambda given=given: computed.append(given) or worked_out(*given))
        assert found == worked_out(*given)
    assert len(set(asked)) <= len(computed) <= len(asked)
    if len(set(asked)) <= most:
        assert len(computed) == len(set(asked)), "while there is room, nothing is computed twice"


def test_a_frame_with_the_same_rows_is_another_one():
    kept: Kept[int] = Kept(most=8)
    assert [kept.get((frame,), lambda place=place: place) for place, frame in enumerate(FRAMES)] == [0, 1, 2]
    kept.clear()
    assert kept.get((FRAMES[0],), lambda: 9) == 9
