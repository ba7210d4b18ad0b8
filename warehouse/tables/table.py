"""How a table is declared: once, for everything that needs to know it.

A unit that is written in two places will one day disagree with itself. So each column's name, type, unit, meaning and
constraints stand in one declaration. The DDL with its comments, the Polars schema, the Great Expectations suite and the
data dictionary are derived from it.

Two times are on every fact: the period that it is about (columns of the table) and `known_on`, the day it became
public. `known_on` is what makes an answer as of an earlier date possible without looking ahead.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import polars as pl

from warehouse import sqltext
from warehouse.tables.formula import Formula
from warehouse.tables.guide import Guide
from warehouse.tables.promise import Promise

Type = Literal["text", "texts", "integer", "real", "date", "time", "flag", "json"]
Severity = Literal["critical", "warning"]
BETWEEN_VALUES = "|"
FACT_ID = "fact_id"
NO_GUIDE = Guide()
# What the loading adds to a row that a source has read.
ADDED_BY_LOADING = ("loaded_at", "source", "source_kind", "document_sha256", FACT_ID)
# What says how a row came here and not what it says: a second copy of the same statement is no new row.
ABOUT_LOADING = ("loaded_at", "document_sha256", "locator", FACT_ID)

DUCKDB_TYPES: dict[str, str] = {
    "text": "VARCHAR",
    "texts": "VARCHAR[]",
    "integer": "BIGINT",
    "real": "DOUBLE",
    "date": "DATE",
    "time": "TIMESTAMPTZ",
    "flag": "BOOLEAN",
    "json": "JSON",
}
POLARS_TYPES: dict[str, pl.DataType] = {
    "text": pl.String(),
    "texts": pl.List(pl.String()),
    "integer": pl.Int64(),
    "real": pl.Float64(),
    "date": pl.Date(),
    "time": pl.Datetime("us", "UTC"),
    "flag": pl.Boolean(),
    "json": pl.String(),
}


@dataclass(frozen=True)
class Column:
    """One column: what it is called, what it holds and what can be said of every value in it.

    `minimum` and `maximum` are inclusive; `above` is an exclusive lower bound (a price is above zero).
    `required` means never null. Units stand in the name where the name has one; `unit` says it in words. `allowed` are
    the only values there are, with a meaning each where the name alone does not say it. `prose` is English for a reader:
    no other column, check or trace depends on how it is worded. `was` is the column's name in warehouses of earlier versions.
    `named` are values that the column has among others, with a meaning each. No check holds a column to them.
    `formula` says how the value comes about, where it is computed; `label` is what a page calls the column, where its name
    put into words would not do.
    """

    name: str
    type: Type
    meaning: str
    unit: str = ""
    required: bool = False
    minimum: float | None = None
    above: float | None = None
    maximum: float | None = None
    allowed: tuple[str, ...] | Mapping[str, str] = ()
    prose: bool = False
    was: str = ""
    formula: Formula | None = None
    label: str = ""
    named: Mapping[str, str] = field(default_factory=dict)

    @property
    def values(self) -> Mapping[str, str]:
        """The values that are allowed, or known by name, with what each means; the meaning is empty where the name says it."""
        if isinstance(self.allowed, Mapping):
            return self.allowed
        return dict.fromkeys(self.allowed, "") or self.named

    @property
    def explained(self) -> str:
        """The meaning, and that of each allowed value where it is given."""
        if not any(self.values.values()):
            return self.meaning
        return f"{self.meaning}: {'; '.join(f'{value} ({meaning})' for value, meaning in self.values.items())}"

    @property
    def comment(self) -> str:
        return f"{self.explained} [{self.unit}]" if self.unit else self.explained


@dataclass(frozen=True)
class Check:
    """A rule that one column alone cannot state.

    `unexpected` is SQL. With `quarantines` it is a condition on one row that is true where the row is bad. Such rows
    are quarantined, and the rest goes on. Otherwise it is a query over `{table}` (and `core.*`, `staging.*`) that
    returns what should not be there. `columns` names what the message points at. `protects` says in a sentence what
    would go wrong without the check.

    `quarantines_compared` is for what no row shows by itself. The query compares rows and returns the bad ones with their
    `document_sha256` and `locator`. Those that wait to be loaded are quarantined. `{table}` then stands for them together
    with the loaded ones, and `{core:NAME}` for another table in the same way. What the query finds among loaded rows has
    the check's severity: a person accepted them, or they came before their neighbours.
    """

    name: str
    unexpected: str
    protects: str
    severity: Severity = "critical"
    quarantines: bool = False
    columns: tuple[str, ...] = ()
    quarantines_compared: bool = False


@dataclass(frozen=True)
class OneSource:
    """Rows that form a series (`of`, along the date column `along`), each of which is taken from one source whole.

    Two sources adjust the same series differently. A step from one to the other in the middle of it is a return that
    nobody earned. So one source is taken for the whole of a series. It is the one of the better grade, then the one
    that reaches further, then the first in `preference`. One that is not listed there comes after those that are.
    """

    of: tuple[str, ...]
    along: str
    preference: tuple[str, ...] = ()


@dataclass(frozen=True)
class Listed:
    """An order that a list gives to rows: by the place of their values of `columns` in it; what it lacks comes last."""

    columns: tuple[str, ...]
    values: tuple[tuple[str, ...], ...]

    @property
    def expr(self) -> pl.Expr:
        """The place of a row, from 0."""
        places = {BETWEEN_VALUES.join(each): place for place, each in enumerate(self.values)}
        joined = pl.concat_str(self.columns, separator=BETWEEN_VALUES)
        return joined.replace_strict(places, default=len(places), return_dtype=pl.Int64)

    @property
    def sql(self) -> str:
        """The same as an SQL expression."""
        values = sqltext.literals(BETWEEN_VALUES.join(each) for each in self.values)
        joined = sqltext.identifiers(self.columns)
        return f"coalesce(list_position([{values}], concat_ws('{BETWEEN_VALUES}', {joined})) - 1, {len(self.values)})"


@dataclass(frozen=True)
class Table:
    """A table of the warehouse.

    `key` names the thing that a row speaks of. Several rows may speak of one thing (another day, another source).
    `identity` is what makes them different rows of one document: the key alone where it is not given. `listed` says
    which of a thing's rows of one grade and day goes first, by the place of what they say in a list. `prefer` breaks
    ties between equally good rows of one thing: the lowest value wins. `one_source` says that a series of rows must
    come from one source, and from which. `restates`: its sources say the same thing again in later documents, some of
    it on another basis. What repeats the figures known before adds nothing, and of two rows with one identity the first
    stands. `quarantine_limit`: above this share of a table's new rows, bad rows stop the run instead of being
    quarantined. `guide` is what a reader must know before asking it. `promise` is how old it is at most, and whose it is.
    """

    schema: Literal["core", "marts", "quality", "provenance"]
    name: str
    meaning: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    identity: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()
    prefer: tuple[str, ...] = ()
    quarantine_limit: float = 0.01
    one_source: OneSource | None = None
    restates: bool = False
    listed: tuple[Listed, ...] = ()
    guide: Guide = NO_GUIDE
    promise: Promise | None = None
    _by_name: dict[str, Column] = field(default_factory=dict, repr=False, compare=False)

    def __hash__(self) -> int:
        return hash(self.full_name)

    def __post_init__(self) -> None:
        self._by_name.update({column.name: column for column in self.columns})
        if len(self._by_name) != len(self.columns):
            raise ValueError(f"{self.full_name} declares a column twice")
        series = (*self.one_source.of, self.one_source.along) if self.one_source else ()
        ordered = [name for each in self.listed for name in each.columns]
        for name in (*self.key, *self.identity, *self.prefer, *ordered, *series):
            if name not in self._by_name:
                raise ValueError(f"{self.full_name} names a column that it does not declare: {name}")

    @property
    def full_name(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def own_guide(self) -> Guide:
        """The guide to the table itself. `guide` of a table of facts is the one to its view of current rows."""
        if self.schema != "core":
            return self.guide
        key = ", ".join(self.key)
        return Guide(
            f"One row for each time that a source said so; several may speak of one thing ({key}).",
            f"over its rows: one thing may stand there twice, and {self.name} has the current row of each.",
            {
                "Which source says how much of it, and since when?": "select source, grade, count(*) as facts, "
                f"max(known_on) as newest from {self.full_name} group by all order by all",
                "What became public last?": f"select * from {self.full_name} order by known_on desc limit 5",
                "Which things were said more than once?": f"select {key}, count(*) as facts from {self.full_name} "
                "group by all having count(*) > 1 order by all limit 20",
            },
        )

    @property
    def comment(self) -> str:
        return self.own_guide.beside(self.meaning)

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.columns]

    @property
    def naming_columns(self) -> tuple[str, ...]:
        """The columns whose values make up a fact's `fact_id`: those of its identity.

        Where the document is part of the identity (a list that changed within a day), two documents may hold the same
        fact. Which of them is loaded first decides whose it is. There, all that the row says takes its place.
        """
        if "document_sha256" not in self.identity:
            return self.identity
        return tuple(name for name in self.names if name not in ABOUT_LOADING)

    def column(self, name: str) -> Column:
        return self._by_name[name]

    @cached_property
    def polars_schema(self) -> pl.Schema:
        return pl.Schema({column.name: POLARS_TYPES[column.type] for column in self.columns})

    def empty(self) -> pl.DataFrame:
        """A frame with this table's columns and no rows."""
        return self._empty.clone()

    @cached_property
    def _empty(self) -> pl.DataFrame:
        return pl.DataFrame(schema=self.polars_schema)

    def conform(self, frame: pl.DataFrame, added: Mapping[str, pl.Expr] | None = None) -> pl.DataFrame:
        """`frame` with exactly this table's columns, in order and type. A column that is missing becomes null.

        `added` are columns that are put in, or take the place of the frame's.
        Raises ValueError for a column that the table does not declare: it would be lost without a word.
        """
        given = frame.schema
        if added is None and given == self.polars_schema:
            return frame
        unknown = [name for name in (*given, *(added or ())) if name not in self._by_name]
        if unknown:
            raise ValueError(f"{self.full_name} does not declare {', '.join(unknown)}")
        columns: dict[str, pl.Expr] = dict(added or {})
        for name in given:
            columns.setdefault(name, pl.col(name))
        wanted = {
            name: columns.get(name, pl.lit(None)) if name in given and name not in (added or ()) and given[name] == kind
            else columns.get(name, pl.lit(None)).cast(kind)
            for name, kind in self.polars_schema.items()
        }  # fmt: skip
        return frame.select(**wanted)

    def ddl(self, catalog: str = "", schema: str | None = None) -> list[str]:
        """SQL that creates the table with its comments; `catalog` is the alias the warehouse is attached under."""
        where = f"{catalog + '.' if catalog else ''}{schema or self.schema}.{self.name}"
        body = ",\n  ".join(
            f"{sqltext.identifier(c.name)} {DUCKDB_TYPES[c.type]}{' NOT NULL' if c.required else ''}"
            for c in self.columns
        )
        return [
            f"CREATE TABLE IF NOT EXISTS {where} (\n  {body}\n)",
            f"COMMENT ON TABLE {where} IS {sqltext.literal(self.comment)}",
            *(
                f"COMMENT ON COLUMN {sqltext.identifier(c.name, where)} IS {sqltext.literal(c.comment)}"
                for c in self.columns
            ),
        ]


