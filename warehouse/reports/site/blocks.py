"""What a page is made of: data, not HTML, so that a test can walk every figure of every page.

Nothing here knows how it looks. The templates beside this file draw each kind, with all text escaped. A page gives a list
of these blocks; some of them hold others.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

import polars as pl

from warehouse.reports.addresses import key_columns
from warehouse.reports.lineage import named
from warehouse.reports.site.forms import FIGURES, FORMS


@dataclass(frozen=True)
class Figure:
    """One value of the warehouse: the row and column that it is, and how it is spoken (a form of `forms.py`).

    The framework reads it and links it to its page. `key` names one row: all of the table's key columns.
    """

    table: str
    key: Mapping[str, Any]
    column: str
    form: str = "number"
    short: bool = False

    def __post_init__(self) -> None:
        if self.form not in FORMS:
            raise ValueError(f"{self.table}.{self.column}: there is no form {self.form}; see forms.py")


@dataclass(frozen=True)
class Words:
    """A sentence that stands in the warehouse, such as a headline; a small link after it opens its row."""

    table: str
    key: Mapping[str, Any]
    column: str


@dataclass(frozen=True)
class Strong:
    text: str


@dataclass(frozen=True)
class Code:
    text: str


@dataclass(frozen=True)
class Link:
    """`href` is from the root of the site (`spending.html`), or whole for an address outside of it."""

    text: str
    href: str


Span = str | Figure | Words | Strong | Code | Link


@dataclass(frozen=True, eq=False)
class Block:
    """Anything that stands on a page; two blocks are never the same one, whatever they hold."""

    @property
    def kind(self) -> str:
        return type(self).__name__.lower()


@dataclass(frozen=True, eq=False)
class Heading(Block):
    """A heading below the page's own; `anchor` is its address, made of the text where it is not given."""

    text: str
    level: int = 2
    anchor: str = ""


@dataclass(frozen=True, eq=False, init=False)
class Text(Block):
    """A paragraph of spans: `Text("Meta spent ", Figure(...), " in 2025.")`. `style`: "", "lead" or "about" (softer)."""

    spans: tuple[Span, ...]
    style: str

    def __init__(self, *spans: Span, style: str = "") -> None:
        object.__setattr__(self, "spans", spans)
        object.__setattr__(self, "style", style)


@dataclass(frozen=True, eq=False, init=False)
class Note(Block):
    """Something that must be seen. `style` is "warning" or "info"."""

    spans: tuple[Span, ...]
    style: str

    def __init__(self, *spans: Span, style: str = "info") -> None:
        object.__setattr__(self, "spans", spans)
        object.__setattr__(self, "style", style)


@dataclass(frozen=True, eq=False, init=False)
class Items(Block):
    """A list; each item is a sequence of spans or one span."""

    items: tuple[tuple[Span, ...], ...]

    def __init__(self, *items: Span | Sequence[Span]) -> None:
        given = tuple((item,) if isinstance(item, Span) else tuple(item) for item in items)
        object.__setattr__(self, "items", given)


@dataclass(frozen=True)
class Interval:
    """A figure with its interval and the threshold that it is held against; drawn, and said in words.

    `of` says what the interval is ("nine in ten draws"), `against` what lies at the threshold ("pays for itself at").
    `decimal` is False for quantities that are compared by ratio (dollars).
    """

    low: Figure
    middle: Figure
    high: Figure
    threshold: Figure
    of: str
    against: str
    decimal: bool = True


@dataclass(frozen=True)
class Card:
    """A question or subject, its verdict, a large figure with its interval, and a few words.

    `verdict` is a code of the warehouse: it gets its colour and sign. `href` leads to the page that says how it came about.
    """

    label: str
    value: Span = ""
    spans: Sequence[Span] = ()
    href: str = ""
    verdict: str = ""
    leaning: str = ""
    interval: Interval | None = None
    more: str = "More"


