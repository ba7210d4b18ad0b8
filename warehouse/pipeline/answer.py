"""The answer as it is asked for: published or under other assumptions, of one company or of all, in one order.

The screen, `warehouse.verdict` and the assistant's tool give one answer. What it is made of, which company there is and
what a what-if means is said here, so that no two of them can disagree. It imports no mart: only a what-if needs them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from warehouse.database.connection import Connection
from warehouse.database.releases import reading
from warehouse.errors import UsageError
from warehouse.paths import WAREHOUSE

_ORDER = "scope <> 'ALL', scope, question <> 'overall', question"
VERDICTS = f"SELECT * FROM marts.verdict ORDER BY {_ORDER}"
CONDITIONS = f"SELECT * FROM marts.verdict_conditions ORDER BY {_ORDER}, condition"
"""Of the group first, then of each company; the overall verdict first, then each question."""


@contextmanager
def asked(folder: Path, assumed: Sequence[str], named: str) -> Iterator[Connection]:
    """The published answer of a folder, or with `assumed` (`life=3`) a what-if: made in memory, nothing is written.

    `named` is what the user calls the assumptions, for a message. Raises UsageError for one that is unknown or out of its range.
    """
    if not assumed:
        with reading(folder / WAREHOUSE) as connection:
            yield connection
        return
    from warehouse.pipeline import what_if  # builds marts: only where it is asked for

    with what_if.built(folder, what_if.assumed(assumed, named)) as connection:
        yield connection


def scopes(connection: Connection, company: str, named: str) -> list[str]:
    """The scopes to show: those of the answer in order, or the one of `company`, a ticker in any letters.

    Raises UsageError where there is no verdict for it; `named` is how the user gave it.
    """
    found = [scope for (scope,) in connection.execute(f"SELECT scope FROM ({VERDICTS})").fetchall()]
    every = list(dict.fromkeys(found))
    if not company:
        return every
    if company.strip().upper() not in every:
        raise UsageError(f"{named}: there is no verdict for it; choose from {', '.join(every)}.")
    return [company.strip().upper()]