def of_the_panel() -> Check:
    """The check of a table whose tickers must be those that the panel has (where there is a panel at all).

    Of packaged rows only: a live source is asked for the panel and for the tickers that the user added, and no others.
    """
    return Check(
        "ticker_of_the_panel",
        "select ticker, source, document_sha256, locator from {table} where ticker not in (select ticker from "
        "{core:companies}) and exists (select 1 from {core:companies}) and source_kind = 'reference'",
        "a ticker that the panel lacks is misspelt, or of a company that no answer asks about",
        severity="warning",
        columns=("ticker",),
        quarantines_compared=True,
    )


GRADE_MEANINGS = {
    "A": "a filing or an exchange price",
    "B": "a developer's paper, or Epoch AI",
    "C": "secondary press",
    "D": "hearsay",
}
GRADES = tuple(GRADE_MEANINGS)
SOURCE_KIND = Column(
    "source_kind",
    "text",
    "what kind of source that is",
    required=True,
    allowed={
        "reference": "the snapshot that comes with the program, or a folder of such files",
        "live": "a public host that is asked in a run",
    },
)

# Who says so, since when it is known, and where in which document: the same on every fact.
PROVENANCE = (
    Column("known_on", "date", "day on which this became public; nothing dated earlier may use it", required=True),
    Column(
        "loaded_at",
        "time",
        "when the row's document was received (live) or its run started (snapshot), UTC; the same in a rebuilt warehouse",
        required=True,
    ),
    Column("source", "text", "source of the pipeline that brought the row", required=True),
    SOURCE_KIND,
    Column("citation", "text", "where the fact was read", required=True),
    Column("document_sha256", "text", "SHA-256 of the archived document that holds the row", required=True),
    Column("locator", "text", "place of the row in that document", required=True),
    Column(
        "grade",
        "text",
        "how good the evidence is",
        required=True,
        allowed=GRADE_MEANINGS,
    ),
    Column(
        FACT_ID,
        "text",
        "names the fact: made of what identifies it, so the same in every warehouse that holds it",
        required=True,
    ),
)