@dataclass(frozen=True, eq=False)
class Cards(Block):
    cards: Sequence[Card]


@dataclass(frozen=True, eq=False)
class Answer(Block):
    """A verdict: the question, the verdict in large letters, its headline and lines of what else is to be said."""

    question: str
    verdict: str
    headline: Span
    lines: Sequence[tuple[str, Sequence[Span]]] = ()
    leaning: str = ""
    href: str = ""
    large: bool = False


_BY_UNIT = {
    "USD": "usd",
    "USD a year": "usd",
    "USD/year": "usd",
    "USD/quarter": "usd",
    "USD/day": "usd",
    "share": "percent",
    "ratio": "percent",
    "share a year": "percent",
    "USD per GPU-hour": "usd_per_hour",
    "years": "years",
    "days": "days",
    "GPU-hours": "gpu_hours",
    "year": "year",
}


@dataclass(frozen=True)
class Shown:
    """A column of a table: its name in the frame, its heading and its form.

    Where the form is one of `forms.FIGURES` and the table's mart declares the column, each cell is a figure and opens.
    `opens` is another `schema.table:column` where the frame is joined of several; "" says that the column is no
    figure of the warehouse (the place in a list). `key` gives the names in the frame of the other table's key columns
    where they differ. `unit` names a column that holds the unit of each row, where rows differ in it. What is `beneath` has
    a line of its own under its row, as sentences have.
    """

    name: str
    title: str = ""
    form: str = "text"
    opens: str | None = None
    key: Mapping[str, str] = field(default_factory=dict)
    unit: str = ""  # the frame's column that holds the unit of each row, where rows differ in it
    beneath: bool = False

    def form_of(self, row: Mapping[str, Any]) -> str:
        """The form of a cell: the column's, or that of its row's unit."""
        return _BY_UNIT.get(row[self.unit] or "", self.form) if self.unit else self.form

    @property
    def heading(self) -> str:
        return self.title or self.name.replace("_", " ").capitalize()

    def figure_of(self, mart: str) -> tuple[str, str] | None:
        """The table and column of the warehouse that the cells are of; None where they are no figures."""
        if self.opens == "" or (self.opens is None and self.form not in FIGURES):
            return None
        table, _, column = (self.opens or f"{mart}:{self.name}").partition(":")
        if self.opens is None and (not mart or column not in named(mart).names):
            return None
        return table, column or self.name


_BY_TYPE = {"real": "number", "integer": "count", "date": "date", "time": "text", "flag": "flag", "json": "text"}
_UNITS_IN_NAMES = re.compile(r"_(?:usd_per_gpu_hour|usd|share)$")


def shown(of: str, *names: str | Shown) -> tuple[Shown, ...]:
    """Columns of a mart with the form that their declaration suggests: dollars, shares, dates, codes as words.

    A `Shown` among the names stays as it is, for another heading or form, or a column that the mart has not.
    """
    return tuple(name if isinstance(name, Shown) else _shown(of, name) for name in names)


def _shown(of: str, name: str) -> Shown:
    column = named(of).column(name)
    form = _BY_UNIT.get(column.unit) or _BY_TYPE.get(column.type)
    if form is None:  # a text: a code in words, unless it is a sentence, a name or a key
        form = "name" if column.allowed or column.type == "texts" else "text"
    if name == "calendar_quarter":
        form = "quarter"
    if name == "year" or name.endswith("_year"):
        form = "year"
    title = _UNITS_IN_NAMES.sub("", name).replace("_", " ")
    return Shown(name, title[:1].upper() + title[1:], "grade" if name == "grade" else form)


