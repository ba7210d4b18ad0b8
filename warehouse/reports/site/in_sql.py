"""What the page that is asked in SQL shows, and the files that it loads: the database program, the data, their licences.

They stand in a folder of their own, `assets/sql/`. The program is the same for every run: it is linked from the last
release. The data are a copy of the warehouse (`warehouse.database.excerpt`), made anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from warehouse import files
from warehouse.database import excerpt, views
from warehouse.database.connection import Connection
from warehouse.database.excerpt import Excerpt
from warehouse.reports.dictionary import questions as ready
from warehouse.reports.dictionary import tables as dictionary
from warehouse.reports.dictionary.questions import Question
from warehouse.reports.site import engine

FOLDER = "assets/sql"
ENGINE = f"{FOLDER}/engine.js"
DUCKDB = "1.4.3"
"""The version of DuckDB that the engine is; a test asks it."""
OWN = ("sql.js", "sql.css")


def excerpt_of(connection: Connection) -> Excerpt:
    """What comes along of a warehouse: what the views and ready questions read, and all that is not large."""
    return excerpt.chosen(
        connection, "\n".join([*views.statements(), *(each.sql for each in ready.questions().values())])
    )


def questions(taken: Excerpt) -> Sequence[Mapping[str, str]]:
    """The ready questions that the excerpt answers: `name`, what it `asks`, and its `sql` with the default values."""
    found = [each for each in ready.questions().values() if taken.answers(each.sql)]
    return [
        {"name": each.name, "asks": each.asks, "sql": _opened(each)} for each in sorted(found, key=lambda q: q.asks)
    ]


def _opened(question: Question) -> str:
    """A query that opens with what it asks, and with each value that a reader may change."""
    lines = [f"-- {question.asks}"]
    for each in question.parameters:
        values = f" (one of {', '.join(each.allowed)})" if each.allowed else ""
        lines.append(f"-- {each.name} is {each.literal(each.default or '')} here: {each.meaning}{values}")
    return "\n".join([*lines, question.filled()])


def names(taken: Excerpt) -> Sequence[Mapping[str, str]]:
    """Every name that the page can ask, in the order in which a reader needs them, with what one row of it is."""
    there = {*taken.views, *taken.tables}
    words = [dictionary.describe(name) for name in dictionary.names() if name in there]
    return [{"name": each.name, "about": f"{each.meaning.rstrip('.')}. {each.grain}".strip()} for each in words]


def licences() -> Sequence[str]:
    """The names of the files that hold the licences."""
    return sorted(engine.licences())


def write(folder: Path, connection: Connection, last: Path | None, version_before: str) -> str:
    """Write the files that the page loads into a site; gives the version of the engine.

    `last` is the last release's site, and `version_before` that of its engine.
    """
    (folder / FOLDER).mkdir(parents=True, exist_ok=True)
    version = engine.version()
    if last is not None and version_before == version and (last / ENGINE).is_file():
        files.link(str(last / ENGINE), str(folder / ENGINE))
    else:
        (folder / ENGINE).write_text(engine.script(), encoding="utf-8")
    for name, text in engine.licences().items():
        (folder / FOLDER / name).write_text(text, encoding="utf-8")
    for name in OWN:
        (folder / FOLDER / name).write_bytes((engine.HERE / name).read_bytes())
    (folder / FOLDER / "data.js").write_text(engine.data_script(_database(connection)), encoding="utf-8")
    return version


def _database(connection: Connection) -> bytes:
    with files.temporary_folder() as temporary:
        path = temporary / "warehouse.duckdb"
        excerpt.write(connection, excerpt_of(connection), path)
        return path.read_bytes()
