"""What a mart is: a pure function from frames and assumptions to a frame, its table, and the way back to its facts.

The function's parameters name the frames it reads: tables of `core`, other marts, and `sessions`, the days on which the
New York exchange was open. So the order of building and the lineage need no second list. A mart that reads all of
`core`, such as one that builds others as of earlier days, has one parameter `core` instead: it gets every table's frame
by name.

The way back is declared too (`Trace`), as a condition on the two rows or as a list of ids:

    Trace("core.stock_prices", "t.ticker = m.ticker and t.date between m.first_day and m.last_day")
    Trace("core.company_facts", ids="fact_ids")

Ids are for a mart that chooses its facts row by row, so that no condition on their columns says which ones it took: its
frame has the list in a column (`FACT_IDS` of `warehouse.tables.table` declares it), made of the `fact_id` that every row
of `core` has. A list may name facts of several tables, with a trace for each of these.
"""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.marts.common.reasons import REASONS
from warehouse.marts.common.words import worded
from warehouse.spreading import Spread
from warehouse.tables import CORE
from warehouse.tables.table import Table

ALL_FACTS = "core"
"""The parameter that is given every frame of `core`, by table name."""


@dataclass(frozen=True)
class Trace:
    """Where the rows behind a mart row `m` are: the rows `t` of a table for which an SQL condition holds.

    Instead of a condition, `ids` names the column of the mart that lists the `fact_id` of these rows.
    """

    table: str
    condition: str = ""
    ids: str = ""

    def __post_init__(self) -> None:
        if bool(self.condition) == bool(self.ids):
            raise ValueError(f"a trace to {self.table} needs a condition or a column of ids, and not both")


@dataclass(frozen=True)
class Mart:
    """`build(frame, ..., *, as_of, assumptions)` gives the rows of `table`; `traces` lead from a row to its inputs.

    A function without the parameter `as_of` cannot look at the date: its rows change only where its inputs do.
    `reads` names the inputs of a mart whose parameters do not, because it takes what others declare (`**frames`).
    `of_days(frames, as_of, assumptions)` is for a mart whose rows answer as of several days (column `as_of`): it gives a
    digest for each earlier day of all that the rows of that day are made of. Such a mart's function takes `standing`, rows
    of earlier days that stand, and builds the others.
    """

    table: Table
    build: Callable[..., pl.DataFrame]
    traces: tuple[Trace, ...] = ()
    reads: tuple[str, ...] | None = None
    of_days: Callable[[Mapping[str, pl.DataFrame], date, Assumptions], dict[date, str]] | None = None

    def __post_init__(self) -> None:
        for trace in self.traces:
            if trace.ids and (trace.ids not in self.table.names or self.table.column(trace.ids).type != "texts"):
                raise ValueError(
                    f"{self.table.full_name} has no column of texts {trace.ids}, which a trace reads ids from"
                )

    @property
    def name(self) -> str:
        return self.table.name

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the frames that it reads."""
        names = [(name,) if name != ALL_FACTS else tuple(CORE) for name in self._parameters]
        return tuple(dict.fromkeys(itertools.chain(*names)))

    @property
    def is_dateless(self) -> bool:
        """Whether the same inputs give the same rows on every day."""
        return "as_of" not in inspect.signature(self.build).parameters

    @property
    def _parameters(self) -> Sequence[str]:
        if self.reads is not None:
            return self.reads
        parameters = inspect.signature(self.build).parameters.values()
        return [p.name for p in parameters if p.kind is not inspect.Parameter.KEYWORD_ONLY]

    def run(
        self,
        frames: dict[str, pl.DataFrame],
        *,
        as_of: date,
        assumptions: Assumptions,
        standing: pl.DataFrame | None = None,
        spread: Spread | None = None,
    ) -> pl.DataFrame:
        """Build, then put rows in the order of the key so that the same facts give the same bytes.

        Assumptions count as of the same date as the facts: one whose evidence was not public yet by its wide range.
        `standing` are rows of earlier days that need not be built (`of_days`). `spread` is given to a function that takes it.
        """
        given: dict[str, Any] = {
            name: frames[name] if name != ALL_FACTS else {table: frames[table] for table in CORE}
            for name in self._parameters
        }
        if not self.is_dateless:
            given["as_of"] = as_of
        if standing is not None:
            given["standing"] = standing
        if spread is not None and "spread" in inspect.signature(self.build).parameters:
            given["spread"] = spread
        built = self.build(**given, assumptions=assumptions.as_of(as_of))
        if REASONS in built.columns:
            built = worded(built)
        built = self.table.conform(built)
        return built.sort(self.table.key, nulls_last=True, maintain_order=True)
