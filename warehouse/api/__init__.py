"""The published answer for programs: `import warehouse` in a notebook, a script or a service.

    import warehouse

    warehouse.verdict()                                     # a Polars frame: each question's verdict and its conditions
    warehouse.verdict(assume=["life=3"])                    # a what-if: the same, made with another assumption
    warehouse.table("capex")                                # a table or view as a Polars frame
    warehouse.sql("select ticker, max(capex_usd) from capex group by all")
    warehouse.trace("verdict", "scope = 'ALL' and question = 'Q2'")    # the facts behind a row, with their documents
    with warehouse.open() as connection:                    # asks as a DuckDB connection does, and can only read
        connection.execute("select count(*) from stock_prices").fetchone()

Everything reads what a run has published, as the commands do, and starts no run. A run takes a minute and writes, and a
program that asks a question expects neither. Where nothing is published, the error says which command makes it. Every
function takes `home` (else OVERBUILD_HOME, or `data/` in the current folder) and `as_of`, the day of a dated answer.
"""

from __future__ import annotations

import difflib
import os
import warnings
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from warehouse import sqltext
from warehouse.api.gated import GatedConnection
from warehouse.database import reading, recovery, releases
from warehouse.database.connection import Connection
from warehouse.database.limits import Limits
from warehouse.errors import UsageError
from warehouse.paths import WAREHOUSE, Paths, paths_here
from warehouse.pipeline import answer
from warehouse.reports.failed_sources import FIELDS, failed_sources
from warehouse.reports.overrides import overridden

if TYPE_CHECKING:  # a connection alone needs no Polars, which takes longer to import than DuckDB
    import polars as pl

__all__ = ["UsageError", "open", "sql", "table", "trace", "verdict"]

Home = str | Path | None
Day = date | str | None


def open(home: Home = None, as_of: Day = None) -> GatedConnection:
    """A connection to the published warehouse that asks and fetches as DuckDB's, to be used in a `with` statement or closed.

    It only reads: a statement that writes, opens a file, asks the network or changes a setting is refused, whoever wrote
    it. `.pl()` on a result gives a Polars frame. A run that publishes meanwhile takes nothing away: the connection keeps
    the answer that it opened.

    Raises UsageError where nothing is published, or `as_of` is not a date as `2025-01-28`.
    """
    return GatedConnection(_connected(home, as_of))


def _connected(home: Home, as_of: Day) -> Connection:
    """The engine's own connection, for texts of this program and for those that passed the gate."""
    return releases.connected(published(home, as_of))


def sql(query: str, home: Home = None, as_of: Day = None) -> pl.DataFrame:
    """The result of one query as a Polars frame; the query may read, as in `overbuild sql`, and no more.

    Raises UsageError for a statement that is no read, and with DuckDB's own words where it cannot be run.
    """
    with _connected(home, as_of) as connection:
        return reading.execute(connection, reading.one(connection, query)).pl()


def table(name: str, home: Home = None, as_of: Day = None) -> pl.DataFrame:
    """A whole table or view as a Polars frame: `capex`, `verdict`, `core.stock_prices`.

    `show tables` in `sql` lists what there is; docs/data-dictionary.md explains it. A bare name is a mart or a view; of a
    table of `core`, it is the current row of each thing. Raises UsageError for an unknown name.
    """
    with _connected(home, as_of) as connection:
        known = {
            full.removeprefix("main."): full
            for (full,) in connection.execute(
                "SELECT table_schema || '.' || table_name FROM information_schema.tables"
            ).fetchall()
        }
        asked = name.strip().lower().removeprefix("main.")
        if asked not in known:
            near = difflib.get_close_matches(asked, [*known, *(each.partition(".")[2] for each in known)], n=3)
            meant = f"Did you mean {' or '.join(dict.fromkeys(near))}?" if near else 'sql("show tables") lists them.'
            raise UsageError(f"table {name!r}: there is no such table or view. {meant}")
        schema, _, bare = known[asked].partition(".")
        return connection.execute(f"SELECT * FROM {sqltext.identifier(schema)}.{sqltext.identifier(bare)}").pl()


