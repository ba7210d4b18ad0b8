"""What the answer would be under other assumptions: the marts built anew in memory, nothing published.

Anyone may doubt a judgement of ours, and the shortest reply is to let them put in their own. The facts stay those of
the published warehouse, so that the two answers differ by the assumption and by nothing else. What comes out is marked
as a what-if wherever it shows.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from warehouse import assumptions, marts
from warehouse.assumptions import Assumptions
from warehouse.database import releases
from warehouse.database.connection import Connection, in_memory
from warehouse.errors import UsageError
from warehouse.paths import WAREHOUSE
from warehouse.pipeline import known_facts
from warehouse.settings import load_settings

SHOWN = ("verdict", "verdict_conditions", "assumptions")
OPTION = "--assume"
_WORD = re.compile(r"[^\W\d][\w .:-]*")


def assumed(texts: Sequence[str], named: str = OPTION) -> Assumptions:
    """The user's assumptions with some replaced: `key=value` or `key.part=value`.

    `named` is what the user calls them, for a message. Raises UsageError for a text of another form, an unknown key and a
    value out of its range.
    """
    return assumptions.load(load_settings().assumptions).replaced(changes(texts, named), named)


def changes(texts: Sequence[str], named: str = OPTION) -> dict[str, Any]:
    """`life=3` and `discount_rate.low=0.05` as the table that an assumptions file would hold. Raises UsageError."""
    found: dict[str, Any] = {}
    for text in texts:
        key, equals, value = (part.strip() for part in text.partition("="))
        name, dot, part = key.partition(".")
        if not (equals and name and value) or bool(dot) != bool(part):
            raise UsageError(f"{named} {text}: write it as key=value, such as life=3 or discount_rate.low=0.05.")
        parts = found.setdefault(name, {}) if part else found
        if not isinstance(parts, dict) or (part or name) in parts:
            raise UsageError(f"{named} {text}: {name} is given twice; give the whole entry once, or each part once.")
        parts[part or name] = _value(text, value, named)
    return found


def _value(text: str, value: str, named: str) -> Any:
    """A value as in a TOML file; a bare word is itself."""
    try:
        read = tomllib.loads(f"value = {value}")
    except (ValueError, RecursionError):
        if _WORD.fullmatch(value):
            return value
        read = {}
    if set(read) != {"value"}:
        raise UsageError(f"{named} {text}: {value} is no value; write a number, a word, a date, or a list in brackets.")
    return read["value"]


@contextmanager
def built(published: Path, wanted: Assumptions) -> Iterator[Connection]:
    """A database in memory with the marts that `overbuild verdict` shows, made with other assumptions."""
    with releases.reading(published / WAREHOUSE) as connection:
        as_of, day = connection.execute(
            "SELECT as_of, started_at::date FROM provenance.runs ORDER BY started_at DESC LIMIT 1"
        ).fetchone() or (None, None)
        if as_of is None:
            raise UsageError(f"{published}: no run is recorded in this warehouse. Run `overbuild run` first.")
        facts = known_facts.for_marts(connection, wanted, day)
    frames = marts.build(facts, as_of=as_of, assumptions=wanted, only=SHOWN)
    memory = in_memory()
    try:
        memory.execute("CREATE SCHEMA marts")
        for name in SHOWN:
            memory.register("given", frames[name].to_arrow())
            memory.execute(f"CREATE TABLE marts.{name} AS SELECT * FROM given")
            memory.unregister("given")
        yield memory
    finally:
        memory.close()
