"""What a mart is: a pure function from frames and assumptions to a frame, its table, and the way back to its facts.

The function's parameters name the frames it reads (tables of `core`, other marts, and `sessions`, the days on which the
New York exchange was open), so that the order of building and the lineage need no second list.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.marts.common.reasons import REASONS
from warehouse.marts.wording import worded
from warehouse.tables.table import Table


@dataclass(frozen=True)
class Trace:
    """Where the rows behind a mart row are: a table, and an SQL condition between the mart row `m` and its row `t`."""

    table: str
    condition: str


@dataclass(frozen=True)
class Mart:
    """`build(frame, ..., *, as_of, assumptions)` gives the rows of `table`; `traces` lead from a row to its inputs.

    `reads` names the inputs of a mart whose parameters do not, because it takes what others declare (`**frames`).
    """

    table: Table
    build: Callable[..., pl.DataFrame]
    traces: tuple[Trace, ...] = ()
    reads: tuple[str, ...] | None = None

    @property
    def name(self) -> str:
        return self.table.name

    @property
    def inputs(self) -> tuple[str, ...]:
        if self.reads is not None:
            return self.reads
        parameters = inspect.signature(self.build).parameters.values()
        return tuple(p.name for p in parameters if p.kind is not inspect.Parameter.KEYWORD_ONLY)

    def run(self, frames: dict[str, pl.DataFrame], *, as_of: date, assumptions: Assumptions) -> pl.DataFrame:
        """Build, then put rows in the order of the key so that the same facts give the same bytes."""
        given: dict[str, Any] = {name: frames[name] for name in self.inputs}
        built = self.build(**given, as_of=as_of, assumptions=assumptions)
        if REASONS in built.columns:
            built = worded(built)
        built = self.table.conform(built)
        return built.sort(self.table.key, nulls_last=True, maintain_order=True)