def verdict(
    company: str | None = None, home: Home = None, as_of: Day = None, assume: Sequence[str] = ()
) -> pl.DataFrame:
    """The answer: one row for each scope (`ALL`, then each company) and question, the overall answer first.

    The columns are those of `marts.verdict`, and three more. `conditions` is a list of structs: the figures and thresholds
    that the verdict rests on. `what_if` says which assumptions are not the packaged ones, or is null. `failed_sources` is a
    list of structs, the same in every row: the sources that failed, for which their last good data stand.

    `company` is a ticker and leaves its rows alone. With `assume`, such as `["life=3"]`, it is a what-if: the verdicts are
    made anew in memory with other assumptions, which takes some seconds, and nothing is written.

    Raises UsageError where there is no verdict for the company, or an assumption is unknown or out of its range.
    """
    import polars as pl

    file = published(home, as_of)
    with releases.reading(file) as connection:
        failed = failed_sources(connection)
    with answer.asked(file.parent, assume, "assume") as connection:
        wanted = answer.scopes(connection, company or "", f"company {company!r}")
        given = _verdicts(connection).filter(pl.col("scope").is_in(wanted))
    kinds: dict[str, Any] = {name: pl.String for name in FIELDS} | {
        "last_success_at": pl.Datetime("us", "UTC"),
        "newest_known_on": pl.Date,
    }
    return given.with_columns(pl.Series("failed_sources", [failed] * given.height, pl.List(pl.Struct(kinds))))


def _verdicts(connection: Connection) -> pl.DataFrame:
    """Each verdict of a warehouse with the conditions behind it, and in words what is no packaged assumption."""
    import polars as pl

    verdicts = connection.execute(answer.VERDICTS).pl()
    conditions = connection.execute(answer.CONDITIONS).pl()
    behind = conditions.group_by("scope", "question", maintain_order=True).agg(
        pl.struct(pl.exclude("scope", "question")).alias("conditions")
    )
    return verdicts.join(behind, on=["scope", "question"], how="left", maintain_order="left").with_columns(
        pl.lit(overridden(connection), pl.String).alias("what_if")
    )


def trace(table: str, where: str = "", limit: int = 25, home: Home = None, as_of: Day = None) -> pl.DataFrame:
    """The facts of `core` behind rows of a mart, one row for each: its figures, citation, document, hash and line.

    `table` is one of marts or core, `where` a condition on its columns. At most `limit` of the rows that meet it are
    followed, in the order of the table's key. `path` tells the way from the row asked for to the fact.

    Raises UsageError for an unknown table, or a `where` that is no condition.
    """
    return traced(table, where, limit, home, as_of)


def traced(
    table: str,
    where: str,
    limit: int = 25,
    home: Home = None,
    as_of: Day = None,
    limits: Limits | None = None,
    stuck: Callable[[str], None] | None = None,
) -> pl.DataFrame:
    """`trace` for who asks on behalf of others: with bounds of what their condition may use (`database.limits`)."""
    import polars as pl

    from warehouse.reports.lineage import described, follow, named

    asked = named(table)
    with releases.reading(published(home, as_of), limits) as connection:
        found = follow(connection, asked, where, limit, limits, stuck)
    by_table: dict[str, list[dict[str, Any]]] = {}
    for node, way in found.facts():
        by_table.setdefault(node[0], []).append(described(found, node, way))
    frames = [pl.DataFrame(facts, infer_schema_length=None) for facts in by_table.values()]
    return pl.concat(frames, how="diagonal_relaxed") if frames else pl.DataFrame()


def published(home: Home = None, as_of: Day = None) -> Path:
    """The file of the published warehouse, or of a dated one. Raises UsageError where there is none."""
    day = _day(as_of)
    if home is None:
        paths = paths_here()
    else:
        root = Path(home).expanduser().absolute()
        paths = Paths(root, root / WAREHOUSE)
    paths = recovery.whole(paths, lambda said: warnings.warn(said, stacklevel=2))
    file = paths.published(day) / WAREHOUSE
    if paths.lake and day is None:
        return file  # it stands for the lake
    if os.path.lexists(paths.published(day)):
        recovery.require(paths, day)
        return file
    if day is None or not (paths.current / WAREHOUSE).exists():
        raise UsageError(
            f"{paths.root}: nothing is published here yet. Run `overbuild run` first, or give the folder of a run as "
            "`home` (or OVERBUILD_HOME)."
        )
    raise UsageError(
        f"{paths.root}: nothing is published as of {day} yet. Run `overbuild run --as-of {day}` first; it is published "
        "beside today's answer."
    )


def _day(as_of: Day) -> date | None:
    if not isinstance(as_of, str):
        return as_of
    try:
        return date.fromisoformat(as_of)
    except ValueError:
        raise UsageError(f"as_of {as_of!r} is not a date; write it as 2025-01-28.") from None
