"""What the shell offers when Tab is pressed behind an option: ready questions, tables, companies.

The shell waits for it, so it reads file names and one short query of what is published, and imports nothing that takes
long. Where nothing is published there is nothing to offer, and no error: the command itself will say so.
"""

from __future__ import annotations

import re

from warehouse.errors import OverbuildError


def questions(incomplete: str) -> list[str]:
    """Names of ready questions that begin so."""
    from importlib import resources

    names = sorted(each.name.removesuffix(".sql") for each in (resources.files("sql") / "questions").iterdir())
    return [name for name in names if name.startswith(incomplete)]


def tables(incomplete: str) -> list[str]:
    """Tables of marts and core, the former without their schema."""
    listed = (
        "SELECT CASE schema_name WHEN 'marts' THEN '' ELSE 'core.' END || table_name FROM duckdb_tables() "
        "WHERE schema_name IN ('core', 'marts') ORDER BY schema_name = 'core', table_name"
    )
    return _published(listed, incomplete)


def described(incomplete: str) -> list[str]:
    """What a query can name: views and marts, then tables of core."""
    views = _published("SELECT view_name FROM duckdb_views() WHERE schema_name = 'main' ORDER BY 1", incomplete)
    return list(dict.fromkeys([*views, *tables(incomplete)]))


def companies(incomplete: str) -> list[str]:
    """Tickers that have a verdict of their own, in either case."""
    found = _published("SELECT DISTINCT scope FROM marts.verdict WHERE scope <> 'ALL' ORDER BY 1", incomplete.upper())
    return [name if name.startswith(incomplete) else name.lower() for name in found]


def _published(query: str, incomplete: str) -> list[str]:
    from warehouse import api

    try:
        with api.open() as connection:
            found = connection.execute(query).fetchall()
    except OverbuildError:
        return []
    return [name for (name,) in found if name.startswith(incomplete) and _PLAIN.fullmatch(name)]


_PLAIN = re.compile(r"[\w.-]+", re.ASCII)
"""What may be offered: a shell puts it into the line that is typed, as it is, and Enter would run what else stands in it."""
