"""The answers: one file each in a folder of its subject, found by itself, built in the order of what they read.

Everything here is a function of facts that were public by a date: `build` drops the rest before any mart sees them.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Collection, Mapping
from datetime import date
from functools import cache
from graphlib import TopologicalSorter

import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.marts.common.mart import Mart
from warehouse.marts.common.standing import Frames, Made, Noting, answered, content, digest, given, stands
from warehouse.spreading import Spread
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


def build_changed(
    facts: Mapping[str, pl.DataFrame],
    *,
    as_of: date,
    assumptions: Assumptions,
    before: Mapping[str, Made],
    read: Callable[[str], pl.DataFrame],
    program: str = "",
    spread: Spread | None = None,
) -> tuple[dict[str, pl.DataFrame], dict[str, Made]]:
    """The marts that do not stand as they were made `before`, and how each mart was made: of all together what `build` gives.

    `read` gives the rows of a mart that stands, and is asked only where another reads it. `program` says what else a mart
    depends on (code, versions). `spread` takes pieces of work, where others do some.
    """
    frames = Frames(known(facts, as_of), read)
    contents: dict[str, str] = {}
    dated = assumptions.as_of(as_of)
    built: dict[str, pl.DataFrame] = {}
    made: dict[str, Made] = {}
    for name, mart in all_marts().items():
        contents |= {each: content(frames[each]) for each in mart.inputs if each not in contents}
        given_now, earlier = given(mart, contents, as_of, program), before.get(name)
        if earlier is not None and stands(earlier, given_now, dated):
            made[name] = earlier
        else:
            noting = Noting(dated)
            days, standing = _earlier_days(mart, frames, as_of, dated, earlier, program)
            built[name] = frames[name] = mart.run(
                frames, as_of=as_of, assumptions=noting, standing=standing, spread=spread
            )
            looked_up = tuple(sorted(noting.noted))
            made[name] = Made(given_now, looked_up, answered(looked_up, dated), content(built[name]), days)
        contents[name] = made[name].content
    return built, made


def _earlier_days(
    mart: Mart, frames: Frames, as_of: date, dated: Assumptions, before: Made | None, program: str
) -> tuple[tuple[str, ...], pl.DataFrame | None]:
    """The earlier days of a mart that answers as of several, with their digests; and its rows of those that stand."""
    if mart.of_days is None:
        return (), None
    days = {f"{day} {digest(program, each)}": day for day, each in mart.of_days(frames, as_of, dated).items()}
    stand = [day for written, day in days.items() if before is not None and written in before.days]
    return tuple(days), frames[mart.name].filter(pl.col("as_of").is_in(stand)) if stand else None


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
