"""How rows become lines for a person: no number, date or name is ever broken.

A reader who meets `400,000,00` with a lone `0` below it has read a wrong figure. So a column is as wide as its widest
value, and only running text is wrapped, between words. Where the columns do not fit side by side, some are left out and
counted. Notes and other long texts go first, then what stands in the middle. Columns that the query names stay, and so do
the key and the first figure. Where hardly any fits, or few rows are shown, each row becomes a block with a line for each
column.
Libraries for tables (`rich`) break what does not fit. They take longer to import than DuckDB, too.

Texts come from documents that anybody may have written. What could steer a terminal is written as an escape.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from warehouse.cli.lines import printable

GAP = "  "
LINE = 44
"""Characters of a text from which on it is running text and may be wrapped; a name is shorter."""
FEWEST = 3
"""Columns that must fit side by side; with fewer, a row is a block."""
NARROW = 60
"""Columns of a terminal, below which a row that does not fit is a block."""
LEADING = 3
"""Columns at the beginning among which a running text is what the row is about, such as a claim; it is no note on it."""
SINGLE = 2
"""Rows up to which all of each is shown: who asks for one thing wants to see all of it."""


@dataclass(frozen=True)
class Laid:
    """Lines, and the names of the columns that are not among them."""

    lines: list[str]
    left_out: tuple[str, ...] = ()


def laid_out(
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    width: int,
    *,
    everything: bool = False,
    null: str = "-",
    asked: Collection[str] = (),
) -> Laid:
    """Rows as lines of at most `width` characters, as far as no value is broken; with `everything`, all columns.

    Columns of `asked` are left out last: the reader named them.
    """
    names = [printable(name) for name in columns]
    cells = [[shown(value, null) for value in row] for row in rows]
    numbers = [
        any(_is_number(row[place]) for row in rows)
        and all(_is_number(row[place]) or row[place] is None for row in rows)
        for place in range(len(columns))
    ]
    sizes = [_Size.of(name, [row[place] for row in cells]) for place, name in enumerate(names)]
    named = [place for place, name in enumerate(columns) if name in asked]
    measures = [place for place in range(len(columns)) if any(_is_measure(row[place]) for row in rows)]
    kept = _kept(sizes, width, named, measures)
    left_out = [name for place, name in enumerate(names) if place not in kept]
    if left_out and rows and (len(kept) < FEWEST or everything or width < NARROW or len(rows) <= SINGLE):
        return Laid(_blocks(names, cells, width))
    widths = _widths([sizes[place] for place in kept], width - (len(GAP) + 1 if left_out else 0))
    return Laid(_beside(names, cells, kept, widths, numbers), tuple(left_out))


# -- values -----------------------------------------------------------------------------------------------------------


def shown(value: Any, null: str = "NULL") -> str:
    """A value for a person: thousands separated, no more digits than help, NaN as NaN."""
    match value:
        case None:
            return null
        case bool():
            return "true" if value else "false"
        case int():
            return f"{value:,}" if abs(value) >= 10_000 else str(value)
        case float() | Decimal():
            return _number(value)
        case datetime():
            text = value.isoformat(sep=" ")
            return text.removesuffix("+00:00") if value.tzinfo in (None, UTC) else text
        case date():
            return value.isoformat()
        case str():
            return printable(value)
        case bytes():
            return "\\x" + value.hex()
        case dict():
            return "{" + ", ".join(f"{printable(str(k))}: {shown(v)}" for k, v in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(map(shown, value)) + "]"
    return printable(str(value))


def _number(value: float | Decimal) -> str:
    number = float(value)
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    size = abs(number)
    if size and (size >= 1e15 or size < 1e-4):
        return f"{number:.4g}"
    if number == int(number):
        return f"{int(number):,}" if size >= 10_000 else str(int(number))
    if size < 10_000:
        return f"{number:.6g}"
    return f"{number:,.2f}"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _is_measure(value: Any) -> bool:
    """Whether a number is a figure rather than a year or a count of a few things."""
    return isinstance(value, float | Decimal) or (isinstance(value, int) and abs(value) >= 10_000)


# -- widths -----------------------------------------------------------------------------------------------------------


def columns_of(text: str) -> int:
    """How many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    wide = sum(1 for char in text if unicodedata.east_asian_width(char) in "WF")
    return len(text) + wide - sum(1 for char in text if unicodedata.combining(char))