# A mart that chooses its facts row by row says which in this column, and leads a trace to them with it.
FACT_IDS = Column("fact_ids", "texts", "the facts behind this row, by the `fact_id` that they have in core")

GRADE_AND_REASON = (
    Column("grade", "text", "weakest grade among the inputs; null where there were none", allowed=GRADE_MEANINGS),
    Column(
        "reasons",
        "texts",
        "why a figure of this row is null, or what to know about it: each a JSON object with its `reason_code` and fields",
    ),
    Column("reason", "text", "the same in words: why a figure is null, or what to know about the row", prose=True),
)


def core(
    name: str,
    meaning: str,
    columns: Iterable[Column],
    *,
    key: tuple[str, ...],
    identity: tuple[str, ...] = (),
    checks: tuple[Check, ...] = (),
    prefer: tuple[str, ...] = (),
    quarantine_limit: float = 0.01,
    one_source: OneSource | None = None,
    restates: bool = False,
    listed: tuple[Listed, ...] = (),
    guide: Guide = NO_GUIDE,
    promise: Promise | None = None,
) -> Table:
    """A table of facts: its own columns, then the ones that every fact has. Two sources may say the same thing."""
    return Table(
        schema="core",
        name=name,
        meaning=meaning,
        columns=(*columns, *PROVENANCE),
        key=key,
        identity=tuple(dict.fromkeys((*(identity or key), "source"))),
        checks=checks,
        prefer=prefer,
        quarantine_limit=quarantine_limit,
        one_source=one_source,
        restates=restates,
        listed=listed,
        guide=guide,
        promise=promise,
    )


def mart(
    name: str,
    meaning: str,
    columns: Iterable[Column],
    *,
    key: tuple[str, ...],
    checks: tuple[Check, ...] = (),
    guide: Guide = NO_GUIDE,
) -> Table:
    """A table of answers: its own columns, then the weakest grade and the reason for what is missing."""
    return Table(
        schema="marts",
        name=name,
        meaning=meaning,
        columns=(*columns, *GRADE_AND_REASON),
        key=key,
        identity=key,
        checks=checks,
        guide=guide,
    )
