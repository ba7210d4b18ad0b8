"""What checks find in the packaged snapshot and is true all the same, each with its explanation.

Real data are odd: a provider's spot price stands above its own on-demand price, two secondary pages differ about a
quarter. A warning that is there in every run is soon read by nobody, and a new one beside it goes unseen. So what was
looked into and found true stands in a file beside the snapshot (`warehouse/reference/known_findings.toml`), with the
sentence that explains it. It is shown as explained and not counted. An entry names the values that it is about, so that a
figure that changes is a new finding. Only warnings can be explained: what stops a run cannot be talked away.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from warehouse.errors import UsageError

FILE = "known_findings.toml"
_OF_KIND = {str: "a text", dict: "a table of columns and their values"}
MOST = 1000
"""Rows of one check that are compared with what is known; the rest counts as new."""


@dataclass(frozen=True)
class Known:
    """One known finding: the rows of a table that a check finds and whose columns have these values."""

    table: str
    check: str
    key: tuple[tuple[str, Any], ...]
    explanation: str

    def matches(self, row: Mapping[str, Any]) -> bool:
        return all(name in row and _same(row[name], value) for name, value in self.key)


def of(table: str, check: str) -> tuple[Known, ...]:
    """What is known of a check of a table (its name with the schema)."""
    return tuple(known for known in entries() if (known.table, known.check) == (table, check))


@cache
def entries() -> tuple[Known, ...]:
    """Every known finding of the packaged file."""
    return parse((resources.files("warehouse.reference") / FILE).read_text(encoding="utf-8"))


def parse(text: str) -> tuple[Known, ...]:
    """Known findings of a file's text. Raises UsageError that names an entry without check, table, key or explanation."""
    try:
        read = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{FILE}: this is no TOML: {error}") from error
    given = read.get("finding", [])
    if set(read) - {"finding"} or not isinstance(given, list):
        raise UsageError(f"{FILE}: it holds entries [[finding]] and nothing else.")
    return tuple(_known(number, one) for number, one in enumerate(given, 1))


def _known(number: int, one: Any) -> Known:
    fields = {"table": str, "check": str, "key": dict, "explanation": str}
    for name, kind in fields.items():
        if not isinstance(one, dict) or not isinstance(one.get(name), kind) or not one[name]:
            raise UsageError(f"{FILE}, finding {number}: it needs {name}, {_OF_KIND[kind]}.")
    return Known(one["table"], one["check"], tuple(one["key"].items()), one["explanation"])


def _same(found: Any, known: Any) -> bool:
    if isinstance(found, float | int) and isinstance(known, float | int):
        return abs(found - known) <= 1e-9 * abs(known)
    return bool(found == known)
