"""The last results of a function of large things, for callers that know nothing of each other and ask for the same.

It is a memory and no state: it gives what the function would give for the very draws or frames that are asked about. A
function that asks an assumption for a value is not kept like this, unless the value is among what is asked with.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import numpy as np
import polars as pl

T = TypeVar("T")
HELD = (np.ndarray, pl.DataFrame)


class Kept(Generic[T]):
    """The last `most` results of a function of draws or frames, as many quantities and bounds ask for that of the same ones.

    An array or a frame is the same as itself alone: to compare a hundred thousand draws takes as long as to compute with
    them. It is held as long as its result is, so that no other can take its place in memory.
    """

    def __init__(self, most: int) -> None:
        self._results: deque[tuple[tuple[Any, ...], T]] = deque(maxlen=most)

    def get(self, given: tuple[Any, ...], compute: Callable[[], T]) -> T:
        for known, result in self._results:
            if len(known) == len(given) and all(map(_same, known, given)):
                return result
        result = compute()
        self._results.append((given, result))
        return result

    def clear(self) -> None:
        self._results.clear()


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, HELD) or isinstance(other, HELD):
        return one is other
    return bool(one == other)
