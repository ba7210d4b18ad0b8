"""Work that may be done elsewhere: what a piece must be, and who takes it.

A run reads thousands of documents, studies events, simulates, and answers as of dozens of days. Each is a function of what it
is given, and knows nothing of the others. So other machines can do it (`flows.cluster`), and give the same bytes. A piece is
a function that can be imported by its name, with arguments that can be pickled. It may be done twice, so it writes nothing.

Whoever spreads work is given a `Spread`, or None: then the work is done where it stands, in this process.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

T = TypeVar("T")
R_co = TypeVar("R_co", covariant=True)


class Piece(Protocol[R_co]):
    """Work that was given away."""

    def result(self) -> R_co:
        """Wait for it; raises what the work raises. It comes within a bound: what nobody did is done here."""
        ...


class Spread(Protocol):
    """Other processes that do pieces of work. `width` is how many work at the same time."""

    @property
    def width(self) -> int: ...

    def submit(self, work: Callable[..., T], *given: object) -> Piece[T]: ...
