"""The ways in which a document fails to arrive, and what each one means for the next request.

Most failures on the way to a public host pass: a busy server, a cut connection. Those are worth another try. Others do
not pass: the document is not there, the answer is a page for browsers. Asking again for those only makes us a nuisance.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

TRIES = 4
TRIES_WHEN_SILENT = 2
"""Tries of a host that does not answer at all: each one costs the whole time limit."""


@dataclass(frozen=True)
class Failure:
    """A document that could not be fetched or read, and why; `kept` is where its bytes are for a look."""

    name: str
    url: str
    why: str
    kept: Path | None = None

    def __str__(self) -> str:
        return f"{self.name}: {self.why.rstrip('.')}" + (f" (kept for a look: {self.kept})" if self.kept else "")


class Unavailable(Exception):
    """Asking again for this document will not help.

    `silent`: the host did not answer. `absent`: it answered that there is no such document. `kept`: what it sent instead.
    """

    def __init__(self, why: str, kept: Path | None = None, *, silent: bool = False, absent: bool = False) -> None:
        super().__init__(why)
        self.why, self.kept, self.silent, self.absent = why, kept, silent, absent


class TryAgain(Exception):
    """An attempt that failed in a way that may pass, within `tries` tries in all.

    `after_seconds` is the wait that the host asked for. `busy`: it asked everyone to slow down. `silent`: no answer.
    """

    def __init__(
        self,
        why: str,
        *,
        tries: int = TRIES,
        after_seconds: float | None = None,
        busy: bool = False,
        silent: bool = False,
    ) -> None:
        super().__init__(why)
        self.why, self.tries, self.after_seconds, self.busy, self.silent = why, tries, after_seconds, busy, silent