@dataclass(frozen=True)
class _Size:
    least: int
    most: int

    @property
    def is_text(self) -> bool:
        """Whether it holds running text, a hash or an address: what is looked up and not compared."""
        return self.most > LINE

    @classmethod
    def of(cls, name: str, cells: Sequence[str]) -> _Size:
        least = most = columns_of(name)
        for cell in cells:
            for line in cell.split("\n"):
                size = columns_of(line)
                most = max(most, size)
                least = max(least, size if size <= LINE else max(LINE // 2, *map(columns_of, line.split(" "))))
        return cls(least, most)


def _kept(sizes: Sequence[_Size], width: int, asked: Collection[int] = (), measures: Collection[int] = ()) -> list[int]:
    """Which columns fit; at least the first. Where some are left out, there is room to say so."""
    if sum(size.least for size in sizes) + len(GAP) * (len(sizes) - 1) <= width:
        return list(range(len(sizes)))
    room = width - sizes[0].least - len(GAP) - 1
    kept = {0}
    for place in _wanted(sizes, asked, measures):
        if place not in kept and (needed := sizes[place].least + len(GAP)) <= room:
            room -= needed
            kept.add(place)
    return sorted(kept)


def _wanted(sizes: Sequence[_Size], asked: Collection[int], measures: Collection[int]) -> Iterator[int]:
    """The columns in the order in which they are kept: what was asked for, the figure and its key, the ends, then text."""
    texts = [place for place, size in enumerate(sizes) if size.is_text and place >= LEADING]
    yield from (place for place in asked if not sizes[place].is_text)
    yield from asked
    figure = min(measures, default=0)
    yield from range(min(figure, LEADING))
    yield figure
    yield from (place for place in range(figure) if place not in texts)
    rest = [place for place in range(figure + 1, len(sizes)) if place not in texts]
    while rest:  # what is compared stands at the left, how good it is at the right
        yield from rest[:2]
        yield rest[-1]
        rest = rest[2:-1]
    yield from texts


def _widths(sizes: Sequence[_Size], width: int) -> list[int]:
    """How wide each column is: what is left beyond their least goes to those that need more, the narrowest first."""
    widths = [size.least for size in sizes]
    room = width - sum(widths) - len(GAP) * (len(sizes) - 1)
    wanting = sorted((size.most - size.least, place) for place, size in enumerate(sizes) if size.most > size.least)
    for done, (more, place) in enumerate(wanting):
        given = max(0, min(more, room // (len(wanting) - done)))
        widths[place] += given
        room -= given
    return widths


# -- lines ------------------------------------------------------------------------------------------------------------


def _beside(
    names: Sequence[str],
    cells: Sequence[Sequence[str]],
    kept: Sequence[int],
    widths: Sequence[int],
    numbers: Sequence[bool],
) -> list[str]:
    """A header, a rule, and the rows; where columns are left out, a column of dots in their place."""
    places, sizes = list(kept), list(widths)
    gap = next((at for at, place in enumerate(places) if place != at), None)
    right = [numbers[place] for place in places]
    if gap is not None or len(places) < len(names):
        at = len(places) if gap is None else gap
        places.insert(at, -1)
        sizes.insert(at, 1)
        right.insert(at, False)
    lines = []
    if any(names):
        lines += _line([["…" if place < 0 else names[place]] for place in places], sizes, right)
        lines.append(GAP.join(("…" if place < 0 else "─" * size) for place, size in zip(places, sizes, strict=True)))
    for row in cells:
        parts = [["…"] if at < 0 else _wrapped(row[at], size) for at, size in zip(places, sizes, strict=True)]
        lines += _line(parts, sizes, right)
    return lines


def _line(parts: Sequence[list[str]], widths: Sequence[int], numbers: Sequence[bool]) -> list[str]:
    """One row: as many lines as its highest cell has."""
    lines = []
    for number in range(max(map(len, parts), default=0)):
        texts = [part[number] if number < len(part) else "" for part in parts]
        padded = [
            " " * (width - columns_of(text)) + text if right else text + " " * (width - columns_of(text))
            for text, width, right in zip(texts, widths, numbers, strict=True)
        ]
        lines.append(GAP.join(padded).rstrip())
    return lines


def _wrapped(text: str, width: int) -> list[str]:
    """A text in lines of at most `width` columns, broken between words alone."""
    lines = []
    for paragraph in text.split("\n"):
        if columns_of(paragraph) <= width:
            lines.append(paragraph)
            continue
        line = ""
        for word in paragraph.split(" "):
            if line and columns_of(line) + 1 + columns_of(word) > width:
                lines.append(line)
                line = word
            else:
                line = f"{line} {word}" if line else word
        lines.append(line)
    return lines


def _blocks(names: Sequence[str], cells: Sequence[Sequence[str]], width: int) -> list[str]:
    """Each row as a block: a line for each column, with its value beside its name or, where that is too narrow, below."""
    indent = max(map(columns_of, names), default=0) + len(GAP)
    below = width - indent < LINE // 2
    lines: list[str] = []
    for number, row in enumerate(cells, 1):
        lines.append(f"── {number} ".ljust(max(8, min(width, 40)), "─"))
        for name, cell in zip(names, row, strict=True):
            room = max(1, width - (2 if below else indent))
            parts = _wrapped(cell, room) if columns_of(cell) > LINE or "\n" in cell else [cell]
            if below:
                lines += [name, *(f"  {part}" for part in parts)]
            else:
                lines.append(f"{name}{' ' * (indent - columns_of(name))}{parts[0]}")
                lines += [" " * indent + part for part in parts[1:]]
    return lines