@dataclass(frozen=True, eq=False)
class Table(Block):
    """Rows with their columns. `of` is the mart they are rows of, whose key columns the frame must hold (shown or not).

    `name` is unique on the page: the rows are beside it as `data/PAGE-NAME.csv`. The first column heads its row.
    `empty` says why, where there are no rows. `open` is how many rows are seen before the rest is folded away.
    """

    name: str
    title: str
    rows: pl.DataFrame
    columns: Sequence[Shown]
    of: str = ""
    about: str = ""
    empty: str = "No rows: the facts known by this date give none."
    open_rows: int = 0

    def __post_init__(self) -> None:
        for shown in self.columns:
            if shown.name not in self.rows.columns:
                raise ValueError(f"table {self.name}: its rows have no column {shown.name}")
            if shown.form not in FORMS:
                raise ValueError(f"table {self.name}: {shown.name} has a form that does not exist, {shown.form}")

    def figure(self, shown: Shown, row: Mapping[str, Any]) -> Figure | None:
        """The figure that a cell is; None where it is none, or where its row has no such key."""
        found = shown.figure_of(self.of)
        if found is None:
            return None
        table, column = found
        key_of = key_columns(named(table))
        try:
            key = {name: row[shown.key.get(name, name)] for name in key_of}
        except KeyError as missing:
            raise ValueError(
                f"table {self.name}: a cell of {shown.name} opens {table}, so its rows must hold {', '.join(key_of)}; "
                f'{missing} is missing. Select it (it need not be shown), or give opens="".'
            ) from None
        return (
            None
            if any(value is None for value in key.values())
            else Figure(table, key, column, shown.form_of(row), short=True)
        )


@dataclass(frozen=True, eq=False)
class Chart(Block):
    """A chart with the numbers that it is drawn from, which stand folded beneath it and as CSV.

    `title` says what is to be seen ("Spending doubled in two years"), `description` says it to somebody who cannot see.
    `draw(rows, width)` gives an Altair chart of a width in pixels; it is drawn once for desks and once for phones, so
    ask `width < NARROW` where a phone needs fewer ticks. `numbers` is the table of what is drawn.
    """

    title: str
    description: str
    draw: Callable[[pl.DataFrame, int], Any]
    numbers: Table
    note: Sequence[Span] = ()

    @property
    def name(self) -> str:
        return self.numbers.name


@dataclass(frozen=True, eq=False)
class Fold(Block):
    """Blocks behind a line that opens them."""

    summary: str
    blocks: Sequence[Block]
    open: bool = False


@dataclass(frozen=True, eq=False)
class Columns(Block):
    """Blocks side by side on a desk, below each other on a phone."""

    blocks: Sequence[Block]


@dataclass(frozen=True, eq=False)
class Contents(Block):
    """The list of all pages with a line about each."""


@dataclass(frozen=True, eq=False)
class Template(Block):
    """A template of one's own in `templates/`, with its values: for what no other block can say.

    It gets `values`, and the macros of `blocks.html.j2` as `draw`. Figures among the values are found by tests.
    """

    template: str
    values: Mapping[str, Any]


def figures(blocks: Any) -> Iterator[tuple[Figure, Any]]:
    """Every figure of some blocks with the value it is shown with; the value is `...` where the framework reads it."""
    for found in walk(blocks):
        if isinstance(found, Figure | Words):
            yield (found if isinstance(found, Figure) else Figure(found.table, found.key, found.column, "text")), ...
        elif isinstance(found, Table):
            for row in found.rows.iter_rows(named=True):
                for shown in found.columns:
                    figure = found.figure(shown, row)
                    if figure:
                        yield figure, row[shown.name]


def walk(thing: Any) -> Iterator[Any]:
    """Everything that stands in some blocks, from the outside inwards."""
    if isinstance(thing, pl.DataFrame | str) or callable(thing):
        return
    if isinstance(thing, Mapping):
        yield from walk(list(thing.values()))
    elif isinstance(thing, list | tuple):
        for each in thing:
            yield from walk(each)
    elif is_dataclass(thing):
        yield thing
        for each in fields(thing):
            yield from walk(getattr(thing, each.name))
