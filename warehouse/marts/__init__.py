"""The answers: one file each in a folder of its subject, found by itself, built in the order of what they read.

Everything here is a function of facts that were public by a date: `build` drops the rest before any mart sees them.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Collection, Mapping
from datetime import date
from functools import cache
from graphlib import TopologicalSorter

import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.marts.common.mart import Mart
from warehouse.tables import CORE

QUARANTINED = pl.Schema(
    {
        "ticker": pl.String,
        "measure": pl.String,
        "period_end": pl.Date,
        "known_on": pl.Date,
        "reason_code": pl.String,
        # Of a row of evidence, where a filing's has the first three.
        "evidence_id": pl.String,
        "topic": pl.String,
        "entity": pl.String,
        "metric": pl.String,
        "as_of_date": pl.Date,
    }
)
"""Rows of filings and of evidence that a check has quarantined: no facts, but the reason why a figure is missing, and why
an older one may not stand for it."""


@cache
def all_marts() -> dict[str, Mart]:
    """Every mart by name, each after those that it reads."""
    names = (info.name for info in pkgutil.walk_packages(__path__, f"{__name__}."))
    modules = (importlib.import_module(name) for name in names)
    found = {module.MART.name: module.MART for module in modules if hasattr(module, "MART")}
    order = TopologicalSorter({name: [i for i in found[name].inputs if i in found] for name in sorted(found)})
    return {name: found[name] for name in order.static_order()}


def build(
    facts: Mapping[str, pl.DataFrame],
    *,
    as_of: date,
    assumptions: Assumptions,
    only: Collection[str] | None = None,
) -> dict[str, pl.DataFrame]:
    """All marts (or `only` some and what they read) from the facts that were public by `as_of`.

    `facts` are the frames of `core` by table name, `sessions` and `quarantined`; a missing one counts as empty.
    """
    frames = known(facts, as_of)
    marts = all_marts()
    wanted = set(marts) if only is None else _with_inputs(only, marts)
    built: dict[str, pl.DataFrame] = {}
    for name, mart in marts.items():
        if name in wanted:
            built[name] = mart.run({**frames, **built}, as_of=as_of, assumptions=assumptions)
    return built


def known(facts: Mapping[str, pl.DataFrame], as_of: date) -> dict[str, pl.DataFrame]:
    """The frames of `core` without what became public after `as_of`."""
    frames = {name: facts.get(name, table.empty()).filter(pl.col("known_on") <= as_of) for name, table in CORE.items()}
    frames["sessions"] = facts.get("sessions", pl.DataFrame(schema={"session": pl.Date}))
    quarantined = facts.get("quarantined", pl.DataFrame(schema=QUARANTINED))
    frames["quarantined"] = quarantined.filter(pl.col("known_on") <= as_of)
    return frames


def _with_inputs(names: Collection[str], marts: Mapping[str, Mart]) -> set[str]:
    wanted, todo = set(names), list(names)
    while todo:
        for name in marts[todo.pop()].inputs:
            if name in marts and name not in wanted:
                wanted.add(name)
                todo.append(name)
    return wanted
