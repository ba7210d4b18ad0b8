"""The ready questions: files of `sql/questions/`, each a query that opens with the question that it answers.

A file may declare parameters, one to a line. Each has a name, a type, a default, the values allowed and a meaning:

    -- What did each company spend in each year?
    -- param company text = ALL of ALL, MSFT, META: ticker, or ALL for every company
    -- param since integer = 2023: the first year shown
    SELECT ... WHERE $company IN ('ALL', ticker) AND year >= $since

Without a default the parameter must be given. Values are put into the query as literals of their type. So what comes out
is a query that can be read, kept and run anywhere.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from warehouse import sqltext
from warehouse.errors import UsageError

_PARAMETER = re.compile(
    r"^-- param (?P<name>\w+) (?P<type>\w+)(?: = (?P<default>.*?))?(?: of (?P<allowed>.*?))?: (?P<meaning>.*)$"
)


def _finite(text: str) -> float:
    if not math.isfinite(number := float(text)):
        raise ValueError(text)
    return number


_READERS: dict[str, Callable[[str], Any]] = {"text": str, "integer": int, "real": _finite, "date": date.fromisoformat}


@dataclass(frozen=True)
class Parameter:
    """`type` is text, integer, real or date; `default` is None where it must be given; `allowed` is empty for any value."""

    name: str
    type: str
    default: str | None
    allowed: tuple[str, ...]
    meaning: str

    def literal(self, given: str) -> str:
        """A value as SQL. Raises ValueError where it is of another type or not allowed."""
        value = given.strip()
        if self.allowed:
            by_name = {each.lower(): each for each in self.allowed}
            if value.lower() not in by_name:
                raise ValueError(f"choose one of {', '.join(self.allowed)}")
            value = by_name[value.lower()]
        try:
            read = _READERS[self.type](value)
        except ValueError:
            example = {"integer": "a whole number", "real": "a number", "date": "a date such as 2025-01-27"}[self.type]
            raise ValueError(f"it must be {example}") from None
        if self.type == "date":
            return f"DATE {sqltext.literal(read)}"
        return sqltext.literal(read) if self.type == "text" else repr(read)


@dataclass(frozen=True)
class Question:
    """A ready question: what it asks, its query with `$name` for each parameter, and these."""

    name: str
    asks: str
    sql: str
    parameters: tuple[Parameter, ...]

    def filled(self, given: Mapping[str, str] | None = None) -> str:
        """The query with the given values, and the defaults of the others.

        Raises UsageError for a parameter that is unknown, missing, of another type or not allowed.
        """
        given = {name.strip().lstrip("-"): value for name, value in (given or {}).items()}
        known = {each.name: each for each in self.parameters}
        for name in given:
            if name not in known:
                there_is = f"it has {', '.join(known)}" if known else "it has none"
                raise UsageError(f"--question {self.name}: there is no parameter {name!r}; {there_is}.")
        literals: dict[str, str] = {}
        for name, parameter in known.items():
            value = given.get(name, parameter.default)
            if value is None:
                raise UsageError(
                    f"--question {self.name} needs --param {name}=...: {parameter.meaning}"
                    + (f"; one of {', '.join(parameter.allowed)}." if parameter.allowed else ".")
                )
            try:
                literals[name] = parameter.literal(value)
            except ValueError as error:
                raise UsageError(f"--param {name}={value}: {error}.") from None
        # In one pass: a value may itself hold the name of another parameter.
        return re.sub(r"\$(\w+)", lambda found: literals.get(found[1], found[0]), self.sql)


@cache
def questions() -> Mapping[str, Question]:
    """Every ready question by name."""
    folder = Path(str(resources.files("sql"))) / "questions"
    return {path.stem: read(path.stem, path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.sql"))}


def question(name: str) -> Question:
    """A ready question. Raises UsageError where there is none of this name, with those that there are."""
    known = questions()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
        hint = f" Did you mean {', '.join(near)}?" if near else ""
        listed = "\n  ".join(f"{each.name}: {each.asks}" for each in known.values())
        raise UsageError(f"--question {name}: there is no such question.{hint} There are:\n  {listed}")
    return known[name]


def read(name: str, text: str) -> Question:
    """A question from the text of its file. Raises ValueError where a parameter is declared wrongly or not used."""
    opening, *lines = text.splitlines()
    parameters, query = [], []
    for line in lines:
        if not line.startswith("-- param"):
            query.append(line)
        elif match := _PARAMETER.match(line):
            said = match.groupdict()
            allowed = tuple(each.strip() for each in (said["allowed"] or "").split(",") if each.strip())
            parameters.append(Parameter(said["name"], said["type"], said["default"], allowed, said["meaning"]))
        else:
            raise ValueError(f"{name}: not a parameter: {line}")
    for each in parameters:
        if each.type not in _READERS or not re.search(rf"\${each.name}\b", text):
            raise ValueError(f"{name}: parameter {each.name} is of no known type, or the query does not use it")
        if each.default is not None:
            each.literal(each.default)
    return Question(name, opening.lstrip("- "), "\n".join(query).strip().rstrip(";"), tuple(parameters))
