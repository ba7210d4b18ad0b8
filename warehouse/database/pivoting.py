"""PIVOT without its values: the values are asked for first, and written into the query.

`PIVOT capex ON year USING sum(capex_usd)` is what an analyst types. DuckDB turns it into several statements, of which the
first makes a type of the values found. Making a type is a change. Worse, the statements come without a text, so nobody
could judge what they read. Here the text stays one: `ON year` becomes `ON year IN (...)`, as its user could have typed.
The query for the values passes the gate like any other, and so does the text with the values in it. So a mistake in
finding the places can give a query that fails, and never one that nobody judged.

Places are found by DuckDB's own tokens, at the outermost level of parentheses. A PIVOT within parentheses stays refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from warehouse import sqltext

MOST = 1_000
"""Columns that a PIVOT may make of values which it was not given; a table of more is read by nobody."""
_AFTER_ON = ("USING", "GROUP", "ORDER", "LIMIT", "OFFSET", "UNION", "EXCEPT", "INTERSECT")
_LETTERS = re.compile(rb"[A-Za-z_]+")


@dataclass(frozen=True)
class Header:
    """An expression of ON whose values are not named, and where in the bytes of the text they belong."""

    expression: str
    place: int


@dataclass(frozen=True)
class Pivot:
    """A PIVOT statement: what stands before it (WITH), the table it reads, and its headers without values."""

    text: str
    before: str
    source: str
    headers: tuple[Header, ...]

    def values_of(self, header: Header) -> str:
        """The query for the values of a header, ordered as DuckDB orders the columns; a row more than are allowed."""
        return (
            f"{self.before}\nSELECT DISTINCT CAST((\n{header.expression}\n) AS VARCHAR) AS found FROM {self.source}\n"
            f"WHERE (\n{header.expression}\n) IS NOT NULL ORDER BY found LIMIT {MOST + 1}"
        )

    def filled(self, values: Sequence[Sequence[str]]) -> str:
        """The text with the values of each header; a text to judge by, where they are not known yet, has one of each."""
        raw, parts, done = self.text.encode(), [], 0
        for header, found in zip(self.headers, values, strict=True):
            parts += [raw[done : header.place].decode(), f"\nIN ({sqltext.literals(found)})\n"]
            done = header.place
        return "".join([*parts, raw[done:].decode()])


@dataclass(frozen=True)
class _Token:
    place: int
    word: str
    depth: int


def pivot_of(text: str) -> Pivot | None:
    """The PIVOT that a statement is, where some of its headers have no values; None for everything else."""
    raw = text.encode()
    tokens = [token for token in _tokens(text) if token.depth == 0]
    words = [token.word for token in tokens]
    if "PIVOT" not in words or words[0] not in ("PIVOT", "WITH"):
        return None
    start = words.index("PIVOT")
    ends = [at for at in range(start, len(words)) if words[at] in _AFTER_ON]
    end = ends[0] if ends else len(words)
    places = [at for at in range(start, end) if words[at] == "ON"]
    if not places:
        return None
    on = places[-1]  # a join in the source has an ON of its own, before

    def between(first: int, last: int) -> str:
        stop = tokens[last].place if last < len(tokens) else len(raw)
        return raw[tokens[first].place : stop].decode()

    headers, began = [], on + 1
    for at in range(on + 1, end + 1):
        if at == end or words[at] == ",":
            if began < at and "IN" not in words[began:at]:
                stop = tokens[at].place if at < len(tokens) else len(raw)
                headers.append(Header(between(began, at), stop))
            began = at + 1
    before = raw[: tokens[start].place].decode()
    return Pivot(text, before, between(start + 1, on), tuple(headers)) if headers else None


def statements(text: str) -> list[str]:
    """The statements of a text, cut at the semicolons; no statement that reads has one inside."""
    raw, parts, done = text.encode(), [], 0
    for token in _tokens(text):
        if token.word == ";":
            parts.append(raw[done : token.place].decode())
            done = token.place + 1
    return [*parts, raw[done:].decode()]


def _tokens(text: str) -> list[_Token]:
    """The words and signs of a text with their depth in parentheses; what is neither has no word."""
    raw, depth, found = text.encode(), 0, []
    for place, kind in duckdb.tokenize(text):
        word = ""
        if str(kind).endswith("operator"):
            word = raw[place : place + 1].decode(errors="replace")
            depth -= word in ")]}"
            found.append(_Token(place, word, depth))
            depth += word in "([{"
            continue
        if str(kind).endswith("keyword"):
            letters = _LETTERS.match(raw, place)
            word = letters[0].decode().upper() if letters else ""
        found.append(_Token(place, word, depth))
    return found
