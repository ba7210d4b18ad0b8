"""What a reader sees who opens a figure: how it was computed, from which judgements, facts and documents.

A figure of the report is a row and a column of a mart. Everything that is said about it is read from the published
warehouse. The formula is declared at the column, the judgements are rows of `marts.assumptions`, and the facts are those
that `overbuild trace` finds. The report opens thousands of rows in one go, so all of them are followed together (`reach`).

Up to forty facts of a table are listed one by one. More are put into groups of one thing (the prices of one share) with
their number, their first and their last. Nobody reads two thousand closing prices, and the command on the page lists
them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import polars as pl

from warehouse import sqltext
from warehouse.database.connection import Connection
from warehouse.reports.addresses import key_columns
from warehouse.reports.lineage import named
from warehouse.reports.reach import ASSUMPTIONS, PAIR, Reach, reach
from warehouse.tables import CORE
from warehouse.tables.table import DUCKDB_TYPES, Table

FEW = 40  # facts of one table that are listed one by one
GROUPS = 12  # groups of the others that have a line of their own
INPUTS = 12  # rows of a mart that are named as direct inputs

Row = dict[str, Any]


@dataclass(frozen=True)
class Shown:
    """How a table of facts is listed: what names a fact, what it says, the day it is about, and what makes a group."""

    names: tuple[str, ...]
    says: tuple[str, ...]
    day: str = ""
    group: tuple[str, ...] = ()


SHOWN = {
    "ai_models": Shown(("model",), ("training_flop", "parameters"), "published", ("organization",)),
    "article_claims": Shown(("claim_id", "statement"), ("value_claimed",), "statement_date"),
    "capex_guidance": Shown(("ticker", "fiscal_year"), ("low_usd", "high_usd"), "issued_on", ("ticker",)),
    "companies": Shown(("ticker", "company"), ("role",)),
    "company_facts": Shown(("ticker", "measure", "period_type"), ("value_usd",), "period_end", ("ticker", "measure")),
    "consumer_prices": Shown(("series", "month"), ("index_value",), "month", ("series",)),
    "corporate_actions": Shown(("ticker", "kind"), ("value",), "date", ("ticker",)),
    "evidence": Shown(("evidence_id", "entity", "metric"), ("value", "value_low", "value_high", "unit"), "as_of_date", ("topic",)),
    "gpu_prices": Shown(("provider", "gpu_model", "gpu_count", "region"), ("usd_per_gpu_hour",), "observed_on", ("provider",)),
    "gpu_specs": Shown(("gpu_model",), ("bf16_dense_tflops", "list_price_usd"), "release_date"),
    "model_capability": Shown(("model",), ("eci", "training_flop"), "released", ("organization",)),
    "shares_outstanding": Shown(("ticker",), ("shares",), "measured_on", ("ticker",)),
    "stock_prices": Shown(("ticker",), ("close", "adj_close"), "date", ("ticker",)),
    "training_runs": Shown(("run_id", "model"), ("gpu_hours", "training_flop", "claimed_cost_usd"), "published", ("developer",)),
}  # fmt: skip
ABOUT_FACTS = ("known_on", "grade", "citation", "locator", "source", "document_sha256", "fact_id")


@dataclass(frozen=True)
class Group:
    """Facts of one thing: how many, the first and the last of them. `rest` says that it stands for several things."""

    name: str
    count: int
    first: Row
    last: Row
    rest: int = 0


@dataclass(frozen=True)
class Document:
    """One document that facts were read from, and the places in it."""

    sha256: str
    name: str
    url: str
    fetched_at: datetime | None
    known_on: date | None
    facts: int
    first_place: str
    last_place: str


@dataclass(frozen=True)
class Facts:
    """The rows of one table of `core` behind a row, all of them or groups, and the documents that they stand in.

    Rows of a mart with the same facts share one object.
    """

    table: Table
    shown: Shown
    count: int
    grade: str
    rows: list[Row] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    documents: list[Document] = field(default_factory=list)


@dataclass(frozen=True)
class Inputs:
    """Rows of a mart that a row takes directly: how many there are, and the first of them."""

    table: Table
    count: int
    rows: list[Row]


@dataclass(frozen=True)
class Opened:
    """One row with everything behind it."""

    table: Table
    row: Row
    inputs: list[Inputs] = field(default_factory=list)
    assumptions: list[Row] = field(default_factory=list)
    facts: list[Facts] = field(default_factory=list)

    @property
    def key(self) -> Row:
        return {name: self.row[name] for name in key_columns(self.table)}


def opened(connection: Connection, wanted: Mapping[str, Iterable[Mapping[str, Any]]]) -> Iterator[Opened]:
    """Every row asked for, by table (`marts.NAME`, `core.NAME` or the name alone) and key, with what is behind it.

    A key that no row has is left out. Raises UsageError for a table that does not exist, KeyError for a key that is not
    whole.
    """
    asked = {named(name): list(keys) for name, keys in wanted.items()}
    found = {table: _wanted_rows(connection, table, keys) for table, keys in asked.items() if keys}
    behind = reach(connection, {t.name: rows for t, rows in found.items() if t.schema == "marts"})
    library = _Library(connection, behind, {t: set(rows) for t, rows in found.items()})
    for table, rows in found.items():
        yield from library.of_table(table, rows)


def _wanted_rows(connection: Connection, table: Table, keys: list[Mapping[str, Any]]) -> dict[int, Row]:
    """The rows that some keys name, by row number."""
    names = key_columns(table)
    given = ", ".join(
        f"unnest(?::{DUCKDB_TYPES[table.column(name).type]}[]) AS {sqltext.identifier(name)}" for name in names
    )
    same = " AND ".join(f"t.{c} IS NOT DISTINCT FROM k.{c}" for c in map(sqltext.identifier, names))
    result = connection.execute(
        f"SELECT DISTINCT ON (t.rowid) t.rowid, t.* FROM (SELECT {given}) AS k JOIN {table.full_name} AS t ON {same} "
        "ORDER BY t.rowid",
        [[key[name] for key in keys] for name in names],
    )
    columns = [column for column, *_ in result.description][1:]
    return {row: dict(zip(columns, cells, strict=True)) for row, *cells in result.fetchall()}


class _Library:
    """What was reached, put together for each row: facts with their order, groups and documents."""

    def __init__(self, connection: Connection, behind: Reach, wanted: Mapping[Table, set[int]]) -> None:
        self.connection, self.behind = connection, behind
        self.documents = {
            (sha256, source): (name, url, fetched, known)
            for sha256, source, name, url, fetched, known in connection.execute(
                "SELECT sha256, source, name, url, fetched_at, known_on FROM provenance.documents"
            ).fetchall()
        }
        self.assumptions = {
            row["__row"]: row for row in self._read(ASSUMPTIONS, ("key", "value", "unit", "meaning", "citation"))
        }
        self.by_key = {entry["key"]: entry for entry in self.assumptions.values()}
        self.facts: dict[str, pl.DataFrame] = {}
        reached: dict[str, set[int]] = {t.full_name: rows for t, rows in wanted.items() if t.schema == "core"}
        for table in wanted:
            for below, pairs in behind.facts.get(table.name, {}).items():
                if table.schema == "marts" and below != ASSUMPTIONS:
                    reached.setdefault(below, set()).update(pairs["below"].unique().to_list())
        for name, rows in reached.items():
            self.facts[name] = self._facts(name, rows)

    def _read(self, table: str, columns: Iterable[str]) -> list[Row]:
        found = self.connection.execute(f"SELECT rowid AS __row, {sqltext.identifiers(columns)} FROM {table}")
        names = [name for name, *_ in found.description]
        return [dict(zip(names, cells, strict=True)) for cells in found.fetchall()]

    def _facts(self, name: str, rows: set[int]) -> pl.DataFrame:
        """The facts of a table in the order in which they are listed, with numbers for their group and document."""
        table = CORE[name.partition(".")[2]]
        shown = shown_of(table)
        columns = dict.fromkeys((*shown.names, *shown.says, *filter(None, [shown.day]), *shown.group, *ABOUT_FACTS))
        frame = self.connection.execute(
            f"SELECT rowid AS below, {sqltext.identifiers(columns)} FROM {name} WHERE rowid IN (SELECT unnest(?))",
            [sorted(rows)],
        ).pl()
        by = list(dict.fromkeys((*shown.group, *shown.names, *filter(None, [shown.day]), "known_on", "fact_id")))
        return (
            frame.sort(by, nulls_last=True, maintain_order=True)
            .with_row_index("place")
            .with_columns(
                pl.col("below").cast(pl.UInt32),
                pl.struct(shown.group or ("source",)).rank("dense").cast(pl.UInt32).alias("of_group"),
                pl.struct("document_sha256", "source").rank("dense").cast(pl.UInt32).alias("of_document"),
                pl.struct(pl.col("locator").str.len_chars().alias("length"), "locator").rank("ordinal").alias("order"),
            )
        )

    def of_table(self, table: Table, rows: Mapping[int, Row]) -> Iterator[Opened]:
        if table.schema == "core":
            own = pl.DataFrame({"row": list(rows), "below": list(rows)}, schema=PAIR)
            facts = {table.full_name: own}
        else:
            facts = self.behind.facts.get(table.name, {})
        listed: dict[int, list[Facts]] = {}
        for name in sorted(facts):
            if name != ASSUMPTIONS and facts[name].height:
                asked = facts[name].filter(pl.col("row").is_in(list(rows)))
                self._list(name, asked, listed)
        assumed: dict[int, list[Row]] = {}
        for row, entry in facts.get(ASSUMPTIONS, pl.DataFrame(schema=PAIR)).iter_rows():
            assumed.setdefault(row, []).append(self.assumptions[entry])
        for number, row in rows.items():
            held = assumed.setdefault(number, [])
            held += [entry for entry in self._named(table, row) if entry not in held]
        inputs = self._inputs(table, rows) if table.schema == "marts" else {}
        for number, row in rows.items():
            yield Opened(
                table,
                row,
                inputs.get(number, []),
                sorted(assumed.get(number, []), key=lambda entry: entry["key"]),
                listed.get(number, []),
            )

    def _named(self, table: Table, row: Row) -> list[Row]:
        """The assumptions that the formulas of a row's figures name."""
        formulas = [
            formula
            for column in table.columns
            if column.formula is not None and row[column.name] is not None
            for formula in column.formula.for_row(row)
        ]
        keys = dict.fromkeys(key for formula in formulas for key in formula.assumptions)
        return [self.by_key[key] for key in keys if key in self.by_key]

    def _list(self, name: str, pairs: pl.DataFrame, listed: dict[int, list[Facts]]) -> None:
        """The facts of one table behind each row, and their documents; rows with the same facts share one list."""
        table, frame = CORE[name.partition(".")[2]], self.facts[name]
        shown = shown_of(table)
        alike = (
            pairs.group_by("row")
            .agg(pl.col("below").hash().sum().alias("sum"), pl.len().alias("count"))
            .with_columns(pl.col("row").min().over("sum", "count").alias("first"))
        )
        pairs = pairs.filter(pl.col("row").is_in(alike["first"].unique().to_list()))
        shared: dict[int, list[int]] = {}
        for row, first in alike.select("row", "first").sort("row").iter_rows():
            shared.setdefault(first, []).append(row)
        order = frame.select("below", "place", "of_group", "of_document", "order", "grade")
        joined = pairs.join(order, on="below", how="inner")
        total = joined.group_by("row").agg(pl.len().alias("count"), pl.col("grade").max())
        counts = {row: (count, grade) for row, count, grade in total.iter_rows()}
        few = joined.join(total.filter(pl.col("count") <= FEW).select("row"), on="row", how="semi").sort("row", "place")
        many = (
            joined.join(total.filter(pl.col("count") > FEW).select("row"), on="row", how="semi")
            .group_by("row", "of_group")
            .agg(pl.len().alias("count"), pl.col("place").min().alias("first"), pl.col("place").max().alias("last"))
            .sort("row", "first")
        )
        places = (
            joined.group_by("row", "of_document")
            .agg(
                pl.len().alias("count"),
                pl.col("place").sort_by("order").first().alias("first"),
                pl.col("place").sort_by("order").last().alias("last"),
            )
            .sort("row", "of_document")
        )
        needed = pl.concat(
            [few["place"], *(each[end] for each in (many, places) for end in ("first", "last"))]
        ).unique()
        every = {row["place"]: row for row in frame[needed.sort()].to_dicts()}
        rows_of: dict[int, list[Row]] = {}
        for row, place in few.select("row", "place").iter_rows():
            rows_of.setdefault(row, []).append(every[place])
        groups_of: dict[int, list[Group]] = {}
        for row, _, count, first, last in many.iter_rows():
            said = " ".join(str(every[first][column]) for column in shown.group) or table.name
            groups_of.setdefault(row, []).append(Group(said, count, every[first], every[last]))
        documents: dict[int, list[Document]] = {}
        for row, _, count, first, last in places.iter_rows():
            one = every[first]
            known = self.documents.get((one["document_sha256"], one["source"]), ("", "", None, None))
            documents.setdefault(row, []).append(
                Document(one["document_sha256"], *known, count, one["locator"], every[last]["locator"])
            )
        for first, (count, grade) in counts.items():
            groups = _folded(groups_of.get(first, []))
            one_list = Facts(table, shown, count, grade, rows_of.get(first, []), groups, documents.get(first, []))
            for row in shared[first]:
                listed.setdefault(row, []).append(one_list)

    def _inputs(self, table: Table, rows: Mapping[int, Row]) -> dict[int, list[Inputs]]:
        """The rows of marts that each row takes directly; assumptions are listed by themselves."""
        found: dict[int, list[Inputs]] = {}
        for name, pairs in sorted(self.behind.inputs.get(table.name, {}).items()):
            if name == ASSUMPTIONS:
                continue
            below = named(name)
            asked = pairs.filter(pl.col("row").is_in(list(rows))).sort("row", "below")
            keys = self.connection.execute(
                f"SELECT rowid AS __row, {sqltext.identifiers(below.key)} FROM {name} WHERE rowid IN (SELECT unnest(?))",
                [asked["below"].unique().to_list()],
            ).pl()
            by_row = {row.pop("__row"): row for row in keys.to_dicts()}
            for row, each in asked.group_by("row", maintain_order=True).agg("below").iter_rows():
                named_rows = [by_row[one] for one in each[:INPUTS]]
                found.setdefault(row, []).append(Inputs(below, len(each), named_rows))
        return found


def shown_of(table: Table) -> Shown:
    """How facts of a table are listed; of one that nobody described, its key and its first figures."""
    if table.name in SHOWN:
        return SHOWN[table.name]
    says = [c.name for c in table.columns if c.type in ("real", "integer") and c.name not in table.key][:2]
    days = [c.name for c in table.columns if c.type == "date" and c.name != "known_on"]
    return Shown(table.key, tuple(says), days[0] if days else "", table.key[:1])


def _folded(groups: list[Group]) -> list[Group]:
    """The largest groups, and one for all the others."""
    if len(groups) <= GROUPS:
        return groups
    largest = sorted(groups, key=lambda group: -group.count)[: GROUPS - 1]
    kept = [group for group in groups if group in largest][: GROUPS - 1]
    others = [group for group in groups if group not in kept]
    count = sum(group.count for group in others)
    return [*kept, Group("", count, others[0].first, others[-1].last, rest=len(others))]
